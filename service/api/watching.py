"""Watching tickets over HTTP."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Router, delete, get, put
from litestar.params import FromPath

from service import clock, queries, watching
from service.api.requests import AnyRequest
from service.auth import actor_of, requires
from workflow.definition import STAFF

READ = requires(*STAFF, scope="tickets:read")
WRITE = requires(*STAFF, scope="tickets:write")


class WatcherView(msgspec.Struct, frozen=True):
    id: str
    email: str
    name: str
    since: datetime


class WatcherList(msgspec.Struct, frozen=True):
    items: list[WatcherView]


@get("/watchers", operation_id="listWatchers", summary="Who watches a ticket", guards=[READ])
async def list_watchers(ticket: FromPath[str]) -> WatcherList:
    """Whoever is told of what happens to it, the longest first."""
    return await _watchers(await queries.known_id(ticket))


@put("/watch", operation_id="watchTicket", summary="Watch a ticket", guards=[WRITE])
async def watch_ticket(request: AnyRequest, ticket: FromPath[str]) -> WatcherList:
    """What happens to it is told to you, the way you chose for it; the token must speak for a colleague."""
    id = await queries.known_id(ticket)
    await watching.watch(id, by=await actor_of(request), at=clock.now())
    return await _watchers(id)


@delete("/watch", operation_id="stopWatching", summary="Watch a ticket no more", guards=[WRITE])
async def stop_watching(request: AnyRequest, ticket: FromPath[str]) -> None:
    """What you were told already stays under the bell."""
    await watching.stop_watching(await queries.known_id(ticket), by=await actor_of(request), at=clock.now())


async def _watchers(id: UUID) -> WatcherList:
    found = await watching.watchers(id)
    return WatcherList([WatcherView(str(one.id), one.email, one.name, one.since) for one in found])


ROUTER = Router("/tickets/{ticket:str}", route_handlers=[list_watchers, watch_ticket, stop_watching], tags=["Tickets"])
