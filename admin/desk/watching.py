"""Watching a ticket from its page."""

from __future__ import annotations

from uuid import UUID

from litestar import post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.desk.rights import DESK
from admin.reader import flash, reading
from admin.reading import AnyRequest
from service import watching
from service.auth import actor_of
from service.words import translate
from workflow.words import _


@post("/desk/tickets/{id:uuid}/watch", guards=[DESK], status_code=303)
async def watch(request: AnyRequest, id: FromPath[UUID]) -> Redirect:
    """Be told of what happens to the ticket; with `stop=1` no more."""
    form = await request.form()
    reader, actor = await reading(request), await actor_of(request)
    if form.get("stop") == "1":
        await watching.stop_watching(id, by=actor, at=reader.at)
        said = _("You do not watch this ticket any more.")
    else:
        await watching.watch(id, by=actor, at=reader.at)
        said = _("You watch this ticket: what happens to it comes under the bell.")
    flash(request, translate(reader.language, said))
    return Redirect(f"/desk/tickets/{id}", status_code=303)
