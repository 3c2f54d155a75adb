"""The settings of the calendar in a form: hours of each weekday, zone, special and shortened days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from admin.regulation.fields import Fields, Filled, changed
from workflow.calendar import Calendar, Hours, Interval, Shortened, Variant, Week
from workflow.regulation import Regulation
from workflow.words import _

VARIANTS: Final[Mapping[str, str]] = {
    "statutory": _("special non-working days are working days"),
    "with_special": _("special non-working days are days off"),
}
SHORTENED: Final[Mapping[str, str]] = {
    "full": _("shortened days are as long as any other"),
    "minus_1h": _("shortened days close an hour earlier"),
}
WEEKDAYS: Final[Mapping[str, str]] = {
    "mon": _("Monday"), "tue": _("Tuesday"), "wed": _("Wednesday"), "thu": _("Thursday"), "fri": _("Friday"),
    "sat": _("Saturday"), "sun": _("Sunday"),
}  # fmt: skip
SPAN: Final = re.compile(r"\s*(\d{1,2}:\d\d)\s*[-–—]\s*(\d{1,2}:\d\d)\s*")
TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")


def calendar_values(regulation: Regulation) -> dict[str, str]:
    """What stands in the fields of its calendar."""
    calendar = regulation.calendar
    return {
        "version": calendar.version,
        "zone": calendar.zone,
        "variant": calendar.variant,
        "shortened": calendar.shortened,
    } | {f"hours-{name}": said_hours(getattr(calendar.week, name)) for name in WEEKDAYS}


def said_hours(hours: Hours) -> str:
    """`09:00–13:00, 14:00–18:00`, as it is typed."""
    return ", ".join(f"{one.opens}–{one.closes}" for one in hours)


def calendar_filled(regulation: Regulation, given: Mapping[str, str]) -> Filled:
    """The document with the calendar as typed, or what is wrong beside which field."""
    fields = Fields(calendar_values(regulation) | dict(given), frozenset(given))
    hours = {name: _hours(fields.values[f"hours-{name}"]) for name in WEEKDAYS}
    unreadable = (_("Give hours as 09:00–13:00, 14:00–18:00; leave a day off empty."), cast(dict[str, str], {}))
    fields.errors |= {f"hours-{name}": unreadable for name, found in hours.items() if found is None}
    version = fields.word("version")
    variant, shortened = fields.choice("variant", VARIANTS), fields.choice("shortened", SHORTENED)
    if fields.errors:
        return Filled(None, fields.errors)
    calendar: Calendar = changed(
        regulation.calendar,
        version=version,
        zone=fields.values["zone"].strip(),
        variant=cast(Variant, variant),
        shortened=cast(Shortened, shortened),
        week=Week(**cast(Any, hours)),
    )
    errors = {_field(params): (sentence, params) for sentence, params in calendar.unusable()}
    if not any(calendar.week.days()):
        errors["hours-mon"] = (_("No weekday has opening hours."), {})
    return Filled(None if errors else changed(regulation, calendar=calendar), errors)


def _field(params: Mapping[str, str]) -> str:
    """The field that a problem of the calendar stands beside."""
    return "zone" if "zone" in params else f"hours-{params.get('day', 'mon')}"


def _hours(text: str) -> Hours | None:
    """The intervals of a day; None where the text is none."""
    spans = [SPAN.fullmatch(part) for part in text.split(",")] if text.strip() else []
    ends = [tuple(end.zfill(5) for end in span.groups()) for span in spans if span]
    if len(ends) != len(spans) or not all(TIME.fullmatch(end) for pair in ends for end in pair):
        return None
    return tuple(Interval(opens, closes) for opens, closes in ends)
