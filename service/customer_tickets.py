"""What a customer may read of tickets: his own or his organisation's, and of those only what was said with him."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from service.customer_sessions import CustomerSession
from service.database import fetch, fetchrow, fetchval
from service.searching import number_in
from service.ticket import FROM, SELECT, Ticket, read_ticket
from service.tickets import know_rules
from workflow.errors import NotFound
from workflow.process import PROCESS

# The one place that says whose a ticket is: $1 the records of the contact, $2 those of the organisation where the
# account sees all of it, $3 the contact's addresses. A request from before the person was known is his by its address.
THEIRS: Final = """
(t.contact = ANY($1) OR t.organisation = ANY($2)
    OR (t.contact IS NULL AND t.organisation IS NULL AND lower(t.email) = ANY($3)))
"""
# The index of the desk holds what colleagues told one another too: it only narrows down, the talk itself decides.
FOUND: Final = """
(t.number = $5 OR (t.search @@ websearch_to_tsquery('russian', $4) AND (
    to_tsvector('russian', t.subject) @@ websearch_to_tsquery('russian', $4) OR EXISTS (
        SELECT FROM message m WHERE m.ticket = t.id AND m.direction IN ('in', 'out')
        AND to_tsvector('russian', m.text) @@ websearch_to_tsquery('russian', $4)))))
"""
PAGE: Final = 30
Show = Literal["all", "open", "waiting"]


class Talk(msgspec.Struct, frozen=True):
    """One thing that was said between the customer and the centre, with its files."""

    id: UUID
    ours: bool
    author: str
    text: str
    whole: str
    at: datetime
    files: tuple[TalkFile, ...] = ()


class TalkFile(msgspec.Struct, frozen=True):
    """A file of a message; without `sha256` it was refused for the reason `refused`."""

    id: UUID
    message: UUID
    filename: str
    content_type: str
    size: int
    sha256: str
    refused: str


# The states in which nothing goes on without the customer: what they pause says so (4.6, 4.8).
HIS_TURN: Final = PROCESS.states_paused()
MOST_COUNTED: Final = 100


async def tickets_of(
    session: CustomerSession, *, q: str = "", show: Show = "all", before: tuple[datetime, UUID] | None = None
) -> list[Ticket]:
    """A page of tickets, the newest first, and one more if there is more; `before` is the last of the page before."""
    values: list[Any] = [*_whose(session)]
    where = [THEIRS]
    if q:
        values += [q, number_in(q)]
        where.append(FOUND)
    if show != "all":
        where.append("t.closed_at IS NULL")
    if show == "waiting":
        values.append(list(HIS_TURN))
        where.append(f"t.state = ANY(${len(values)})")
    if before:
        where.append(f"(t.received_at, t.id) < (${len(values) + 1}, ${len(values) + 2})")
        values += before
    sql = f"{SELECT} {FROM} WHERE {' AND '.join(where)} ORDER BY t.received_at DESC, t.id DESC LIMIT {PAGE + 1}"
    found = [read_ticket(row) for row in await fetch(sql, *values)]
    for ticket in found:
        await know_rules(ticket)
    return found


async def waiting_for(session: CustomerSession) -> int:
    """How many of his tickets wait for an answer of his; counted no further than people look."""
    return int(
        await fetchval(
            f"SELECT count(*) FROM (SELECT FROM ticket t WHERE {THEIRS} AND t.closed_at IS NULL "
            f"AND t.state = ANY($4) LIMIT {MOST_COUNTED}) AS waiting",
            *_whose(session),
            list(HIS_TURN),
        )
    )


async def ticket_of(session: CustomerSession, id: UUID) -> Ticket:
    """One ticket of theirs. Raises NotFound for any other, as if there were none."""
    row = await fetchrow(f"{SELECT} {FROM} WHERE {THEIRS} AND t.id = $4", *_whose(session), id)
    if row is None:
        raise NotFound()
    ticket = read_ticket(row)
    await know_rules(ticket)
    return ticket


async def talk_of(ticket: Ticket) -> list[Talk]:
    """What was said, the oldest first; notes among colleagues are no part of it."""
    files: dict[UUID, list[TalkFile]] = {}
    for row in await fetch(
        "SELECT id, message, filename, content_type, size, sha256, refused FROM attachment "
        "WHERE ticket = $1 AND message IS NOT NULL ORDER BY at, id",
        ticket.id,
    ):
        files.setdefault(row["message"], []).append(TalkFile(**row))
    rows = await fetch(
        "SELECT id, direction, author, text, reply, at FROM message "
        "WHERE ticket = $1 AND direction IN ('in', 'out') ORDER BY at, id",
        ticket.id,
    )
    return [_said(row, tuple(files.get(row["id"], ()))) for row in rows]


def _said(row: Any, files: tuple[TalkFile, ...]) -> Talk:
    own, whole = (row["reply"] or row["text"]).strip(), row["text"].strip()
    return Talk(
        id=row["id"], ours=row["direction"] == "out", author=row["author"], text=own,
        whole="" if own.split() == whole.split() else whole, at=row["at"], files=files,
    )  # fmt: skip


async def file_of(session: CustomerSession, id: UUID) -> TalkFile:
    """A file that was kept, of a message they may read. Raises NotFound."""
    row = await fetchrow(
        "SELECT a.id, a.message, a.filename, a.content_type, a.size, a.sha256, a.refused FROM attachment a "
        "JOIN message m ON m.id = a.message AND m.direction IN ('in', 'out') JOIN ticket t ON t.id = a.ticket "
        f"WHERE {THEIRS} AND a.id = $4 AND a.sha256 <> ''",
        *_whose(session),
        id,
    )
    if row is None:
        raise NotFound()
    return TalkFile(**row)


def _whose(session: CustomerSession) -> tuple[list[int], list[int], list[str]]:
    return list(session.records), list(session.organisations), list(session.addresses)
