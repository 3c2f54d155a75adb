"""Which tickets stand in the queue: keyset pages, each by an index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from service.database import fetch, fetchrow
from service.paging import instant_in
from service.searching import number_in, searchable
from service.ticket import FROM, SELECT, Ticket, read_ticket
from service.tickets import know_rules
from service.whole_numbers import INTEGER, whole_number
from workflow.process import PROCESS

RUNNING = list(PROCESS.states_where(runs="resolution"))
COUNTING = [*PROCESS.states_where(runs="registration"), *RUNNING]
WAITING = [state.name for state in PROCESS.states if state.pauses and not state.runs]
CONFIRMING = list(PROCESS.states_where(runs="auto_close"))

# The instant from which a ticket counts as late stands beside it (`workflow.sla.late_from`).
LATE = "t.closed_at IS NULL AND t.late_from < {at}"
SOON = "t.closed_at IS NULL AND t.late_from BETWEEN {at} AND {at} + interval '1 hour'"


Order = Literal["queue", "nearest", "newest"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which tickets are asked for. `assignee` is a user's id, `nobody` or ''; `team` and `watcher` are ids; `closed`
    turns from open to closed.

    `nearest`: those whose clock runs, the nearest deadline first, whatever the priority.
    """

    states: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    assignee: str = ""
    team: str = ""
    watcher: str = ""
    organisation: str = ""
    overdue: bool = False
    soon: bool = False
    unregistered: bool = False
    unread: bool = False
    closed: bool = False
    nearest: bool = False
    q: str = ""

    @property
    def order(self) -> Order:
        """Open tickets by priority and deadline, or by the deadline alone; found and closed ones the newest first."""
        if self.q or self.closed:
            return "newest"
        return "nearest" if self.nearest else "queue"


class Row(msgspec.Struct, frozen=True):
    """One ticket of a list by what tells that it looks as it looked: which it is, its last act, and what changes
    without an act: a colleague's name, and what stands there of a person until it is erased.

    What is drawn already need not be read: a whole ticket is fifty values.
    """

    id: UUID
    seq: int
    assignee_name: str | None
    organisation_name: str
    subject: str
    full_name: str
    email: str


class Listed(msgspec.Struct, frozen=True):
    """One page of tickets; `next` is the key from which the next page goes on, '' on the last one.

    `frequent` when the words sought stand in more than MOST_FOUND tickets.
    """

    rows: tuple[Row, ...]
    next: str
    frequent: bool = False


PAGE = 50
MOST_FOUND = 1_000  # tickets that are found by their words alone; beyond it the newest are looked through
LAST_ACT = ", (SELECT j.trigger FROM journal j WHERE j.ticket = t.id ORDER BY j.seq DESC LIMIT 1) AS last_trigger "
DUE = "coalesce(t.due_at, t.registration_due_at, 'infinity')"
ORDERS: dict[Order, str] = {
    "queue": f"t.priority_rank, {DUE}, t.id",
    "nearest": f"{DUE}, t.id",
    "newest": "t.received_at DESC, t.id DESC",
}


