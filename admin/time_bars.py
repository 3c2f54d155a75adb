"""A clock as a bar: how much of the target is used, and in which of the few tones of time."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, Literal

from service.words import Language, duration, exact, translate, working_duration
from workflow.calendar import CalendarOutOfRange
from workflow.regulation import Rulebook
from workflow.sla import Period, deadline, moved_origin, remaining, step_due, steps
from workflow.words import _

Tone = Literal["fine", "warning", "late", "paused", "ended"]

_RESULTS: Final = {"met": _("in time"), "extended": _("extended in time"), "breached": _("breached")}


@dataclass(frozen=True, slots=True)
class TimeBar:
    """What admin/marks.py draws: `share` of the target used (0 to 1), `said` beside it, `exact` on the hover."""

    tone: Tone
    share: float
    said: str
    exact: str


def time_bar(period: Period, rules: Rulebook, *, at: datetime, zone: tzinfo, language: Language) -> TimeBar | None:
    """The bar of one clock at `at`; None where the calendar does not reach: a page never fails for want of it."""
    try:
        left = remaining(period, rules, at=at)
        due = deadline(period, rules)
        share = _share(period, rules, left=left, due=due)
        tone = _tone(period, rules, left=left, at=at)
    except CalendarOutOfRange:
        return None
    said = _said(period, tone, left=left, language=language)
    return TimeBar(tone, share, said, exact(language, due, zone=zone))


def _share(period: Period, rules: Rulebook, *, left: timedelta, due: datetime) -> float:
    start = moved_origin(period, rules)
    elapsed = period.target.kind == "calendar_minutes"
    whole = due - start if elapsed else rules.calendar.between(start, due)
    return round(min(max(1 - left / whole, 0.0), 1.0), 3) if whole else 1.0


def _tone(period: Period, rules: Rulebook, *, left: timedelta, at: datetime) -> Tone:
    if period.result is not None:
        return "late" if period.result == "breached" else "ended"
    if left < timedelta():
        return "late"
    if period.paused is not None:
        return "paused"
    warned = _warned_at(period, rules)
    return "warning" if warned and at >= warned else "fine"


@lru_cache(maxsize=4096)
def _warned_at(period: Period, rules: Rulebook) -> datetime | None:
    """The last warning of the regulation is where the colour changes: earlier ones only draw people in."""
    warnings = (step_due(period, step, rules) for step in steps(period, rules) if step.warns_only)
    return max((moment for moment in warnings if moment is not None), default=None)


def _said(period: Period, tone: Tone, *, left: timedelta, language: Language) -> str:
    if period.result is not None:
        return translate(language, _RESULTS[period.result])
    length = duration if period.target.kind == "calendar_minutes" else working_duration
    sentences = {
        "late": _("{duration} late"),
        "paused": _("paused, {duration} left"),
        "warning": _("{duration} left"),
        "fine": _("{duration} left"),
    }
    return translate(language, sentences[tone], duration=length(language, left))
