"""The deadline passport as the API gives it: the spans as data, and the same sentence as in the letter."""

from __future__ import annotations

from datetime import timedelta

from service.passports import one_line
from service.regulations import RULEBOOKS
from service.schemas import BothLanguages, CountedSpan, PassportView, PausedSpan, SkippedSpan, TargetView
from workflow.calendar import CalendarOutOfRange
from workflow.passport import passport
from workflow.sla import Period

SECOND = timedelta(seconds=1)


def passport_view(period: Period | None) -> PassportView | None:
    """The passport of one clock; None where none ran, or where the calendar does not reach."""
    if period is None:
        return None
    rules = RULEBOOKS[period.version]
    try:
        made = passport(period, rules)
    except CalendarOutOfRange:
        return None
    return PassportView(
        clock=made.clock,
        priority=made.priority,
        target=TargetView(made.target.amount, made.target.kind),
        regulation_version=made.version,
        calendar=made.calendar,
        origin=made.origin,
        due=made.due,
        counted=[CountedSpan(span.start, span.end, span.amount / SECOND, span.why) for span in made.counted],
        skipped=[SkippedSpan(span.first, span.last, span.why) for span in made.skipped],
        paused=[PausedSpan(pause.start, pause.end, pause.reason, pause.by) for pause in made.paused],
        total_seconds=made.total / SECOND,
        text=BothLanguages(ru=one_line(period, rules, "ru"), en=one_line(period, rules, "en")),
    )
