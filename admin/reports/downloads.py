"""The reports and the journal of Appendix 1 as files, streamed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream

from admin.desk.rights import REPORTS
from admin.pages import Reading, render
from admin.reader import reading
from admin.reading import AnyRequest
from admin.reports.period import Period, months_of, period_of, since_of
from service import appendix, reporting
from service.compliance import by_month
from service.spreadsheets import CSV, XLSX, Cell, as_csv, as_xlsx
from service.words import translate
from workflow.errors import NotFound
from workflow.words import _

SHOWN = 300  # requests of the journal on one page; the files hold them all

EFFORT = (_("Month"), _("Organisation"), _("Contract"), _("Who"), _("Answers"), _("Minutes"))
SLA = (
    _("Month"), _("Clock"), _("Priority"), _("in time"), _("extended in time"), _("breached"), _("still runs"),
)  # fmt: skip


@get("/reports/journal", guards=[REPORTS])
async def journal_page(request: AnyRequest) -> Response[str]:
    """The journal in the form of Appendix 1, for reading and for print."""
    reader = await reading(request)
    period = period_of(request, at=reader.at, zone=reader.zone)
    found: list[appendix.Request] = []
    async for page in appendix.requests(
        since=period.since, until=period.until, language=reader.language, limit=SHOWN + 1
    ):
        found += page
    return render(
        "reports/journal.html",
        reader,
        heads=[translate(reader.language, head) for head in appendix.HEADS],
        requests=found[:SHOWN],
        more=len(found) > SHOWN,
        shown=SHOWN,
        period=period,
        status={True: translate(reader.language, appendix.OPEN), False: translate(reader.language, appendix.CLOSED)},
        moment=lambda at: appendix.moment(at, reader.zone),
        opens=reader.searches,
    )


@get("/reports/{name:str}/{form:str}", guards=[REPORTS])
async def download(request: AnyRequest, name: FromPath[str], form: FromPath[str]) -> Stream:
    """`journal`, `effort` or `sla`, each as `csv` or `xlsx`."""
    make = {"journal": _journal, "effort": _effort, "sla": _sla}.get(name)
    if make is None or form not in ("csv", "xlsx"):
        raise NotFound()
    reader = await reading(request)
    heads, pages, widths, called = await make(request, reader)
    said = [translate(reader.language, head) for head in heads]
    if form == "csv":
        content, media = as_csv(said, pages), CSV
    else:
        content, media = as_xlsx(said, pages, sheet=name, widths=widths), XLSX
    return Stream(
        content, media_type=media,
        headers={"Content-Disposition": f'attachment; filename="{called}.{form}"', "Cache-Control": "no-store"},
    )  # fmt: skip


async def _journal(request: AnyRequest, reader: Reading) -> tuple[Any, Any, Sequence[int], str]:
    period = period_of(request, at=reader.at, zone=reader.zone)
    return appendix.HEADS, _journal_pages(period, reader), appendix.WIDTHS, f"journal-{period.first}-{period.last}"


async def _journal_pages(period: Period, reader: Reading) -> AsyncIterator[list[list[str]]]:
    async for page in appendix.requests(since=period.since, until=period.until, language=reader.language):
        yield [appendix.cells(one, language=reader.language, zone=reader.zone) for one in page]


async def _effort(request: AnyRequest, reader: Reading) -> tuple[Any, Any, Sequence[int], str]:
    since = since_of(months_of(request), at=reader.at, zone=reader.zone)
    rows = await reporting.effort(since=since, until=reader.at + timedelta(days=1), zone=reader.zone.key)
    cells: list[list[Cell]] = [
        [one.month, one.organisation, one.contract, one.operator, one.answers, one.minutes] for one in rows
    ]
    return EFFORT, _one_page(cells), (10, 40, 20, 24, 10, 10), "effort"


async def _sla(request: AnyRequest, reader: Reading) -> tuple[Any, Any, Sequence[int], str]:
    rows = await by_month(months=months_of(request), at=reader.at)
    cells: list[list[Cell]] = [
        [one.month, one.clock, one.priority or "", one.met, one.extended, one.breached, one.running] for one in rows
    ]
    return SLA, _one_page(cells), (10, 14, 12, 10, 10, 10, 10), "sla"


async def _one_page(rows: Sequence[Sequence[Cell]]) -> AsyncIterator[Sequence[Sequence[Cell]]]:
    yield rows
