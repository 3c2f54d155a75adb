"""Figures about the work: time in each state, disputes, extensions, effort; and the tickets behind them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service.compliance import CLOCKS
from service.database import fetch
from workflow.calendar import zone_named
from workflow.process import PROCESS

MOST = 1_000  # rows of one table, tickets behind one figure


class LevelKept(msgspec.Struct, frozen=True):
    """How the resolution clocks of one service level ended, or that they run in time."""

    level: str
    priority: str | None
    met: int
    extended: int
    breached: int
    running: int


class StateTime(msgspec.Struct, frozen=True):
    """How long tickets stood in a state: by the wall clock, in seconds, finished stays only."""

    state: str
    stays: int
    mean_seconds: float
    median_seconds: float


class Count(msgspec.Struct, frozen=True):
    """How often something happened in a month; `code` is the reason where there is one."""

    month: str
    code: str
    n: int
    tickets: int


class Effort(msgspec.Struct, frozen=True):
    """Minutes booked on one contract by one colleague in a month (clause 5.2)."""

    month: str
    organisation: str
    contract: str
    operator: str
    answers: int
    minutes: int


class Behind(msgspec.Struct, frozen=True):
    """A ticket behind a figure."""

    id: UUID
    number: str | None
    subject: str
    priority: str | None
    organisation: str
    received_at: datetime


async def by_level(*, since: datetime, at: datetime, zone: str) -> list[LevelKept]:
    """Resolution of the requests received since, by service level and priority."""
    rows = await fetch(
        CLOCKS + "SELECT t.service_level AS level, j.priority, count(*) FILTER (WHERE result = 'met') AS met, "
        "count(*) FILTER (WHERE result = 'extended') AS extended, "
        "count(*) FILTER (WHERE result = 'breached') AS breached, "
        "count(*) FILTER (WHERE result = 'running') AS running "
        "FROM judged j JOIN ticket t ON t.id = j.id WHERE clock = 'resolution' GROUP BY 1, 2 ORDER BY 1, 2",
        since, at, list(PROCESS.states_paused()), zone,
    )  # fmt: skip
    return [LevelKept(**dict(row)) for row in rows]


STAYS = """
WITH stays AS (
    SELECT j.to_state AS state, j.ticket,
           extract(epoch FROM lead(j.at) OVER (PARTITION BY j.ticket ORDER BY j.seq) - j.at) AS seconds
    FROM journal j JOIN ticket t ON t.id = j.ticket
    WHERE t.received_at >= $1 AND j.kind <> 'note'
)
"""


async def time_per_state(*, since: datetime) -> list[StateTime]:
    """How long the tickets received since stood in each state, in the order of the process."""
    rows = await fetch(
        STAYS + "SELECT state, count(*) AS stays, avg(seconds)::float8 AS mean_seconds, "
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)::float8 AS median_seconds "
        "FROM stays WHERE seconds IS NOT NULL GROUP BY state",
        since,
    )
    found = {row["state"]: StateTime(**dict(row)) for row in rows}
    return [found[state.name] for state in PROCESS.states if state.name in found]


async def happened(trigger: str, *, since: datetime, zone: str) -> list[Count]:
    """How often a move was made, by month and by the code of its reason ('' without one)."""
    rows = await fetch(
        "SELECT to_char(at AT TIME ZONE $3, 'YYYY-MM') AS month, "
        "coalesce(convert_from(body, 'UTF8')::jsonb #>> '{data,reason}', '') AS code, "
        "count(*) AS n, count(DISTINCT ticket) AS tickets "
        f"FROM journal WHERE trigger = $1 AND at >= $2 GROUP BY 1, 2 ORDER BY 1 DESC, 3 DESC, 2 LIMIT {MOST}",
        trigger, since, zone,
    )  # fmt: skip
    return [Count(**dict(row)) for row in rows]


async def effort(*, since: datetime, until: datetime, zone: str) -> list[Effort]:
    """Booked minutes by month, contract and colleague; tickets without a contract stand under the organisation."""
    rows = await fetch(
        "SELECT to_char(m.at AT TIME ZONE $3, 'YYYY-MM') AS month, t.organisation_name AS organisation, "
        "t.contract_number AS contract, m.author AS operator, count(*) AS answers, sum(m.minutes)::bigint AS minutes "
        "FROM message m JOIN ticket t ON t.id = m.ticket WHERE m.minutes > 0 AND m.at >= $1 AND m.at < $2 "
        f"GROUP BY 1, 2, 3, 4 ORDER BY 1 DESC, 6 DESC, 2, 3, 4 LIMIT {MOST}",
        since, until, zone,
    )  # fmt: skip
    return [Effort(**dict(row)) for row in rows]


# --- what is behind a figure ------------------------------------------------------------------------------------------

COLUMNS = "SELECT t.id, t.number, t.subject, t.priority, t.organisation_name AS organisation, t.received_at "
TICKET = f"{COLUMNS} FROM ticket t"
NEWEST = f"ORDER BY t.received_at DESC, t.id DESC LIMIT {MOST}"


async def behind_moves(trigger: str, *, code: str | None, since: datetime, until: datetime) -> list[Behind]:
    """The tickets on which a move was made in the half-open period; with `code`, for this reason."""
    return _behind(
        await fetch(
            f"{TICKET} WHERE t.id IN (SELECT ticket FROM journal WHERE trigger = $1 AND at >= $2 AND at < $3 "
            "AND ($4::text IS NULL OR coalesce(convert_from(body, 'UTF8')::jsonb #>> '{data,reason}', '') = $4)) "
            f"{NEWEST}",
            trigger, since, until, code,
        )
    )  # fmt: skip


async def behind_results(month: str, *, clock: str, result: str, at: datetime, zone: str) -> list[Behind]:
    """The tickets of all priorities whose clock ended so, received in a month such as `2026-05`."""
    return _behind(
        await fetch(
            CLOCKS + COLUMNS + "FROM judged j JOIN ticket t ON t.id = j.id "
            f"WHERE j.month = $5 AND j.clock = $6 AND j.result = $7 {NEWEST}",
            datetime.fromisoformat(f"{month}-01").replace(tzinfo=zone_named(zone)), at, list(PROCESS.states_paused()),
            zone, month, clock, result,
        )
    )  # fmt: skip


async def behind_effort(
    *, organisation: str, contract: str, operator: str | None, since: datetime, until: datetime
) -> list[Behind]:
    """The tickets on which minutes were booked in the half-open period."""
    return _behind(
        await fetch(
            f"{TICKET} WHERE t.organisation_name = $1 AND t.contract_number = $2 AND t.id IN (SELECT ticket FROM "
            "message WHERE minutes > 0 AND at >= $3 AND at < $4 AND ($5::text IS NULL OR author = $5)) "
            f"{NEWEST}",
            organisation, contract, since, until, operator,
        )
    )  # fmt: skip


async def behind_state(state: str, *, since: datetime) -> list[Behind]:
    """The tickets received since that stood in a state; the longest stays first."""
    return _behind(
        await fetch(
            STAYS + COLUMNS + "FROM ticket t JOIN (SELECT ticket, sum(seconds) AS seconds FROM stays WHERE state = $2 "
            "AND seconds IS NOT NULL GROUP BY ticket) s ON s.ticket = t.id "
            f"ORDER BY s.seconds DESC, t.id LIMIT {MOST}",
            since, state,
        )
    )  # fmt: skip


def _behind(rows: list[Any]) -> list[Behind]:
    return [Behind(**dict(row)) for row in rows]
