"""What needs no database: working-time arithmetic beside a library from PyPI, and the machine's decision."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, time, timedelta
from functools import partial
from time import perf_counter

from businesstimedelta import BusinessTimeDelta, HolidayRule, Rules, WorkDayRule
from holidays import country_holidays
from pytz import utc

from tests.bench.figures import Figure
from workflow.definition import Role
from workflow.fields import Choices
from workflow.machine import MACHINE, TicketFacts
from workflow.working_calendar import WorkingCalendar, load_default_calendar

CHAPTER = "Arithmetic and decisions, one process"
ROUNDS = 5
STARTS = [datetime(2016, 1, 2, tzinfo=UTC) + timedelta(hours=4.37 * n, microseconds=n) for n in range(20_000)]
AMOUNTS = (8, 400)  # working hours
TIMES_FASTER = {8: 20, 400: 500}
SLOW_STARTS = {8: 2_000, 400: 50}  # the library takes its time


async def measure() -> AsyncIterator[Figure]:
    calendar = WorkingCalendar(load_default_calendar())
    for hours in AMOUNTS:
        amount = timedelta(hours=hours)
        ours = rate(STARTS, partial(_added, calendar, amount))
        yield Figure(
            chapter=CHAPTER, name=f"add {hours} h on the Russian calendar", value=ours, unit="/s", bar="≥ 300,000/s",
            kept=ours >= 300_000,
        )  # fmt: skip
        theirs = rate(STARTS[: SLOW_STARTS[hours]], _with_businesstimedelta(hours), rounds=2)
        yield Figure(chapter=CHAPTER, name=f"the same by businesstimedelta, {hours} h", value=theirs, unit="/s")
        bar = TIMES_FASTER[hours]
        yield Figure(
            chapter=CHAPTER, name=f"times faster, {hours} h", value=ours / theirs, unit="x", bar=f"≥ {bar} x",
            kept=ours / theirs >= bar,
        )  # fmt: skip
    decided = 1e6 / rate(STARTS, lambda _start: decide())
    yield Figure(chapter=CHAPTER, name="decide one move", value=decided, unit="µs", bar="≤ 15 µs", kept=decided <= 15)


def rate(starts: list[datetime], work: Callable[[datetime], object], *, rounds: int = ROUNDS) -> float:
    """Calls a second, in the best of some rounds: other work on the machine only ever slows one down."""

    def once() -> float:
        begun = perf_counter()
        for start in starts:
            work(start)
        return perf_counter() - begun

    return len(starts) / min(once() for _round in range(rounds))


def _added(calendar: WorkingCalendar, amount: timedelta, start: datetime) -> datetime:
    return calendar.add(start, amount)


def _with_businesstimedelta(hours: int) -> Callable[[datetime], object]:
    """The same working days, with the holidays of the package that both may use."""
    days = WorkDayRule(start_time=time(9), end_time=time(18), working_days=[0, 1, 2, 3, 4], tz=utc)
    delta = BusinessTimeDelta(Rules([days, HolidayRule(country_holidays("RU"), tz=utc)]), hours=hours)
    return lambda start: start + delta


FACTS = TicketFacts(state="registered", priority="P2")
CHOICES = Choices(
    priorities=("P1", "P2"), reasons=(), outcomes=("solved",), minimum_minutes=30, now=datetime(2026, 5, 4, tzinfo=UTC)
)
GIVEN = {"text": "Which version?", "minutes": 30}


def decide() -> object:
    return MACHINE.decide(FACTS, "request_info", by=Role.OPERATOR, given=GIVEN, choices=CHOICES)
