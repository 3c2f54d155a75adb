"""Saved views of the queue over HTTP: one's own, and those that colleagues share."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody

from service import clock, saved_views
from service.api.requests import NO_ZERO, AnyRequest, own_user
from service.auth import actor_of, requires
from service.directory_edits import number_of
from service.saved_views import LONGEST_NAME, LONGEST_QUERY, SavedView
from service.schemas import Incoming
from workflow.definition import STAFF

READ = requires(*STAFF, scope="tickets:read")
WRITE = requires(*STAFF, scope="tickets:write")


class ViewView(msgspec.Struct, frozen=True):
    """A filter of the queue under a name; `query` is the query of the queue's address. `own`: yours to delete."""

    id: str
    name: str
    query: str
    shared: bool
    own: bool
    owner: str


class ViewPage(msgspec.Struct, frozen=True):
    items: list[ViewView]
    next_cursor: str | None


class NewView(Incoming, frozen=True, kw_only=True):
    """A name of one's own for a filter such as `state=new&priority=P1`."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
    query: Annotated[str, msgspec.Meta(max_length=LONGEST_QUERY, pattern=NO_ZERO)]
    shared: bool = False


@get("/", operation_id="listViews", summary="Saved views", guards=[READ])
async def list_views(request: AnyRequest) -> ViewPage:
    """Your own first, then those that are shared; at most 100, on one page."""
    by = await actor_of(request)
    return ViewPage([_view(one) for one in await saved_views.views_of(int(by.user or 0))], None)


@post("/", operation_id="createView", summary="Save a view", guards=[WRITE])
async def create_view(request: AnyRequest, data: JSONBody[NewView]) -> ViewView:
    """409 when you have one of this name."""
    user = own_user(await actor_of(request))
    await saved_views.save_view(user, name=data.name, query=data.query, shared=data.shared, at=clock.now())
    name = " ".join(data.name.replace("\x00", " ").split())
    (made,) = [one for one in await saved_views.views_of(user) if one.own and one.name == name]
    return _view(made)


@delete("/{view:str}", operation_id="deleteView", summary="Forget a view", guards=[WRITE])
async def delete_view(request: AnyRequest, view: FromPath[str]) -> None:
    """404 for anybody else's."""
    await saved_views.delete_view(own_user(await actor_of(request)), number_of(view))


def _view(found: SavedView) -> ViewView:
    return ViewView(str(found.id), found.name, found.query, found.shared, found.own, found.owner_name)


ROUTER = Router("/views", route_handlers=[list_views, create_view, delete_view], tags=["Tickets"])
