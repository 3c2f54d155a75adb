"""`reglament mail ingest`: a mail on standard input into the running system, for pipes of mail servers."""

from __future__ import annotations

import asyncio
import sys

import asyncpg
import click

from notifications.mail.ingest import ingest as store
from service import clock
from service.settings import SettingsError
from service.startup import NothingRuns, connected, read_settings

TRY_LATER = 75  # EX_TEMPFAIL: the mail server keeps the mail and comes again
AWAY = (NothingRuns, SettingsError, OSError, RuntimeError, asyncpg.PostgresError, asyncpg.InterfaceError)


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
    except AWAY as away:
        click.echo(f"Not stored, please try again later: {away}", err=True)
        sys.exit(TRY_LATER)


async def _store(raw: bytes, envelope_from: str, recipients: tuple[str, ...]) -> None:
    async with connected(read_settings()):
        await store(raw, envelope_from=envelope_from, recipients=recipients, source="pipe", at=clock.now())
