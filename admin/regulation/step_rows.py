"""Warnings and escalations in the form: a row a step, an empty row for one more; a row without an amount is no step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from workflow.regulation import Step
from workflow.words import _

WHEN: Final = {
    "percent": _("per cent of the time used"),
    "before": _("working minutes before the deadline"),
    "after": _("working minutes after the deadline"),
}
WHO: Final = {"assignee": _("tell the specialist"), "supervisors": _("tell the supervisors")}
MOST_STEPS: Final = 20


def values_of_steps(owner: str, steps: Sequence[Step]) -> dict[str, str]:
    """The fields of the rows of one clock, with the empty row at the end."""
    values: dict[str, str] = {}
    for row, step in enumerate(steps):
        when, amount = _when(step)
        others = [whom for whom in step.notify if whom not in WHO]
        values |= _row(owner, row, when, str(amount), ", ".join(others), step.raise_to or "", step.reassign_to or "")
        values |= {f"{name(owner, row)}-{whom}": "1" if whom in step.notify else "" for whom in WHO}
    return (
        values
        | _row(owner, len(steps), "percent", "", "", "", "")
        | {f"{name(owner, len(steps))}-{whom}": "" for whom in WHO}
    )


def name(owner: str, row: int) -> str:
    """What the names of the fields of a row begin with."""
    return f"step-{owner}-{row}"


def rows_of(owner: str, values: Mapping[str, str]) -> Iterator[int]:
    """The rows that stand in the form."""
    return (row for row in range(MOST_STEPS) if f"{name(owner, row)}-amount" in values)


def step_of(when: str, amount: int, *, notify: Sequence[str], raise_to: str, reassign_to: str) -> Step:
    """The step of a row."""
    minutes = {"before": -amount, "after": amount}.get(when)
    return Step(
        notify=tuple(notify),
        percent=amount if minutes is None else None,
        minutes=minutes,
        raise_to=raise_to or None,
        reassign_to=reassign_to or None,
    )


def _when(step: Step) -> tuple[str, int]:
    if step.percent is not None:
        return "percent", step.percent
    minutes = step.minutes or 0
    return ("before", -minutes) if minutes < 0 else ("after", minutes)


def _row(owner: str, row: int, when: str, amount: str, others: str, raise_to: str, reassign_to: str) -> dict[str, str]:
    begin = name(owner, row)
    return {
        f"{begin}-when": when,
        f"{begin}-amount": amount,
        f"{begin}-others": others,
        f"{begin}-raise_to": raise_to,
        f"{begin}-reassign_to": reassign_to,
    }
