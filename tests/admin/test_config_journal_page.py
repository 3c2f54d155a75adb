"""Administrators see who signed in, who was refused, and who changed what; nobody else does."""

import re
from pathlib import Path

from admin.config_journal.page import DEEDS, THINGS, _details
from service import clock, config_journal
from tests.admin.conftest import Browser, Signs, words
from tests.desk import OPERATOR
from workflow.definition import Role

ROOT = Path(__file__).parents[2]


async def test_sign_ins_and_rights_stand_there_in_words(signs_in: Signs) -> None:
    administrator = await signs_in(Role.ADMINISTRATOR)
    at = clock.now()
    data = {"role": "operator", "before": {"role": "supervisor"}}
    await config_journal.note(by=OPERATOR, at=at, act="user.change", subject="olga@desk.example.org", data=data)
    await config_journal.note(by=OPERATOR, at=at, act="something.new", subject="x <script>")
    said = words(await administrator.get("/config-journal"))
    assert "Sign-in: signed in" in said
    assert "Account: changed" in said
    assert "role: Operator; before: (role: Supervisor)" in said
    assert "something.new" in said
    change = {"place": "title", "ru": "Название", "en": "Title"}
    await config_journal.note(by=OPERATOR, at=at, act="regulation.publish", subject="2", data={"changes": [change]})
    assert "changes: Title" in words(await administrator.get("/config-journal"))
    assert "<script>" not in (await administrator.get("/config-journal")).text.partition("<main")[2]
    narrowed = words(await administrator.get("/config-journal?act=user&actor=olg&subject=desk.example"))
    assert "Account: changed" in narrowed
    assert "signed in" not in narrowed
    assert "Nothing fits" in words(await administrator.get("/config-journal?subject=nowhere"))


async def test_it_goes_on_page_by_page(signs_in: Signs) -> None:
    administrator = await signs_in(Role.ADMINISTRATOR)
    for n in range(60):
        await config_journal.note(by=OPERATOR, at=clock.now(), act="token.add", subject=f"key {n}")
    first = await administrator.get("/config-journal?act=token")
    assert "key 59" in words(first)
    onward = re.search(r'href="(/config-journal[^"]*before=\d+)" rel="next"', first.text)
    assert onward is not None
    second = words(await administrator.get(onward[1].replace("&amp;", "&")))
    assert "key 0" in second
    assert "key 59" not in second


async def test_others_have_no_business_there(signs_in: Signs, stranger: Browser) -> None:
    supervisor = await signs_in(Role.SUPERVISOR)
    assert (await supervisor.get("/config-journal")).status_code == 403
    assert (await stranger.get("/config-journal")).status_code == 303


def test_every_act_that_is_noted_has_its_words() -> None:
    noted = set()
    for folder in ("service", "notifications", "admin"):
        for path in (ROOT / folder).rglob("*.py"):
            noted |= set(re.findall(r'act="([a-z_]+\.[a-z_.]+)"', path.read_text("utf-8")))
    assert len(noted) > 25
    named = {act for act in noted if act.partition(".")[0] in THINGS and act.rpartition(".")[2] in DEEDS}
    assert sorted(noted - named) == []


def test_what_was_noted_with_an_act_is_said_in_words() -> None:
    told = {"sees": "own", "members": [1, 2], "role": "operator", "note": ""}
    assert _details(told, "ru") == "видит: свои заявки; участники: 1, 2; роль: Оператор"
