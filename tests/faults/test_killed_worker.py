"""Workers killed, frozen and stopped at the worst moments: nothing is lost; a delivery may come twice, with its id."""

import asyncio
import signal
import time

import pytest

from service.database import execute, fetch, fetchval
from service.verify import verify
from tests.desk import a_request, a_webhook, count, eventually, outbox_rows
from tests.faults.conftest import Journal, Process, Stage, Start, long

pytestmark = pytest.mark.usefixtures("regulation")


async def ended(process: Process, within: float = 30.0) -> int:
    return await asyncio.to_thread(process.wait, within)


async def expire_leases() -> None:
    """A minute passes."""
    await execute("UPDATE outbox SET lease_until = clock_timestamp() - interval '1 second' WHERE status = 'sending'")


async def one_event_for(receiver: Journal) -> None:
    """A request that has nothing to do but to tell the receiver of itself."""
    await a_webhook(receiver.url)
    await a_request()
    await execute("DELETE FROM outbox WHERE channel = 'letter'")
    await execute("UPDATE timer SET status = 'cancelled'")


async def all_delivered() -> bool:
    return await count("outbox", "status <> 'delivered'") == 0


@pytest.mark.fault(1)
@pytest.mark.parametrize("kills", [2, pytest.param(200, marks=long)])
async def test_killed_between_the_answer_and_its_record_the_event_comes_again_with_the_same_id(
    start_worker: Start, receiver: Journal, kills: int
) -> None:
    await one_event_for(receiver)
    for kill in range(kills):
        assert await ended(start_worker("outbox.sent")) == -signal.SIGKILL
        assert [row["status"] for row in await outbox_rows()] == ["sending"]
        assert len(receiver.got) == kill + 1
        if kill % 2:  # else it would count as poison before the last kill
            await execute("UPDATE outbox SET crash_count = 0")
        await expire_leases()
    start_worker()
    await eventually(all_delivered)
    assert receiver.duplicates() == kills
    assert len(set(receiver.got)) == 1  # the same id, the same bytes
    [row] = await outbox_rows()
    assert receiver.got[0] == (row["event_id"], bytes(row["body"]))
    assert row["attempt"] == 1  # a lost worker is no failed attempt


@pytest.mark.fault(2)
async def test_killed_after_the_claim_and_before_the_connection_nothing_comes_twice(
    start_worker: Start, receiver: Journal
) -> None:
    await one_event_for(receiver)
    assert await ended(start_worker("outbox.claimed")) == -signal.SIGKILL
    assert receiver.got == []
    await expire_leases()
    start_worker()
    await eventually(all_delivered)
    assert len(receiver.got) == 1


@pytest.mark.fault(2)
@long
async def test_what_a_killed_worker_held_is_sent_within_its_lease_and_six_seconds(
    start_worker: Start, receiver: Journal
) -> None:
    await one_event_for(receiver)
    start_worker("outbox.claimed")
    await eventually(lambda: count("outbox", "status = 'sending'"), within=30)
    claimed = time.monotonic()
    start_worker()
    await eventually(all_delivered, within=90)
    assert time.monotonic() - claimed <= 66
    assert len(receiver.got) == 1


@pytest.mark.fault(5)
async def test_killed_before_the_commit_a_timer_fires_once_and_whole_afterwards(start_worker: Start) -> None:
    await a_request()
    before = await count("journal")
    assert await ended(start_worker("timer.fired")) == -signal.SIGKILL
    await eventually(released)
    assert await count("journal") == before
    assert await count("timer", "status = 'fired'") == 0
    start_worker()
    await eventually(lambda: count("journal", "trigger = 'breach'"))
    assert await count("journal", "trigger = 'breach'") == 1
    assert await verify() == []


async def released() -> bool:
    """The server noticed that the killed worker's transaction is over."""
    rows = await fetch("SELECT FROM ticket FOR UPDATE SKIP LOCKED")
    return len(rows) == await count("ticket")


@pytest.mark.fault(6)
@pytest.mark.parametrize("real_minute", [False, pytest.param(True, marks=long)])
async def test_an_answer_that_comes_after_a_long_sleep_is_fenced(
    start_worker: Start, receiver: Journal, real_minute: bool
) -> None:
    await one_event_for(receiver)
    sleeper = start_worker("outbox.sent:stop")
    await eventually(lambda: count("outbox", "status = 'sending'"))
    await eventually(receiver.got_any)
    await asyncio.sleep(0.5)  # the worker reads the answer and falls asleep over it
    if not real_minute:
        await expire_leases()
    start_worker()
    await eventually(all_delivered, within=90)
    before = await outbox_rows()
    sleeper.send_signal(signal.SIGCONT)
    await asyncio.sleep(1)
    assert await outbox_rows() == before
    assert await count("attempt") == 1
    assert len(receiver.got) == 2


@pytest.mark.fault(18)
async def test_a_poisoned_delivery_dies_after_three_workers_and_takes_no_other_with_it(
    start_worker: Start, stage: Stage, receiver: Journal
) -> None:
    await a_webhook(receiver.url)
    bad, *good = [await a_request() for _number in range(6)]
    await execute("DELETE FROM outbox WHERE channel = 'letter'")
    await execute("UPDATE timer SET status = 'cancelled'")
    poisonous = {"through": "spoiled.py", "more": {"SPOILED_POISON": str(bad.id)}}
    ends = 0
    while await count("outbox", f"ticket = '{bad.id}' AND status IN ('pending', 'sending')"):
        lost = start_worker(**poisonous)

        async def lost_or_done(worker: Process = lost) -> bool:
            return worker.poll() is not None or not await count("outbox", "status IN ('pending', 'sending')")

        await eventually(lost_or_done, within=30)
        ends += lost.poll() == 70
        await expire_leases()
        if ends > 5:
            break
    start_worker(**poisonous)
    await eventually(lambda: fetchval("SELECT count(*) = 0 FROM outbox WHERE status IN ('pending', 'sending')"))
    assert ends == 3
    rows = {row["ticket"]: row["status"] for row in await outbox_rows()}
    assert rows == {bad.id: "dead"} | {ticket.id: "delivered" for ticket in good}
    assert await count("alarm", "kind = 'delivery_poison' AND cleared_at IS NULL") == 1


@pytest.mark.fault(19)
async def test_asked_to_stop_a_worker_finishes_what_is_in_flight_and_claims_no_more(
    start_worker: Start, receiver: Journal
) -> None:
    for seconds in ("2.0", "2.00"):  # two endpoints, ten places each
        await a_webhook(receiver.at(f"slow/{seconds}"))
    for _number in range(15):
        await a_request()
    await execute("DELETE FROM outbox WHERE channel = 'letter'")
    await execute("UPDATE timer SET status = 'cancelled'")
    process = start_worker()

    async def twenty_in_flight() -> bool:
        return len(receiver.arrivals) >= 20

    await eventually(twenty_in_flight, within=30)
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert await ended(process) == 0
    assert time.monotonic() - asked <= 20
    assert await count("outbox", "status = 'sending'") == 0
    assert len(receiver.arrivals) == await count("outbox", "status = 'delivered'") == 20
    assert await count("outbox", "status = 'pending' AND attempt = 0") == 10
