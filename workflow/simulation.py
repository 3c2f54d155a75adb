"""Back-testing: what a draft would make of the clocks that run, and would have made of those that ran."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from workflow.carrying_over import CHOICES, Choice, KeepsItsVersion, carried_over, how
from workflow.regulation import Rulebook
from workflow.sla import Clocks, Entry, Period, Rulebooks, advance, deadline_or_none, resting_since, result_at

# How a clock ended, or that it has not; `unknown` where the regulation knows no such priority or no such year.
Outcome = Literal["met", "extended", "breached", "running", "unknown"]
# After one of these the clocks alone no longer tell how the target was counted: the journal must be lived again.
STORIED = frozenset({"change_priority", "identify", "repin", "dispute"})
OUTCOMES: tuple[Outcome, ...] = ("met", "extended", "breached", "running", "unknown")


class WithDraft:
    """The published rulebooks, and a draft under a number of its own."""

    def __init__(self, published: Rulebooks, draft: Rulebook) -> None:
        self._published = published
        self._draft = draft

    def __getitem__(self, version: int) -> Rulebook:
        return self._draft if version == self._draft.version else self._published[version]


class _Always:
    """One rulebook, whatever version a life was lived under."""

    def __init__(self, rules: Rulebook) -> None:
        self._rules = rules

    def __getitem__(self, _version: int) -> Rulebook:
        return self._rules


# --- open tickets: what publishing would do now -----------------------------------------------------------------------


class Prospect(msgspec.Struct, frozen=True):
    """The deadline of one open ticket now and after publishing; late means that it has passed already."""

    choice: Choice
    old_due: datetime | None
    new_due: datetime | None
    late_before: bool
    late_after: bool
    kept: bool = False  # its priority is not in use in the draft

    @property
    def moved(self) -> bool:
        return self.old_due != self.new_due


def prospects(clocks: Clocks, draft: Rulebook, *, at: datetime, rulebooks: Rulebooks) -> tuple[Prospect, ...]:
    """What each choice does to one ticket. `rulebooks` must know the draft under its number."""
    before = speaking(clocks)
    old_due, late = deadline_or_none(before, rulebooks), _late(before, at, rulebooks)
    found = []
    for choice in CHOICES:
        try:
            count = how(clocks, choice, draft, rulebooks)
        except KeepsItsVersion as kept:
            found.append(Prospect(choice, old_due, old_due, late, late, kept=bool(kept.sentence)))
            continue
        after = speaking(carried_over(clocks, count, draft, at=at, rulebooks=rulebooks))
        due = deadline_or_none(after, rulebooks)
        found.append(Prospect(choice, old_due, due, late, _late(after, at, rulebooks)))
    return tuple(found)


def speaking(clocks: Clocks) -> Period | None:
    """The clock that speaks for a ticket: resolution once it is registered, registration before."""
    return clocks.resolution or clocks.registration


def _late(period: Period | None, at: datetime, rulebooks: Rulebooks) -> bool:
    """Whether the deadline has passed; what is completed is judged by its frozen result."""
    if period is None:
        return False
    if period.result is not None:
        return period.result != "met"
    due = deadline_or_none(period, rulebooks)
    return due is not None and due < (resting_since(period) or at)


# --- the past: what the draft would have made of it -------------------------------------------------------------------


class Life(msgspec.Struct, frozen=True):
    """What a back-test reads of one ticket. `completed_at` is the completion that stands, if any."""

    clocks: Clocks
    registered_at: datetime | None = None
    completed_at: datetime | None = None


class Ends(msgspec.Struct, frozen=True):
    """How the clocks of one life ended; None for a clock that never ran."""

    registration: Outcome | None
    resolution: Outcome | None


def then(life: Life, *, at: datetime, rulebooks: Rulebooks) -> Ends:
    """How it was: frozen results as they stand, and what still runs as of `at`."""
    registration, resolution = life.clocks.registration, life.clocks.resolution
    return Ends(
        _told(registration, at, rulebooks) if registration else None,
        _told(resolution, at, rulebooks) if resolution else None,
    )


def _told(period: Period, at: datetime, rulebooks: Rulebooks) -> Outcome:
    return period.result or _outcome(period, period.stopped, at, rulebooks)


def plainly(life: Life, draft: Rulebook, *, at: datetime) -> Ends:
    """How it would have been under the draft, for a life that never changed its target: told from the clocks alone."""
    rulebooks, clocks = _Always(draft), life.clocks
    registration = resolution = None
    if clocks.registration is not None:
        target = draft.regulation.registration.target
        period = msgspec.structs.replace(clocks.registration, target=target, version=draft.version)
        registration = _outcome(period, period.stopped, at, rulebooks)
    if clocks.resolution is not None:
        resolution = _plain_resolution(clocks.resolution, life, draft, at=at)
    return Ends(registration, resolution)


def _plain_resolution(period: Period, life: Life, draft: Rulebook, *, at: datetime) -> Outcome:
    clocks = life.clocks
    if clocks.priority not in draft.priorities:
        return "unknown"
    registered = life.registered_at or period.origin
    from_receipt = draft.regulation.resolution.counts_from == "received"
    period = msgspec.structs.replace(
        period,
        origin=(clocks.received_at or registered) if from_receipt else registered,
        target=draft.target(clocks.priority, clocks.service_level),
        version=draft.version,
    )
    return _outcome(period, life.completed_at or period.stopped, at, _Always(draft))


def replayed(entries: Iterable[Entry], life: Life, draft: Rulebook, *, at: datetime) -> Ends:
    """How it would have been under the draft, for any life: its journal is lived again under the draft's settings."""
    rulebooks, clocks = _Always(draft), Clocks()
    try:
        for entry in entries:
            clocks = advance(clocks, entry, rulebooks)
    except KeyError:  # a priority of that time, which the draft does not know
        return Ends(plainly(life, draft, at=at).registration, "unknown")
    registration, resolution = clocks.registration, clocks.resolution
    return Ends(
        _outcome(registration, registration.stopped, at, rulebooks) if registration else None,
        _outcome(resolution, life.completed_at or resolution.stopped, at, rulebooks) if resolution else None,
    )


def _outcome(period: Period, decided: datetime | None, at: datetime, rulebooks: Rulebooks) -> Outcome:
    """The judgement at `decided`, whatever was judged before; of a clock that goes on, whether it is late by now."""
    result = result_at(period, decided or at, rulebooks)
    if result is None:
        return "unknown"
    return "running" if decided is None and result == "met" else result
