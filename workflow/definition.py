"""The words in which the process table is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Clock = Literal["registration", "resolution", "auto_close"]


class Role(StrEnum):
    """Who asks for a move. A customer acts by mail, link or cabinet; the clock is a timer that came due."""

    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    PROCESS_OWNER = "process_owner"
    ADMINISTRATOR = "administrator"
    CUSTOMER = "customer"
    CLOCK = "clock"


OPERATORS = frozenset({Role.OPERATOR, Role.ADMINISTRATOR})
STAFF = frozenset({Role.OPERATOR, Role.SUPERVISOR, Role.ADMINISTRATOR})
CUSTOMER_OR_OPERATOR = OPERATORS | {Role.CUSTOMER}
STAFF_OR_CLOCK = STAFF | {Role.CLOCK}
CLOCK_ONLY = frozenset({Role.CLOCK})
CUSTOMER_ONLY = frozenset({Role.CUSTOMER})


class Kind(StrEnum):
    """What a field holds; forms, the API's schema and the check of what was given follow from it."""

    TEXT = "text"
    MINUTES = "minutes"
    PRIORITY = "priority"
    USER = "user"
    REASON = "reason"
    OUTCOME = "outcome"
    DELIVERY = "delivery"
    INSTANT = "instant"
    TICKET = "ticket"
    MESSAGE = "message"
    RELATION = "relation"
    ORGANISATION = "organisation"
    CONTACT = "contact"
    WORD = "word"
    FILES = "files"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a move carries. `choices` are codes with their labels, when the table itself fixes them."""

    name: str
    kind: Kind
    label: str
    required: bool = True
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """Where a ticket stands, and which clock runs, rests or ends there."""

    name: str
    label: str
    customer_label: str
    runs: Clock | None = None
    pauses: Clock | None = None
    pause_reason: str = ""
    final: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """One arrow of the process, or one act that keeps the state (`to` is None).

    `label` is what a button says, `done` what a journal says; without it the label serves both.
    """

    trigger: str
    sources: tuple[str, ...]
    to: str | None
    who: frozenset[Role]
    label: str
    fields: tuple[Field, ...] = ()
    letters: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    assigns: bool = False
    dangerous: bool = False
    done: str = ""
    tells: tuple[str, ...] = ()  # of the house, besides who has the ticket and who watches it
    quiet: bool = False  # nobody of the house is told

    @property
    def in_journal(self) -> str:
        """What the act is called once it has been done."""
        return self.done or self.label

    @property
    def keeps_state(self) -> bool:
        return self.to is None

    def field(self, name: str) -> Field | None:
        return next((one for one in self.fields if one.name == name), None)


@dataclass(frozen=True)
class Process:
    """The whole table. Building it checks that every arrow joins two states it knows."""

    initial: str
    states: tuple[State, ...]
    moves: tuple[Move, ...]
    by_name: dict[str, State] = field(init=False, repr=False, compare=False)
    by_trigger: dict[str, Move] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {state.name: state for state in self.states})
        object.__setattr__(self, "by_trigger", {move.trigger: move for move in self.moves})
        known = set(self.by_name)
        for move in self.moves:
            strangers = {*move.sources, *([move.to] if move.to else []), self.initial} - known
            if strangers:
                raise ValueError(f"{move.trigger} names unknown states: {', '.join(sorted(strangers))}")
        if len(self.by_trigger) != len(self.moves) or len(known) != len(self.states):
            raise ValueError("a state or a trigger stands twice in the process table")

    def state(self, name: str) -> State:
        return self.by_name[name]

    def open_states(self) -> tuple[str, ...]:
        return tuple(state.name for state in self.states if not state.final)

    def final_states(self) -> tuple[str, ...]:
        return tuple(state.name for state in self.states if state.final)

    def states_where(self, *, runs: Clock) -> tuple[str, ...]:
        return tuple(state.name for state in self.states if state.runs == runs)

    def states_paused(self) -> tuple[str, ...]:
        return tuple(state.name for state in self.states if state.pauses is not None)

    def moves_from(self, state: str, *, by: Role | None = None) -> tuple[Move, ...]:
        return tuple(move for move in self.moves if state in move.sources and (by is None or by in move.who))

    def letters(self) -> Iterable[str]:
        return dict.fromkeys(letter for move in self.moves for letter in move.letters)
