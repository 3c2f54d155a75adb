"""Carrying a version over: what becomes of a ticket's clocks when another version is published while it is open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from workflow.regulation import Rulebook
from workflow.sla import Clocks, Period, Rulebooks, advance, deadline_or_none
from workflow.words import _

# What open tickets do at publishing: keep their version, or count the new target from the start or from now.
Choice = Literal["keep", "from_start", "from_now"]
CHOICES: tuple[Choice, ...] = ("keep", "from_start", "from_now")


class KeepsItsVersion(Exception):
    """This ticket stays where it is; `sentence` is an English msgid with its `params`, or '' when nothing calls."""

    def __init__(self, sentence: str = "", **params: str) -> None:
        super().__init__(sentence.format(**params))
        self.sentence = sentence
        self.params = params


class Repin(msgspec.Struct, frozen=True):
    """The entry that moves a ticket to another version, as the clocks read it."""

    at: datetime
    data: Mapping[str, object]
    trigger: str = "repin"
    from_state: str = ""
    to_state: str = ""
    by: str = ""


def how(clocks: Clocks, choice: Choice, rules: Rulebook, rulebooks: Rulebooks) -> Choice:
    """How this ticket is carried over to `rules`; raises KeepsItsVersion when it is not.

    A request that is not registered yet obeys the version at its receipt. Whatever was chosen, a deadline that is empty
    for want of a calendar is filled.
    """
    chosen: Choice = "keep" if clocks.resolution is None else choice
    if chosen == "keep" and not lacks_a_deadline(clocks, rulebooks):
        raise KeepsItsVersion()
    if clocks.resolution is not None and clocks.resolution.stopped is None:
        known = rules.priorities if chosen == "keep" else rules.open_priorities
        if clocks.priority not in known:
            raise KeepsItsVersion(
                _("Priority {priority} is not in use in version {version}: the ticket keeps version {old}."),
                priority=clocks.priority, version=str(rules.version), old=str(clocks.version),
            )  # fmt: skip
    return chosen


def carried_over(clocks: Clocks, count: Choice, rules: Rulebook, *, at: datetime, rulebooks: Rulebooks) -> Clocks:
    """The clocks after moving to `rules`, which `rulebooks` must know under its number."""
    return advance(clocks, Repin(at, {"regulation_version": rules.version, "count": count}), rulebooks)


def lacks_a_deadline(clocks: Clocks, rulebooks: Rulebooks) -> bool:
    """Whether a clock has no deadline because its calendar ends too soon."""
    return any(deadline_or_none(period, rulebooks) is None for period in _unfinished(clocks))


def _unfinished(clocks: Clocks) -> tuple[Period, ...]:
    periods = (clocks.registration, clocks.resolution, clocks.auto_close)
    return tuple(period for period in periods if period is not None and period.stopped is None)
