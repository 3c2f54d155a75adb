"""The live figure of each clause: how many tickets of this month it touched, and which they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from service.compliance import CLOCKS, first_of_months
from service.database import fetch
from service.regulations import in_force
from workflow.errors import NotFound
from workflow.process import PROCESS, SOLVED
from workflow.words import _

MOST_LISTED: Final = 200
JOURNALED: Final = "SELECT ticket AS id FROM journal WHERE at >= $1 AND trigger = ANY($2)"
RECEIVED: Final = "SELECT t.id FROM ticket t WHERE t.received_at >= $1"


class Figure(msgspec.Struct, frozen=True):
    """What is counted, and the statement that finds the tickets; `values` follow the first instant of the month."""

    words: str
    sql: str
    values: tuple[Any, ...] = ()


def _acts(words: str, *triggers: str) -> Figure:
    return Figure(words, JOURNALED, (list(triggers),))


FIGURES: Final[Mapping[str, Figure]] = {
    "3.2": Figure(_("taken without a contract in force"), RECEIVED + " AND (t.contract IS NULL OR t.contract_expired)"),
    "4.1": Figure(_("received"), RECEIVED),
    "4.2": Figure(_("by a sender nobody knew"), RECEIVED + " AND t.organisation IS NULL"),
    "4.3": _acts(_("split into a ticket of their own"), "split"),
    "4.4": Figure(_("given a number"), "SELECT t.id FROM ticket t WHERE t.received_at >= $1 AND t.number IS NOT NULL"),
    "4.6": _acts(_("asked back"), "request_info"),
    "4.7": _acts(_("answered"), "answer", "complete"),
    "4.8": _acts(_("disputed"), "dispute"),
    "4.9": _acts(_("closed by silence"), "expire"),
    "6.1": _acts(_("given another priority"), "change_priority"),
    "7.1": Figure(_("taken by phone"), RECEIVED + " AND t.channel = 'phone'"),
    "7.3": Figure(
        _("acknowledged by a letter"),
        RECEIVED + " AND EXISTS (SELECT FROM letter l WHERE l.ticket = t.id AND l.kind = 'accepted')",
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
    since = await _month(at)
    found = {}
    for clause, figure in FIGURES.items():
        rows = await fetch(f"SELECT count(DISTINCT id) AS n FROM ({figure.sql}) AS found", since, *figure.values)
        found[clause] = Counted(figure.words, rows[0]["n"])
    return found


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
    rows = await fetch(f"SELECT {columns} ({figure.sql}) {latest}", await _month(at), *figure.values)
    return figure.words, _read(rows)


def _read(rows: list[Any]) -> list[Behind]:
    return [Behind(**dict(row)) for row in rows]


async def _month(at: datetime) -> datetime:
    return first_of_months(1, at=at, zone=(await in_force(at=at)).regulation.calendar.zone)


async def _judging(at: datetime) -> tuple[Any, ...]:
    """The parameters of `CLOCKS`."""
    zone = (await in_force(at=at)).regulation.calendar.zone
    return await _month(at), at, list(PROCESS.states_paused()), zone
