"""The checks of a draft as its pages show them: what does not fit, and each worked case with what the rules give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from admin.regulation.frame import said_problem
from service.words import Language
from workflow.calendar import CalendarError, parse_instant
from workflow.examples import answer
from workflow.regulation import Example, Problem, Regulation, Rulebook


@dataclass(frozen=True, slots=True)
class Worked:
    """An example as the rules answer it, for people and as an `instant`; both are empty where it cannot be computed."""

    example: Example
    start: str
    due: str
    given: str
    right: bool
    instant: str = ""


def said_checks(found: Sequence[Problem], language: Language) -> list[str]:
    """What does not fit, but for the examples: each of them says for itself whether it holds."""
    return [said_problem(problem, language) for problem in found if not problem.place.startswith("examples")]


def worked_examples(document: Regulation) -> list[Worked]:
    """Every case, in the zone of the calendar."""
    rules = Rulebook(0, document)
    return [_worked(rules, example) for example in document.examples]


def _worked(rules: Rulebook, example: Example) -> Worked:
    try:
        zone = rules.calendar.zone
        expected, given = parse_instant(example.due), answer(rules, example)
    except (CalendarError, KeyError):
        return Worked(example, example.start, example.due, "", False)
    start, due, found = (
        f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (parse_instant(example.start), expected, given)
    )
    return Worked(example, start, due, found, right=expected == given, instant=given.astimezone(zone).isoformat())
