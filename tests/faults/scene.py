"""A whole system of its own for soaks and measures: durable servers, workers, a receiver, and nobody else."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from service import bell, logs
from service.database import DB, close_pool, migrate, start_pool
from service.embedded import EmbeddedPostgres, EmbeddedRedis
from service.house import HOUSE
from service.regulations import RULEBOOKS, publish_default
from service.settings import Settings
from tests.desk import MONDAY
from tests.faults.stage import Journal, Stage

AT_ONCE = 8  # what is made at the same time


@dataclass
class Scene:
    """Servers, parts and judge."""

    stage: Stage
    receiver: Journal
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """An empty, durable system with the default regulation and nobody to write letters to."""
    logs.set_up(form="console", level="warning")
    home = Path(tempfile.mkdtemp(prefix="rgl-scene-", dir="/tmp"))
    postgres, redis = EmbeddedPostgres(home), EmbeddedRedis(home)
    with ExitStack() as ending:
        ending.callback(shutil.rmtree, home, ignore_errors=True)
        ending.callback(shutil.rmtree, postgres.folder, ignore_errors=True)
        ending.enter_context(postgres)
        ending.enter_context(redis)
        receiver = Journal(home / "received.log")
        ending.callback(receiver.close)
        stage = Stage(home, postgres.dsn, redis.url, f"127.0.0.1:{receiver.port}")
        ending.callback(stage.clear)
        DB.configure(postgres.dsn, pool_size=AT_ONCE)
        await migrate()
        await start_pool()
        HOUSE.vault_key = Settings(home=home).key("vault")
        RULEBOOKS.forget()
        await publish_default(at=MONDAY)
        bell.hang(bell.RedisBell(redis.url))
        try:
            yield Scene(stage, receiver, postgres, redis)
        finally:
            stage.clear()
            await bell.take_down()
            bell.hang(bell.SilentBell())
            await close_pool()


async def some_at_once(times: int, make: Callable[[int], Awaitable[object]]) -> None:
    left = iter(range(times))

    async def lane() -> None:
        for number in left:
            await make(number)

    await asyncio.gather(*(lane() for _lane in range(AT_ONCE)))
