"""The calendar document: opening hours, the years of a production calendar, the owner's own days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from workflow.words import _

DayReason = Literal[
    "ordinary", "weekend", "holiday", "transferred_off", "transferred_working", "shortened", "special", "override"
]
Variant = Literal["statutory", "with_special"]
Shortened = Literal["full", "minus_1h"]
TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]

FIRST_YEAR, LAST_YEAR = 1900, 2200  # what a calendar may speak of; keeps date arithmetic away from its edges
DAY_MINUTES = 24 * 60
ISO_SIGNS = frozenset("0123456789+-:.,TWZ ")  # `fromisoformat` lets any sign stand between date and time
ALARM_MONTH = 10  # the decree for the next year is out by October

DEFAULT_CALENDAR = Path(__file__).parent / "default_regulation" / "calendar_ru.json"


class CalendarError(ValueError):
    """Why no instant can be computed. `code` is stable; `sentence` is an English msgid and `params` fill it."""

    code = "calendar_error"
    sentence = _("The calendar cannot answer this.")

    def __init__(self, sentence: str | None = None, **params: str) -> None:
        self.sentence = sentence or type(self).sentence
        self.params = params
        super().__init__(self.sentence.format(**params))


class CalendarOutOfRange(CalendarError):
    """A day is needed of a year that nobody loaded; it is never guessed."""

    code = "calendar_out_of_range"
    sentence = _("The working calendar of {year} is not loaded.")

    def __init__(self, year: int) -> None:
        self.year = year
        super().__init__(year=str(year))


class NaiveTimestamp(CalendarError):
    """An instant without a zone or an offset."""

    code = "naive_timestamp"
    sentence = _("The time {text} names no zone.")


class BadTimestamp(CalendarError):
    """Not an instant at all: 30 February, a leap second, a word."""

    code = "bad_timestamp"
    sentence = _("{text} is not a time.")


class BadAmount(CalendarError):
    """Not a whole number of minutes or days, or less than it may be."""

    code = "bad_amount"
    sentence = _("{amount} is not an amount of time.")


class BadCalendar(CalendarError):
    """A calendar document that no deadline can be counted on."""

    code = "bad_calendar"
    sentence = _("The calendar is not usable.")


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of the document: immutable, and strict about what it holds."""


