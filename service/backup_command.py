"""`reglament backup` and `reglament restore`: everything the system knows in one file, and back again."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from service import clock
from service.backup import BackupError, back_up
from service.backup import restore as put_back
from service.startup import read_settings


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write database, files and secret into one archive; the system may go on working."""
    try:
        made = back_up(read_settings(), file, at=clock.now() - clock.offset())
    except BackupError as wrong:
        raise click.ClickException(str(wrong)) from wrong
    click.echo(f"{file}: the database, {made.files} files and the secret. Keep it where only you can read it.")


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace what is there.")
def restore(file: Path, force: bool) -> None:
    """Put an archive into an empty home or database, and replay every journal. Exit 1 if one differs."""
    settings = read_settings(founds=True)
    try:
        manifest, differences = asyncio.run(put_back(settings, file, force=force))
    except BackupError as wrong:
        raise click.ClickException(str(wrong)) from wrong
    for difference in differences:
        click.echo(difference)
    if differences:
        sys.exit(1)
    click.echo(f"Restored as of {manifest.made_at:%Y-%m-%d %H:%M} UTC. Every journal says what its ticket shows.")
