"""A ticket as it is read: its row, the position its journal gives it, and what the world is shown of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from service.regulations import RULEBOOKS
from workflow.calendar import CalendarOutOfRange
from workflow.position import Position
from workflow.process import PROCESS
from workflow.sla import Clocks, Period, remaining

# What every read of a ticket selects. The assignee's address stands beside the row, so that no second read is needed.
# Letters speak the language that a known person reads today; the ticket's own is that of a stranger.
SELECT = """
SELECT t.id, t.number, t.state, t.state_since, t.priority, t.subject, t.text, t.channel, t.product,
       coalesce((SELECT c.language FROM contact c WHERE c.id = t.contact), t.language) AS language,
       t.organisation, t.organisation_name, t.contact, t.full_name, t.position, t.phone, t.email, t.contract,
       t.contract_number, t.contract_expired, t.service_level, t.assignee, t.received_at, t.registered_at,
       t.accepted_at, t.registration_due_at, t.due_at, t.late_from, t.promised_at, t.completed_at, t.closed_at,
       t.registration_result, t.resolution_result, t.outcome, t.minutes_total, t.answer_unread, t.completion_bounced,
       t.seq, t.head, t.last_at, t.regulation_version, t.clocks, t.thread, t.generations,
       u.email AS assignee_email, u.name AS assignee_name
