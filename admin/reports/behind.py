"""The tickets behind a figure of a report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from litestar import Response, get

from admin.desk.rights import REPORTS
from admin.pages import Reading, render, url
from admin.reader import reading
from admin.reading import AnyRequest
from admin.reports.clocks import BEHIND, CLOCKS, RESULTS, level_name
from admin.reports.period import month_of, months_of, since_of
from service import reporting
from service.compliance import NONE, Clock, Figure, tickets_behind
from service.regulations import in_force
from service.words import translate
from workflow.errors import NotFound
from workflow.process import PROCESS, SCORES
from workflow.words import _

ON_A_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the address asks for, and since when."""

    given: Mapping[str, str]
    since: datetime
    month: tuple[datetime, datetime] | None
    level: str
    reader: Reading

    def month_or_not_found(self) -> tuple[datetime, datetime]:
        if self.month is None:
            raise NotFound()
        return self.month

    def among(self, name: str, known: Any) -> str:
        """What is given under `name`, when it is known. Raises NotFound."""
        value = self.given.get(name, "")
        if value not in known:
            raise NotFound()
        return value

    def t(self, msgid: str) -> str:
        return translate(self.reader.language, msgid)


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of the list, what it is called, and where it goes on."""

    rows: list[Any]
    title: str
    onward: str = ""


@get("/reports/tickets", guards=[REPORTS])
async def behind_page(request: AnyRequest) -> Response[str]:
    """The list; what it is of stands in the address."""
    reader = await reading(request)
    given = {name: value.replace("\x00", "") for name, value in request.query_params.items()}
    find = FIGURES.get(given.get("kind", ""))
    if find is None:
        raise NotFound()
    since = since_of(months_of(request), at=reader.at, zone=reader.zone)
    month = month_of(given.get("month", ""), zone=reader.zone)
    level = given.get("level", "")
    named = level_name(level, await in_force(at=reader.at), reader) if level not in ("", NONE) else ""
    found = await find(Wanted(given=given, since=since, month=month, level=level, reader=reader))
    return render(
        "reports/behind.html",
        reader,
        title=f"{found.title} ({named})" if named else found.title,
        rows=found.rows,
        next_href=found.onward,
        opens=reader.searches,
        most=reporting.MOST,
    )


async def _kept(wanted: Wanted) -> Found:
    """How a clock ended: in one month or in all, for one priority or level or for all."""
    given, reader = wanted.given, wanted.reader
    clock, result = wanted.among("kind", get_args(Clock)), wanted.among("result", RESULTS)
    if given.get("month") and wanted.month is None:
        raise NotFound()
    figure = Figure(
        clock=clock, result=result, since=wanted.month[0] if wanted.month else wanted.since,  # type: ignore[arg-type]
        month=given.get("month", ""), priority=given.get("priority", ""), level=wanted.level,
    )  # fmt: skip
    page, cursor = await tickets_behind(figure, at=reader.at, cursor=given.get("cursor") or None, limit=ON_A_PAGE)
    narrowed = (figure.month, wanted.t(CLOCKS[clock]), figure.priority.replace(NONE, "—"))
    title = f"{', '.join(filter(None, narrowed))}: {wanted.t(RESULTS[result])}"
    return Found(list(page), title, url(BEHIND, **{**given, "cursor": cursor}) if cursor else "")


async def _state(wanted: Wanted) -> Found:
    state = wanted.among("state", PROCESS.by_name)
    rows = await reporting.behind_state(state, since=wanted.since, level=wanted.level)
    return Found(list(rows), wanted.t(PROCESS.state(state).label))


async def _pause(wanted: Wanted) -> Found:
    reason = wanted.among("reason", {state.pause_reason for state in PROCESS.states if state.pause_reason})
    rows = await reporting.behind_pauses(reason, since=wanted.since, level=wanted.level)
    return Found(list(rows), wanted.t(reason))


async def _move(wanted: Wanted) -> Found:
    trigger, code = wanted.among("trigger", PROCESS.by_trigger), wanted.given.get("code", "")
    since, until = wanted.month_or_not_found()
    rows = await reporting.behind_moves(
        trigger, code=None if not code else "" if code == NONE else code, since=since, until=until, level=wanted.level
    )
    return Found(list(rows), f"{wanted.given['month']}: {wanted.t(PROCESS.by_trigger[trigger].in_journal)}")


async def _effort(wanted: Wanted) -> Found:
    """Of one contract, of one colleague, or of all."""
    since, until = wanted.month_or_not_found()
    narrowed = {name: wanted.given.get(name, "") for name in ("organisation", "contract", "operator")}
    asked = {name: None if not value else "" if value == NONE else value for name, value in narrowed.items()}
    rows = await reporting.behind_effort(**asked, since=since, until=until, level=wanted.level)
    if narrowed["operator"]:
        narrowed["operator"] = await reporting.name_of(narrowed["operator"])
    said = ", ".join(value for value in narrowed.values() if value not in ("", NONE))
    if not said and narrowed["organisation"] == NONE:
        said = wanted.t(_("without an organisation"))
    return Found(list(rows), f"{wanted.given['month']}: {said or wanted.t(_('Booked minutes'))}")


async def _score(wanted: Wanted) -> Found:
    score = wanted.among("score", dict(SCORES))
    since, until = wanted.month_or_not_found()
    rows = await reporting.behind_score(score, since=since, until=until, level=wanted.level)
    return Found(list(rows), f"{wanted.given['month']}: {wanted.t(dict(SCORES)[score])}")


FIGURES: Mapping[str, Callable[[Wanted], Awaitable[Found]]] = {
    "registration": _kept, "resolution": _kept, "state": _state, "pause": _pause, "move": _move, "effort": _effort,
    "score": _score,
}  # fmt: skip
