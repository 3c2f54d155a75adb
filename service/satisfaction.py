"""What customers thought of closed tickets: one click, once a ticket; told by month."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from service import tickets
from service.actors import Actor
from service.correspondence import LINKS_LAST, RATE
from service.database import DB, fetch, fetchrow, fetchval, retried
from service.house import HOUSE
from service.signed_links import LinkExpired, LinkUsed, holder
from service.ticket import FROM, SELECT, Ticket, read_ticket
from service.tickets import know_rules
from workflow.errors import NotFound


class Month(msgspec.Struct, frozen=True):
    """How many said what of the tickets that were rated in one month; `first` is its first day."""

    first: date
    good: int
    fair: int
    bad: int

    @property
    def all(self) -> int:
        return self.good + self.fair + self.bad


async def asked(token: str, *, at: datetime) -> Ticket:
    """The closed ticket a link asks about; nothing happens. Raises NotFound, LinkExpired, LinkUsed."""
    id = HOUSE.verify(RATE, token)
    row = None if id is None else await fetchrow(f"{SELECT} {FROM} WHERE t.id = $1", id)
    if row is None:
        raise NotFound()
    ticket = read_ticket(row)
    await know_rules(ticket)
    if ticket.closed_at is None:
        raise NotFound()
    await _refuse_gone(ticket, at=at)
    return ticket


async def _refuse_gone(ticket: Ticket, *, at: datetime) -> None:
    if await score_of(ticket):
        raise LinkUsed(ticket)
    if ticket.closed_at and at >= ticket.closed_at + LINKS_LAST:
        raise LinkExpired(ticket)


async def open_question(ticket: Ticket, *, at: datetime) -> bool:
    """Whether its customer may still say how it was: it had a number, is closed, not long ago, and nothing was said."""
    if not ticket.number or ticket.closed_at is None or at >= ticket.closed_at + LINKS_LAST:
        return False
    return not await score_of(ticket)


def rating_token(ticket: Ticket) -> str:
    """What the address of the question ends with."""
    return HOUSE.sign(RATE, ticket.id)


async def rate_by_link(token: str, score: str, *, at: datetime) -> Ticket:
    """Keep what the holder of a link answers, in the name of the one its letter was written to.

    Raises what `asked` and `rate` raise.
    """
    ticket = await asked(token, at=at)
    return await rate(ticket.id, score, by=holder(ticket), at=at, cause=f"link:rate:{ticket.id}")


@retried
async def rate(ticket: UUID, score: str, *, by: Actor, at: datetime, cause: str) -> Ticket:
    """Keep the answer, with its entry in the journal: the first one counts.

    Raises NotFound, LinkUsed, LinkExpired, WrongState while the ticket is open, and WrongFields.
    """
    async with DB.transaction(allow_nested=False):
        change, in_force, _number = await tickets.locked(ticket, at=at, cause=cause)
        await _refuse_gone(change.ticket, at=at)  # under the ticket's lock: of two clicks one comes first
        tickets.act(change, "rate", by=by, given={"score": score}, in_force=in_force)
        after = await change.write()
    await tickets.ring_for(change)
    return after


async def score_of(ticket: Ticket) -> str:
    """What was said of a ticket; '' for nothing yet."""
    return await fetchval("SELECT score FROM satisfaction WHERE ticket = $1", ticket.id) or ""


async def summary(*, since: datetime, until: datetime, zone: ZoneInfo, level: str = "") -> list[Month]:
    """Each month with an answer between two instants, the oldest first; months are those of `zone`.

    Of the tickets of one service level when it is given.
    """
    rows = await fetch(
        "SELECT date_trunc('month', at AT TIME ZONE $3)::date AS first, "
        "count(*) FILTER (WHERE score = 'good') AS good, count(*) FILTER (WHERE score = 'fair') AS fair, "
        "count(*) FILTER (WHERE score = 'bad') AS bad "
        "FROM satisfaction s WHERE at >= $1 AND at < $2 "
        "AND ($4 = '' OR EXISTS (SELECT FROM ticket t WHERE t.id = s.ticket AND t.service_level = $4)) "
        "GROUP BY 1 ORDER BY 1",
        since, until, zone.key, level,
    )  # fmt: skip
    return [Month(**row) for row in rows]