class _Conditions:
    """A WHERE clause with its values."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.values: list[object] = []

    def value(self, value: object, kind: str) -> str:
        self.values.append(value)
        return f"${len(self.values)}::{kind}"

    def add(self, sql: str) -> None:
        self.parts.append(sql)


async def tickets(asked: Asked, *, at: datetime, after: str = "", limit: int = PAGE) -> Listed:
    """One page of the tickets asked for; `after` is the `next` of the page before. A key of nonsense begins anew."""
    frequent = bool(asked.q) and await _frequent(asked.q)
    where = _conditions(asked, at=at, frequent=frequent)
    _go_on(where, asked, after)
    rows = await fetch(
        "SELECT t.id, t.seq, u.name AS assignee_name, t.organisation_name, t.subject, t.full_name, t.email, "
        f"t.received_at, t.priority_rank, {DUE} AS due_key {FROM} WHERE {' AND '.join(where.parts) or 'true'} "
        f"ORDER BY {ORDERS[asked.order]} LIMIT {limit + 1}",
        *where.values,
    )
    shown = tuple(Row(*(row[name] for name in Row.__struct_fields__)) for row in rows[:limit])
    return Listed(shown, _key(rows[limit - 1], asked) if len(rows) > limit else "", frequent)


async def whole(rows: Sequence[Row]) -> dict[UUID, tuple[Ticket, str]]:
    """These tickets by their ids, their rules known, each with the trigger of its last act; the erased are left out."""
    if not rows:
        return {}
    found = {}
    for record in await fetch(f"{SELECT} {LAST_ACT} {FROM} WHERE t.id = ANY($1)", [row.id for row in rows]):
        ticket = read_ticket(record)
        await know_rules(ticket)
        found[ticket.id] = ticket, record["last_trigger"]
    return found


def _conditions(asked: Asked, *, at: datetime, frequent: bool = False) -> _Conditions:
    where = _Conditions()
    if asked.closed:
        where.add("t.closed_at IS NOT NULL")
    elif not asked.q:
        where.add("t.closed_at IS NULL")
    if asked.states:
        where.add(f"t.state = ANY({where.value(list(asked.states), 'text[]')})")
    if asked.priorities:
        where.add(f"t.priority = ANY({where.value(list(asked.priorities), 'text[]')})")
    if asked.assignee == "nobody":
        where.add("t.assignee IS NULL")
    elif asked.assignee.isdigit():
        where.add(f"t.assignee = {where.value(int(asked.assignee), 'bigint')}")
    if asked.team:
        team = where.value(int(asked.team), "bigint")
        where.add(f't.assignee = ANY(ARRAY(SELECT "user" FROM team_member WHERE team = {team}))')
    if asked.watcher:
        watcher = where.value(int(asked.watcher), "bigint")
        where.add(f't.id = ANY(ARRAY(SELECT ticket FROM ticket_watch WHERE "user" = {watcher}))')
    if asked.organisation.isdigit():
        where.add(f"t.organisation = {where.value(int(asked.organisation), 'bigint')}")
    if asked.unregistered:
        where.add("t.number IS NULL")
    if asked.unread:
        where.add("t.answer_unread")
    if asked.overdue:
        where.add(LATE.format(at=where.value(at, "timestamptz")))
    if asked.order == "nearest":
        where.add(f"t.state = ANY({where.value(COUNTING, 'text[]')})")
    if asked.soon:
        where.add(SOON.format(at=where.value(at, "timestamptz")))
    if asked.q:
        where.add(_found(asked.q, where, frequent=frequent))
    return where


QUERY = "websearch_to_tsquery('russian', {words})"  # Latin words are told apart and stemmed as English ones


async def _frequent(q: str) -> bool:
    """Whether the words stand in more tickets than are worth gathering."""
    found = await fetchrow(
        f"SELECT count(*) AS n FROM (SELECT FROM ticket WHERE search @@ {QUERY.format(words='$1')} "
        f"LIMIT {MOST_FOUND + 1}) AS counted",
        searchable(q),
    )
    return bool(found["n"] > MOST_FOUND)


def _found(q: str, where: _Conditions, *, frequent: bool) -> str:
    """Words in any Russian or English form.

    Rare words lead to their tickets by the index of words. Frequent ones would lead to half of all tickets, which then
    had to be sorted: there the newest are read in their order until a page is full.
    """
    query = QUERY.format(words=where.value(searchable(q), "text"))
    if frequent:
        return f"t.search @@ {query}"
    return f"t.id = ANY(ARRAY(SELECT id FROM ticket WHERE search @@ {query} LIMIT {MOST_FOUND}))"


def _key(row: Any, asked: Asked) -> str:
    if asked.order == "newest":
        return f"{row['received_at'].isoformat()}~{row['id']}"
    due = row["due_key"]
    return f"{row['priority_rank']}~{'' if due.year == 9999 else due.isoformat()}~{row['id']}"


def _go_on(where: _Conditions, asked: Asked, after: str) -> None:
    """Begin behind the last ticket of the page before."""
    try:
        *keys, last = after.split("~")
        id = UUID(last)
        if asked.order == "newest":
            received = instant_in(keys[0])
        else:
            rank, due = whole_number(keys[0], most=INTEGER), instant_in(keys[1]) if keys[1] else None
    except (ValueError, IndexError):
        return  # a place of nonsense is the beginning
    if asked.order == "newest":
        where.add(f"(t.received_at, t.id) < ({where.value(received, 'timestamptz')}, {where.value(id, 'uuid')})")
        return
    if rank is None:
        return
    place = f"coalesce({where.value(due, 'timestamptz')}, 'infinity'), {where.value(id, 'uuid')}"
    ranked = f"{where.value(rank, 'int')}, " if asked.order == "queue" else ""
    where.add(f"({ORDERS[asked.order]}) > ({ranked}{place})")


async def numbered(value: str) -> UUID | None:
    """The ticket with exactly this number, as people type it or paste it from a letter."""
    row = await fetchrow("SELECT id FROM ticket WHERE number = $1", number_in(value))
    return row["id"] if row else None
