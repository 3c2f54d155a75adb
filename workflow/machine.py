"""The machine decides; it never saves, sends or waits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from transitions import EventData, Machine

from workflow.definition import Move, Process, Role
from workflow.errors import NotYours, UnknownTrigger, WrongState
from workflow.fields import Choices, checked
from workflow.process import PROCESS
from workflow.words import _

logging.getLogger("transitions").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """What the machine must know of a ticket to decide, and nothing more."""

    state: str
    priority: str | None = None
    answer_unread: bool = False
    completion_bounced: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What a trigger does: where the ticket goes, and what was given, checked and completed."""

    move: Move
    from_state: str
    to_state: str
    given: Mapping[str, object]

    @property
    def changes_state(self) -> bool:
        return self.from_state != self.to_state


class _Probe:
    """A throw-away position for `transitions` to move; the ticket itself is never touched."""

    __slots__ = ("facts", "state")

    def __init__(self, facts: TicketFacts) -> None:
        self.facts = facts
        self.state = facts.state


def _customer_is_silent(facts: TicketFacts) -> str | None:
    return _("An answer of the customer has not been read yet.") if facts.answer_unread else None


def _completion_arrived(facts: TicketFacts) -> str | None:
    return _("The completion letter came back: the customer has not heard of it.") if facts.completion_bounced else None


def _has_a_priority(facts: TicketFacts) -> str | None:
    return None if facts.priority else _("The ticket has no priority yet: register it first.")


def _a_reply_waits(facts: TicketFacts) -> str | None:
    return None if facts.answer_unread else _("No reply of the customer is waiting.")


CONDITIONS: Mapping[str, Callable[[TicketFacts], str | None]] = {
    "customer_is_silent": _customer_is_silent,
    "completion_arrived": _completion_arrived,
    "has_a_priority": _has_a_priority,
    "a_reply_waits": _a_reply_waits,
}


class SupportMachine:
    """The process table in the hands of `transitions`. One instance serves all tickets; it holds no position."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._machine = Machine(
            model=None,
            states=[state.name for state in process.states],
            initial=process.initial,
            transitions=[
                {
                    "trigger": move.trigger,
                    "source": list(move.sources),
                    "dest": move.to,
                    "conditions": [self._condition(name) for name in move.conditions],
                }
                for move in process.moves
            ],
            auto_transitions=False,
            send_event=True,
        )

    def _condition(self, name: str) -> Callable[[EventData], bool]:
        reason_against = CONDITIONS[name]

        def holds(event: EventData) -> bool:
            facts = cast(_Probe, event.model).facts
            if reason := reason_against(facts):
                raise self._refused(facts, event.event.name, sentence=reason)
            return True

        return holds

    def decide(
        self, ticket: TicketFacts, trigger: str, *, by: Role, given: Mapping[str, object], choices: Choices
    ) -> Decision:
        """What `trigger` does to `ticket` in the hands of `by`.

        Raises, in this order: UnknownTrigger, NotYours, WrongState (with the triggers possible now), WrongFields
        (every wrong field at once). Never saves anything.
        """
        move = self.process.by_trigger.get(trigger)
        if move is None:
            raise UnknownTrigger(trigger=trigger)
        if by not in move.who:
            raise NotYours(move=move.label)
        to_state = self._moved(ticket, move, by)
        return Decision(move, ticket.state, to_state, checked(move.fields, given, choices))

    def _moved(self, ticket: TicketFacts, move: Move, by: Role) -> str:
        if ticket.state not in move.sources:
            raise self._refused(ticket, move.trigger, by=by)
        probe = _Probe(ticket)
        try:
            self._machine.events[move.trigger].trigger(probe)
        except WrongState as refusal:
            refusal.possible = self.possible(ticket, by=by)
            raise
        return probe.state

    def possible(self, ticket: TicketFacts, *, by: Role) -> tuple[str, ...]:
        """The triggers `by` may pull now, in the order of the table; conditions included."""
        return tuple(move.trigger for move in self.moves(ticket, by=by))

    def moves(self, ticket: TicketFacts, *, by: Role) -> tuple[Move, ...]:
        """The moves `by` may make now, in the order of the table; conditions included."""
        return tuple(
            move
            for move in self.process.moves_from(ticket.state, by=by)
            if not any(CONDITIONS[name](ticket) for name in move.conditions)
        )

    def _refused(
        self, ticket: TicketFacts, trigger: str, *, by: Role | None = None, sentence: str | None = None
    ) -> WrongState:
        return WrongState(
            trigger=trigger,
            state=ticket.state,
            possible=() if by is None else self.possible(ticket, by=by),
            sentence=sentence,
            move=self.process.by_trigger[trigger].label,
            in_state=self.process.state(ticket.state).label,
        )


MACHINE = SupportMachine(PROCESS)
