"""Accounts over HTTP: who one is, passwords and absences of colleagues."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, get, post, put
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromPath, JSONBody

from service import clock, staffing
from service.accounts import user_id
from service.actors import Actor
from service.api.requests import AnyRequest
from service.auth import ADMINISTRATORS, ANY_SCOPE, EVERYBODY_INSIDE, actor_of, requires, visitor_of
from service.directory_edits import number_of
from service.schemas import Incoming, UserWithPassword
from service.tokens import EVERYTHING
from service.whole_numbers import whole_number
from workflow.errors import FieldError, WrongFields
from workflow.words import _

ANYBODY = requires(*EVERYBODY_INSIDE, scope=ANY_SCOPE)
READ = requires(*EVERYBODY_INSIDE, scope="directory:read")
GIVE_RIGHTS = requires(*ADMINISTRATORS, scope="tokens:manage")


class Me(msgspec.Struct, frozen=True):
    """Who a token or a session speaks for; the scope `*` is all that the role may."""

    kind: str
    name: str
    role: str
    user: str | None
    scopes: list[str]


class Absence(msgspec.Struct, frozen=True):
    """From when until when somebody is away, and whose id is told meanwhile; null when they are not."""

    first: datetime | None
    until: datetime | None
    deputy: str | None
    away: bool


class NewAbsence(Incoming, frozen=True, kw_only=True):
    """`until` is the instant of the return; without both instants the absence ends. `deputy` is an id or an address."""

    first: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    deputy: Annotated[str, msgspec.Meta(max_length=320)] = ""


@get("/me", operation_id="getMe", summary="Who you are here", guards=[ANYBODY])
async def get_me(request: AnyRequest) -> Me:
    """Whether your token works, whom it speaks for and how far; any token may ask."""
    visitor = await visitor_of(request)
    if visitor is None:
        raise NotAuthorizedException
    scopes = sorted(visitor.bearer.scopes) if visitor.bearer else [EVERYTHING]
    actor = visitor.actor
    return Me(actor.kind, actor.name, actor.role.value, actor.email or None, scopes)


# --- colleagues -------------------------------------------------------------------------------------------------------


@post("/users/{user:str}/password", operation_id="givePassword", summary="A fresh password", status_code=200,
      guards=[GIVE_RIGHTS])  # fmt: skip
async def give_password(request: AnyRequest, user: FromPath[str]) -> UserWithPassword:
    """Shown now and never again; the old one and every open session end."""
    id, at = number_of(user), clock.now()
    password = await staffing.give_new_password(id, by=await actor_of(request), at=at)
    return UserWithPassword(user, (await staffing.person(id, at=at)).email, password)


@get("/users/{user:str}/absence", operation_id="getAbsence", summary="Whether somebody is away", guards=[READ])
async def get_absence(user: FromPath[str]) -> Absence:
    return await absence_of(number_of(user), at=clock.now())


@put("/users/{user:str}/absence", operation_id="setAbsence", summary="Say that somebody is away",
     guards=[GIVE_RIGHTS])  # fmt: skip
async def set_absence(request: AnyRequest, user: FromPath[str], data: JSONBody[NewAbsence]) -> Absence:
    """Meanwhile the deputy is told of deadlines in their place."""
    return await say_away(number_of(user), data, by=await actor_of(request))


async def say_away(user: int, data: NewAbsence, *, by: Actor) -> Absence:
    """Keep an absence; what is known of it from then on. Raises NotFound and WrongFields."""
    at = clock.now()
    deputy = await _colleague(data.deputy) if data.deputy.strip() else None
    await staffing.set_absence(user, first=data.first, until=data.until, deputy=deputy, by=by, at=at)
    return await absence_of(user, at=at)


async def absence_of(id: int, *, at: datetime) -> Absence:
    """What is known of an absence. Raises NotFound."""
    found = await staffing.person(id, at=at)
    deputy = str(found.deputy) if found.deputy is not None else None
    return Absence(found.absent_from, found.absent_until, deputy, found.away)


async def _colleague(named: str) -> int:
    """The id behind an id or an address. Raises WrongFields."""
    named = named.strip()
    id = whole_number(named)
    if id is None:
        id = await user_id(named)
    if id is None:
        sentence = _("No active colleague is called “{value}”.")
        raise WrongFields([FieldError("deputy", sentence, {"value": named})])
    return id


ROUTER = Router(
    "/",
    route_handlers=[
        get_me, give_password, get_absence, set_absence,
    ],
    tags=["Directory"],
)  # fmt: skip
