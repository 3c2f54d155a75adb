"""The parts of the system as commands, each attached to the running home or to the servers of the settings."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import click
import uvloop

from service import clock, tracing
from service.leaving import LEAVING
from service.settings import Settings
from service.startup import NothingRuns, connected, point_at_database, read_settings
from workflow.definition import Role
from workflow.errors import Refusal, WrongFields

T = TypeVar("T")
ROLES = [role.value for role in (Role.OPERATOR, Role.SUPERVISOR, Role.PROCESS_OWNER, Role.ADMINISTRATOR)]


def run(work: Callable[[Settings], Coroutine[Any, Any, T]], *, founds: bool = False) -> T:
    """Carry out `work` with settings read; a home where nothing runs is a sentence, not a traceback."""
    try:
        return uvloop.run(work(read_settings(founds=founds)))
    except NothingRuns as nothing:
        raise click.ClickException(str(nothing)) from nothing


async def until_told_to_stop(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `work` with an event that SIGTERM and Ctrl-C set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for told in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(told, stop.set)
    await work(stop)


@click.command("web")
def web() -> None:
    """Serve the pages and the API."""
    import uvicorn

    from service.app import create_app

    settings = read_settings(founds=True)
    try:
        point_at_database(settings)
    except NothingRuns as nothing:
        raise click.ClickException(str(nothing)) from nothing

    class Server(uvicorn.Server):
        """Tells open event streams to end, which would hold up the end of the process."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            LEAVING.begin()
            super().handle_exit(sig, frame)

    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        proxy_headers=False,
    )
    server = Server(config)
    server.run()
    if not server.started:
        raise SystemExit(3)


@click.command("worker")
def worker() -> None:
    """Fire timers, send letters and webhooks, read mail."""
    from notifications.worker import run_worker

    async def work(settings: Settings) -> None:
        with tracing.collecting(settings, part="worker"):
            async with connected(settings) as redis_url:
                await until_told_to_stop(lambda stop: run_worker(settings, redis_url=redis_url, stop=stop))

    run(work, founds=True)


@click.command("migrate")
def migrate() -> None:
    """Bring the database up to date and publish the default regulation where there is none."""
    from service.database import migrate as bring_up_to_date
    from service.regulations import publish_default

    async def work(settings: Settings) -> None:
        point_at_database(settings)
        done = await bring_up_to_date()
        async with connected(settings, rings=False):
            published = await publish_default(at=clock.now())
        click.echo(
            f"{len(done)} migrations carried out." + (" The default regulation is in force." if published else "")
        )

    run(work, founds=True)


@click.group("user")
def user() -> None:
    """People of the centre."""


@user.command("add")
@click.argument("email")
@click.option("--name", required=True, help="Name as letters and the journal show it.")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--language", default="ru", type=click.Choice(["ru", "en"]))
def add_user(email: str, name: str, role: str, language: str) -> None:
    """Make an account; its generated password is all that is printed."""
    from service.accounts import add_user as add

    async def work(settings: Settings) -> str:
        async with connected(settings, rings=False):
            return await add(email, name=name, role=Role(role), language=language, at=clock.now())

    _say(work)


@click.group("token")
def token() -> None:
    """Keys of programs."""


@token.command("add")
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--scope", "scopes", multiple=True, help="Limit the token to these scopes; all of its role by default.")
def add_token(name: str, role: str, scopes: tuple[str, ...]) -> None:
    """Make a token; it alone is printed, now and never again."""
    from service.tokens import add_token as add

    async def work(settings: Settings) -> str:
        async with connected(settings, rings=False):
            return await add(name, role=Role(role), scopes=scopes, at=clock.now())

    _say(work)


def _say(work: Callable[[Settings], Coroutine[Any, Any, str]]) -> None:
    """Print what was made and nothing else, or say what was wrong with what was asked for."""
    try:
        click.echo(run(work))
    except WrongFields as wrong:
        raise click.ClickException(
            "\n".join(f"{error.field}: {error.sentence.format(**error.params)}" for error in wrong.errors)
        ) from wrong
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal


