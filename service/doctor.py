"""Looks at everything the system stands on: servers, clocks, mail, calendar, disk, secret, workers, alarms."""

from __future__ import annotations

import asyncio
import imaplib
import os
import shutil
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

import asyncpg
import msgspec
from redis.exceptions import RedisError

from service.bell import redis_client
from service.database import DB, fetch, fetchrow, fetchval, pending_migrations, start_pool
from service.files import SHELF
from service.house import HOUSE
from service.regulations import in_force
from service.settings import Settings
from service.vault import SealBroken, open_
from service.words import translate
from workflow.calendar import zone_named
from workflow.errors import NotFound

PATIENCE = 5.0  # seconds for any server to answer
MOST_SKEW = timedelta(seconds=2)
AUDIT_IS_LATE = timedelta(minutes=3)  # workers audit every minute
LITTLE_ROOM, NO_ROOM = 2 * 1024**3, 300 * 1024**2  # bytes
MOST_NAMED = 5
UNREACHABLE = (OSError, TimeoutError, ssl.SSLError)

Verdict = Literal["well", "beware", "wrong"]


class Finding(msgspec.Struct, frozen=True):
    """What was looked at, how it is, and in words what to do."""

    about: str
    verdict: Verdict
    sentence: str

    def __str__(self) -> str:
        return f"{self.verdict:<6}  {self.about:<10}  {self.sentence}"


async def examine(settings: Settings, *, redis_url: str, at: datetime, real: datetime) -> AsyncIterator[Finding]:
    """Every finding, one after another. `at` is the desk's time, `real` this machine's, without a development shift."""
    yield _home(settings.home)
    yield _secret(settings)
    yield _disk(settings.home)
    yield await _redis(redis_url)
    yield await _smtp(settings)
    yield await _imap(settings)
    yield await _listener(settings)
    try:
        if DB.pool is None:
            await start_pool()
        database = await _database(settings)
        yield database
        yield await _clock(real=real)
        if database.verdict == "wrong":  # the rest reads tables that the waiting migrations make
            return
        yield await _seals()
        yield await _files()
        yield await _calendar(at=at)
        yield await _worker(at=at)
        yield await _audit()
        yield await _alarms()
    except (*UNREACHABLE, asyncpg.PostgresError, asyncpg.InterfaceError, RuntimeError) as error:
        yield Finding("database", "wrong", f"It does not answer: {error}. Check REGLAMENT_DATABASE_URL and the server.")


# --- this machine -----------------------------------------------------------------------------------------------------


def _home(home: Path) -> Finding:
    if not home.is_dir() or not os.access(home, os.W_OK):
        return Finding("home", "wrong", f"{home} is missing or cannot be written; set REGLAMENT_HOME.")
    return Finding("home", "well", f"{home.resolve()} can be written.")


def _secret(settings: Settings) -> Finding:
    if settings.secret:
        return Finding("secret", "well", "It comes from REGLAMENT_SECRET; every process must have the same.")
    place = settings.home / "secret"
    if not place.exists():
        return Finding("secret", "beware", f"{place} is not there yet; the first start makes it.")
    mode = place.stat().st_mode & 0o777
    if mode & 0o077:
        return Finding("secret", "wrong", f"{place} can be read by others ({mode:o}): run `chmod 600 {place}`.")
    return Finding("secret", "well", f"{place} can be read by its owner only.")


def _disk(home: Path) -> Finding:
    free = shutil.disk_usage(home if home.is_dir() else Path("/")).free
    words = f"{free / 1024**3:.1f} GB are free for {home}."
    if free < NO_ROOM:
        return Finding("disk", "wrong", f"Only {words} Files and the embedded database are about to stop.")
    return Finding("disk", "beware" if free < LITTLE_ROOM else "well", words)


# --- servers ----------------------------------------------------------------------------------------------------------


async def _redis(url: str) -> Finding:
    client = redis_client(url)
    try:
        async with asyncio.timeout(PATIENCE):
            await client.ping()
    except (*UNREACHABLE, RedisError) as error:
        sentence = (
            f"It does not answer ({error}). Work goes on by the sweep, a second later; check REGLAMENT_REDIS_URL."
        )
        return Finding("redis", "beware", sentence)
    finally:
        await client.aclose(close_connection_pool=True)
    return Finding("redis", "well", "It answers.")


