"""`reglament mail ingest`: a mail on standard input into the running system, for pipes of mail servers."""

from __future__ import annotations

import asyncio
import os
import sys

import asyncpg
import click

from service import bell, clock, logs
from service.claims import attach
from service.database import DB, close_pool, start_pool
from service.settings import Settings

TRY_LATER = 75  # EX_TEMPFAIL: the mail server keeps the mail and comes again


class _Away(Exception):
    """Nothing runs that could take the mail."""


@click.command("ingest")
@click.option("--from", "envelope_from", default="", help="Envelope sender, as the mail server tells it.")
@click.option("--to", "recipients", multiple=True, help="Envelope recipient; may repeat.")
def ingest(envelope_from: str, recipients: tuple[str, ...]) -> None:
    """Read one raw mail from standard input and store it.

    Exits with 0 when the mail is stored for good, with 75 when it is not: then the mail server shall try again later.
    """
    raw = sys.stdin.buffer.read()
    try:
        asyncio.run(_store(raw, envelope_from, recipients))
    except (_Away, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, RuntimeError) as away:
        click.echo(f"Not stored, please try again later: {away}", err=True)
        sys.exit(TRY_LATER)


async def _store(raw: bytes, envelope_from: str, recipients: tuple[str, ...]) -> None:
    from notifications.mail.ingest import ingest as store

    settings = Settings.from_environment(os.environ)
    logs.set_up(form=settings.log_format, level=settings.log_level)
    clock.configure(settings.clock_file)
    redis_url = _point_at_servers(settings)
    await start_pool()
    if redis_url:
        bell.hang(bell.RedisBell(redis_url))
    try:
        await store(raw, envelope_from=envelope_from, recipients=recipients, source="pipe", at=clock.now())
    finally:
        await bell.take_down()
        await close_pool()


def _point_at_servers(settings: Settings) -> str:
    """Configure the database; the address of Redis, '' where only the sweep will find the mail."""
    running = None
    if not (settings.database_url and settings.redis_url):
        running = attach(settings.home, database=not settings.database_url, redis=not settings.redis_url)
    database_url = settings.database_url or (running.database_url if running else "")
    if not database_url:
        raise _Away(f"nothing runs in {settings.home}")
    DB.configure(database_url, pool_size=1, prepared_statements=settings.prepared_statements)
    return settings.redis_url or (running.redis_url if running else "")
