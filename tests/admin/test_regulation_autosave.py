"""What a script sends as it is typed: fields of several editors go together, nonsense keeps back nothing else."""

import re
from html import unescape
from typing import Any

import httpx
import msgspec
import pytest

from service import clock, drafts
from service.database import fetchval
from service.regulations import SomebodyWasFaster, newest
from tests.admin.conftest import Browser, Signs, words
from tests.admin.regulation_forms import fields_of
from tests.desk import OPERATOR, changed_target
from workflow.definition import Role
from workflow.regulation import Regulation

DRAFT, REQUESTS, TALK = "/regulation/draft", "/regulation/draft/requests", "/regulation/draft/talk"
CASES, CALENDAR, PRESENCE = "/regulation/draft/examples", "/regulation/draft/calendar", "/regulation/draft/presence"


@pytest.fixture
async def owner(signs_in: Signs) -> Browser:
    browser = await signs_in(Role.PROCESS_OWNER, name="Vera")
    await browser.send("/regulation/draft/begin", on="/regulation")
    return browser


async def document() -> Regulation:
    draft = await drafts.open_draft()
    assert draft is not None
    return draft.document


async def revision() -> int:
    return int(await fetchval("SELECT revision FROM regulation_draft"))


async def types(
    browser: Browser, page: str, how: str = "save", /, *, ticks: tuple[str, ...] = (), **fields: tuple[str, str]
) -> httpx.Response:
    """Send touched fields as the script does: each with what stood there, and what was typed."""
    token = re.search(r'name="_csrf_token" value="([^"]+)"', (await browser.get(page)).text)
    assert token is not None
    data = {"_csrf_token": token[1]} | {f"was.{name}": was for name, (was, _now) in fields.items()}
    data |= {name: now for name, (_was, now) in fields.items() if now or name not in ticks}
    data |= {f"shown-{name}": "1" for name in ticks}
    return await browser.client.post(page, data=data, headers={"Accept": "text/html", "X-Draft": how})


def told(page: httpx.Response, name: str) -> Any:
    found = re.search(rf'data-{name}="([^"]*)"', page.text)
    assert found is not None
    return msgspec.json.decode(unescape(found[1]))


async def test_a_touched_field_is_saved_and_the_page_tells_what_became_of_it(owner: Browser) -> None:
    answer = await types(owner, DRAFT, **{"target-P2-amount": ("8", "6")})
    assert answer.status_code == 200
    assert (await document()).priorities[1].target.amount == 360
    assert "P2: to be solved within 6 working hours." in words(answer)
    assert 'data-revision="2"' in answer.text
    assert told(answer, "left") == {}
    assert await fetchval("SELECT count(*) FROM config_journal WHERE act = 'regulation.draft.save'") == 1


async def test_trying_judges_and_saves_nothing(owner: Browser) -> None:
    answer = await types(owner, DRAFT, "try", **{"target-P3-amount": ("5", "7")})
    assert "P3: to be solved within 7 working days." in words(answer)
    assert "1 example is wrong" in words(answer)
    assert await document() == (await newest())[1]
    assert await revision() == 1


async def test_nothing_touched_saves_nothing(owner: Browser) -> None:
    await types(owner, DRAFT)
    await types(owner, DRAFT, **{"target-P2-amount": ("8", "8")})
    assert await revision() == 1


async def test_fields_of_two_editors_go_together(owner: Browser, signs_in: Signs) -> None:
    other = await signs_in(Role.ADMINISTRATOR, name="Pavel")
    await types(other, DRAFT, **{"target-P1-amount": ("4", "3")})
    answer = await types(owner, DRAFT, **{"target-P2-amount": ("8", "6")})
    assert [one.target.amount for one in (await document()).priorities[:2]] == [180, 360]
    assert re.search(r'value="3"[^>]*id="f-target-P1-amount"', answer.text)  # and each sees the other's
    assert told(answer, "overrun") == []


