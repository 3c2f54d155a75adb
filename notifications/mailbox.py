"""The local mailbox: a real SMTP server that keeps every letter as a file, for houses without one of their own."""

import asyncio
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from pathlib import Path

import structlog
from aiosmtpd.smtp import Envelope, Session

from notifications.smtp_session import OpenDoor, SmtpSession, open_door

SIZE_LIMIT = 50 * 1024 * 1024  # bytes
TIME_IN_NAME = "%Y%m%dT%H%M%S.%fZ"
NAME = re.compile(r"(?P<time>\d{8}T\d{6}\.\d{6}Z)-[0-9a-f]{12}\.eml")
HEADER_BYTES = 64 * 1024  # read for the list
NEWEST = 200  # letters in a list

log = structlog.get_logger(__name__)


class NoSuchLetter(LookupError):
    """The mailbox keeps no letter of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLetter:
    name: str
    at: datetime  # UTC
    sender: str
    to: str
    subject: str


def letters(folder: Path, *, limit: int = NEWEST) -> list[KeptLetter]:
    """The newest letters first; an empty list while there is no mailbox yet."""
    if not folder.is_dir():
        return []
    # The name begins with the time, so that sorting needs no look inside.
    names = sorted((entry.name for entry in os.scandir(folder) if NAME.fullmatch(entry.name)), reverse=True)
    return [_kept(folder, name) for name in names[:limit]]


def read(folder: Path, name: str) -> bytes:
    """The letter's raw bytes; raises `NoSuchLetter`, also for anything that is not a letter's name."""
    if not NAME.fullmatch(name):
        raise NoSuchLetter(name)
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError as error:
        raise NoSuchLetter(name) from error


def keep(folder: Path, raw: bytes, *, at: datetime) -> str:
    """Keep a letter, whole and on the disk, or not at all; returns its name."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{at.astimezone(UTC).strftime(TIME_IN_NAME)}-{secrets.token_hex(6)}.eml"
    unfinished = folder / f".{name}.tmp"
    try:
        with unfinished.open("xb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(folder / name)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(folder)
    return name


async def open_mailbox(
    folder: Path, *, now: Callable[[], datetime], host: str = "127.0.0.1", port: int = 0, size_limit: int = SIZE_LIMIT
) -> OpenDoor:
    """Serve SMTP on `host:port` in the current event loop; 250 is said when the letter is on the disk."""
    return await open_door(Letterbox(folder, now=now), host=host, port=port, size_limit=size_limit)


class Letterbox:
    """What the mailbox answers to a letter."""

    def __init__(self, folder: Path, *, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now

    async def handle_DATA(self, server: SmtpSession, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.original_content, bytes)
        try:
            name = await asyncio.to_thread(keep, self._folder, envelope.original_content, at=self._now())
        except OSError:
            log.exception("letter not kept", folder=str(self._folder))
            return "451 4.3.0 Not kept, please try again later"
        return f"250 2.6.0 OK, kept as {name}"


def _kept(folder: Path, name: str) -> KeptLetter:
    with (folder / name).open("rb") as file:
        headers = BytesHeaderParser().parsebytes(file.read(HEADER_BYTES))
    return KeptLetter(
        name=name,
        at=datetime.strptime(name.partition("-")[0], TIME_IN_NAME).replace(tzinfo=UTC),
        sender=_readable(headers["From"]),
        to=_readable(headers["To"]),
        subject=_readable(headers["Subject"]),
    )


def _readable(value: object) -> str:
    """A header as a person reads it; a malformed one as it stands."""
    text = str(value or "")
    with suppress(HeaderParseError, LookupError, ValueError):
        text = str(make_header(decode_header(text)))
    return " ".join(text.split())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
