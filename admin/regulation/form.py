"""The form of the draft: one field a setting, read back into a document or refused next to the field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from admin.regulation.fields import Errors, Fields
from admin.regulation.step_rows import WHEN, WHO, name, rows_of, step_of, values_of_steps
from service.regulation_words import COUNTS_FROM, DAY_MODES, ON_DISPUTE, ON_PRIORITY_CHANGE, target_in, unit_of
from workflow.regulation import Priority, Problem, Regulation, Step, Text, team_in
from workflow.words import _
from workflow.working_calendar import DayMode, Target


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
    for of, target in targets_of(regulation):
        amount, unit = unit_of(target)
        values |= {f"{of}-amount": str(amount), f"{of}-unit": unit, f"{of}-day_mode": target.day_mode}
    for priority in regulation.priorities:
        values |= {
            f"name-{priority.code}-ru": priority.name.ru,
            f"name-{priority.code}-en": priority.name.en,
            f"definition-{priority.code}-ru": priority.definition.ru,
            f"definition-{priority.code}-en": priority.definition.en,
            f"retired-{priority.code}": "1" if priority.retired else "",
            f"rank-{priority.code}": str(priority.rank),
        }
        values |= values_of_steps(priority.code, priority.steps)
    return values | values_of_steps("registration", regulation.registration.steps)


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
        registration=_with(
            regulation.registration,
            target=reader.timed("registration"),
            steps=reader.steps("registration", regulation.registration.steps, regulation),
        ),
        auto_close=reader.timed("auto_close"),
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


class _Reader(Fields):
    """Reads the parts of the document that this form shows."""

    def timed(self, of: str) -> Target:
        mode = self.choice(f"{of}-day_mode", DAY_MODES)
        return self.target(of, day_mode=cast(DayMode, mode))

    def priority(self, priority: Priority, regulation: Regulation) -> Any:
        code = priority.code

        return _with(
            priority,
            name=self.text(f"name-{code}"),
            definition=self.text(f"definition-{code}"),
            target=self.timed(f"target-{code}"),
            retired=self.tick(f"retired-{code}"),
            rank=self.whole(f"rank-{code}", least=1, most=99),
            steps=self.steps(code, priority.steps, regulation),
        )

    def steps(self, owner: str, before: tuple[Step, ...], regulation: Regulation) -> tuple[Step, ...]:
        """The rows that say when; clearing the amount takes a step away."""
        codes = {one.code: one.code for one in regulation.priorities}
        steps: list[Step] = []
        for row in rows_of(owner, self.values):
            begin = name(owner, row)
            if not self.values[f"{begin}-amount"].strip():
                continue
            told = [whom for whom in WHO if self.tick(f"{begin}-{whom}")]
            steps.append(
                step_of(
                    self.choice(f"{begin}-when", WHEN),
                    self.whole(f"{begin}-amount", least=0),
                    notify=[*told, *self.addresses(f"{begin}-others")],
                    raise_to=self.choice(f"{begin}-raise_to", {"": "", **codes}),
                    before=before[row] if row < len(before) else None,
                )
            )
        return tuple(steps)

    def addresses(self, field: str) -> list[str]:
        """Mail addresses, and teams as `team:code`, with commas or spaces between them."""
        found = self.values[field].replace(",", " ").split()
        for one in found:
            if team_in(one):
                continue
            local, at, domain = one.partition("@")
            if not (local and at and domain) or not one.isprintable():
                self.errors[field] = (_("“{address}” is not a mail address."), {"address": one})
        return found


def field_of(problem: Problem, regulation: Regulation) -> str:
    """The field a problem of the document stands next to; '' for one that has no field of its own."""
    place = problem.place.split(".")
    match place:
        case ["priorities", index, "steps", row]:
            return f"{name(regulation.priorities[int(index)].code, int(row))}-amount"
        case ["registration", "steps", row]:
            return f"{name('registration', int(row))}-amount"
        case ["priorities", index, "target"]:
            return f"target-{regulation.priorities[int(index)].code}-amount"
        case ["registration", "target"]:
            return "registration-amount"
        case ["auto_close"]:
            return "auto_close-amount"
        case ["number_format" | "minimum_minutes" as only]:
            return only
    return ""


# --- priorities that come and go --------------------------------------------------------------------------------------

CODE: Final = re.compile(r"[A-Z0-9]{1,10}")


def with_priority(regulation: Regulation, code: str) -> Filled:
    """The document with one priority more, the last in the queue; its name and definition wait to be written."""
    code = code.strip().upper()
    if not CODE.fullmatch(code):
        return Filled(None, {"code": (_("A code has 1 to 10 letters A–Z and digits."), {})})
    if any(one.code == code for one in regulation.priorities):
        return Filled(None, {"code": (_("There is a priority {code} already."), {"code": code})})
    last = max((one.rank for one in regulation.priorities), default=0)
    added = Priority(
        code=code,
        rank=last + 1,
        name=Text(ru=f"Приоритет {code}", en=f"Priority {code}"),
        definition=Text(ru="Когда назначается этот приоритет.", en="When this priority is given."),
        colour="grey",
        target=target_in(5, "working_days"),
    )
    return Filled(_with(regulation, priorities=(*regulation.priorities, added)), {})


def without_priority(regulation: Regulation, code: str) -> Regulation:
    """The document without a priority that no version has published yet."""
    kept = tuple(one for one in regulation.priorities if one.code != code)
    document: Regulation = _with(regulation, priorities=kept)
    return document
