"""Files of tickets: kept once under the hash of their content, in a folder that no web server serves."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from workflow.errors import NotFound

SHA256 = re.compile(r"[0-9a-f]{64}")
MOST_AT_ONCE = 20  # files that come with one request or one move


class Shelf:
    """Where the files lie; furnished once, at the composition root."""

    def __init__(self) -> None:
        self.furnish(Path(".reglament"))

    def furnish(self, home: Path) -> None:
        """Use the folder `files` in this home; beside it lie the letters of the local mailbox."""
        self.folder = home / "files"
        self.mailbox = home / "mailbox"

    def place(self, sha256: str) -> Path:
        """Where a file lies, or would lie. Raises NotFound for what is no hash: nobody walks through the disk."""
        if not SHA256.fullmatch(sha256):
            raise NotFound()
        return self.folder / sha256[:2] / sha256


SHELF = Shelf()


def keep(data: bytes) -> str:
    """Keep the bytes for good and give their SHA-256; the same content is kept once.

    When this returns the file survives a power cut. Raises OSError when the disk does not take it. It blocks for the
    disk: call it from a thread.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    place = SHELF.place(sha256)
    if place.exists() and place.stat().st_size == len(data):
        os.utime(place)  # wanted again: it counts as fresh
        return sha256
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=place.parent, prefix="new-")  # readable by its owner only
    try:
        with os.fdopen(handle, "wb") as made:
            made.write(data)
            made.flush()
            os.fsync(made.fileno())
        os.replace(name, place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _remember(place.parent)
    return sha256


def plain_name(name: str) -> str:
    """The name of a file without folders and without signs that no screen shows."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable()).strip()[:300] or "file"


def open_file(sha256: str) -> BinaryIO:
    """The file with this hash, open for reading. Raises NotFound."""
    try:
        return SHELF.place(sha256).open("rb")
    except FileNotFoundError:
        raise NotFound() from None


def older_than(moment: datetime) -> Iterator[Path]:
    """The files that nobody has brought since."""
    for place in SHELF.folder.glob("??/*"):
        if SHA256.fullmatch(place.name) and place.stat().st_mtime < moment.timestamp():
            yield place


def _remember(folder: Path) -> None:
    """A renamed file is safe only once its folder is written too."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def disposition(how: str, filename: str) -> str:
    """RFC 6266: a plain name for old programs, the real one for the others."""
    plain = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\/' else "_" for sign in filename)
    return f"{how}; filename=\"{plain or 'file'}\"; filename*=UTF-8''{quote(filename, safe='')}"
