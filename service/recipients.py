"""Whom the regulation tells: its words become people, and for who is away the deputy is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from service.database import fetch
from service.house import HOUSE
from service.notices import Reader
from workflow.regulation import team_in

MOST_HOPS = 5  # from a deputy who is away to the deputy's deputy; two who stand in for each other end there

# Each colleague who may be meant, and who is reached in their place: the deputy while they are away, or the deputy's
# deputy. `present` is false where everybody on that way is away.
PEOPLE = """
WITH RECURSIVE reached AS (
    SELECT u.id AS meant, u.id, u.email, u.language, u.notices, u.deputy, 0 AS hops,
           coalesce(u.absent_from <= $3 AND u.absent_until > $3, false) AS away
    FROM app_user u
    WHERE u.active AND (u.id::text = $1 OR u.email = ANY($2) OR u.role = 'supervisor' OR u.id IN
        (SELECT m."user" FROM team_member m JOIN team k ON k.id = m.team WHERE k.code = ANY($4) AND k.ended_at IS NULL))
    UNION ALL
    SELECT r.meant, d.id, d.email, d.language, d.notices, d.deputy, r.hops + 1,
           coalesce(d.absent_from <= $3 AND d.absent_until > $3, false)
    FROM reached r JOIN app_user d ON d.id = r.deputy AND d.active WHERE r.away AND r.hops < $5
)
SELECT DISTINCT ON (u.id) u.id AS meant, u.email AS called, u.role, r.id, r.email, r.language, r.notices,
       NOT r.away AS present, EXISTS (SELECT FROM team_member m JOIN team k ON k.id = m.team
           WHERE m."user" = u.id AND k.code = ANY($4) AND k.ended_at IS NULL) AS in_team
FROM reached r JOIN app_user u ON u.id = r.meant ORDER BY u.id, r.away, r.hops
"""


async def told(notify: Sequence[str], *, assignee: str, at: datetime) -> list[Reader]:
    """The people behind `assignee`, `supervisors`, `team:…` and addresses, each once.

    What would reach nobody who is there goes to the supervisors as well: a ticket that is nobody's, a specialist who is
    away without a deputy, a team that is empty.
    """
    teams = [code for word in notify if (code := team_in(word))]
    addresses = [word.lower() for word in notify if "@" in word]
    rows = await fetch(PEOPLE, assignee, addresses, at, teams, MOST_HOPS)
    mine = [row for row in rows if "assignee" in notify and str(row["meant"]) == assignee]
    theirs = [row for row in rows if row["in_team"]]
    chosen = mine + theirs
    unheard = ("assignee" in notify and not _present(mine)) or (teams and not _present(theirs))
    if "supervisors" in notify or unheard:
        chosen += [row for row in rows if row["role"] == "supervisor"]
    known = {row["called"]: row for row in rows}
    readers = [_reader(row) for row in chosen]
    readers += [_reader(known[one]) if one in known else Reader(None, one, HOUSE.language) for one in addresses]
    return list({reader.email: reader for reader in readers}.values())


def _present(rows: Sequence[Any]) -> bool:
    return any(row["present"] for row in rows)


def _reader(row: Any) -> Reader:
    ways = msgspec.json.decode(row["notices"], type=dict[str, tuple[str, ...]])
    return Reader(row["id"], row["email"], row["language"], ways)
