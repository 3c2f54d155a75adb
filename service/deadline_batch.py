"""Worked deadlines in bulk: one JSON case a line in, one JSON answer a line out, whatever the line holds."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, get_args

import msgspec

from workflow.calendar import BadCalendar, Calendar, CalendarError, Hours, Shortened, Variant, Week, parse_instant
from workflow.working_calendar import DayMode, Target, TargetKind, WorkingCalendar

POLICY = ("variant", "shortened", "hours", "overrides")


class BadCase(CalendarError):
    """A line that is not a case: not JSON, not an object, an unknown kind or day mode."""

    code = "bad_case"
    sentence = "The line is not a case: {reason}."


class Batch:
    """Answers cases on one calendar, varied by the policy that a case may carry."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._varied = lru_cache(maxsize=64)(self._vary)

    def answers(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """`{"id", "deadline"}` or `{"id", "error"}` for each line that is not blank, in order."""
        return (self.answer(line) for line in lines if line.strip())

    def answer(self, line: bytes) -> bytes:
        """The answer to one line; the id is null where the line has none that can be read."""
        name = None
        try:
            case = _read(line)
            name = _name(case)
            answer = {"id": name, "deadline": iso_utc(self._deadline(case))}
        except CalendarError as wrong:
            answer = {"id": name, "error": wrong.code}
        return json.dumps(answer).encode()

    def _deadline(self, case: dict[str, Any]) -> datetime:
        start = parse_instant(case.get("start"))
        target = _target(case)
        policy = {name: case[name] for name in POLICY if case.get(name) is not None}
        return self._varied(json.dumps(policy, sort_keys=True)).deadline(start, target)

    def _vary(self, policy: str) -> WorkingCalendar:
        return WorkingCalendar(varied(self._calendar, **json.loads(policy)))


def varied(
    calendar: Calendar,
    *,
    variant: object = None,
    shortened: object = None,
    hours: object = None,
    overrides: object = None,
) -> Calendar:
    """The calendar under a policy in the shapes of JSON; None keeps what it says. `hours` are Monday's to Friday's.

    Raises BadCalendar for what does not fit.
    """
    changes: dict[str, Any] = {}
    try:
        if variant is not None:
            changes["variant"] = msgspec.convert(variant, Variant)
        if shortened is not None:
            changes["shortened"] = msgspec.convert(shortened, Shortened)
        if hours is not None:
            day = msgspec.convert(hours, Hours)
            changes["week"] = Week(mon=day, tue=day, wed=day, thu=day, fri=day)
        if overrides is not None:
            changes["overrides"] = {**calendar.overrides, **msgspec.convert(overrides, dict[date, Hours])}
    except msgspec.ValidationError as wrong:
        raise BadCalendar from wrong
    return msgspec.structs.replace(calendar, **changes)


def iso_utc(instant: datetime) -> str:
    """ISO 8601 in UTC with a Z; microseconds only where there are some."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _read(line: bytes) -> dict[str, Any]:
    try:
        case = json.loads(line.decode(), parse_constant=_not_json)
    except (ValueError, RecursionError) as wrong:
        raise BadCase(reason="not JSON") from wrong
    if not isinstance(case, dict):
        raise BadCase(reason="not an object")
    return case


def _not_json(constant: str) -> None:
    """NaN and Infinity, which the standard library would let pass."""
    raise ValueError(constant)


def _name(case: dict[str, Any]) -> str | int | None:
    name = case.get("id")
    return name if isinstance(name, str | int) else None


def _target(case: dict[str, Any]) -> Target:
    """What a case promises. Its amount is checked where the deadline is counted."""
    kind = _one_of(TargetKind, case.get("kind"), "kind")
    mode = case.get("day_mode") if kind == "working_days" else None
    day_mode = "same_time" if mode is None else _one_of(DayMode, mode, "day_mode")
    return Target(kind, case.get("amount"), day_mode)  # type: ignore[arg-type]  # any JSON value


def _one_of(choices: Any, given: object, name: str) -> Any:
    """`given` when it is one of a Literal's values."""
    if given not in get_args(choices):
        raise BadCase(reason=f"unknown {name}")
    return given
