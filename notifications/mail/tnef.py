"""`winmail.dat` is opened: the files Outlook packed into it."""

from __future__ import annotations

import logging
import warnings

import tnefparse

from service.charsets import decode

_MOST_BYTES = 40 * 1024 * 1024

# The library warns on every attribute it does not know; the sender decides how many those are.
logging.getLogger("tnefparse").setLevel(logging.CRITICAL)


def opened(data: bytes, *, most: int) -> list[tuple[str, bytes]] | None:
    """Name and content of at most `most` files; `None` when the container cannot be read."""
    if len(data) > _MOST_BYTES or most <= 0:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            container = tnefparse.TNEF(data, do_checksum=False)
            return [(_name(found), bytes(found.data or b"")) for found in container.attachments[:most]]
    except Exception:  # the library has no error of its own: damaged input raises whatever breaks first
        return None


def _name(attachment: object) -> str:
    for candidate in ("long_filename", "name"):
        found = getattr(attachment, candidate)
        found = found() if callable(found) else found
        if isinstance(found, bytes):
            found = decode(found.rstrip(b"\0")).text
        if found:
            return str(found).rstrip("\0")
    return ""
