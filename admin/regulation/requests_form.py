"""Clauses 2 to 5 in a form: title, required fields, number, reminders, dispute, closing, least time."""

from __future__ import annotations

from collections.abc import Mapping

from admin.regulation.fields import Fields, Filled, changed, filled_rows, target_values, tick_value
from service.regulation_words import ON_DISPUTE
from workflow.regulation import REQUEST_FIELDS, Problem, Regulation, Reminders


def request_values(regulation: Regulation) -> dict[str, str]:
    """What stands in the fields of this document, with an empty row at the end of the reminders."""
    values = {
        "title-ru": regulation.title.ru,
        "title-en": regulation.title.en,
        "number_format": regulation.number_format,
        "on_dispute": regulation.resolution.on_dispute,
        "minimum_minutes": str(regulation.minimum_minutes),
    }
    values |= {f"required-{name}": tick_value(name in regulation.required_fields) for name in REQUEST_FIELDS}
    values |= target_values("auto_close", regulation.auto_close)
    for row, target in enumerate((*regulation.reminders.after, None)):
        values |= target_values(f"reminder-{row}", target)
    return values


def requests_filled(regulation: Regulation, given: Mapping[str, str]) -> Filled:
    """`regulation` with what was typed; what the form did not send stays as it was."""
    fields = Fields(request_values(regulation) | dict(given), frozenset(given))
    reminders = tuple(fields.target(f"reminder-{row}") for row in filled_rows("reminder", "amount", fields.values))
    document = changed(
        regulation,
        title=fields.text("title"),
        required_fields=tuple(name for name in REQUEST_FIELDS if fields.tick(f"required-{name}")),
        number_format=fields.word("number_format"),
        reminders=Reminders(reminders),
        resolution=changed(regulation.resolution, on_dispute=fields.choice("on_dispute", ON_DISPUTE)),
        auto_close=fields.target("auto_close"),
        minimum_minutes=fields.whole("minimum_minutes", least=0, most=24 * 60),
    )
    return Filled(None if fields.errors else document, fields.errors)


def request_field_of(problem: Problem, _regulation: Regulation) -> str:
    """The field a problem of the document stands next to; '' for one that has none here."""
    match problem.place.split("."):
        case ["auto_close"]:
            return "auto_close-amount"
        case ["reminders", "after", row]:
            return f"reminder-{row}-amount"
        case ["number_format" | "minimum_minutes" as only]:
            return only
    return ""
