"""`reglament dossier`: write the dossier of a ticket, and check one, with or without the system it came from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import click

from service import clock, dossier, queries
from service.actors import Actor
from service.commands import run
from service.dossier import Edition
from service.settings import Settings
from service.startup import connected
from service.words import LANGUAGES, Language
from workflow.definition import Role
from workflow.errors import NotFound

COMMAND = Actor(kind="staff", id="command", name="reglament dossier", role=Role.ADMINISTRATOR)


@click.group("dossier")
def dossier_command() -> None:
    """The dossier of a ticket for a dispute."""


@dossier_command.command("make")
@click.argument("ticket")
@click.option("--edition", default="whole", type=click.Choice(["whole", "customer"]),
              help="`customer` withholds what colleagues told one another.")  # fmt: skip
@click.option("--format", "form", default="json", type=click.Choice(["json", "pdf"]))
@click.option("--language", type=click.Choice(LANGUAGES), help="Of the pages; that of the settings by default.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to; by the ticket's number.")
def make(ticket: str, edition: str, form: str, language: str | None, output: Path | None) -> None:
    """Write the dossier of the ticket with this number or id."""
    from service.dossier_pdf import pdf

    async def work(settings: Settings) -> tuple[str, bytes]:
        async with connected(settings, rings=False):
            at = clock.now()
            id = await queries.known_id(ticket)
            made = await dossier.make(id, edition=cast(Edition, edition), by=COMMAND, at=at)
            file = dossier.written(made)
            if form == "pdf":
                file = await pdf(made, file, language=cast(Language, language or settings.language))
            await dossier.note_made(made, file, form=form, by=COMMAND, at=at)
            return dossier.filename(made, suffix=form), file

    try:
        name, file = run(work)
    except NotFound as missing:
        raise click.ClickException(str(missing)) from missing
    place = output or Path(name)
    place.write_bytes(file)
    click.echo(f"{place}: {len(file)} bytes.")


@dossier_command.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", help="The public key that must have sealed it, as the centre publishes it.")
@click.option("--earlier", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="An earlier dossier of the same ticket: its journal must be how this one begins.")  # fmt: skip
def verify(file: Path, key: str | None, earlier: Path | None) -> None:
    """Check a dossier, JSON or PDF, by nothing but the file. Exit 1 and a sentence for each fault."""
    from service.dossier_check import NotADossier, check

    try:
        report = check(file.read_bytes(), key=key, earlier=earlier.read_bytes() if earlier else None)
    except NotADossier as wrong:
        raise click.ClickException(str(wrong)) from wrong
    if report.faults:
        for fault in report.faults:
            click.echo(fault)
        sys.exit(1)
    made = report.dossier
    erased = sum(message.erased for message in made.messages)
    withheld = sum(message.withheld for message in made.messages)
    click.echo(
        f"Ticket {made.ticket.number or made.ticket.id} as of {made.made_at:%Y-%m-%d %H:%M:%S} UTC: the seal and the "
        f"chain of {len(made.journal)} entries hold, and every text is the one that was hashed "
        f"({len(made.messages)} messages, {erased} erased on request, {withheld} withheld)."
    )
    click.echo(f"Sealed by {made.centre.address} with {report.key}")
    if key is None:
        click.echo("Compare this key with the one the centre publishes on the page of its regulation, or give --key.")


@dossier_command.command("key")
def key() -> None:
    """The public key of this installation, alone."""
    from service.seals import public_key
    from service.startup import read_settings

    read_settings()
    click.echo(public_key())
