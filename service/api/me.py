"""One's own account over HTTP: name and language, absence, what one is told and how, and signed-in browsers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from service import clock, notices, staffing
from service.api.accounts import Absence, NewAbsence, absence_of, say_away
from service.api.requests import DEFAULT, AnyRequest, Cursor, Limit, own_user
from service.auth import EVERYBODY_INSIDE, actor_of, requires, visitor_of, wall_clock
from service.directory_edits import account, change_user, number_of
from service.notices import Notice
from service.schemas import EntryActor, Incoming, UserView
from service.staffing import OpenSession
from workflow.definition import STAFF

LOOK = requires(*EVERYBODY_INSIDE, scope="directory:read")
CHANGE = requires(*EVERYBODY_INSIDE, scope="directory:write")
NOTICES = requires(*STAFF, scope="tickets:read")

KindName = Literal["deadline", "assigned", "customer", "mine", "watched"]
Way = Literal["mail", "bell"]


class OwnChange(Incoming, frozen=True, kw_only=True):
    """What is not named stays."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    language: Literal["ru", "en"] | msgspec.UnsetType = msgspec.UNSET


class NoticeView(msgspec.Struct, frozen=True):
    """Something you were told under the bell. `kind` is why; with `mail` it is about a held mail, else about the entry
    `seq` of a ticket's journal."""

    id: str
    kind: str
    at: datetime
    read_at: datetime | None
    ticket: str | None
    number: str | None
    subject: str
    seq: int
    trigger: str
    to_state: str
    actor: EntryActor
    mail: str | None


class NoticePage(msgspec.Struct, frozen=True):
    items: list[NoticeView]
    next_cursor: str | None


class ReadUntil(Incoming, frozen=True, kw_only=True):
    """The newest notice you have seen: it and all before it are read."""

    until: Annotated[str, msgspec.Meta(pattern="^[0-9]{1,18}$")]


class NoticesRead(msgspec.Struct, frozen=True):
    """How many were read by that."""

    read: int


class NoticeChange(Incoming, frozen=True, kw_only=True):
    read: bool


class NoticeWays(msgspec.Struct, frozen=True):
    """By which ways a kind of notice reaches you; one that is `needed` keeps at least one."""

    kind: str
    ways: list[str]
    needed: bool


class NoticeWaysList(msgspec.Struct, frozen=True):
    items: list[NoticeWays]


class NewWays(Incoming, frozen=True, kw_only=True):
    """The ways of the kinds that are named; the others stay."""

    ways: dict[KindName, list[Way]]


class SessionView(msgspec.Struct, frozen=True):
    """A signed-in browser: what it calls itself, and its address. `here` is the one that asks."""

    id: str
    browser: str
    place: str
    created_at: datetime
    expires_at: datetime
    here: bool


class SessionList(msgspec.Struct, frozen=True):
    items: list[SessionView]


class SessionsEnded(msgspec.Struct, frozen=True):
    ended: int


@patch("/me", operation_id="changeMe", summary="Change your own account", guards=[CHANGE])
async def change_me(request: AnyRequest, data: JSONBody[OwnChange]) -> UserView:
    """Your name, as customers read it, and the language of your pages and letters."""
    by = await actor_of(request)
    user = str(own_user(by))
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not msgspec.UNSET}
    await change_user(user, given, by=by, at=clock.now())
    return UserView(**await account(user))


@get("/me/absence", operation_id="getMyAbsence", summary="Whether you are away", guards=[LOOK])
async def get_my_absence(request: AnyRequest) -> Absence:
    return await absence_of(own_user(await actor_of(request)), at=clock.now())


@put("/me/absence", operation_id="setMyAbsence", summary="Say that you are away", guards=[CHANGE])
async def set_my_absence(request: AnyRequest, data: JSONBody[NewAbsence]) -> Absence:
    """Meanwhile the deputy is told of deadlines in your place; without one the supervisors are told as well."""
    by = await actor_of(request)
    return await say_away(own_user(by), data, by=by)


# --- what one is told -------------------------------------------------------------------------------------------------


@get("/me/notices", operation_id="listMyNotices", summary="What you were told", guards=[NOTICES])
async def list_my_notices(
    request: AnyRequest,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    unread: Annotated[bool, QueryParameter(description="Only what is not read.")] = False,
) -> NoticePage:
    """What stands under your bell, the newest first."""
    user = own_user(await actor_of(request))
    found, onward = await notices.notices(user, limit=limit, unread=unread, cursor=cursor)
    return NoticePage([_notice(one) for one in found], onward)


