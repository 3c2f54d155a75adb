"""The service levels in a form: their names, and for each priority a target of their own or that of the priority."""

from __future__ import annotations

from collections.abc import Mapping

from admin.regulation.fields import Fields, Filled, changed, filled_rows, target_values
from workflow.regulation import Problem, Regulation, ServiceLevel


def level_values(regulation: Regulation) -> dict[str, str]:
    """What stands in the rows of the levels, with an empty row at the end."""
    values: dict[str, str] = {}
    for row, level in enumerate((*regulation.service_levels, None)):
        begin = f"level-{row}"
        values |= {
            f"{begin}-code": level.code if level else "",
            f"{begin}-name-ru": level.name.ru if level else "",
            f"{begin}-name-en": level.name.en if level else "",
        }
        for priority in regulation.priorities:
            own = level.targets.get(priority.code) if level else None
            values |= target_values(f"{begin}-{priority.code}", own, priority.target)
    return values


def levels_filled(regulation: Regulation, given: Mapping[str, str]) -> Filled:
    """The document with the levels as typed; a row without a code is no level, an empty amount no target of its own."""
    fields = Fields(level_values(regulation) | dict(given), frozenset(given))
    codes: set[str] = set()
    levels = tuple(_level(fields, row, codes, regulation) for row in filled_rows("level", "code", fields.values))
    return Filled(None if fields.errors else changed(regulation, service_levels=levels), fields.errors)


def _level(fields: Fields, row: int, codes: set[str], regulation: Regulation) -> ServiceLevel:
    begin = f"level-{row}"
    own = {
        priority.code: fields.target(f"{begin}-{priority.code}")
        for priority in regulation.priorities
        if fields.values.get(f"{begin}-{priority.code}-amount", "").strip()
    }
    return ServiceLevel(fields.code(f"{begin}-code", among=codes), fields.text(f"{begin}-name"), own)


def level_field_of(problem: Problem, _regulation: Regulation) -> str:
    """The field a problem of the document stands next to; '' for one that has none here."""
    match problem.place.split("."):
        case ["service_levels", row, "targets", code]:
            return f"level-{row}-{code}-amount"
        case ["service_levels"]:
            return "level-0-code"
    return ""
