"""Whoever may look finds every change of the regulation in its journal, with the difference, page by page."""

import re

import pytest

from admin.pages import DEFAULT_ZONE
from admin.regulation import journal_page
from service import clock, config_journal, drafts
from tests.admin.conftest import Browser, Signs, words
from tests.admin.regulation_forms import fields_of
from tests.desk import OPERATOR, changed_target
from workflow.definition import Role

JOURNAL, PUBLISH = "/regulation/journal", "/regulation/draft/publish"


@pytest.fixture
async def owner(signs_in: Signs) -> Browser:
    browser = await signs_in(Role.PROCESS_OWNER, name="Vera")
    await browser.send("/regulation/draft/begin", on="/regulation")
    return browser


async def test_an_empty_journal_says_what_will_stand_there(signs_in: Signs) -> None:
    reader = await signs_in(Role.SUPERVISOR, name="Gleb")
    assert "Nothing has been changed yet" in words(await reader.get(JOURNAL))


async def test_every_change_stands_there_with_who_and_what_became_different(owner: Browser, signs_in: Signs) -> None:
    draft = await drafts.open_draft()
    assert draft is not None
    await drafts.save(draft, changed_target(draft.document, "P2", amount=360), by=OPERATOR, at=clock.now())
    await owner.send(PUBLISH, on=PUBLISH, **(fields_of((await owner.get(PUBLISH)).text, PUBLISH) | {"note": "Faster"}))
    await owner.send("/regulation/versions/1/bring-back", on="/regulation/history")
    await owner.send("/regulation/draft/discard", on="/regulation/draft")
    page = await (await signs_in(Role.SUPERVISOR, name="Gleb")).get(JOURNAL)
    assert re.findall(r"<h2>([^<]*)</h2>", page.text)[:3] == [
        "Draft discarded", "Draft begun as a copy of version 1",
        f"Version 2 published, in force from {clock.now().astimezone(DEFAULT_ZONE):%-d %B %Y}",
    ]  # fmt: skip
    told = words(page)
    assert told.count("6.3 P2: resolution target 8 → 6 working hours") == 2  # in the draft, and as it was published
    assert f"Draft changed {OPERATOR.name}" in told
    assert "Faster Open tickets keep the version and the deadlines they have." in told


async def test_a_change_noted_in_one_language_only_is_still_shown(owner: Browser) -> None:
    data = {"based_on": 1, "changes": ["P2: resolution target 8 → 6 working hours"]}
    await config_journal.note(by=OPERATOR, at=clock.now(), act="regulation.draft.save", subject="draft 1", data=data)
    await config_journal.note(by=OPERATOR, at=clock.now(), act="regulation.publish", subject="regulation 7")
    told = words(await owner.get(JOURNAL))
    assert "P2: resolution target 8 → 6 working hours" in told
    assert "Version 7 published" in told


async def test_it_is_read_page_by_page(owner: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_page, "PAGE", 2)
    for n in range(3):
        await config_journal.note(by=OPERATOR, at=clock.now(), act="user.add", subject=f"user {n}")
        await config_journal.note(by=OPERATOR, at=clock.now(), act="regulation.draft.discard", subject=f"draft {n}")
    first = await owner.get(JOURNAL)
    following = re.search(r'href="(/regulation/journal\?before=\d+)" rel="next"', first.text)
    assert following is not None
    second = await owner.get(following[1])
    shown = [re.findall(r"<h2>([^<]*)</h2>", page.text) for page in (first, second)]
    assert shown == [["Draft discarded"] * 2, ["Draft discarded", "Draft begun from version 1"]]
    assert 'rel="next"' not in second.text
    assert (await owner.get(f"{JOURNAL}?before=nonsense")).status_code == 200


async def test_strangers_see_none_of_it(stranger: Browser) -> None:
    assert (await stranger.client.get(JOURNAL)).status_code == 401
