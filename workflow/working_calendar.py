"""Working time on a calendar: exact to the microsecond, by prefix sums and bisection over UTC instants."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from workflow.calendar import (
    BadAmount,
    BadCalendar,
    BadTimestamp,
    Calendar,
    CalendarError,
    CalendarOutOfRange,
    Day,
    DayReason,
    Decree,
    Interval,
    NaiveTimestamp,
    Shortened,
    SpecialDay,
    Variant,
    Week,
    YearCalendar,
    day_of,
    days_of_year,
    diff_calendars,
    load_default_calendar,
    parse_instant,
    zone_named,
)
from workflow.words import _

__all__ = [
    "BadAmount",
    "BadCalendar",
    "BadTimestamp",
    "Calendar",
    "CalendarError",
    "CalendarOutOfRange",
    "Counted",
    "Day",
    "DayMode",
    "DayReason",
    "Decree",
    "Interval",
    "NaiveTimestamp",
    "Skipped",
    "SpecialDay",
    "Target",
    "TargetKind",
    "Week",
    "WorkingCalendar",
    "YearCalendar",
    "day_of",
    "diff_calendars",
    "load_default_calendar",
    "parse_instant",
]

TargetKind = Literal["working_minutes", "working_days", "calendar_minutes"]
DayMode = Literal["same_time", "end_of_day", "end_of_day_effective", "hours9"]
Span = tuple[datetime, datetime]

NOTHING = timedelta(0)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
MOST_DAYS = 1_000_000  # more than any calendar holds; keeps the arithmetic inside timedelta


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is promised: minutes or days, and how days are counted. `day_mode` matters to working days only."""

    kind: TargetKind
    amount: int
    day_mode: DayMode = "same_time"


class Counted(msgspec.Struct, frozen=True, tag="counted"):
    """Working time that a deadline took, within one date, in UTC."""

    start: datetime
    end: datetime
    why: DayReason

    @property
    def amount(self) -> timedelta:
        return self.end - self.start


class Skipped(msgspec.Struct, frozen=True, tag="skipped"):
    """Dates of the calendar, first and last included, that gave no working time, for one reason."""

    first: date
    last: date
    why: DayReason


