"""Tries a draft on the desk's own tickets before anybody obeys it: reads as of one instant, and touches nothing.

Tickets come through a cursor, some thousands at a time; each helping is judged in a thread, so that whoever serves
other requests meanwhile goes on.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from service.compliance import first_of_months
from service.database import DB, connection, execute, fetch
from service.regulations import RULEBOOKS, NotPublishable
from workflow.carrying_over import CHOICES, Choice
from workflow.regulation import Regulation, Rulebook, problems
from workflow.simulation import STORIED, Ends, Life, Outcome, Prospect, WithDraft, plainly, prospects, replayed, then
from workflow.sla import Clocks

HELPING = 2_000  # tickets in memory at once
MOST_MONTHS = 36
MOST_LISTED = 1_000
CLOCKS = msgspec.json.Decoder(Clocks)
# By what the list of deadlines is sorted; `shift` is how far one moves, the hardest first.
Sort = Literal["new_due", "old_due", "shift", "priority", "number"]


class MovedTicket(msgspec.Struct, frozen=True):
    """The deadline of one open ticket now and under the draft; late means that it has passed already."""

    ticket: UUID
    number: str | None
    priority: str | None
    old_due: datetime | None
    new_due: datetime | None
    late_before: bool
    late_after: bool


class ChoiceForecast(msgspec.Struct):
    """What publishing would do to the open tickets under one choice; `tickets` holds the first of those that move."""

    choice: Choice
    moved: int = 0
    earlier: int = 0
    later: int = 0
    filled: int = 0  # deadlines that were empty for want of a calendar
    kept: int = 0  # priority not in use in the draft: these keep their version
    late_before: int = 0
    late_after: int = 0
    newly_late: int = 0
    no_longer_late: int = 0
    tickets: list[MovedTicket] = []


class Tally(msgspec.Struct):
    """How many clocks ended how; `running` ones are not late yet, `unknown` ones the regulation cannot judge."""

    met: int = 0
    extended: int = 0
    breached: int = 0
    running: int = 0
    unknown: int = 0

    def count(self, outcome: Outcome) -> None:
        setattr(self, outcome, getattr(self, outcome) + 1)


class MonthForecast(msgspec.Struct):
    """The requests received in one month with one priority: how one clock ended, then and under the draft."""

    month: str
    priority: str | None
    clock: str
    then: Tally
    draft: Tally
    worse: int = 0  # met or extended then, breached under the draft
    better: int = 0


class Simulation(msgspec.Struct, frozen=True):
    """What a draft would do to `open_tickets`, and would have made of the `past_tickets` of the last months."""

    at: datetime
    since: datetime | None
    open_tickets: int
    past_tickets: int
    choices: list[ChoiceForecast]
    months: list[MonthForecast]


async def simulate(
    draft: Regulation,
    *,
    at: datetime,
    months: int = 0,
    sort: Sort = "new_due",
    descending: bool = False,
    limit: int = 100,
) -> Simulation:
    """Try `draft` on the tickets open at `at` and, for `months` calendar months up to now, on those received in them.

    Raises NotPublishable when the draft breaks a check: nothing sensible can be said of it.
    """
    if found := problems(draft):
        raise NotPublishable(found)
    rules = await _ready(draft)
    since = first_of_months(min(months, MOST_MONTHS), at=at, zone=draft.calendar.zone) if months > 0 else None
    present = _Present(rules, at=at, order=Order(sort, descending), limit=min(limit, MOST_LISTED))
    past = _Past(rules, at=at)
    async with DB.transaction(allow_nested=False):
        await execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        await _know_every_version()
        async for rows in _helpings(OPEN):
            await asyncio.to_thread(present.take, rows)
        if since is not None:
            async for rows in _helpings(RECEIVED, since, draft.calendar.zone, list(STORIED)):
                await asyncio.to_thread(past.take, rows, await _journals(rows))
    return Simulation(at, since, present.seen, past.seen, present.told(), past.told())


async def _ready(draft: Regulation) -> Rulebook:
    """The draft under a number that no version has, its calendar built."""
    rules = Rulebook(0, draft)
    await asyncio.to_thread(lambda: rules.calendar)
    return rules


async def _know_every_version() -> None:
    for row in await fetch("SELECT version FROM regulation"):
        await RULEBOOKS.know(row["version"])


async def _helpings(sql: str, *values: object) -> AsyncIterator[list[Any]]:
    cursor = await connection().cursor(sql, *values)
    while rows := await cursor.fetch(HELPING):
        yield rows


# --- open tickets -----------------------------------------------------------------------------------------------------

OPEN = "SELECT id, number, priority, clocks FROM ticket WHERE closed_at IS NULL"


class _Present:
    """The open tickets, under each choice."""

    def __init__(self, draft: Rulebook, *, at: datetime, order: Order, limit: int) -> None:
        self._draft, self._at, self._limit, self._order = draft, at, limit, order
        self._rulebooks = WithDraft(RULEBOOKS, draft)
        self._found = {choice: ChoiceForecast(choice, tickets=[]) for choice in CHOICES}
        self.seen = 0

    def take(self, rows: list[Any]) -> None:
        for row in rows:
            self.seen += 1
            clocks = CLOCKS.decode(row["clocks"])
            for prospect in prospects(clocks, self._draft, at=self._at, rulebooks=self._rulebooks):
                self._count(self._found[prospect.choice], prospect, row)
        for found in self._found.values():
            found.tickets = self._order.first(found.tickets, self._limit)

    def _count(self, found: ChoiceForecast, prospect: Prospect, row: Any) -> None:
        found.kept += prospect.kept
        found.late_before += prospect.late_before
        found.late_after += prospect.late_after
        if not prospect.moved:
            return
        old, new = prospect.old_due, prospect.new_due
        found.moved += 1
        found.filled += old is None
        if old is not None and new is not None:
            found.earlier += new < old
            found.later += new > old
        found.newly_late += prospect.late_after and not prospect.late_before
        found.no_longer_late += prospect.late_before and not prospect.late_after
        found.tickets.append(
            MovedTicket(row["id"], row["number"], row["priority"], old, new, prospect.late_before, prospect.late_after)
        )

    def told(self) -> list[ChoiceForecast]:
        return list(self._found.values())


class Order(NamedTuple):
    """How the moved tickets are sorted; what has no value to sort by stands last, whichever way."""

    sort: Sort
    descending: bool = False

    def first(self, tickets: list[MovedTicket], limit: int) -> list[MovedTicket]:
        """The first of them, in order."""
        pick = heapq.nlargest if self.descending else heapq.nsmallest
        return pick(limit, tickets, key=self._place)

    def _place(self, one: MovedTicket) -> tuple[bool, Any, UUID]:
        value = self._value(one)
        return (value is not None) if self.descending else (value is None), value, one.ticket

    def _value(self, one: MovedTicket) -> Any:
        if self.sort == "shift":
            return one.new_due - one.old_due if one.new_due and one.old_due else None
        return getattr(one, self.sort)


# --- the last months --------------------------------------------------------------------------------------------------

RECEIVED = """
SELECT t.id, t.priority, to_char(t.received_at AT TIME ZONE $2, 'YYYY-MM') AS month, t.registered_at, t.completed_at,
       t.clocks, EXISTS (SELECT FROM journal j WHERE j.ticket = t.id AND j.trigger = ANY($3)) AS storied
