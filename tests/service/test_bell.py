"""A ring is a hint: it wakes a worker when Redis is there, and costs nothing when it is not."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from arq.worker import Worker, func
from redis.asyncio import Redis

from service import bell


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator["Redis"]:
    client = Redis.from_url(redis_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.mark.filterwarnings("ignore:Call to deprecated close:DeprecationWarning")  # arq closes its client the old way
async def test_a_ring_runs_the_task_of_its_name_without_arguments(redis: "Redis", redis_url: str) -> None:
    ran: list[tuple[object, ...]] = []

    async def fire_timers(context: object, *given: object) -> None:
        ran.append(given)

    rung = bell.RedisBell(redis_url)
    await rung.ring("fire_timers")
    await rung.close()
    worker = Worker(
        functions=[func(fire_timers, name="fire_timers", keep_result=0)],
        redis_settings=bell.redis_settings(redis_url),
        job_serializer=bell.to_json,
        job_deserializer=bell.from_json,
        burst=True,
        poll_delay=0.01,
        handle_signals=False,
        keep_result=0,
    )
    await worker.async_run()
    await worker.close()
    assert ran == [()]
    assert [key for key in await redis.keys("arq:*") if not key.startswith(b"arq:queue:health")] == []


async def test_nothing_in_redis_is_a_pickle(redis: "Redis", redis_url: str) -> None:
    rung = bell.RedisBell(redis_url)
    await rung.ring("send_letters")
    await rung.close()
    (job,) = await redis.keys("arq:job:*")
    assert (await redis.get(job)).startswith(b'{"')
    assert 0 < await redis.ttl(job) <= bell.KEPT


async def test_many_rings_at_once_become_few(redis: "Redis", redis_url: str) -> None:
    rung = bell.RedisBell(redis_url)
    for _ in range(500):
        await rung.ring("send_webhooks")
    await rung.close()
    assert 1 <= await redis.zcard("arq:queue") <= 5


async def test_a_queue_nobody_empties_does_not_grow_without_end(
    redis: "Redis", redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "LONGEST_QUEUE", 3)
    rung = bell.RedisBell(redis_url)
    for _ in range(10):
        await rung.ring("send_webhooks")
        await asyncio.sleep(0.01)
    await rung.close()
    assert await redis.zcard("arq:queue") == 3


async def test_without_redis_a_ring_is_counted_and_logged_and_never_raises(
    short_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = bell.FAILED.labels("fire_timers")._value.get()
    rung = bell.RedisBell(f"unix://{short_home}/nobody.sock")
    await rung.ring("fire_timers")
    await rung.close()
    assert bell.FAILED.labels("fire_timers")._value.get() == before + 1
    assert "a ring was lost" in "".join(capsys.readouterr())


async def test_a_silent_redis_is_given_up_after_a_fifth_of_a_second(short_home: Path) -> None:
    place = short_home / "silent.sock"
    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_unix_server(lambda _, writer: writers.append(writer), path=place)
    rung = bell.RedisBell(f"unix://{place}")
    begun = time.monotonic()
    await rung.ring("fire_timers")
    assert time.monotonic() - begun < 0.05  # the caller does not wait at all
    await rung.close()
    assert time.monotonic() - begun < 1
    for writer in writers:
        writer.close()
    server.close()
    await server.wait_closed()


async def test_a_redis_that_falls_silent_half_way_is_given_up_too(short_home: Path) -> None:
    place, writers = short_home / "tired.sock", []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        told = b""
        while b"ZCARD" not in told:
            told += await reader.read(1000)
            writer.write(b"+OK\r\n" * told.count(b"SETINFO") + b":0\r\n" * (b"ZCARD" in told))
            told = told.replace(b"SETINFO", b"")
        while told := await reader.read(1000):
            writer.write(b"+OK\r\n" * told.count(b"\r\nWATCH"))

    server = await asyncio.start_unix_server(answer, path=place)
    rung = bell.RedisBell(f"unix://{place}")
    await rung.ring("fire_timers")
    async with asyncio.timeout(2):
        await rung.close()
    for writer in writers:
        writer.close()
    server.close()
    await server.wait_closed()


async def test_the_process_rings_the_bell_that_was_hung() -> None:
    silent = bell.SilentBell()
    bell.hang(silent)
    await bell.ring("ingest_mail")
    assert silent.rung == ["ingest_mail"]
    bell.hang(bell.SilentBell())


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache.example.org:6380/2", {"host": "cache.example.org", "port": 6380, "database": 2}),
        ("rediss://:p%40ss@cache.example.org", {"ssl": True, "password": "p@ss", "port": 6379}),
        ("unix:///run/valkey.sock", {"unix_socket_path": "/run/valkey.sock"}),
        (
            "redis+sentinel://user:pw@one.example.org:26379,two.example.org/desk?db=3",
            {
                "host": [("one.example.org", 26379), ("two.example.org", 26379)],
                "sentinel": True,
                "sentinel_master": "desk",
                "username": "user",
                "password": "pw",
                "database": 3,
            },
        ),
    ],
)
def test_every_kind_of_address_is_understood(url: str, expected: dict[str, object]) -> None:
    settings = bell.redis_settings(url)
    assert {name: getattr(settings, name) for name in expected} == expected
