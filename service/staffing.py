"""The people of the centre: who they are, their absences with deputies, passwords and open sessions."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import msgspec

from service import config_journal
from service.actors import Actor
from service.database import DB, execute, fetch, fetchrow, fetchval, retried
from service.passwords import generate_password, hashed, matches
from service.sessions import LONGEST, Origin, id_hash
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.words import _

SHORTEST_PASSWORD = 12  # characters, where somebody chooses their own
LONGEST_PASSWORD = 200
MOST = 500


class Person(msgspec.Struct, frozen=True):
    """An account as administrators see it; `away` while an absence lasts."""

    id: int
    email: str
    name: str
    role: str
    language: str
    active: bool
    signed_in_at: datetime | None
    absent_from: datetime | None
    absent_until: datetime | None
    deputy: int | None
    deputy_name: str | None
    away: bool
    open_tickets: int
    teams: tuple[str, ...]


PEOPLE = """
SELECT u.id, u.email, u.name, u.role, u.language, u.active, u.signed_in_at, u.absent_from, u.absent_until, u.deputy,
       d.name AS deputy_name, coalesce($1 >= u.absent_from AND $1 < u.absent_until, false) AS away,
       (SELECT count(*) FROM ticket t WHERE t.assignee = u.id AND t.closed_at IS NULL) AS open_tickets,
       ARRAY(SELECT k.name FROM team_member m JOIN team k ON k.id = m.team WHERE m."user" = u.id AND k.ended_at IS NULL
             ORDER BY lower(k.name)) AS teams
FROM app_user u LEFT JOIN app_user d ON d.id = u.deputy
"""


async def people(*, at: datetime) -> list[Person]:
    """Everybody, the active ones first."""
    rows = await fetch(f"{PEOPLE} ORDER BY u.active DESC, lower(u.name), u.id LIMIT {MOST}", at)
    return [_person(row) for row in rows]


async def person(id: int, *, at: datetime) -> Person:
    """One account. Raises NotFound."""
    row = await fetchrow(f"{PEOPLE} WHERE u.id = $2", at, id)
    if row is None:
        raise NotFound()
    return _person(row)


def _person(row: Any) -> Person:
    return Person(**{**dict(row), "teams": tuple(row["teams"])})


# --- what administrators change ---------------------------------------------------------------------------------------


@retried
async def give_new_password(id: int, *, by: Actor, at: datetime) -> str:
    """A fresh password, to be shown once; the old one and every open session end. Raises NotFound."""
    password = generate_password()
    kept = await hashed(password)
    async with DB.transaction(allow_nested=False):
        email = await fetchval("UPDATE app_user SET password_hash = $2 WHERE id = $1 RETURNING email", id, kept)
        if email is None:
            raise NotFound()
        await execute('DELETE FROM app_session WHERE "user" = $1', id)
        await config_journal.note(by=by, at=at, act="user.password", subject=email)
    return password


@retried
async def set_absence(
    id: int, *, first: datetime | None, until: datetime | None, deputy: int | None, by: Actor, at: datetime
) -> None:
    """From when and until when somebody is away, and who is told meanwhile; without moments the absence ends.

    Raises NotFound and WrongFields.
    """
    wrong = []
    if (first is None) != (until is None):
        wrong.append(FieldError("until", _("An absence has a first and a last day."), {}))
    elif first is not None and until is not None and until <= first:
        wrong.append(FieldError("until", _("The last day lies before the first."), {}))
    if deputy is not None and (deputy == id or not await _works(deputy)):
        wrong.append(FieldError("deputy", _("Choose another active colleague."), {}))
    if wrong:
        raise WrongFields(wrong)
    async with DB.transaction(allow_nested=False):
        email = await fetchval(
            "UPDATE app_user SET absent_from = $2, absent_until = $3, deputy = $4 WHERE id = $1 RETURNING email",
            id, first, until, deputy if first else None,
        )  # fmt: skip
        if email is None:
            raise NotFound()
        data = {"from": _iso(first), "until": _iso(until), "deputy": deputy}
        await config_journal.note(by=by, at=at, act="user.absence", subject=email, data=data)


async def _works(id: int) -> bool:
    return bool(await fetchval("SELECT active FROM app_user WHERE id = $1", id))


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


# --- what everybody changes of their own ------------------------------------------------------------------------------


@retried
async def change_password(
    user: int, *, now: str, new: str, again: str, session: str | None, by: Actor, at: datetime
) -> None:
    """One's own password; every other session ends. Raises WrongFields."""
    row = await fetchrow("SELECT email, password_hash FROM app_user WHERE id = $1", user)
    wrong = []
    if not await matches(now, row["password_hash"] if row else None):
        wrong.append(FieldError("now", _("This is not your password."), {}))
    if not SHORTEST_PASSWORD <= len(new) <= LONGEST_PASSWORD:
        shortest = str(SHORTEST_PASSWORD)
        wrong.append(FieldError("new", _("A password has at least {shortest} characters."), {"shortest": shortest}))
    elif new != again:
        wrong.append(FieldError("again", _("The two do not match."), {}))
    if wrong:
        raise WrongFields(wrong)
    kept = await hashed(new)
    async with DB.transaction(allow_nested=False):
        await execute("UPDATE app_user SET password_hash = $2 WHERE id = $1", user, kept)
        await end_other_sessions(user, session=session)
        await config_journal.note(by=by, at=at, act="user.password", subject=row["email"])


