"""The rows of one change, written by one statement: one round trip, however many tables a transition touches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

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
BORN = "id uuid, subject text, text text, channel text, product text, language text, received_at timestamptz"
LIVING_COLUMNS = tuple(tuple(column.rsplit(" ", 1)) for column in LIVING.split(", "))
BORN_COLUMNS = tuple(tuple(column.rsplit(" ", 1)) for column in BORN.split(", "))

# Each subscription gets its own row, in the transaction of the act (at least once, in order of seq).
FAN_OUT = """
INSERT INTO outbox (event_id, channel, endpoint, ticket, seq, type, recipients, body, next_at, created_at, trace)
SELECT e.event_id, 'webhook', w.id::text, e.ticket, e.seq, e.type, '[]', e.body, e.at, e.at, ${trace}::text
FROM new_events e JOIN webhook w
  ON w.status = 'enabled' AND (w.event_types ? '*' OR w.event_types ? e.type)
 AND (w.filters -> 'priority' IS NULL OR w.filters -> 'priority' ? ${priority}::text)
 AND (w.filters -> 'organisation' IS NULL OR w.filters -> 'organisation' ? ${organisation}::text)
 AND (w.filters -> 'trigger' IS NULL OR w.filters -> 'trigger' ? e.trigger)
ORDER BY e.n
"""


class Batch:
    """All rows of one change of one ticket."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[Any, ...]]] = {}
        self.events: list[tuple[Any, ...]] = []  # event_id, type, ticket, seq, body, at, trigger, n
        self.ended: list[tuple[str, str]] = []  # timer kind, status
        self.spoken: list[str] = []  # texts that the search shall find
        self.audience: tuple[str, str] = ("", "")  # priority, organisation: what subscriptions filter by

    def add(self, where: Rows, *values: Any) -> None:
        if len(values) != len(where.names):
            raise ValueError(f"{where.table} takes {where.names}")
        self.rows.setdefault(where.table, []).append(values)

    async def write(self, *, ticket: Any, living: Sequence[Any], born: Sequence[Any] = ()) -> None:
        """Write everything in the transaction we are in, or as one statement of its own.

        Raises asyncpg.UniqueViolationError when the same cause was written before.
        """
        shape = tuple(sorted(self.rows))
        sql = _statement(shape, bool(born), bool(self.events), bool(self.ended))
        values: list[Any] = [ticket, *living, searchable("\n".join(self.spoken)), *born[1:]]
        for table in shape:
            values += [list(column) for column in zip(*self.rows[table], strict=True)]
        if self.events:
            values += [list(column) for column in zip(*self.events, strict=True)]
            values += [*self.audience, tracing.traceparent()]
        if self.ended:
            values += [list(column) for column in zip(*self.ended, strict=True)] + [living[_LAST_AT]]
        await fetchval(sql, *values)


_LAST_AT = [name for name, _type in LIVING_COLUMNS].index("last_at")


@lru_cache(maxsize=500)
def _statement(tables: tuple[str, ...], born: bool, events: bool, ended: bool) -> str:
    """The statement for one shape of change; a handful of shapes make up nearly all changes."""
    parts: list[str] = []
    spoken = len(LIVING_COLUMNS) + 2
    parts.append(f"the_ticket AS ({_insert_ticket(spoken) if born else _update_ticket(spoken)} RETURNING id)")
    at = spoken + 1 + (len(BORN_COLUMNS) - 1 if born else 0)
    for table in tables:
        parts.append(f"new_{table} AS ({PLAIN[table].insert(at)})")
        at += len(PLAIN[table].names)
    if events:
        parts.append(
            f"new_events AS (SELECT * FROM unnest(${at}::text[], ${at + 1}::text[], ${at + 2}::uuid[], "
            f"${at + 3}::int4[], ${at + 4}::bytea[], ${at + 5}::timestamptz[], ${at + 6}::text[], ${at + 7}::int4[]) "
            "AS given(event_id, type, ticket, seq, body, at, trigger, n))"
        )
        parts.append(
            "kept_events AS (INSERT INTO event (event_id, type, ticket, seq, body, at) "
            "SELECT event_id, type, ticket, seq, body, at FROM new_events ORDER BY n)"
        )
        parts.append(f"fan_out AS ({FAN_OUT.format(priority=at + 8, organisation=at + 9, trace=at + 10)})")
        at += 11
    if ended:
        parts.append(
            f"ended AS (UPDATE timer SET status = over.status, ended_at = ${at + 2}::timestamptz "
            f"FROM unnest(${at}::text[], ${at + 1}::text[]) AS over(kind, status) "
            "WHERE timer.subject = $1 AND timer.kind = over.kind AND timer.status = 'armed')"
        )
    return "WITH " + ",\n".join(parts) + "\nSELECT count(*) FROM the_ticket"


def _update_ticket(spoken: int) -> str:
    sets = ", ".join(f"{name} = ${at + 2}::{kind}" for at, (name, kind) in enumerate(LIVING_COLUMNS))
    search = (
        f"search = CASE WHEN ${spoken}::text = '' THEN search "
        f"ELSE coalesce(search, ''::tsvector) || to_tsvector('russian', ${spoken}::text) END"
    )
    return f"UPDATE ticket SET {sets}, {search} WHERE id = $1"


def _insert_ticket(spoken: int) -> str:
    names = ["id", *(name for name, _type in LIVING_COLUMNS), "search", *(name for name, _type in BORN_COLUMNS[1:])]
    values = ["$1::uuid", *(f"${at + 2}::{kind}" for at, (_name, kind) in enumerate(LIVING_COLUMNS))]
    values.append(f"to_tsvector('russian', ${spoken}::text)")
    values += [f"${spoken + 1 + at}::{kind}" for at, (_name, kind) in enumerate(BORN_COLUMNS[1:])]
    return f"INSERT INTO ticket ({', '.join(names)}) VALUES ({', '.join(values)})"
