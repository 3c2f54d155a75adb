"""The command `reglament`: every command in one list, each loaded when it is called."""

from __future__ import annotations

import importlib
import socket
import sys
from typing import cast

import click

from service.settings import SettingsError

# name → where its click command stands, and the line that help shows
COMMANDS = {
    "up": ("service.up:up", "Start everything in this terminal."),
    "web": ("service.commands:web", "Serve the pages and the API."),
    "worker": ("service.commands:worker", "Fire timers, send letters and webhooks, read mail."),
    "migrate": ("service.commands:migrate", "Bring the database up to date and publish the default regulation."),
    "demo": ("service.demo:demo", "Fill an empty database with a believable support centre."),
    "user": ("service.commands:user", "People of the centre."),
    "token": ("service.commands:token", "Keys of programs."),
    "deadline": ("service.deadline_command:deadline", "When a promise is due, and why."),
    "mail": ("service.commands:mail", "Listen for mail, take one in, read one."),
    "verify": ("service.commands:verify", "Replay every journal and tell what differs."),
    "dossier": ("service.dossier_command:dossier_command", "The dossier of a ticket for a dispute: make, verify."),
    "backup": ("service.backup_command:backup", "Everything the system knows, in one file."),
    "restore": ("service.backup_command:restore", "Put a backup into an empty place and verify it."),
    "doctor": ("service.doctor_command:doctor", "Look at everything this system stands on, and say what is wrong."),
    "process": ("service.commands:process", "The process as a table or a picture."),
    "regulation": ("service.commands:regulation", "Export, import or check the regulation."),
}


class Lazy(click.Group):
    """A group whose commands are imported when they are asked for: `deadline` starts without the web framework."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _colon, attribute = COMMANDS[name][0].partition(":")
        return cast(click.Command, getattr(importlib.import_module(module), attribute))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_place, line) in COMMANDS.items()])


@click.group(cls=Lazy)
def reglament() -> None:
    """A support desk whose regulation is data in force."""


def main() -> None:
    """The entry point; what is wrong with the settings, the home or the servers is said in a sentence."""
    from service.claims import EmbeddedError

    try:
        reglament(prog_name="reglament")
    except (SettingsError, EmbeddedError) as wrong:
        click.echo(str(wrong), err=True)
        sys.exit(2)
    except Exception as error:
        if not _shuts_us_out(error):
            raise
        click.echo(f"The database or Redis cannot be reached as the settings name them: {error}", err=True)
        sys.exit(1)


def _shuts_us_out(error: Exception) -> bool:
    """Whether a server is not there, or does not take the name, the password or the database of the settings."""
    import asyncpg

    refusals = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
    return isinstance(error, (ConnectionError, TimeoutError, socket.gaierror, *refusals))


if __name__ == "__main__":
    main()
