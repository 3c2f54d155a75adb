"""What integrators are told: thin events, each with its exact bytes and a stable id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from service.actors import Actor
from service.event_catalogue import envelope
from service.ticket import Ticket
from workflow.position import Position


def types_of(declared: Sequence[str], before: Position, after: Position, *, due_moved: bool) -> Iterator[str]:
    """The event types of one journal entry, in the order they are told."""
    if before.state and before.state != after.state:
        yield "ticket.state.changed"
    yield from declared
    if due_moved and before.clocks.resolution is not None:
        yield "ticket.deadline.changed"


def write(
    type: str, ticket: Ticket, *, trigger: str, from_state: str | None, by: Actor, at: datetime, n: int
) -> tuple[str, bytes]:
    """The id and the body of one event: ids, numbers and names of states; no text, no personal data."""
    data = {
        "ticket_id": str(ticket.id),
        "number": ticket.number,
        "seq": ticket.seq,
        "trigger": trigger,
        "from": from_state,
        "to": ticket.state,
        "actor": by.kind,
        "priority": ticket.priority,
        "registration_due_at": ticket.registration_due_at,
        "due_at": ticket.due_at,
        "promised_at": ticket.promised_at,
    }
    return f"evt_{ticket.id.hex}_{ticket.seq}_{n}", envelope(type, data, at=at)
