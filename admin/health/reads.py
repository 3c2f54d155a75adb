"""What the health page asks of the database: all of it by cheap queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from service.audits import RUN
from service.database import fetch, fetchrow

STANDING = """
SELECT (SELECT count(*) FROM outbox WHERE status IN ('pending', 'sending') AND channel = 'letter') AS letters,
       (SELECT count(*) FROM outbox WHERE status IN ('pending', 'sending') AND channel = 'webhook') AS events,
       (SELECT count(*) FROM outbox WHERE status IN ('parked', 'dead') AND channel = 'letter') AS stuck_letters,
       (SELECT count(*) FROM outbox WHERE status IN ('parked', 'dead') AND channel = 'webhook') AS dead_events,
       (SELECT min(next_at) FROM outbox WHERE status = 'pending') AS oldest_delivery,
       (SELECT min(due_at) FROM timer WHERE status = 'armed') AS next_timer,
       (SELECT count(*) FROM mail WHERE status = 'stored') AS unread_mail,
       (SELECT at FROM audit WHERE name = $1) AS audited_at
"""
ALARMS = """
SELECT id, kind, key, sentence, params, at, cleared_at FROM alarm
WHERE cleared_at IS NULL OR cleared_at > $1::timestamptz - interval '1 day'
ORDER BY cleared_at IS NOT NULL, at DESC LIMIT 100
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Backlogs, and the instants by which one sees whether the workers work."""

    letters: int
    events: int
    stuck_letters: int
    dead_events: int
    oldest_delivery: datetime | None
    next_timer: datetime | None
    unread_mail: int
    audited_at: datetime | None


@dataclass(frozen=True, slots=True)
class Audit:
    """The last result of one standing check: `found` rows where there must be none, and one of them."""

    name: str
    found: int
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm that stands, or was cleared within the day. `sentence` is an English msgid."""

    id: int
    kind: str
    key: str
    sentence: str
    params: dict[str, Any]
    at: datetime
    cleared_at: datetime | None


async def standing() -> Standing:
    """How much waits, and since when."""
    return Standing(**await fetchrow(STANDING, RUN))


async def audits() -> list[Audit]:
    """Each check's last result, those that found something first."""
    rows = await fetch("SELECT name, found, detail, at FROM audit WHERE name <> $1 ORDER BY found = 0, name", RUN)
    return [Audit(**row) for row in rows]


async def alarms(*, at: datetime) -> list[Alarm]:
    """Those that stand, the newest first, then those cleared within the day."""
    return [Alarm(**(dict(row) | {"params": msgspec.json.decode(row["params"])})) for row in await fetch(ALARMS, at)]