async def _smtp(settings: Settings) -> Finding:
    if settings.smtp_url is None:
        verdict: Verdict = "wrong" if settings.production else "well"
        return Finding("mail out", verdict, "No REGLAMENT_SMTP_URL: letters stay in the local mailbox.")
    return await _visited("mail out", "REGLAMENT_SMTP_URL", settings.smtp_url, _visit_smtp)


async def _imap(settings: Settings) -> Finding:
    if settings.imap_url is None:
        return Finding("mailbox", "well", "No REGLAMENT_IMAP_URL: mail comes by the listener only.")
    return await _visited("mailbox", "REGLAMENT_IMAP_URL", settings.imap_url, _visit_imap)


async def _visited(about: str, variable: str, url: str, visit: Callable[[SplitResult], str]) -> Finding:
    """Greeted, encrypted and signed in as the settings say; nothing is sent and nothing is read."""
    parts = urlsplit(url)
    place = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    try:
        refused = await asyncio.to_thread(visit, parts)
    except (*UNREACHABLE, smtplib.SMTPException, imaplib.IMAP4.error) as error:
        return Finding(about, "wrong", f"{place} does not answer as a mail server ({error or type(error).__name__}).")
    if refused:
        return Finding(about, "wrong", f"{place} does not let us in: {refused}. Check {variable}.")
    return Finding(about, "well", f"{place} answers" + (" and takes our password." if parts.username else "."))


def _visit_smtp(parts: SplitResult) -> str:
    """Why the server does not let us in; empty when it does."""
    host, trust = parts.hostname or "", ssl.create_default_context()
    if parts.scheme == "smtps":
        session: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=PATIENCE, context=trust)
    else:
        session = smtplib.SMTP(host, parts.port or 25, timeout=PATIENCE)
    with session:
        if parts.scheme == "smtp+starttls":
            session.starttls(context=trust)
        if parts.username:
            try:
                session.login(unquote(parts.username), unquote(parts.password or ""))
            except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError) as refused:
                return str(refused)
        session.noop()
    return ""


def _visit_imap(parts: SplitResult) -> str:
    """Why the server does not let us in; empty when it does."""
    host = parts.hostname or ""
    if parts.scheme == "imaps":
        trust = ssl.create_default_context()
        session: imaplib.IMAP4 = imaplib.IMAP4_SSL(host, parts.port or 993, ssl_context=trust, timeout=PATIENCE)
    else:
        session = imaplib.IMAP4(host, parts.port or 143, timeout=PATIENCE)
    with session:
        if parts.username:
            try:
                session.login(unquote(parts.username), unquote(parts.password or ""))
            except imaplib.IMAP4.error as refused:
                return str(refused)
    return ""


async def _listener(settings: Settings) -> Finding:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.smtp_host, settings.smtp_host)  # noqa: S104  asked only
    found = await _greeted("mail in", host, settings.smtp_port, tls=False, greeting=b"220")
    if found.verdict == "wrong":
        return Finding("mail in", "beware", f"{found.sentence} Here no `reglament mail listen` runs.")
    return found


async def _greeted(about: str, host: str, port: int, *, tls: bool, greeting: bytes) -> Finding:
    """Whether a mail server says hello; nothing is sent, nobody signs in."""
    place = f"{host}:{port}"
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls or None)
            line = await reader.readline()
            writer.close()
            await writer.wait_closed()
    except UNREACHABLE as error:
        return Finding(about, "wrong", f"{place} does not answer ({error or type(error).__name__}).")
    if not line.startswith(greeting):
        return Finding(about, "wrong", f"{place} answers, but not as a mail server: {line[:60]!r}.")
    return Finding(about, "well", f"{place} answers.")


# --- the database and what it tells -----------------------------------------------------------------------------------


