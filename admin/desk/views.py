"""Saved views on the queue: chips that lead to a filter, a form that keeps the one at hand, a click that forgets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from litestar import post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.desk import listing
from admin.desk.asked import asked_from
from admin.desk.filters import PATH, query
from admin.desk.rights import MOVES
from admin.pages import Reading, url
from admin.reader import flash, reading
from admin.reading import AnyRequest
from admin.refused import said
from service import saved_views
from service.auth import actor_of
from service.saved_views import SavedView
from service.words import translate
from workflow.errors import Refusal
from workflow.words import _


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewChip:
    """A saved view as a chip: on when the page shows just this filter."""

    id: int
    name: str
    href: str
    on: bool
    own: bool
    note: str


def address_of(asked: listing.Asked) -> str:
    """The filter as it is kept: the query string alone, always in the same order."""
    return url("", **query(asked)).removeprefix("?")


def view_chips(views: Sequence[SavedView], asked: listing.Asked, reader: Reading) -> list[ViewChip]:
    """The views of this person as chips."""
    here = address_of(asked)
    chips = []
    for view in views:
        note = "" if view.own else translate(reader.language, _("shared by {name}"), name=view.owner_name)
        href = f"{PATH}?{view.query}" if view.query else PATH
        chips.append(
            ViewChip(id=view.id, name=view.name, href=href, on=bool(here) and view.query == here, own=view.own,
                     note=note)
        )  # fmt: skip
    return chips


@post("/desk/views", guards=[MOVES], status_code=303)
async def save_view(request: AnyRequest) -> Redirect:
    """Keep the filter under a name and come back to it."""
    form = await request.form()
    reader, actor = await reading(request), await actor_of(request)
    asked = asked_from(parse_qsl(str(form.get("query", ""))[:2_000]))
    back = url(PATH, **query(asked))
    try:
        await saved_views.save_view(
            int(actor.user), name=str(form.get("name", "")), query=address_of(asked), shared=form.get("shared") == "1",
            at=reader.at,
        )  # fmt: skip
    except Refusal as refusal:
        flash(request, said(refusal, reader.language), "refused")
    else:
        flash(request, translate(reader.language, _("The view is kept.")))
    return Redirect(back, status_code=303)


@post("/desk/views/{id:int}/delete", guards=[MOVES], status_code=303)
async def delete_view(request: AnyRequest, id: FromPath[int]) -> Redirect:
    """Forget one's own view."""
    reader, actor = await reading(request), await actor_of(request)
    await saved_views.delete_view(int(actor.user), id)
    flash(request, translate(reader.language, _("The view is gone.")))
    return Redirect(PATH, status_code=303)
