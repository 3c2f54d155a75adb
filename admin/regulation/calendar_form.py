"""The settings of the calendar in a form: hours of each weekday, zone, special and shortened days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from workflow.calendar import Calendar, Hours, Interval, Shortened, Variant, Week
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

Errors = dict[str, tuple[str, dict[str, str]]]


def calendar_values(calendar: Calendar) -> dict[str, str]:
    """What stands in the fields of this calendar."""
    return {
        "version": calendar.version,
        "zone": calendar.zone,
        "variant": calendar.variant,
        "shortened": calendar.shortened,
    } | {f"hours-{name}": said_hours(getattr(calendar.week, name)) for name in WEEKDAYS}


def said_hours(hours: Hours) -> str:
    """`09:00–13:00, 14:00–18:00`, as it is typed."""
    return ", ".join(f"{one.opens}–{one.closes}" for one in hours)


def calendar_filled(calendar: Calendar, values: Mapping[str, str]) -> tuple[Calendar | None, Errors]:
    """The calendar as typed, or what is wrong beside which field."""
    errors: Errors = {}
    hours = {name: _hours(values[f"hours-{name}"]) for name in WEEKDAYS}
    unreadable = (_("Give hours as 09:00–13:00, 14:00–18:00; leave a day off empty."), cast(dict[str, str], {}))
    errors |= {f"hours-{name}": unreadable for name, found in hours.items() if found is None}
    for field, choices in (("variant", VARIANTS), ("shortened", SHORTENED)):
        if values[field] not in choices:
            errors[field] = (_("Choose one of the options."), {})
    if not values["version"].strip():
        errors["version"] = (_("This must not be empty."), {})
    if errors:
        return None, errors
    filled = msgspec.structs.replace(
        calendar,
        version=values["version"].strip(),
        zone=values["zone"].strip(),
        variant=cast(Variant, values["variant"]),
        shortened=cast(Shortened, values["shortened"]),
        week=Week(**cast(Any, hours)),
    )
    errors = {_field(params): (sentence, params) for sentence, params in filled.unusable()}
    if not any(filled.week.days()):
        errors["hours-mon"] = (_("No weekday has opening hours."), {})
    return (None if errors else filled), errors


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
