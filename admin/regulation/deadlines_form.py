"""Clause 6 in a form: priorities, their targets and steps, registration, quiet hours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from admin.regulation.fields import Fields, Filled, changed, target_values, tick_value
from admin.regulation.step_rows import WHEN, WHO, name, rows_of, step_of, values_of_steps
from service.regulation_words import ON_PRIORITY_CHANGE
from workflow.regulation import Priority, Problem, QuietHours, Regulation, Step, team_in
from workflow.words import _

COLOURS: Final[Mapping[str, str]] = {
    "red": _("red"), "orange": _("orange"), "yellow": _("yellow"), "green": _("green"), "blue": _("blue"),
    "violet": _("violet"), "grey": _("grey"),
}  # fmt: skip
OWN_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")


def deadline_values(regulation: Regulation) -> dict[str, str]:
    """What stands in the fields of this document, with an empty row at the end of each list of steps."""
    loud = regulation.quiet_hours.except_priorities
    values = {
        "on_priority_change": regulation.resolution.on_priority_change,
        "quiet_hours": tick_value(regulation.quiet_hours.enabled),
    }
    values |= target_values("registration", regulation.registration.target)
    for priority in regulation.priorities:
        code = priority.code
        values |= {
            f"name-{code}-ru": priority.name.ru, f"name-{code}-en": priority.name.en,
            f"definition-{code}-ru": priority.definition.ru, f"definition-{code}-en": priority.definition.en,
            f"colour-{code}": priority.colour, f"retired-{code}": tick_value(priority.retired),
            f"loud-{code}": tick_value(code in loud),
        }  # fmt: skip
        values |= target_values(f"target-{code}", priority.target)
        values |= values_of_steps(code, priority.steps)
    return values | values_of_steps("registration", regulation.registration.steps)


def deadlines_filled(regulation: Regulation, given: Mapping[str, str]) -> Filled:
    """`regulation` with what was typed; what the form did not send stays as it was."""
    fields = _Fields(deadline_values(regulation) | dict(given), frozenset(given))
    document = changed(
        regulation,
        resolution=changed(
            regulation.resolution, on_priority_change=fields.choice("on_priority_change", ON_PRIORITY_CHANGE)
        ),
        priorities=tuple(fields.priority(one, regulation) for one in regulation.priorities),
        registration=changed(
            regulation.registration,
            target=fields.target("registration"),
            steps=fields.steps("registration", regulation),
        ),
        quiet_hours=QuietHours(
            enabled=fields.tick("quiet_hours"),
            except_priorities=tuple(one.code for one in regulation.priorities if fields.tick(f"loud-{one.code}")),
        ),
    )
    return Filled(None if fields.errors else document, fields.errors)


class _Fields(Fields):
    """Reads the parts of the document that this form shows."""

    def priority(self, priority: Priority, regulation: Regulation) -> Any:
        code = priority.code
        return changed(
            priority,
            name=self.text(f"name-{code}"),
            definition=self.text(f"definition-{code}"),
            colour=self.colour(f"colour-{code}"),
            target=self.target(f"target-{code}"),
            retired=self.tick(f"retired-{code}"),
            steps=self.steps(code, regulation),
        )

    def colour(self, field: str) -> str:
        """One of the names, or a number of its own that a document brought."""
        own = self.values[field]
        return own if OWN_COLOUR.fullmatch(own) else self.choice(field, COLOURS)

    def steps(self, owner: str, regulation: Regulation) -> tuple[Step, ...]:
        """The rows that say when; clearing the amount takes a step away."""
        codes = {one.code: one.code for one in regulation.priorities}
        return tuple(
            self.step(name(owner, row), codes)
            for row in rows_of(owner, self.values)
            if self.values[f"{name(owner, row)}-amount"].strip()
        )

    def step(self, begin: str, codes: Mapping[str, str]) -> Step:
        told = [whom for whom in WHO if self.tick(f"{begin}-{whom}")]
        return step_of(
            self.choice(f"{begin}-when", WHEN),
            self.whole(f"{begin}-amount", least=0),
            notify=[*told, *self.addresses(f"{begin}-others")],
            raise_to=self.choice(f"{begin}-raise_to", {"": "", **codes}),
            reassign_to=next(iter(self.addresses(f"{begin}-reassign_to")), ""),
        )

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


def deadline_field_of(problem: Problem, regulation: Regulation) -> str:
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
    return ""
