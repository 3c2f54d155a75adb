"""Figures about the work: time in each state, disputes, extensions, effort; and the tickets behind them.

Each of them may be narrowed to the tickets of one service level (clause 7.7); '' stands for all of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service.compliance import CLOCKS, COUNTS, SLIM
from service.database import fetch, fetchval
from workflow.process import PROCESS

MOST = 1_000  # rows of one table, tickets behind one figure
PAGE = 1_000  # rows of a file that are read at once


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


class PauseTime(msgspec.Struct, frozen=True):
    """How often and how long resolution clocks rested for one reason: by the wall clock, ended rests only.

    `reason` is an English msgid of the process.
    """

    reason: str
    pauses: int
    tickets: int
    mean_seconds: float
    median_seconds: float


class Effort(msgspec.Struct, frozen=True):
    """Minutes booked on one contract by one colleague in a month (clause 5.2).

    `operator` is the name for people; `operator_id` tells those of one name apart: `staff:7`, or `token:3` of a
    program. Who books by a token of their own books as themselves.
    """

    month: str
    organisation: str
    contract: str
    operator: str
    operator_id: str
    operator_email: str
    answers: int
    minutes: int


class Booking(msgspec.Struct, frozen=True):
    """One booking of minutes."""

    at: datetime
    number: str | None
    subject: str
    organisation: str
    contract: str
    operator: str
    method: str
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
        CLOCKS + f"SELECT level, priority, {COUNTS} FROM {SLIM} WHERE clock = 'resolution' GROUP BY 1, 2 ORDER BY 1, 2",
        since, at, list(PROCESS.states_paused()), zone,
    )  # fmt: skip
    return [LevelKept(**dict(row)) for row in rows]


STAYS = """
WITH stays AS (
    SELECT j.to_state AS state, j.ticket,
           extract(epoch FROM lead(j.at) OVER (PARTITION BY j.ticket ORDER BY j.seq) - j.at) AS seconds
    FROM journal j JOIN ticket t ON t.id = j.ticket
    WHERE t.received_at >= $1 AND j.kind <> 'note' AND $2 IN ('', t.service_level)
)
"""


async def time_per_state(*, since: datetime, level: str = "") -> list[StateTime]:
    """How long the tickets received since stood in each state, in the order of the process."""
    rows = await fetch(
        STAYS + "SELECT state, count(*) AS stays, avg(seconds)::float8 AS mean_seconds, "
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds)::float8 AS median_seconds "
        "FROM stays WHERE seconds IS NOT NULL GROUP BY state",
        since,
        level,
    )
    found = {row["state"]: StateTime(**dict(row)) for row in rows}
    return [found[state.name] for state in PROCESS.states if state.name in found]


async def happened(trigger: str, *, since: datetime, zone: str, level: str = "") -> list[Count]:
    """How often a move was made, by month and by the code of its reason ('' without one)."""
    rows = await fetch(
        "SELECT to_char(at AT TIME ZONE $3, 'YYYY-MM') AS month, "
        "coalesce(convert_from(body, 'UTF8')::jsonb #>> '{data,reason}', '') AS code, "
        "count(*) AS n, count(DISTINCT ticket) AS tickets FROM journal j WHERE trigger = $1 AND at >= $2 "
        "AND ($4 = '' OR EXISTS (SELECT FROM ticket t WHERE t.id = j.ticket AND t.service_level = $4)) "
        f"GROUP BY 1, 2 ORDER BY 1 DESC, 3 DESC, 2 LIMIT {MOST}",
        trigger, since, zone, level,
    )  # fmt: skip
    return [Count(**dict(row)) for row in rows]


PAUSES = """
WITH rests AS (
    SELECT t.id AS ticket, rest ->> 'reason' AS reason,
           extract(epoch FROM (rest ->> 'end')::timestamptz - (rest ->> 'start')::timestamptz)::float8 AS seconds
    FROM ticket t CROSS JOIN LATERAL (
        SELECT jsonb_path_query(t.clocks, '$.resolution.pauses[*]') UNION ALL
        SELECT jsonb_path_query(t.clocks, '$.finished[*].pauses[*]')
    ) AS one(rest)
    WHERE t.received_at >= $1 AND rest ->> 'end' IS NOT NULL AND $2 IN ('', t.service_level)
)
"""


async def pauses(*, since: datetime, level: str = "") -> list[PauseTime]:
    """How long the clocks of the tickets received since rested, by the reason."""
    rows = await fetch(
        PAUSES + "SELECT reason, count(*) AS pauses, count(DISTINCT ticket) AS tickets, avg(seconds) AS mean_seconds, "
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median_seconds "
        "FROM rests GROUP BY reason ORDER BY 2 DESC, 1",
        since,
        level,
    )
    return [PauseTime(**dict(row)) for row in rows]


BOOKED = "message m JOIN journal j ON j.ticket = m.ticket AND j.seq = m.seq"
PERSON = """
LEFT JOIN api_token k ON j.actor_kind = 'token' AND k.id::text = j.actor_id
LEFT JOIN app_user u ON u.id::text = CASE j.actor_kind WHEN 'staff' THEN j.actor_id ELSE k."user"::text END
"""


async def effort(*, since: datetime, until: datetime, zone: str, level: str = "") -> list[Effort]:
    """Booked minutes by month, contract and colleague; tickets without a contract stand under the organisation."""
    rows = await fetch(
        "WITH summed AS (SELECT to_char(m.at AT TIME ZONE $3, 'YYYY-MM') AS month, "
        "t.organisation_name AS organisation, t.contract_number AS contract, j.actor_kind, j.actor_id, "
        "max(m.author) AS author, count(*) AS answers, sum(m.minutes)::bigint AS minutes "
        f"FROM {BOOKED} JOIN ticket t ON t.id = m.ticket "
        "WHERE m.minutes > 0 AND m.at >= $1 AND m.at < $2 AND $4 IN ('', t.service_level) GROUP BY 1, 2, 3, 4, 5) "
        "SELECT month, organisation, contract, max(coalesce(u.name, author)) AS operator, "
        "coalesce('staff:' || u.id, j.actor_kind || ':' || j.actor_id) AS operator_id, "
        "coalesce(u.email, '') AS operator_email, sum(answers)::bigint AS answers, sum(minutes)::bigint AS minutes "
        f"FROM summed j {PERSON} GROUP BY month, organisation, contract, operator_id, u.email "
        "ORDER BY 1 DESC, 8 DESC, 2, 3, 4, 5",
        since, until, zone, level,
    )  # fmt: skip
    return [Effort(**dict(row)) for row in rows]


async def name_of(operator_id: str) -> str:
    """Who stands behind an `operator_id`; '' for nobody we know."""
    kind, _colon, id = operator_id.partition(":")
    found: str | None = await fetchval(
        "SELECT coalesce((SELECT name FROM app_user WHERE $1 = 'staff' AND id::text = $2), "
        "(SELECT name FROM api_token WHERE $1 = 'token' AND id::text = $2))",
        kind, id,
    )  # fmt: skip
    return found or ""


async def bookings(*, since: datetime, until: datetime, level: str = "") -> AsyncIterator[list[Booking]]:
    """Pages of all bookings in the half-open period, the oldest first."""
    place: tuple[datetime, UUID] = (since, UUID(int=0))
    while True:
        rows = await fetch(
            "SELECT m.id, m.at, t.number, t.subject, t.organisation_name AS organisation, "
            "t.contract_number AS contract, coalesce(u.name, m.author) AS operator, m.method, m.minutes "
            f"FROM {BOOKED} JOIN ticket t ON t.id = m.ticket {PERSON} "
            "WHERE m.minutes > 0 AND m.at >= $1 AND (m.at, m.id) > ($1, $2) AND m.at < $3 "
            f"AND $4 IN ('', t.service_level) ORDER BY m.at, m.id LIMIT {PAGE}",
            *place, until, level,
        )  # fmt: skip
        if not rows:
            return
        yield [Booking(**{name: row[name] for name in Booking.__struct_fields__}) for row in rows]
        place = (rows[-1]["at"], rows[-1]["id"])


# --- what is behind a figure ------------------------------------------------------------------------------------------

COLUMNS = "SELECT t.id, t.number, t.subject, t.priority, t.organisation_name AS organisation, t.received_at "
TICKET = f"{COLUMNS} FROM ticket t"
NEWEST = f"ORDER BY t.received_at DESC, t.id DESC LIMIT {MOST}"


async def behind_moves(
    trigger: str, *, code: str | None, since: datetime, until: datetime, level: str = ""
) -> list[Behind]:
    """The tickets on which a move was made in the half-open period; with `code`, for this reason."""
    return _behind(
        await fetch(
            f"{TICKET} WHERE t.id IN (SELECT ticket FROM journal WHERE trigger = $1 AND at >= $2 AND at < $3 "
            "AND ($4::text IS NULL OR coalesce(convert_from(body, 'UTF8')::jsonb #>> '{data,reason}', '') = $4)) "
            f"AND $5 IN ('', t.service_level) {NEWEST}",
            trigger, since, until, code, level,
        )
    )  # fmt: skip


async def behind_pauses(reason: str, *, since: datetime, level: str = "") -> list[Behind]:
    """The tickets received since whose clock rested for a reason; the longest rests first."""
    return _behind(
        await fetch(
            PAUSES + COLUMNS + "FROM ticket t JOIN (SELECT ticket, sum(seconds) AS seconds FROM rests "
            f"WHERE reason = $3 GROUP BY ticket) r ON r.ticket = t.id ORDER BY r.seconds DESC, t.id LIMIT {MOST}",
            since, level, reason,
        )
    )  # fmt: skip


async def behind_score(score: str, *, since: datetime, until: datetime, level: str = "") -> list[Behind]:
    """The tickets that their customers rated so in the half-open period."""
    return _behind(
        await fetch(
            f"{TICKET} JOIN satisfaction s ON s.ticket = t.id WHERE s.score = $1 AND s.at >= $2 AND s.at < $3 "
            f"AND $4 IN ('', t.service_level) {NEWEST}",
            score, since, until, level,
        )
    )  # fmt: skip


# Kind ($5) and id ($6) stand apart: of both in one word the planner does not know how many entries there are, takes
# them for few, and looks up the messages one by one.
BY = """(j.actor_kind = $5 AND j.actor_id = $6 OR $5 = 'staff' AND j.actor_kind = 'token'
AND j.actor_id = ANY(ARRAY(SELECT id::text FROM api_token WHERE "user"::text = $6)))"""


async def behind_effort(
    *,
    organisation: str | None,
    contract: str | None,
    operator: str | None,
    since: datetime,
    until: datetime,
    level: str = "",
) -> list[Behind]:
    """The tickets on which minutes were booked in the half-open period; None for whatever it may be.

    `operator` is an `operator_id`.
    """
    kind, _colon, id = (operator or "").partition(":")
    return _behind(
        await fetch(
            f"{TICKET} WHERE ($1::text IS NULL OR t.organisation_name = $1) "
            f"AND ($2::text IS NULL OR t.contract_number = $2) AND t.id IN (SELECT m.ticket FROM {BOOKED} "
            f"WHERE m.minutes > 0 AND m.at >= $3 AND m.at < $4 AND ($5 = '' OR {BY})) "
            f"AND $7 IN ('', t.service_level) {NEWEST}",
            organisation, contract, since, until, kind, id, level,
        )
    )  # fmt: skip


async def behind_state(state: str, *, since: datetime, level: str = "") -> list[Behind]:
    """The tickets received since that stood in a state; the longest stays first."""
    return _behind(
        await fetch(
            STAYS + COLUMNS + "FROM ticket t JOIN (SELECT ticket, sum(seconds) AS seconds FROM stays WHERE state = $3 "
            "AND seconds IS NOT NULL GROUP BY ticket) s ON s.ticket = t.id "
            f"ORDER BY s.seconds DESC, t.id LIMIT {MOST}",
            since, level, state,
        )
    )  # fmt: skip


def _behind(rows: list[Any]) -> list[Behind]:
    return [Behind(**dict(row)) for row in rows]
