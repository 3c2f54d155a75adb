"""The event catalogue: every type integrators are told, when it comes, its JSON Schema, and an example of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from workflow.process import PROCESS
from workflow.sla import RETARGETING
from workflow.words import _

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PUBLISHED = "regulation.published"
PING = "webhook.ping"
# What may cause an event: to begin, to change the state, to say so in the table, or to move a deadline.
TRIGGERS = (
    "receive",
    *(move.trigger for move in PROCESS.moves if move.events or not move.keeps_state or move.trigger in RETARGETING),
)

TYPES: Mapping[str, str] = {
    "ticket.received": _("A request came in, by whatever channel."),
    "ticket.registered": _("A ticket got its number, priority and deadline."),
    "ticket.state.changed": _("A ticket went from one state to another."),
    "ticket.priority.changed": _("A ticket got another priority."),
    "ticket.deadline.changed": _("The deadline of a ticket moved."),
    "ticket.deadline.warning": _("A deadline comes near."),
    "ticket.deadline.breached": _("A deadline passed."),
    "ticket.escalated": _("A ticket was escalated."),
    "ticket.answered": _("The customer was written to: a question, an answer, the solution."),
    "ticket.closed": _("A ticket reached its end."),
    PUBLISHED: _("Another version of the regulation was published."),
    PING: _("A test of a subscription."),
}


def envelope(type: str, data: Mapping[str, Any], *, at: datetime) -> bytes:
    """The bytes that are signed and sent, and never made again."""
    return msgspec.json.encode({"type": type, "timestamp": _stamp(at), "data": data})


def schema_of(type: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a whole event of this type. Fields may be added to `data`; none goes away."""
    fields = _fields(type)
    return {
        "$schema": DIALECT,
        "title": type,
        "description": TYPES[type],
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "additionalProperties": False,
        "properties": {
            "type": {"const": type},
            "timestamp": {**_INSTANT, "description": "When it happened, in UTC."},
            "data": {"type": "object", "required": list(fields), "properties": fields},
        },
    }


def example_of(type: str) -> dict[str, Any]:
    """An event as it arrives: the same ticket all the way through."""
    example: dict[str, Any] = msgspec.json.decode(envelope(type, _example(type), at=_NOON))
    return example


# --- schemas ----------------------------------------------------------------------------------------------------------

_INSTANT: Mapping[str, Any] = {"type": "string", "format": "date-time"}
_INSTANT_OR_NULL: Mapping[str, Any] = {"type": ["string", "null"], "format": "date-time"}
_ACTOR: Mapping[str, Any] = {
    "enum": ["staff", "customer", "token", "clock"],
    "description": "Who acted: a colleague, a customer, a program, or the clock. Never a name.",
}
_STATES: list[str] = [state.name for state in PROCESS.states]

# What all events of tickets carry; a type narrows some of it below.
_TICKET: Mapping[str, Mapping[str, Any]] = {
    "ticket_id": {"type": "string", "format": "uuid", "description": "The ticket's `id`."},
    "number": {"type": ["string", "null"], "description": "The number it is known by; null until it is registered."},
    "seq": {"type": "integer", "minimum": 1, "description": "The journal entry that caused it; grows by one a ticket."},
    "trigger": {"enum": list(TRIGGERS), "description": "The move that caused it."},
    "from": {"enum": [None, *_STATES], "description": "The state before; null for a new ticket."},
    "to": {"enum": _STATES, "description": "The state after, the same for a move that keeps it."},
    "actor": _ACTOR,
    "priority": {"type": ["string", "null"], "description": "The code of its priority."},
    "registration_due_at": {**_INSTANT_OR_NULL, "description": "Until when it is to be registered."},
    "due_at": {**_INSTANT_OR_NULL, "description": "Until when it is to be resolved; stands still while paused."},
    "promised_at": {**_INSTANT_OR_NULL, "description": "The date promised when the deadline was extended."},
}
_NO_TICKET: Mapping[str, Mapping[str, Any]] = {
    "ticket_id": {"type": "null", "description": "Concerns no ticket."},
    "seq": {"const": 0},
}
_NUMBERED: Mapping[str, Any] = {"number": {"type": "string", "description": "The number it is known by."}}
_NARROWED: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "ticket.received": {"trigger": {"const": "receive"}, "from": {"type": "null"}, "to": {"const": PROCESS.initial}},
    "ticket.registered": {**_NUMBERED, "priority": {"type": "string", "description": "The code of its priority."}},
    "ticket.state.changed": {"from": {"enum": _STATES, "description": "The state before."}},
    "ticket.closed": {"to": {"enum": list(PROCESS.final_states()), "description": "The state it ended in."}},
}
_OTHERS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    PUBLISHED: {
        **_NO_TICKET,
        "version": {"type": "integer", "minimum": 1, "description": "The number of the new version."},
        "effective_at": {**_INSTANT, "description": "From when it is in force."},
        "open_tickets": {
            "enum": ["keep", "from_now", "from_start"],
            "description": "What becomes of tickets that are open when it takes effect.",
        },
        "actor": _ACTOR,
    },
    PING: {
        **_NO_TICKET,
        "webhook_id": {"type": "string", "format": "uuid", "description": "The subscription that is tested."},
        "actor": _ACTOR,
    },
}


