"""Workers killed at the worst moments: nothing is lost, nothing happens twice but a delivery, and that with its id."""

import asyncio
import signal
import subprocess

import pytest

from service.database import execute, fetch
from service.verify import verify
from tests.desk import a_request, a_webhook, count, eventually, outbox_rows
from tests.faults.conftest import Journal, Start

pytestmark = pytest.mark.usefixtures("regulation")


async def ended(process: "subprocess.Popen[bytes]", within: float = 20.0) -> int:
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


async def test_killed_between_the_answer_and_its_record_the_event_comes_again_with_the_same_id(
    start_worker: Start, receiver: Journal
) -> None:
    await one_event_for(receiver)
    kills = 2
    for _kill in range(kills):
        killed = start_worker("outbox.sent")
        assert await ended(killed) == -signal.SIGKILL
        assert [row["status"] for row in await outbox_rows()] == ["sending"]
        await expire_leases()
    start_worker()
    await eventually(all_delivered)
    assert len(receiver.got) == kills + 1
    assert len(set(receiver.got)) == 1  # the same id, the same bytes
    [row] = await outbox_rows()
    assert receiver.got[0] == (row["event_id"], bytes(row["body"]))
    assert (row["attempt"], row["crash_count"]) == (1, kills)


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


async def test_an_answer_that_comes_after_a_long_sleep_is_fenced(start_worker: Start, receiver: Journal) -> None:
    await one_event_for(receiver)
    sleeper = start_worker("outbox.sent:stop")
    await eventually(lambda: count("outbox", "status = 'sending'"))
    await eventually(receiver.got_any)
    await asyncio.sleep(0.5)  # the worker reads the answer and falls asleep over it
    await expire_leases()
    start_worker()
    await eventually(all_delivered)
    before = await outbox_rows()
    sleeper.send_signal(signal.SIGCONT)
    await asyncio.sleep(1)
    assert await outbox_rows() == before
    assert await count("attempt") == 1
    assert len(receiver.got) == 2


async def test_asked_to_stop_a_worker_ends_cleanly_and_leaves_nothing_claimed(
    start_worker: Start, receiver: Journal
) -> None:
    await a_webhook(receiver.url)
    for _number in range(20):
        await a_request()
    process = start_worker()
    await eventually(lambda: count("outbox", "status <> 'pending'"))
    process.send_signal(signal.SIGTERM)
    assert await ended(process) == 0
    assert await count("outbox", "status = 'sending'") == 0
