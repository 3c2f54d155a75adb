"""The deadline passport: why a deadline is what it is, interval by interval, with a sum that is exact."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from workflow.regulation import Rulebook
from workflow.sla import Pause, Period, deadline, rests
from workflow.working_calendar import Counted, Skipped, Target


class Passport(msgspec.Struct, frozen=True):
    """What was counted, skipped and rested between the start of a clock and its deadline; instants are UTC.

    `total` is the sum of `counted`: the time the deadline took.
    """

    clock: str
    priority: str
    target: Target
    version: int
    calendar: str
    origin: datetime
    due: datetime
    counted: tuple[Counted, ...]
    skipped: tuple[Skipped, ...]
    paused: tuple[Pause, ...]
    total: timedelta


def passport(period: Period, rules: Rulebook) -> Passport:
    """The passport of one clock period. Raises CalendarOutOfRange."""
    due = deadline(period, rules)
    rested = tuple(rest for rest in rests(period) if rest.start < due)
    counted: list[Counted] = []
    skipped: list[Skipped] = []
    for start, end in _stretches(period.origin, due, rested):
        if period.target.kind == "calendar_minutes":
            counted.append(Counted(start, end, "ordinary"))
            continue
        for span in rules.calendar.explain(start, end):
            if isinstance(span, Counted):
                counted.append(span)
            else:
                _skip(skipped, span)
    return Passport(
        clock=period.clock,
        priority=period.priority,
        target=period.target,
        version=period.version,
        calendar=rules.regulation.calendar.version,
        origin=period.origin,
        due=due,
        counted=tuple(counted),
        skipped=tuple(skipped),
        paused=tuple(pause for pause in period.pauses if _within(pause, rested)),
        total=sum((span.end - span.start for span in counted), timedelta()),
    )


def _within(pause: Pause, rested: tuple[Pause, ...]) -> bool:
    """Whether a pause is one of those that the rests of this deadline were joined from."""
    return any(rest.start <= pause.start and (rest.end is None or pause.start < rest.end) for rest in rested)


def _skip(skipped: list[Skipped], span: Skipped) -> None:
    """A pause may cut a run of days in two, and even a day; each date is told once."""
    last = skipped[-1] if skipped else None
    if last and last.why == span.why and span.first <= last.last + timedelta(days=1):
        skipped[-1] = Skipped(last.first, max(last.last, span.last), last.why)
    else:
        skipped.append(span)


def _stretches(origin: datetime, due: datetime, rested: tuple[Pause, ...]) -> Iterator[tuple[datetime, datetime]]:
    """The times between `origin` and `due` in which the clock did not rest."""
    start = origin
    for rest in rested:
        if rest.start > start:
            yield start, rest.start
        if rest.end is None:
            # The clock stands: the rest of the target would follow at once if it went on.
            start = rest.start
            break
        start = max(start, rest.end)
    if due > start:
        yield start, due