class WorkingCalendar:
    """Answers on one calendar document; immutable, built once. Instants come in any zone and go out in UTC."""

    __slots__ = ("_starts", "_stretches", "calendar", "full_day", "zone")

    def __init__(self, calendar: Calendar) -> None:
        """Raises BadCalendar when hours overlap or the zone is unknown."""
        _refuse_unusable(calendar)
        self.calendar = calendar
        self.zone = zone_named(calendar.zone)
        self.full_day = _full_day(calendar.week)
        self._stretches = tuple(_stretches(calendar, self.zone))
        self._starts = [stretch.start for stretch in self._stretches]

    def add(self, start: datetime, amount: timedelta) -> datetime:
        """The earliest instant by which `amount` of working time has passed since `start`; `start` itself for none.

        Raises NaiveTimestamp, BadTimestamp, BadAmount (negative), CalendarOutOfRange.
        """
        if start.tzinfo is not UTC:
            start = _in_utc(start)
        if amount <= NOTHING:
            if amount == NOTHING:
                return start
            raise BadAmount(amount=str(amount))
        stretch = self._stretch_at(start)
        before = stretch.before
        try:
            total = stretch.worked(start) + amount
        except OverflowError:
            raise CalendarOutOfRange(stretch.next_year) from None
        if total > before[-1]:
            raise CalendarOutOfRange(stretch.next_year)
        at = bisect_left(before, total) - 1
        return stretch.opens[at] + (total - before[at])

    def between(self, a: datetime, b: datetime) -> timedelta:
        """The working time from `a` to `b`, negative when `b` is the earlier. The inverse of `add`.

        Raises NaiveTimestamp, BadTimestamp, CalendarOutOfRange.
        """
        a, b = _in_utc(a), _in_utc(b)
        if b < a:
            return -self.between(b, a)
        if a == b:
            return NOTHING
        stretch = self._stretch_over(a, b)
        return stretch.worked(b) - stretch.worked(a)

    def is_open(self, instant: datetime) -> bool:
        """Whether this is working time. Raises as `add` does."""
        instant = _in_utc(instant)
        stretch = self._stretch_at(instant)
        at = bisect_right(stretch.opens, instant) - 1
        return at >= 0 and instant < stretch.closes[at]

    def next_opening(self, instant: datetime) -> datetime:
        """From when work received at `instant` counts: `instant` itself in working time. Raises as `add` does."""
        instant = _in_utc(instant)
        stretch = self._stretch_at(instant)
        at = bisect_right(stretch.opens, instant)
        if at and instant < stretch.closes[at - 1]:
            return instant
        if at == len(stretch.opens):
            raise CalendarOutOfRange(stretch.next_year)
        return stretch.opens[at]

    def day(self, on: date) -> Day:
        """The hours of a date and why. Raises CalendarOutOfRange."""
        return day_of(self.calendar, on)

    def deadline(self, start: datetime, target: Target) -> datetime:
        """When `target` is due for what began at `start`. Raises as `add` does; BadAmount also for zero days."""
        amount = target.amount
        if isinstance(amount, bool) or not isinstance(amount, int) or amount < 0:
            raise BadAmount(amount=str(amount))
        if target.kind == "working_days":
            return self.days_due(start, amount, target.day_mode)
        if target.kind == "calendar_minutes":
            return _elapsed(_in_utc(start), amount)
        return self.add(start, MINUTE * min(amount, MOST_DAYS * 24 * 60))

    def days_due(self, start: datetime, n: int, mode: DayMode = "same_time") -> datetime:
        """The end of `n` working days, counted in one of the four day modes. Raises as `add` does."""
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise BadAmount(amount=str(n))
        start = _in_utc(start)
        n = min(n, MOST_DAYS)
        match mode:
            case "same_time":
                return self._same_time(start, n)
            case "end_of_day":
                return self._end_of_day(self._local(start).date(), n)
            case "end_of_day_effective":
                return self._end_of_day(self._local(self.next_opening(start)).date(), n)
            case "hours9":
                if not self.full_day:
                    raise BadCalendar(_("No weekday has opening hours."))
                return self.add(start, self.full_day * n)

    def explain(self, a: datetime, b: datetime) -> list[Counted | Skipped]:
        """What was counted and what was skipped from `a` to `b`, in order; nothing unless `b` is after `a`.

        The counted spans add up to `between(a, b)` exactly. Raises as `between` does.
        """
        a, b = _in_utc(a), _in_utc(b)
        found: list[Counted | Skipped] = []
        if b <= a:
            return found
        self._stretch_over(a, b)
        on, last = self._local(a).date(), self._local(b - MICROSECOND).date()
        while on <= last:
            day = self.day(on)
            if day.intervals:
                found.extend(_counted(day, _spans(self.zone, on, day.intervals), a, b))
            else:
                _skip(found, on, day.why)
            on += DAY
        return found

    def _same_time(self, start: datetime, n: int) -> datetime:
        """The wall-clock time of the start on the nth following working day, or the last closing before it."""
        wall = self._local(self.next_opening(start))
        stretch, at = self._following(wall.date(), n)
        on = date.fromordinal(stretch.days[at])
        target = _instant(self.zone, datetime.combine(on, wall.time()))
        interval = bisect_left(stretch.opens, target) - 1
        return min(target, stretch.closes[interval])

    def _end_of_day(self, received: date, n: int) -> datetime:
        """The closing of the nth working day after the date of receipt (Civil Code, articles 191 and 194)."""
        stretch, at = self._following(received, n)
        return stretch.closings[at]

    def _following(self, received: date, n: int) -> tuple[_Stretch, int]:
        """Where to find the nth working day after a date."""
        tomorrow = received + DAY
        for stretch in self._stretches:
            if stretch.first <= tomorrow <= stretch.last:
                at = bisect_right(stretch.days, received.toordinal()) + n - 1
                if at >= len(stretch.days):
                    raise CalendarOutOfRange(stretch.next_year)
                return stretch, at
        raise CalendarOutOfRange(tomorrow.year)

    def _stretch_at(self, instant: datetime) -> _Stretch:
        at = bisect_right(self._starts, instant) - 1
        if at < 0 or instant >= self._stretches[at].end:
            raise CalendarOutOfRange(self._local(instant).year)
        return self._stretches[at]

    def _stretch_over(self, a: datetime, b: datetime) -> _Stretch:
        stretch = self._stretch_at(a)
        if b > stretch.end:
            raise CalendarOutOfRange(stretch.next_year)
        return stretch

    def _local(self, instant: datetime) -> datetime:
        try:
            return instant.astimezone(self.zone)
        except OverflowError as wrong:
            raise BadTimestamp(text=instant.isoformat()) from wrong


class _Stretch:
    """Consecutive dates whose hours are known, as UTC spans with the working time before each."""

    __slots__ = ("before", "closes", "closings", "days", "end", "first", "last", "opens", "start")

    def __init__(self, zone: ZoneInfo, first: date, last: date, spans: list[tuple[Span, ...]]) -> None:
        """`spans` holds the spans of each date from `first` to `last`."""
        self.first, self.last = first, last
        self.start, self.end = _midnight(zone, first), _midnight(zone, last + DAY)
        self.opens: list[datetime] = []
        self.closes: list[datetime] = []
        self.before = [NOTHING]
        self.days: list[int] = []
        self.closings: list[datetime] = []
        worked = NOTHING
        for ordinal, day in enumerate(spans, start=first.toordinal()):
            if not day:
                continue
            for opens, closes in day:
                self.opens.append(opens)
                self.closes.append(closes)
                worked += closes - opens
                self.before.append(worked)
            self.days.append(ordinal)
            self.closings.append(day[-1][1])

    @property
    def next_year(self) -> int:
        """The year of the first date that is not known."""
        return (self.last + DAY).year

    def worked(self, instant: datetime) -> timedelta:
        """The working time from the beginning of the stretch to an instant within it."""
        at = bisect_right(self.opens, instant) - 1
        if at < 0:
            return NOTHING
        if instant >= self.closes[at]:
            return self.before[at + 1]
        return self.before[at] + (instant - self.opens[at])