def _fields(type: str) -> dict[str, Any]:
    fields = _OTHERS.get(type) or {**_TICKET, **_NARROWED.get(type, {})}
    return {name: dict(field) for name, field in fields.items()}


# --- examples ---------------------------------------------------------------------------------------------------------

_WORKED_ON = PROCESS.by_trigger["start"].to  # the state in which most of an example's life goes by
_NOON = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
_ID = "019df2c1-5a00-7c4e-9a51-3f2b8c7d6e5f"
_REGISTERED: Mapping[str, Any] = {
    "ticket_id": _ID, "number": "2026-00042", "seq": 3, "trigger": "start", "from": "registered", "to": _WORKED_ON,
    "actor": "staff", "priority": "P2", "registration_due_at": "2026-05-04T10:00:00Z",
    "due_at": "2026-05-05T07:20:00Z", "promised_at": None,
}  # fmt: skip
_STAYS: Mapping[str, Any] = {"from": _WORKED_ON, "to": _WORKED_ON}
_EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "ticket.received": {
        "number": None, "seq": 1, "trigger": "receive", "from": None, "to": "new", "actor": "customer",
        "priority": None, "due_at": None,
    },
    "ticket.registered": {"seq": 2, "trigger": "register", "from": "new", "to": "registered"},
    "ticket.state.changed": {},
    "ticket.priority.changed": {
        **_STAYS, "seq": 4, "trigger": "change_priority", "priority": "P1", "due_at": "2026-05-04T11:20:00Z",
    },
    "ticket.deadline.changed": {
        **_STAYS, "seq": 4, "trigger": "change_priority", "priority": "P1", "due_at": "2026-05-04T11:20:00Z",
    },
    "ticket.deadline.warning": {**_STAYS, "seq": 5, "trigger": "warn", "actor": "clock"},
    "ticket.deadline.breached": {**_STAYS, "seq": 7, "trigger": "breach", "actor": "clock"},
    "ticket.escalated": {**_STAYS, "seq": 6, "trigger": "escalate"},
    "ticket.answered": {"seq": 8, "trigger": "complete", "from": _WORKED_ON, "to": "completed"},
    "ticket.closed": {"seq": 9, "trigger": "confirm", "from": "completed", "to": "closed", "actor": "customer"},
}  # fmt: skip
_OTHER_EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    PUBLISHED: {
        "ticket_id": None, "seq": 0, "version": 4, "effective_at": "2026-06-01T00:00:00Z", "open_tickets": "keep",
        "actor": "staff",
    },
    PING: {"ticket_id": None, "seq": 0, "webhook_id": _ID, "actor": "token"},
}  # fmt: skip


def _example(type: str) -> Mapping[str, Any]:
    return _OTHER_EXAMPLES.get(type) or {**_REGISTERED, **_EXAMPLES[type]}


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
