"""Letters leave by SMTP, and what the mail server says goes back to the ticket."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from notifications import outbox
from notifications.digests import DIGEST, GATHERED, gather
from notifications.outbox import TIMEOUT, Claimed, Ended
from notifications.retry import next_wait
from notifications.smtp import (
    STEP_TIMEOUT,
    Accepted,
    PermanentFailure,
    Result,
    SmtpServer,
    TemporaryFailure,
    send_letter,
)
from service import alarms, failpoints
from service.actors import CLOCK
from service.database import DB, execute, fetchval
from service.enclosures import enclosed
from service.house import HOUSE
from service.tickets import carry_out
from workflow.errors import NotFound, WrongState
from workflow.words import _

log = structlog.get_logger(__name__)

ENDPOINT = "smtp"
MOST_CONNECTIONS = 10  # to the mail server, of all workers together
SLOWEST = 1_000_000  # bytes in a second: a letter with files has as much more time as it takes at this pace,
LONGEST = 45.0  # seconds, and never so long that its lease would end
UNDER_WAY = "SELECT count(*) FROM outbox WHERE channel = 'letter' AND endpoint = $1 AND status = 'sending'"
TO_STAFF = frozenset({*GATHERED, DIGEST})  # notices that concern no customer
# How servers say that it is our own address they mind, whatever the recipient.
OUR_SENDER = re.compile(r"(?i)\bsender\b|\bnot owned\b|envelope.from|mail from|return.path|\b5\.1\.[78]\b")


class Letters:
    """The channel of letters: all of them go to one SMTP server."""

    def __init__(self, server: SmtpServer, *, jitter: Callable[[], float] = random.random) -> None:
        self._server = server
        self._jitter = jitter
        self._server_was_away = False

    async def take(self, places: int) -> list[Claimed]:
        claimed: list[Claimed] = []
        async with DB.transaction(allow_nested=False):
            at = await outbox.claiming("letter")
            await gather(at=at)
            room = min(places, MOST_CONNECTIONS - await fetchval(UNDER_WAY, ENDPOINT))
            if room > 0:
                claimed = await outbox.claim("letter", {ENDPOINT: room}, at=at)
        return claimed

    async def deliver(self, row: Claimed) -> str:
        """Send one letter. What follows on its ticket is done before it is recorded: a crash between repeats both."""
        began = time.monotonic()
        result = await self._send(row)
        ms = round((time.monotonic() - began) * 1000)
        failpoints.reach("outbox.sent")
        at = await outbox.moment()
        ended = self._judge(row, result, ms=ms)
        if ended.status == "delivered":
            await _note_acceptance(row, at=at)
            await self._wake_the_waiting(at)
        elif ended.status == "dead":
            await _note_bounce(row, ended.error, at=at)
        self._server_was_away = isinstance(result, TemporaryFailure) and result.code is None
        mine = await outbox.record([(row, ended)], at=at)
        return ended.status if mine else "fenced"

    async def _send(self, row: Claimed) -> Result:
        """Hand the letter over under its own bounce address.

        Some servers let an account send under its plain address only: then the letter goes under that one.
        """
        own = _bounce_address(row)
        try:
            raw = await _whole(row)
            result = await self._hand_over(row, raw, envelope_from=own)
            if own != HOUSE.mail_from and isinstance(result, PermanentFailure) and OUR_SENDER.search(result.text):
                result = await self._hand_over(row, raw, envelope_from=HOUSE.mail_from)
        except NotFound:
            return PermanentFailure(code=None, text="A file of this letter is no longer in the folder of files.")
        except ValueError as unusable:  # an address that is none
            return PermanentFailure(code=None, text=str(unusable))
        return result

    async def _hand_over(self, row: Claimed, raw: bytes, *, envelope_from: str) -> Result:
        longest = min(TIMEOUT.total_seconds() + (len(raw) - len(row.body)) / SLOWEST, LONGEST)
        return await send_letter(
            raw,
            envelope_from=envelope_from,
            recipients=row.recipients,
            server=self._server,
            step_timeout=max(STEP_TIMEOUT, longest),
            total_timeout=longest,
        )

    def _judge(self, row: Claimed, result: Result, *, ms: int) -> Ended:
        if isinstance(result, Accepted):
            return Ended(status="delivered", http_status=None, ms=ms, head=result.text.encode())
        error = f"{result.code or ''} {result.text}".strip()
        wait = None if isinstance(result, PermanentFailure) else next_wait(row.attempt, random=self._jitter)
        return Ended(status="dead" if wait is None else "pending", wait=wait, error=error, ms=ms)

    async def _wake_the_waiting(self, at: datetime) -> None:
        """The mail server is back: letters that wait for their next try go now."""
        if self._server_was_away:
            await execute(
                "UPDATE outbox SET next_at = $2 WHERE channel = 'letter' AND endpoint = $1 AND status = 'pending' "
                "AND attempt > 0 AND next_at > $2",
                ENDPOINT,
                at,
            )


async def _whole(row: Claimed) -> bytes:
    """The letter with its files. Raises NotFound when one of them is gone."""
    if not row.files:
        return row.body
    boundary = f"=_files_{row.event_id.replace('-', '')}"
    return await asyncio.to_thread(enclosed, row.body, row.files, boundary=boundary)


def _bounce_address(row: Claimed) -> str:
    """The address the letter's failure comes back to; the plain one where no letter stands behind the delivery."""
    try:
        return HOUSE.bounce_address(UUID(row.event_id))
    except ValueError:
        return HOUSE.mail_from


async def _note_acceptance(row: Claimed, *, at: datetime) -> None:
    """The mail server took the registration letter: from then on the request counts as accepted (7.10)."""
    if row.type != "registered" or row.ticket is None:
        return
    if await fetchval("SELECT accepted_at IS NULL FROM ticket WHERE id = $1", row.ticket):
        await _tell_ticket(row, "accept", {"letter": row.event_id}, at=at)


async def _note_bounce(row: Claimed, why: str, *, at: datetime) -> None:
    """Nobody will take this letter: the ticket shows it, and a completion that did not arrive closes nothing."""
    await execute("UPDATE letter SET bounced = $2 WHERE id::text = $1", row.event_id, why[:2000] or "undeliverable")
    await alarms.sound(
        "letter_dead", row.event_id, _("A letter could not be delivered: {why}"), {"why": why[:300]}, at=at
    )
    if row.ticket is None or row.type in TO_STAFF:
        return
    completion = await fetchval(
        "SELECT max(seq) = $2 FROM journal WHERE ticket = $1 AND trigger = 'complete'", row.ticket, row.seq
    )
    details = {"letter": row.event_id, "kind": row.type, "completion": bool(completion)}
    await _tell_ticket(row, "bounce", details, at=at)


async def _tell_ticket(row: Claimed, trigger: str, details: dict[str, Any], *, at: datetime) -> None:
    """An act on the letter's ticket, once for each letter; a ticket that is closed has no use for it."""
    assert row.ticket is not None
    try:
        await carry_out(
            row.ticket, trigger, by=CLOCK, at=at, cause=f"letter:{row.event_id}", given={"details": details}
        )
    except (WrongState, NotFound) as refusal:
        log.info("letter came too late for its ticket", ticket=str(row.ticket), trigger=trigger, why=str(refusal))
