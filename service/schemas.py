"""What travels over the API: named requests and answers. Times are UTC, ids are texts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from service.ticket import ClockView, TicketView


class _In(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body; unknown fields are refused, so that a typing error is never a silent default."""


class NewTicket(_In, frozen=True, kw_only=True):
    """A request of a customer (clause 4.2). What is missing is asked for; only words about the matter are needed."""

    channel: str
    text: str = ""
    subject: str = ""
    organisation: str = ""
    full_name: str = ""
    position: str = ""
    phone: str = ""
    email: str = ""
    product: str = ""
    contract: str = ""
    language: str = ""


class TicketPage(msgspec.Struct, frozen=True):
    items: list[TicketView]
    next_cursor: str | None


class Choice(msgspec.Struct, frozen=True):
    code: str
    label: str


class MoveField(msgspec.Struct, frozen=True):
    """One field of a move. `choices` is empty where anything of its kind goes."""

    name: str
    kind: str
    label: str
    required: bool
    choices: list[Choice]


class PossibleMove(msgspec.Struct, frozen=True):
    """A move you may make now, and what it must carry. `to` is null when the state stays."""

    trigger: str
    label: str
    to: str | None
    dangerous: bool
    fields: list[MoveField]


class PossibleMoves(msgspec.Struct, frozen=True):
    """Everything you may do with the ticket as it stands at `seq`."""

    state: str
    seq: int
    items: list[PossibleMove]


class EntryActor(msgspec.Struct, frozen=True):
    kind: str
    name: str


class JournalEntryView(msgspec.Struct, frozen=True):
    """One act on a ticket; `hash` is the SHA-256 chain, in hexadecimal."""

    seq: int
    at: datetime
    kind: str
    trigger: str
    from_state: str | None
    to_state: str
    actor: EntryActor
    cause: str
    data: dict[str, Any]
    hash: str


class JournalPage(msgspec.Struct, frozen=True):
    items: list[JournalEntryView]
    next_cursor: str | None


class AttachmentView(msgspec.Struct, frozen=True):
    """A file of a ticket. `refused` says why it was not kept."""

    id: str
    message: str | None
    filename: str
    content_type: str
    size: int
    sha256: str
    refused: str
    at: datetime


class AttachmentPage(msgspec.Struct, frozen=True):
    items: list[AttachmentView]
    next_cursor: str | None


class MessageView(msgspec.Struct, frozen=True):
    """What was said. `direction` is in, out or internal; `method` the channel or the delivery method."""

    id: str
    seq: int
    direction: str
    author: str
    text: str
    reply: str
    method: str
    minutes: int
    at: datetime


class MessagePage(msgspec.Struct, frozen=True):
    items: list[MessageView]
    next_cursor: str | None


class CountedSpan(msgspec.Struct, frozen=True):
    start: datetime
    end: datetime
    seconds: float
    why: str


class SkippedSpan(msgspec.Struct, frozen=True):
    first: date
    last: date
    why: str


class PausedSpan(msgspec.Struct, frozen=True):
    start: datetime
    end: datetime | None
    reason: str
    by: str


class TargetView(msgspec.Struct, frozen=True):
    amount: int
    kind: str


class BothLanguages(msgspec.Struct, frozen=True):
    ru: str
    en: str


class PassportView(msgspec.Struct, frozen=True):
    """Why a deadline is what it is: `total_seconds` is the sum of `counted`."""

    clock: str
    priority: str
    target: TargetView
    regulation_version: int
    calendar: str
    origin: datetime
    due: datetime
    counted: list[CountedSpan]
    skipped: list[SkippedSpan]
    paused: list[PausedSpan]
    total_seconds: float
    text: BothLanguages


class DeadlineView(msgspec.Struct, frozen=True):
    """The deadlines of a ticket with their passports; null where no clock ran or the calendar has no such year."""

    registration_due_at: datetime | None
    due_at: datetime | None
    promised_at: datetime | None
    clock: ClockView
    registration: PassportView | None
    resolution: PassportView | None


class EventView(msgspec.Struct, frozen=True):
    """One event, with the same id, type, timestamp and data as its webhook."""

    id: str
    type: str
    timestamp: datetime
    data: dict[str, Any]


class EventPage(msgspec.Struct, frozen=True):
    """`next_cursor` is where to go on, also later; it is null only when nothing came."""

    items: list[EventView]
    next_cursor: str | None
