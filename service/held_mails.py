"""Held mail: what waits in the tray and what was set aside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from service.conditions import Where
from service.database import fetch, fetchrow, fetchval
from service.paging import capped
from workflow.errors import NotFound

WAITING = ("held", "failed")
SET_ASIDE = ("spam", "dropped")
MOST = 200  # mails on one page of the list
Place = tuple[datetime, UUID]

MAIL = """
SELECT m.id, coalesce(nullif(m.sender, ''), m.envelope_from) AS sender, m.subject, m.kind, m.reason, m.status,
       m.received_at, m.source, m.ticket, t.number, t.subject AS ticket_subject, t.state,
       w.due_at, coalesce(w.status = 'fired', false) AS overdue
FROM mail m LEFT JOIN ticket t ON t.id = m.ticket
LEFT JOIN LATERAL (
    SELECT due_at, status FROM timer WHERE subject = m.id AND subject_kind = 'mail' ORDER BY generation DESC LIMIT 1
) w ON true
"""


class HeldMail(msgspec.Struct, frozen=True):
    """A mail in the tray. `due_at` is when registration is due, counted from the arrival; `overdue` once told."""

    id: UUID
    sender: str
    subject: str
    kind: str
    reason: str
    status: str
    received_at: datetime
    source: str
    ticket: UUID | None
    number: str | None
    ticket_subject: str | None
    state: str | None
    due_at: datetime | None
    overdue: bool

    @property
    def waits(self) -> bool:
        return self.status in WAITING


async def mails(statuses: Sequence[str], *, limit: int = MOST, after: Place | None = None) -> list[HeldMail]:
    """The mails with these statuses: what waits with the oldest first, what was set aside with the newest first."""
    order, onward = ("ASC", ">") if set(statuses) <= set(WAITING) else ("DESC", "<")
    where = Where()
    where.add("m.status = ANY({})", list(statuses))
    if after:
        where.add(f"(m.received_at, m.id) {onward} ({{}}, {{}})", *after)
    rows = await fetch(f"{MAIL} {where.sql} ORDER BY m.received_at {order}, m.id {order} LIMIT {limit}", *where.values)
    return [HeldMail(**row) for row in rows]


COUNTS = "SELECT " + ", ".join(
    capped(f"mail WHERE status = '{status}'") + f" AS {status}" for status in (*WAITING, *SET_ASIDE)
)


async def counts() -> dict[str, int]:
    """How many mails of each status of the tray there are, each counted no further than `capped` goes."""
    row = await fetchrow(COUNTS)
    return dict(row)


async def mail(id: UUID) -> HeldMail:
    """One mail that may leave the tray, or has left it. Raises NotFound."""
    row = await fetchrow(f"{MAIL} WHERE m.id = $1", id)
    if row is None:
        raise NotFound()
    return HeldMail(**row)


async def original(id: UUID) -> bytes:
    """The bytes of a mail as they came. Raises NotFound."""
    found = await fetchval("SELECT original FROM mail WHERE id = $1", id)
    if found is None:
        raise NotFound()
    return bytes(found)


async def known_sender(address: str) -> bool:
    """Whether the address belongs to a contact already."""
    return bool(await fetchval("SELECT EXISTS (SELECT FROM contact_address WHERE address = lower($1))", address))