async def test_a_field_that_both_changed_is_not_overwritten_unseen(owner: Browser, signs_in: Signs) -> None:
    other = await signs_in(Role.ADMINISTRATOR, name="Pavel")
    await types(other, DRAFT, **{"target-P2-amount": ("8", "3")})
    late = await types(owner, DRAFT, **{"target-P2-amount": ("8", "6"), "target-P1-amount": ("4", "2")})
    assert [one.target.amount for one in (await document()).priorities[:2]] == [120, 180]
    assert told(late, "overrun") == ["target-P2-amount"]
    assert told(late, "left") == {"target-P2-amount": "3"}
    beside = re.search(r'id="e-target-P2-amount"[^>]*>(.*?)</p>', late.text, re.DOTALL)
    assert beside is not None
    assert "Pavel has put “3” here meanwhile." in beside[1] or "Vera has put “3” here meanwhile." in beside[1]
    assert re.search(r'value="6"[^>]*id="f-target-P2-amount"', late.text)  # what was typed stays
    await types(owner, DRAFT, **{"target-P2-amount": ("3", "6")})  # typed again, over what stands there now
    assert (await document()).priorities[1].target.amount == 360


async def test_nonsense_in_one_field_keeps_back_no_other(owner: Browser) -> None:
    answer = await types(owner, REQUESTS, minimum_minutes=("30", "soon"), number_format=("{year}-{n:05}", "SD-{n}"))
    now = await document()
    assert (now.minimum_minutes, now.number_format) == (30, "SD-{n}")
    assert 'id="e-minimum_minutes"' in answer.text
    assert told(answer, "left") == {"minimum_minutes": "30"}
    assert re.search(r'value="soon"[^>]*id="f-minimum_minutes"', answer.text)


async def test_a_row_is_kept_back_until_it_is_whole(owner: Browser) -> None:
    half = {"reason-7-code": ("", "vendor"), "reason-7-name-ru": ("", "Ждём")}
    answer = await types(owner, TALK, **half, largest=("25", "20"))
    now = await document()
    assert len(now.postponement_reasons) == 7
    assert now.attachments.largest_bytes == 20 * 2**20
    assert told(answer, "left") == {"reason-7-code": "", "reason-7-name-ru": ""}
    await types(owner, TALK, **half, **{"reason-7-name-en": ("", "We wait")})
    assert (await document()).postponement_reasons[-1].code == "vendor"


async def test_a_case_is_judged_while_it_is_typed(owner: Browser) -> None:
    case = {"title-1": ("", "Friday"), "priority-1": ("", "P1"), "start-1": ("", "2026-05-22T17:00")}
    half = await types(owner, CASES, "try", **case)
    assert "Not complete yet." in words(half)
    assert "case-wrong" not in half.text
    wrong = await types(owner, CASES, "try", **case, **{"due-1": ("", "2026-05-25T11:00")})
    assert "These rules give 2026-05-25 12:00." in words(wrong)
    right = await types(owner, CASES, "save", **case, **{"due-1": ("", "2026-05-25T12:00")})
    assert right.text.count("case-right") == 2
    assert (await document()).examples[1].due == "2026-05-25T12:00:00+03:00"


async def test_a_tick_is_set_and_cleared(owner: Browser) -> None:
    await types(owner, REQUESTS, ticks=("required-phone",), **{"required-phone": ("1", "")})
    assert "phone" not in (await document()).required_fields
    await types(owner, REQUESTS, ticks=("required-phone",), **{"required-phone": ("", "1")})
    assert "phone" in (await document()).required_fields


async def test_a_click_on_a_day_is_answered_with_the_year(owner: Browser) -> None:
    page = f"{CALENDAR}?year=2026"
    token = re.search(r'name="_csrf_token" value="([^"]+)"', (await owner.get(page)).text)
    assert token is not None
    data = {"_csrf_token": token[1], "day": "2026-06-16", "brush": "next"}
    looks = []
    for _click in range(4):
        answer = await owner.client.post(f"{CALENDAR}/day", data=data, headers={"X-Draft": "save"})
        found = re.search(r'id="d-2026-06-16" class="day day-(\w+)([^"]*)"', answer.text)
        assert found is not None
        looks.append((found[1], "day-differs" in found[2]))
    assert looks == [("off", True), ("short", True), ("working", False), ("off", True)]
    assert "(changed; it was: working day, 09:00–18:00)" in unescape(answer.text)


