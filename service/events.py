"""What integrators are told: thin events, each with its exact bytes and a stable id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from service.actors import Actor
from service.ticket import Ticket
from workflow.position import Position

# The catalogue: every type of event, and when it comes (an English msgid stands in the pages' catalogue).
TYPES: Mapping[str, str] = {
    "ticket.received": "A request came in, by whatever channel.",
    "ticket.registered": "A ticket got its number, priority and deadline.",
    "ticket.state.changed": "A ticket went from one state to another.",
    "ticket.priority.changed": "A ticket got another priority.",
    "ticket.deadline.changed": "The deadline of a ticket moved.",
    "ticket.deadline.warning": "A deadline comes near.",
    "ticket.deadline.breached": "A deadline passed.",
    "ticket.escalated": "A ticket was escalated.",
    "ticket.answered": "The customer was written to: a question, an answer, the solution.",
    "ticket.closed": "A ticket reached its end.",
    "regulation.published": "Another version of the regulation was published.",
    "webhook.ping": "A test of a subscription.",
}


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


def envelope(type: str, data: Mapping[str, Any], *, at: datetime) -> bytes:
    """The bytes that are signed and sent, and never made again."""
    stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return msgspec.json.encode({"type": type, "timestamp": stamp, "data": data})