def _refuse_unusable(calendar: Calendar) -> None:
    """Only what makes counting impossible; `Calendar.problems` tells the owner the rest."""
    for sentence, params in calendar.unusable():
        raise BadCalendar(sentence, **params)


def _full_day(week: Week) -> timedelta:
    """A full day's worth of ordinary opening hours: the commonest length in the week, the longer of equals."""
    lengths = [sum(one.closes_at - one.opens_at for one in hours) for hours in week.days() if hours]
    if not lengths:
        return NOTHING
    often = Counter(lengths)
    return MINUTE * max(often, key=lambda length: (often[length], length))


def _stretches(calendar: Calendar, zone: ZoneInfo) -> Iterator[_Stretch]:
    spans: dict[int, tuple[Span, ...]] = {}
    for year in calendar.years:
        first = date(year.year, 1, 1).toordinal()
        plain = _spans_of_year(calendar.zone, calendar.week, year, calendar.variant, calendar.shortened)
        spans.update(zip(range(first, first + len(plain)), plain, strict=True))
    for on in calendar.overrides:
        spans[on.toordinal()] = _spans(zone, on, day_of(calendar, on).intervals)
    for first, last in _runs(sorted(spans)):
        known = [spans[ordinal] for ordinal in range(first, last + 1)]
        yield _Stretch(zone, date.fromordinal(first), date.fromordinal(last), known)


def _runs(ordinals: list[int]) -> Iterator[tuple[int, int]]:
    """The first and last of each run of consecutive dates."""
    first = 0
    for at, ordinal in enumerate(ordinals):
        if at + 1 == len(ordinals) or ordinals[at + 1] != ordinal + 1:
            yield ordinals[first], ordinal
            first = at + 1


@lru_cache(maxsize=256)
def _spans_of_year(
    zone: str, week: Week, year: YearCalendar, variant: Variant, shortened: Shortened
) -> tuple[tuple[Span, ...], ...]:
    first = date(year.year, 1, 1)
    days = days_of_year(week, year, variant, shortened)
    return tuple(_spans(zone_named(zone), first + timedelta(days=n), day.intervals) for n, day in enumerate(days))


def _spans(zone: ZoneInfo, on: date, hours: tuple[Interval, ...]) -> tuple[Span, ...]:
    """The UTC spans of a date's hours; what the clock change swallows whole is no span."""
    if not hours:
        return ()
    midnight = datetime.combine(on, time())
    spans = (
        (_instant(zone, midnight + MINUTE * one.opens_at), _instant(zone, midnight + MINUTE * one.closes_at))
        for one in hours
    )
    return tuple(span for span in spans if span[0] < span[1])


def _midnight(zone: ZoneInfo, on: date) -> datetime:
    return _instant(zone, datetime.combine(on, time()))


def _instant(zone: ZoneInfo, wall: datetime) -> datetime:
    """The UTC instant of a wall-clock time: the first of two, and for one that is skipped the moment of the change."""
    first, second = (zone.utcoffset(wall.replace(fold=fold)) or NOTHING for fold in (0, 1))
    if second <= first:
        return (wall - first).replace(tzinfo=UTC)
    return _change(zone, (wall - second).replace(tzinfo=UTC, microsecond=0), (wall - first).replace(tzinfo=UTC), second)


def _change(zone: ZoneInfo, before: datetime, after: datetime, offset: timedelta) -> datetime:
    """The second between two instants at which the zone's clocks go forward to `offset`."""
    seconds = range((after - before) // SECOND + 1)
    forward = bisect_left(seconds, True, key=lambda n: (before + SECOND * n).astimezone(zone).utcoffset() == offset)
    return before + SECOND * forward


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:
        raise NaiveTimestamp(text=instant.isoformat())
    try:
        return instant.astimezone(UTC)
    except OverflowError as wrong:
        raise BadTimestamp(text=instant.isoformat()) from wrong


def _elapsed(start: datetime, minutes: int) -> datetime:
    try:
        return start + timedelta(minutes=minutes)
    except OverflowError as wrong:
        raise BadAmount(amount=str(minutes)) from wrong


def _counted(day: Day, spans: tuple[Span, ...], a: datetime, b: datetime) -> Iterator[Counted]:
    for opens, closes in spans:
        start, end = max(opens, a), min(closes, b)
        if start < end:
            yield Counted(start, end, day.why)


def _skip(found: list[Counted | Skipped], on: date, why: DayReason) -> None:
    """Lengthen the last skipped run, or begin one."""
    last = found[-1] if found else None
    if isinstance(last, Skipped) and last.why == why and last.last + DAY == on:
        found[-1] = Skipped(last.first, on, why)
    else:
        found.append(Skipped(on, on, why))
