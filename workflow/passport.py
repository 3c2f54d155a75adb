"""The deadline passport: why a deadline is what it is, interval by interval, with a sum that is exact."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from workflow.regulation import Rulebook
from workflow.sla import Pause, Period, deadline
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
    rests = tuple(pause for pause in period.pauses if pause.start < due)
    counted: list[Counted] = []
    skipped: list[Skipped] = []
    for start, end in _stretches(period.origin, due, rests):
        if period.target.kind == "calendar_minutes":
            counted.append(Counted(start, end, "ordinary"))
            continue
        for span in rules.calendar.explain(start, end):
            if isinstance(span, Counted):
                counted.append(span)
            elif not skipped or skipped[-1] != span:
                skipped.append(span)
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
        paused=rests,
        total=sum((span.end - span.start for span in counted), timedelta()),
    )


def _stretches(origin: datetime, due: datetime, rests: tuple[Pause, ...]) -> Iterator[tuple[datetime, datetime]]:
    """The times between `origin` and `due` in which the clock did not rest."""
    start = origin
    for rest in rests:
        if rest.start > start:
            yield start, rest.start
        if rest.end is None:
            # The clock stands: the rest of the target would follow at once if it went on.
            start = rest.start
            break
        start = max(start, rest.end)
    if due > start:
        yield start, due
