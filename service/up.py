"""`reglament up`: the whole system in one terminal; servers first, then the parts, and back down in order."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from service import launched
from service.claims import EmbeddedError
from service.embedded import EmbeddedPostgres, EmbeddedRedis, EmbeddedServer
from service.migrated import up_to_date
from service.settings import Settings

PARTS = ("web", "worker", "mail listen")
PATIENCE = 30.0  # seconds a part may take to end
STARTS_WITHIN = 600.0  # seconds: a part that dies is noticed at once, a busy machine only takes longer
TOO_OFTEN = 5  # ends within a minute after which a part is given up
SIGN_INS = "demo-sign-ins.json"


class GaveUp(click.ClickException):
    """A part does not start or does not stay up."""


@click.command("up")
@click.option("--no-demo", is_flag=True, help="Leave an empty database empty.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the web server.")
def up(no_demo: bool, port: int | None) -> None:
    """Start everything in this terminal; Ctrl-C stops it."""
    environ = dict(os.environ) | ({"REGLAMENT_PORT": str(port)} if port else {})
    settings = Settings.from_environment(environ)
    _demand_free_ports(settings)
    stop = threading.Event()
    for told in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(told, lambda _number, _frame: stop.set())
    with _servers(settings) as servers:
        if not _up_to_date(servers):
            _once("migrate", environ)
        if not no_demo and settings.env == "development" and not _filled(settings):
            _once("demo", environ)
        with _parts() as parts:
            # The pages first: what starts beside them would keep them waiting.
            for names, place in (
                (PARTS[:1], (settings.host, settings.port)),
                (PARTS[1:], (settings.smtp_host, settings.smtp_port)),
            ):
                parts.extend(Part(name, environ) for name in names if not stop.is_set())
                _wait_for(place, parts, stop)
            if not stop.is_set():
                _say_where(settings)
            _watch([*servers, *parts], stop)
            click.echo("\nStopping…")
    click.echo("Stopped. The data stay in " + str(settings.home))


@contextmanager
def _servers(settings: Settings) -> Iterator[list[Server]]:
    """The embedded servers, as far as the settings name no others."""
    wanted: list[EmbeddedServer] = []
    if not settings.database_url:
        wanted.append(EmbeddedPostgres(settings.home))
    if not settings.redis_url:
        wanted.append(EmbeddedRedis(settings.home))
    with ExitStack() as running:
        yield [Server(running.enter_context(one)) for one in wanted]


def _demand_free_ports(settings: Settings) -> None:
    """Raises GaveUp naming the port somebody else listens on, before anything starts."""
    for host, port, setting in (
        (settings.host, settings.port, "REGLAMENT_PORT"),
        (settings.smtp_host, settings.smtp_port, "REGLAMENT_SMTP_PORT"),
    ):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as taken:
                raise GaveUp(f"{host}:{port} cannot be used ({taken.strerror}); choose another {setting}.") from taken


def _one_more(name: str, ends: list[float]) -> list[float]:
    """The ends of the last minute, this one among them, after a pause that grows. Raises GaveUp for too many."""
    now = time.monotonic()
    ends = [end for end in ends if end > now - 60] + [now]
    if len(ends) >= TOO_OFTEN:
        raise GaveUp(f"{name} ended {TOO_OFTEN} times within a minute; its last words are above.")
    time.sleep(0.2 * 2 ** len(ends))
    return ends


class Server:
    """One embedded server, started again when it ends by itself: the parts find it at the same address."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.server = server
        self.ends: list[float] = []

    def keep_up(self) -> None:
        """Start the server again if it ended. Raises GaveUp when it keeps ending."""
        if self.server.runs:
            return
        click.echo(f"{self.server.name} ended by itself; it starts again.", err=True)
        self.ends = _one_more(self.server.name, self.ends)
        try:
            self.server.restart()
        except EmbeddedError as error:  # it may still be clearing up: the next look tries again
            click.echo(str(error), err=True)


