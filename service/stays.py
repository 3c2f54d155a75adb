"""How many tickets stand in each state and for how long: averages are over the newest of the journal.

The reports tell the same of whole months; this is for a page that lies open all day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from service.database import fetch, fetchrow
from workflow.process import PROCESS

# Averages look at the stays that ended within this time, and of those at the newest only: the same work with ten
# thousand tickets and with a million.
WITHIN: Final = timedelta(days=30)
MOST_STAYS: Final = 2_000
MOST_LISTED: Final = 200


class Standing(msgspec.Struct, frozen=True):
    """An open state now: how many tickets stand in it, and since when the first of them."""

    count: int = 0
    since: datetime | None = None


class Stay(msgspec.Struct, frozen=True):
    """How long tickets stayed in a state, by the wall clock, over `ended` stays that came to an end."""

    average: timedelta
    ended: int


class StandingTicket(msgspec.Struct, frozen=True):
    """A ticket that stands in a state."""

    id: UUID
    number: str | None
    subject: str
    priority: str | None
    state_since: datetime


async def standing() -> dict[str, Standing]:
    """Every open state; closed tickets are not counted, they only grow."""
    rows = await fetch(
        "SELECT state, count(*) AS count, min(state_since) AS since FROM ticket WHERE closed_at IS NULL GROUP BY state"
    )
    found = {row["state"]: Standing(row["count"], row["since"]) for row in rows}
    return {state: found.get(state, Standing()) for state in PROCESS.open_states()}


async def open_by_priority() -> dict[str, int]:
    """How many open tickets have each priority."""
    rows = await fetch(
        "SELECT priority, count(*) AS n FROM ticket WHERE closed_at IS NULL AND priority IS NOT NULL GROUP BY priority"
    )
    return {row["priority"]: row["n"] for row in rows}


# A stay ends with a move; it began with the move (or the receipt) before it.
STAYS = """
WITH ended AS (
    SELECT ticket, seq, from_state, at FROM journal WHERE kind = 'move' AND at >= $1 ORDER BY at DESC LIMIT $2
)
SELECT ended.from_state AS state, avg(ended.at - began.at) AS average, count(*) AS ended
FROM ended CROSS JOIN LATERAL (
    SELECT at FROM journal
    WHERE ticket = ended.ticket AND seq < ended.seq AND kind IN ('move', 'receive') ORDER BY seq DESC LIMIT 1
) AS began
GROUP BY ended.from_state
"""


async def stays(*, at: datetime) -> dict[str, Stay]:
    """By state, how long tickets stayed there; a state that nobody left lately is absent."""
    rows = await fetch(STAYS, at - WITHIN, MOST_STAYS)
    return {row["state"]: Stay(row["average"], row["ended"]) for row in rows}


async def tickets_in(state: str) -> tuple[list[StandingTicket], int]:
    """The tickets that stand in an open state, the longest first, and how many there are of them."""
    rows = await fetch(
        "SELECT id, number, subject, priority, state_since FROM ticket "
        "WHERE closed_at IS NULL AND state = $1 ORDER BY state_since, id LIMIT $2",
        state, MOST_LISTED,
    )  # fmt: skip
    row = await fetchrow("SELECT count(*) AS n FROM ticket WHERE closed_at IS NULL AND state = $1", state)
    return [StandingTicket(**dict(one)) for one in rows], row["n"]
