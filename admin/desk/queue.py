"""The queue: the page operators and supervisors begin and end their day with."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from litestar import Response, get
from litestar.response import Redirect

from admin.desk import listing, rows, views
from admin.desk.around import around_the_queue
from admin.desk.asked import asked_from, cleaned
from admin.desk.filters import Filters, figures, query
from admin.desk.rights import DESK as DESK
from admin.pages import render, url
from admin.reader import reading
from admin.reading import AnyRequest
from service.auth import actor_of, rules_of
from service.directory import organisations_meant
from workflow.definition import STAFF


@get("/desk", guards=[DESK])
async def queue_page(request: AnyRequest) -> Response[str] | Redirect:
    """The tickets asked for in the address; a number in the search box leads straight to its ticket."""
    asked = asked_in(request)
    if asked.q and (found := await listing.numbered(asked.q)):
        return Redirect(f"/desk/tickets/{found}", status_code=303)
    named = cleaned(request.query_params.get("organisation", "")) if not asked.organisation else ""
    meant = await organisations_meant(named) if named else []
    here = query(asked)
    if len(meant) == 1:
        return Redirect(url("/desk", **here | {"organisation": str(meant[0][0])}), status_code=303)
    reader, actor = await reading(request), await actor_of(request)
    rules, user = await rules_of(request), actor.user
    listed, around = await asyncio.gather(
        listing.tickets(asked, at=reader.at, after=request.query_params.get("after", "")),
        around_the_queue(sorted(STAFF), at=reader.at, user=_id(user), organisation=_id(asked.organisation)),
    )
    return render(
        "desk/queue.html",
        reader,
        figures=figures(around.strip, asked, reader),
        filters=Filters(
            asked=asked, language=reader.language, priorities=rules.open_priorities, user=user, people=around.people,
            organisation=around.organisation,
        ),
        rows=await rows.DRAWN.drawn(listed.rows, reader),
        frequent=listed.frequent,
        most_found=listing.MOST_FOUND,
        views=views.view_chips(around.views, asked, reader),
        view_query=views.address_of(asked),
        priorities=tuple((code, rules.priorities[code].name.to(reader.language)) for code in rules.open_priorities),
        answers=tuple((one.code, one.title.to(reader.language)) for one in rules.regulation.canned_answers),
        key=uuid4().hex,
        filtered=any(here.values()),
        organisation=named or around.organisation,
        unknown=bool(named),
        meant=tuple((name, url("/desk", **here | {"organisation": str(id)})) for id, name in meant),
        next_href=url("/desk", **here, after=listed.next) if listed.next else "",
        first_href=url("/desk", **here) if request.query_params.get("after") else "",
    )  # fmt: skip


def _id(value: str) -> int | None:
    return int(value) if value else None


def asked_in(request: AnyRequest) -> listing.Asked:
    """The filters of the address."""
    return asked_from(request.query_params.multi_items())
