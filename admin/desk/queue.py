"""The queue: the page operators and supervisors begin and end their day with."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import uuid4

from litestar import Response, get
from litestar.response import Redirect

from admin.desk import listing, reads, rows, views
from admin.desk.asked import asked_from, cleaned
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
    here = rows.query(asked)
    if len(meant) == 1:
        return Redirect(url("/desk", **here | {"organisation": str(meant[0][0])}), status_code=303)
    reader, actor = await reading(request), await actor_of(request)
    rules, user = await rules_of(request), actor.user
    listed, around, strip = await asyncio.gather(
        listing.tickets(asked, at=reader.at, after=request.query_params.get("after", "")),
        reads.around_the_queue(sorted(STAFF), user=_id(user), organisation=_id(asked.organisation)),
        listing.strip(at=reader.at),
    )
    people = around.people
    return render(
        "desk/queue.html",
        reader,
        figures=rows.figures(strip, asked, reader),
        chips=rows.chips(asked, reader, rules, user=user, people=people, organisation=around.organisation),
        rows=[await rows.DRAWN.drawn(row, reader) for row in listed.rows],
        asked=asked,
        order=asked.order,
        orders=rows.orders(asked, reader) if asked.order != "newest" else [],
        frequent=listed.frequent,
        most_found=listing.MOST_FOUND,
        views=views.view_chips(around.views, asked, reader),
        view_query=views.address_of(asked),
        priorities=[(code, rules.priorities[code].name.to(reader.language)) for code in rules.open_priorities],
        answers=[(one.code, one.title.to(reader.language)) for one in rules.regulation.canned_answers],
        key=uuid4().hex,
        filtered=any(here.values()),
        workers=[(str(person.id), person.name) for person in rows.workers(people)],
        colleagues=[(person.email, person.name) for person in rows.workers(people)],
        teams=rows.teams(people),
        organisation=named or around.organisation,
        unknown=bool(named),
        meant=[(name, url("/desk", **here | {"organisation": str(id)})) for id, name in meant],
        kept=[(name, value) for name, value in _flat(here) if name not in ("assignee", "team", "organisation")],
        next_href=url("/desk", **here, after=listed.next) if listed.next else "",
        first_href=url("/desk", **here) if request.query_params.get("after") else "",
    )


def _id(value: str) -> int | None:
    return int(value) if value else None


def asked_in(request: AnyRequest) -> listing.Asked:
    """The filters of the address."""
    return asked_from(request.query_params.multi_items())


def _flat(query: Mapping[str, str | list[str]]) -> list[tuple[str, str]]:
    return [
        (name, one) for name, value in query.items() for one in ([value] if isinstance(value, str) else value) if one
    ]
