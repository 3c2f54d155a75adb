"""Reads the fields of a form one after another and remembers what is wrong with each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from service.regulation_words import DAY_MODES, UNITS, target_in, unit_of
from service.whole_numbers import whole_number
from workflow.regulation import Regulation, Text
from workflow.words import _
from workflow.working_calendar import DayMode, Target

LARGEST: Final = 100_000  # of any unit: longer than anybody waits
MOST_ROWS: Final = 100

Errors = dict[str, tuple[str, dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it came: the document it makes, or the wrong fields with their sentences."""

    document: Regulation | None
    errors: Errors


def changed(part: Any, **changes: object) -> Any:
    """A piece of the document with other values."""
    return msgspec.structs.replace(part, **changes)


def target_values(of: str, target: Target | None, usual: Target | None = None) -> dict[str, str]:
    """The fields of an amount; of none its number is empty, and unit and end of day are the usual ones."""
    shown = target or usual or Target("working_days", 1)
    amount, unit = unit_of(shown)
    return {f"{of}-amount": str(amount) if target else "", f"{of}-unit": unit, f"{of}-day_mode": shown.day_mode}


def tick_value(on: bool) -> str:
    """What stands in a tick."""
    return "1" if on else ""


class Fields:
    """What was typed, over what stands in the form; a tick counts as cleared only where the form showed it."""

    def __init__(self, values: Mapping[str, str], sent: frozenset[str]) -> None:
        self.values = values
        self.sent = sent
        self.errors: Errors = {}

    def word(self, field: str) -> str:
        """A text that is not empty."""
        value = self.values.get(field, "").strip()
        if not value:
            self.errors[field] = (_("This must not be empty."), {})
        return value

    def text(self, field: str) -> Text:
        """The same in both languages: the fields `<field>-ru` and `<field>-en`."""
        return Text(ru=self.word(f"{field}-ru"), en=self.word(f"{field}-en"))

    def tick(self, field: str) -> bool:
        """A browser does not send an empty tick: the form says beside it which ticks it shows."""
        shown = self.values.get(f"shown-{field}") == "1"
        return field in self.sent if shown else bool(self.values.get(field))

    def whole(self, field: str, *, least: int, most: int = LARGEST) -> int:
        """A whole number within its bounds."""
        value = whole_number(self.values.get(field, "").strip(), most=most)
        if value is not None and value >= least:
            return value
        self.errors[field] = (
            _("Give a whole number from {least} to {most}."),
            {"least": str(least), "most": str(most)},
        )
        return least

    def choice(self, field: str, choices: Mapping[str, str]) -> str:
        """One of the codes."""
        value = self.values.get(field, "")
        if value not in choices:
            self.errors[field] = (_("Choose one of the options."), {})
        return value

    def target(self, of: str) -> Target:
        """An amount of a unit: the fields `<of>-amount`, `<of>-unit` and, how its last day ends, `<of>-day_mode`."""
        amount = self.whole(f"{of}-amount", least=1)
        unit = self.choice(f"{of}-unit", {code: label for code, (label, _kind, _size) in UNITS.items()})
        mode = self.choice(f"{of}-day_mode", DAY_MODES)
        return target_in(amount, unit if unit in UNITS else "working_hours", day_mode=cast(DayMode, mode))

    def code(self, field: str, *, among: set[str]) -> str:
        """A short name for programs, once only."""
        value = self.values.get(field, "").strip()
        if not (value.isascii() and value.replace("_", "").replace("-", "").isalnum()) or len(value) > 40:
            self.errors[field] = (_("A code has letters a–z, digits and _ only."), {})
        elif value in among:
            self.errors[field] = (_("“{value}” is there already."), {"value": value})
        among.add(value)
        return value


def rows_of(prefix: str, values: Mapping[str, str]) -> Iterator[int]:
    """The rows of a list that stand in the form: those with a field `<prefix>-<row>-…`."""
    shown = {name.split("-")[1] for name in values if name.startswith(f"{prefix}-") and name.count("-") >= 2}
    return (row for row in range(MOST_ROWS) if str(row) in shown)


def filled_rows(prefix: str, key: str, values: Mapping[str, str]) -> Iterator[int]:
    """The rows whose field `key` is not empty: clearing it takes a row away."""
    return (row for row in rows_of(prefix, values) if values.get(f"{prefix}-{row}-{key}", "").strip())
