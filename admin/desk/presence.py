"""Presence on the page of a ticket: who else looks at it, who writes, and whether it has changed since."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath

from admin.desk.rights import DESK
from admin.reading import AnyRequest, reading_of
from service import presence
from service.auth import actor_of, wall_clock
from service.database import fetchval
from service.words import Language, translate
from workflow.errors import NotFound
from workflow.words import _


@post("/desk/tickets/{id:uuid}/presence", guards=[DESK], status_code=200)
async def be_present(request: AnyRequest, id: FromPath[UUID]) -> Response[dict[str, object]]:
    """Called by the open page every few seconds; `away=1` when it closes."""
    actor, form = await actor_of(request), await request.form()
    seq = await fetchval("SELECT seq FROM ticket WHERE id = $1", id)
    if seq is None:
        raise NotFound()
    if not actor.user:
        return Response({"seq": seq, "others": ""})
    if form.get("away") == "1":
        await presence.go_away(id, int(actor.user))
        return Response({"seq": seq, "others": ""})
    here = await presence.be_present(id, int(actor.user), writing=form.get("writing") == "1", at=wall_clock())
    return Response({"seq": seq, "others": others(here.others, (await reading_of(request)).language)})


def others(here: Sequence[presence.Present], language: Language) -> str:
    """One line: who writes, and who looks; '' when nobody else is there."""
    writing = ", ".join(one.name for one in here if one.writing)
    looking = ", ".join(one.name for one in here if not one.writing)
    said = []
    if writing:
        said.append(translate(language, _("Writing now: {names}."), names=writing))
    if looking:
        said.append(translate(language, _("Also looking: {names}."), names=looking))
    return " ".join(said)
