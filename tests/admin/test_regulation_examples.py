"""An owner keeps worked cases: green or red, added, changed, accepted, taken away; times by the calendar's own zone."""

import re

import httpx
import pytest

from service import clock, drafts
from service.regulations import newest
from tests.admin.conftest import Browser, Signs, words
from tests.admin.regulation_forms import fields_of
from tests.desk import OPERATOR, changed_target
from workflow.definition import Role
from workflow.regulation import Example

CASES = "/regulation/draft/examples"
NEW = {"title-1": "Friday", "priority-1": "P1", "start-1": "2026-05-22T17:00", "due-1": "2026-05-25T12:00"}


@pytest.fixture
async def owner(signs_in: Signs) -> Browser:
    browser = await signs_in(Role.PROCESS_OWNER, name="Vera")
    await browser.send("/regulation/draft/begin", on="/regulation")
    return browser


async def typed(browser: Browser, **changes: str) -> httpx.Response:
    return await browser.send(CASES, on=CASES, **(fields_of((await browser.get(CASES)).text, CASES) | changes))


async def cases() -> tuple[Example, ...]:
    draft = await drafts.open_draft()
    assert draft is not None
    return draft.document.examples


async def test_a_case_is_added_in_the_empty_row(owner: Browser) -> None:
    before = await cases()
    assert (await typed(owner, **NEW)).status_code == 303
    added = (await cases())[1]
    assert (await cases())[0] == before[0]
    assert (added.title, added.priority, added.service_level) == ("Friday", "P1", "standard")
    assert (added.start, added.due) == ("2026-05-22T17:00:00+03:00", "2026-05-25T12:00:00+03:00")
    page = await owner.get(CASES)
    assert page.text.count("case-right") == 2
    assert "Example “Friday” is new" in words(await owner.get("/regulation/draft"))


async def test_a_case_the_rules_answer_otherwise_is_red_and_can_be_accepted(owner: Browser) -> None:
    await typed(owner, **(NEW | {"due-1": "2026-05-25T11:00"}))
    page = await owner.get(CASES)
    assert page.text.count("case-wrong") == 1
    assert "These rules give 2026-05-25 12:00." in words(page)
    await typed(owner, accept="1")
    assert (await cases())[1].due == "2026-05-25T12:00:00+03:00"


async def test_a_changed_rule_turns_a_case_red(owner: Browser) -> None:
    draft = await drafts.open_draft()
    assert draft is not None
    assert "case-right" in (await owner.get(CASES)).text
    document = changed_target(draft.document, "P3", amount=7)
    await drafts.save(draft, document, by=OPERATOR, at=clock.now())
    assert "case-wrong" in (await owner.get(CASES)).text


async def test_working_out_saves_nothing(owner: Browser) -> None:
    shown = await typed(owner, check="1", **NEW)
    assert shown.status_code == 200
    assert shown.text.count("case-right") == 2
    assert len(await cases()) == 1


async def test_a_case_is_taken_away(owner: Browser) -> None:
    await typed(owner, **NEW)
    await typed(owner, remove="0")
    assert [one.title for one in await cases()] == ["Friday"]
    await typed(owner, remove="0")
    assert await cases() == ()


@pytest.mark.parametrize(
    ("field", "value"), [("title-1", ""), ("priority-1", "P9"), ("start-1", "soon"), ("due-1", "")]
)  # fmt: skip
async def test_a_case_with_a_hole_is_refused_beside_its_field(owner: Browser, field: str, value: str) -> None:
    refused = await typed(owner, **(NEW | {field: value}))
    assert refused.status_code == 422
    assert re.search(rf'id="e-{field}"', refused.text)
    assert (await newest())[1].examples == await cases()


async def test_others_only_look(owner: Browser, signs_in: Signs) -> None:
    reader = await signs_in(Role.OPERATOR, name="Gleb")
    page = await reader.get(CASES)
    assert page.status_code == 200
    assert 'action="/regulation' not in page.text
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    assert (await reader.client.post(CASES, data={"_csrf_token": token[1], "revision": "1"})).status_code == 403
