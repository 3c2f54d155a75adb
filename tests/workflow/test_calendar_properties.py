"""What holds of working time on any calendar, in any zone, at any instant."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow.calendar import Hours
from workflow.working_calendar import (
    Calendar,
    CalendarOutOfRange,
    Counted,
    Interval,
    Skipped,
    Week,
    WorkingCalendar,
    YearCalendar,
    load_default_calendar,
)

ZONES = (
    "Europe/Moscow",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Asia/Kathmandu",
    "America/Havana",  # changes at midnight
    "UTC",
)
NOTHING = timedelta(0)
RUSSIAN = load_default_calendar()
RU = WorkingCalendar(RUSSIAN)


def text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def some_hours(draw: st.DrawFn, least: int = 0) -> Hours:
    edges = sorted(draw(st.sets(st.integers(0, 1440), min_size=2 * least, max_size=6)))
    return tuple(Interval(text(a), text(b)) for a, b in zip(edges[::2], edges[1::2], strict=False))


@st.composite
def documents(draw: st.DrawFn) -> Calendar:
    """A year of odd hours with odd days in it."""
    days = [draw(some_hours(least=1)), *(draw(some_hours()) for _ in range(6))]
    dates = st.dates(date(2025, 1, 1), date(2025, 12, 31))
    off, moved, short = (tuple(draw(st.sets(dates, max_size=5))) for _ in range(3))
    return Calendar(
        version="any",
        zone=draw(st.sampled_from(ZONES)),
        week=Week(*days),
        years=(YearCalendar(2025, holidays=off, working_weekends=moved, shortened=short),),
        shortened=draw(st.sampled_from(["full", "minus_1h"])),
        overrides=draw(st.dictionaries(dates, some_hours(), max_size=5)),
    )


instants = st.datetimes(datetime(2025, 1, 3), datetime(2025, 12, 20), timezones=st.just(UTC))  # noqa: DTZ001
russian_instants = st.datetimes(datetime(2016, 1, 2), datetime(2027, 11, 1), timezones=st.just(UTC))  # noqa: DTZ001
amounts = st.timedeltas(NOTHING, timedelta(hours=200))
odd_calendars = st.builds(WorkingCalendar, documents())
some_calendars = st.one_of(odd_calendars, st.just(RU))
quick = settings(deadline=None, max_examples=60)


def obvious_spans(calendar: WorkingCalendar, first: date, last: date) -> list[tuple[datetime, datetime]]:
    """The working time of some dates, by watching the clock on the wall."""
    zone = ZoneInfo(calendar.calendar.zone)
    spans = []
    on = first
    while on <= last:
        midnight = datetime.combine(on, time())
        for interval in calendar.day(on).intervals:
            opens, closes = (
                obvious_instant(zone, midnight + timedelta(minutes=at))
                for at in (interval.opens_at, interval.closes_at)
            )
            spans.append((opens, closes))
        on += timedelta(days=1)
    return spans


@lru_cache(maxsize=10_000)
def obvious_instant(zone: ZoneInfo, wall: datetime) -> datetime:
    """The first minute at which the wall clock has reached `wall`, found by trying."""

    def missing(instant: datetime) -> timedelta:
        return wall - instant.astimezone(zone).replace(tzinfo=None)

    instant = wall.replace(tzinfo=UTC) - timedelta(hours=15)
    while missing(instant) > timedelta(hours=2.5):
        instant += timedelta(minutes=30)
    while missing(instant) > NOTHING:
        instant += timedelta(minutes=1)
    return instant


def obvious_between(calendar: WorkingCalendar, a: datetime, b: datetime) -> timedelta:
    day = timedelta(days=1)
    spans = obvious_spans(calendar, (a - day).date(), (b + day).date())
    return sum((max(NOTHING, min(closes, b) - max(opens, a)) for opens, closes in spans), NOTHING)


@quick
@given(some_calendars, instants, amounts)
def test_between_undoes_add_to_the_microsecond(calendar: WorkingCalendar, start: datetime, amount: timedelta) -> None:
    try:
        due = calendar.add(start, amount)
    except CalendarOutOfRange:
        return
    assert calendar.between(start, due) == amount
    assert calendar.between(due, start) == -amount


@quick
@given(some_calendars, instants, amounts)
def test_add_gives_the_earliest_such_instant(calendar: WorkingCalendar, start: datetime, amount: timedelta) -> None:
    try:
        due = calendar.add(start, amount)
    except CalendarOutOfRange:
        return
    if amount:
        assert calendar.between(start, due - timedelta(microseconds=1)) == amount - timedelta(microseconds=1)
    else:
        assert due == start


@quick
@given(some_calendars, instants, instants)
def test_add_undoes_between_up_to_time_that_does_not_count(calendar: WorkingCalendar, a: datetime, b: datetime) -> None:
    a, b = min(a, b), max(a, b)
    reached = calendar.add(a, calendar.between(a, b))
    assert a <= reached <= b
    assert calendar.between(reached, b) == NOTHING


@quick
@given(some_calendars, instants, amounts, amounts)
def test_a_longer_promise_is_never_due_earlier(
    calendar: WorkingCalendar, start: datetime, one: timedelta, other: timedelta
) -> None:
    try:
        assert calendar.add(start, min(one, other)) <= calendar.add(start, max(one, other))
    except CalendarOutOfRange:
        return


@quick
@given(some_calendars, instants, instants, amounts)
def test_a_later_start_is_never_due_earlier(
    calendar: WorkingCalendar, a: datetime, b: datetime, amount: timedelta
) -> None:
    try:
        assert calendar.add(min(a, b), amount) <= calendar.add(max(a, b), amount)
    except CalendarOutOfRange:
        return


@quick
@given(some_calendars, instants, amounts, amounts)
def test_amounts_may_be_added_one_after_the_other(
    calendar: WorkingCalendar, start: datetime, one: timedelta, other: timedelta
) -> None:
    try:
        assert calendar.add(calendar.add(start, one), other) == calendar.add(start, one + other)
    except CalendarOutOfRange:
        return


@quick
@given(some_calendars, instants, instants, instants)
def test_working_time_adds_up_over_any_instant(
    calendar: WorkingCalendar, a: datetime, b: datetime, c: datetime
) -> None:
    assert calendar.between(a, b) + calendar.between(b, c) == calendar.between(a, c)


@quick
@given(odd_calendars, instants, st.timedeltas(NOTHING, timedelta(days=5)))
def test_working_time_is_what_the_slow_and_obvious_count_says(
    calendar: WorkingCalendar, a: datetime, length: timedelta
) -> None:
    assert calendar.between(a, a + length) == obvious_between(calendar, a, a + length)


@pytest.mark.parametrize(
    ("zone", "edge"),
    [
        ("America/New_York", "2025-03-09"),
        ("America/New_York", "2025-11-02"),
        ("America/St_Johns", "2025-03-09"),
        ("America/St_Johns", "2025-11-02"),
        ("America/Havana", "2025-03-09"),
        ("America/Havana", "2025-11-02"),
        ("Europe/Berlin", "2025-03-30"),
        ("Europe/Berlin", "2025-10-26"),
        ("Australia/Lord_Howe", "2025-04-06"),
        ("Australia/Lord_Howe", "2025-10-05"),
    ],
)
@settings(deadline=None, max_examples=30)
@given(some_hours(least=1))
def test_clock_changes_are_what_the_slow_and_obvious_count_says(zone: str, edge: str, hours: Hours) -> None:
    week = Week(hours, hours, hours, hours, hours, hours, hours)
    calendar = WorkingCalendar(Calendar("any", zone, week, (YearCalendar(2025),)))
    a = datetime.fromisoformat(edge).replace(tzinfo=UTC) - timedelta(hours=20)
    for hours_later in range(0, 60, 13):
        b = a + timedelta(hours=hours_later)
        assert calendar.between(a, b) == obvious_between(calendar, a, b)


@quick
@given(some_calendars, instants, st.timedeltas(NOTHING, timedelta(days=10)))
def test_an_explanation_adds_up_and_accounts_for_every_date(
    calendar: WorkingCalendar, a: datetime, length: timedelta
) -> None:
    b = a + length
    found = calendar.explain(a, b)
    counted = [part for part in found if isinstance(part, Counted)]
    assert sum((part.amount for part in counted), NOTHING) == calendar.between(a, b)
    assert all(a <= part.start < part.end <= b for part in counted)
    assert all(one.end <= other.start for one, other in pairwise(counted))
    for part in found:
        if isinstance(part, Skipped):
            assert part.first <= part.last
            assert not calendar.day(part.first).intervals
            assert calendar.day(part.last).why == part.why


@quick
@given(
    russian_instants,
    st.integers(1, 30),
    st.sampled_from(["same_time", "end_of_day", "end_of_day_effective", "hours9"]),
)
def test_more_days_are_due_later_and_never_before_the_start(start: datetime, n: int, mode: str) -> None:
    due = RU.days_due(start, n, mode)
    assert start < due < RU.days_due(start, n + 1, mode)


@quick
@given(russian_instants, st.integers(1, 30))
def test_n_days_at_the_same_time_are_n_full_days_while_all_days_are_alike(start: datetime, n: int) -> None:
    assert RU.days_due(start, n, "same_time") == RU.days_due(start, n, "hours9")


@quick
@given(russian_instants, amounts, st.sampled_from(ZONES))
def test_the_zone_in_which_the_start_is_written_does_not_matter(start: datetime, amount: timedelta, zone: str) -> None:
    assert RU.add(start.astimezone(ZoneInfo(zone)), amount) == RU.add(start, amount)


@quick
@given(documents())
def test_a_calendar_survives_its_own_json(document: Calendar) -> None:
    assert msgspec.json.decode(msgspec.json.encode(document), type=Calendar) == document
