"""The tickets behind a figure of a report."""

from __future__ import annotations

from typing import Any, get_args

from litestar import Response, get

from admin.desk.rights import REPORTS
from admin.pages import Reading, render, url
from admin.reader import reading
from admin.reading import AnyRequest
from admin.reports.page import RESULTS
from admin.reports.period import month_of, months_of, since_of
from service import reporting
from service.compliance import Clock, tickets_behind
from service.words import translate
from workflow.errors import NotFound
from workflow.process import PROCESS
from workflow.words import _


@get("/reports/tickets", guards=[REPORTS])
async def behind_page(request: AnyRequest) -> Response[str]:
    """The list; what it is of stands in the address."""
    reader = await reading(request)
    given = {name: value.replace("\x00", "") for name, value in request.query_params.items()}
    kind = given.get("kind", "")
    if kind in get_args(Clock):
        rows, title, onward = await _kept(given, reader)
    else:
        rows, title, onward = await _other(kind, given, request, reader)
    return render(
        "reports/behind.html",
        reader,
        title=title,
        rows=rows,
        next_href=onward,
        opens=reader.searches,
        most=reporting.MOST,
    )


async def _kept(given: dict[str, str], reader: Reading) -> tuple[list[Any], str, str]:
    """How a clock ended, of one month, and of one priority unless all are asked for."""
    month, result, clock = given.get("month", ""), given.get("result", ""), given["kind"]
    if month_of(month, zone=reader.zone) is None or result not in RESULTS:
        raise NotFound()
    if (priority := given.get("priority", "")) == "":
        found = await reporting.behind_results(month, clock=clock, result=result, at=reader.at, zone=reader.zone.key)
        title = f"{month}: {translate(reader.language, RESULTS[result])}"
        return list(found), title, ""
    page, cursor = await tickets_behind(
        month, clock=clock, result=result, priority=None if priority == "-" else priority, at=reader.at,  # type: ignore[arg-type]
        cursor=given.get("cursor") or None, limit=100,
    )  # fmt: skip
    title = f"{month}, {priority}: {translate(reader.language, RESULTS[result])}"
    return list(page), title, url("/reports/tickets", **{**given, "cursor": cursor}) if cursor else ""


async def _other(kind: str, given: dict[str, str], request: AnyRequest, reader: Reading) -> tuple[list[Any], str, str]:
    month = month_of(given.get("month", ""), zone=reader.zone)
    if kind == "state" and given.get("state") in PROCESS.by_name:
        since = since_of(months_of(request), at=reader.at, zone=reader.zone)
        label = translate(reader.language, PROCESS.state(given["state"]).label)
        return list(await reporting.behind_state(given["state"], since=since)), label, ""
    if kind == "move" and given.get("trigger") in PROCESS.by_trigger and month:
        code = given.get("code", "")
        found = await reporting.behind_moves(
            given["trigger"], code=None if not code else "" if code == "-" else code, since=month[0], until=month[1]
        )
        return (
            list(found),
            f"{given['month']}: {translate(reader.language, PROCESS.by_trigger[given['trigger']].label)}",
            "",
        )
    if kind == "effort" and month:
        found = await reporting.behind_effort(
            organisation=given.get("organisation", ""), contract=given.get("contract", ""),
            operator=given.get("operator") or None, since=month[0], until=month[1],
        )  # fmt: skip
        name = given.get("organisation") or translate(reader.language, _("without an organisation"))
        return list(found), f"{given['month']}: {name}", ""
    raise NotFound()
