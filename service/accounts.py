"""Accounts of the centre: who may sign in, and with which rights."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncpg

from service import config_journal
from service.actors import CLOCK, Actor
from service.conditions import Where, like
from service.database import DB, execute, fetch, fetchrow, fetchval, retried
from service.passwords import generate_password, hashed, matches
from workflow.definition import Role
from workflow.errors import FieldError, Refusal, WrongFields, no_choice
from workflow.words import _

ACCOUNT_ROLES = (Role.OPERATOR, Role.SUPERVISOR, Role.PROCESS_OWNER, Role.ADMINISTRATOR)


class AlreadyThere(Refusal):
    """Something of this name exists already."""

    code = "already_there"
    sentence = _("“{value}” is there already.")


@retried
async def add_user(email: str, *, name: str, role: Role, language: str = "ru", at: datetime, by: Actor = CLOCK) -> str:
    """Make an account; its generated password, kept nowhere. Raises AlreadyThere, WrongFields."""
    email, name = _checked(email, name, role, language)
    password = generate_password()
    password_hash = await hashed(password)
    try:
        async with DB.transaction(allow_nested=False):
            await execute(
                "INSERT INTO app_user (email, name, role, language, password_hash, active, created_at) "
                "VALUES ($1, $2, $3, $4, $5, true, $6)",
                email, name, role.value, language, password_hash, at,
            )  # fmt: skip
            await config_journal.note(by=by, at=at, act="user.add", subject=email, data={"role": role.value})
    except asyncpg.UniqueViolationError:
        raise AlreadyThere(value=email) from None
    return password


def _checked(email: str, name: str, role: Role, language: str) -> tuple[str, str]:
    email, name = email.strip().lower(), " ".join(name.replace("\x00", " ").split())
    errors: list[FieldError] = []
    local, at, domain = email.partition("@")
    if (
        not (local and at and domain)
        or len(email) > 320
        or any(sign.isspace() or not sign.isprintable() for sign in email)
    ):
        errors.append(FieldError("email", _("This is not a mail address."), {}))
    if not name:
        errors.append(FieldError("name", _("Please fill this in."), {}))
    if len(name) > 200:
        errors.append(FieldError("name", _("This is too long: at most {most} characters."), {"most": "200"}))
    if role not in ACCOUNT_ROLES:
        errors.append(no_choice("role", role, ACCOUNT_ROLES))
    if language not in ("ru", "en"):
        errors.append(no_choice("language", language, ("ru", "en")))
    if errors:
        raise WrongFields(errors)
    return email, name


async def account_for(email: str, password: str) -> int | None:
    """The id of the active account with this address and password; None says no more than that."""
    row = await fetchrow(
        "SELECT id, password_hash FROM app_user WHERE email = $1 AND active", email.strip().lower().replace("\x00", "")
    )
    fits = await matches(password, row["password_hash"] if row else None)
    return row["id"] if row and fits else None


async def users(
    *, limit: int, after: int = 0, q: str = "", role: str = "", active: bool | None = None
) -> list[dict[str, Any]]:
    """A page of accounts in the order of their ids; `q` is looked for in name and address."""
    where = Where()
    where.add("id > {}", after)
    if q.strip():
        where.add("(name ILIKE {0} OR email ILIKE {0})", like(q))
    if role:
        where.add("role = {}", role)
    if active is not None:
        where.add("active = {}", active)
    rows = await fetch(
        "SELECT id, email, name, role, language, active, created_at, signed_in_at FROM app_user "
        f"{where.sql} ORDER BY id LIMIT {limit}",
        *where.values,
    )
    return [dict(row) for row in rows]


async def user_id(email: str) -> int | None:
    """The id behind an address, active or not."""
    address = email.strip().lower().replace("\x00", "")
    found: int | None = await fetchval("SELECT id FROM app_user WHERE email = $1", address)
    return found
