"""Who looks at a ticket or writes on it now; kept for moments, across all processes."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from service.database import execute, fetch

LASTS = timedelta(seconds=35)  # pages say every ten seconds that they are open


class Present(msgspec.Struct, frozen=True):
    """A colleague on the same ticket."""

    name: str
    writing: bool


async def be_present(ticket: UUID, user: int, *, writing: bool, at: datetime) -> list[Present]:
    """Say that one is here, and hear who else is. `at` is the real time: moving the desk's clock sends nobody away."""
    await execute(
        'INSERT INTO presence (ticket, "user", writing, seen_at) VALUES ($1, $2, $3, $4) '
        'ON CONFLICT (ticket, "user") DO UPDATE SET writing = excluded.writing, seen_at = excluded.seen_at',
        ticket, user, writing, at,
    )  # fmt: skip
    rows = await fetch(
        'SELECT u.name, p.writing FROM presence p JOIN app_user u ON u.id = p."user" '
        'WHERE p.ticket = $1 AND p."user" <> $2 AND p.seen_at > $3 ORDER BY p.writing DESC, u.name LIMIT 20',
        ticket, user, at - LASTS,
    )  # fmt: skip
    return [Present(**row) for row in rows]


async def go_away(ticket: UUID, user: int) -> None:
    """The page was closed."""
    await execute('DELETE FROM presence WHERE ticket = $1 AND "user" = $2', ticket, user)


async def sweep_presence(*, at: datetime) -> int:
    """Forget who has not been seen for long; how many rows."""
    return await execute("DELETE FROM presence WHERE seen_at < $1", at - 10 * LASTS)
