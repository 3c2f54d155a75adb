"""An owner tries the draft on real tickets, chooses what open ones do, publishes, and sees what clauses rest on."""

import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec
import pytest

from admin.regulation import history
from admin.regulation.clause_carriers import CHECKS, SETTINGS
from admin.regulation.frame import SECTIONS
from service import clock, drafts, republishing
from service.coverage import FIGURES
from service.intake import Request, receive
from service.regulation_text import chapters
from service.regulations import in_force, newest, publish
from service.ticket import Ticket
from service.tickets import carry_out
from tests.admin.conftest import Browser, Signs, words
from tests.admin.regulation_forms import fields_of
from tests.desk import ASKER, OPERATOR, changed_target
from workflow.definition import Role
from workflow.regulation import default_regulation, dump, load

PUBLISH, SIMULATION, HISTORY = "/regulation/draft/publish", "/regulation/draft/simulation", "/regulation/history"
ROOT = Path(__file__).parents[1]


@pytest.fixture
async def owner(signs_in: Signs) -> Browser:
    browser = await signs_in(Role.PROCESS_OWNER, name="Vera")
    await browser.send("/regulation/draft/begin", on="/regulation")
    return browser


async def a_ticket(priority: str = "P2") -> Ticket:
    request = Request(channel="email", subject="No print", text="Help", email="ivan@example.com", language="en")
    ticket = await receive(request, by=ASKER, at=clock.now(), cause=f"mail:{uuid4()}")
    return await carry_out(
        ticket.id, "register", by=OPERATOR, at=clock.now(), cause=f"request:{uuid4()}", given={"priority": priority}
    )


async def halve_p2() -> None:
    draft = await drafts.open_draft()
    assert draft is not None
    await drafts.save(draft, changed_target(draft.document, "P2", amount=240), by=OPERATOR, at=clock.now())


async def published(browser: Browser, **typed: str) -> httpx.Response:
    return await browser.send(PUBLISH, on=PUBLISH, **(fields_of((await browser.get(PUBLISH)).text, PUBLISH) | typed))


async def test_the_simulation_shows_which_deadlines_move_and_how_the_months_would_have_ended(
    owner: Browser, signs_in: Signs
) -> None:
    ticket = await a_ticket()
    await a_ticket("P3")
    await halve_p2()
    page = await owner.get(SIMULATION)
    assert "1 deadline moves: 1 earlier, 0 later." in words(page)
    assert ticket.number in words(page)
    assert f"/desk/tickets/{ticket.id}" not in page.text  # the owner has no desk
    assert page.text.count('<svg class="bars"') == 1  # no solution is decided yet
    assert page.text.count('class="shift shift-') == 1  # the way of its deadline, drawn
    for query in ("?sort=shift&choice=from_now&months=12&order=down", "?months=0&choice=x&sort=y&order=z"):
        assert (await owner.get(SIMULATION + query)).status_code == 200
    supervisor = await signs_in(Role.SUPERVISOR, name="Gleb")
    assert f"/desk/tickets/{ticket.id}" in (await supervisor.get(SIMULATION)).text


async def test_every_column_sorts_and_a_second_click_turns_it_round(owner: Browser) -> None:
    await a_ticket()
    await halve_p2()
    page = (await owner.get(SIMULATION)).text
    assert page.count('aria-sort="ascending"') == 1
    heads = [unescape(one) for one in re.findall(r'class="sorts" href="([^"#]+)#moved"', page)]
    assert [re.findall(r"sort=(\w+)", one)[0] for one in heads] == ["number", "priority", "old_due", "new_due", "shift"]
    for head in heads:
        once = (await owner.get(head)).text
        turned = re.search(r'aria-sort="(\w+)"><a class="sorts" href="([^"#]+)#moved"', once)
        assert turned is not None
        twice = (await owner.get(unescape(turned[2]))).text
        assert {turned[1], re.findall(r'aria-sort="(\w+)"', twice)[0]} == {"ascending", "descending"}


async def test_a_draft_that_does_not_fit_together_is_not_simulated(owner: Browser) -> None:
    requests = "/regulation/draft/requests"
    await owner.send(requests, on=requests, number_format="{year}")
    page = await owner.get(SIMULATION)
    assert page.status_code == 200
    assert "numbers would repeat" in words(page)
    assert (await owner.get(PUBLISH)).status_code == 200


