"""A year of the production calendar from outside: from a file, or from the `holidays` library."""

from typing import Any

import msgspec

from service.words import Language
from service.wrong_shapes import wrong_in_file
from workflow.calendar import BadCalendar, Calendar, Decree, YearCalendar
from workflow.words import _

Years = tuple[YearCalendar, ...]
SOURCE = "holidays"
PRELIMINARY = "preliminary"  # a year of which only the public holidays are known
MOVED = "substituted from"  # how the library names a day off moved onto a date


def year_from_holidays(year: int, *, holidays_only: bool = False) -> YearCalendar:
    """The Russian year as the library knows it: no shortened days, no special days, no decree.

    With `holidays_only` a year is preliminary where its transfers are not known: the public holidays alone, guessing
    nothing. Raises BadCalendar for such a year without it.
    """
    from holidays.countries.russia import RU, RussiaStaticHolidays  # a quarter of a second, for one button of the desk

    if year not in RussiaStaticHolidays.special_public_holidays:
        if holidays_only:
            known = RU(years=year, observed=False, language="en_US")  # type: ignore[no-untyped-call]
            return YearCalendar(year=year, holidays=tuple(sorted(known)), status=PRELIMINARY)
        raise BadCalendar(_("The days off of {year} are not known to the library yet."), year=str(year))
    known = RU(years=year, language="en_US")  # type: ignore[no-untyped-call]
    plain = RU(years=year, observed=False, language="en_US")  # type: ignore[no-untyped-call]
    public = {on for on, name in plain.items() if MOVED not in name}
    return YearCalendar(
        year=year,
        holidays=tuple(sorted(public)),
        transferred_off=tuple(sorted(set(known) - public)),
        working_weekends=tuple(sorted(on for on in known.weekend_workdays if on.year == year)),
        status=SOURCE,
        decree=Decree(),
    )


def years_from_file(data: bytes, language: Language) -> tuple[YearCalendar, ...]:
    """The years of a file in our own format: one year, a list of them, or a whole calendar.

    Raises BadCalendar naming the places that do not fit, in the reader's language.
    """
    try:
        return msgspec.convert(_years_in(msgspec.json.decode(data)), Years)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        reason = wrong_in_file(Years, data, language, opened=_years_in)
        raise BadCalendar(_("The file is not a calendar: {reason}"), reason=reason) from wrong


def _years_in(document: Any) -> Any:
    return document.get("years", [document]) if isinstance(document, dict) else document


def with_years(calendar: Calendar, years: tuple[YearCalendar, ...]) -> Calendar:
    """The calendar with these years in the place of its own; show `diff_calendars` before it is accepted."""
    own = {year.year: year for year in calendar.years}
    merged = own | {year.year: _completed(year, own.get(year.year)) for year in years}
    return msgspec.structs.replace(calendar, years=tuple(merged[year] for year in sorted(merged)))


def _completed(year: YearCalendar, old: YearCalendar | None) -> YearCalendar:
    """The library knows no shortened or special days: those that are there stay."""
    if old is None or year.status != SOURCE:
        return year
    return msgspec.structs.replace(year, shortened=old.shortened, special=old.special, decree=old.decree)
