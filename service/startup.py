"""What every process of the system does first: read the settings, find the database, hang the bell."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from service import bell, clock, failpoints, logs
from service.claims import EmbeddedError
from service.database import DB, close_pool, start_pool
from service.embedded import attach
from service.files import SHELF
from service.house import HOUSE
from service.settings import Settings

DEMO_CLOCK = "clock"  # in the home; made by the demo


NOTHING = (
    "Nothing runs in {home}. Start it with `reglament up`, or name the servers in REGLAMENT_DATABASE_URL and "
    "REGLAMENT_REDIS_URL."
)


class NothingRuns(EmbeddedError):
    """The home has no running servers and the settings name none; the message says what to do."""


def read_settings(*, founds: bool = False) -> Settings:
    """The settings of this process, with everything that follows from them set up. Raises SettingsError, NothingRuns.

    `founds`: this command may be the first in its home, and makes its secret. Any other one finds a home, or a
    database that the settings name, or says that nothing runs there: a mistyped REGLAMENT_HOME becomes no folder.
    """
    settings = Settings.from_environment(os.environ)
    if not (founds or settings.database_url or (settings.home / "secret").exists()):
        raise NothingRuns(NOTHING.format(home=settings.home))
    logs.set_up(form=settings.log_format, level=settings.log_level)
    clock.configure(settings.clock_file or _demo_clock(settings))
    furnish(settings)
    return settings


def furnish(settings: Settings) -> None:
    """Tell the parts that need them what this installation is called and where its files lie."""
    HOUSE.furnish(settings)
    SHELF.furnish(settings.home)
    failpoints.arm(settings.failpoints, production=settings.production)


def _demo_clock(settings: Settings) -> Path | None:
    """The clock of a demo home, so that every command beside it lives in the same time."""
    demo_clock = settings.home / DEMO_CLOCK
    return demo_clock if settings.env == "development" and demo_clock.exists() else None


def point_at_database(settings: Settings, *, redis: bool = True) -> str:
    """Configure the database of this process; the address of Redis, where it is asked for. Raises NothingRuns."""
    database_url, redis_url = settings.database_url or "", settings.redis_url or ""
    if not database_url or (redis and not redis_url):
        running = attach(settings.home, database=not database_url, redis=redis and not redis_url)
        if running is None:
            raise NothingRuns(NOTHING.format(home=settings.home))
        database_url, redis_url = database_url or running.database_url, redis_url or running.redis_url
    DB.configure(database_url, pool_size=settings.pool_size, prepared_statements=settings.prepared_statements)
    return redis_url


@asynccontextmanager
async def connected(settings: Settings, *, rings: bool = True) -> AsyncIterator[str]:
    """The pool open and the bell hung as long as the block lasts; gives the address of Redis. Raises NothingRuns."""
    redis_url = point_at_database(settings, redis=rings)
    await start_pool()
    bell.hang(bell.RedisBell(redis_url) if rings else bell.SilentBell())
    try:
        yield redis_url
    finally:
        await bell.take_down()
        await close_pool()
