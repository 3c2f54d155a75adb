"""What the desk obeys, for programs: the process as a table, the clauses with their figures, a year's days off."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Router, get
from litestar.params import FromPath

from service import clock, coverage
from service.api.requests import AnyRequest
from service.auth import READERS, requires
from service.calendar_import import year_from_holidays
from service.problems import language_of
from service.regulation_text import chapters
from service.regulations import in_force
from service.words import translate
from workflow.calendar import BadCalendar
from workflow.definition import Move, State
from workflow.errors import NotFound
from workflow.process import PROCESS

READ = requires(*READERS, scope="regulation:read")


class ProcessState(msgspec.Struct, frozen=True):
    """A state, what the customer sees, and what its clocks do."""

    name: str
    label: str
    customer_label: str
    runs: str | None
    pauses: str | None
    final: bool


class ProcessMove(msgspec.Struct, frozen=True):
    """A move, or an act that keeps the state (`to` is null), and what it must carry."""

    trigger: str
    label: str
    sources: list[str]
    to: str | None
    who: list[str]
    fields: list[str]
    required: list[str]
    letters: list[str]


class ProcessView(msgspec.Struct, frozen=True):
    """The whole table the machine obeys, with labels in the language you accept."""

    initial: str
    states: list[ProcessState]
    moves: list[ProcessMove]


class ClauseFigure(msgspec.Struct, frozen=True):
    """A count of this month, and the name under which its tickets are asked for."""

    name: str
    words: str
    count: int


class ClauseView(msgspec.Struct, frozen=True):
    """A clause of the regulation in force, what it says, and what of it happened this month."""

    clause: str
    text: list[str]
    figures: list[ClauseFigure]


class Coverage(msgspec.Struct, frozen=True):
    """Every clause, in the order of the text."""

    version: int
    items: list[ClauseView]


class CoveredTicket(msgspec.Struct, frozen=True):
    """A ticket behind a figure."""

    id: str
    number: str | None
    subject: str
    priority: str | None
    received_at: datetime


class CoveredTickets(msgspec.Struct, frozen=True):
    """What a figure counts, and its tickets, the latest first."""

    words: str
    items: list[CoveredTicket]


@get("/process", operation_id="getProcess", summary="The process", guards=[READ])
async def get_process(request: AnyRequest) -> ProcessView:
    """States and moves as the machine obeys them: the same table as the pages, the picture and the checks."""
    language = language_of(request)

    def state(one: State) -> ProcessState:
        labels = (translate(language, one.label), translate(language, one.customer_label))
        return ProcessState(one.name, *labels, one.runs, one.pauses, one.final)

    def move(one: Move) -> ProcessMove:
        return ProcessMove(
            one.trigger, translate(language, one.label), list(one.sources), one.to,
            sorted(role.value for role in one.who), [field.name for field in one.fields],
            [field.name for field in one.fields if field.required], list(one.letters),
        )  # fmt: skip

    return ProcessView(PROCESS.initial, [state(one) for one in PROCESS.states], [move(one) for one in PROCESS.moves])


@get("/coverage", operation_id="getCoverage", summary="The clauses and their figures", guards=[READ])
async def get_coverage(request: AnyRequest) -> Coverage:
    """Each clause of the regulation in force with what of it happened this month."""
    language, at = language_of(request), clock.now()
    rules = await in_force(at=at)
    counted = {
        clause: [ClauseFigure(clause, translate(language, one.words), one.count)]
        for clause, one in (await coverage.figures(at=at)).items()
    }
    counted["6.3"] = [
        ClauseFigure(name, translate(language, coverage.LATE[name]), one.late)
        for name, one in (await coverage.promises(at=at)).items()
    ]
    return Coverage(
        rules.version,
        [
            ClauseView(clause.number, list(clause.sentences), counted.get(clause.number, []))
            for chapter in chapters(rules.regulation, language)
            for clause in chapter.clauses
        ],
    )


@get("/coverage/{name:str}", operation_id="listCoveredTickets", summary="The tickets behind a figure", guards=[READ])
async def covered_tickets(request: AnyRequest, name: FromPath[str]) -> CoveredTickets:
    """Up to 200 tickets of this month behind a figure; of clause 6.3 those that were late."""
    words, found = await coverage.behind(name, at=clock.now())
    items = [CoveredTicket(str(one.id), one.number, one.subject, one.priority, one.received_at) for one in found]
    return CoveredTickets(translate(language_of(request), words), items)


Year = Annotated[dict[str, Any], msgspec.Meta(description="A year as the calendar of a regulation holds it.")]


class ProposedYear(msgspec.Struct, frozen=True):
    """A year of the production calendar, to be put among the `years` of a draft's calendar."""

    year: Year


@get("/production-calendar/{year:int}", operation_id="proposeYear", summary="A year's days off", guards=[READ])
async def propose_year(year: FromPath[int]) -> ProposedYear:
    """What the `holidays` library knows of a Russian year; 404 for one whose transfers nobody has decreed yet."""
    try:
        return ProposedYear(msgspec.to_builtins(year_from_holidays(year)))
    except BadCalendar as unknown:
        raise NotFound(unknown.sentence, **unknown.params) from None


ROUTER = Router("/", route_handlers=[get_process, get_coverage, covered_tickets, propose_year], tags=["Regulation"])