"""
FROM = "FROM ticket t LEFT JOIN app_user u ON u.id = t.assignee"


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """The row of a ticket, whole. JSON columns are decoded."""

    id: UUID
    number: str | None = None
    state: str = ""
    state_since: datetime | None = None
    priority: str | None = None
    subject: str
    text: str
    channel: str
    product: str = ""
    language: str = "ru"
    organisation: int | None = None
    organisation_name: str = ""
    contact: int | None = None
    full_name: str = ""
    position: str = ""
    phone: str = ""
    email: str = ""
    contract: int | None = None
    contract_number: str = ""
    contract_expired: bool = False
    service_level: str = ""
    assignee: int | None = None
    received_at: datetime
    registered_at: datetime | None = None
    accepted_at: datetime | None = None
    registration_due_at: datetime | None = None
    due_at: datetime | None = None
    late_from: datetime | None = None
    promised_at: datetime | None = None
    completed_at: datetime | None = None
    closed_at: datetime | None = None
    registration_result: str | None = None
    resolution_result: str | None = None
    outcome: str | None = None
    minutes_total: int = 0
    answer_unread: bool = False
    completion_bounced: bool = False
    seq: int = 0
    head: bytes = b""
    last_at: datetime | None = None
    regulation_version: int = 0
    clocks: Clocks = Clocks()
    thread: tuple[str, ...] = ()
    generations: dict[str, tuple[int, datetime | None]] = {}
    assignee_email: str | None = None
    assignee_name: str | None = None

    @property
    def open(self) -> bool:
        return not PROCESS.state(self.state).final

    @property
    def unidentified(self) -> bool:
        """Nobody has said yet which customer this is (clause 7.7)."""
        return self.organisation is None

    def missing_fields(self, required: tuple[str, ...]) -> tuple[str, ...]:
        """Which of the facts required by clause 4.2 were not told."""
        told = {
            "organisation": self.organisation_name, "full_name": self.full_name, "position": self.position,
            "phone": self.phone, "email": self.email, "text": self.text, "product": self.product,
            "contract": self.contract_number,
        }  # fmt: skip
        return tuple(name for name in required if not told.get(name, ""))

    def clock(self) -> Period | None:
        """The clock that speaks for the ticket now: resolution once registered, registration before."""
        return self.clocks.resolution or self.clocks.registration

    def as_position(self) -> Position:
        """The cached position, from which the next entry is followed."""
        return Position(
            state=self.state, state_since=self.state_since, seq=self.seq, last_at=self.last_at, number=self.number,
            priority=self.priority, service_level=self.service_level, assignee=_word(self.assignee),
            organisation=_word(self.organisation), contact=_word(self.contact), contract=_word(self.contract),
            regulation_version=self.regulation_version, received_at=self.received_at,
            registered_at=self.registered_at, accepted_at=self.accepted_at, completed_at=self.completed_at,
            closed_at=self.closed_at, outcome=self.outcome, minutes_total=self.minutes_total,
            answer_unread=self.answer_unread, completion_bounced=self.completion_bounced, clocks=self.clocks,
        )  # fmt: skip


def _word(id: int | None) -> str:
    return "" if id is None else str(id)


def read_ticket(row: Mapping[str, Any]) -> Ticket:
    """A ticket from a row of `SELECT`."""
    values = {name: row[name] for name in _NAMES}
    for name, decoder in _DECODERS:
        values[name] = decoder.decode(values[name])
    values["head"] = bytes(values["head"])
    return Ticket(**values)


_NAMES = tuple(field.name for field in msgspec.structs.fields(Ticket))
_DECODERS: tuple[tuple[str, msgspec.json.Decoder[Any]], ...] = (
    ("clocks", msgspec.json.Decoder(Clocks)),
    ("thread", msgspec.json.Decoder(tuple[str, ...])),
    ("generations", msgspec.json.Decoder(dict[str, tuple[int, datetime | None]])),
)


# --- what the API, the webhooks and the idempotency keys show ---------------------------------------------------------


class ContactView(msgspec.Struct, frozen=True):
    full_name: str
    position: str
    phone: str
    email: str


class ClockView(msgspec.Struct, frozen=True):
    """`remaining_seconds`: time left on the clock that runs or rests; negative when late, null without one."""

    state: str
    remaining_seconds: int | None


class TicketView(msgspec.Struct, frozen=True):
    """A ticket as the API gives it; times are UTC."""

    id: str
    number: str | None
    state: str
    priority: str | None
    subject: str
    text: str
    channel: str
    product: str
    organisation: str
    contact: ContactView
    contract: str | None
    service_level: str
    assignee: str | None
    received_at: datetime
    registered_at: datetime | None
    accepted_at: datetime | None
    registration_due_at: datetime | None
    due_at: datetime | None
    promised_at: datetime | None
    completed_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    seq: int
    clock: ClockView
    regulation_version: int
    minutes_total: int
    missing_fields: tuple[str, ...]
    unidentified: bool
    answer_unread: bool
    registration_result: str | None
    resolution_result: str | None
    contract_expired: bool = False  # on the day the request came


def view(ticket: Ticket, *, at: datetime) -> TicketView:
    """The ticket for the API. Its regulation version must be known to RULEBOOKS."""
    required = RULEBOOKS[ticket.regulation_version].regulation.required_fields
    return TicketView(
        id=str(ticket.id), number=ticket.number, state=ticket.state, priority=ticket.priority, subject=ticket.subject,
        text=ticket.text, channel=ticket.channel, product=ticket.product, organisation=ticket.organisation_name,
        contact=ContactView(ticket.full_name, ticket.position, ticket.phone, ticket.email),
        contract=ticket.contract_number or None, service_level=ticket.service_level, assignee=ticket.assignee_email,
        received_at=ticket.received_at, registered_at=ticket.registered_at, accepted_at=ticket.accepted_at,
        registration_due_at=ticket.registration_due_at, due_at=ticket.due_at, promised_at=ticket.promised_at,
        completed_at=ticket.completed_at, closed_at=ticket.closed_at, outcome=ticket.outcome, seq=ticket.seq,
        clock=clock_view(ticket, at=at), regulation_version=ticket.regulation_version,
        minutes_total=ticket.minutes_total, missing_fields=ticket.missing_fields(required),
        unidentified=ticket.unidentified, answer_unread=ticket.answer_unread,
        registration_result=ticket.registration_result, resolution_result=ticket.resolution_result,
        contract_expired=ticket.contract_expired,
    )  # fmt: skip


def clock_view(ticket: Ticket, *, at: datetime) -> ClockView:
    """Whether the clock runs, rests or ended, and the time left on it."""
    period = ticket.clock()
    if period is None or not ticket.open:
        return ClockView("stopped", None)
    state = "running" if period.running else "stopped" if period.stopped else "paused"
    return ClockView(state, seconds_left(period, at=at))


def seconds_left(period: Period, *, at: datetime) -> int | None:
    """Whole seconds of the target's own time left; None where the calendar does not reach."""
    try:
        left = remaining(period, RULEBOOKS[period.version], at=at.astimezone(UTC))
    except CalendarOutOfRange:
        return None
    return left // timedelta(seconds=1)
