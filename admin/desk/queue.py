"""The queue: the page operators and supervisors begin and end their day with."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from litestar import Response, get
from litestar.response import Redirect

from admin.desk import listing, reads, rows, views
from admin.desk.asked import asked_from
from admin.desk.rights import DESK as DESK
from admin.pages import render, url
from admin.reader import reading
from admin.reading import AnyRequest
from service.auth import actor_of, rules_of
from workflow.definition import STAFF


@get("/desk", guards=[DESK])
async def queue_page(request: AnyRequest) -> Response[str] | Redirect:
    """The tickets asked for in the address; a number in the search box leads straight to its ticket."""
    asked = asked_in(request)
    if asked.q and (found := await listing.numbered(asked.q)):
        return Redirect(f"/desk/tickets/{found}", status_code=303)
    reader, actor = await reading(request), await actor_of(request)
    rules, user = await rules_of(request), actor.user
    listed = await listing.tickets(asked, at=reader.at, after=request.query_params.get("after", ""))
    around = await reads.around_the_queue(sorted(STAFF), user=int(user) if user else None)
    people, organisations = around.people, around.organisations
    here = rows.query(asked)
    return render(
        "desk/queue.html",
        reader,
        figures=rows.figures(await listing.strip(at=reader.at), asked, reader),
        chips=rows.chips(asked, reader, rules, user=user, people=people, organisations=organisations),
        rows=[rows.drawn(rows.queue_row(row, reader)) for row in listed.rows],
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
        organisations=[(str(id), name) for id, name in organisations],
        kept=[(name, value) for name, value in _flat(here) if name not in ("assignee", "team", "organisation")],
        next_href=url("/desk", **here, after=listed.next) if listed.next else "",
        first_href=url("/desk", **here) if request.query_params.get("after") else "",
    )


def asked_in(request: AnyRequest) -> listing.Asked:
    """The filters of the address."""
    return asked_from(request.query_params.multi_items())


def _flat(query: Mapping[str, str | list[str]]) -> list[tuple[str, str]]:
    return [
        (name, one) for name, value in query.items() for one in ([value] if isinstance(value, str) else value) if one
    ]
