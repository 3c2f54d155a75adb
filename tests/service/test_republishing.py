"""A version is carried over to open tickets as its owner chose: once each, in short turns, whatever happens between."""

import asyncio
import multiprocessing
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from service import drafts, failpoints, republishing
from service.actors import Actor
from service.database import DB, close_pool, fetch, fetchrow, fetchval, start_pool
from service.regulations import SomebodyWasFaster, newest, publish
from service.republishing import GRACE, carry_on, progress
from service.ticket import Ticket
from service.verify import verify
from tests.desk import HOUR, a_request, a_ticket, changed_target, completed, does
from workflow.calendar import YearCalendar
from workflow.carrying_over import Choice
from workflow.definition import Role
from workflow.errors import NotFound
from workflow.regulation import Regulation

MONDAY = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)  # 10:00 in Moscow, a working day
NOON = MONDAY + 2 * HOUR
OWNER = Actor(kind="staff", id="1", name="Vera Owner", role=Role.PROCESS_OWNER)
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.usefixtures("regulation")


async def published(
    choice: Choice, *, at: datetime = NOON, amount: int = 300, effective_at: datetime | None = None, **changes: Any
) -> int:
    """P2 in `amount` working minutes instead of eight hours, and whatever else is changed."""
    version, current = await newest()
    changed = msgspec.structs.replace(changed_target(current, "P2", amount=amount), examples=(), **changes)
    return await publish(changed, based_on=version, by=OWNER, at=at, open_tickets=choice, effective_at=effective_at)


async def carried(at: datetime = NOON + MINUTE) -> None:
    """Until nothing is left to do at once."""
    while await carry_on(at=at):
        pass


async def row_of(ticket: Ticket) -> Any:
    return await fetchrow("SELECT * FROM ticket WHERE id = $1", ticket.id)


async def repins(ticket: Ticket) -> list[dict[str, Any]]:
    rows = await fetch(
        "SELECT body, cause FROM journal WHERE ticket = $1 AND trigger = 'repin' ORDER BY seq", ticket.id
    )
    return [msgspec.json.decode(bytes(row["body"])) for row in rows]


async def armed(ticket: Ticket) -> dict[str, datetime]:
    rows = await fetch("SELECT kind, due_at FROM timer WHERE subject = $1 AND status = 'armed'", ticket.id)
    return {row["kind"]: row["due_at"] for row in rows}


# --- the choice -------------------------------------------------------------------------------------------------------


async def test_open_tickets_keep_their_version_unless_somebody_chose_otherwise() -> None:
    ticket = await a_ticket("P2", MONDAY)
    version = await published("keep")
    await carried()
    assert (await row_of(ticket))["regulation_version"] == 1
    assert await repins(ticket) == []
    await carried(NOON + GRACE)
    assert (await progress(version)).finished_at is not None


@pytest.mark.parametrize(
    ("choice", "due"),
    [("from_start", MONDAY + 5 * HOUR), ("from_now", NOON + MINUTE + 5 * HOUR)],
)
async def test_open_tickets_are_carried_over_as_chosen_and_the_journal_says_so(choice: Choice, due: datetime) -> None:
    ticket = await a_ticket("P2", MONDAY)
    version = await published(choice)
    await carried()
    row = await row_of(ticket)
    assert (row["regulation_version"], row["due_at"]) == (version, due)
    [entry] = await repins(ticket)
    assert entry["cause"] == f"repin:{version}"
    assert entry["data"] == {
        "from_version": 1, "regulation_version": version, "count": choice,
        "due_before": ticket.due_at.isoformat(), "due_after": due.isoformat(),
    }  # fmt: skip
    assert (await armed(ticket))["resolution:due"] == due
    assert await fetchval("SELECT count(*) FROM event WHERE type = 'ticket.deadline.changed'") == 1
    assert await verify() == []


async def test_a_version_of_the_future_is_carried_over_when_it_takes_effect() -> None:
    ticket = await a_ticket("P2", MONDAY)
    version = await published("from_start", effective_at=NOON + HOUR)
    await carried(NOON + HOUR - MINUTE)
    assert await repins(ticket) == []
    assert (await progress(version)).started_at is None
    await carried(NOON + HOUR)
    assert (await row_of(ticket))["regulation_version"] == version


async def test_a_version_that_never_came_into_force_moves_nobody() -> None:
    ticket = await a_ticket("P2", MONDAY)
    planned = await published("from_start", effective_at=NOON + HOUR)
    await published("keep", amount=600, effective_at=NOON + HOUR)
    await carried(NOON + 2 * HOUR)
    assert await repins(ticket) == []
    assert (await progress(planned)).finished_at == NOON + 2 * HOUR


