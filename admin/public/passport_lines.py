"""The deadline passport for the customer: one line a day, with nothing that only the centre needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal
from zoneinfo import ZoneInfo

from service.passports import rule_line, skipped_days
from service.words import Language, clock_time, day, duration, translate, working_duration
from workflow.calendar import CalendarOutOfRange, zone_named
from workflow.passport import Passport, passport
from workflow.regulation import Rulebook
from workflow.sla import Pause, Period
from workflow.words import _
from workflow.working_calendar import Counted


@dataclass(frozen=True, slots=True)
class Line:
    """One row: what, and how long; `kind` is counted, skipped, paused or total."""

    kind: Literal["counted", "skipped", "paused", "total"]
    said: str
    length: str = ""


@dataclass(frozen=True, slots=True)
class PassportLines:
    """The rows, and under them the rule and the calendar they follow."""

    lines: tuple[Line, ...]
    rule: str


def passport_lines(period: Period, rules: Rulebook, language: Language) -> PassportLines | None:
    """The passport of one clock in plain words; None where the calendar does not reach."""
    try:
        made = passport(period, rules)
    except CalendarOutOfRange:
        return None
    zone = zone_named(rules.regulation.calendar.zone)
    length = duration if made.target.kind == "calendar_minutes" else working_duration
    total = Line("total", translate(language, _("Counted in all")), length(language, made.total))
    lines = (
        *_counted(made, zone, language),
        *_skipped(made, language),
        *(_paused(pause, zone, language) for pause in made.paused),
        total,
    )
    return PassportLines(lines, rule_line(made, language))


def _counted(made: Passport, zone: ZoneInfo, language: Language) -> list[Line]:
    return [
        _day_line(list(spans), zone, language)
        for _date, spans in groupby(made.counted, key=lambda span: span.start.astimezone(zone).date())
    ]


def _day_line(spans: list[Counted], zone: ZoneInfo, language: Language) -> Line:
    shown = _joined(spans)
    hours = ", ".join(
        f"{clock_time(language, start, zone=zone)}–{clock_time(language, end, zone=zone)}" for start, end in shown
    )
    date = day(language, spans[0].start.astimezone(zone).date())
    # Between the minutes that are shown, so that a reader who adds them up comes to the same.
    whole = sum((end - start for start, end in shown), timedelta())
    return Line("counted", f"{date}, {hours}", working_duration(language, whole))


def _joined(spans: list[Counted]) -> list[tuple[datetime, datetime]]:
    """From minute to minute; what ends where the next begins is one stretch."""
    shown: list[tuple[datetime, datetime]] = []
    for span in spans:
        start, end = _minute(span.start), _minute(span.end)
        if shown and shown[-1][1] == start:
            start = shown.pop()[0]
        shown.append((start, end))
    return shown


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _skipped(made: Passport, language: Language) -> list[Line]:
    return [
        Line("skipped", translate(language, _("Not counted: {days}"), days=days))
        for days in skipped_days(made, language)
    ]


def _paused(pause: Pause, zone: ZoneInfo, language: Language) -> Line:
    """From when to when we waited; who asked is the centre's own business."""
    start = f"{day(language, pause.start.astimezone(zone).date())}, {clock_time(language, pause.start, zone=zone)}"
    reason = translate(language, pause.reason)
    if pause.end is None:
        return Line("paused", translate(language, _("Paused since {start}: {reason}"), start=start, reason=reason))
    end = f"{day(language, pause.end.astimezone(zone).date())}, {clock_time(language, pause.end, zone=zone)}"
    said = translate(language, _("Paused from {start} to {end}: {reason}"), start=start, end=end, reason=reason)
    return Line("paused", said, duration(language, pause.end - pause.start))
