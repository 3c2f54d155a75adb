"""The links in letters: who holds one may look at one ticket, or act on one completion once, without signing in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service import tickets
from service.actors import Actor, customer
from service.correspondence import LINKS_LAST
from service.database import DB, execute, fetchrow, retried
from service.house import HOUSE
from service.ticket import FROM, SELECT, Ticket, read_ticket
from workflow.errors import NotFound, Refusal
from workflow.words import _

STATUS = "status"
STATUS_LASTS = LINKS_LAST  # after the ticket was closed


class Answer(msgspec.Struct, frozen=True):
    """What ended a completion or a ticket: the move, who made it (`''` for one whose name was erased), and when.

    `centre`: a colleague made it, on the customer's word.
    """

    trigger: str
    who: str
    at: datetime
    centre: bool


class LinkGone(Refusal):
    """A link of ours that no longer does anything; `ticket` is what it led to, `answer` what came instead."""

    code = "link_gone"

    def __init__(self, ticket: Ticket, answer: Answer | None = None) -> None:
        self.ticket = ticket
        self.answer = answer
        super().__init__()


class LinkUsed(LinkGone):
    """One of the two links of this completion was used: the answer is there."""

    code = "link_used"
    sentence = _("Your answer to this letter has already been received.")


class LinkExpired(LinkGone):
    """It is too old."""

    code = "link_expired"
    sentence = _("This link has expired.")


class LinkRevoked(LinkGone):
    """The ticket went on after the letter with this link was written."""

    code = "link_revoked"
    sentence = _("The ticket has moved on since this letter was written.")


class SignedLink(msgspec.Struct, frozen=True):
    """A single-use link and the ticket it acts on, as both stand now.

    `solution` is what its letter says was done; `other` is the other link of the same letter.
    """

    id: UUID
    act: str
    ticket: Ticket
    solution: str
    other: UUID | None


LONGEST_NAME = 200  # characters
# A comment revokes nothing: only an entry that changed the state after the completion does (4.8).
LINK = """
SELECT l.id, l.ticket, l.act, l.seq, l.expires_at, l.used_at, a.trigger, a.actor_kind, a.actor_name, a.at,
       (SELECT o.id FROM signed_link o WHERE o.ticket = l.ticket AND o.seq = l.seq AND o.act <> l.act LIMIT 1) AS other,
       coalesce((SELECT m.text FROM message m
                 WHERE m.ticket = l.ticket AND m.seq = l.seq AND m.direction = 'out' LIMIT 1), '') AS solution
FROM signed_link l LEFT JOIN LATERAL (
    SELECT j.trigger, j.actor_kind, j.actor_name, j.at FROM journal j
    WHERE j.ticket = l.ticket AND j.seq > l.seq AND j.from_state IS DISTINCT FROM j.to_state ORDER BY j.seq LIMIT 1
) a ON true
WHERE l.id = $1 AND l.act = $2
"""
ENDING = """
SELECT j.trigger, j.actor_kind, j.actor_name, j.at FROM journal j
WHERE j.ticket = $1 AND j.from_state IS DISTINCT FROM j.to_state ORDER BY j.seq DESC LIMIT 1
"""


async def ticket_of_status(token: str, *, at: datetime) -> Ticket:
    """The ticket a status link shows. Raises NotFound, LinkExpired."""
    ticket = await _ticket(_subject(STATUS, token))
    if ticket.closed_at and at >= ticket.closed_at + STATUS_LASTS:
        raise LinkExpired(ticket)
    return ticket


async def look(act: str, token: str, *, at: datetime) -> SignedLink:
    """What a link would do; nothing happens. Raises NotFound and the three kinds of LinkGone."""
    row = await fetchrow(LINK, _subject(act, token), act)
    if row is None:
        raise NotFound()
    ticket = await _ticket(row["ticket"])
    _refuse_gone(row, ticket, at=at)
    return SignedLink(row["id"], act, ticket, row["solution"], row["other"])


async def ending_of(ticket: Ticket) -> Answer | None:
    """What closed a ticket; None while it is open."""
    row = await fetchrow(ENDING, ticket.id) if ticket.closed_at else None
    return _answer(row) if row else None


@retried
async def use(
    act: str, token: str, *, at: datetime, given: Mapping[str, object] | None = None, who: str = ""
) -> Ticket:
    """Do what the link is for, once: the move, its letters and the end of both links, or none of it.

    `who` is what somebody calls himself to whom the letter was passed on; without it the one it was written to acts.
    Raises NotFound, the three kinds of LinkGone, and the machine's refusals; a refused link stays usable.
    """
    who = " ".join(who.replace("\x00", " ").split())[:LONGEST_NAME]
    id = _subject(act, token)
    found = await fetchrow("SELECT ticket FROM signed_link WHERE id = $1 AND act = $2", id, act)
    if found is None:
        raise NotFound()
    async with DB.transaction(allow_nested=False):
        change, in_force, _number = await tickets.locked(found["ticket"], at=at, cause=f"link:{id}")
        row = await fetchrow(LINK, id, act)  # under the ticket's lock: of two clicks one comes first
        ticket = change.ticket
        _refuse_gone(row, ticket, at=at)
        tickets.act(change, act, by=holder(ticket, who), given=given or {}, in_force=in_force)
        await execute(
            "UPDATE signed_link SET used_at = $3 WHERE ticket = $1 AND seq = $2 AND used_at IS NULL",
            ticket.id, row["seq"], at,
        )  # fmt: skip
        after = await change.write()
    await tickets.ring_for(change)
    return after


def holder(ticket: Ticket, who: str = "") -> Actor:
    """Whose act it is: that of the one who asked, or of a named person who is nobody we know."""
    if who:
        return customer(id="", name=who, language=ticket.language)
    known = "" if ticket.contact is None else str(ticket.contact)
    return customer(id=known, name=ticket.full_name or ticket.email, language=ticket.language)


def _subject(purpose: str, token: str) -> UUID:
    subject = HOUSE.verify(purpose, token)
    if subject is None:
        raise NotFound()
    return subject


async def _ticket(id: UUID) -> Ticket:
    row = await fetchrow(f"{SELECT} {FROM} WHERE t.id = $1", id)
    if row is None:
        raise NotFound()
    ticket = read_ticket(row)
    await tickets.know_rules(ticket)
    return ticket


def _refuse_gone(row: Mapping[str, Any], ticket: Ticket, *, at: datetime) -> None:
    answer = _answer(row) if row["trigger"] else None
    if row["used_at"] is not None:
        raise LinkUsed(ticket, answer)
    if answer:
        raise LinkRevoked(ticket, answer)
    if at >= row["expires_at"]:
        raise LinkExpired(ticket)


def _answer(row: Mapping[str, Any]) -> Answer:
    return Answer(row["trigger"], row["actor_name"], row["at"], centre=row["actor_kind"] not in ("customer", "clock"))
