"""One's own account: name, language, password, absence, notices, and the browsers that are signed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.desk.rights import EVERYBODY
from admin.pages import render
from admin.people.absence import absence_values, save_absence
from admin.people.browsers import browser_name
from admin.reader import flash, reading
from admin.reading import AnyRequest, typed_in
from admin.refused import beside
from service import notices, staffing
from service.actors import Actor
from service.auth import actor_of, demand_patience, note_attempt, set_cookie, visitor_of, wall_clock
from service.directory_edits import change_user
from service.words import LANGUAGE_COOKIE, Language, translate
from workflow.errors import NotFound, WrongFields
from workflow.words import _

PROFILE: Final = "/profile"
TONGUES: Final = (("ru", "Русский"), ("en", "English"))


@get("/profile", guards=[EVERYBODY])
async def profile_page(request: AnyRequest) -> Response[str]:
    """What one may change of one's own."""
    return await _shown(request)


@post("/profile", guards=[EVERYBODY], status_code=303)
async def change_profile(request: AnyRequest) -> Response[Any]:
    """Save the name and the language, the password, the absence or the notices, as the pressed button says."""
    typed = await typed_in(request)
    reader, actor, user = await reading(request), await actor_of(request), await _user(request)
    said, language = _("Saved."), reader.language
    try:
        match typed.get("act"):
            case "password":
                await _change_password(request, typed, user=user, by=actor)
                said = _("The password is changed; every other browser is signed out.")
            case "absence":
                await save_absence(user, typed, reader=reader, by=actor)
            case "notices":
                await notices.choose_ways(user, _ways(typed), by=actor, at=reader.at)
            case _:
                given = {name: typed.get(name, "") for name in ("name", "language")}
                await change_user(str(user), given, by=actor, at=reader.at)
                language = cast(Language, given["language"])
                set_cookie(request, LANGUAGE_COOKIE, "", max_age=0)  # the account's language holds from here on
    except WrongFields as wrong:
        errors = beside(wrong, reader.language)
        return await _shown(request, typed=typed, errors=errors, status_code=422)
    flash(request, translate(language, said))
    return Redirect(PROFILE, status_code=303)


async def _change_password(request: AnyRequest, typed: Mapping[str, str], *, user: int, by: Actor) -> None:
    """Raises WrongFields, and TooManyRequestsException: a browser left open gives no more guesses than the door."""
    at = wall_clock()
    demand_patience(request, by.email, at)
    try:
        await staffing.change_password(
            user, now=typed.get("now", ""), new=typed.get("new", ""), again=typed.get("again", ""),
            session=await session_of(request), by=by, at=at,
        )  # fmt: skip
    except WrongFields as wrong:
        if any(one.field == "now" for one in wrong.errors):
            note_attempt(request, by.email, at, succeeded=False)
        raise
    note_attempt(request, by.email, at, succeeded=True)


def _ways(typed: Mapping[str, str]) -> dict[str, list[str]]:
    """Every kind with the ways that are ticked."""
    return {
        kind.code: [way for way in notices.WAYS if typed.get(f"{kind.code}-{way}") == "1"] for kind in notices.KINDS
    }


@post("/profile/sessions/{key:str}/end", guards=[EVERYBODY], status_code=303)
async def end_session(request: AnyRequest, key: FromPath[str]) -> Redirect:
    """Sign another browser out; `others` means all but this one."""
    reader, actor, user = await reading(request), await actor_of(request), await _user(request)
    if key == "others":
        await staffing.end_sessions(user, but=await session_of(request), by=actor, at=wall_clock())
    else:
        await staffing.end_session(user, key, by=actor, at=wall_clock())
    flash(request, translate(reader.language, _("Signed out there.")))
    return Redirect(f"{PROFILE}#sessions", status_code=303)


async def _shown(
    request: AnyRequest,
    *,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    status_code: int = 200,
) -> Response[str]:
    reader, user = await reading(request), await _user(request)
    person = await staffing.person(user, at=reader.at)
    chosen = _ways(typed) if typed and typed.get("act") == "notices" else await notices.ways_of(user)
    return render(
        "people/profile.html",
        reader,
        status_code=status_code,
        person=person,
        sessions=await staffing.sessions_of(user, session=await session_of(request), at=wall_clock()),
        browser_name=browser_name,
        tongues=TONGUES,
        shortest=staffing.SHORTEST_PASSWORD,
        told=[] if reader.unread is None else notices.KINDS,
        ways=notices.WAYS,
        chosen=chosen,
        typed=typed or {},
        errors=errors or {},
        absence=await absence_values(person, reader),
    )


async def _user(request: AnyRequest) -> int:
    """The account behind the request; a program without one has no profile. Raises NotFound."""
    user = (await actor_of(request)).user
    if not user:
        raise NotFound()
    return int(user)


async def session_of(request: AnyRequest) -> str | None:
    visitor = await visitor_of(request)
    return visitor.session if visitor else None