@post("/me/notices/read", operation_id="readMyNotices", summary="Mark notices as read", status_code=200,
      guards=[NOTICES])  # fmt: skip
async def read_my_notices(request: AnyRequest, data: JSONBody[ReadUntil]) -> NoticesRead:
    """What came after the one you name stays unread."""
    user = own_user(await actor_of(request))
    return NoticesRead(await notices.mark_read(user, at=clock.now(), until=int(data.until)))


@patch("/me/notices/{notice:str}", operation_id="changeMyNotice", summary="Mark one notice", guards=[NOTICES])
async def change_my_notice(request: AnyRequest, notice: FromPath[str], data: JSONBody[NoticeChange]) -> NoticeView:
    """Read, or unread again; 404 for anybody else's."""
    user, id = own_user(await actor_of(request)), number_of(notice)
    await notices.mark_one(user, id, read=data.read, at=clock.now())
    return _notice(await notices.notice(user, id))


@get("/me/notice-ways", operation_id="getMyNoticeWays", summary="How you are told", guards=[NOTICES])
async def get_my_notice_ways(request: AnyRequest) -> NoticeWaysList:
    return await _ways(own_user(await actor_of(request)))


@put("/me/notice-ways", operation_id="setMyNoticeWays", summary="Choose how you are told", guards=[CHANGE])
async def set_my_notice_ways(request: AnyRequest, data: JSONBody[NewWays]) -> NoticeWaysList:
    """By mail, under the bell, both, or not at all; what the regulation demands keeps at least one way."""
    by = await actor_of(request)
    user = own_user(by)
    ways: dict[str, Sequence[str]] = {str(kind): chosen for kind, chosen in data.ways.items()}
    await notices.choose_ways(user, ways, by=by, at=clock.now())
    return await _ways(user)


def _notice(found: Notice) -> NoticeView:
    return NoticeView(
        id=str(found.id), kind=found.kind, at=found.at, read_at=found.read_at,
        ticket=str(found.ticket) if found.ticket else None, number=found.number, subject=found.subject, seq=found.seq,
        trigger=found.trigger, to_state=found.to_state, actor=EntryActor(found.actor_kind, found.actor_name),
        mail=str(found.mail) if found.mail else None,
    )  # fmt: skip


async def _ways(user: int) -> NoticeWaysList:
    chosen = await notices.ways_of(user)
    return NoticeWaysList([NoticeWays(kind.code, list(chosen[kind.code]), kind.needed) for kind in notices.KINDS])


# --- signed-in browsers -----------------------------------------------------------------------------------------------


@get("/me/sessions", operation_id="listMySessions", summary="Where you are signed in", guards=[LOOK])
async def list_my_sessions(request: AnyRequest) -> SessionList:
    """Your signed-in browsers, the newest first."""
    user = own_user(await actor_of(request))
    return await sessions_of(user, here=await _session(request))


@delete("/me/sessions", operation_id="endMySessions", summary="Sign out everywhere else", status_code=200,
        guards=[CHANGE])  # fmt: skip
async def end_my_sessions(request: AnyRequest) -> SessionsEnded:
    """The browser that asks stays signed in."""
    by = await actor_of(request)
    but = await _session(request)
    return SessionsEnded(await staffing.end_sessions(own_user(by), but=but, by=by, at=wall_clock()))


@delete("/me/sessions/{session:str}", operation_id="endMySession", summary="Sign one browser out", guards=[CHANGE])
async def end_my_session(request: AnyRequest, session: FromPath[str]) -> None:
    """404 for anybody else's."""
    by = await actor_of(request)
    await staffing.end_session(own_user(by), session, by=by, at=wall_clock())


async def sessions_of(user: int, *, here: str | None = None) -> SessionList:
    """The signed-in browsers of an account."""
    found = await staffing.sessions_of(user, session=here, at=wall_clock())
    return SessionList([_session_view(one) for one in found])


def _session_view(one: OpenSession) -> SessionView:
    return SessionView(one.key, one.browser, one.place, one.created_at, one.expires_at, one.here)


async def _session(request: AnyRequest) -> str | None:
    visitor = await visitor_of(request)
    return visitor.session if visitor else None


ROUTER = Router(
    "/",
    route_handlers=[
        change_me, get_my_absence, set_my_absence, list_my_notices, read_my_notices, change_my_notice,
        get_my_notice_ways, set_my_notice_ways, list_my_sessions, end_my_sessions, end_my_session,
    ],
    tags=["Yourself"],
)  # fmt: skip
