"""The local mailbox: a real SMTP server that keeps every letter as a file, for houses without one of their own."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog
from aiosmtpd.smtp import Envelope, Session

from notifications.smtp_session import OpenDoor, SmtpSession, open_door
from service.mailbox import keep

SIZE_LIMIT = 50 * 1024 * 1024  # bytes

log = structlog.get_logger(__name__)


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
