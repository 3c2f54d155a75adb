"""What the board reads: load per person, the deadlines of the day, alarms with who was told, unregistered mail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from admin.desk.listing import LATE, RUNNING
from service.database import fetch
from service.reporting import BOOKED, PERSON
from workflow.definition import OPERATORS
from workflow.process import PROCESS

MOST = 200  # deadlines of one day on one line


class Load(msgspec.Struct, frozen=True):
    """What one person has in hand; `user` is None for what is nobody's."""

    user: int | None
    name: str
    open: int
    running: int
    late: int
    minutes_today: int
    absent: bool


class Deadline(msgspec.Struct, frozen=True):
    """A deadline of the day, and the ticket it belongs to."""

    id: UUID
    number: str | None
    subject: str
    priority: str | None
    assignee: str | None
    due_at: datetime
    registration: bool


class Raised(msgspec.Struct, frozen=True):
    """A warning, an escalation or a breach; `told` are the people and addresses it went to.

    `state` and `assignee` are the ticket's now.
    """

    ticket: UUID
    number: str | None
    subject: str
    trigger: str
    at: datetime
    told: tuple[str, ...]
    state: str
    assignee: str | None


class Unregistered(msgspec.Struct, frozen=True):
    """Requests and held mails that nobody has registered, by how old they are."""

    kind: str
    fresh: int  # under an hour
    hours: int  # under three
    day: int  # under a day
    older: int


async def load(*, since: datetime, at: datetime, team: int | None = None) -> list[Load]:
    """Everybody who works on tickets, or one team, the most loaded first; minutes booked since the day began."""
    rows = await fetch(
        "WITH held AS (SELECT t.assignee AS user, count(*) AS open, "
        f"count(*) FILTER (WHERE t.state = ANY($3)) AS running, count(*) FILTER (WHERE {LATE.format(at='$2')}) AS late "
        "FROM ticket t WHERE t.closed_at IS NULL GROUP BY 1), "
        f"booked AS (SELECT u.id, sum(m.minutes)::int AS minutes FROM {BOOKED} {PERSON} "
        "WHERE m.minutes > 0 AND m.at >= $1 GROUP BY 1)"
        " SELECT u.id AS user, u.name, coalesce(h.open, 0) AS open, coalesce(h.running, 0) AS running, "
        "coalesce(h.late, 0) AS late, coalesce(b.minutes, 0) AS minutes_today, "
        "coalesce($2 >= u.absent_from AND $2 < u.absent_until, false) AS absent "
        "FROM app_user u LEFT JOIN held h ON h.user = u.id LEFT JOIN booked b ON b.id = u.id "
        f"WHERE u.active AND (u.role = ANY($4) OR h.open > 0) AND {_of_team('u.id', '$5')} "
        "UNION ALL SELECT NULL, '', open, running, late, 0, false FROM held "
        "WHERE held.user IS NULL AND $5::bigint IS NULL "
        "ORDER BY open DESC, name",
        since, at, RUNNING, sorted(OPERATORS), team,
    )  # fmt: skip
    return [Load(**dict(row)) for row in rows]


def _of_team(user: str, team: str) -> str:
    """Whether somebody belongs to the team that is asked for; everybody does where none is."""
    return f'({team}::bigint IS NULL OR EXISTS (SELECT FROM team_member m WHERE m.team = {team} AND m."user" = {user}))'


async def deadlines(*, since: datetime, until: datetime, team: int | None = None) -> list[Deadline]:
    """The deadlines of running clocks in the half-open time, or what was promised in time instead; the earliest first.

    Of one team's tickets if asked for.
    """
    rows = await fetch(
        "SELECT t.id, t.number, t.subject, t.priority, u.name AS assignee, "
        "t.late_from AS due_at, t.number IS NULL AS registration "
        "FROM ticket t LEFT JOIN app_user u ON u.id = t.assignee WHERE t.closed_at IS NULL AND t.state = ANY($3) "
        f"AND t.late_from >= $1 AND t.late_from < $2 AND {_of_team('t.assignee', '$4')} "
        f"ORDER BY t.late_from, t.id LIMIT {MOST}",
        since, until, [*RUNNING, *PROCESS.states_where(runs="registration")], team,
    )  # fmt: skip
    return [Deadline(**dict(row)) for row in rows]


async def raised(*, since: datetime, team: int | None = None, limit: int = 50) -> list[Raised]:
    """The newest warnings, escalations and breaches, with who was told; of one team's tickets if asked for."""
    rows = await fetch(
        "SELECT j.ticket, t.number, t.subject, j.trigger, j.at, j.body, t.state, u.name AS assignee FROM journal j "
        "JOIN ticket t ON t.id = j.ticket LEFT JOIN app_user u ON u.id = t.assignee "
        f"WHERE j.trigger = ANY($1) AND j.at >= $2 AND {_of_team('t.assignee', '$4')} "
        "ORDER BY j.at DESC, j.id DESC LIMIT $3",
        ["warn", "escalate", "breach"], since, limit, team,
    )  # fmt: skip
    names = {row["email"]: row["name"] for row in await fetch("SELECT email, name FROM app_user")}
    return [_raised(row, names) for row in rows]


def _raised(row: Any, names: Mapping[str, str]) -> Raised:
    told = msgspec.json.decode(bytes(row["body"]))["data"].get("notified", ())
    return Raised(
        ticket=row["ticket"], number=row["number"], subject=row["subject"], trigger=row["trigger"], at=row["at"],
        told=tuple(names.get(str(one), str(one)) for one in told), state=row["state"], assignee=row["assignee"],
    )  # fmt: skip


# Received so long ago, up to so long ago.
AGES = ", ".join(
    f"count(*) FILTER (WHERE received_at <= $1::timestamptz - interval '{at_least}' "
    f"AND received_at > $1::timestamptz - interval '{under}')::int AS {name}"
    for name, at_least, under in (
        ("fresh", "-1 day", "1 hour"), ("hours", "1 hour", "3 hours"), ("day", "3 hours", "1 day"),
        ("older", "1 day", "100 years"),
    )
)  # fmt: skip


async def unregistered(*, at: datetime) -> list[Unregistered]:
    """Requests without a number by their channel, and mails that are held, by age."""
    rows = await fetch(
        f"SELECT channel AS kind, {AGES} FROM ticket WHERE number IS NULL AND closed_at IS NULL GROUP BY 1 "
        f"UNION ALL SELECT 'held', {AGES} FROM mail WHERE status IN ('held', 'failed') HAVING count(*) > 0 ORDER BY 1",
        at,
    )
    return [Unregistered(**dict(row)) for row in rows]
