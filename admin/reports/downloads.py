"""Every table of the reports as a file, streamed: CSV row by row, XLSX through a temporary file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from litestar import get
from litestar.params import FromPath
from litestar.response import Stream

from admin.desk.rights import REPORTS
from admin.pages import Reading
from admin.reader import reading
from admin.reading import AnyRequest
from admin.reports import work
from admin.reports.clocks import CLOCKS, level_name
from admin.reports.period import Period, month_of, months_of, months_until, period_of, since_of
from service import appendix, reporting
from service.compliance import by_month_and_level
from service.regulations import in_force
from service.satisfaction import summary
from service.spreadsheets import CSV, XLSX, Cell, as_csv, as_xlsx
from service.words import translate
from workflow.errors import NotFound
from workflow.process import DELIVERY_METHODS, PROCESS
from workflow.regulation import Rulebook
from workflow.words import _

Rows = Sequence[Sequence[Cell]]
Pages = AsyncIterator[Rows]
HOUR: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose file it is, and of which time; `rules` are those that name what stands in it."""

    reader: Reading
    rules: Rulebook
    months: int
    level: str
    since: datetime
    period: Period

    def t(self, msgid: str) -> str:
        return translate(self.reader.language, msgid)

    def moment(self, at: datetime) -> str:
        return appendix.moment(at, self.reader.zone)


@dataclass(frozen=True, slots=True)
class Table:
    """One file: its columns (English msgids), their widths in characters, and where the rows come from."""

    heads: Sequence[str]
    widths: Sequence[int]
    pages: Callable[[Wanted], Pages]
    of_days: bool = False  # of the days of a period, not of whole months

    def called(self, name: str, wanted: Wanted) -> str:
        return f"{name}-{wanted.period.first}-{wanted.period.last}" if self.of_days else name


@get("/reports/{name:str}/{form:str}", guards=[REPORTS])
async def download(request: AnyRequest, name: FromPath[str], form: FromPath[str]) -> Stream:
    """One table of the reports, as `csv` or `xlsx`."""
    table = TABLES.get(name)
    if table is None or form not in ("csv", "xlsx"):
        raise NotFound()
    reader, months = await reading(request), months_of(request)
    wanted = Wanted(
        reader=reader, rules=await in_force(at=reader.at), months=months,
        level=request.query_params.get("level", "").replace("\x00", ""),
        since=since_of(months, at=reader.at, zone=reader.zone),
        period=period_of(request, at=reader.at, zone=reader.zone),
    )  # fmt: skip
    heads, pages = [wanted.t(head) for head in table.heads], table.pages(wanted)
    if form == "csv":
        content, media = as_csv(heads, pages), CSV
    else:
        content, media = as_xlsx(heads, pages, sheet=name, widths=table.widths), XLSX
    called = f'attachment; filename="{table.called(name, wanted)}.{form}"'
    return Stream(content, media_type=media, headers={"Content-Disposition": called, "Cache-Control": "no-store"})


# --- the tables -------------------------------------------------------------------------------------------------------


async def _journal(wanted: Wanted) -> Pages:
    language, zone, period = wanted.reader.language, wanted.reader.zone, wanted.period
    async for page in appendix.requests(since=period.since, until=period.until, language=language):
        yield [appendix.cells(one, language=language, zone=zone) for one in page]


async def _sla(wanted: Wanted) -> Pages:
    rows = await by_month_and_level(months=wanted.months, at=wanted.reader.at)
    yield [
        [one.month, wanted.t(CLOCKS[one.clock]), one.priority or "",
         one.level and level_name(one.level, wanted.rules, wanted.reader), one.met, one.extended, one.breached,
         one.running]
        for one in rows if wanted.level in ("", one.level)
    ]  # fmt: skip


async def _states(wanted: Wanted) -> Pages:
    rows = await reporting.time_per_state(since=wanted.since, level=wanted.level)
    yield [
        [wanted.t(PROCESS.state(one.state).label), one.stays, *_hours(one.mean_seconds, one.median_seconds)]
        for one in rows
    ]


