"""Redis emptied, killed, back again: it holds no information, so nothing is lost and nobody notices but the clock."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import bell
from service.database import execute
from service.embedded import EmbeddedRedis
from service.verify import verify
from tests.desk import MONDAY, a_colleague, a_request, a_webhook, completed, count, eventually
from tests.faults.conftest import Journal, Start

pytestmark = pytest.mark.usefixtures("regulation")


@pytest.fixture
def mortal_redis() -> Iterator[EmbeddedRedis]:
    """A Redis of this test alone, which it may kill."""
    home = Path(tempfile.mkdtemp(prefix="rgl-redis-", dir="/tmp"))
    server = EmbeddedRedis(home)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(home, ignore_errors=True)


async def all_delivered() -> bool:
    return await count("outbox", "status <> 'delivered'") == 0


async def test_flushed_killed_and_back_again_redis_costs_no_timer_no_letter_and_no_event(
    start_worker: Start, receiver: Journal, mortal_redis: EmbeddedRedis
) -> None:
    await a_webhook(receiver.url)
    await a_colleague("boss@example.org", "supervisor")
    ringer = bell.RedisBell(mortal_redis.url)
    bell.hang(ringer)
    try:
        process = start_worker(redis=mortal_redis.url)
        await completed()
        await eventually(lambda: count("journal", "trigger = 'expire'"))

        # Work is written, its rings are flushed away.
        late = await a_request()
        client = bell.redis_client(mortal_redis.url)
        await client.flushall()
        await client.aclose(close_connection_pool=True)
        await eventually(lambda: count("journal", f"trigger = 'breach' AND ticket = '{late.id}'"))

        # Redis dies: verbs and worker go on.
        assert mortal_redis.pid is not None
        os.kill(mortal_redis.pid, signal.SIGKILL)
        orphan = await a_request(email="other@example.com")
        await eventually(lambda: count("journal", f"trigger = 'breach' AND ticket = '{orphan.id}'"))
        await execute("UPDATE outbox SET next_at = $1 WHERE status = 'pending'", MONDAY)  # quiet hours or not
        await eventually(all_delivered)
        assert process.poll() is None

        # Redis is back, and the bell is heard again.
        mortal_redis.stop()
        mortal_redis.start()
        await asyncio.sleep(0.2)
        await a_request(email="third@example.com")
        await eventually(lambda: count("outbox", "recipients ? 'third@example.com' AND status = 'delivered'"))
        assert process.poll() is None
    finally:
        bell.hang(bell.SilentBell())
        await ringer.close()
    ids = [id for id, _body in receiver.got]
    assert len(ids) == len(set(ids))
    assert await verify() == []
