"""Trying a draft before publishing it, how far a published version has come, and how the promises were kept."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from service import clock, compliance, drafts, regulations, republishing
from service.api.regulations import read_document
from service.api.requests import DEFAULT, NO_ZERO, AnyRequest, Cursor, Limit
from service.auth import OWNERS, READERS, requires
from service.problems import language_of
from service.simulation import MOST_LISTED, MOST_MONTHS, Simulation, Sort, simulate
from service.whole_numbers import INTEGER, whole_number
from service.words import translate
from workflow.carrying_over import Choice
from workflow.errors import NotFound
from workflow.regulation import Regulation
from workflow.words import _

READ = requires(*READERS, scope="regulation:read")
TRY = requires(*OWNERS, scope="regulation:write")
REPORTS = requires(*READERS, scope="tickets:read")
DRAFT = "draft"


class SimulationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to try: `document`, or else the version in the address. `months` looks back, this month included."""

    document: dict[str, Any] | None = None
    months: Annotated[int, msgspec.Meta(ge=0, le=MOST_MONTHS)] = 3
    sort: Sort = "new_due"
    limit: Annotated[int, msgspec.Meta(ge=0, le=MOST_LISTED)] = 100


class KeptTicket(msgspec.Struct, frozen=True):
    """A ticket that keeps its version, and why."""

    id: str
    number: str | None
    reason: str


class RepublicationProgress(msgspec.Struct, frozen=True):
    """Of `total` open tickets `done` were carried over and `skipped` keep their version; `kept` lists those."""

    version: int
    open_tickets: Choice
    starts_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    total: int
    done: int
    skipped: int
    kept: list[KeptTicket]


class SlaReport(msgspec.Struct, frozen=True):
    """One row for each month of receipt, priority and clock."""

    items: list[compliance.Kept]


class SlaTickets(msgspec.Struct, frozen=True):
    """The tickets behind one figure."""

    items: list[compliance.JudgedTicket]
    next_cursor: str | None


@post("/regulations/{version:str}/simulate", operation_id="simulateRegulation", summary="Try a draft",
      status_code=200, guards=[TRY])  # fmt: skip
async def simulate_regulation(version: FromPath[str], data: JSONBody[SimulationRequest]) -> Simulation:
    """What a document would do to open tickets, and would have made of the last months. Nothing is changed.

    The address names the version that the posted document follows; without a document that version itself is tried, and
    `draft` stands for the draft that is being edited.
    """
    document = await _known(version)
    if data.document is not None:
        document = read_document(data.document)
    return await simulate(document, at=clock.now(), months=data.months, sort=data.sort, limit=data.limit)


@get("/regulations/{version:int}/progress", operation_id="getRegulationProgress", summary="How far a version has come",
     guards=[READ])  # fmt: skip
async def regulation_progress(request: AnyRequest, version: FromPath[int]) -> RepublicationProgress:
    """How many open tickets were carried over to a published version, and which keep theirs."""
    if not 0 < version < 2**31:
        raise NotFound()
    language = language_of(request)
    told = await republishing.progress(version)
    return RepublicationProgress(
        told.version, told.choice, told.starts_at, told.started_at, told.finished_at, told.total, told.done,
        told.skipped,
        [KeptTicket(str(one.ticket), one.number, translate(language, one.sentence, **one.params)) for one in told.kept],
    )  # fmt: skip


Months = Annotated[int, QueryParameter(name="months", ge=1, le=MOST_MONTHS, description="This month and those before.")]
Month = Annotated[
    str, QueryParameter(name="month", pattern=r"^20\d\d-(0[1-9]|1[0-2])$", description="Month of receipt: `2026-05`.")
]
Level = Annotated[str, QueryParameter(name="level", pattern=NO_ZERO, description="Code of a service level.")]
Priority = Annotated[
    str | None,
    QueryParameter(name="priority", pattern=NO_ZERO, description="None: requests without a priority."),
]


@get("/reports/sla", operation_id="getSlaReport", summary="How the promises were kept", guards=[REPORTS])
async def sla_report(months: Months = 3, level: Level = "") -> SlaReport:
    """Met, extended and breached clocks of requests by month of receipt and priority, this month included."""
    return SlaReport(await compliance.by_month(months=months, at=clock.now(), level=level))


@get("/reports/sla/tickets", operation_id="listSlaTickets", summary="The tickets behind a figure", guards=[REPORTS])
async def sla_tickets(
    month: Month,
    result: FromQuery[Literal["met", "extended", "breached", "running"]],
    of_clock: Annotated[Literal["registration", "resolution"], QueryParameter(name="clock")] = "resolution",
    priority: Priority = None,
    level: Level = "",
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> SlaTickets:
    """Which tickets make up one figure of the report, the latest received first."""
    at = clock.now()
    zone = (await regulations.in_force(at=at)).regulation.calendar.zone
    figure = compliance.Figure(
        clock=of_clock, result=result, since=compliance.first_of_month(month, zone=zone), month=month,
        priority=priority or compliance.NONE, level=level,
    )  # fmt: skip
    page, more = await compliance.tickets_behind(figure, at=at, cursor=cursor, limit=limit)
    return SlaTickets(page, more)


async def _known(version: str) -> Regulation:
    if version == DRAFT:
        draft = await drafts.open_draft()
        if draft is None:
            raise NotFound(_("Nobody is editing a draft."))
        return draft.document
    number = whole_number(version, most=INTEGER)
    if number is None:
        raise NotFound()
    return await regulations.document(number, at=clock.now())


ROUTER = Router(
    "/", route_handlers=[simulate_regulation, regulation_progress, sla_report, sla_tickets], tags=["Regulation"]
)
