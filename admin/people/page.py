"""The page of people: accounts, roles, absences with deputies; new passwords are shown once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.desk.rights import PEOPLE
from admin.navigation import ROLE_NAMES
from admin.pages import Reading, render
from admin.reader import flash, reading
from admin.reading import AnyRequest
from service import staffing
from service.accounts import ACCOUNT_ROLES, add_user
from service.auth import actor_of
from service.problems import told
from service.words import translate
from workflow.definition import Role
from workflow.errors import FieldError, Refusal, WrongFields
from workflow.words import _

LIST = "/people"


@get("/people", guards=[PEOPLE])
async def people_page(request: AnyRequest) -> Response[str]:
    """Everybody, and the form for one more."""
    return await _list(request)


@post("/people", guards=[PEOPLE], status_code=200)
async def add_person(request: AnyRequest) -> Response[str]:
    """Make an account; its password is on this page and nowhere else."""
    form = await request.form()
    typed = {name: str(form[name]) for name in form}
    reader, actor = await reading(request), await actor_of(request)
    try:
        password = await add_user(
            typed.get("email", ""), name=typed.get("name", ""), role=_role(typed.get("role", "")),
            language=typed.get("language", "ru"), at=reader.at, by=actor,
        )  # fmt: skip
    except Refusal as refusal:
        return await _list(request, typed=typed, errors=_errors(refusal, reader), status_code=422)
    return await _list(request, shown=(typed.get("email", "").strip().lower(), password))


@get("/people/{id:int}", guards=[PEOPLE])
async def person_page(request: AnyRequest, id: FromPath[int]) -> Response[str]:
    """One account."""
    return await _one(request, id)


@post("/people/{id:int}", guards=[PEOPLE], status_code=303)
async def change_person(request: AnyRequest, id: FromPath[int]) -> Response[Any]:
    """Change an account: its facts, its absence or its password, as the pressed button says."""
    form = await request.form()
    typed = {name: str(form[name]) for name in form}
    reader, actor = await reading(request), await actor_of(request)
    try:
        match typed.get("act"):
            case "password":
                password = await staffing.give_new_password(_fitting(id), by=actor, at=reader.at)
                return await _one(request, id, password=password)
            case "absence":
                first, until = _days(typed, reader.zone)
                deputy = typed.get("deputy", "")
                await staffing.set_absence(
                    _fitting(id), first=first, until=until, by=actor, at=reader.at,
                    deputy=int(deputy) if deputy.isascii() and deputy.isdigit() and len(deputy) < 16 else None,
                )  # fmt: skip
            case _:
                await staffing.change_person(
                    _fitting(id), name=typed.get("name", ""), role=typed.get("role", ""),
                    active=typed.get("active") == "1", by=actor, at=reader.at,
                )  # fmt: skip
    except WrongFields as wrong:
        return await _one(request, id, typed=typed, errors=_errors(wrong, reader), status_code=422)
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
    everybody = await staffing.people(at=reader.at)
    return render(
        "people/person.html",
        reader,
        status_code=status_code,
        person=person,
        roles=_roles(reader),
        deputies=[(str(one.id), one.name) for one in everybody if one.active and one.id != person.id],
        first=_day_of(person.absent_from, reader.zone),
        last=_day_of(person.absent_until - timedelta(days=1) if person.absent_until else None, reader.zone),
        typed=typed or {},
        errors=errors or {},
        password=password,
    )


def _roles(reader: Reading) -> list[tuple[str, str]]:
    return [(role.value, translate(reader.language, ROLE_NAMES[role])) for role in ACCOUNT_ROLES]


def _role(word: str) -> Role:
    """An unknown word becomes the role of customers, which no account may have: `add_user` says so."""
    return Role(word) if word in {role.value for role in Role} else Role.CUSTOMER


def _errors(refusal: Refusal, reader: Reading) -> dict[str, str]:
    wrong = refusal.errors if isinstance(refusal, WrongFields) else ()
    return {one.field: told(one, reader.language) for one in wrong} or {"email": told(refusal, reader.language)}


def _fitting(id: int) -> int:
    return min(id, 2**62)


def _days(typed: Mapping[str, str], zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Whole days in the zone of the centre, the last one included. Raises WrongFields."""
    days: list[date | None] = []
    for name in ("from", "until"):
        try:
            days.append(date.fromisoformat(typed[name]) if typed.get(name) else None)
        except ValueError:
            raise WrongFields([FieldError(name, _("Write the day as 2026-05-18."), {})]) from None
    first, last = days
    until = last + timedelta(days=1) if last and last.year < 9000 else None
    return (
        datetime.combine(first, time(), zone) if first else None,
        datetime.combine(until, time(), zone) if until else None,
    )


def _day_of(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).date().isoformat() if moment else ""