# --- sessions ---------------------------------------------------------------------------------------------------------


class OpenSession(msgspec.Struct, frozen=True):
    """A signed-in browser; `key` names it without giving it away, `here` is the one that asks."""

    key: str
    browser: str
    place: str
    created_at: datetime
    expires_at: datetime
    here: bool


async def sessions_of(user: int, *, session: str | None, at: datetime) -> list[OpenSession]:
    """The open sessions of an account, the newest first; `session` is the id of the one that asks."""
    rows = await fetch(
        'SELECT id_hash, data, created_at, expires_at FROM app_session WHERE "user" = $1 AND expires_at > $2 '
        "AND created_at > $3 ORDER BY created_at DESC LIMIT 50",
        user, at, at - LONGEST,
    )  # fmt: skip
    return [_open_session(row, session) for row in rows]


def _open_session(row: Any, session: str | None) -> OpenSession:
    kept, told = bytes(row["id_hash"]), bytes(row["data"])
    origin = msgspec.json.decode(told, type=Origin) if told else Origin()
    here = session is not None and kept == id_hash(session)
    key = hashlib.sha256(kept).hexdigest()
    return OpenSession(key, origin.browser, origin.place, row["created_at"], row["expires_at"], here)


@retried
async def end_session(user: int, key: str, *, by: Actor, at: datetime) -> None:
    """Sign one browser of an account out. Raises NotFound, also for what no key looks like."""
    if len(key) != 64 or not key.isascii():
        raise NotFound()
    async with DB.transaction(allow_nested=False):
        ended = await execute(
            "DELETE FROM app_session WHERE \"user\" = $1 AND encode(sha256(id_hash), 'hex') = $2", user, key
        )
        if not ended:
            raise NotFound()
        await _note_ended(user, ended, by=by, at=at)


@retried
async def end_sessions(user: int, *, but: str | None = None, by: Actor, at: datetime) -> int:
    """Sign every browser of an account out, but for the session with the id `but`; how many. Raises NotFound."""
    async with DB.transaction(allow_nested=False):
        ended = await end_other_sessions(user, session=but)
        await _note_ended(user, ended, by=by, at=at)
    return ended


async def _note_ended(user: int, ended: int, *, by: Actor, at: datetime) -> None:
    email = await fetchval("SELECT email FROM app_user WHERE id = $1", user)
    if email is None:
        raise NotFound()
    await config_journal.note(by=by, at=at, act="session.end", subject=email, data={"sessions": ended})


async def end_other_sessions(user: int, *, session: str | None) -> int:
    """End all sessions but the one that asks; how many. The note of it is the caller's."""
    return await execute(
        'DELETE FROM app_session WHERE "user" = $1 AND id_hash <> $2', user, id_hash(session) if session else b""
    )
