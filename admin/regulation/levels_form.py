"""The service levels in a form: their names, and for each priority a target of their own or that of the priority."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from admin.regulation.fields import Errors, Fields, filled_rows
from service.regulation_words import unit_of
from workflow.regulation import Regulation, ServiceLevel

NEW_ROW = {"code": "", "name-ru": "", "name-en": ""}


def level_values(regulation: Regulation) -> dict[str, str]:
    """What stands in the rows of the levels, with an empty row at the end."""
    values: dict[str, str] = {}
    for row, level in enumerate(regulation.service_levels):
        begin = f"level-{row}"
        values |= {f"{begin}-code": level.code, f"{begin}-name-ru": level.name.ru, f"{begin}-name-en": level.name.en}
        values |= _target_values(begin, level, regulation)
    begin = f"level-{len(regulation.service_levels)}"
    return (
        values | {f"{begin}-{name}": value for name, value in NEW_ROW.items()} | _target_values(begin, None, regulation)
    )


def _target_values(begin: str, level: ServiceLevel | None, regulation: Regulation) -> dict[str, str]:
    values: dict[str, str] = {}
    for priority in regulation.priorities:
        own = level.targets.get(priority.code) if level else None
        amount, unit = unit_of(own or priority.target)
        values |= {
            f"{begin}-{priority.code}-amount": str(amount) if own else "",
            f"{begin}-{priority.code}-unit": unit,
        }
    return values


def levels_filled(regulation: Regulation, given: Mapping[str, str]) -> tuple[Regulation | None, Errors]:
    """The document with the levels as typed; a row without a code is no level, an empty amount no target of its own."""
    fields = Fields(level_values(regulation) | dict(given), frozenset(given))
    codes: set[str] = set()
    levels = tuple(_level(fields, row, codes, regulation) for row in filled_rows("level", "code", fields.values))
    changed = msgspec.structs.replace(regulation, service_levels=levels)
    return (None if fields.errors else changed), fields.errors


def _level(fields: Fields, row: int, codes: set[str], regulation: Regulation) -> ServiceLevel:
    begin = f"level-{row}"
    own = {}
    for priority in regulation.priorities:
        at = f"{begin}-{priority.code}"
        if fields.values.get(f"{at}-amount", "").strip():
            own[priority.code] = fields.target(at, day_mode=priority.target.day_mode)
    return ServiceLevel(fields.code(f"{begin}-code", among=codes), fields.text(f"{begin}-name"), own)