async def test_a_request_that_is_not_registered_obeys_the_version_at_its_receipt() -> None:
    request = await a_request(MONDAY)
    version, current = await newest()
    shorter = msgspec.structs.replace(current.registration.target, amount=30)
    changed = msgspec.structs.replace(
        current, registration=msgspec.structs.replace(current.registration, target=shorter, steps=()), examples=()
    )
    await publish(changed, based_on=version, by=OWNER, at=NOON, open_tickets="from_start")
    await carried()
    assert (await row_of(request))["registration_due_at"] == request.registration_due_at
    assert await repins(request) == []
    registered = await does(request, "register", NOON + MINUTE, priority="P2")
    assert registered.regulation_version == version + 1


async def test_a_ticket_of_a_retired_priority_keeps_its_version_and_is_listed_with_the_reason() -> None:
    ticket, other = await a_ticket("P2", MONDAY), await a_ticket("P3", MONDAY)
    _version, current = await newest()
    retired = tuple(
        msgspec.structs.replace(one, retired=one.code == "P2", target=msgspec.structs.replace(one.target, amount=60))
        for one in current.priorities
    )
    plain = tuple(msgspec.structs.replace(one, steps=()) for one in retired)
    version = await publish(
        msgspec.structs.replace(current, priorities=plain, service_levels=current.service_levels[:1], examples=()),
        based_on=1, by=OWNER, at=NOON, open_tickets="from_start",
    )  # fmt: skip
    await carried(NOON + GRACE)
    assert (await row_of(ticket))["regulation_version"] == 1
    assert (await row_of(other))["regulation_version"] == version
    told = await progress(version)
    assert (told.total, told.done, told.skipped) == (2, 1, 1)
    [kept] = told.kept
    assert (kept.ticket, kept.number) == (ticket.id, ticket.number)
    assert kept.params == {"priority": "P2", "version": str(version), "old": "1"}


async def test_closed_tickets_are_never_rewritten() -> None:
    ticket = await does(await a_ticket("P2", MONDAY), "withdraw", MONDAY, text="Never mind.")
    await published("from_start")
    await carried()
    after = await row_of(ticket)
    assert (after["regulation_version"], after["seq"]) == (1, ticket.seq)


async def test_a_frozen_result_stays_when_a_completed_ticket_is_carried_over() -> None:
    ticket = await completed(at=MONDAY)
    version = await published("from_start", amount=60)
    await carried(MONDAY + 3 * HOUR)
    row = await row_of(ticket)
    assert (row["regulation_version"], row["resolution_result"]) == (version, "met")
    assert await verify() == []


async def test_publishing_a_missing_year_fills_empty_deadlines_whatever_was_chosen() -> None:
    _version, current = await newest()
    last = max(year.year for year in current.calendar.years)
    december = datetime(last, 12, 31, 12, 0, tzinfo=UTC)
    ticket = await a_ticket("P4", december)
    known = await a_ticket("P2", MONDAY)
    assert ticket.due_at is None
    calendar = msgspec.structs.replace(current.calendar, years=(*current.calendar.years, YearCalendar(year=last + 1)))
    version = await published("keep", at=december + MINUTE, amount=480, calendar=calendar)
    await carried(december + 2 * MINUTE)
    row = await row_of(ticket)
    assert row["due_at"] is not None
    assert [entry["data"]["count"] for entry in await repins(ticket)] == ["keep"]
    assert (await row_of(known))["regulation_version"] == version - 1
    assert await verify() == []


async def test_bringing_an_older_version_back_carries_tickets_over_too() -> None:
    ticket = await a_ticket("P2", MONDAY)
    await published("from_start")
    await carried()
    draft = await drafts.begin(by=OWNER, at=NOON, copy_of=1)
    version = await drafts.publish_draft(draft, by=OWNER, at=NOON + 2 * MINUTE, open_tickets="from_start")
    await carried(NOON + 3 * MINUTE)
    row = await row_of(ticket)
    assert (row["regulation_version"], row["due_at"]) == (version, ticket.due_at)
    assert await verify() == []


# --- many, together, and interrupted ----------------------------------------------------------------------------------


async def test_many_tickets_go_over_in_bounded_turns_with_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = [await a_ticket("P2", MONDAY) for _one in range(7)]
    version = await published("from_start")
    monkeypatch.setattr(republishing, "AT_ONCE", 2)
    monkeypatch.setattr(republishing, "LANES", 1)
    monkeypatch.setattr(republishing, "BATCHES", 2)
    assert await carry_on(at=NOON)
    told = await progress(version)
    assert (told.total, told.done, told.finished_at) == (7, 4, None)
    await carried()
    assert (await progress(version)).done == 7
    assert [len(await repins(ticket)) for ticket in tickets] == [1] * 7


