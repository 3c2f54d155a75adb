"""Mail comes in by SMTP or LMTP, and is taken only once it is stored."""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Protocol

import structlog
from aiosmtpd.smtp import Envelope, Session

from notifications.smtp_session import OpenDoor, SmtpSession, open_door, plain_address

SIZE_LIMIT = 50 * 1024 * 1024  # bytes; what is too big for a ticket is for the intake to say, not for the wire
MOST_RECIPIENTS = 100

log = structlog.get_logger(__name__)


class Ingest(Protocol):
    """Stores the raw mail and the transport's facts for good, or raises."""

    async def __call__(
        self, raw: bytes, *, envelope_from: str, recipients: list[str], peer: str, received_at: datetime
    ) -> None: ...


class Listener:
    """The open port; close it with `aclose`, which waits for mails that are just being stored."""

    def __init__(self, door: OpenDoor, reception: "Reception") -> None:
        self._door = door
        self._reception = reception

    @property
    def port(self) -> int:
        return self._door.port

    async def aclose(self) -> None:
        await self._door.aclose()
        await self._reception.finish()


async def listen(
    ingest: Ingest,
    *,
    host: str,
    port: int,
    now: Callable[[], datetime],
    addresses: Collection[str] = (),
    size_limit: int = SIZE_LIMIT,
    hostname: str | None = None,
) -> Listener:
    """Take mail on `host:port` in the current event loop; 250 is said only after `ingest` returned.

    `addresses` names who gets mail here (`name@domain`, which covers `name+anything@domain`, or `@domain` for all of
    it); empty means everybody. A client that leaves early does not stop a storing that has begun.
    """
    reception = Reception(ingest, now=now, addresses=addresses)
    door = await open_door(reception, host=host, port=port, size_limit=size_limit, hostname=hostname)
    return Listener(door, reception)


class Reception:
    """What the listener answers to recipients and to mail."""

    def __init__(self, ingest: Ingest, *, now: Callable[[], datetime], addresses: Collection[str]) -> None:
        self._ingest = ingest
        self._now = now
        self._addresses = frozenset(address.strip().casefold() for address in addresses)
        self._storing: set[asyncio.Task[bool]] = set()

    async def handle_RCPT(
        self, server: SmtpSession, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if server.lmtp and envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time, please"  # LMTP wants an answer for each; the sender comes again
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        if not self.takes(plain_address(address)):
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SmtpSession, session: Session, envelope: Envelope) -> str:
        # A task of its own, and shielded: a connection that breaks now must not cut the transaction in half.
        storing = asyncio.create_task(self._store(session, envelope))
        self._storing.add(storing)
        storing.add_done_callback(self._storing.discard)
        stored = await asyncio.shield(storing)
        return "250 2.6.0 OK, stored" if stored else "451 4.3.0 Not stored, please try again later"

    def takes(self, address: str) -> bool:
        """Whether mail for the address is taken here."""
        if not self._addresses:
            return True
        local, _, domain = address.casefold().rpartition("@")
        mailbox = local.partition("+")[0]
        return not self._addresses.isdisjoint((f"{local}@{domain}", f"{mailbox}@{domain}", f"@{domain}"))

    async def finish(self) -> None:
        """Wait for what is being stored."""
        if self._storing:
            await asyncio.wait(self._storing)

    async def _store(self, session: Session, envelope: Envelope) -> bool:
        assert isinstance(envelope.original_content, bytes)
        peer = _peer(session)
        try:
            await self._ingest(
                envelope.original_content,
                envelope_from=plain_address(envelope.mail_from),
                recipients=[plain_address(address) for address in envelope.rcpt_tos],
                peer=peer,
                received_at=self._now(),
            )
        except Exception:
            log.exception("mail not stored, its sender will come again", peer=peer)
            return False
        return True


def _peer(session: Session) -> str:
    return str(session.peer[0]) if session.peer else ""