@pytest.mark.parametrize(("choice", "moved"), [("keep", False), ("from_start", True), ("from_now", True)])
async def test_open_tickets_do_what_the_owner_chose(owner: Browser, choice: str, moved: bool) -> None:
    ticket = await a_ticket()
    await halve_p2()
    page = await owner.get(PUBLISH)
    assert "1 deadline moves" in words(page)
    assert (await published(owner, open_tickets=choice)).headers["location"] == HISTORY
    await republishing.carry_on(at=clock.now())
    version = (await newest())[0]
    told = await republishing.progress(version)
    assert (told.choice, told.done) == (choice, int(moved))
    history = words(await owner.get(HISTORY))
    assert ("1 of 1 open tickets are carried over." in history) is moved
    assert ticket.due_at is not None


async def test_a_choice_that_does_not_exist_is_refused(owner: Browser) -> None:
    refused = await published(owner, open_tickets="all")
    assert refused.status_code == 422
    assert 'id="e-open_tickets"' in refused.text
    assert (await newest())[0] == 1


async def test_a_document_goes_out_as_a_file_and_comes_back_as_the_draft(owner: Browser) -> None:
    file = await owner.get("/regulation/versions/1/export")
    assert 'filename="regulation-1.json"' in file.headers["content-disposition"]
    assert load(file.content) == default_regulation()
    changed = dump(changed_target(default_regulation(), "P1", amount=60))
    token = fields_of((await owner.get(HISTORY)).text, "/regulation/draft/import")["_csrf_token"]
    taken = await owner.client.post(
        "/regulation/draft/import",
        data={"_csrf_token": token},
        files={"document": ("r.json", changed, "application/json")},
    )
    assert taken.headers["location"] == "/regulation/draft"
    assert load((await owner.get("/regulation/draft/export")).content) == load(changed)
    assert "P1: resolution target 4 → 1 working hour" in words(await owner.get("/regulation/draft"))
    assert (await in_force(at=clock.now())).version == 1


async def test_versions_are_compared_and_old_ones_stand_on_further_pages(
    owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for amount in (60, 120, 180):
        version, document = await newest()
        await publish(changed_target(document, "P1", amount=amount), based_on=version, by=OPERATOR, at=clock.now())
    compared = words(await owner.get("/regulation/versions/1/compare"))
    assert "From version 1 to version 4" in compared
    assert "P1: resolution target 4 → 3 working hours" in compared
    assert "4 → 1 working hour" in words(await owner.get("/regulation/versions/1/compare?with=2"))
    assert "Nothing differs." in words(await owner.get("/regulation/versions/4/compare?with=nonsense"))
    for missing in (0, 9):
        assert (await owner.get(f"/regulation/versions/{missing}/compare")).status_code == 404
    monkeypatch.setattr(history, "MOST_SHOWN", 3)
    first = await owner.get(HISTORY)
    assert re.findall(r'id="version-(\d+)"', first.text) == ["4", "3", "2"]
    older = re.search(r'href="(/regulation/history\?before=2)" rel="next"', first.text)
    assert older is not None
    last = await owner.get(older[1])
    assert re.findall(r'id="version-(\d+)"', last.text) == ["1"]
    assert "The first version." in words(last)


async def test_the_history_says_of_a_version_that_was_passed_over_that_it_never_comes(owner: Browser) -> None:
    version, document = await newest()
    later = clock.now() + timedelta(days=3)
    await publish(
        document, based_on=version, by=OPERATOR, at=clock.now(), effective_at=later, open_tickets="from_start"
    )
    assert "takes effect later" in words(await owner.get(HISTORY))
    assert f"Version {version + 1} by Olga takes effect on" in words(await owner.get("/regulation"))
    await publish(document, based_on=version + 1, by=OPERATOR, at=clock.now())
    page = words(await owner.get(HISTORY))
    assert "takes effect later" not in page
    assert "This version does not come into force: a later one took its place." in page
    assert "They are carried over once the version is in force." not in page
    assert "takes effect on" not in words(await owner.get("/regulation"))


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[1", dump(default_regulation()).replace(b"Europe/Moscow", b"Mars/Olympus")]
)
async def test_a_file_that_is_no_document_is_refused_with_its_reason(owner: Browser, data: bytes) -> None:
    token = fields_of((await owner.get(HISTORY)).text, "/regulation/draft/import")["_csrf_token"]
    await owner.client.post(
        "/regulation/draft/import",
        data={"_csrf_token": token},
        files={"document": ("r.json", data, "application/json")},
    )
    said = words(await owner.get(HISTORY))
    assert "The file was not taken." in said
    assert ("None was chosen, or it is empty." in said) == (data == b"")
    draft = await drafts.open_draft()
    assert draft is not None
    assert draft.document == default_regulation()


async def test_every_part_of_the_draft_leads_to_every_other(owner: Browser, signs_in: Signs) -> None:
    supervisor = await signs_in(Role.SUPERVISOR, name="Gleb")
    parts = [href for _name, _clauses, _said, href in SECTIONS]
    for part in parts:
        chips = re.findall(r'<a class="chip(?: on)?" href="(/regulation/draft[^"?]*)"', (await owner.get(part)).text)
        assert chips[: len(parts)] == parts
    seen = re.findall(
        r'<a class="chip(?: on)?" href="(/regulation/draft[^"?]*)"', (await supervisor.get(parts[0])).text
    )
    assert seen == parts[:-1]


async def test_every_clause_stands_on_the_coverage_page_with_figures_that_lead_to_tickets(owner: Browser) -> None:
    await a_ticket()
    page = await owner.get("/regulation/coverage")
    clauses = {one.number for chapter in chapters(default_regulation(), "en") for one in chapter.clauses}
    assert set(re.findall(r'href="/regulation/public#clause-([\d.]+)">\d', page.text)) == clauses
    assert set(SETTINGS) | set(CHECKS) <= clauses
    assert "registered in time: 100%, 0 late" in words(page)
    assert "(has not run yet)" in words(page)
    assert re.search(r"\d+ working days", words(page))
    assert "2 answers stand ready" in words(page)
    for href in set(re.findall(r'href="(/regulation/draft[^"]*)"', page.text)):  # every setting leads to its panel
        target, _hash, anchor = href.partition("#")
        assert not anchor or f'id="{anchor}"' in (await owner.get(target)).text, href
    assert "1: received" in words(page)
    for href in set(re.findall(r'href="(/regulation/coverage/[^"]+)"', page.text)):
        assert "No print" in words(await owner.get(href))
    assert set(SETTINGS) | set(CHECKS) | set(FIGURES) | {"1", "6.3", "7.8"} == clauses  # nothing rests on nothing
    for name in ("registration", "resolution"):
        assert "No tickets" in words(await owner.get(f"/regulation/coverage/{name}"))
    assert (await owner.get("/regulation/coverage/9.9")).status_code == 404


def test_every_check_that_the_coverage_page_names_exists() -> None:
    known = {
        name for path in ROOT.rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text("utf-8"))
    }
    named = {test for checks in CHECKS.values() for _said, test in checks if test}
    assert named <= known