async def test_whoever_is_registered_late_under_the_old_version_is_found_at_the_end() -> None:
    version = await published("from_start")
    await carried(NOON)
    late = await a_ticket("P2", MONDAY)  # its transaction began before noon
    assert late.regulation_version == 1
    await carried(NOON + GRACE)
    assert (await row_of(late))["regulation_version"] == version
    assert (await progress(version)).finished_at == NOON + GRACE


async def test_a_ticket_somebody_works_on_has_its_turn_later() -> None:
    ticket, other = await a_ticket("P2", MONDAY), await a_ticket("P2", MONDAY)
    version = await published("from_start")
    async with DB.pool.acquire() as session, session.transaction():
        await session.execute("SELECT FROM ticket WHERE id = $1 FOR NO KEY UPDATE", ticket.id)
        await carried()
        assert await repins(ticket) == []
        assert len(await repins(other)) == 1
        await carried(NOON + GRACE)
        assert (await progress(version)).finished_at is None
    await carried(NOON + GRACE)
    assert len(await repins(ticket)) == 1
    assert (await progress(version)).finished_at == NOON + GRACE


async def test_workers_together_move_each_ticket_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tickets = [await a_ticket("P2", MONDAY) for _one in range(12)]
    version = await published("from_start")
    monkeypatch.setattr(republishing, "AT_ONCE", 2)
    await asyncio.gather(*(carried() for _worker in range(4)))
    assert [len(await repins(ticket)) for ticket in tickets] == [1] * 12
    assert (await progress(version)).done == 12
    assert await verify() == []


def _work_until_killed(url: str) -> None:
    async def work() -> None:
        DB.configure(url)
        await start_pool()
        republishing.AT_ONCE = 2
        failpoints.arm(["tickets.carried_over"], production=False)
        await carry_on(at=NOON + MINUTE)
        await close_pool()

    asyncio.run(work())


async def test_a_worker_that_is_killed_leaves_nothing_half_done(database_url: str) -> None:
    tickets = [await a_ticket("P2", MONDAY) for _one in range(5)]
    version = await published("from_start")
    worker = multiprocessing.get_context("spawn").Process(target=_work_until_killed, args=(database_url,))
    worker.start()
    await asyncio.to_thread(worker.join, 30)
    assert worker.exitcode == -signal.SIGKILL
    assert (await progress(version)).done == 0
    assert await verify() == []
    await carried()
    assert [len(await repins(ticket)) for ticket in tickets] == [1] * 5
    assert await verify() == []


async def test_moves_go_on_while_tickets_are_carried_over() -> None:
    tickets = [await a_ticket("P2", MONDAY) for _one in range(30)]
    version = await published("from_start")
    moves = [does(ticket, "start", NOON) for ticket in tickets]
    await asyncio.gather(carried(), *moves)
    await carried()
    for ticket in tickets:
        row = await row_of(ticket)
        assert (row["state"] != ticket.state, row["regulation_version"]) == (True, version)
    assert await verify() == []


# --- publishing -------------------------------------------------------------------------------------------------------


def _publish_together(url: str, gate: Any, results: Any, amount: int) -> None:
    async def work() -> None:
        DB.configure(url)
        await start_pool()
        based_on, current = await newest()
        changed = msgspec.structs.replace(changed_target(current, "P2", amount=amount), examples=())
        await asyncio.to_thread(gate.wait, 30)  # both have read the newest version
        try:
            results.put(await publish(changed, based_on=based_on, by=OWNER, at=NOON))
        except SomebodyWasFaster:
            results.put(None)
        await close_pool()

    asyncio.run(work())


async def test_of_two_processes_that_publish_at_once_one_wins(database_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    gate, results = spawn.Barrier(2), spawn.Queue()
    both = [spawn.Process(target=_publish_together, args=(database_url, gate, results, n)) for n in (300, 360)]
    for one in both:
        one.start()
    told = [await asyncio.to_thread(results.get, True, 60) for _one in both]
    for one in both:
        await asyncio.to_thread(one.join, 30)
    assert sorted(told, key=str) == [2, None]
    assert await fetchval("SELECT count(*) FROM regulation") == 2


async def test_of_many_who_publish_the_same_next_version_one_wins() -> None:
    _version, current = await newest()

    async def attempt(amount: int) -> int | None:
        changed: Regulation = msgspec.structs.replace(changed_target(current, "P2", amount=amount), examples=())
        try:
            return await publish(changed, based_on=1, by=OWNER, at=NOON)
        except SomebodyWasFaster:
            return None

    told = await asyncio.gather(*(attempt(300 + n) for n in range(6)))
    assert sorted(one for one in told if one is not None) == [2]
    assert await fetchval("SELECT count(*) FROM republication") == 1


async def test_progress_of_an_unknown_version_is_not_found() -> None:
    with pytest.raises(NotFound):
        await progress(99)