class Interval(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Opening hours [opens, closes) by the wall clock, "09:00" to "24:00"; written as a pair."""

    opens: TimeOfDay
    closes: TimeOfDay

    @property
    def opens_at(self) -> int:
        """Minutes after midnight."""
        return _minutes(self.opens)

    @property
    def closes_at(self) -> int:
        """Minutes after midnight."""
        return _minutes(self.closes)


Hours = tuple[Interval, ...]


class Week(_Part, frozen=True):
    """Opening hours of each weekday; a weekday without any is a weekend."""

    mon: Hours = ()
    tue: Hours = ()
    wed: Hours = ()
    thu: Hours = ()
    fri: Hours = ()
    sat: Hours = ()
    sun: Hours = ()

    def days(self) -> tuple[Hours, ...]:
        """Seven days' hours, Monday first."""
        return (self.mon, self.tue, self.wed, self.thu, self.fri, self.sat, self.sun)


class Decree(_Part, frozen=True):
    """The act that moved the days off of a year; `verified` means that its number was seen in a source."""

    number: str | None = None
    date: date | None = None
    verified: bool = False


class SpecialDay(_Part, frozen=True):
    """A paid "non-working day" of the President's; a working day unless the variant is `with_special`."""

    date: date
    act: str = ""


class YearCalendar(_Part, frozen=True):
    """What a year differs in from the plain week: the production calendar and where it comes from."""

    year: Annotated[int, msgspec.Meta(ge=FIRST_YEAR, le=LAST_YEAR)]
    holidays: tuple[date, ...] = ()
    transferred_off: tuple[date, ...] = ()
    working_weekends: tuple[date, ...] = ()
    shortened: tuple[date, ...] = ()
    special: tuple[SpecialDay, ...] = ()
    status: str = "final"
    decree: Decree = Decree()


class Calendar(_Part, frozen=True):
    """The calendar of a regulation. An override says the hours of its date before all else; `()` is a day off."""

    version: str
    zone: str
    week: Week
    years: tuple[YearCalendar, ...]
    variant: Variant = "statutory"
    shortened: Shortened = "full"
    overrides: dict[date, Hours] = {}

    def problems(self) -> list[Problem]:
        """What keeps the calendar from being used: English msgids with their parameters, in document order."""
        return list(_problems(self))

    def unusable(self) -> list[Problem]:
        """The problems that make counting impossible, a part of `problems`."""
        return list(_unusable(self))

    def missing_year(self, today: date) -> int | None:
        """The year to load now: this one, or from October on the next one. None when all is well."""
        known = {year.year for year in self.years}
        if today.year not in known:
            return today.year
        return today.year + 1 if today.month >= ALARM_MONTH and today.year + 1 not in known else None


class Day(_Part, frozen=True):
    """The opening hours of one date and why they are what they are."""

    intervals: Hours
    why: DayReason


Problem = tuple[str, dict[str, str]]


def load_default_calendar() -> Calendar:
    """The Russian five-day-week calendar that ships with the product."""
    return msgspec.json.decode(DEFAULT_CALENDAR.read_bytes(), type=Calendar)


def parse_instant(text: object) -> datetime:
    """An aware instant from ISO 8601. Raises BadTimestamp, NaiveTimestamp."""
    if not isinstance(text, str) or not ISO_SIGNS.issuperset(text):
        raise BadTimestamp(text=str(text))
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise BadTimestamp(text=text) from wrong
    if instant.tzinfo is None:
        raise NaiveTimestamp(text=text)
    return instant


def zone_named(name: str) -> ZoneInfo:
    """The zone of this name. Raises BadCalendar."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as wrong:
        raise BadCalendar(_("There is no time zone called {zone}."), zone=name) from wrong


def day_of(calendar: Calendar, on: date) -> Day:
    """What a date is under this calendar. Raises CalendarOutOfRange when nothing says."""
    if on in calendar.overrides:
        return Day(in_order(calendar.overrides[on]), "override")
    for year in calendar.years:
        if year.year == on.year:
            return days_of_year(calendar.week, year, calendar.variant, calendar.shortened)[on.timetuple().tm_yday - 1]
    raise CalendarOutOfRange(on.year)


@lru_cache(maxsize=256)
def days_of_year(week: Week, year: YearCalendar, variant: Variant, shortened: Shortened) -> tuple[Day, ...]:
    """Every day of a year without the owner's overrides, 1 January first."""
    hours = tuple(in_order(day) for day in week.days())
    usual = next((day for day in hours if day), ())
    off = _off_days(year, variant)
    working, short = set(year.working_weekends), set(year.shortened) if shortened == "minus_1h" else set()

    def day(on: date) -> Day:
        if on in off:
            return Day((), off[on])
        own = hours[on.weekday()]
        if on in working:
            found = Day(own or usual, "transferred_working")
        else:
            found = Day(own, "ordinary" if own else "weekend")
        return Day(an_hour_less(found.intervals), "shortened") if on in short and found.intervals else found

    first = date(year.year, 1, 1)
    return tuple(day(first + timedelta(days=n)) for n in range((date(year.year + 1, 1, 1) - first).days))


def in_order(hours: Hours) -> Hours:
    """The intervals of a day from morning to evening."""
    return tuple(sorted(hours, key=lambda interval: interval.opens_at))


def diff_calendars(old: Calendar, new: Calendar) -> list[tuple[date, Day | None, Day | None]]:
    """The dates whose hours or reason differ, in order, each with its day before and after; None is "not loaded"."""
    before, after = _every_day(old), _every_day(new)
    dates = sorted(before.keys() | after.keys())
    return [(on, before.get(on), after.get(on)) for on in dates if before.get(on) != after.get(on)]


def _every_day(calendar: Calendar) -> dict[date, Day]:
    days = {}
    for year in calendar.years:
        plain = days_of_year(calendar.week, year, calendar.variant, calendar.shortened)
        days.update({date(year.year, 1, 1) + timedelta(days=n): day for n, day in enumerate(plain)})
    days.update({on: Day(in_order(hours), "override") for on, hours in calendar.overrides.items()})
    return days


def _off_days(year: YearCalendar, variant: Variant) -> dict[date, DayReason]:
    """Later entries win: a holiday is called a holiday even where a day off was moved onto it."""
    off: dict[date, DayReason] = {}
    if variant == "with_special":
        off.update((day.date, "special") for day in year.special)
    off.update((on, "transferred_off") for on in year.transferred_off)
    off.update((on, "holiday") for on in year.holidays)
    return off


def an_hour_less(hours: Hours) -> Hours:
    """The day closes one hour earlier; what lies wholly in that hour goes."""
    closing = hours[-1].closes_at - 60
    return tuple(
        Interval(interval.opens, _time_of_day(min(interval.closes_at, closing)))
        for interval in hours
        if interval.opens_at < closing
    )


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _time_of_day(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _problems(calendar: Calendar) -> Iterator[Problem]:
    yield from _unusable(calendar)
    if not any(calendar.week.days()):
        yield _("No weekday has opening hours."), {}
    yield from _years_problems(calendar.years)


def _unusable(calendar: Calendar) -> Iterator[Problem]:
    try:
        zone_named(calendar.zone)
    except BadCalendar as wrong:
        yield wrong.sentence, wrong.params
    for name, hours in zip(Week.__struct_fields__, calendar.week.days(), strict=True):
        yield from _hours_problems(name, hours)
    for on, hours in sorted(calendar.overrides.items()):
        if not FIRST_YEAR <= on.year <= LAST_YEAR:
            yield _("The date {date} is too far away for a calendar."), {"date": on.isoformat()}
        yield from _hours_problems(on.isoformat(), hours)


def _hours_problems(day: str, hours: Hours) -> Iterator[Problem]:
    """`day` is a weekday's field name or an ISO date."""
    try:
        ordered = in_order(hours)
        ends = [interval.closes_at for interval in ordered]
    except ValueError:
        yield _("{day}: the hours are not times of day."), {"day": day}
        return
    for interval, end in zip(ordered, ends, strict=True):
        if not 0 <= interval.opens_at < end <= DAY_MINUTES:
            yield (
                _("{day}: the hours {opens}–{closes} end before they begin."),
                {"day": day, "opens": interval.opens, "closes": interval.closes},
            )
    for earlier, later in pairwise(ordered):
        if later.opens_at < earlier.closes_at:
            yield (
                _("{day}: the hours {first} and {second} overlap."),
                {"day": day, "first": _span(earlier), "second": _span(later)},
            )


def _span(interval: Interval) -> str:
    return f"{interval.opens}–{interval.closes}"


def _years_problems(years: tuple[YearCalendar, ...]) -> Iterator[Problem]:
    if not years:
        yield _("No year is loaded."), {}
        return
    numbers = [year.year for year in years]
    for number in sorted({number for number in numbers if numbers.count(number) > 1}):
        yield _("The year {year} is there twice."), {"year": str(number)}
    for number in sorted(set(range(min(numbers), max(numbers))) - set(numbers)):
        yield _("The year {year} has no calendar, though later years have."), {"year": str(number)}
    for year in years:
        yield from _year_problems(year)


def _year_problems(year: YearCalendar) -> Iterator[Problem]:
    special = tuple(day.date for day in year.special)
    named = {*year.holidays, *year.transferred_off, *year.working_weekends, *year.shortened, *special}
    for on in sorted(on for on in named if on.year != year.year):
        yield _("The date {date} does not belong to the year {year}."), {"date": on.isoformat(), "year": str(year.year)}
    for on in sorted({*year.holidays, *year.transferred_off} & {*year.working_weekends, *year.shortened}):
        yield _("The date {date} is said to be off and working."), {"date": on.isoformat()}
