"""Teams over HTTP, and where colleagues are signed in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from service import clock, staffing, teams
from service.api.me import SessionList, SessionsEnded, sessions_of
from service.api.requests import AnyRequest
from service.auth import ADMINISTRATORS, READERS, actor_of, requires, wall_clock
from service.directory_edits import number_of
from service.schemas import Incoming
from service.teams import Team

READ = requires(*READERS, scope="directory:read")
GIVE_RIGHTS = requires(*ADMINISTRATORS, scope="tokens:manage")

TeamName = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
UserId = Annotated[str, msgspec.Meta(pattern="^[0-9]{1,15}$")]


class TeamMember(msgspec.Struct, frozen=True):
    id: str
    email: str
    name: str


class TeamView(msgspec.Struct, frozen=True):
    """Colleagues under one name. A step of the regulation tells them as `team:` and the code."""

    id: str
    code: str
    name: str
    ended: bool
    members: list[TeamMember]


class TeamList(msgspec.Struct, frozen=True):
    items: list[TeamView]


class NewTeam(Incoming, frozen=True, kw_only=True):
    """`members` are ids of colleagues. The code never changes."""

    code: Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,39}$")]
    name: TeamName
    members: tuple[UserId, ...] = ()


class TeamChange(Incoming, frozen=True, kw_only=True):
    """What is not named stays; `members` are all members from now on."""

    name: TeamName | msgspec.UnsetType = msgspec.UNSET
    members: list[UserId] | msgspec.UnsetType = msgspec.UNSET
    ended: bool | msgspec.UnsetType = msgspec.UNSET


@get("/teams", operation_id="listTeams", summary="Teams", guards=[READ])
async def list_teams() -> TeamList:
    """Every team with its people, by name; those that ended come last."""
    return TeamList([_view(one) for one in await teams.teams()])


@get("/teams/{team:str}", operation_id="getTeam", summary="One team", guards=[READ])
async def get_team(team: FromPath[str]) -> TeamView:
    return _view(await teams.team(number_of(team)))


@post("/teams", operation_id="createTeam", summary="Make a team", guards=[GIVE_RIGHTS])
async def create_team(request: AnyRequest, data: JSONBody[NewTeam]) -> TeamView:
    """409 when there is one of this code, ended or not."""
    id = await teams.add_team(
        data.code, name=data.name, members=_ids(data.members), by=await actor_of(request), at=clock.now()
    )
    return _view(await teams.team(id))


@patch("/teams/{team:str}", operation_id="changeTeam", summary="Change a team", guards=[GIVE_RIGHTS])
async def change_team(request: AnyRequest, team: FromPath[str], data: JSONBody[TeamChange]) -> TeamView:
    """A team that ended is offered no more; what it would be told goes to the supervisors."""
    id = number_of(team)
    await teams.change_team(
        id,
        name=None if data.name is msgspec.UNSET else data.name,
        members=None if data.members is msgspec.UNSET else _ids(data.members),
        ended=None if data.ended is msgspec.UNSET else data.ended,
        by=await actor_of(request),
        at=clock.now(),
    )
    return _view(await teams.team(id))


def _ids(members: Sequence[str]) -> list[int]:
    return [int(one) for one in members]


def _view(found: Team) -> TeamView:
    members = [TeamMember(str(one.id), one.email, one.name) for one in found.members]
    return TeamView(str(found.id), found.code, found.name, found.ended, members)


# --- where colleagues are signed in -----------------------------------------------------------------------------------


@get("/users/{user:str}/sessions", operation_id="listSessions", summary="Where somebody is signed in",
     guards=[GIVE_RIGHTS])  # fmt: skip
async def list_sessions(user: FromPath[str]) -> SessionList:
    """The signed-in browsers of an account, the newest first."""
    id = number_of(user)
    await staffing.person(id, at=clock.now())
    return await sessions_of(id)


@delete("/users/{user:str}/sessions", operation_id="endSessions", summary="Sign somebody out everywhere",
        status_code=200, guards=[GIVE_RIGHTS])  # fmt: skip
async def end_sessions(request: AnyRequest, user: FromPath[str]) -> SessionsEnded:
    """The account stays; it may sign in again."""
    return SessionsEnded(await staffing.end_sessions(number_of(user), by=await actor_of(request), at=wall_clock()))


@delete("/users/{user:str}/sessions/{session:str}", operation_id="endSession", summary="Sign one browser out",
        guards=[GIVE_RIGHTS])  # fmt: skip
async def end_session(request: AnyRequest, user: FromPath[str], session: FromPath[str]) -> None:
    await staffing.end_session(number_of(user), session, by=await actor_of(request), at=wall_clock())


ROUTER = Router(
    "/",
    route_handlers=[
        list_teams, get_team, create_team, change_team, list_sessions, end_sessions, end_session,
    ],
    tags=["Directory"],
)  # fmt: skip
