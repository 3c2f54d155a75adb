"""The page of teams: who belongs together, under which code a regulation tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.desk.rights import PEOPLE
from admin.pages import render
from admin.reader import flash, reading
from admin.reading import AnyRequest
from admin.refused import beside
from service import staffing, teams
from service.auth import actor_of
from service.whole_numbers import whole_number
from service.words import translate
from workflow.errors import Refusal, WrongFields
from workflow.regulation import TEAM
from workflow.words import _

HERE: Final = "/people/teams"


@get(HERE, guards=[PEOPLE])
async def teams_page(request: AnyRequest) -> Response[str]:
    """Every team with its people, and the form for one more."""
    return await _shown(request)


@post(HERE, guards=[PEOPLE], status_code=303)
async def add_team(request: AnyRequest) -> Response[Any]:
    """Make a team."""
    form = await request.form()
    reader, actor = await reading(request), await actor_of(request)
    code, name = str(form.get("code", "")), str(form.get("name", ""))
    try:
        await teams.add_team(code, name=name, members=_members(form), by=actor, at=reader.at)
    except Refusal as refusal:
        return await _shown(
            request, typed={"code": code, "name": name}, errors=beside(refusal, reader.language, otherwise="code")
        )
    flash(request, translate(reader.language, _("The team is made.")))
    return Redirect(HERE, status_code=303)


@post("/people/teams/{id:int}", guards=[PEOPLE], status_code=303)
async def change_team(request: AnyRequest, id: FromPath[int]) -> Response[Any]:
    """Change its name and its people; end it, or bring it back, as the pressed button says."""
    form = await request.form()
    reader, actor = await reading(request), await actor_of(request)
    act, id = form.get("act"), min(id, 2**62)
    try:
        if act in ("end", "again"):
            await teams.change_team(id, ended=act == "end", by=actor, at=reader.at)
        else:
            name = str(form.get("name", ""))
            await teams.change_team(id, name=name, members=_members(form), by=actor, at=reader.at)
    except WrongFields as wrong:
        return await _shown(request, of=id, errors=beside(wrong, reader.language))
    flash(request, translate(reader.language, _("Saved.")))
    return Redirect(HERE, status_code=303)


def _members(form: Any) -> list[int]:
    told = [whole_number(str(value)) for name, value in form.multi_items() if name == "member"]
    return [one for one in told if one is not None]


async def _shown(
    request: AnyRequest,
    *,
    of: int = 0,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response[str]:
    """`of` is the team that `errors` are about; without one they are about the new team."""
    reader = await reading(request)
    return render(
        "people/teams.html",
        reader,
        status_code=422 if errors else 200,
        teams=await teams.teams(),
        people=[one for one in await staffing.people(at=reader.at) if one.active],
        prefix=TEAM,
        of=of,
        typed=typed or {},
        errors=errors or {},
    )
