"""A year of the calendar as twelve months of days, each with what it is and why; and what a click makes of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, cast

import msgspec
from babel.dates import format_date

from service.words import Language, day, translate
from workflow.calendar import Calendar, CalendarOutOfRange, Day, Hours, an_hour_less, day_of, in_order
from workflow.words import _

Brush = Literal["next", "off", "working", "short", "production"]
NEXT: Final = "next"

# What a click makes of a day.
BRUSHES: Final[Mapping[str, str]] = {
    NEXT: _("the next in turn: off, short, working"),
    "off": _("a day off"),
    "working": _("a working day"),
    "short": _("an hour shorter"),
    "production": _("as the production calendar says"),
}
REASONS: Final[Mapping[str, str]] = {
    "ordinary": _("working day"),
    "weekend": _("weekend"),
    "holiday": _("public holiday"),
    "transferred_off": _("day off, moved here"),
    "transferred_working": _("working day, moved here"),
    "shortened": _("shortened day"),
    "special": _("special non-working day"),
    "override": _("set by hand"),
}


@dataclass(frozen=True, slots=True)
class DayCell:
    """One day: `look` is off, working or short; `why` the code of its reason; `said` tells all of it in words.

    `differs` from the same day of another calendar: what is changed in a draft.
    """

    on: date
    look: str
    why: str
    said: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Month:
    """A month by weeks, Monday first; None stands outside of it."""

    name: str
    weeks: tuple[tuple[DayCell | None, ...], ...]
    working_days: int


def short_weekdays(language: Language) -> list[str]:
    """«Пн» … «Вс», “Mon” … “Sun”."""
    return [format_date(date(2024, 1, 1 + n), "ccc", locale=language).capitalize() for n in range(7)]


def months_of(calendar: Calendar, year: int, language: Language, *, before: Calendar) -> tuple[Month, ...]:
    """The twelve months, beside those of `before`. Raises CalendarOutOfRange for a year that is not loaded."""
    return tuple(_month(calendar, date(year, month, 1), language, before) for month in range(1, 13))


def _month(calendar: Calendar, first: date, language: Language, before: Calendar) -> Month:
    cells: list[DayCell | None] = [None] * first.weekday()
    on = first
    while on.month == first.month:
        cells.append(_cell(calendar, on, language, before))
        on += timedelta(days=1)
    cells += [None] * (-len(cells) % 7)
    weeks = tuple(tuple(cells[n : n + 7]) for n in range(0, len(cells), 7))
    name = format_date(first, "LLLL", locale=language)
    working = sum(1 for cell in cells if cell is not None and cell.look != "off")
    return Month(name[:1].upper() + name[1:], weeks, working)


def _cell(calendar: Calendar, on: date, language: Language, before: Calendar) -> DayCell:
    found, was = day_of(calendar, on), _day_or_none(before, on)
    differs = was is None or was.intervals != found.intervals
    said = said_day(on, found, language)
    if differs:
        said = translate(language, _("{day} (changed; it was: {before})"), day=said, before=said_kind(was, language))
    return DayCell(on, _look(found, usual_hours(calendar, on)), found.why, said, differs)


def _day_or_none(calendar: Calendar, on: date) -> Day | None:
    try:
        return day_of(calendar, on)
    except CalendarOutOfRange:
        return None


def _look(found: Day, usual: Hours) -> str:
    if not found.intervals:
        return "off"
    return "short" if _minutes(found.intervals) < _minutes(usual) else "working"


def _minutes(hours: Hours) -> int:
    return sum(one.closes_at - one.opens_at for one in hours)


def said_day(on: date, found: Day, language: Language) -> str:
    """«1 мая 2026: праздник», “8 May 2026: set by hand, 09:00–17:00”."""
    return f"{day(language, on)}: {said_kind(found, language)}"


def said_kind(found: Day | None, language: Language) -> str:
    """The reason and the hours of a day; None is a day nobody loaded."""
    if found is None:
        return translate(language, _("not loaded"))
    hours = ", ".join(f"{one.opens}–{one.closes}" for one in found.intervals) or translate(language, _("closed"))
    return f"{translate(language, REASONS[found.why])}, {hours}"


def usual_hours(calendar: Calendar, on: date) -> Hours:
    """The hours of this weekday; of the first working weekday where it has none."""
    week = [in_order(hours) for hours in calendar.week.days()]
    return week[on.weekday()] or next((hours for hours in week if hours), ())


def painted(calendar: Calendar, on: date, brush: Brush) -> Calendar:
    """The calendar with one day as a click makes it. An override that says what the day is anyway is not kept."""
    others = {date_: hours for date_, hours in calendar.overrides.items() if date_ != on}
    plain = msgspec.structs.replace(calendar, overrides=others)
    if brush == "production":
        return plain
    usual = usual_hours(calendar, on)
    made = _in_turn(calendar, on, usual) if brush == NEXT else brush
    hours = {"off": cast(Hours, ()), "working": usual, "short": an_hour_less(usual) if usual else ()}[made]
    before = _day_or_none(plain, on)
    if before is None or before.intervals == hours:
        return plain
    return msgspec.structs.replace(calendar, overrides=dict(sorted((others | {on: hours}).items())))


def _in_turn(calendar: Calendar, on: date, usual: Hours) -> str:
    """What the next click makes of a day: working, off, short, and working again."""
    now = _day_or_none(calendar, on)
    return {"working": "off", "off": "short", "short": "working"}[_look(now, usual) if now else "off"]
