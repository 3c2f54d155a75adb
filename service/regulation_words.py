"""Settings of the regulation as people say them: targets, hours, numbers, steps."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from service.differences import DAY_MODES as SAID_MODES
from service.words import Language, clock_time, day, ngettext, number, translate
from workflow.calendar import Hours, Week, zone_named
from workflow.regulation import Regulation, Step, numbered, team_in
from workflow.words import _
from workflow.working_calendar import DayMode, Target, TargetKind

HOUR: Final = 60  # minutes

# How an owner gives an amount: a unit, the kind of time it is counted in, and minutes or days to one.
UNITS: Final[dict[str, tuple[str, TargetKind, int]]] = {
    "working_minutes": (_("working minutes"), "working_minutes", 1),
    "working_hours": (_("working hours"), "working_minutes", HOUR),
    "working_days": (_("working days"), "working_days", 1),
    "elapsed_minutes": (_("minutes by the clock, day and night"), "calendar_minutes", 1),
    "elapsed_hours": (_("hours by the clock, day and night"), "calendar_minutes", HOUR),
}


# When a deadline in working days ends on its last day.
DAY_MODES: Final = {
    "same_time": _("at the time of day it began"),
    "end_of_day": _("when that day closes"),
    "end_of_day_effective": _("when that day closes; begun while closed, the first day is the next one"),
    "hours9": _("counted as full working days of hours"),
}

COUNTS_FROM: Final = {
    "registered": _("The time to solve counts from registration."),
    "received": _("The time to solve counts from the moment the request was received."),
}
ON_PRIORITY_CHANGE: Final = {
    "from_start": _("When the priority changes, the time already spent stays spent under the new target."),
    "from_now": _("When the priority changes, the new target counts from that moment."),
}
ON_DISPUTE: Final = {
    "resumes": _("After a dispute the clock goes on from where it stood."),
    "restarts": _("After a dispute the full time to solve counts anew."),
}
WEEKDAYS: Final = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)


def unit_of(target: Target) -> tuple[int, str]:
    """The target as amount and unit, in the largest unit that keeps it whole."""
    if target.kind == "working_days":
        return target.amount, "working_days"
    whole = target.amount % HOUR == 0
    if target.kind == "working_minutes":
        return (target.amount // HOUR, "working_hours") if whole else (target.amount, "working_minutes")
    return (target.amount // HOUR, "elapsed_hours") if whole else (target.amount, "elapsed_minutes")


def target_in(amount: int, unit: str, *, day_mode: DayMode = "same_time") -> Target:
    """The target of so many of a unit. Raises KeyError for an unknown unit."""
    _label, kind, size = UNITS[unit]
    return Target(kind, amount * size, day_mode)


def said_target(target: Target, language: Language) -> str:
    """«8 рабочих часов», "5 working days"."""
    amount, unit = unit_of(target)
    match unit:
        case "working_hours":
            return ngettext(language, "{n} working hour", "{n} working hours", amount)
        case "working_minutes":
            return ngettext(language, "{n} working minute", "{n} working minutes", amount)
        case "working_days":
            days = ngettext(language, "{n} working day", "{n} working days", amount)
            mode = SAID_MODES[target.day_mode]
            return f"{days}, {translate(language, mode)}" if mode else days
        case "elapsed_hours":
            return ngettext(language, "{n} hour by the clock", "{n} hours by the clock", amount)
    return ngettext(language, "{n} minute by the clock", "{n} minutes by the clock", amount)


def said_week(week: Week, language: Language) -> list[str]:
    """The opening hours, days with the same hours gathered: «Понедельник – пятница: 09:00–18:00»."""
    lines, days = [], week.days()
    first = 0
    for weekday in range(len(days)):
        if weekday + 1 == len(days) or days[weekday + 1] != days[first]:
            lines.append(f"{_days(first, weekday, language)}: {_hours(days[first], language)}")
            first = weekday + 1
    return lines


def _days(first: int, last: int, language: Language) -> str:
    name, until = (translate(language, WEEKDAYS[weekday]) for weekday in (first, last))
    if first == last:
        return name
    return f"{name} – {until if language == 'en' else until.lower()}"


def _hours(hours: Hours, language: Language) -> str:
    if not hours:
        return translate(language, _("closed"))
    return ", ".join(f"{one.opens}–{one.closes}" for one in hours)


def said_step(step: Step, regulation: Regulation, language: Language) -> str:
    """One warning or escalation as a clause of a sentence."""
    doings = []
    if step.notify:
        doings.append(
            translate(language, _("tell {whom}"), whom=", ".join(_told(one, language) for one in step.notify))
        )
    if step.raise_to:
        doings.append(translate(language, _("raise the priority to {priority}"), priority=step.raise_to))
    if step.reassign_to:
        doings.append(translate(language, _("hand over to {whom}"), whom=_told(step.reassign_to, language)))
    return f"{_when(step, language)}: {', '.join(doings)}"


def _when(step: Step, language: Language) -> str:
    if step.percent is not None:
        return translate(language, _("when {percent}% of the time is used"), percent=step.percent)
    minutes = step.minutes or 0
    if minutes < 0:
        return ngettext(language, "{n} minute before the deadline", "{n} minutes before the deadline", -minutes)
    return ngettext(language, "{n} minute after the deadline", "{n} minutes after the deadline", minutes)


def _told(whom: str, language: Language) -> str:
    names = {"assignee": _("the specialist"), "supervisors": _("the supervisors")}
    # The text is public: addresses and teams of colleagues stay in the form.
    otherwise = _("a named team") if team_in(whom) else _("a named colleague")
    return translate(language, names.get(whom, otherwise))


def said_number(regulation: Regulation, *, year: int) -> str:
    """A number as it will look; '' when the format is unusable."""
    try:
        return numbered(regulation.number_format, n=1, year=year)
    except ValueError:
        return ""


def said_moment(moment: datetime, regulation: Regulation, language: Language) -> str:
    """An instant in the calendar's own zone."""
    zone = zone_named(regulation.calendar.zone)
    return f"{day(language, moment.astimezone(zone).date())}, {clock_time(language, moment, zone=zone)}"


def said_size(size: int, language: Language) -> str:
    """Bytes as mebibytes, as mail servers count them."""
    return translate(language, _("{n} MB"), n=number(language, size // 2**20))


def years(regulation: Regulation) -> str:
    """The years whose days are known, as a range: «2016–2027»."""
    known = sorted(year.year for year in regulation.calendar.years)
    return "" if not known else f"{known[0]}–{known[-1]}" if len(known) > 1 else str(known[0])
