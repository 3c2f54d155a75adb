"""An owner clicks in the calendar, changes opening hours, and takes a year from outside after seeing the difference."""

import re
from datetime import date

import httpx
import msgspec
import pytest

from service import clock, drafts
from service.database import fetchval
from service.regulations import newest
from tests.admin.conftest import Browser, Signs, words
from tests.admin.regulation_forms import fields_of
from tests.desk import OPERATOR
from workflow.calendar import Calendar, Interval, day_of
from workflow.definition import Role

CALENDAR = "/regulation/draft/calendar"


@pytest.fixture
async def owner(signs_in: Signs) -> Browser:
    browser = await signs_in(Role.PROCESS_OWNER, name="Vera")
    await browser.send("/regulation/draft/begin", on="/regulation")
    return browser


async def calendar() -> Calendar:
    draft = await drafts.open_draft()
    assert draft is not None
    return draft.document.calendar


async def click(browser: Browser, day: str, brush: str) -> httpx.Response:
    return await browser.send(f"{CALENDAR}/day", on=f"{CALENDAR}?year={day[:4]}", day=day, brush=brush)


async def typed(browser: Browser, **changes: str) -> httpx.Response:
    return await browser.send(
        CALENDAR, on=CALENDAR, **(fields_of((await browser.get(CALENDAR)).text, CALENDAR) | changes)
    )


async def test_a_year_shows_every_day_with_what_it_is(owner: Browser) -> None:
    page = await owner.get(f"{CALENDAR}?year=2026")
    assert len(re.findall(r'name="day" value="2026-', page.text)) == 365
    assert 'aria-label="1 May 2026: public holiday, closed"' in page.text
    assert "247 working days" in words(page)


@pytest.mark.parametrize(
    ("brush", "hours"),
    [("off", ()), ("working", (Interval("09:00", "18:00"),)), ("short", (Interval("09:00", "17:00"),))],
)
async def test_a_click_makes_a_day_what_the_brush_says_and_another_takes_it_back(
    owner: Browser, brush: str, hours: tuple[Interval, ...]
) -> None:
    day = "2026-06-13" if brush == "working" else "2026-06-16"  # a Saturday, a Tuesday
    went = await click(owner, day, brush)
    assert went.headers["location"] == f"{CALENDAR}?year=2026&brush={brush}#d-{day}"
    assert day_of(await calendar(), date.fromisoformat(day)).intervals == hours
    assert (await calendar()).overrides == {date.fromisoformat(day): hours}
    back = await owner.get(f"{CALENDAR}?year=2026&brush={brush}")
    assert re.search(rf'value="{brush}" required checked', back.text)
    await click(owner, day, "production")
    assert (await calendar()) == (await newest())[1].calendar


async def test_a_click_that_says_what_the_day_is_anyway_sets_nothing(owner: Browser) -> None:
    await click(owner, "2026-05-01", "off")
    await click(owner, "2026-06-16", "working")
    assert (await calendar()).overrides == {}


async def test_a_click_is_in_the_configuration_journal_with_the_difference(owner: Browser) -> None:
    await click(owner, "2026-06-16", "off")
    data = await fetchval("SELECT data FROM config_journal WHERE act = 'regulation.draft.save'")
    assert [one["en"] for one in msgspec.json.decode(data)["changes"]] == ["16 June 2026: 09:00–18:00 → day off"]


async def test_opening_hours_may_have_a_break(owner: Browser) -> None:
    saved = await typed(
        owner, **{"hours-mon": "9:00-13:00, 14:00–18:00", "hours-sat": "10:00–14:00", "shortened": "minus_1h"}
    )
    assert saved.status_code == 303
    week = (await calendar()).week
    assert week.mon == (Interval("09:00", "13:00"), Interval("14:00", "18:00"))
    assert week.sat == (Interval("10:00", "14:00"),)
    assert (await calendar()).shortened == "minus_1h"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hours-tue", "from nine"), ("hours-tue", "18:00–09:00"), ("hours-tue", "09:00–13:00, 12:00–18:00"),
        ("hours-tue", "09:00–25:00"), ("zone", "Mars/Olympus"), ("zone", ""), ("variant", "none"), ("version", " "),
    ],
)  # fmt: skip
async def test_nonsense_is_refused_beside_its_field(owner: Browser, field: str, value: str) -> None:
    refused = await typed(owner, **{field: value})
    assert refused.status_code == 422
    assert re.search(rf'id="e-{field}"', refused.text)
    assert (await calendar()) == (await newest())[1].calendar


async def test_a_year_from_the_library_is_shown_before_it_is_taken(owner: Browser) -> None:
    draft = await drafts.open_draft()
    assert draft is not None
    short = msgspec.structs.replace(
        draft.document.calendar, years=tuple(year for year in draft.document.calendar.years if year.year < 2026)
    )
    document = msgspec.structs.replace(draft.document, calendar=short)
    await drafts.save(draft, document, by=OPERATOR, at=clock.now())
    shown = await owner.send(f"{CALENDAR}/import", on=CALENDAR, import_year="2026")
    assert shown.status_code == 200
    assert "public holiday" in words(shown)
    assert 2026 not in {year.year for year in (await calendar()).years}
    taken = fields_of(shown.text, f"{CALENDAR}/import/accept")
    await owner.client.post(f"{CALENDAR}/import/accept", data=taken)
    assert 2026 in {year.year for year in (await calendar()).years}


async def test_what_was_typed_for_an_import_that_is_refused_is_kept(owner: Browser) -> None:
    refused = await owner.send(f"{CALENDAR}/import", on=CALENDAR, import_year="28", holidays_only="1")
    assert refused.status_code == 422
    kept = fields_of(refused.text, f"{CALENDAR}/import")
    assert (kept["import_year"], kept["holidays_only"]) == ("28", "1")


async def test_a_year_from_a_file_is_compared_and_a_wrong_file_refused(owner: Browser) -> None:
    page = await owner.get(CALENDAR)
    token = fields_of(page.text, f"{CALENDAR}/import")["_csrf_token"]
    year = b'{"year": 2026, "holidays": ["2026-01-01"]}'
    shown = await owner.client.post(
        f"{CALENDAR}/import", data={"_csrf_token": token}, files={"file": ("year.json", year, "application/json")}
    )
    assert shown.status_code == 200
    assert "1 May 2026" in words(shown)
    wrong = await owner.client.post(
        f"{CALENDAR}/import", data={"_csrf_token": token}, files={"file": ("year.json", b"{}", "application/json")}
    )
    assert wrong.status_code == 422
    assert 'id="e-file"' in wrong.text
    never = await owner.send(f"{CALENDAR}/import", on=CALENDAR, import_year="2099")
    assert never.status_code == 422
    assert 'id="e-import_year"' in never.text


async def test_others_look_at_the_calendar_and_click_nothing(owner: Browser, signs_in: Signs) -> None:
    reader = await signs_in(Role.SUPERVISOR, name="Gleb")
    page = await reader.get(CALENDAR)
    assert page.status_code == 200
    assert 'action="/regulation' not in page.text
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    for path in ("", "/day", "/import", "/import/accept"):
        assert (await reader.client.post(CALENDAR + path, data={"_csrf_token": token[1]})).status_code == 403
