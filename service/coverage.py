"""The live figure of each clause: how many tickets of this month it touched, and which they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from service.compliance import CLOCKS, first_of_months
from service.database import fetch
from service.regulations import in_force
from workflow.calendar import CalendarOutOfRange
from workflow.errors import NotFound
from workflow.process import PROCESS, SOLVED
from workflow.regulation import Rulebook
from workflow.words import _

MOST_LISTED: Final = 200
JOURNALED: Final = "SELECT ticket AS id FROM journal WHERE at >= $1 AND trigger = ANY($2)"
RECEIVED: Final = "SELECT t.id FROM ticket t WHERE t.received_at >= $1"


# Received while the centre was closed; $2 and $3 are when it opened and closed this month.
CLOSED_THEN: Final = """ AND NOT EXISTS (
    SELECT FROM unnest($2::timestamptz[], $3::timestamptz[]) AS open (since, until)
    WHERE t.received_at >= open.since AND t.received_at < open.until
)"""
OPENINGS: Final = object()  # stands among the values of a figure for the two lists of the month


class Figure(msgspec.Struct, frozen=True):
    """What is counted, and the statement that finds the tickets; `values` follow the first instant of the month."""

    words: str
    sql: str
    values: tuple[Any, ...] = ()


def _acts(words: str, *triggers: str) -> Figure:
    return Figure(words, JOURNALED, (list(triggers),))


FIGURES: Final[Mapping[str, Figure]] = {
    "2": Figure(_("under a contract in force"), RECEIVED + " AND t.contract IS NOT NULL AND NOT t.contract_expired"),
    "3.1": Figure(
        _("closed without an answer"),
        RECEIVED + " AND t.closed_at IS NOT NULL "
        "AND NOT EXISTS (SELECT FROM letter l WHERE l.ticket = t.id AND l.kind <> 'accepted')",
    ),
    "3.2": Figure(_("taken without a contract in force"), RECEIVED + " AND (t.contract IS NULL OR t.contract_expired)"),
    "4.1": Figure(_("received"), RECEIVED),
    "4.2": Figure(_("by a sender nobody knew"), RECEIVED + " AND t.organisation IS NULL"),
    "4.3": _acts(_("split into a ticket of their own"), "split"),
    "4.4": Figure(_("given a number"), "SELECT t.id FROM ticket t WHERE t.received_at >= $1 AND t.number IS NOT NULL"),
    "4.5": Figure(
        _("worked on, act by act"), "SELECT ticket AS id FROM journal WHERE at >= $1 AND actor_kind = 'staff'"
    ),
    "4.6": _acts(_("asked back"), "request_info"),
    "4.7": _acts(_("answered"), "answer", "complete"),
    "4.8": _acts(_("disputed"), "dispute"),
    "4.9": _acts(_("closed by silence"), "expire"),
    "5.1": Figure(_("received outside opening hours"), RECEIVED + CLOSED_THEN, (OPENINGS,)),
    "5.2": Figure(_("with booked time"), RECEIVED + " AND t.minutes_total > 0"),
    "6.1": _acts(_("given another priority"), "change_priority"),
    "6.2": Figure(_("with a priority"), RECEIVED + " AND t.priority IS NOT NULL"),
    "7.1": Figure(_("taken by phone"), RECEIVED + " AND t.channel = 'phone'"),
    "7.2": _acts(_("whose question was answered"), "resume"),
    "7.3": Figure(
        _("acknowledged by a letter"),
        RECEIVED + " AND EXISTS (SELECT FROM letter l WHERE l.ticket = t.id AND l.kind = 'accepted')",
    ),
    "7.4": Figure(
        _("reached again by a mail"), JOURNALED + " AND cause LIKE 'mail:%'", (["reply", "resume", "dispute"],)
    ),
    "7.5": Figure(
        _("turned away: not an official channel"),
        JOURNALED + " AND convert_from(body, 'UTF8')::jsonb #>> '{data,reason}' = $3",
        (["reject"], "not_official_channel"),
    ),
    "7.6": Figure(
        _("with a file that was not taken"),
        RECEIVED + " AND EXISTS (SELECT FROM attachment a WHERE a.ticket = t.id AND a.refused <> '')",
    ),
    "7.7": Figure(_("identified"), RECEIVED + " AND t.organisation IS NOT NULL"),
    "7.9": Figure(_("not solved, for one of the reasons"), RECEIVED + " AND t.outcome <> $2", (SOLVED,)),
    "7.10": Figure(_("whose registration letter arrived"), RECEIVED + " AND t.accepted_at IS NOT NULL"),
}
PROMISES: Final = ("registration", "resolution")  # the clocks of clause 6.3
LATE: Final[Mapping[str, str]] = {"registration": _("registered late"), "resolution": _("solved late")}


class Counted(msgspec.Struct, frozen=True):
    """A figure of this month."""

    words: str
    count: int


class Promise(msgspec.Struct, frozen=True):
    """How many clocks of clause 6.3 were kept this month, of those that are decided; `late` were not."""

    kept: int
    late: int

    @property
    def share(self) -> float | None:
        decided = self.kept + self.late
        return self.kept / decided if decided else None


class Behind(msgspec.Struct, frozen=True):
    """A ticket behind a figure."""

    id: UUID
    number: str | None
    subject: str
    priority: str | None
    received_at: datetime


async def figures(*, at: datetime) -> dict[str, Counted]:
    """The figures of the calendar month of `at`, by clause."""
    found = {}
    for clause, figure in FIGURES.items():
        values = await _values(figure, at)
        rows = await fetch(f"SELECT count(DISTINCT id) AS n FROM ({figure.sql}) AS found", *values)
        found[clause] = Counted(figure.words, rows[0]["n"])
    return found


async def working_days(*, at: datetime) -> int:
    """How many days of the month of `at` are working days (clause 1)."""
    return len({opens.date() for opens, _closes in _openings(await in_force(at=at), at)})


def _openings(rules: Rulebook, at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """When the centre opens and closes in the month of `at`, in its own zone; days nobody loaded are left out."""
    zone = rules.calendar.zone
    on = at.astimezone(zone).date().replace(day=1)
    month = on.month
    while on.month == month:
        midnight = datetime.combine(on, time(), zone)
        try:
            for one in rules.calendar.day(on).intervals:
                yield midnight + timedelta(minutes=one.opens_at), midnight + timedelta(minutes=one.closes_at)
        except CalendarOutOfRange:
            return
        on += timedelta(days=1)


async def promises(*, at: datetime) -> dict[str, Promise]:
    """How clause 6.3 was kept for the requests received this month, by clock."""
    rows = await fetch(
        CLOCKS + "SELECT clock, count(*) FILTER (WHERE result IN ('met', 'extended')) AS kept, "
        "count(*) FILTER (WHERE result = 'breached') AS late FROM judged GROUP BY clock",
        *await _judging(at),
    )
    told = {row["clock"]: Promise(row["kept"], row["late"]) for row in rows}
    return {clock: told.get(clock, Promise(0, 0)) for clock in PROMISES}


async def behind(name: str, *, at: datetime) -> tuple[str, list[Behind]]:
    """What a figure counts, and its tickets, the latest first; of a promise those that were late. Raises NotFound."""
    columns = "t.id, t.number, t.subject, t.priority, t.received_at FROM ticket t WHERE t.id IN "
    latest = f"ORDER BY t.received_at DESC, t.id DESC LIMIT {MOST_LISTED}"
    if name in PROMISES:
        late = f"(SELECT id FROM judged WHERE clock = '{name}' AND result = 'breached')"
        rows = await fetch(f"{CLOCKS} SELECT {columns} {late} {latest}", *await _judging(at))
        return LATE[name], _read(rows)
    if name not in FIGURES:
        raise NotFound
    figure = FIGURES[name]
    rows = await fetch(f"SELECT {columns} ({figure.sql}) {latest}", *await _values(figure, at))
    return figure.words, _read(rows)


def _read(rows: list[Any]) -> list[Behind]:
    return [Behind(**dict(row)) for row in rows]


async def _values(figure: Figure, at: datetime) -> tuple[Any, ...]:
    """The parameters of a figure's statement."""
    if figure.values != (OPENINGS,):
        return await _month(at), *figure.values
    openings = list(_openings(await in_force(at=at), at))
    return await _month(at), [opens for opens, _closes in openings], [closes for _opens, closes in openings]


async def _month(at: datetime) -> datetime:
    return first_of_months(1, at=at, zone=(await in_force(at=at)).regulation.calendar.zone)


async def _judging(at: datetime) -> tuple[Any, ...]:
    """The parameters of `CLOCKS`."""
    zone = (await in_force(at=at)).regulation.calendar.zone
    return await _month(at), at, list(PROCESS.states_paused()), zone