async def _database(settings: Settings) -> Finding:
    version = str(await fetchval("SHOW server_version"))
    if due := await pending_migrations():
        return Finding("database", "wrong", f"{len(due)} migrations wait: run `reglament migrate`.")
    used = await fetchval("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
    most = int(await fetchval("SHOW max_connections"))
    words = f"PostgreSQL {version} answers; {used} of {most} connections are used."
    if used + settings.pool_size > most:
        return Finding("database", "beware", f"{words} Lower REGLAMENT_POOL_SIZE or put a pooler before it.")
    return Finding("database", "well", words)


async def _seals() -> Finding:
    """Whether the secret is the one with which the secrets in the database were sealed."""
    row = await fetchrow("SELECT id, secret FROM webhook ORDER BY created_at DESC, id DESC LIMIT 1")
    if row is None:
        return Finding("seals", "well", "Nothing in the database is sealed yet.")
    try:
        open_(HOUSE.vault_key, bytes(row["secret"]), bound_to=f"webhook:{row['id']}")
    except SealBroken:
        sentence = (
            "Secrets in the database were sealed with another secret: give every process the old REGLAMENT_SECRET."
        )
        return Finding("seals", "wrong", sentence)
    return Finding("seals", "well", "The secret opens what it sealed in the database.")


async def _files() -> Finding:
    """Whether the folder of files is the one the other processes keep files in."""
    sha256 = await fetchval("SELECT sha256 FROM attachment WHERE sha256 <> '' ORDER BY at DESC, id DESC LIMIT 1")
    if sha256 is None:
        return Finding("files", "well", "No ticket has files yet.")
    if not SHELF.place(sha256).is_file():
        sentence = f"The newest file of a ticket is not in {SHELF.place(sha256).parent.parent}: share that folder."
        return Finding("files", "wrong", sentence)
    return Finding("files", "well", "The newest file of a ticket is where it belongs.")


async def _clock(*, real: datetime) -> Finding:
    """Against the database's clock: leases and deadlines are judged by both."""
    skew = abs(await fetchval("SELECT clock_timestamp()") - real)
    words = f"This machine and the database differ by {skew.total_seconds():.1f} s."
    return Finding("clock", "wrong" if skew > MOST_SKEW else "well", words)


async def _calendar(*, at: datetime) -> Finding:
    try:
        calendar = (await in_force(at=at)).regulation.calendar
    except NotFound:
        return Finding("calendar", "wrong", "No regulation is in force: run `reglament migrate`.")
    missing = calendar.missing_year(at.astimezone(zone_named(calendar.zone)).date())
    if missing is not None:
        return Finding("calendar", "wrong", f"The year {missing} is missing: add it to the calendar and publish.")
    return Finding("calendar", "well", "Every year that deadlines reach is there.")


async def _worker(*, at: datetime) -> Finding:
    """Workers audit every minute; who has not for a while is gone or stuck."""
    last = await fetchval("SELECT at FROM audit WHERE name = 'run'")
    if last is None:
        return Finding("worker", "wrong", "No worker has ever run: start `reglament worker`.")
    if at - last > AUDIT_IS_LATE:
        return Finding("worker", "wrong", f"None has worked since {last:%Y-%m-%d %H:%M} UTC: start `reglament worker`.")
    return Finding("worker", "well", f"One audited at {last:%Y-%m-%d %H:%M} UTC.")


async def _audit() -> Finding:
    drifting = await fetch("SELECT name, found FROM audit WHERE found > 0 ORDER BY name")
    if drifting:
        words = ", ".join(f"{row['name']} {row['found']}" for row in drifting)
        return Finding("journal", "wrong", f"The standing audit finds differences ({words}): run `reglament verify`.")
    return Finding("journal", "well", "The standing audit finds nothing.")


async def _alarms() -> Finding:
    rows = await fetch("SELECT sentence, params FROM alarm WHERE cleared_at IS NULL ORDER BY at DESC LIMIT $1",
                       MOST_NAMED)  # fmt: skip
    if not rows:
        return Finding("alarms", "well", "None stands.")
    count = (await fetchrow("SELECT count(*) AS n FROM alarm WHERE cleared_at IS NULL"))["n"]
    told = "; ".join(translate("en", row["sentence"], **msgspec.json.decode(row["params"])) for row in rows)
    return Finding("alarms", "beware", f"{count} stand: {told}")
