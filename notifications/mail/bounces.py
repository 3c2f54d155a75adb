"""A letter of ours that came back: it is marked, and its ticket tells the operator to phone (clause 7.10)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from notifications.letters import TO_STAFF
from notifications.mail.classify import Bounce, Classification, Kind
from notifications.mail.parsed import ParsedMail
from notifications.mail.reports import told_in_prose
from notifications.mail.stored import Outcome, StoredMail
from service.actors import CLOCK
from service.database import execute, fetchrow
from service.house import HOUSE
from service.regulations import RULEBOOKS
from service.tickets import act, locked
from workflow.machine import MACHINE

LETTER = """
SELECT l.id, l.ticket, l.kind, l.bounced,
       l.seq >= coalesce((SELECT max(k.seq) FROM signed_link k WHERE k.ticket = l.ticket), 0) AS newest
FROM letter l WHERE l.letter_id = $1 OR l.id = $2
"""
# Where a mail that came without an envelope (IMAP, a pipe) still says which address it came to.
DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to")
ADDRESS = re.compile(r"[^\s<>,;:\"]+\+b[a-z2-7]{38}@[^\s<>,;:\"]+", re.IGNORECASE)


def letter_meant(mail: StoredMail, parsed: ParsedMail) -> UUID | None:
    """The letter whose own bounce address this mail came to; whatever it quotes, it is about that one."""
    headers = [found for name in DELIVERED for value in parsed.all(name) for found in ADDRESS.findall(value)]
    meant = (HOUSE.letter_of_address(address) for address in (*mail.recipients, *headers))
    return next((letter for letter in meant if letter), None)


def untold_bounce(sorted_as: Classification, mail: StoredMail, parsed: ParsedMail) -> Bounce | None:
    """A failure in a form nobody taught us: sent by nobody to a bounce address, with the code of an SMTP answer."""
    if sorted_as.kind is not Kind.MACHINE or sorted_as.machine != "generated" or mail.envelope.sender != "":
        return None
    told = next((one for one in told_in_prose(f"{parsed.subject}\n{parsed.text}") if one.status), None)
    if told is None or letter_meant(mail, parsed) is None:
        return None
    return Bounce(
        recipient=told.recipient, status=told.status, action=told.action, permanent=told.status.startswith("5"),
        diagnostic=told.diagnostic, original_message_id=None,
    )  # fmt: skip


async def take_bounce(
    mail: StoredMail, parsed: ParsedMail, sorted_as: Classification, bounce: Bounce, *, at: datetime
) -> Outcome:
    """Mark the letter, in the transaction we are in. A Message-ID or a bounce address of ours proves what it is about.

    A delay marks the letter alone; a failure is journaled on the ticket too, while the ticket is open.
    """
    original = (bounce.original_message_id or "").strip("<> ")
    meant = letter_meant(mail, parsed)
    ours = original if HOUSE.ticket_of_message_id(original) else None
    letter = await fetchrow(LETTER, None if meant else ours, meant) if ours or meant else None
    if letter is None:
        return Outcome(status="held", kind="bounce", reason=f"{sorted_as.reason}; not about a letter of ours")
    if bounce.permanent or not letter["bounced"]:
        await execute("UPDATE letter SET bounced = $2 WHERE id = $1", letter["id"], _told(bounce))
    if bounce.permanent and letter["ticket"] is not None and letter["kind"] not in TO_STAFF:
        await _tell_ticket(mail, letter, bounce, at=at)
    return Outcome(status="done", kind="bounce", reason=sorted_as.reason, ticket=letter["ticket"])


def _told(bounce: Bounce) -> str:
    words = (bounce.action, bounce.status, bounce.diagnostic)
    return " ".join(word for word in words if word)[:1_000] or "failed"


async def _tell_ticket(mail: StoredMail, letter: Any, bounce: Bounce, *, at: datetime) -> None:
    ticket: UUID = letter["ticket"]
    if await fetchrow("SELECT id FROM ticket WHERE id = $1", ticket) is None:
        return
    change, version, _number = await locked(ticket, at=at, cause=mail.cause)
    if "bounce" not in MACHINE.possible(change.facts, by=CLOCK.role):
        return
    await RULEBOOKS.know(version)
    details = {
        "letter": str(letter["id"]),
        "letter_kind": letter["kind"],
        "completion": letter["kind"] == "completed" and bool(letter["newest"]),
        "status": bounce.status,
    }
    act(change, "bounce", by=CLOCK, given={"details": details}, in_force=version)
    await change.write()
