"""The rows of a change, written by one statement: one round trip, however many tables a transition touches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from service import tracing
from service.database import fetchval
from service.searching import searchable


class Rows:
    """Where rows go: a table, and its columns with their PostgreSQL types."""

    def __init__(self, table: str, columns: str, *, order: str = "") -> None:
        self.table = table
        self.columns = tuple(tuple(column.rsplit(" ", 1)) for column in columns.split(", "))
        self.names = tuple(name for name, _type in self.columns)
        self.order = order

    def insert(self, first: int) -> str:
        """An INSERT from arrays, whose parameters begin with `$first`."""
        arrays = ", ".join(f"${first + at}::{kind}[]" for at, (_name, kind) in enumerate(self.columns))
        return f"INSERT INTO {self.table} ({', '.join(self.names)}) SELECT * FROM unnest({arrays})"


JOURNAL = Rows(
    "journal",
    "ticket uuid, seq int4, kind text, trigger text, from_state text, to_state text, actor_kind text, actor_id text, "
    "actor_name text, cause text, n int4, at timestamptz, body bytea, hash bytea",
)
MESSAGES = Rows(
    "message",
    "id uuid, ticket uuid, seq int4, direction text, author text, text text, reply text, html text, method text, "
    "minutes int4, at timestamptz, mail uuid, letter_id text",
)
ATTACHMENTS = Rows(
    "attachment",
    "id uuid, ticket uuid, message uuid, filename text, content_type text, size int8, sha256 text, content_id text, "
    "refused text, at timestamptz",
)
LINKS = Rows("ticket_link", "ticket uuid, other uuid, relation text, at timestamptz")
TIMERS = Rows("timer", "subject uuid, kind text, generation int4, due_at timestamptz")
LETTERS = Rows(
    "letter",
    "id uuid, ticket uuid, seq int4, kind text, letter_id text, recipient text, subject text, text text, "
    "at timestamptz",
)
OUTBOX = Rows(
    "outbox",
    "event_id text, channel text, endpoint text, ticket uuid, seq int4, type text, recipients jsonb, body bytea, "
    "files jsonb, next_at timestamptz, created_at timestamptz, trace text",
)
NOTICES = Rows("notice", '"user" int8, kind text, ticket uuid, seq int4, at timestamptz')
SIGNED_LINKS = Rows("signed_link", "id uuid, ticket uuid, act text, seq int4, recipient text, expires_at timestamptz")
SATISFACTION = Rows("satisfaction", "ticket uuid, score text, at timestamptz")
IDEM = Rows("idem", "principal text, key text, request_hash bytea, response bytea, status int4, at timestamptz")
PLAIN = {
    rows.table: rows
    for rows in (
        JOURNAL,
        MESSAGES,
        ATTACHMENTS,
        LINKS,
        TIMERS,
        LETTERS,
        OUTBOX,
        NOTICES,
        SIGNED_LINKS,
        SATISFACTION,
        IDEM,
    )
}

# Columns of the ticket that a change may write, with their types; the rest is set when the ticket is received.
LIVING = (
    "number text, state text, state_since timestamptz, priority text, priority_rank int4, service_level text, "
    "assignee int8, organisation int8, organisation_name text, contact int8, full_name text, position text, "
    "phone text, email text, contract int8, contract_number text, contract_expired bool, "
    "registered_at timestamptz, accepted_at timestamptz, registration_due_at timestamptz, due_at timestamptz, "
    "late_from timestamptz, promised_at timestamptz, completed_at timestamptz, closed_at timestamptz, "
    "registration_result text, resolution_result text, outcome text, minutes_total int4, answer_unread bool, "
    "completion_bounced bool, seq int4, head bytea, last_at timestamptz, regulation_version int4, clocks jsonb, "
    "thread jsonb, generations jsonb"
)
BORN = "subject text, text text, channel text, product text, language text, received_at timestamptz"
EVENTS = (
    "event_id text, type text, ticket uuid, seq int4, body bytea, at timestamptz, trigger text, priority text, "
    "organisation text"
)
ENDED = "ticket uuid, kind text, status text, at timestamptz"
LIVING_COLUMNS, BORN_COLUMNS, EVENT_COLUMNS, ENDED_COLUMNS = (
    tuple(tuple(column.rsplit(" ", 1)) for column in columns.split(", ")) for columns in (LIVING, BORN, EVENTS, ENDED)
)

# Each subscription gets its own row, in the transaction of the act (at least once, in order of seq).
FAN_OUT = """
INSERT INTO outbox (event_id, channel, endpoint, ticket, seq, type, recipients, body, next_at, created_at, trace)
SELECT e.event_id, 'webhook', w.id::text, e.ticket, e.seq, e.type, '[]', e.body, e.at, e.at, ${trace}::text
FROM new_events e JOIN webhook w
  ON w.status = 'enabled' AND (w.event_types ? '*' OR w.event_types ? e.type)
 AND (w.filters -> 'priority' IS NULL OR w.filters -> 'priority' ? e.priority)
 AND (w.filters -> 'organisation' IS NULL OR w.filters -> 'organisation' ? e.organisation)
 AND (w.filters -> 'trigger' IS NULL OR w.filters -> 'trigger' ? e.trigger)
