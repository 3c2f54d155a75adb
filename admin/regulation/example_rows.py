"""Worked cases in the form: a row a case, an empty row for one more; a row without a title is no case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from admin.regulation.fields import Errors, Filled, changed
from workflow.calendar import CalendarError, parse_instant, zone_named
from workflow.regulation import Example, Regulation
from workflow.words import _

MOST_EXAMPLES: Final = 200
PARTS: Final = ("title", "priority", "service_level", "start", "due")


def example_values(document: Regulation) -> dict[str, str]:
    """The fields of the rows, times by the calendar's own zone; the last row is empty."""
    zone = zone_of(document)
    values: dict[str, str] = {}
    for row, example in enumerate(document.examples):
        values |= {
            f"title-{row}": example.title, f"priority-{row}": example.priority,
            f"service_level-{row}": example.service_level,
            f"start-{row}": local(example.start, zone), f"due-{row}": local(example.due, zone),
        }  # fmt: skip
    return values | empty_row(len(document.examples), document)


def empty_row(row: int, document: Regulation) -> dict[str, str]:
    """One more row to write a case in."""
    level = document.service_levels[0].code if document.service_levels else ""
    return {f"{part}-{row}": "" for part in PARTS} | {f"service_level-{row}": level}


def examples_filled(document: Regulation, given: Mapping[str, str]) -> Filled:
    """The document with the cases as typed; a row whose title is cleared, with nothing else in it, is no case."""
    examples, _places, errors = examples_of(example_values(document) | dict(given), document)
    return Filled(None if errors else changed(document, examples=examples), errors)


def zone_of(document: Regulation) -> ZoneInfo:
    """The zone that times are typed in."""
    return zone_named(document.calendar.zone)


def rows_of(values: Mapping[str, str]) -> Iterator[int]:
    """The rows that stand in the form."""
    return (row for row in range(MOST_EXAMPLES) if f"title-{row}" in values)


def local(instant: str, zone: tzinfo) -> str:
    """An instant as a browser shows it in a field; what is no instant stays as it is."""
    try:
        return f"{parse_instant(instant).astimezone(zone):%Y-%m-%dT%H:%M}"
    except (CalendarError, OverflowError):
        return instant


def examples_of(values: Mapping[str, str], document: Regulation) -> tuple[tuple[Example, ...], dict[int, int], Errors]:
    """The cases that were typed, at which place of them each row stands, and what is wrong beside which field."""
    zone = zone_of(document)
    examples: list[Example] = []
    places: dict[int, int] = {}
    errors: Errors = {}
    for row in rows_of(values):
        given = {part: values.get(f"{part}-{row}", "").strip() for part in PARTS}
        if not any(given[part] for part in ("title", "start", "due", "priority")):
            continue
        before = document.examples[row] if row < len(document.examples) else None
        times = {
            part: _instant(given[part], getattr(before, part) if before else None, zone) for part in ("start", "due")
        }
        wrong = _faults(given, times, document)
        errors |= {f"{part}-{row}": fault for part, fault in wrong.items()}
        places[row] = len(examples)
        examples.append(
            Example(given["title"], given["priority"], times["start"] or "", times["due"] or "", given["service_level"])
        )
    return tuple(examples), places, errors


def _faults(given: Mapping[str, str], times: Mapping[str, str | None], document: Regulation) -> Errors:
    faults: Errors = {}
    if not given["title"]:
        faults["title"] = (_("This must not be empty."), {})
    if given["priority"] not in {one.code for one in document.priorities}:
        faults["priority"] = (_("Choose one of the options."), {})
    if given["service_level"] not in {one.code for one in document.service_levels}:
        faults["service_level"] = (_("Choose one of the options."), {})
    return faults | {part: (_("Give a date and a time."), {}) for part, moment in times.items() if not moment}


def _instant(text: str, before: str | None, zone: tzinfo) -> str | None:
    """The instant of what was typed; the one that stood there where the field was left alone (it may hold seconds)."""
    if before is not None and text == local(before, zone):
        return before
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return moment.isoformat()
