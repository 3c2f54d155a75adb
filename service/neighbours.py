"""Web processes tell each other through Redis what they count, so that a limit is one limit however many there are.

Nobody waits for it: each decides by what it has counted and heard. Twice a second it tells the others what is new,
sealed with the installation's key, because keys of counts name people and places. Redis keeps nothing of it; without
Redis each process counts for itself, as one alone does.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
import structlog
from redis.exceptions import RedisError

from service.bell import PATIENCE, redis_client
from service.rate_limit import RateLimit
from service.throttle import Throttle
from service.vault import SealBroken, open_, seal

log = structlog.get_logger(__name__)

EVERY = 0.5  # seconds between two messages of one process
OLDEST = 60.0  # seconds: what was said longer ago is not listened to
PAUSE = 1.0  # seconds before Redis is tried again
AWAY = (RedisError, OSError, TimeoutError)  # redis.ConnectionError is no OSError


class Said(msgspec.Struct, frozen=True):
    """What one process has counted since it spoke last."""

    by: str
    at: float
    window: int
    spent: dict[str, int]
    failed: list[tuple[str, str, datetime]]
    succeeded: list[tuple[str, str]]


class Neighbours:
    """One process among the others: what it counts is told, what they counted is counted here too."""

    def __init__(self, url: str, *, key: bytes, limit: RateLimit, throttles: Mapping[str, Throttle]) -> None:
        self._url = url
        self._key = key
        self._limit = limit
        self._throttles = throttles
        self._me = uuid4().hex
        # Two installations may share one Redis: each hears only its own.
        self._channel = f"reglament:neighbours:{hmac.digest(key, b'channel', 'sha256').hex()[:16]}"
        self._away = False

    async def speak(self) -> None:
        """Tell the others, again and again, until cancelled."""
        redis = redis_client(self._url)
        try:
            while True:
                await asyncio.sleep(EVERY)
                if (said := self._news()) is None:
                    continue
                try:
                    async with asyncio.timeout(PATIENCE):
                        await redis.publish(self._channel, self._sealed(said))
                except AWAY as error:
                    self._note(away=error)
        finally:
            await redis.aclose(close_connection_pool=True)

    async def listen(self) -> None:
        """Hear the others until cancelled; where Redis goes away, come back when it does."""
        while True:
            with suppress(*AWAY):
                async for sealed in self._heard():
                    self._take(sealed)
            await asyncio.sleep(PAUSE)

    async def _heard(self) -> AsyncIterator[bytes]:
        redis = redis_client(self._url)
        talk = redis.pubsub()
        try:
            await talk.subscribe(self._channel)
            self._note(away=None)
            while True:
                message: dict[str, Any] | None = await talk.get_message(ignore_subscribe_messages=True, timeout=5.0)
                if message is not None:
                    yield message["data"]
        finally:
            with suppress(*AWAY):
                await talk.aclose()  # type: ignore[no-untyped-call]
                await redis.aclose(close_connection_pool=True)

    def _news(self) -> Said | None:
        window, spent = self._limit.take_news()
        failed, succeeded = [], []
        for name, throttle in self._throttles.items():
            fell, rose = throttle.take_news()
            failed += [(name, key, at) for key, at in fell]
            succeeded += [(name, key) for key in rose]
        if not (spent or failed or succeeded):
            return None
        return Said(self._me, time.time(), window, spent, failed, succeeded)

    def _sealed(self, said: Said) -> bytes:
        return seal(self._key, msgspec.json.encode(said).decode(), bound_to=self._channel)

    def _take(self, sealed: bytes) -> None:
        """Count what another process counted; what is not ours, or old, is nothing to us."""
        try:
            said = msgspec.json.decode(open_(self._key, sealed, bound_to=self._channel), type=Said)
        except (SealBroken, msgspec.DecodeError):
            log.warning("a message of no neighbour", channel=self._channel)
            return
        if said.by == self._me or abs(time.time() - said.at) > OLDEST:
            return
        self._limit.hear(said.window, said.spent)
        for name, key, at in said.failed:
            if name in self._throttles:
                self._throttles[name].hear_failed(key, at=at)
        for name, key in said.succeeded:
            if name in self._throttles:
                self._throttles[name].hear_succeeded(key)

    def _note(self, *, away: Exception | None) -> None:
        """One line when Redis goes and one when it is back, not one each time."""
        if away is not None and not self._away:
            log.warning("limits are counted by each web process alone: Redis is away", error=repr(away))
        elif away is None and self._away:
            log.info("limits are counted together again")
        self._away = away is not None


@asynccontextmanager
async def talking(
    url: str, *, key: bytes, limit: RateLimit, throttles: Mapping[str, Throttle]
) -> AsyncIterator[Neighbours]:
    """As long as the block lasts, this process counts together with the others."""
    one = Neighbours(url, key=key, limit=limit, throttles=throttles)
    tasks = [asyncio.create_task(one.speak()), asyncio.create_task(one.listen())]
    try:
        yield one
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