async def test_others_look_and_strangers_do_not(owner: Browser, signs_in: Signs, stranger: Browser) -> None:
    operator = await signs_in(Role.OPERATOR, name="Gleb")
    for path in (SIMULATION, HISTORY, "/regulation/coverage", "/regulation/coverage/4.1"):
        assert (await operator.get(path)).status_code == 200
        assert (await stranger.client.get(path)).status_code == 401
    token = re.search(r'name="_csrf_token" value="([^"]+)"', (await operator.get(HISTORY)).text)
    assert token is not None
    for path in (PUBLISH, "/regulation/draft/import"):
        assert (await operator.client.post(path, data={"_csrf_token": token[1]})).status_code == 403


async def refused_import(owner: Browser, document: bytes) -> str:
    token = fields_of((await owner.get(HISTORY)).text, "/regulation/draft/import")["_csrf_token"]
    refused = await owner.client.post(
        "/regulation/draft/import",
        data={"_csrf_token": token},
        files={"document": ("r.json", document, "application/json")},
        follow_redirects=True,
    )
    return words(refused)


async def test_a_file_that_is_no_document_is_refused_place_by_place(owner: Browser) -> None:
    broken = msgspec.to_builtins(default_regulation())
    broken["priorities"][1]["code"] = 5
    told = await refused_import(owner, msgspec.json.encode(broken))
    assert "Where it stumbles: priorities.1.code: Expected here: text." in told


async def test_a_document_that_an_editor_saved_in_another_encoding_is_refused_in_words(owner: Browser) -> None:
    saved = dump(default_regulation()).decode().encode("cp1251", errors="replace")
    assert "Where it stumbles: This is not JSON in UTF-8." in await refused_import(owner, saved)


async def test_a_version_beyond_all_numbers_is_not_there(owner: Browser) -> None:
    for version in (99, 99999999999999, 10**30):
        assert (await owner.get(f"/regulation/versions/{version}/export")).status_code == 404, version
