"""Who else has the draft open: told to its pages, so that two editors notice each other before they save."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

from litestar import Response, post

from admin.desk.presence import others
from admin.reading import AnyRequest, reading_of
from admin.regulation.frame import LOOK
from service import drafts, presence
from service.actors import Actor
from service.auth import actor_of, wall_clock
from service.drafts import Draft
from service.words import Language

HERE: Final = "/regulation/draft/presence"
DRAFTS: Final = UUID("6f0c2d0e-5d2c-5c39-9a35-0f3f5a4a6b1e")  # the space in which drafts have their ids


def place_of(draft: Draft) -> UUID:
    """Where people on this draft are kept, beside those on tickets."""
    return uuid5(DRAFTS, str(draft.id))


async def others_at(draft: Draft, *, by: Actor, language: Language) -> str:
    """One line of who else is on the draft; '' when nobody is."""
    if not by.user:
        return ""
    return others(await presence.who_else(place_of(draft), int(by.user), at=wall_clock()), language)


@post(HERE, guards=[LOOK], status_code=200)
async def be_present(request: AnyRequest) -> Response[dict[str, object]]:
    """Called by open pages every few seconds; `away=1` when one closes. `seq` is 0 once the draft is gone."""
    by, form = await actor_of(request), await request.form()
    draft = await drafts.open_draft()
    if draft is None or not by.user:
        return Response({"seq": draft.revision if draft else 0, "others": ""})
    if form.get("away") == "1":
        await presence.go_away(place_of(draft), int(by.user))
        return Response({"seq": draft.revision, "others": ""})
    here = await presence.be_present(place_of(draft), int(by.user), writing=form.get("writing") == "1", at=wall_clock())
    return Response({"seq": draft.revision, "others": others(here.others, (await reading_of(request)).language)})


PRESENCE_PAGES: Final = (be_present,)
