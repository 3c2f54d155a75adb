"""The rows of a change, written by one statement: one round trip, however many tables a transition touches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from service import tracing
from service.database import fetchval
from service.searching import searchable

Columns = tuple[tuple[str, str], ...]  # names, with their PostgreSQL types


def _columns(words: str) -> Columns:
    return tuple((name, kind) for name, _space, kind in (column.rpartition(" ") for column in words.split(", ")))


class Rows:
    """Where rows go: a table, and its columns."""

    def __init__(self, table: str, columns: str) -> None:
        self.table = table
        self.columns = _columns(columns)
        self.names = tuple(name for name, _kind in self.columns)


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
LIVING = _columns(
    "number text, state text, state_since timestamptz, priority text, priority_rank int4, service_level text, "
    "assignee int8, organisation int8, organisation_name text, contact int8, full_name text, position text, "
    "phone text, email text, contract int8, contract_number text, contract_expired bool, "
    "registered_at timestamptz, accepted_at timestamptz, registration_due_at timestamptz, due_at timestamptz, "
    "late_from timestamptz, promised_at timestamptz, completed_at timestamptz, closed_at timestamptz, "
    "registration_result text, resolution_result text, outcome text, minutes_total int4, answer_unread bool, "
    "completion_bounced bool, seq int4, head bytea, last_at timestamptz, regulation_version int4, clocks jsonb, "
    "thread jsonb, generations jsonb"
)
BORN = _columns("subject text, text text, channel text, product text, language text, received_at timestamptz")
TICKET = (("id", "uuid"), *LIVING, ("spoken", "text"))
EVENTS = _columns(
    "event_id text, type text, ticket uuid, seq int4, body bytea, at timestamptz, trigger text, priority text, "
    "organisation text"
)
ENDED = _columns("ticket uuid, kind text, status text, at timestamptz")

# Each subscription gets its own row, in the transaction of the act (at least once, in order of seq).
FAN_OUT = """
INSERT INTO outbox (event_id, channel, endpoint, ticket, seq, type, recipients, body, next_at, created_at, trace)
SELECT e.event_id, 'webhook', w.id::text, e.ticket, e.seq, e.type, '[]', e.body, e.at, e.at, {trace}::text
FROM new_events e JOIN webhook w
  ON w.status = 'enabled' AND (w.event_types ? '*' OR w.event_types ? e.type)
 AND (w.filters -> 'priority' IS NULL OR w.filters -> 'priority' ? e.priority)
 AND (w.filters -> 'organisation' IS NULL OR w.filters -> 'organisation' ? e.organisation)
 AND (w.filters -> 'trigger' IS NULL OR w.filters -> 'trigger' ? e.trigger)
ORDER BY e.nth
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
        tables = sorted(self.rows)
        rows = [[(*row, *self.born) for row in self.tickets], *(self.rows[table] for table in tables)]
        rows += [some for some in (self.events, self.ended) if some]
        sql = _statement(
            tuple(tables), tuple(len(some) == 1 for some in rows), bool(self.born), bool(self.events), bool(self.ended)
        )
        values = [value for some in rows for value in (some[0] if len(some) == 1 else zip(*some, strict=True))]
        if self.events:
            values.append(tracing.traceparent())
        await fetchval(sql, *values)


class _Parameters:
    """Hands out the parameters of a statement, one after the other."""

    def __init__(self, alone: Sequence[bool]) -> None:
        self.alone = iter(alone)
        self.taken = 0

    def one(self) -> str:
        self.taken += 1
        return f"${self.taken}"

    def rows(self, columns: Columns, name: str) -> str:
        """The next rows as a source of that name, numbered by `nth`: a row alone as scalars, which PostgreSQL and its
        driver read much faster, several as an array for each column."""
        alone = next(self.alone)
        given = ", ".join(f"{self.one()}::{kind}{'' if alone else '[]'}" for _column, kind in columns)
        names = ", ".join(column for column, _kind in columns)
        source = f"(VALUES ({given}, 1))" if alone else f"unnest({given}) WITH ORDINALITY"
        return f"{source} AS {name}({names}, nth)"


@lru_cache(maxsize=500)
def _statement(tables: tuple[str, ...], alone: tuple[bool, ...], born: bool, events: bool, ended: bool) -> str:
    """The statement for one shape of change; a handful of shapes make up nearly all changes.

    `alone` says of the tickets, of each table, of the events and of the timers that end whether it is one row.
    """
    given = _Parameters(alone)
    parts = [f"the_ticket AS ({_insert_ticket(given) if born else _update_tickets(given)} RETURNING ticket.id)"]
    for rows in (PLAIN[table] for table in tables):
        names, source = ", ".join(rows.names), given.rows(rows.columns, "given")
        parts.append(f"new_{rows.table} AS (INSERT INTO {rows.table} ({names}) SELECT {names} FROM {source})")
    if events:
        parts.append(f"new_events AS (SELECT * FROM {given.rows(EVENTS, 'given')})")
        parts.append(
            "kept_events AS (INSERT INTO event (event_id, type, ticket, seq, body, at) "
            "SELECT event_id, type, ticket, seq, body, at FROM new_events ORDER BY nth)"
        )
    if ended:
        parts.append(
            "ended AS (UPDATE timer SET status = over.status, ended_at = over.at "
            f"FROM {given.rows(ENDED, 'over')} "
            "WHERE timer.subject = over.ticket AND timer.kind = over.kind AND timer.status = 'armed')"
        )
    if events:
        parts.append(f"fan_out AS ({FAN_OUT.format(trace=given.one())})")
    return "WITH " + ",\n".join(parts) + "\nSELECT count(*) FROM the_ticket"


def _update_tickets(given: _Parameters) -> str:
    sets = ", ".join(f"{name} = given.{name}" for name, _kind in LIVING)
    search = (
        "search = CASE WHEN given.spoken = '' THEN search "
        "ELSE coalesce(search, ''::tsvector) || to_tsvector('russian', given.spoken) END"
    )
    return f"UPDATE ticket SET {sets}, {search} FROM {given.rows(TICKET, 'given')} WHERE ticket.id = given.id"


def _insert_ticket(given: _Parameters) -> str:
    names = ", ".join(name for name, _kind in (TICKET[0], *LIVING, *BORN))
    source = given.rows((*TICKET, *BORN), "given")
    return f"INSERT INTO ticket ({names}, search) SELECT {names}, to_tsvector('russian', given.spoken) FROM {source}"