async def test_two_who_save_at_the_same_moment_both_get_through(
    owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between reading the draft and saving it a colleague saves: the fields go into what the draft is then."""
    save, first = drafts.save, []

    async def slow(draft: drafts.Draft, changed: Regulation, **by: Any) -> drafts.Draft:
        if not first:
            first.append(
                await save(draft, changed_target(draft.document, "P1", amount=60), by=OPERATOR, at=clock.now())
            )
        return await save(draft, changed, **by)

    monkeypatch.setattr(drafts, "save", slow)
    await types(owner, DRAFT, **{"target-P2-amount": ("8", "6")})
    assert [one.target.amount for one in (await document()).priorities[:2]] == [60, 360]


async def test_whoever_is_overtaken_all_the_time_is_told(owner: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(draft: drafts.Draft, changed: Regulation, **by: Any) -> drafts.Draft:
        raise SomebodyWasFaster(who="Pavel")

    monkeypatch.setattr(drafts, "save", never)
    answer = await types(owner, DRAFT, **{"target-P2-amount": ("8", "6")})
    assert answer.status_code in (409, 412)


async def test_a_draft_that_is_gone_is_said_to_be_gone(owner: Browser) -> None:
    page = await owner.get(DRAFT)
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    draft = await drafts.open_draft()
    assert draft is not None
    await drafts.discard(draft, by=OPERATOR, at=clock.now())
    for address, data in ((DRAFT, {}), (f"{CALENDAR}/day", {"day": "2026-06-16", "brush": "off"})):
        answer = await owner.client.post(address, data={"_csrf_token": token[1], **data}, headers={"X-Draft": "save"})
        assert answer.status_code == 410


async def test_a_whole_form_that_comes_too_late_shows_what_it_would_change(owner: Browser, signs_in: Signs) -> None:
    """Without script the form goes as one: before it is put over a colleague's work, it says over what."""
    other = await signs_in(Role.ADMINISTRATOR, name="Pavel")
    await types(other, DRAFT, **{"target-P2-amount": ("8", "3")})
    form = fields_of((await owner.get(DRAFT)).text, DRAFT) | {"revision": "1", "target-P2-amount": "8"}
    late = await owner.client.post(DRAFT, data=form, headers={"Accept": "text/html"})
    assert late.status_code == 412
    assert "What saving now would change in their draft 6.3 P2: resolution target 3 → 8 working hours" in words(late)


# --- who else is here -------------------------------------------------------------------------------------------------


async def is_here(browser: Browser, **said: str) -> dict[str, Any]:
    token = re.search(r'name="_csrf_token" value="([^"]+)"', (await browser.get("/regulation")).text)
    assert token is not None
    answer = await browser.client.post(PRESENCE, data={"_csrf_token": token[1], **said})
    assert answer.status_code == 200
    return dict(answer.json())


async def test_two_editors_notice_each_other_before_they_save(owner: Browser, signs_in: Signs) -> None:
    other = await signs_in(Role.ADMINISTRATOR, name="Pavel")
    assert await is_here(other, writing="1") == {"seq": 1, "others": ""}
    assert await is_here(owner) == {"seq": 1, "others": "Writing now: Pavel."}
    assert "Writing now: Pavel." in words(await owner.get(REQUESTS))
    await types(owner, DRAFT, **{"target-P2-amount": ("8", "6")})
    assert await is_here(other) == {"seq": 2, "others": "Also looking: Vera."}
    await is_here(owner, away="1")
    assert (await is_here(other))["others"] == ""


async def test_presence_says_when_the_draft_is_gone_and_strangers_hear_nothing(
    owner: Browser, stranger: Browser
) -> None:
    draft = await drafts.open_draft()
    assert draft is not None
    await drafts.discard(draft, by=OPERATOR, at=clock.now())
    assert await is_here(owner) == {"seq": 0, "others": ""}
    assert (await stranger.client.post(PRESENCE)).status_code == 401


@pytest.mark.parametrize("how", ["try", "save"])
async def test_others_change_nothing_by_script_either(owner: Browser, signs_in: Signs, how: str) -> None:
    reader = await signs_in(Role.SUPERVISOR, name="Gleb")
    answer = await types(reader, DRAFT, how, **{"target-P2-amount": ("8", "6")})
    assert answer.status_code == 403
    assert await document() == (await newest())[1]
