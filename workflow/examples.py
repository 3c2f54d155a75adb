"""Worked cases of the owner: a regulation that answers them otherwise is not published."""

from __future__ import annotations

from datetime import datetime

from workflow.calendar import CalendarError, parse_instant
from workflow.regulation import Example, Problem, Regulation, Rulebook
from workflow.words import _


def answer(rules: Rulebook, example: Example) -> datetime:
    """The deadline the rules give for the case. Raises CalendarError, KeyError for an unknown priority."""
    return rules.calendar.deadline(parse_instant(example.start), rules.target(example.priority, example.service_level))


def failed_examples(regulation: Regulation) -> tuple[Problem, ...]:
    """A problem for each case whose deadline is another than its owner wrote down."""
    rules = Rulebook(0, regulation)
    found = (_problem(rules, f"examples.{index}", example) for index, example in enumerate(regulation.examples))
    return tuple(problem for problem in found if problem is not None)


def _problem(rules: Rulebook, place: str, example: Example) -> Problem | None:
    named = {"title": example.title, "due": example.due}
    if example.priority not in rules.priorities:
        named |= {"code": example.priority}
        return Problem(place, _("“{title}” names a priority that does not exist: {code}."), named)
    if example.service_level not in rules.levels:
        named |= {"code": example.service_level}
        return Problem(place, _("“{title}” names a service level that does not exist: {code}."), named)
    try:
        expected, due = parse_instant(example.due), answer(rules, example)
    except CalendarError as wrong:
        return Problem(place, _("“{title}” cannot be computed: {why}"), named | {"why": str(wrong)})
    if due == expected:
        return None
    given = due.astimezone(expected.tzinfo).isoformat(timespec="minutes")
    return Problem(place, _("“{title}” should be due {due}, but these rules give {given}."), named | {"given": given})
