"""What customers thought of closed tickets: one click, once a ticket; told by month."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from service.correspondence import LINKS_LAST, RATE
from service.database import execute, fetch, fetchrow, fetchval, retried
from service.house import HOUSE
from service.signed_links import LinkExpired, LinkUsed
from service.ticket import FROM, SELECT, Ticket, read_ticket
from service.tickets import know_rules
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.words import _

SCORES: Final = (("good", _("Good")), ("fair", _("So-so")), ("bad", _("Bad")))


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
    if await score_of(ticket):
        raise LinkUsed(ticket)
    if at >= ticket.closed_at + LINKS_LAST:
        raise LinkExpired(ticket)
    return ticket


async def open_question(ticket: Ticket, *, at: datetime) -> bool:
    """Whether its customer may still say how it was: it had a number, is closed, not long ago, and nothing was said."""
    if not ticket.number or ticket.closed_at is None or at >= ticket.closed_at + LINKS_LAST:
        return False
    return not await score_of(ticket)


def rating_token(ticket: Ticket) -> str:
    """What the address of the question ends with."""
    return HOUSE.sign(RATE, ticket.id)


@retried
async def rate(token: str, score: str, *, at: datetime) -> Ticket:
    """Keep the answer: the first one counts. Raises what `asked` raises, and WrongFields."""
    ticket = await asked(token, at=at)
    if score not in dict(SCORES):
        raise WrongFields([FieldError("score", _("Choose one of the three."), {})])
    kept = await execute(
        "INSERT INTO satisfaction (ticket, score, at) VALUES ($1, $2, $3) ON CONFLICT (ticket) DO NOTHING",
        ticket.id, score, at,
    )  # fmt: skip
    if not kept:
        raise LinkUsed(ticket)
    return ticket


async def score_of(ticket: Ticket) -> str:
    """What was said of a ticket; '' for nothing yet."""
    return await fetchval("SELECT score FROM satisfaction WHERE ticket = $1", ticket.id) or ""


async def summary(*, since: datetime, until: datetime, zone: ZoneInfo) -> list[Month]:
    """Each month with an answer between two instants, the oldest first; months are those of `zone`."""
    rows = await fetch(
        "SELECT date_trunc('month', at AT TIME ZONE $3)::date AS first, "
        "count(*) FILTER (WHERE score = 'good') AS good, count(*) FILTER (WHERE score = 'fair') AS fair, "
        "count(*) FILTER (WHERE score = 'bad') AS bad "
        "FROM satisfaction WHERE at >= $1 AND at < $2 GROUP BY 1 ORDER BY 1",
        since, until, zone.key,
    )  # fmt: skip
    return [Month(**row) for row in rows]