class _Mail(click.Group):
    """`parse` reads one mail and needs nothing; the other two need the system."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["listen", "ingest", "parse"]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name == "parse":
            from notifications.mail.command import parse

            return parse
        if name == "ingest":
            from notifications.mail.ingest_command import ingest

            return ingest
        return listen if name == "listen" else None


@click.group("mail", cls=_Mail)
def mail() -> None:
    """Listen for mail, take one in, read one."""


@click.command("listen")
def listen() -> None:
    """Take mail by SMTP or LMTP; one such process is enough."""
    from notifications.listener import listen as open_listener
    from notifications.mail.ingest import ingest

    async def take(raw: bytes, *, envelope_from: str, recipients: Any, peer: str, received_at: Any) -> None:
        await ingest(
            raw, envelope_from=envelope_from, recipients=tuple(recipients), source=f"smtp {peer}", at=received_at
        )

    async def work(settings: Settings) -> None:
        async with connected(settings):
            listener = await open_listener(
                take, host=settings.smtp_host, port=settings.smtp_port, now=clock.now, addresses=settings.mail_addresses
            )
            try:
                await until_told_to_stop(_wait)
            finally:
                await listener.aclose()

    run(work, founds=True)


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


@click.command("verify")
def verify() -> None:
    """Replay every journal: state, seq, deadlines, hash chain. Exit 1 and the differences if there are any."""
    from service.verify import verify as replay

    async def work(settings: Settings) -> list[str]:
        async with connected(settings, rings=False):
            return [str(difference) for difference in await replay()]

    differences = run(work)
    for difference in differences:
        click.echo(difference)
    if differences:
        sys.exit(1)
    click.echo("Every journal says what its ticket shows.")


@click.command("process")
@click.option("--format", "form", default="markdown", type=click.Choice(["markdown", "mermaid"]))
@click.option("--check", "checked", type=click.Path(exists=True, path_type=Path), help="Fail if this file differs.")
def process(form: str, checked: Path | None) -> None:
    """The process as a Markdown table or a Mermaid picture, from the table the machine obeys."""
    from workflow.diagram import markdown, mermaid

    if checked is None:
        click.echo(markdown() if form == "markdown" else mermaid())
        return
    text = checked.read_text("utf-8")
    missing = [name for name, made in (("table", markdown()), ("picture", mermaid())) if made.strip() not in text]
    if missing:
        raise click.ClickException(f"{checked} does not show the {' and the '.join(missing)} of the process as it is.")
    click.echo(f"{checked} shows the process as it is.")


@click.group("regulation")
def regulation() -> None:
    """Export, import or check the regulation."""


@regulation.command("export")
@click.option("--version", type=int, help="A published version; the one in force by default.")
@click.option("--default", "shipped", is_flag=True, help="The one that ships with the product; needs no database.")
def export(version: int | None, shipped: bool) -> None:
    """The document as JSON on stdout."""
    from workflow.regulation import default_regulation, dump

    if shipped:
        click.echo(dump(default_regulation()).decode())
        return
    from service.regulations import document

    async def work(settings: Settings) -> bytes:
        async with connected(settings, rings=False):
            return dump(await document(version, at=clock.now()))

    click.echo(run(work).decode())


@regulation.command("check")
@click.argument("file", type=click.File("rb"))
def check(file: Any) -> None:
    """Check a document: exit 1 and a sentence for each problem."""
    from workflow.regulation import NotADocument, read

    try:
        _tell_obstacles(read(file.read()))
    except NotADocument as wrong:
        raise click.ClickException(str(wrong)) from wrong


@regulation.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--author", default="reglament regulation import", help="Who publishes, as history shows it.")
@click.option("--note", default="", help="Why, as history shows it.")
def import_(file: Any, author: str, note: str) -> None:
    """Publish a document as the next version, in force at once."""
    from service.actors import Actor
    from service.regulations import newest, publish
    from workflow.regulation import NotADocument, read

    async def work(settings: Settings) -> int:
        async with connected(settings, rings=False):
            based_on, _newest = await newest()
            by = Actor(kind="staff", id="", name=author, role=Role.ADMINISTRATOR)
            return await publish(document, based_on=based_on, by=by, at=clock.now(), note=note)

    try:
        document = read(file.read())
        _tell_obstacles(document)
        click.echo(f"Version {run(work)} is published.")
    except (NotADocument, Refusal) as wrong:
        raise click.ClickException(str(wrong)) from wrong


@regulation.command("simulate")
@click.argument("file", type=click.File("rb"))
@click.option("--months", default=3, type=click.IntRange(0, 36), help="How far to look back, this month included.")
@click.option("--limit", default=20, type=click.IntRange(0, 1000), help="How many tickets to list for each choice.")
def simulate(file: Any, months: int, limit: int) -> None:
    """What a document would do to open tickets, and would have made of the last months; nothing is changed."""
    from service.simulation import simulate as try_out
    from service.simulation_command import told
    from workflow.calendar import zone_named
    from workflow.regulation import NotADocument, read

    async def work(settings: Settings) -> None:
        async with connected(settings, rings=False):
            tried = await try_out(document, at=clock.now(), months=months, limit=limit)
        for line in told(tried, zone=zone_named(document.calendar.zone)):
            click.echo(line)

    try:
        document = read(file.read())
        run(work)
    except (NotADocument, Refusal) as wrong:
        raise click.ClickException(str(wrong)) from wrong


def _tell_obstacles(document: Any) -> None:
    from service.regulations import obstacles

    found = obstacles(document)
    for problem in found:
        click.echo(f"{problem.place}: {problem.sentence.format(**problem.params)}", err=True)
    if found:
        sys.exit(1)
    click.echo("The document can be published.", err=True)
