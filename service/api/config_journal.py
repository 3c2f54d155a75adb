"""The journal of the configuration over HTTP: sign-ins, rights, and every change besides tickets."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Router, get
from litestar.params import QueryParameter

from service import config_journal
from service.api.requests import DEFAULT, Cursor, Limit, with_zone
from service.auth import ADMINISTRATORS, requires
from service.config_journal import Noted, Wanted
from service.paging import cursor_of, cut, place_of

READ = requires(*ADMINISTRATORS, scope="tokens:manage")
ID = msgspec.json.Decoder(tuple[int])


class ConfigEntryActor(msgspec.Struct, frozen=True):
    kind: str
    name: str


class ConfigEntryView(msgspec.Struct, frozen=True):
    """One change: who did what to what. `act` is such as `session.open`, `user.change`, `regulation.publish`."""

    id: str
    at: datetime
    actor: ConfigEntryActor
    act: str
    subject: str
    data: dict[str, Any]


class ConfigEntryPage(msgspec.Struct, frozen=True):
    items: list[ConfigEntryView]
    next_cursor: str | None


@get("/config-journal", operation_id="listConfigJournal", summary="Sign-ins, rights, settings", guards=[READ])
async def list_config_journal(
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    act: Annotated[str, QueryParameter(description="The act or its beginning: `session`, `user.change`.")] = "",
    actor: Annotated[str, QueryParameter(description="What the name of who acted holds.")] = "",
    subject: Annotated[str, QueryParameter(description="What the name of the changed thing holds.")] = "",
    since: Annotated[datetime | None, QueryParameter(description="The first instant, with its zone.")] = None,
    until: Annotated[datetime | None, QueryParameter(description="The instant before which it was.")] = None,
) -> ConfigEntryPage:
    """The newest first. Nothing is ever taken out of it."""
    wanted = Wanted(
        act=act, actor=actor, subject=subject, since=with_zone("since", since), until=with_zone("until", until)
    )
    place = place_of(cursor, ID)
    rows = await config_journal.noted(wanted, limit=limit + 1, before=place[0] if place else None)
    page, more = cut(rows, limit)
    return ConfigEntryPage([_view(one) for one in page], cursor_of(page[-1].id) if more else None)


def _view(one: Noted) -> ConfigEntryView:
    actor = ConfigEntryActor(one.actor_kind, one.actor_name)
    return ConfigEntryView(str(one.id), one.at, actor, one.act, one.subject, one.data)


ROUTER = Router("/", route_handlers=[list_config_journal], tags=["Operation"])
