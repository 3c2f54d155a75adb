"""How the promises were kept: met, extended and breached clocks per month and priority, and the tickets behind them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from service.database import fetch
from service.paging import cursor_of, cut, place_of
from service.regulations import in_force
from workflow.calendar import zone_named
from workflow.process import PROCESS

Clock = Literal["registration", "resolution"]
Result = Literal["met", "extended", "breached", "running"]
PLACE = msgspec.json.Decoder(tuple[datetime, UUID])

# One row for each clock of each request that was received since $1. A result is frozen when a clock ends; until then a
# clock is late once its deadline lies behind the instant at which it last ran ($2: now, $3: states in which it rests).
CLOCKS = """
WITH judged AS (
    SELECT t.id, t.number, t.subject, t.priority, t.service_level AS level, t.received_at,
           to_char(t.received_at AT TIME ZONE $4, 'YYYY-MM') AS month, c.clock, c.due_at, c.ended_at,
           CASE WHEN c.result IS NOT NULL THEN c.result
                WHEN c.due_at >= CASE WHEN t.state = ANY($3) THEN t.state_since ELSE $2::timestamptz END THEN 'running'
                WHEN c.due_at IS NULL OR t.closed_at IS NOT NULL THEN 'running'
                WHEN c.clock = 'resolution' AND t.promised_at >= $2
                     AND (t.clocks #>> '{resolution,extended_at}')::timestamptz <= c.due_at THEN 'extended'
                ELSE 'breached' END AS result
    FROM ticket t CROSS JOIN LATERAL (VALUES
        ('registration', t.registration_due_at, t.registration_result, coalesce(t.registered_at, t.closed_at), true),
        ('resolution', t.due_at, t.resolution_result, coalesce(t.completed_at, t.closed_at), t.number IS NOT NULL)
    ) AS c(clock, due_at, result, ended_at, ran)
    WHERE t.received_at >= $1 AND c.ran
)
"""


class Kept(msgspec.Struct, frozen=True):
    """The requests received in one month with one priority: how one of their clocks ended, or that it runs in time."""

    month: str
    priority: str | None
    clock: Clock
    met: int
    extended: int
    breached: int
    running: int


class LevelKept(msgspec.Struct, frozen=True):
    """The same of one service level (7.7); a request without one has not been registered yet."""

    month: str
    priority: str | None
    level: str
    clock: Clock
    met: int
    extended: int
    breached: int
    running: int


class JudgedTicket(msgspec.Struct, frozen=True):
    """A ticket behind a figure."""

    id: UUID
    number: str | None
    subject: str
    priority: str | None
    received_at: datetime
    due_at: datetime | None
    ended_at: datetime | None


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """What a figure counts: one end of one clock, narrowed down by what is given; NONE stands for «without any»."""

    clock: Clock
    result: Result
    since: datetime
    month: str = ""
    priority: str = ""
    level: str = ""


NONE = "-"
# What is counted, judged before it is sorted: else each ticket's clocks would be sorted along.
SLIM = "(SELECT month, priority, level, clock, result FROM judged OFFSET 0) AS slim"
COUNTS = ", ".join(
    f"count(*) FILTER (WHERE result = '{result}') AS {result}" for result in ("met", "extended", "breached", "running")
)


async def by_month(*, months: int, at: datetime, level: str = "") -> list[Kept]:
    """The figures of `months` calendar months up to now, by month of receipt in the zone of the regulation in force.

    Of one service level when it is given.
    """
    rows = await fetch(
        CLOCKS + f"SELECT month, priority, clock, {COUNTS} FROM {SLIM} WHERE $5 IN ('', level) "
        "GROUP BY month, priority, clock ORDER BY month DESC, priority, clock",
        *await _judging(months, at), level,
    )  # fmt: skip
    return [Kept(**dict(row)) for row in rows]


async def by_month_and_level(*, months: int, at: datetime) -> list[LevelKept]:
    """The same figures, those of each service level apart."""
    rows = await fetch(
        CLOCKS + f"SELECT month, priority, level, clock, {COUNTS} FROM {SLIM} "
        "GROUP BY month, priority, level, clock ORDER BY month DESC, clock, priority, level",
        *await _judging(months, at),
    )  # fmt: skip
    return [LevelKept(**dict(row)) for row in rows]


async def _judging(months: int, at: datetime) -> tuple[datetime, datetime, list[str], str]:
    """The values of `CLOCKS`: since when, now, where clocks rest, and whose months."""
    zone = (await in_force(at=at)).regulation.calendar.zone
    return first_of_months(months, at=at, zone=zone), at, list(PROCESS.states_paused()), zone


async def tickets_behind(
    figure: Figure, *, at: datetime, cursor: str | None, limit: int
) -> tuple[list[JudgedTicket], str | None]:
    """The tickets that make up one figure, the latest received first, and where the next page begins.

    Raises WrongFields for a cursor that is not ours.
    """
    place = place_of(cursor, PLACE)
    zone = (await in_force(at=at)).regulation.calendar.zone
    rows = await fetch(
        CLOCKS + "SELECT id, number, subject, priority, received_at, due_at, ended_at FROM judged "
        "WHERE clock = $5 AND result = $6 AND $7 IN ('', month) "
        f"AND $8 IN ('', coalesce(priority, '{NONE}')) AND $9 IN ('', coalesce(nullif(level, ''), '{NONE}')) "
        "AND ($10::timestamptz IS NULL OR (received_at, id) < ($10, $11::uuid)) "
        "ORDER BY received_at DESC, id DESC LIMIT $12",
        figure.since, at, list(PROCESS.states_paused()), zone, figure.clock, figure.result, figure.month,
        figure.priority, figure.level, *(place or (None, None)), limit + 1,
    )  # fmt: skip
    page, more = cut([JudgedTicket(**dict(row)) for row in rows], limit)
    return page, cursor_of(page[-1].received_at, page[-1].id) if more else None


def first_of_month(month: str, *, zone: str) -> datetime:
    """Midnight of the first day of a month such as `2026-05`."""
    return datetime.fromisoformat(f"{month}-01").replace(tzinfo=zone_named(zone))


def first_of_months(months: int, *, at: datetime, zone: str) -> datetime:
    """Midnight of the first day of the first of `months` calendar months of a zone; the one of `at` is the last."""
    local = at.astimezone(zone_named(zone)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _month in range(months - 1):
        local = (local - timedelta(days=1)).replace(day=1)
    return local
