"""One's own account: name, language, password, and the browsers that are signed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.desk.rights import EVERYBODY
from admin.pages import render
from admin.reader import flash, reading
from admin.reading import AnyRequest
from service import staffing
from service.auth import actor_of, visitor_of, wall_clock
from service.problems import told
from service.words import translate
from workflow.errors import NotFound, WrongFields
from workflow.words import _

PROFILE = "/profile"


@get("/profile", guards=[EVERYBODY])
async def profile_page(request: AnyRequest) -> Response[str]:
    """What one may change of one's own."""
    return await _shown(request)


@post("/profile", guards=[EVERYBODY], status_code=303)
async def change_profile(request: AnyRequest) -> Response[Any]:
    """Save the name and the language, or the password, as the pressed button says."""
    form = await request.form()
    typed = {name: str(form[name]) for name in form}
    reader, actor, user = await reading(request), await actor_of(request), await _user(request)
    try:
        if typed.get("act") == "password":
            await staffing.change_password(
                user, now=typed.get("now", ""), new=typed.get("new", ""), again=typed.get("again", ""),
                session=await _session(request), by=actor, at=reader.at,
            )  # fmt: skip
            said = _("The password is changed; every other browser is signed out.")
        else:
            await staffing.change_profile(user, name=typed.get("name", ""), language=typed.get("language", ""))
            said = _("Saved.")
    except WrongFields as wrong:
        errors = {one.field: told(one, reader.language) for one in wrong.errors}
        return await _shown(request, typed=typed, errors=errors, status_code=422)
    flash(request, translate(reader.language, said))
    return Redirect(PROFILE, status_code=303)


@post("/profile/sessions/{key:str}/end", guards=[EVERYBODY], status_code=303)
async def end_session(request: AnyRequest, key: FromPath[str]) -> Redirect:
    """Sign another browser out; `others` means all but this one."""
    reader, user = await reading(request), await _user(request)
    if key == "others":
        await staffing.end_other_sessions(user, session=await _session(request))
    else:
        await staffing.end_session(user, key)
    flash(request, translate(reader.language, _("Signed out there.")))
    return Redirect(PROFILE, status_code=303)


async def _shown(
    request: AnyRequest,
    *,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    status_code: int = 200,
) -> Response[str]:
    reader, user = await reading(request), await _user(request)
    return render(
        "people/profile.html",
        reader,
        status_code=status_code,
        person=await staffing.person(user, at=reader.at),
        sessions=await staffing.sessions_of(user, session=await _session(request), at=wall_clock()),
        tongues=[("ru", "Русский"), ("en", "English")],
        shortest=staffing.SHORTEST_PASSWORD,
        typed=typed or {},
        errors=errors or {},
    )


async def _user(request: AnyRequest) -> int:
    """The account behind the request; a program without one has no profile. Raises NotFound."""
    user = (await actor_of(request)).user
    if not user:
        raise NotFound()
    return int(user)


async def _session(request: AnyRequest) -> str | None:
    visitor = await visitor_of(request)
    return visitor.session if visitor else None
