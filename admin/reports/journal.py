"""The journal of Appendix 1 as a page: for reading, page by page, and for print."""

from __future__ import annotations

from typing import Final

from litestar import Response, get

from admin.desk.rights import REPORTS
from admin.pages import render, url
from admin.reader import reading
from admin.reading import AnyRequest
from admin.reports.period import period_of
from service import appendix
from service.paging import place_in
from service.words import translate

SHOWN: Final = 300  # requests on one page; the files hold them all
HERE: Final = "/reports/journal"


@get(HERE, guards=[REPORTS])
async def journal_page(request: AnyRequest) -> Response[str]:
    """The requests received in the days asked for, in the form of Appendix 1."""
    reader = await reading(request)
    period = period_of(request, at=reader.at, zone=reader.zone)
    after = place_in(request.query_params.get("after", ""))
    found: list[appendix.Request] = []
    async for page in appendix.requests(
        since=period.since, until=period.until, language=reader.language, limit=SHOWN + 1, after=after
    ):
        found += page
    days = {"from": period.first, "until": period.last}
    last = found[SHOWN - 1] if len(found) > SHOWN else None
    return render(
        "reports/journal.html",
        reader,
        heads=[translate(reader.language, head) for head in appendix.HEADS],
        requests=found[:SHOWN],
        period=period,
        status={True: translate(reader.language, appendix.OPEN), False: translate(reader.language, appendix.CLOSED)},
        moment=lambda at: appendix.moment(at, reader.zone),
        opens=reader.searches,
        next_href=url(HERE, **days, after=f"{last.received_at.isoformat()}~{last.id}") if last else "",
        first_href=url(HERE, **days) if after else "",
    )
