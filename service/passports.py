"""The deadline passport in words: the same text in page, API and letter."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from service.words import Language, clock_time, day, translate, working_duration
from workflow.calendar import CalendarOutOfRange, zone_named
from workflow.passport import Passport, passport
from workflow.regulation import Rulebook
from workflow.sla import Period
from workflow.words import _
from workflow.working_calendar import Counted, Skipped

REASONS = {
    "weekend": _("weekend"),
    "holiday": _("public holiday"),
    "transferred_off": _("day off by transfer"),
    "transferred_working": _("working day by transfer"),
    "shortened": _("short day"),
    "special": _("special non-working day"),
    "override": _("set by the centre"),
    "ordinary": _("working day"),
}


# Clocks whose target is no priority's are called by their own name.
CLOCKS = {"registration": _("registration"), "resolution": _("resolution"), "auto_close": _("automatic closing")}


def one_line(period: Period, rules: Rulebook, language: Language) -> str:
    """«29 апр 16:10–18:00 (1 ч 50 мин) + …»; '' where the calendar does not reach."""
    try:
        made = passport(period, rules)
    except CalendarOutOfRange:
        return ""
    zone = zone_named(rules.regulation.calendar.zone)
    parts = [_counted(span, zone, language) for span in made.counted]
    text = " + ".join(parts) + f" = {working_duration(language, made.total)}"
    if made.paused:
        text += "; " + translate(language, _("paused: {spans}"), spans=", ".join(_pauses(made, zone, language)))
    if made.skipped:
        text += "; " + translate(language, _("not counted: {days}"), days=", ".join(skipped_days(made, language)))
    return text + f"; {rule_line(made, language)}"


def rule_line(made: Passport, language: Language) -> str:
    """Which rule and which calendar gave the deadline."""
    return translate(
        language, _("rule {rule}, regulation {version}, calendar {calendar}"),
        rule=made.priority or translate(language, CLOCKS[made.clock]), version=made.version, calendar=made.calendar,
    )  # fmt: skip


def skipped_days(made: Passport, language: Language) -> list[str]:
    """The days that gave no working time, gathered by their reason: «1–3 мая (выходной)»."""
    return [
        f"{_dates(list(spans), language)} ({translate(language, REASONS[why])})"
        for why, spans in groupby(made.skipped, key=lambda span: span.why)
    ]


def _dates(spans: list[Skipped], language: Language) -> str:
    first, last = spans[0].first, spans[-1].last
    return day(language, first) if first == last else f"{day(language, first)} – {day(language, last)}"


def _counted(span: Counted, zone: ZoneInfo, language: Language) -> str:
    start, end = clock_time(language, span.start, zone=zone), clock_time(language, span.end, zone=zone)
    date = day(language, span.start.astimezone(zone).date())
    return f"{date} {start}–{end} ({_hours(span.end - span.start)})"


def _hours(length: timedelta) -> str:
    minutes = length // timedelta(minutes=1)
    return f"{minutes // 60}:{minutes % 60:02}"


def _pauses(made: Passport, zone: ZoneInfo, language: Language) -> list[str]:
    lines = []
    for pause in made.paused:
        start = f"{day(language, pause.start.astimezone(zone).date())} {clock_time(language, pause.start, zone=zone)}"
        end = clock_time(language, pause.end, zone=zone) if pause.end else "…"
        lines.append(f"{start}–{end} ({translate(language, pause.reason)}" + (f", {pause.by})" if pause.by else ")"))
    return lines