async def _pauses(wanted: Wanted) -> Pages:
    rows = await reporting.pauses(since=wanted.since, level=wanted.level)
    yield [
        [wanted.t(one.reason), one.pauses, one.tickets, *_hours(one.mean_seconds, one.median_seconds)] for one in rows
    ]


def _hours(*seconds: float) -> Iterable[float]:
    return (round(one / HOUR, 2) for one in seconds)


def _happened(trigger: str) -> Callable[[Wanted], Pages]:
    async def pages(wanted: Wanted) -> Pages:
        zone = wanted.reader.zone.key
        rows = await reporting.happened(trigger, since=wanted.since, zone=zone, level=wanted.level)
        names = wanted.rules.reason_names(wanted.reader.language)
        yield [[one.month, names.get(one.code, one.code), one.n, one.tickets] for one in rows]

    return pages


async def _effort(wanted: Wanted) -> Pages:
    """Month by month: however many contracts there are, one month lies in memory."""
    for month in months_until(wanted.months, at=wanted.reader.at, zone=wanted.reader.zone):
        bounds = month_of(month, zone=wanted.reader.zone)
        assert bounds is not None
        zone = wanted.reader.zone.key
        rows = await reporting.effort(since=bounds[0], until=bounds[1], zone=zone, level=wanted.level)
        yield [
            [one.month, one.organisation, one.contract, one.operator, one.operator_email, one.answers, one.minutes]
            for one in rows
        ]


async def _bookings(wanted: Wanted) -> Pages:
    methods = dict(DELIVERY_METHODS)
    until = wanted.reader.at + timedelta(days=1)
    async for page in reporting.bookings(since=wanted.since, until=until, level=wanted.level):
        yield [
            [wanted.moment(one.at), one.number or "", one.subject, one.organisation, one.contract, one.operator,
             wanted.t(methods[one.method]) if one.method in methods else one.method, one.minutes]
            for one in page
        ]  # fmt: skip


async def _satisfaction(wanted: Wanted) -> Pages:
    until = wanted.reader.at + timedelta(days=1)
    rows = await summary(since=wanted.since, until=until, zone=wanted.reader.zone, level=wanted.level)
    yield [[f"{one.first:%Y-%m}", one.good, one.fair, one.bad] for one in rows]


TABLES: Mapping[str, Table] = {
    "journal": Table(appendix.HEADS, appendix.WIDTHS, _journal, of_days=True),
    "sla": Table(
        (_("Month"), _("Clock"), _("Priority"), _("Service level"), _("in time"), _("extended in time"),
         _("breached"), _("still runs")),
        (10, 14, 12, 16, 10, 10, 10, 10), _sla,
    ),
    "states": Table(
        (_("State"), _("Stays"), _("On average, hours"), _("Half of them at most, hours")), (30, 10, 16, 16), _states
    ),
    "pauses": Table(
        (_("Reason"), _("Pauses"), _("Tickets"), _("On average, hours"), _("Half of them at most, hours")),
        (40, 10, 10, 16, 16), _pauses,
    ),
    "disputes": Table(
        (_("Month"), _("Reason"), _("Times"), _("Tickets")), (10, 30, 10, 10), _happened(work.DISPUTE)
    ),
    "extensions": Table(
        (_("Month"), _("Reason"), _("Times"), _("Tickets")), (10, 30, 10, 10), _happened(work.EXTEND)
    ),
    "effort": Table(
        (_("Month"), _("Organisation"), _("Contract"), _("Who"), _("E-mail"), _("Answers"), _("Minutes")),
        (10, 40, 20, 24, 30, 10, 10), _effort,
    ),
    "bookings": Table(
        (_("When"), _("Number"), _("Subject"), _("Organisation"), _("Contract"), _("Who"), _("Delivery method"),
         _("Minutes")),
        (16, 16, 50, 40, 20, 24, 18, 10), _bookings,
    ),
    "satisfaction": Table((_("Month"), _("Good"), _("So-so"), _("Bad")), (10, 10, 10, 10), _satisfaction),
}  # fmt: skip
