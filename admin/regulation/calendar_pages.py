"""The calendar of the draft: twelve months to click in, its settings, years from outside as a difference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, cast

import msgspec
from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.response import Redirect

from admin.pages import Reading, render, url
from admin.reader import flash, reading
from admin.reading import AnyRequest, typed_in
from admin.regulation.calendar_form import SHORTENED, VARIANTS, WEEKDAYS, calendar_filled, calendar_values
from admin.regulation.fields import Errors
from admin.regulation.frame import CHANGE, LOOK, around_draft, keep, lost
from admin.regulation.part_page import options, part_page
from admin.regulation.parts import HOW, SAVE, Part, Shown, applied, gone, show, take
from admin.regulation.year_view import BRUSHES, NEXT, Brush, months_of, painted, said_kind, short_weekdays
from service import drafts
from service.auth import actor_of
from service.calendar_import import PRELIMINARY, with_years, year_from_holidays, years_from_file
from service.regulations import newest
from service.words import Language, day, translate
from workflow.calendar import BadCalendar, Calendar, YearCalendar, diff_calendars
from workflow.regulation import Regulation
from workflow.words import _

HERE: Final = "/regulation/draft/calendar"
LARGEST_FILE: Final = 2 * 2**20


@get(HERE, guards=[LOOK])
async def calendar_page(request: AnyRequest) -> Response[Any]:
    """A year of the draft's calendar."""
    return await show(request, _part())


@post(HERE, guards=[CHANGE], status_code=303)
async def save_calendar(request: AnyRequest) -> Response[Any]:
    """Save the settings: zone, week, special and shortened days."""
    return await take(request, _part(year=(await typed_in(request)).get("year")))


@post(HERE + "/day", guards=[CHANGE], status_code=303)
async def paint_day(request: AnyRequest) -> Response[Any]:
    """A click on a day: it becomes what the brush says. With script the page is answered, without it is led back to."""
    reader, form = await reading(request), await typed_in(request)
    brush, on = form.get("brush", ""), _date(form.get("day", ""))
    if brush not in BRUSHES or on is None:
        flash(request, translate(reader.language, _("Choose what a click makes of a day.")), "refused")
        return Redirect(HERE, status_code=303)

    def change(document: Regulation) -> Regulation:
        return _with(document, painted(document.calendar, on, cast(Brush, brush)))

    by_script = request.headers.get(HOW) == SAVE
    draft = await applied(change, by=await actor_of(request), at=reader.at)
    if draft is None:
        return gone() if by_script else lost(request, reader)
    if by_script:
        return await _page(request, reader, Shown(draft, draft.document, calendar_values(draft.document)))
    return Redirect(url(HERE, year=on.year, brush=brush) + f"#d-{on.isoformat()}", status_code=303)


# --- years from outside -----------------------------------------------------------------------------------------------


@post(HERE + "/import", guards=[CHANGE], status_code=200)
async def compare_import(request: AnyRequest) -> Response[Any]:
    """What years from a file or from the library would change; nothing is saved yet."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    try:
        years = await _years(request, reader.language)
    except BadCalendar as wrong:
        errors = {"import_year" if "year" in wrong.params else "file": (wrong.sentence, dict(wrong.params))}
        shown = Shown(draft, draft.document, calendar_values(draft.document), errors=errors, status=422)
        return await _page(request, reader, shown)
    return render(
        "regulation/calendar_import.html",
        reader,
        **await around_draft(reader, draft, "calendar"),
        years=[year.year for year in years],
        given=msgspec.json.encode(years).decode(),
        differing=_differing(draft.document.calendar, with_years(draft.document.calendar, years), reader.language),
        statuses={year.year: year.status for year in years},
    )


async def _years(request: AnyRequest, language: Language) -> tuple[YearCalendar, ...]:
    """The years of the file, else the one asked of the library. Raises BadCalendar."""
    form = await request.form()
    file = form.get("file")
    if isinstance(file, UploadFile) and (data := await file.read(LARGEST_FILE)):
        return years_from_file(data, language)
    year = str(form.get("import_year", "")).strip()
    if not (year.isascii() and year.isdigit() and len(year) == 4):
        raise BadCalendar(_("Give a year such as {year}."), year="2027")
    return (year_from_holidays(int(year), holidays_only=form.get("holidays_only") == "1"),)


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
        years = years_from_file((await typed_in(request)).get("years", "").encode(), reader.language)
    except BadCalendar as wrong:
        flash(request, translate(reader.language, wrong.sentence, **wrong.params), "refused")
        return Redirect(HERE, status_code=303)
    calendar = with_years(draft.document.calendar, years)
    to = url(HERE, year=years[0].year if years else None)
    return await keep(request, reader, draft, _with(draft.document, calendar), to=to)


# --- the page ---------------------------------------------------------------------------------------------------------


def _with(document: Regulation, calendar: Calendar) -> Regulation:
    made: Regulation = msgspec.structs.replace(document, calendar=calendar)
    return made


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


async def _page(request: AnyRequest, reader: Reading, shown: Shown) -> Response[str]:
    calendar, language = shown.document.calendar, reader.language
    _version, before = await newest()
    today = reader.at.astimezone(reader.zone).date()
    known = sorted(year.year for year in calendar.years)
    form = await typed_in(request)
    asked = form.get("year") or form.get("day", "")[:4] or request.query_params.get("year") or ""
    year = _year(asked, known, today.year)
    missing = calendar.missing_year(today)
    brush = form.get("brush") or request.query_params.get("brush", "")
    return await part_page(
        "regulation/calendar.html",
        request,
        reader,
        replace(shown, errors=_named_days(shown.errors, language)),
        section="calendar",
        year=year,
        years=known,
        decree=next((one.decree.number for one in calendar.years if one.year == year), None),
        preliminary=any(one.year == year and one.status == PRELIMINARY for one in calendar.years),
        months=months_of(calendar, year, language, before=before.calendar) if year in known else (),
        missing=missing,
        brush=brush if brush in BRUSHES else NEXT,
        brushes=options(BRUSHES, language),
        variants=options(VARIANTS, language),
        shortened=options(SHORTENED, language),
        weekdays=[(name, translate(language, said)) for name, said in WEEKDAYS.items()],
        today=today,
        short_names=short_weekdays(language),
        wanted=form.get("import_year") or missing or (known[-1] + 1 if known else today.year),
        holidays_only=form.get("holidays_only") == "1",
    )


def _part(*, year: str | None = None) -> Part:
    return Part(url(HERE, year=year), calendar_values, calendar_filled, _page)


def _year(asked: str, known: list[int], this: int) -> int:
    return next((year for year in known if str(year) == asked), _nearest(known, this))


def _nearest(known: list[int], year: int) -> int:
    return min(known, key=lambda one: abs(one - year), default=year)


def _named_days(errors: Errors, language: Language) -> Errors:
    """A fault of a weekday names it in words."""
    return {
        field: (sentence, {**params, "day": translate(language, WEEKDAYS[params["day"]])})
        if params.get("day") in WEEKDAYS
        else (sentence, params)
        for field, (sentence, params) in errors.items()
    }


CALENDAR_PAGES: Final = (calendar_page, paint_day, save_calendar, compare_import, accept_import)
