"""What the page of one ticket reads: one statement a question."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from service.database import fetch, fetchrow
from service.journal import COLUMNS, Entry, read_entry
from service.ticket import FROM, SELECT, Ticket, read_ticket
from service.tickets import know_rules
from workflow.errors import NotFound
from workflow.regulation import TO_COLLEAGUES

MOST_ENTRIES = 200  # of a journal on one page


class Message(msgspec.Struct, frozen=True):
    """What was said; `html` when its sender laid it out."""

    id: UUID
    seq: int
    direction: str
    author: str
    text: str
    reply: str
    html: bool
    method: str
    minutes: int
    at: datetime


class Attachment(msgspec.Struct, frozen=True):
    """A file of a ticket; `refused` says why it was not kept."""

    id: UUID
    ticket: UUID
    message: UUID | None
    filename: str
    content_type: str
    size: int
    sha256: str
    refused: str
    at: datetime


class SentLetter(msgspec.Struct, frozen=True):
    """A letter of ours and what became of it; `status` is the outbox's."""

    id: UUID
    seq: int
    kind: str
    recipient: str
    subject: str
    text: str
    at: datetime
    bounced: str
    status: str
    delivered_at: datetime | None
    last_error: str


class Link(msgspec.Struct, frozen=True):
    """Another ticket; `outward` when ours points at it."""

    id: UUID
    number: str | None
    subject: str
    state: str
    relation: str
    outward: bool


Teams = tuple[tuple[int, str], ...]


class Person(msgspec.Struct, frozen=True):
    """A colleague who can have tickets, with their teams (id and name); `watches` the ticket that was asked about."""

    id: int
    email: str
    name: str
    role: str
    watches: bool = False
    teams: Teams = ()


async def ticket(id: UUID) -> Ticket:
    """The ticket, its rules loaded. Raises NotFound."""
    row = await fetchrow(f"{SELECT} {FROM} WHERE t.id = $1", id)
    if row is None:
        raise NotFound()
    read = read_ticket(row)
    await know_rules(read)
    return read


async def journal(ticket: UUID, *, before: int | None = None) -> list[Entry]:
    """The newest entries before `before`, oldest first."""
    rows = await fetch(
        f"SELECT {COLUMNS} FROM journal WHERE ticket = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
        ticket, before or 2_000_000_000, MOST_ENTRIES,
    )  # fmt: skip
    return [read_entry(row) for row in reversed(rows)]


async def entries_since(ticket: UUID, seq: int) -> list[Entry]:
    """What was done after the entry `seq`: what a stale form did not know."""
    return [entry for entry in await journal(ticket) if entry.seq > seq]


async def acted(ticket: UUID, cause: str) -> bool:
    """Whether this cause has acted on the ticket already."""
    return await fetchrow("SELECT FROM journal WHERE ticket = $1 AND cause = $2 LIMIT 1", ticket, cause) is not None


async def messages(ticket: UUID, *, first: int, last: int) -> list[Message]:
    """What was said in the entries `first` to `last`."""
    rows = await fetch(
        "SELECT id, seq, direction, author, text, reply, html <> '' AS html, method, minutes, at FROM message "
        "WHERE ticket = $1 AND seq BETWEEN $2 AND $3 ORDER BY at, id",
        ticket, first, last,
    )  # fmt: skip
    return [Message(**row) for row in rows]


ATTACHMENT = "SELECT id, ticket, message, filename, content_type, size, sha256, refused, at FROM attachment"


async def attachment(id: UUID) -> Attachment:
    """One file. Raises NotFound."""
    row = await fetchrow(f"{ATTACHMENT} WHERE id = $1", id)
    if row is None:
        raise NotFound()
    return Attachment(**row)


COLLEAGUES = """
SELECT u.id, u.email, u.name, u.role, w."user" IS NOT NULL AS watches, coalesce((
    SELECT json_agg(json_build_array(k.id, k.name)) FROM team_member m JOIN team k ON k.id = m.team
    WHERE m."user" = u.id AND k.ended_at IS NULL
), '[]') AS teams
FROM app_user u LEFT JOIN ticket_watch w ON w."user" = u.id AND w.ticket = {ticket}
WHERE u.active AND u.role = ANY({roles}) ORDER BY u.name, u.id LIMIT 500
"""


LETTERS = """
SELECT l.id, l.seq, l.kind, l.recipient, l.subject, l.text, l.at, l.bounced,
       coalesce(o.status, 'delivered') AS status, o.delivered_at, coalesce(o.last_error, '') AS last_error
FROM letter l LEFT JOIN outbox o ON o.ticket = l.ticket AND o.channel = 'letter' AND o.event_id = l.id::text
WHERE l.ticket = $2 AND l.kind <> ALL($3) ORDER BY l.at DESC, l.id DESC LIMIT 50
"""
LINKS = """
SELECT t.id, t.number, t.subject, t.state, l.relation, l.ticket = $2 AS outward FROM ticket_link l
JOIN ticket t ON t.id = CASE WHEN l.ticket = $2 THEN l.other ELSE l.ticket END
WHERE l.ticket = $2 OR l.other = $2 ORDER BY l.id LIMIT 50
"""


def as_json(select: str) -> str:
    """The rows of a statement as one JSON value, so that several statements go as one."""
    return f"(SELECT coalesce(json_agg(r), '[]') FROM ({select}) r)"


class Beside(msgspec.Struct, frozen=True):
    """What stands beside the talk of a ticket: files, letters to the customer (the newest first), linked tickets.

    And whom it may be given to, and the organisation it is identified as, '' for none.
    """

    files: list[Attachment]
    letters: list[SentLetter]
    links: list[Link]
    people: list[Person]
    organisation: str


BESIDE = f"""
SELECT json_build_object(
    'files', {as_json(f"{ATTACHMENT} WHERE ticket = $2 ORDER BY at, id")},
    'letters', {as_json(LETTERS)}, 'links', {as_json(LINKS)},
    'people', {as_json(COLLEAGUES.format(roles="$1", ticket="$2"))},
    'organisation', coalesce((
        SELECT o.name FROM ticket t JOIN organisation o ON o.id = t.organisation WHERE t.id = $2
    ), '')
) AS beside
"""
BESIDE_DECODER = msgspec.json.Decoder(Beside)


async def beside_the_talk(ticket: UUID, *, roles: Sequence[str]) -> Beside:
    """All of it by one statement. Letters are the customer's whatever his address was then, not those to colleagues."""
    row = await fetchrow(BESIDE, list(roles), ticket, sorted(TO_COLLEAGUES))
    return BESIDE_DECODER.decode(row["beside"])