ORDER BY e.n
"""


class Batch:
    """All rows of one change of one ticket, or of several tickets that change in one transaction."""

    def __init__(self) -> None:
        self.tickets: list[tuple[Any, ...]] = []  # id, the living columns, what the search shall find
        self.born: tuple[Any, ...] = ()  # of a ticket that is new
        self.rows: dict[str, list[tuple[Any, ...]]] = {}
        self.events: list[tuple[Any, ...]] = []  # event_id, type, ticket, seq, body, at, trigger; and the audience
        self.ended: list[tuple[Any, ...]] = []  # ticket, timer kind, status, at
        self.spoken: list[str] = []  # texts that the search shall find

    def add(self, where: Rows, *values: Any) -> None:
        if len(values) != len(where.names):
            raise ValueError(f"{where.table} takes {where.names}")
        self.rows.setdefault(where.table, []).append(values)

    def place(self, ticket: UUID, *, living: Sequence[Any], audience: Sequence[str], born: Sequence[Any] = ()) -> None:
        """The row of the ticket itself, when everything is said; `audience` is what subscriptions filter by."""
        self.tickets.append((ticket, *living, searchable("\n".join(self.spoken))))
        self.events = [(*event, *audience) for event in self.events]
        self.born = tuple(born)

    def join(self, other: Batch) -> None:
        """Take in the rows of another ticket. A ticket that is new goes alone."""
        self.tickets += other.tickets
        for table, rows in other.rows.items():
            self.rows.setdefault(table, []).extend(rows)
        self.events += other.events
        self.ended += other.ended

    async def write(self) -> None:
        """Write everything in the transaction we are in, or as one statement of its own.

        Raises asyncpg.UniqueViolationError when the same cause was written before.
        """
        shape = tuple(sorted(self.rows))
        several = len(self.tickets) > 1
        sql = _statement(shape, bool(self.born), several, bool(self.events), bool(self.ended))
        values: list[Any] = [*_columns(self.tickets)] if several else [*self.tickets[0], *self.born]
        for rows in (*(self.rows[table] for table in shape), self.events, self.ended):
            values += _columns(rows)
        if self.events:
            values.append(tracing.traceparent())
        await fetchval(sql, *values)


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


@lru_cache(maxsize=500)
def _statement(tables: tuple[str, ...], born: bool, several: bool, events: bool, ended: bool) -> str:
    """The statement for one shape of change; a handful of shapes make up nearly all changes."""
    parts: list[str] = []
    spoken = len(LIVING_COLUMNS) + 2
    ticket = _insert_ticket(spoken) if born else _update_tickets() if several else _update_ticket(spoken)
    parts.append(f"the_ticket AS ({ticket} RETURNING ticket.id)")
    at = spoken + 1 + (len(BORN_COLUMNS) if born else 0)
    for table in tables:
        parts.append(f"new_{table} AS ({PLAIN[table].insert(at)})")
        at += len(PLAIN[table].names)
    if events:
        parts.append(f"new_events AS (SELECT * FROM {_given(EVENT_COLUMNS, first=at)})")
        parts.append(
            "kept_events AS (INSERT INTO event (event_id, type, ticket, seq, body, at) "
            "SELECT event_id, type, ticket, seq, body, at FROM new_events ORDER BY n)"
        )
        at += len(EVENT_COLUMNS)
    if ended:
        parts.append(
            "ended AS (UPDATE timer SET status = over.status, ended_at = over.at "
            f"FROM {_given(ENDED_COLUMNS, first=at, name='over')} "
            "WHERE timer.subject = over.ticket AND timer.kind = over.kind AND timer.status = 'armed')"
        )
        at += len(ENDED_COLUMNS)
    if events:
        parts.append(f"fan_out AS ({FAN_OUT.format(trace=at)})")
    return "WITH " + ",\n".join(parts) + "\nSELECT count(*) FROM the_ticket"


def _given(columns: Sequence[Sequence[str]], *, first: int, name: str = "given") -> str:
    """Rows from arrays, whose parameters begin with `$first`, numbered in their order by `n`."""
    arrays = ", ".join(f"${first + at}::{kind}[]" for at, (_name, kind) in enumerate(columns))
    return f"unnest({arrays}) WITH ORDINALITY AS {name}({', '.join(column for column, _type in columns)}, n)"


SEARCHED = "coalesce(search, ''::tsvector) || to_tsvector('russian', {spoken})"


def _update_ticket(spoken: int) -> str:
    sets = ", ".join(f"{name} = ${at + 2}::{kind}" for at, (name, kind) in enumerate(LIVING_COLUMNS))
    word = f"${spoken}::text"
    search = f"search = CASE WHEN {word} = '' THEN search ELSE {SEARCHED.format(spoken=word)} END"
    return f"UPDATE ticket SET {sets}, {search} WHERE id = $1"


def _update_tickets() -> str:
    sets = ", ".join(f"{name} = given.{name}" for name, _kind in LIVING_COLUMNS)
    search = f"search = CASE WHEN given.spoken = '' THEN search ELSE {SEARCHED.format(spoken='given.spoken')} END"
    rows = _given((("id", "uuid"), *LIVING_COLUMNS, ("spoken", "text")), first=1)
    return f"UPDATE ticket SET {sets}, {search} FROM {rows} WHERE ticket.id = given.id"


def _insert_ticket(spoken: int) -> str:
    names = ["id", *(name for name, _type in LIVING_COLUMNS), "search", *(name for name, _type in BORN_COLUMNS)]
    values = ["$1::uuid", *(f"${at + 2}::{kind}" for at, (_name, kind) in enumerate(LIVING_COLUMNS))]
    values.append(f"to_tsvector('russian', ${spoken}::text)")
    values += [f"${spoken + 1 + at}::{kind}" for at, (_name, kind) in enumerate(BORN_COLUMNS)]
    return f"INSERT INTO ticket ({', '.join(names)}) VALUES ({', '.join(values)})"
