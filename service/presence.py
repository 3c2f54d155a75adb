"""Who looks at a ticket or at the draft, or writes there now; kept for moments, across all processes."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from service.database import execute, fetch, fetchrow

LASTS = timedelta(seconds=35)  # pages say every ten seconds that they are open


class Present(msgspec.Struct, frozen=True):
    """A colleague in the same place."""

    name: str
    writing: bool


class Here(msgspec.Struct, frozen=True):
    """Who else is there, and how many notices of it one has read by coming."""

    others: tuple[Present, ...] = ()
    read: int = 0


WHO_ELSE = """
SELECT u.name, p.writing FROM presence p JOIN app_user u ON u.id = p."user"
WHERE p.ticket = $1 AND p."user" <> $2 AND p.seen_at > $3 ORDER BY p.writing DESC, u.name LIMIT 20
"""
BE_PRESENT = f"""
WITH seen AS (
    UPDATE notice SET read_at = $5 WHERE "user" = $2 AND ticket = $1 AND read_at IS NULL RETURNING id
),
here AS (
    INSERT INTO presence (ticket, "user", writing, seen_at) VALUES ($1, $2, $4, $5)
    ON CONFLICT (ticket, "user") DO UPDATE SET writing = excluded.writing, seen_at = excluded.seen_at
),
others AS ({WHO_ELSE})
SELECT (SELECT count(*) FROM seen) AS read, (SELECT coalesce(json_agg(o), '[]') FROM others o) AS others
"""
OTHERS = msgspec.json.Decoder(tuple[Present, ...])


async def be_present(ticket: UUID, user: int, *, writing: bool, at: datetime) -> Here:
    """Say that one is here, and hear who else is; what one was told of this ticket is read by that.

    `at` is the real time: moving the desk's clock sends nobody away.
    """
    row = await fetchrow(BE_PRESENT, ticket, user, at - LASTS, writing, at)
    return Here(OTHERS.decode(row["others"]), row["read"])


async def who_else(ticket: UUID, user: int, *, at: datetime) -> tuple[Present, ...]:
    """Who was seen there lately, oneself apart; the ones who write come first."""
    return tuple(Present(**row) for row in await fetch(WHO_ELSE, ticket, user, at - LASTS))


async def go_away(ticket: UUID, user: int) -> None:
    """The page was closed."""
    await execute('DELETE FROM presence WHERE ticket = $1 AND "user" = $2', ticket, user)


async def sweep_presence(*, at: datetime) -> int:
    """Forget who has not been seen for long; how many rows."""
    return await execute("DELETE FROM presence WHERE seen_at < $1", at - 10 * LASTS)
