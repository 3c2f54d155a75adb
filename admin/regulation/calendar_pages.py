"""The calendar of the draft: twelve months to click in, its settings, years from outside as a difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, cast

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.response import Redirect

from admin.pages import Reading, render, url
from admin.reader import flash, reading
from admin.reading import AnyRequest
from admin.regulation.calendar_form import SHORTENED, VARIANTS, WEEKDAYS, calendar_filled, calendar_values
from admin.regulation.frame import CHANGE, LOOK, around_draft, keep, lost, overtaken, typed
from admin.regulation.year_view import BRUSHES, Brush, months_of, painted, said_kind, short_weekdays
from service import drafts
from service.calendar_import import with_years, year_from_holidays, years_from_file
from service.drafts import Draft
from service.words import Language, day, translate
from workflow.calendar import BadCalendar, Calendar, YearCalendar, diff_calendars
from workflow.regulation import Regulation
from workflow.words import _

HERE: Final = "/regulation/draft/calendar"
LARGEST_FILE: Final = 2 * 2**20
Errors = Mapping[str, tuple[str, Mapping[str, str]]]


@get(HERE, guards=[LOOK])
async def calendar_page(request: AnyRequest) -> Response[Any]:
    """A year of the draft's calendar."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    return await _page(request, reader, draft, calendar_values(draft.document.calendar))


@post(HERE + "/day", guards=[CHANGE], status_code=303)
async def paint_day(request: AnyRequest) -> Response[Any]:
    """A click on a day: it becomes what the brush says."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    form = await typed(request)
    brush, on = form.get("brush", ""), _date(form.get("day", ""))
    if brush not in BRUSHES or on is None:
        flash(request, translate(reader.language, _("Choose what a click makes of a day.")), "refused")
        return Redirect(HERE, status_code=303)
    calendar = painted(draft.document.calendar, on, cast(Brush, brush))
    to = url(HERE, year=on.year, brush=brush) + f"#d-{on.isoformat()}"
    return await keep(request, reader, draft, _with(draft, calendar), to=to)


@post(HERE, guards=[CHANGE], status_code=303)
async def save_calendar(request: AnyRequest) -> Response[Any]:
    """Save the settings: zone, week, special and shortened days."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    form = await typed(request)
    values = calendar_values(draft.document.calendar) | form
    if refusal := overtaken(draft, form, reader.language):
        return await _page(request, reader, draft, values, refusal=refusal, status=412)
    calendar, errors = calendar_filled(draft.document.calendar, values)
    if calendar is None:
        return await _page(request, reader, draft, values, errors=errors, status=422)
    return await keep(request, reader, draft, _with(draft, calendar), to=url(HERE, year=form.get("year")))


# --- years from outside -----------------------------------------------------------------------------------------------


@post(HERE + "/import", guards=[CHANGE], status_code=200)
async def compare_import(request: AnyRequest) -> Response[Any]:
    """What years from a file or from the library would change; nothing is saved yet."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    try:
        years = await _years(request)
    except BadCalendar as wrong:
        errors = {"import_year" if "year" in wrong.params else "file": (wrong.sentence, wrong.params)}
        values = calendar_values(draft.document.calendar)
        return await _page(request, reader, draft, values, errors=errors, status=422)
    return render(
        "regulation/calendar_import.html",
        reader,
        **await around_draft(reader, draft, "calendar"),
        years=[year.year for year in years],
        given=msgspec.json.encode(years).decode(),
        differing=_differing(draft.document.calendar, with_years(draft.document.calendar, years), reader.language),
        statuses={year.year: year.status for year in years},
    )


async def _years(request: AnyRequest) -> tuple[YearCalendar, ...]:
    """The years of the file, else the one asked of the library. Raises BadCalendar."""
    form = await request.form()
    file = form.get("file")
    if isinstance(file, UploadFile) and (data := await file.read(LARGEST_FILE)):
        return years_from_file(data)
    year = str(form.get("import_year", "")).strip()
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        raise BadCalendar(_("Give a year such as {year}."), year="2027")
    return (year_from_holidays(int(year)),)


@dataclass(frozen=True, slots=True)
class Differing:
    """A day that would become another one."""

    said: str
    before: str
    after: str


def _differing(old: Calendar, new: Calendar, language: Language) -> dict[int, list[Differing]]:
    """By year, the days that differ; of a year that was not loaded, those that are no plain days of the week."""
    found: dict[int, list[Differing]] = {}
    for on, before, after in diff_calendars(old, new):
        days = found.setdefault(on.year, [])
        if before is not None or (after is not None and after.why not in ("ordinary", "weekend")):
            days.append(Differing(day(language, on), said_kind(before, language), said_kind(after, language)))
    return found


@post(HERE + "/import/accept", guards=[CHANGE], status_code=303)
async def accept_import(request: AnyRequest) -> Response[Any]:
    """Take the compared years into the draft."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    try:
        years = years_from_file((await typed(request)).get("years", "").encode())
    except BadCalendar as wrong:
        flash(request, translate(reader.language, wrong.sentence, **wrong.params), "refused")
        return Redirect(HERE, status_code=303)
    calendar = with_years(draft.document.calendar, years)
    to = url(HERE, year=years[0].year if years else None)
    return await keep(request, reader, draft, _with(draft, calendar), to=to)


# --- the page ---------------------------------------------------------------------------------------------------------


def _with(draft: Draft, calendar: Calendar) -> Regulation:
    document: Regulation = msgspec.structs.replace(draft.document, calendar=calendar)
    return document


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


async def _page(
    request: AnyRequest,
    reader: Reading,
    draft: Draft,
    values: Mapping[str, str],
    *,
    errors: Errors | None = None,
    refusal: str = "",
    status: int = 200,
) -> Response[str]:
    calendar, language = draft.document.calendar, reader.language
    today = reader.at.astimezone(reader.zone).date()
    known = sorted(year.year for year in calendar.years)
    asked = request.query_params.get("year", values.get("year", ""))
    year = int(asked) if asked.isdigit() and int(asked) in known else _nearest(known, today.year)
    missing = calendar.missing_year(today)
    brush = request.query_params.get("brush", "off")
    return render(
        "regulation/calendar.html",
        reader,
        status_code=status,
        **await around_draft(reader, draft, "calendar"),
        values=values,
        errors={field: _said_error(*fault, language) for field, fault in (errors or {}).items()},
        refused=len(errors or {}),
        refusal=refusal,
        year=year,
        years=known,
        decree=next((one.decree.number for one in calendar.years if one.year == year), None),
        months=months_of(calendar, year, language) if year in known else (),
        missing=missing,
        brush=brush if brush in BRUSHES else "off",
        brushes=[(code, translate(language, said)) for code, said in BRUSHES.items()],
        variants=[(code, translate(language, said)) for code, said in VARIANTS.items()],
        shortened=[(code, translate(language, said)) for code, said in SHORTENED.items()],
        weekdays=[(name, translate(language, said)) for name, said in WEEKDAYS.items()],
        today=today,
        short_names=short_weekdays(language),
        wanted=missing or (known[-1] + 1 if known else today.year),
    )


def _nearest(known: list[int], year: int) -> int:
    return min(known, key=lambda one: abs(one - year), default=year)


def _said_error(sentence: str, params: Mapping[str, str], language: Language) -> str:
    """A fault of a weekday names it in words."""
    named = {**params}
    if named.get("day") in WEEKDAYS:
        named["day"] = translate(language, WEEKDAYS[named["day"]])
    return translate(language, sentence, **named)


CALENDAR_PAGES: Final = (calendar_page, paint_day, save_calendar, compare_import, accept_import)
