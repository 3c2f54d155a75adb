"""Signed-in browsers: the cookie holds a random id, the table only its hash, and strangers leave nothing behind."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta

import msgspec

from service.actors import Actor
from service.database import DB, execute, fetchrow, retried
from service.notices import UNREAD
from service.regulations import IN_FORCE
from workflow.definition import Role

IDLE = timedelta(hours=12)  # a session that is not used ends
LONGEST = timedelta(days=14)  # and so does one that is used all the time
SLIDES_EVERY = timedelta(minutes=5)  # a read must not cost a write each time
LONGEST_NAME = 300  # characters of what a browser calls itself
ID = re.compile(r"[A-Za-z0-9_-]{43}")


class Origin(msgspec.Struct, frozen=True):
    """From where somebody signed in."""

    browser: str = ""
    place: str = ""


class Session(msgspec.Struct, frozen=True):
    """One signed-in browser: the id its cookie holds, who signed in, and how many notices that person has not read.

    `in_force` is the version of the regulation in force, read by the way: nearly every page asks for it.
    """

    id: str
    actor: Actor
    unread: int = 0
    in_force: int | None = None


SIGNED_IN = f"""
SELECT u.id, u.name, u.email, u.role, u.language, s.expires_at, s.created_at, {UNREAD.format(user="u.id")} AS unread,
       ({IN_FORCE.format(at="$4")}) AS in_force
FROM app_session s JOIN app_user u ON u.id = s."user"
WHERE s.id_hash = $1 AND s.expires_at > $2 AND s.created_at > $3 AND u.active
"""


async def session(id: str, *, at: datetime, desk_at: datetime | None = None) -> Session | None:
    """The living session behind a cookie; None for an id we never gave out, or one that ended.

    `at` is the real time; `desk_at`, by default the same, the desk's, which development may have moved.
    """
    if not ID.fullmatch(id):
        return None
    row = await fetchrow(SIGNED_IN, id_hash(id), at, at - LONGEST, desk_at or at)
    if row is None:
        return None
    if at + IDLE - row["expires_at"] > SLIDES_EVERY:
        await execute("UPDATE app_session SET expires_at = $2 WHERE id_hash = $1", id_hash(id), at + IDLE)
    user = str(row["id"])
    actor = Actor(
        kind="staff", id=user, name=row["name"], role=Role(row["role"]), user=user, email=row["email"],
        language=row["language"],
    )  # fmt: skip
    return Session(id, actor, row["unread"], row["in_force"])


@retried
async def open_session(
    user: int, *, at: datetime, instead_of: str | None = None, browser: str = "", place: str = ""
) -> str:
    """The id of a fresh session. The one the browser came with, if any, ends: an id never outlives a sign-in.

    `browser` is what it calls itself, `place` its address: by them its owner knows it again.
    """
    id = secrets.token_urlsafe(32)
    origin = msgspec.json.encode(Origin(browser[:LONGEST_NAME], place))
    async with DB.transaction(allow_nested=False):
        if instead_of:
            await execute("DELETE FROM app_session WHERE id_hash = $1", id_hash(instead_of))
        await execute(
            'INSERT INTO app_session (id_hash, "user", data, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)',
            id_hash(id), user, origin, at, at + IDLE,
        )  # fmt: skip
        await execute("UPDATE app_user SET signed_in_at = $2 WHERE id = $1", user, at)
    return id


async def close_session(id: str) -> None:
    """End a session; one that ended already is no matter."""
    await execute("DELETE FROM app_session WHERE id_hash = $1", id_hash(id))


async def sweep_sessions(*, at: datetime) -> int:
    """Delete what has expired; how many."""
    return await execute("DELETE FROM app_session WHERE expires_at <= $1 OR created_at <= $2", at, at - LONGEST)


def id_hash(id: str) -> bytes:
    """What the table keeps of an id."""
    return hashlib.sha256(id.encode()).digest()
