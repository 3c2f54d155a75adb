"""How the system stands: backlogs, the last audits, and alarms; all of it by cheap queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from service.audits import RUN
from service.conditions import Where
from service.database import fetch, fetchrow
from service.words import Language, translate
from workflow.errors import NotFound
from workflow.words import _

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


CHECKS: Mapping[str, str] = {
    "overdue_timers": _("No timer is over a minute late"),
    "expired_leases": _("No delivery hangs with a lost worker"),
    "unsent_events": _("Every event has its deliveries"),
    "order": _("The entries of each ticket have no gaps"),
    "state": _("The state is what the journal says"),
    "chain": _("The chain of hashes is whole"),
    "copy": _("The columns of the journal are what was hashed"),
    "position": _("The facts of each ticket are what its journal says"),
    "clocks": _("The clocks are what the journal says"),
    "deadline": _("The deadlines are what the rules say"),
    "timer": _("Every clock that runs has its timer"),
}


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


async def listed_alarms(
    *, limit: int, after: tuple[datetime, int] | None = None, standing: bool | None = None
) -> list[Alarm]:
    """A page of alarms, the newest first; with `standing` those that stand, or those that are over."""
    where = Where()
    if after:
        where.add("(at, id) < ({}, {})", *after)
    if standing is not None:
        where.add("(cleared_at IS NULL) = {}", standing)
    rows = await fetch(
        f"SELECT id, kind, key, sentence, params, at, cleared_at FROM alarm {where.sql} ORDER BY at DESC, id DESC "
        f"LIMIT {limit}",
        *where.values,
    )
    return [_alarm(row) for row in rows]


async def alarm(id: int) -> Alarm:
    """One alarm. Raises NotFound."""
    row = await fetchrow("SELECT id, kind, key, sentence, params, at, cleared_at FROM alarm WHERE id = $1", id)
    if row is None:
        raise NotFound()
    return _alarm(row)


def _alarm(row: Any) -> Alarm:
    return Alarm(**(dict(row) | {"params": msgspec.json.decode(row["params"])}))


async def alarms(*, at: datetime) -> list[Alarm]:
    """Those that stand, the newest first, then those cleared within the day."""
    return [_alarm(row) for row in await fetch(ALARMS, at)]


def said(alarm: Alarm, language: Language) -> str:
    """The alarm in the reader's language; a reason among its parameters may be a sentence of ours itself."""
    params = {
        name: translate(language, str(value)) if name == "reason" else value for name, value in alarm.params.items()
    }
    return translate(language, alarm.sentence, **params)
