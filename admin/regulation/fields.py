"""Reads the fields of a form one after another and remembers what is wrong with each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from service.regulation_words import UNITS, target_in
from workflow.regulation import Text
from workflow.words import _
from workflow.working_calendar import DayMode, Target

LARGEST: Final = 100_000  # of any unit: longer than anybody waits
MOST_ROWS: Final = 100

Errors = dict[str, tuple[str, dict[str, str]]]


class Fields:
    """What was typed, over what stands in the form; a tick counts as cleared only where the form showed it."""

    def __init__(self, values: Mapping[str, str], sent: frozenset[str]) -> None:
        self.values = values
        self.sent = sent
        self.errors: Errors = {}

    def word(self, field: str) -> str:
        """A text that is not empty."""
        value = self.values.get(field, "").replace("\r\n", "\n").strip()
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
        text = self.values.get(field, "").strip()
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
        if value is not None and least <= value <= most:
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

    def target(self, of: str, *, day_mode: DayMode) -> Target:
        """An amount of a unit: the fields `<of>-amount` and `<of>-unit`."""
        amount = self.whole(f"{of}-amount", least=1)
        unit = self.choice(f"{of}-unit", {code: label for code, (label, _kind, _size) in UNITS.items()})
        return target_in(amount, unit if unit in UNITS else "working_hours", day_mode=day_mode)

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
