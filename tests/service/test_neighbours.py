"""Web processes count together: a limit is one limit, however many of them there are."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from service.embedded import EmbeddedRedis
from service.neighbours import Neighbours, talking
from service.rate_limit import RateLimit
from service.throttle import Throttle
from tests.desk import eventually

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


class Process:
    """What one web process counts."""

    def __init__(self) -> None:
        self.limit = RateLimit(per_minute=10)
        self.guesses = Throttle(most=3)


def now() -> datetime:
    return datetime.now(UTC)


def left(limit: RateLimit, key: str = "token:1") -> int:
    """What remains, without spending anything."""
    return limit.per_minute - limit._counts.get(key, 0)


@pytest.fixture
async def together(redis_url: str) -> AsyncIterator[tuple[Process, Process, Process]]:
    """Two processes of one installation, and one of another on the same Redis."""
    async with AsyncExitStack() as stack:
        made = Process(), Process(), Process()
        for process, key in zip(made, (KEY, KEY, OTHER_KEY), strict=True):
            throttles = {"guesses": process.guesses}
            await stack.enter_async_context(talking(redis_url, key=key, limit=process.limit, throttles=throttles))
        client = await stack.enter_async_context(Redis.from_url(redis_url))

        async def all_listen() -> bool:
            channels = await client.pubsub_channels("reglament:neighbours:*")
            counts = await client.pubsub_numsub(*channels)
            return sum(n for _channel, n in counts) >= 3

        await eventually(all_listen)
        yield made


async def test_requests_at_one_process_are_counted_at_the_other(together: tuple[Process, Process, Process]) -> None:
    one, other, stranger = together
    at = now()  # one minute for all of it: the clock's own may end meanwhile
    for _ in range(7):
        one.limit.spend("token:1", at=at)

    async def heard() -> bool:
        return left(other.limit) == 3

    await eventually(heard)
    assert not other.limit.spend("token:1", at=at).exceeded
    assert other.limit.spend("token:2", at=at).remaining == 9
    assert left(stranger.limit) == 10
    await asyncio.sleep(1.2)  # nobody counts twice what was his own
    assert left(one.limit) == 2


async def test_guesses_at_one_process_slow_down_the_guesser_at_the_other(
    together: tuple[Process, Process, Process],
) -> None:
    one, other, stranger = together
    for _ in range(3):
        one.guesses.failed("1.2.3.4 olga@desk.example.org", at=now())

    async def slowed() -> bool:
        return other.guesses.wait("1.2.3.4 olga@desk.example.org", at=now()) > timedelta()

    await eventually(slowed)
    assert not stranger.guesses.wait("1.2.3.4 olga@desk.example.org", at=now())
    one.guesses.succeeded("1.2.3.4 olga@desk.example.org")

    async def forgiven() -> bool:
        return not await slowed()

    await eventually(forgiven)


async def test_who_listens_at_redis_learns_nothing_and_is_not_believed(
    redis_url: str, together: tuple[Process, Process, Process]
) -> None:
    one, other, _stranger = together
    async with Redis.from_url(redis_url) as client:
        channel = Neighbours(redis_url, key=KEY, limit=one.limit, throttles={})._channel
        talk = client.pubsub()
        await talk.subscribe(channel)
        one.guesses.failed("1.2.3.4 olga@desk.example.org", at=now())
        said = None
        while said is None:
            message = await talk.get_message(ignore_subscribe_messages=True, timeout=5.0)
            said = message and message["data"]
        assert b"olga" not in said
        assert b"1.2.3.4" not in said
        for forged in (b"", b"v1:" + bytes(64), said[:-1] + bytes([said[-1] ^ 1])):
            await client.publish(channel, forged)
        await talk.aclose()
    one.limit.spend("token:1", at=now())

    async def still_hears() -> bool:
        return left(other.limit) == 9

    await eventually(still_hears)
    assert not other.guesses.wait("1.2.3.4 olga@desk.example.org", at=now())  # one failure, counted once


async def test_without_redis_each_counts_for_itself_and_together_again_afterwards() -> None:
    folder = Path(tempfile.mkdtemp(prefix="rgl-n-", dir="/tmp"))
    server = EmbeddedRedis(folder)
    one, other = Process(), Process()
    try:
        async with AsyncExitStack() as stack:
            for process in (one, other):
                await stack.enter_async_context(
                    talking(server.url, key=KEY, limit=process.limit, throttles={"guesses": process.guesses})
                )
            for _ in range(3):
                one.guesses.failed("a", at=now())
            await asyncio.sleep(1.2)
            assert one.guesses.wait("a", at=now())
            assert not other.guesses.wait("a", at=now())
            server.start()

            async def together_again() -> bool:
                one.limit.spend("token:1", at=now())
                await asyncio.sleep(0.2)
                return left(other.limit) < 10

            await eventually(together_again, within=20)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_neighbour_whose_clock_is_a_little_ahead_wipes_no_counts() -> None:
    limit = RateLimit(per_minute=10)
    at = datetime(2026, 5, 4, 7, 0, 59, tzinfo=UTC)
    limit.spend("a", at=at)
    limit.hear(int(at.timestamp()) // 60 + 1, {"a": 4})
    assert limit.spend("a", at=at).remaining == 5
    assert limit.spend("a", at=at + timedelta(seconds=2)).remaining == 4
    assert limit.spend("a", at=at - timedelta(hours=1)).remaining == 9  # a clock set back begins anew
