"""Carries a version over to the tickets that are open when it takes effect, a few in each short transaction.

1. Publishing leaves a row that says what was chosen; nothing happens before the version is in force.
2. The open tickets it concerns are gathered once, into a queue.
3. Each transaction takes a few that nobody else holds, moves them by the machine, and takes them off the queue: a
   worker that dies leaves nothing half done, and no ticket is moved twice.
4. Whoever was registered under the old version by a transaction that was still under way is gathered at the end.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog

from service import failpoints
from service.actors import CLOCK
from service.change import Change
from service.database import DB, execute, fetch, fetchrow, fetchval, retried
from service.regulations import RULEBOOKS
from service.ticket import FROM, SELECT, Ticket, read_ticket
from service.tickets import know_rules, ring_for
from workflow.carrying_over import Choice, KeepsItsVersion, carried_over, how
from workflow.errors import NotFound, Refusal
from workflow.regulation import Rulebook
from workflow.sla import deadline_or_none
from workflow.words import _

log = structlog.get_logger(__name__)

AT_ONCE = 20  # tickets under lock in one transaction: a move waits for so many at the most
LANES = 3  # transactions at the same time in one worker: while one waits for the database, another computes
BATCHES = 20  # transactions of one lane in one call
GRACE = timedelta(seconds=60)  # no statement of a move that began before the version was in force lasts longer
MOST_LISTED = 500  # tickets that keep their version, in one answer


class _Job(msgspec.Struct, frozen=True):
    """One version on its way to the open tickets."""

    version: int
    choice: Choice
    starts_at: datetime
    gathered_at: datetime | None


async def carry_on(*, at: datetime) -> bool:
    """Carry versions over that are in force by `at`, for a bounded while; whether there is more to do at once.

    Any number of workers may call this together.
    """
    rows = await fetch(
        "SELECT version, choice, starts_at, gathered_at FROM republication "
        "WHERE finished_at IS NULL AND starts_at <= $1 ORDER BY version",
        at,
    )
    more = False
    for row in rows:
        more |= await _carry_on_with(_Job(**dict(row)), at=at)
    return more


async def _carry_on_with(job: _Job, *, at: datetime) -> bool:
    if await _never_in_force(job):
        await _finish(job, at=at)
        return False
    if job.gathered_at is None:
        await _gather(job, at=at)
    lanes = await asyncio.gather(*(_lane(job, at=at) for _number in range(LANES)))
    if any(lanes):
        return True
    if await _somebody_waits(job):
        return False  # others work on these tickets; the next look finds them again
    return await _end(job, at=at)


async def _lane(job: _Job, *, at: datetime) -> bool:
    """One transaction after the other; whether it ended with more to do."""
    for _batch in range(BATCHES):
        if not await _carry_some_over(job, at=at):
            return False
    return True


async def _somebody_waits(job: _Job) -> bool:
    waiting = "SELECT EXISTS (SELECT FROM republished_ticket WHERE version = $1 AND outcome = '')"
    return bool(await fetchval(waiting, job.version))


async def _never_in_force(job: _Job) -> bool:
    """Another version was published meanwhile and took effect no later."""
    return bool(
        await fetchval(
            "SELECT EXISTS (SELECT FROM regulation WHERE version > $1 AND effective_at <= $2)",
            job.version,
            job.starts_at,
        )
    )


# --- whom it concerns -------------------------------------------------------------------------------------------------

# A deadline is empty where the calendar ends too soon; what else looks like it is left alone when its turn comes.
GATHER = """
INSERT INTO republished_ticket (version, ticket)
SELECT $1, t.id FROM ticket t
WHERE t.closed_at IS NULL AND t.regulation_version < $1 AND (
    ($2 AND t.number IS NOT NULL)
    OR coalesce(t.due_at, t.registration_due_at) IS NULL OR (t.number IS NOT NULL AND t.due_at IS NULL)
    OR (t.completed_at IS NOT NULL AND t.generations #>> '{auto_close:due,1}' IS NULL)
)
ORDER BY t.id
ON CONFLICT (version, ticket) DO NOTHING
"""


@retried
async def _gather(job: _Job, *, at: datetime) -> int:
    """Put the open tickets that the version concerns on the queue; how many came anew."""
    async with DB.transaction(allow_nested=False):
        await execute("SELECT FROM republication WHERE version = $1 FOR UPDATE", job.version)
        found = await execute(GATHER, job.version, job.choice != "keep")
        await execute(
            "UPDATE republication SET total = total + $2, gathered_at = coalesce(gathered_at, $3) WHERE version = $1",
            job.version, found, at,
        )  # fmt: skip
    if found:
        await execute("ANALYZE republished_ticket")  # it was empty a moment ago, and is asked thousands of times now
    return found


async def _end(job: _Job, *, at: datetime) -> bool:
    """The queue is empty: finished, unless somebody came late; whether there is more to do at once."""
    if at < job.starts_at + GRACE:
        return False
    if await _gather(job, at=at):
        return True
    await _finish(job, at=at)
    return False


@retried
async def _finish(job: _Job, *, at: datetime) -> None:
    """Only when nobody is waiting: the last ones may be in another worker's hands."""
    async with DB.transaction(allow_nested=False):
        ended = await execute(
            "UPDATE republication SET finished_at = $2 WHERE version = $1 AND finished_at IS NULL AND NOT EXISTS "
            "(SELECT FROM republished_ticket WHERE version = $1 AND outcome = '')",
            job.version, at,
        )  # fmt: skip
        if ended:
            await execute("DELETE FROM republished_ticket WHERE version = $1 AND outcome <> 'skipped'", job.version)
            log.info("version carried over", version=job.version, choice=job.choice)


# --- a few at a time --------------------------------------------------------------------------------------------------

TAKE = (
    "SELECT id, ticket FROM republished_ticket WHERE version = $1 AND outcome = '' ORDER BY id LIMIT $2 "
    "FOR UPDATE SKIP LOCKED"
)
# In the order of their ids, so that two of us never wait for each other in a circle; a ticket in work is for later.
LOCK = f"{SELECT} {FROM} WHERE t.id = ANY($1) ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED"
TAKE_OFF = (
    "UPDATE republished_ticket r SET outcome = given.outcome, reason = given.reason, params = given.params "
    "FROM unnest($1::int8[], $2::text[], $3::text[], $4::jsonb[]) AS given(id, outcome, reason, params) "
    "WHERE r.id = given.id"
)


class _Turn(msgspec.Struct, frozen=True):
    """What became of one ticket: `done`, `skipped` for a reason, or `unneeded`."""

    ticket: UUID
    outcome: str
    reason: str = ""
    params: dict[str, str] = {}


@retried
async def _carry_some_over(job: _Job, *, at: datetime) -> int:
    """How many tickets had their turn: each wholly, or not at all; 0 when all that wait are in other hands."""
    changes: list[Change] = []
    async with DB.transaction(allow_nested=False):
        waiting = await fetch(TAKE, job.version, AT_ONCE)
        if not waiting:
            return 0
        rules = await RULEBOOKS.know(job.version)
        turns: list[_Turn] = []
        for row in await fetch(LOCK, [one["ticket"] for one in waiting]):
            ticket = read_ticket(row)
            await know_rules(ticket)
            change = Change(ticket, now=at, cause=f"repin:{job.version}")
            turn = _turn(change, ticket, job, rules)
            turns.append(turn)
            if turn.outcome == "done":
                changes.append(change)
        if changes:
            await Change.write_together(changes)
        await _take_off(job, turns, {one["ticket"]: one["id"] for one in waiting})
        failpoints.reach("tickets.carried_over")
    if changes:
        await ring_for(changes[0])
    return len(turns)


def _turn(change: Change, ticket: Ticket, job: _Job, rules: Rulebook) -> _Turn:
    if not ticket.open or ticket.regulation_version >= job.version:
        return _Turn(ticket.id, "unneeded")
    try:
        _repin(change, how(ticket.clocks, job.choice, rules, RULEBOOKS), rules)
    except KeepsItsVersion as kept:
        return _Turn(ticket.id, "skipped" if kept.sentence else "unneeded", kept.sentence, kept.params)
    except (Refusal, LookupError, ValueError) as wrong:
        log.exception("ticket not carried over", ticket=str(ticket.id), version=job.version)
        return _Turn(ticket.id, "skipped", _("The ticket could not be carried over: {why}"), {"why": str(wrong)[:300]})
    return _Turn(ticket.id, "done")


def _repin(change: Change, count: Choice, rules: Rulebook) -> None:
    """One entry that says from which version to which, how the target counts, and what that does to the deadline."""
    ticket = change.ticket
    after = carried_over(ticket.clocks, count, rules, at=change.now, rulebooks=RULEBOOKS)
    details = {
        "from_version": ticket.regulation_version,
        "regulation_version": rules.version,
        "count": count,
        "due_before": _text(ticket.due_at if ticket.clocks.resolution else ticket.registration_due_at),
        "due_after": _text(deadline_or_none(after.resolution or after.registration, RULEBOOKS)),
    }
    decision = change.decide("repin", by=CLOCK, given={"details": details})
    change.act("repin", by=CLOCK, to_state=decision.to_state, data=details, types=decision.move.events)


def _text(due: datetime | None) -> str | None:
    return due.isoformat() if due else None


async def _take_off(job: _Job, turns: Sequence[_Turn], places: Mapping[UUID, int]) -> None:
    """Off the queue, where `places` says the tickets stand."""
    counted = Counter(turn.outcome for turn in turns)
    await execute(
        TAKE_OFF, [places[turn.ticket] for turn in turns], [turn.outcome for turn in turns],
        [turn.reason for turn in turns], [msgspec.json.encode(turn.params).decode() for turn in turns],
    )  # fmt: skip
    await execute(
        "UPDATE republication SET done = done + $2, skipped = skipped + $3, total = total - $4 WHERE version = $1",
        job.version, counted["done"], counted["skipped"], counted["unneeded"],
    )  # fmt: skip


# --- how far it is ----------------------------------------------------------------------------------------------------


class Kept(msgspec.Struct, frozen=True):
    """A ticket that keeps its version, and why: an English msgid with its `params`."""

    ticket: UUID
    number: str | None
    sentence: str
    params: dict[str, str]


class Progress(msgspec.Struct, frozen=True):
    """How far a version has come: `total` open tickets, of which `done` were carried over and `skipped` keep theirs."""

    version: int
    choice: Choice
    starts_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    total: int
    done: int
    skipped: int
    kept: tuple[Kept, ...]


async def progress(version: int) -> Progress:
    """How far the carrying over of a version is, with at most `MOST_LISTED` that keep theirs. Raises NotFound."""
    row = await fetchrow(
        "SELECT version, choice, starts_at, gathered_at AS started_at, finished_at, total, done, skipped "
        "FROM republication WHERE version = $1",
        version,
    )
    if row is None:
        raise NotFound(_("There is no version {version} of the regulation."), version=str(version))
    kept = await fetch(
        "SELECT r.ticket, t.number, r.reason, r.params FROM republished_ticket r JOIN ticket t ON t.id = r.ticket "
        "WHERE r.version = $1 AND r.outcome = 'skipped' ORDER BY r.id LIMIT $2",
        version,
        MOST_LISTED,
    )
    return Progress(**dict(row), kept=tuple(_kept(one) for one in kept))


def _kept(row: Any) -> Kept:
    params = msgspec.json.decode(row["params"], type=dict[str, str])
    return Kept(row["ticket"], row["number"], row["reason"], params)