class Part:
    """One process of the system, started again when it ends by itself."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self.name = name
        self.environ = environ
        self.ends: list[float] = []
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        program = [sys.executable, "-m", "service.cli", *self.name.split()]
        starter = [sys.executable, launched.__file__, str(int(signal.SIGTERM)), str(os.getpid())]
        # A group of its own: Ctrl-C reaches us alone, and we end the parts in order.
        return subprocess.Popen(
            [*starter, str(os.geteuid()), str(os.getegid()), *program], env=dict(self.environ), start_new_session=True
        )

    def keep_up(self) -> None:
        """Start the process again if it ended. Raises GaveUp when it keeps ending."""
        if self.process.poll() is None:
            return
        click.echo(f"`reglament {self.name}` ended with {self.process.returncode}; it starts again.", err=True)
        self.ends = _one_more(f"`reglament {self.name}`", self.ends)
        self.process = self._start()

    def end(self) -> None:
        """Ask the process to end, and insist after a while."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            click.echo(f"`reglament {self.name}` did not end in time and was killed.", err=True)
            self.process.kill()
            self.process.wait()


@contextmanager
def _parts() -> Iterator[list[Part]]:
    """For the parts that run: on the way out all are told to end, and each has its time to do so."""
    parts: list[Part] = []
    try:
        yield parts
    finally:
        for part in parts:
            if part.process.poll() is None:
                part.process.terminate()
        for part in reversed(parts):
            part.end()


def _up_to_date(servers: Sequence[Server]) -> bool:
    """Whether our own database has all that this release brings; others are left to the command itself."""
    ours = [one.server for one in servers if isinstance(one.server, EmbeddedPostgres)]
    return bool(ours) and asyncio.run(up_to_date(ours[0].dsn))


def _filled(settings: Settings) -> bool:
    """Whether this home and its own database were filled before: then nobody waits for another look."""
    return not settings.database_url and (settings.home / SIGN_INS).exists()


def _once(command: str, environ: Mapping[str, str]) -> None:
    done = subprocess.run([sys.executable, "-m", "service.cli", command], env=dict(environ), check=False)
    if done.returncode != 0:
        raise GaveUp(f"`reglament {command}` failed; its words are above.")


def _wait_for(place: tuple[str, int], parts: Sequence[Part], stop: threading.Event) -> None:
    """Until somebody answers there. Raises GaveUp."""
    end = time.monotonic() + STARTS_WITHIN
    while not stop.is_set() and not _answers(*place):
        for part in parts:
            part.keep_up()
        if time.monotonic() > end:
            raise GaveUp("No answer on {}:{}.".format(*place))
        stop.wait(0.05)


def _answers(host: str, port: int) -> bool:
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  asked, not listened on
    try:
        with socket.create_connection((here, port), timeout=1):
            return True
    except OSError:
        return False


def _watch(watched: Sequence[Server | Part], stop: threading.Event) -> None:
    while not stop.wait(0.25):
        for one in watched:
            one.keep_up()


def _say_where(settings: Settings) -> None:
    lines = [
        "",
        f"  Pages          {settings.public_url}/",
        f"  Cabinet        {settings.public_url}/cabinet (customers)",
        f"  API            {settings.public_url}/api/v1/docs",
        f"  Regulation     {settings.public_url}/regulation/public",
        f"  Mail in        {settings.smtp_host}:{settings.smtp_port} (SMTP), for {settings.mail_from}",
    ]
    if not settings.smtp_url:
        lines.append(f"  Letters out    {settings.public_url}/mailbox (kept in {settings.home / 'mailbox'})")
    sign_ins = _sign_ins(settings.home)
    if sign_ins:
        lines += ["", "  Demo sign-ins"]
        lines += [f"    {one['role']:<14} {one['email']:<36} {one['password']}" for one in sign_ins]
    else:
        lines += ["", "  First account  reglament user add you@example.org --name 'Your name' --role administrator"]
    lines += ["", "  Ctrl-C stops everything.", ""]
    click.echo("\n".join(lines))


def _sign_ins(home: Path) -> list[dict[str, str]]:
    try:
        found: list[dict[str, str]] = json.loads((home / SIGN_INS).read_text("utf-8"))
    except FileNotFoundError:
        return []
    return found
