"""The local mailbox: every letter a file in one folder, named by its time."""

import os
import re
import secrets
from collections.abc import Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path

TIME_IN_NAME = "%Y%m%dT%H%M%S.%fZ"
NAME = re.compile(r"(?P<time>\d{8}T\d{6}\.\d{6}Z)-[0-9a-f]{12}\.eml")
HEADER_BYTES = 64 * 1024  # read for the list
NEWEST = 200  # letters in a list


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


def remove(folder: Path, message_ids: Set[str]) -> int:
    """Remove the letters with these Message-IDs, told without brackets; how many there were."""
    found = [
        name
        for name in (os.listdir(folder) if message_ids and folder.is_dir() else ())
        if NAME.fullmatch(name) and str(_headers(folder, name)["Message-ID"]).strip().strip("<>") in message_ids
    ]
    for name in found:
        (folder / name).unlink(missing_ok=True)
    return len(found)


def _kept(folder: Path, name: str) -> KeptLetter:
    headers = _headers(folder, name)
    return KeptLetter(
        name=name,
        at=datetime.strptime(name.partition("-")[0], TIME_IN_NAME).replace(tzinfo=UTC),
        sender=_readable(headers["From"]),
        to=_readable(headers["To"]),
        subject=_readable(headers["Subject"]),
    )


def _headers(folder: Path, name: str) -> Message:
    with (folder / name).open("rb") as file:
        return BytesHeaderParser().parsebytes(file.read(HEADER_BYTES))


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
