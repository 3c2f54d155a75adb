"""Redis emptied, killed, back again with what it held long ago: nothing is lost and nobody notices but the clock."""

import asyncio
import os
import shutil
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from service import bell
from service.database import execute, fetchval
from service.embedded import EmbeddedRedis
from service.verify import verify
from tests.desk import MONDAY, a_colleague, a_request, a_webhook, completed, count, eventually
from tests.faults.conftest import Journal, Start, long
from tests.faults.stage import at_work, set_clock

pytestmark = [pytest.mark.usefixtures("regulation"), pytest.mark.fault(4)]


async def all_delivered() -> bool:
    return await count("outbox", "status <> 'delivered'") == 0


async def flush(redis: EmbeddedRedis) -> None:
    client = bell.redis_client(redis.url)
    await client.flushall()
    await client.aclose(close_connection_pool=True)


def kill(redis: EmbeddedRedis) -> None:
    assert redis.pid is not None
    os.kill(redis.pid, signal.SIGKILL)


async def test_flushed_killed_and_back_again_redis_costs_no_timer_no_letter_and_no_event(
    start_worker: Start, receiver: Journal, ringing: EmbeddedRedis
) -> None:
    await a_webhook(receiver.url)
    await a_colleague("boss@example.org", "supervisor")
    process = start_worker(redis=ringing.url)
    await completed()
    await eventually(lambda: count("journal", "trigger = 'expire'"), within=30)

    # Work is written, its rings are flushed away.
    late = await a_request()
    await flush(ringing)
    await eventually(lambda: count("journal", f"trigger = 'breach' AND ticket = '{late.id}'"))

    # Redis dies: verbs and worker go on.
    kill(ringing)
    orphan = await a_request(email="other@example.com")
    await eventually(lambda: count("journal", f"trigger = 'breach' AND ticket = '{orphan.id}'"))
    await execute("UPDATE outbox SET next_at = $1 WHERE status = 'pending'", MONDAY)  # quiet hours or not
    await eventually(all_delivered)
    assert process.poll() is None

    # Redis is back, and the bell is heard again.
    ringing.stop()
    ringing.start()
    await asyncio.sleep(0.2)
    await a_request(email="third@example.com")
    await eventually(lambda: count("outbox", "recipients ? 'third@example.com' AND status = 'delivered'"))
    assert process.poll() is None
    assert receiver.duplicates() == receiver.order_errors() == 0
    assert await verify() == []


@long
@pytest.mark.parametrize(("timers", "away"), [(1000, 600.0)])
async def test_without_redis_for_ten_minutes_every_timer_fires_within_two_seconds(
    start_worker: Start, receiver: Journal, ringing: EmbeddedRedis, home: Path, timers: int, away: float
) -> None:
    """Timers due all the while, the oldest dump put back at the end, and the verbs at work beside them."""
    await a_webhook(receiver.url)
    for number in range(timers):
        await a_request(MONDAY + timedelta(seconds=away * number / timers), email="" if number % 5 else "x@example.com")
    first = await fetchval("SELECT min(due_at) FROM timer WHERE kind = 'registration:due'")
    await execute("UPDATE timer SET status = 'cancelled' WHERE kind <> 'registration:due'")
    clock = home / "moved"
    set_clock(clock, first - timedelta(seconds=20))
    worker = start_worker(redis=ringing.url, more={"REGLAMENT_CLOCK_FILE": str(clock)})
    await eventually(at_work, within=30)
    old_dump = home / "old-dump"
    shutil.copytree(ringing.folder / "appendonlydir", old_dump)
    await flush(ringing)
    await asyncio.sleep(20)
    kill(ringing)
    for _minute in range(10):
        await asyncio.sleep(away / 10)
        await a_request(first, email="")  # the verbs do not notice
    ringing.stop()
    shutil.rmtree(ringing.folder / "appendonlydir")
    shutil.copytree(old_dump, ringing.folder / "appendonlydir")
    ringing.start()
    due = f"kind = 'registration:due' AND due_at <= '{first + timedelta(seconds=away)}'"

    async def all_fired() -> bool:
        return not await count("timer", f"status = 'armed' AND {due}")

    async def all_told() -> bool:
        return not await count("outbox", "channel = 'webhook' AND status <> 'delivered'")

    await eventually(all_fired, within=60)
    assert await count("timer", f"status = 'fired' AND {due} AND ended_at > due_at + interval '2 seconds'") == 0
    await eventually(all_told, within=60)
    assert worker.poll() is None
    assert receiver.duplicates() == receiver.order_errors() == 0
    assert len(receiver.arrivals) == await count("event")
