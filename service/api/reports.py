"""The journal of Appendix 1 as files, and the booked effort, for programs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta
from typing import Annotated

import msgspec
from litestar import Router, get
from litestar.params import QueryParameter
from litestar.response import Stream

from service import appendix, clock, reporting, satisfaction
from service.api.requests import AnyRequest
from service.auth import READERS, requires
from service.compliance import first_of_months
from service.problems import language_of
from service.regulations import in_force
from service.spreadsheets import CSV, XLSX, as_csv, as_xlsx
from service.words import Language, translate
from workflow.calendar import zone_named
from workflow.errors import FieldError, WrongFields, no_choice
from workflow.process import PROCESS
from workflow.words import _

REPORTS = requires(*READERS, scope="tickets:read")
EARLIEST, LATEST = (
    date(2000, 1, 1),
    date(9000, 1, 1),
)  # no request was or will be received beyond; every zone knows them

Day = Annotated[date | None, QueryParameter(name="from", description="First day of receipt: `2026-05-01`.")]
LastDay = Annotated[date | None, QueryParameter(name="until", description="Last day of receipt, included.")]
Level = Annotated[str, QueryParameter(description="Of the tickets of this service level only.")]
Months = Annotated[int, QueryParameter(name="months", ge=1, le=36, description="This month and those before.")]


class EffortReport(msgspec.Struct, frozen=True):
    """Minutes by month, contract and colleague, the latest month first; `minutes_total` over all of them."""

    items: list[reporting.Effort]
    minutes_total: int


@get("/reports/effort", operation_id="getEffortReport", summary="Booked minutes", guards=[REPORTS])
async def effort_report(months: Months = 3, level: Level = "") -> EffortReport:
    """Minutes booked on answers, by month, contract and colleague (clause 5.2), this month included."""
    at, since, zone = await _period(months)
    items = await reporting.effort(since=since, until=at + timedelta(days=1), zone=zone, level=level)
    return EffortReport(items, sum(one.minutes for one in items))


class LevelReport(msgspec.Struct, frozen=True):
    """One row for each service level and priority."""

    items: list[reporting.LevelKept]


class StateReport(msgspec.Struct, frozen=True):
    """One row for each state, in the order of the process; by the wall clock, finished stays only."""

    items: list[reporting.StateTime]


class PauseReport(msgspec.Struct, frozen=True):
    """One row for each reason; by the wall clock, ended rests only."""

    items: list[reporting.PauseTime]


class MoveReport(msgspec.Struct, frozen=True):
    """One row for each month and reason, the latest month first."""

    items: list[reporting.Count]


class SatisfactionReport(msgspec.Struct, frozen=True):
    """One row for each month in which a closed ticket was rated, the oldest first."""

    items: list[satisfaction.Month]


@get("/reports/levels", operation_id="getLevelReport", summary="Promises by service level", guards=[REPORTS])
async def level_report(months: Months = 3) -> LevelReport:
    """How the resolution clocks of the requests received in these months ended, by service level and priority."""
    at, since, zone = await _period(months)
    return LevelReport(await reporting.by_level(since=since, at=at, zone=zone))


@get("/reports/states", operation_id="getStateReport", summary="Time in each state", guards=[REPORTS])
async def state_report(months: Months = 3, level: Level = "") -> StateReport:
    """How long the tickets received in these months stood in each state."""
    _at, since, _zone = await _period(months)
    return StateReport(await reporting.time_per_state(since=since, level=level))


@get("/reports/pauses", operation_id="getPauseReport", summary="Pauses by reason", guards=[REPORTS])
async def pause_report(months: Months = 3, level: Level = "") -> PauseReport:
    """How often and how long the resolution clocks of the tickets received in these months rested, by the reason."""
    _at, since, _zone = await _period(months)
    return PauseReport(await reporting.pauses(since=since, level=level))


@get("/reports/moves", operation_id="getMoveReport", summary="How often a move was made", guards=[REPORTS])
async def move_report(
    trigger: Annotated[str, QueryParameter(description="Which move: `dispute`, `extend` …")],
    months: Months = 3,
    level: Level = "",
) -> MoveReport:
    """By month and by the code of the reason."""
    if trigger not in PROCESS.by_trigger:
        raise WrongFields([no_choice("trigger", trigger, PROCESS.by_trigger)])
    _at, since, zone = await _period(months)
    return MoveReport(await reporting.happened(trigger, since=since, zone=zone, level=level))


@get("/reports/satisfaction", operation_id="getSatisfactionReport", summary="What customers thought",
     guards=[REPORTS])  # fmt: skip
async def satisfaction_report(months: Months = 3, level: Level = "") -> SatisfactionReport:
    """How many closed tickets were rated how, by month."""
    at, since, zone = await _period(months)
    until = at + timedelta(days=1)
    found = await satisfaction.summary(since=since, until=until, zone=zone_named(zone), level=level)
    return SatisfactionReport(found)


async def _period(months: int) -> tuple[datetime, datetime, str]:
    """Now, the first instant of the months, and the zone they are counted in."""
    at = clock.now()
    zone = (await in_force(at=at)).regulation.calendar.zone
    return at, first_of_months(months, at=at, zone=zone), zone


@get("/journal.csv", operation_id="getJournalCsv", summary="The journal of Appendix 1 as CSV", guards=[REPORTS],
     media_type=CSV)  # fmt: skip
async def journal_csv(request: AnyRequest, first: Day = None, last: LastDay = None) -> Stream:
    """Six columns in the form of Appendix 1, the oldest request first; without days, everything."""
    language = language_of(request)
    pages, heads = await _journal(language, first, last)
    return _file(as_csv(heads, pages), CSV, "journal.csv")


@get("/journal.xlsx", operation_id="getJournalXlsx", summary="The journal of Appendix 1 as XLSX", guards=[REPORTS],
     media_type=XLSX)  # fmt: skip
async def journal_xlsx(request: AnyRequest, first: Day = None, last: LastDay = None) -> Stream:
    """The same as a workbook with one sheet."""
    language = language_of(request)
    pages, heads = await _journal(language, first, last)
    return _file(as_xlsx(heads, pages, sheet="journal", widths=appendix.WIDTHS), XLSX, "journal.xlsx")


async def _journal(
    language: Language, first: date | None, last: date | None
) -> tuple[AsyncIterator[list[list[str]]], list[str]]:
    """The rows of the days asked for, in the zone of the regulation in force. Raises WrongFields."""
    if first and last and last < first:
        raise WrongFields([FieldError("until", _("The last day lies before the first."), {})])
    zone = zone_named((await in_force(at=clock.now())).regulation.calendar.zone)
    since = datetime.combine(max(first or EARLIEST, EARLIEST), time(), zone)
    until = datetime.combine(min(last or LATEST, LATEST) + timedelta(days=1), time(), zone)

    async def pages() -> AsyncIterator[list[list[str]]]:
        async for page in appendix.requests(since=since, until=until, language=language):
            yield [appendix.cells(one, language=language, zone=zone) for one in page]

    return pages(), [translate(language, head) for head in appendix.HEADS]


def _file(content: AsyncIterator[bytes], media: str, name: str) -> Stream:
    return Stream(content, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


ROUTER = Router(
    "/",
    route_handlers=[
        effort_report, level_report, state_report, pause_report, move_report, satisfaction_report, journal_csv,
        journal_xlsx,
    ],
    tags=["Reports"],
)  # fmt: skip