FROM ticket t WHERE t.received_at >= $1
"""


class _Written(msgspec.Struct, frozen=True):
    """A journal entry as the clocks read it, from its hashed bytes."""

    at: datetime
    trigger: str
    from_state: str | None
    to_state: str
    data: dict[str, Any]
    by: str = ""


WRITTEN = msgspec.json.Decoder(_Written)


async def _journals(rows: list[Any]) -> Mapping[UUID, list[bytes]]:
    """The journals of the tickets whose clocks alone do not tell enough."""
    storied = [row["id"] for row in rows if row["storied"]]
    journals: dict[UUID, list[bytes]] = {id: [] for id in storied}
    if storied:
        for row in await fetch("SELECT ticket, body FROM journal WHERE ticket = ANY($1) ORDER BY ticket, seq", storied):
            journals[row["ticket"]].append(bytes(row["body"]))
    return journals


class _Past:
    """What was received in the last months, then and under the draft."""

    def __init__(self, draft: Rulebook, *, at: datetime) -> None:
        self._draft, self._at = draft, at
        self._months: dict[tuple[str, str, str], MonthForecast] = {}
        self.seen = 0

    def take(self, rows: list[Any], journals: Mapping[UUID, list[bytes]]) -> None:
        for row in rows:
            self.seen += 1
            life = Life(CLOCKS.decode(row["clocks"]), row["registered_at"], row["completed_at"])
            before = then(life, at=self._at, rulebooks=RULEBOOKS)
            after = self._under_the_draft(life, journals.get(row["id"]))
            self._count(row, "registration", before.registration, after.registration)
            self._count(row, "resolution", before.resolution, after.resolution)

    def _under_the_draft(self, life: Life, journal: list[bytes] | None) -> Ends:
        if journal is None:
            return plainly(life, self._draft, at=self._at)
        return replayed((WRITTEN.decode(body) for body in journal), life, self._draft, at=self._at)

    def _count(self, row: Any, clock: str, before: Outcome | None, after: Outcome | None) -> None:
        if before is None or after is None:
            return
        key = (row["month"], row["priority"] or "", clock)
        found = self._months.get(key)
        if found is None:
            found = self._months[key] = MonthForecast(row["month"], row["priority"], clock, Tally(), Tally())
        found.then.count(before)
        found.draft.count(after)
        found.worse += after == "breached" and before in ("met", "extended", "running")
        found.better += before == "breached" and after in ("met", "extended", "running")

    def told(self) -> list[MonthForecast]:
        return [self._months[key] for key in sorted(self._months)]
