"""The page of people: accounts, roles, absences with deputies; new passwords are shown once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.desk.rights import PEOPLE
from admin.navigation import ROLE_NAMES
from admin.pages import Reading, render
from admin.people.absence import absence_values, save_absence
from admin.people.browsers import browser_name
from admin.people.profile import TONGUES, session_of
from admin.reader import flash, reading
from admin.reading import AnyRequest, typed_in
from admin.refused import beside
from service import staffing
from service.accounts import ACCOUNT_ROLES, add_user
from service.auth import actor_of, wall_clock
from service.directory_edits import LastAdministrator, change_user
from service.words import translate
from workflow.definition import Role
from workflow.errors import Refusal, WrongFields
from workflow.words import _

LIST = "/people"


@get("/people", guards=[PEOPLE])
async def people_page(request: AnyRequest) -> Response[str]:
    """Everybody, and the form for one more."""
    return await _list(request)


@post("/people", guards=[PEOPLE], status_code=200)
async def add_person(request: AnyRequest) -> Response[str]:
    """Make an account; its password is on this page and nowhere else."""
    typed = await typed_in(request)
    reader, actor = await reading(request), await actor_of(request)
    try:
        password = await add_user(
            typed.get("email", ""), name=typed.get("name", ""), role=_role(typed.get("role", "")),
            language=typed.get("language", "ru"), at=reader.at, by=actor,
        )  # fmt: skip
    except Refusal as refusal:
        return await _list(
            request, typed=typed, errors=beside(refusal, reader.language, otherwise="email"), status_code=422
        )
    return await _list(request, shown=(typed.get("email", "").strip().lower(), password))


@get("/people/{id:int}", guards=[PEOPLE])
async def person_page(request: AnyRequest, id: FromPath[int]) -> Response[str]:
    """One account."""
    return await _one(request, id)


@post("/people/{id:int}/sessions/{key:str}/end", guards=[PEOPLE], status_code=303)
async def end_session_of(request: AnyRequest, id: FromPath[int], key: FromPath[str]) -> Redirect:
    """Sign one browser of somebody out."""
    reader, actor = await reading(request), await actor_of(request)
    await staffing.end_session(_fitting(id), key, by=actor, at=wall_clock())
    flash(request, translate(reader.language, _("Signed out there.")))
    return Redirect(f"{LIST}/{id}#sessions", status_code=303)


@post("/people/{id:int}", guards=[PEOPLE], status_code=303)
async def change_person(request: AnyRequest, id: FromPath[int]) -> Response[Any]:
    """Change an account: its facts, its absence, its password or its sessions, as the pressed button says."""
    typed = await typed_in(request)
    reader, actor = await reading(request), await actor_of(request)
    try:
        match typed.get("act"):
            case "password":
                password = await staffing.give_new_password(_fitting(id), by=actor, at=reader.at)
                return await _one(request, id, password=password)
            case "absence":
                await save_absence(_fitting(id), typed, reader=reader, by=actor)
            case "sessions":
                await staffing.end_sessions(_fitting(id), by=actor, at=wall_clock())
            case _:
                given = {name: typed[name] for name in ("name", "role", "language") if name in typed}
                active = {"active": typed.get("active") == "1"}
                await change_user(str(_fitting(id)), given | active, by=actor, at=reader.at)
    except LastAdministrator as last:
        errors = beside(last, reader.language, otherwise="role")
        return await _one(request, id, typed=typed, errors=errors, status_code=422)
    except WrongFields as wrong:
        return await _one(request, id, typed=typed, errors=beside(wrong, reader.language), status_code=422)
    flash(request, translate(reader.language, _("Saved.")))
    return Redirect(f"{LIST}/{id}", status_code=303)


async def _list(
    request: AnyRequest,
    *,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    shown: tuple[str, str] | None = None,
    status_code: int = 200,
) -> Response[str]:
    reader = await reading(request)
    return render(
        "people/list.html",
        reader,
        status_code=status_code,
        people=await staffing.people(at=reader.at),
        roles=_roles(reader),
        role_names={role.value: translate(reader.language, name) for role, name in ROLE_NAMES.items()},
        typed=typed or {},
        errors=errors or {},
        shown=shown,
    )


async def _one(
    request: AnyRequest,
    id: int,
    *,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    password: str = "",
    status_code: int = 200,
) -> Response[str]:
    reader = await reading(request)
    person = await staffing.person(_fitting(id), at=reader.at)
    return render(
        "people/person.html",
        reader,
        status_code=status_code,
        person=person,
        roles=_roles(reader),
        tongues=TONGUES,
        browser_name=browser_name,
        sessions=await staffing.sessions_of(person.id, session=await session_of(request), at=wall_clock()),
        absence=await absence_values(person, reader),
        typed=typed or {},
        errors=errors or {},
        password=password,
    )


def _roles(reader: Reading) -> list[tuple[str, str]]:
    return [(role.value, translate(reader.language, ROLE_NAMES[role])) for role in ACCOUNT_ROLES]


def _role(word: str) -> Role:
    """An unknown word becomes the role of customers, which no account may have: `add_user` says so."""
    return Role(word) if word in {role.value for role in Role} else Role.CUSTOMER


def _fitting(id: int) -> int:
    return min(id, 2**62)
