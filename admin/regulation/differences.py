"""What changed between two versions, said in the reader's language, each change with the clause it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from service.differences import tell
from service.words import Language
from workflow.diff import differences
from workflow.regulation import Regulation

# The clause of a place in the document: of several that begin alike the longest counts.
CLAUSES: Final[Mapping[str, str]] = {
    "title": "2", "calendar": "1", "required_fields": "4.2", "number_format": "4.4", "resolution.on_dispute": "4.8",
    "auto_close": "4.9", "minimum_minutes": "5.2", "resolution.on_priority_change": "6.1", "priorities": "6.2",
    "registration": "6.3", "service_levels": "6.3", "quiet_hours": "6.3", "reminders": "4.6", "letters": "7.3",
    "brakes": "7.3", "attachments": "7.6", "level_by_address": "7.7", "canned_answers": "7.8",
    "postponement_reasons": "7.9", "resolution.counts_from": "7.10", "examples": "6.3",
}  # fmt: skip
IN_FORCE_PARTS: Final = ("target", "steps")  # of a priority: what the machine counts by stands in 6.3


@dataclass(frozen=True, slots=True)
class Said:
    """One change: its clause, its sentence, and the place in the document."""

    clause: str
    sentence: str
    place: str = ""


def said_differences(old: Regulation, new: Regulation, language: Language) -> tuple[Said, ...]:
    """Every change, in the order of the clauses."""
    return in_order(Said(clause_of(one.place), tell(language, one), one.place) for one in differences(old, new))


def in_order(changes: Iterable[Said]) -> tuple[Said, ...]:
    """By clause; what names none stands first."""
    return tuple(sorted(changes, key=lambda one: [int(part) for part in one.clause.split(".") if part]))


def clause_of(place: str) -> str:
    """The clause that a place of the document carries."""
    parts = place.split(".")
    if parts[0] == "priorities" and parts[-1] in IN_FORCE_PARTS:
        return "6.3"
    known = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((CLAUSES[one] for one in known if one in CLAUSES), "2")
