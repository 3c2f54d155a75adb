"""Replays journals and tells what differs: order, hash chain, copies, the row, its deadlines and its timers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from service.database import DB, execute, fetch
from service.journal import COLUMNS, GENESIS, Entry, chained, copies_that_differ, read_entry
from service.regulations import RULEBOOKS
from service.ticket import FROM, SELECT, Ticket, read_ticket
from workflow.position import Position, follow
from workflow.sla import wanted_timers

BATCH = 200  # tickets held in memory at once
FIRST = UUID(int=0)


class Difference(msgspec.Struct, frozen=True):
    """One thing that is not as the journal says. `where` is `seq 7`, or a column, or a timer."""

    ticket: UUID
    check: str
    where: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.ticket} {self.check}: {self.where}: expected {self.expected}, found {self.found}"


async def verify() -> list[Difference]:
    """Replay every journal; all differences. An empty list is the proof that the tables tell one story."""
    return [difference async for found in differences_by_batch() for difference in found]


async def differences_by_batch() -> AsyncIterator[list[Difference]]:
    """The differences of `BATCH` tickets at a time, in the order of their ids."""
    after: UUID | None = FIRST
    while after is not None:
        found, after = await verify_batch(after)
        yield found


async def verify_batch(
    after: UUID, *, limit: int = BATCH, open_only: bool = False
) -> tuple[list[Difference], UUID | None]:
    """The differences of the next `limit` tickets after an id, and the last id seen; None at the end."""
    only = "AND t.closed_at IS NULL" if open_only else ""
    found, seen = await _checked(f"WHERE t.id > $1 {only} ORDER BY t.id LIMIT {int(limit)}", after)
    return found, seen[-1] if len(seen) == limit else None


async def verify_tickets(tickets: Sequence[UUID]) -> list[Difference]:
    """The differences of these tickets."""
    found, _seen = await _checked("WHERE t.id = ANY($1)", list(tickets))
    return found


async def _checked(where: str, value: object) -> tuple[list[Difference], list[UUID]]:
    """Tickets, journals and timers as of one instant: work that goes on meanwhile makes no difference."""
    async with DB.transaction(allow_nested=False):
        await execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        tickets = [read_ticket(row) for row in await fetch(f"{SELECT} {FROM} {where}", value)]
        ids = [ticket.id for ticket in tickets]
        entries = f"SELECT {COLUMNS} FROM journal WHERE ticket = ANY($1) ORDER BY ticket, seq"
        journals = _by(await fetch(entries, ids), "ticket")
        timers = _by(
            await fetch(
                "SELECT subject, kind, due_at FROM timer WHERE subject = ANY($1) AND status = 'armed' ORDER BY id", ids
            ),
            "subject",
        )
        for row in await fetch("SELECT version FROM regulation"):
            await RULEBOOKS.know(row["version"])
    found = [
        difference
        for ticket in tickets
        for difference in differences(
            ticket, [read_entry(row) for row in journals.get(ticket.id, [])], timers.get(ticket.id, [])
        )
    ]
    return found, ids


def _by(rows: Sequence[Any], column: str) -> dict[UUID, list[Any]]:
    gathered: dict[UUID, list[Any]] = {}
    for row in rows:
        gathered.setdefault(row[column], []).append(row)
    return gathered


def differences(ticket: Ticket, entries: Sequence[Entry], armed: Sequence[Any]) -> Iterator[Difference]:
    """What one ticket shows that its journal does not say."""
    broken = list(_chain_differences(ticket, entries))
    yield from broken
    if any(one.check == "order" for one in broken) or not entries:
        return  # a torn journal cannot be replayed
    position = Position()
    for entry in entries:
        position = follow(position, entry, RULEBOOKS)
        if position.state != entry.to_state:
            yield Difference(ticket.id, "state", f"seq {entry.seq}", entry.to_state, position.state)
    yield from _row_differences(ticket, position)
    yield from _timer_differences(ticket, position, armed)


def _chain_differences(ticket: Ticket, entries: Sequence[Entry]) -> Iterator[Difference]:
    if not entries:
        yield Difference(ticket.id, "order", "journal", "at least one entry", "none")
    previous, state, at = GENESIS, None, None
    for expected, entry in enumerate(entries, start=1):
        where = f"seq {entry.seq}"
        if entry.seq != expected:
            yield Difference(ticket.id, "order", where, f"seq {expected}", where)
            return
        if entry.from_state != state:
            yield Difference(ticket.id, "state", where, str(state), str(entry.from_state))
        if at is not None and entry.at < at:
            yield Difference(ticket.id, "order", where, f"not before {at.isoformat()}", entry.at.isoformat())
        if entry.hash != chained(previous, entry.body):
            yield Difference(ticket.id, "chain", where, chained(previous, entry.body).hex(), entry.hash.hex())
        for name in copies_that_differ(entry):
            yield Difference(ticket.id, "copy", f"{where}, {name}", "as hashed", "another value")
        previous, state, at = entry.hash, entry.to_state, entry.at
    if entries and ticket.head != previous:
        yield Difference(ticket.id, "chain", "head", previous.hex(), ticket.head.hex())


def _row_differences(ticket: Ticket, position: Position) -> Iterator[Difference]:
    """The cached position, and the columns computed from it."""
    cached = ticket.as_position()
    for name in position.__struct_fields__:
        said, shown = getattr(position, name), getattr(cached, name)
        if said != shown:
            check = "state" if name in ("state", "seq") else "clocks" if name == "clocks" else "position"
            yield Difference(ticket.id, check, name, repr(said), repr(shown))
    computed = {
        "registration_due_at": position.registration_due_at(RULEBOOKS),
        "due_at": position.due_at(RULEBOOKS),
        "late_from": position.late_from(RULEBOOKS),
        "promised_at": position.promised_at,
        "registration_result": position.registration_result,
        "resolution_result": position.resolution_result,
    }
    for name, value in computed.items():
        if getattr(ticket, name) != value:
            yield Difference(ticket.id, "deadline", name, str(value), str(getattr(ticket, name)))


def _timer_differences(ticket: Ticket, position: Position, armed: Sequence[Any]) -> Iterator[Difference]:
    """Timers that the clocks ask for and that are not armed, and armed ones that nobody asks for."""
    wanted = wanted_timers(position.clocks, RULEBOOKS)
    standing: Mapping[str, datetime] = {row["kind"]: row["due_at"].astimezone(UTC) for row in armed}
    for kind in sorted(wanted.keys() | standing.keys()):
        if wanted.get(kind) != standing.get(kind):
            yield Difference(ticket.id, "timer", kind, _moment(wanted.get(kind)), _moment(standing.get(kind)))


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else "none armed"
