"""`reglament doctor`: every finding in a line of plain words; exit 1 when something is wrong."""

from __future__ import annotations

import asyncio
import sys

import click

from service import clock
from service.database import close_pool
from service.doctor import Finding, examine
from service.settings import Settings
from service.startup import NothingRuns, point_at_database, read_settings


@click.command("doctor")
def doctor() -> None:
    """Look at everything this system stands on, and say what is wrong. Exit 1 if something is."""
    findings = asyncio.run(_examined(read_settings()))
    if any(finding.verdict == "wrong" for finding in findings):
        sys.exit(1)


async def _examined(settings: Settings) -> list[Finding]:
    try:
        redis_url = point_at_database(settings)
    except NothingRuns as nothing:
        raise click.ClickException(str(nothing)) from nothing
    findings = []
    at = clock.now()
    try:
        async for finding in examine(settings, redis_url=redis_url, at=at, real=at - clock.offset()):
            click.echo(str(finding))
            findings.append(finding)
    finally:
        await close_pool()
    return findings
