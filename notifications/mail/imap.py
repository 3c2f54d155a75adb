"""Mail fetched from a mailbox: stored first, then moved aside; nothing is marked as seen, nothing is deleted."""

from __future__ import annotations

import asyncio
import imaplib
import re
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from urllib.parse import unquote, urlsplit

import asyncpg
import msgspec
import structlog
from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxUnencrypted

from notifications.listener import SIZE_LIMIT
from notifications.mail.ingest import ingest
from service import alarms
from service.database import DB, passing
from workflow.words import _

log = structlog.get_logger(__name__)

TAKEN, TOO_BIG = "Reglament taken", "Reglament too big"  # our own folders, beside the one we read
LOCK = zlib.crc32(b"reglament imap")
TIMEOUT = 30.0  # seconds for one answer of the server
IDLE = 20.0  # seconds of waiting for the server's word between two looks
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0  # seconds after a failure
AT_ONCE = 50  # mails of one look

SIZE = re.compile(rb"UID (\d+).*RFC822\.SIZE (\d+)|RFC822\.SIZE (\d+).*UID (\d+)")
FAILURES = (OSError, EOFError, ImapToolsError, imaplib.IMAP4.error)


class Place(msgspec.Struct, frozen=True):
    """A mailbox: where it is, who reads it, and which folder."""

    host: str
    port: int
    user: str
    password: str
    folder: str
    encrypted: bool


def place_of(url: str) -> Place:
    """The mailbox of `imaps://user:password@host/INBOX`."""
    parts = urlsplit(url)
    encrypted = parts.scheme == "imaps"
    return Place(
        host=parts.hostname or "",
        port=parts.port or (993 if encrypted else 143),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        folder=unquote(parts.path.strip("/")) or "INBOX",
        encrypted=encrypted,
    )


async def fetch_mail(url: str, *, now: Callable[[], datetime], stop: asyncio.Event) -> None:
    """Fetch until told to stop; one process at a time, the others stand by. A failure costs a pause, never the loop."""
    place, pause = place_of(url), FIRST_PAUSE
    while not stop.is_set():
        try:
            async with _alone() as alone:
                if alone:
                    await _fetch_on(place, now=now, stop=stop)
            pause = FIRST_PAUSE
        except (*FAILURES, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if isinstance(error, asyncpg.PostgresError) and not passing(error):
                log.exception("mailbox not read", host=place.host)
            else:
                log.warning("mailbox not read", host=place.host, error=repr(error), again_in=pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


@asynccontextmanager
async def _alone() -> AsyncIterator[bool]:
    """Whether we are the one process that fetches, as long as the block lasts."""
    if DB.pool is None:
        raise RuntimeError("start_pool() comes before the first mail")
    async with DB.pool.acquire() as session:
        held: bool = await session.fetchval("SELECT pg_try_advisory_lock($1)", LOCK)
        try:
            yield held
        finally:
            if held:
                await session.execute("SELECT pg_advisory_unlock($1)", LOCK)


async def _fetch_on(place: Place, *, now: Callable[[], datetime], stop: asyncio.Event) -> None:
    box = await asyncio.to_thread(_open, place)
    try:
        while not stop.is_set():
            if await take_new(box, place, at=now()) == 0:
                await asyncio.to_thread(_wait, box)
    finally:
        await asyncio.to_thread(_leave, box)


async def take_new(box: BaseMailBox, place: Place, *, at: datetime) -> int:
    """Store what lies in the folder and move it aside; how many mails there were.

    A mail that was stored and not yet moved when we stopped is found again, and stored once.
    """
    validity, found = await asyncio.to_thread(_look, box, place.folder)
    for uid, size in found:
        if size > SIZE_LIMIT:
            sentence = _("A mail in the mailbox is too big to be taken: {size} bytes. It lies in “{folder}”.")
            params = {"size": str(size), "folder": TOO_BIG}
            await alarms.sound("mail_too_big", f"{validity} {uid}", sentence, params, at=at)
            await asyncio.to_thread(_move, box, uid, TOO_BIG)
            continue
        raw = await asyncio.to_thread(_raw, box, uid)
        if raw is None:  # somebody took it away meanwhile
            continue
        source = f"imap {place.user}@{place.host} {place.folder} {validity} {uid}"
        await ingest(raw, envelope_from="", recipients=[], source=source, at=at)
        await asyncio.to_thread(_move, box, uid, TAKEN)
    return len(found)


# --- one connection, in a thread ------------------------------------------------------------------------------------


def _open(place: Place) -> BaseMailBox:
    kind = MailBox if place.encrypted else MailBoxUnencrypted
    box = kind(place.host, place.port, timeout=TIMEOUT)
    box.login(place.user, place.password, initial_folder=None)
    for folder in (TAKEN, TOO_BIG):
        if not box.folder.exists(folder):
            box.folder.create(folder)
    box.folder.set(place.folder)
    return box


def _look(box: BaseMailBox, folder: str) -> tuple[int, list[tuple[str, int]]]:
    """UIDVALIDITY, and the first mails with their sizes, the oldest first."""
    box.client.noop()  # hear of what came since
    validity = box.folder.status(folder, ["UIDVALIDITY"])["UIDVALIDITY"]
    uids = box.uids("ALL", charset=None)[:AT_ONCE]
    if not uids:
        return validity, []
    _status, told = box.client.uid("FETCH", ",".join(uids), "(UID RFC822.SIZE)")
    sizes: dict[str, int] = {}
    for line in told:
        if isinstance(line, bytes) and (match := SIZE.search(line)):
            uid, size = (match[1], match[2]) if match[1] else (match[4], match[3])
            sizes[uid.decode()] = int(size)
    return validity, [(uid, sizes.get(uid, 0)) for uid in uids]


def _raw(box: BaseMailBox, uid: str) -> bytes | None:
    """The mail byte for byte; PEEK leaves it unseen."""
    _status, told = box.client.uid("FETCH", uid, "(BODY.PEEK[])")
    return next((bytes(part[1]) for part in told if isinstance(part, tuple)), None)


def _move(box: BaseMailBox, uid: str, folder: str) -> None:
    if "MOVE" in box.client.capabilities:
        box.client.uid("MOVE", uid, f'"{folder}"')
    else:
        box.move(uid, folder)


def _wait(box: BaseMailBox) -> None:
    """Until something happens in the folder, or a while has passed."""
    if "IDLE" in box.client.capabilities:
        box.idle.wait(timeout=IDLE)
    else:
        time.sleep(IDLE)


def _leave(box: BaseMailBox) -> None:
    with suppress(*FAILURES):  # the server may be gone, and the connection with it
        box.logout()
