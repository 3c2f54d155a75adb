"""The bell: after a commit it tells workers through Redis that there is work. A hint, never information.

A lost ring costs a second: the workers look into the database by themselves. So a ring never fails, never waits for
long, and carries nothing but the name of a task.
"""

import asyncio
import json
import time
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

import structlog
from arq.connections import ArqRedis, RedisSettings
from arq.constants import job_key_prefix
from arq.jobs import serialize_job
from prometheus_client import Counter
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

PATIENCE = 0.2  # seconds for one ring
KEPT = 60  # seconds after which a ring that nobody heard is forgotten
SPACING = 0.02  # seconds between two rings of one process: a busy one would ring more than it works
LONGEST_QUEUE = 1000  # rings; with so many unheard one more says nothing new

FAILED = Counter("reglament_rings_failed", "Rings that Redis did not take; the sweep finds their work.", ["task"])


def to_json(value: dict[str, Any]) -> bytes:
    """arq's serialiser. Not pickle: who may write to Redis must not be able to run code here."""
    return json.dumps(value).encode()


def from_json(data: bytes) -> dict[str, Any]:
    """arq's deserialiser; the worker must use the same."""
    value: dict[str, Any] = json.loads(data)
    return value


def redis_settings(url: str) -> RedisSettings:
    """arq's settings for an address: redis, rediss, unix, or `redis+sentinel://host:26379,host:26379/master?db=0`."""
    parts = urlsplit(url)
    if parts.scheme == "redis+sentinel":
        return _sentinel_settings(url)
    settings = RedisSettings.from_dsn(url)
    settings.password = unquote(settings.password) if settings.password else None
    settings.unix_socket_path = unquote(settings.unix_socket_path) if settings.unix_socket_path else None
    return settings


def _sentinel_settings(url: str) -> RedisSettings:
    parts = urlsplit(url)
    credentials, _, places = parts.netloc.rpartition("@")
    hosts = [(host, int(port or 26379)) for host, _, port in (place.partition(":") for place in places.split(","))]
    username, _, password = credentials.partition(":")
    return RedisSettings(
        host=hosts,
        sentinel=True,
        sentinel_master=parts.path.strip("/") or "mymaster",
        username=unquote(username) or None,
        password=unquote(password) or None,
        database=int(parse_qs(parts.query).get("db", ["0"])[0]),
    )


def redis_client(url: str) -> ArqRedis:
    """A client for the same addresses; it connects at its first command, so that this neither waits nor fails."""
    client: ArqRedis
    if urlsplit(url).scheme == "redis+sentinel":
        settings = _sentinel_settings(url)
        account = {"username": settings.username, "password": settings.password, "db": settings.database}
        sentinel = Sentinel(settings.host, **account)  # type: ignore[no-untyped-call]
        client = sentinel.master_for(settings.sentinel_master, redis_class=ArqRedis)
    else:
        client = ArqRedis.from_url(url)
    client.job_serializer, client.job_deserializer = to_json, from_json
    return client


class Bell(Protocol):
    """Something that can be rung."""

    async def ring(self, task: str) -> None:
        """Wake whoever does `task`. Never raises, returns at once."""

    async def close(self) -> None:
        """Send what is still to be sent and let go of the connection."""


class SilentBell:
    """Rings nothing and remembers what it was asked to: for tests, and for commands beside a running system."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    async def ring(self, task: str) -> None:
        self.rung.append(task)

    async def close(self) -> None:
        self.rung.clear()


class RedisBell:
    """Rings through arq's queue; rings that come faster than Redis takes them become one."""

    def __init__(self, url: str) -> None:
        self._redis = redis_client(url)
        self._waiting: dict[str, None] = {}  # an ordered set of the tasks still to ring
        self._sender: asyncio.Task[None] | None = None
        self._closing = False

    async def ring(self, task: str) -> None:
        """Ring soon. Whoever waits already rings for us too: our rows are committed before it does."""
        self._waiting[task] = None
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send_all(), name="bell")

    async def close(self) -> None:
        self._closing = True
        if self._sender is not None:
            await self._sender
        await self._redis.aclose(close_connection_pool=True)

    async def _send_all(self) -> None:
        while self._waiting:
            tasks, self._waiting = self._waiting, {}
            for task in tasks:
                try:
                    async with asyncio.timeout(PATIENCE):
                        await self._send(task)
                except (RedisError, OSError, TimeoutError) as error:  # redis.ConnectionError is no OSError
                    FAILED.labels(task).inc()
                    log.warning("a ring was lost", task=task, error=repr(error))
            if not self._closing:
                await asyncio.sleep(SPACING)

    async def _send(self, task: str) -> None:
        """As arq's `enqueue_job` does, without the watch that a fresh id needs not: given up half-way, it would wait
        for a silent Redis without end or leave its connection open."""
        queue = self._redis.default_queue_name
        if await self._redis.zcard(queue) >= LONGEST_QUEUE:
            return
        id, now = uuid4().hex, time.time_ns() // 1_000_000
        async with self._redis.pipeline(transaction=True) as sent:
            sent.psetex(job_key_prefix + id, KEPT * 1000, serialize_job(task, (), {}, None, now, serializer=to_json))
            sent.zadd(queue, {id: now})
            await sent.execute()


_bell: Bell = SilentBell()


def hang(bell: Bell) -> None:
    """Say which bell this process rings; called by the composition root."""
    global _bell
    _bell = bell


async def ring(task: str) -> None:
    """Wake the workers for `task`, after the commit of what they shall find. Never raises."""
    await _bell.ring(task)


async def take_down() -> None:
    """Let go of this process's bell."""
    await _bell.close()
