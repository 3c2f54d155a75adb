"""The form of the draft: one field a setting, read back into a document or refused next to the field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from admin.regulation.in_words import COUNTS_FROM, ON_DISPUTE, ON_PRIORITY_CHANGE, UNITS, target_in, unit_of
from workflow.regulation import Problem, Regulation
from workflow.words import _
from workflow.working_calendar import Target

LARGEST: Final = 100_000  # of any unit: longer than anybody waits

Errors = dict[str, tuple[str, dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it came: the document it makes, or the wrong fields with their sentences."""

    document: Regulation | None
    errors: Errors


def values_of(regulation: Regulation) -> dict[str, str]:
    """What stands in the fields of this document."""
    values = {
        "number_format": regulation.number_format,
        "minimum_minutes": str(regulation.minimum_minutes),
        "counts_from": regulation.resolution.counts_from,
        "on_priority_change": regulation.resolution.on_priority_change,
        "on_dispute": regulation.resolution.on_dispute,
        "level_by_address": "1" if regulation.level_by_address else "",
        "quiet_hours": "1" if regulation.quiet_hours.enabled else "",
    }
    for name, target in targets_of(regulation):
        amount, unit = unit_of(target)
        values |= {f"{name}-amount": str(amount), f"{name}-unit": unit}
    for priority in regulation.priorities:
        values |= {
            f"name-{priority.code}-ru": priority.name.ru,
            f"name-{priority.code}-en": priority.name.en,
            f"definition-{priority.code}-ru": priority.definition.ru,
            f"definition-{priority.code}-en": priority.definition.en,
            f"retired-{priority.code}": "1" if priority.retired else "",
        }
    return values


def targets_of(regulation: Regulation) -> Iterator[tuple[str, Target]]:
    """Every target the form shows, by the name its fields begin with."""
    yield "registration", regulation.registration.target
    yield "auto_close", regulation.auto_close
    for priority in regulation.priorities:
        yield f"target-{priority.code}", priority.target


def filled(regulation: Regulation, given: Mapping[str, str]) -> Filled:
    """`regulation` with what was typed; what the form did not send stays as it was."""
    reader = _Reader(values_of(regulation) | dict(given), frozenset(given))
    document = msgspec.structs.replace(
        regulation,
        number_format=reader.word("number_format"),
        registration=_with(regulation.registration, target=reader.target("registration", regulation)),
        auto_close=reader.target("auto_close", regulation),
        minimum_minutes=reader.whole("minimum_minutes", least=0, most=24 * 60),
        resolution=_with(
            regulation.resolution,
            counts_from=reader.choice("counts_from", COUNTS_FROM),
            on_priority_change=reader.choice("on_priority_change", ON_PRIORITY_CHANGE),
            on_dispute=reader.choice("on_dispute", ON_DISPUTE),
        ),
        priorities=tuple(reader.priority(one, regulation) for one in regulation.priorities),
        level_by_address=reader.tick("level_by_address"),
        quiet_hours=_with(regulation.quiet_hours, enabled=reader.tick("quiet_hours")),
    )
    return Filled(None if reader.errors else document, reader.errors)


def _with(part: Any, **changes: object) -> Any:
    return msgspec.structs.replace(part, **changes)


class _Reader:
    """Reads field after field and remembers what is wrong with each."""

    def __init__(self, values: Mapping[str, str], sent: frozenset[str]) -> None:
        self.values = values
        self.sent = sent
        self.errors: Errors = {}

    def word(self, name: str) -> str:
        value = self.values[name].strip()
        if not value:
            self.errors[name] = (_("This must not be empty."), {})
        return value

    def tick(self, name: str) -> bool:
        """A browser does not send an empty tick: the form says beside it which ticks it shows."""
        shown = self.values.get(f"shown-{name}") == "1"
        return name in self.sent if shown else bool(self.values[name])

    def whole(self, name: str, *, least: int, most: int = LARGEST) -> int:
        text = self.values[name].strip()
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
        if value is not None and least <= value <= most:
            return value
        self.errors[name] = (
            _("Give a whole number from {least} to {most}."),
            {"least": str(least), "most": str(most)},
        )
        return least

    def choice(self, name: str, choices: Mapping[str, str]) -> str:
        if self.values[name] not in choices:
            self.errors[name] = (_("Choose one of the options."), {})
        return self.values[name]

    def target(self, name: str, regulation: Regulation) -> Target:
        amount = self.whole(f"{name}-amount", least=1)
        unit = self.choice(f"{name}-unit", {code: label for code, (label, _kind, _size) in UNITS.items()})
        before = dict(targets_of(regulation))[name]
        return target_in(amount, unit, day_mode=before.day_mode) if unit in UNITS else before

    def priority(self, priority: Any, regulation: Regulation) -> Any:
        code = priority.code

        def text(part: str) -> Any:
            return _with(getattr(priority, part), ru=self.word(f"{part}-{code}-ru"), en=self.word(f"{part}-{code}-en"))

        return _with(
            priority,
            name=text("name"),
            definition=text("definition"),
            target=self.target(f"target-{code}", regulation),
            retired=self.tick(f"retired-{code}"),
        )


def field_of(problem: Problem, regulation: Regulation) -> str:
    """The field a problem of the document stands next to; '' for one that has no field of its own."""
    place = problem.place.split(".")
    match place:
        case ["priorities", index, "target"]:
            return f"target-{regulation.priorities[int(index)].code}-amount"
        case ["registration", "target"]:
            return "registration-amount"
        case ["auto_close"]:
            return "auto_close-amount"
        case [name] if name in ("number_format", "minimum_minutes"):
            return name
    return ""
