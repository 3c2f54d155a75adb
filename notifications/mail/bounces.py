"""A letter of ours that came back: it is marked, and its ticket tells the operator to phone (clause 7.10)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from notifications.mail.classify import Bounce, Classification
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
FROM letter l WHERE l.letter_id = $1
"""


async def take_bounce(mail: StoredMail, sorted_as: Classification, bounce: Bounce, *, at: datetime) -> Outcome:
    """Mark the letter, in the transaction we are in. Only a Message-ID of ours proves what it is about.

    A delay marks the letter alone; a failure is journaled on the ticket too, while the ticket is open.
    """
    original = (bounce.original_message_id or "").strip("<> ")
    letter = await fetchrow(LETTER, original) if HOUSE.ticket_of_message_id(original) else None
    if letter is None:
        return Outcome(status="held", kind="bounce", reason=f"{sorted_as.reason}; not about a letter of ours")
    if bounce.permanent or not letter["bounced"]:
        await execute("UPDATE letter SET bounced = $2 WHERE id = $1", letter["id"], _told(bounce))
    if bounce.permanent and letter["ticket"] is not None:
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
