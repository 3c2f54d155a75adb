"""Keys of programs: shown once, kept as hashes, limited by role and scopes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from service import config_journal
from service.actors import CLOCK, Actor
from service.conditions import Where, like
from service.database import DB, execute, fetch, fetchrow, fetchval, retried
from workflow.definition import Role
from workflow.errors import FieldError, NotFound, WrongFields, no_choice
from workflow.words import _

PREFIX = "rgl_"
EVERYTHING = "*"
# What a token may be limited to. A scope never gives more than the role does.
SCOPES = (
    "tickets:read", "tickets:write", "events:read", "webhooks:manage", "regulation:read", "regulation:write",
    "directory:read", "directory:write", "tokens:manage", "metrics:read", "tickets:import", "alarms:clear",
)  # fmt: skip
USE_NOTED_EVERY = timedelta(minutes=1)


class Bearer(msgspec.Struct, frozen=True):
    """Who a token speaks for, and how far."""

    actor: Actor
    scopes: frozenset[str]

    def reaches(self, scope: str) -> bool:
        return EVERYTHING in self.scopes or scope in self.scopes


@retried
async def add_token(
    name: str,
    *,
    role: Role,
    scopes: Sequence[str] = (),
    user: int | None = None,
    expires_at: datetime | None = None,
    at: datetime,
    by: Actor = CLOCK,
) -> str:
    """Make a token; it is shown now and never again. No scopes means all of its role. Raises WrongFields."""
    name = " ".join(name.replace("\x00", " ").split())
    _check(name, scopes, expires_at, at)
    token = PREFIX + secrets.token_urlsafe(32)
    async with DB.transaction(allow_nested=False):
        await execute(
            'INSERT INTO api_token (name, token_hash, role, scopes, "user", created_at, expires_at) '
            "VALUES ($1, $2, $3, $4, $5, $6, $7)",
            name, _hash(token), role.value, msgspec.json.encode(list(scopes) or [EVERYTHING]).decode(), user, at,
            expires_at,
        )  # fmt: skip
        await config_journal.note(
            by=by, at=at, act="token.add", subject=name, data={"role": role.value, "scopes": list(scopes)}
        )
    return token


def _check(name: str, scopes: Sequence[str], expires_at: datetime | None, at: datetime) -> None:
    errors: list[FieldError] = []
    if not name:
        errors.append(FieldError("name", _("Please fill this in."), {}))
    if len(name) > 200:
        errors.append(FieldError("name", _("This is too long: at most {most} characters."), {"most": "200"}))
    if unknown := [scope for scope in scopes if scope != EVERYTHING and scope not in SCOPES]:
        errors.append(no_choice("scopes", unknown, SCOPES))
    if expires_at is not None and expires_at <= at:
        errors.append(FieldError("expires_at", _("This must lie in the future."), {}))
    if errors:
        raise WrongFields(errors)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


BEARER = """
SELECT k.id, k.name, k.role, k.scopes, k.used_at, u.id AS user_id, u.email, u.language
FROM api_token k LEFT JOIN app_user u ON u.id = k."user"
WHERE k.token_hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)
  AND (u.id IS NULL OR u.active)
"""


async def bearer(token: str, *, at: datetime) -> Bearer | None:
    """Who this token speaks for at `at`; None when it is unknown, revoked or past its time."""
    row = await fetchrow(BEARER, _hash(token), at)
    if row is None:
        return None
    if row["used_at"] is None or at - row["used_at"] > USE_NOTED_EVERY:
        await execute("UPDATE api_token SET used_at = $2 WHERE id = $1", row["id"], at)
    actor = Actor(
        kind="token", id=str(row["id"]), name=row["name"], role=Role(row["role"]),
        user="" if row["user_id"] is None else str(row["user_id"]), email=row["email"] or "",
        language=row["language"] or "en",
    )  # fmt: skip
    return Bearer(actor, frozenset(msgspec.json.decode(row["scopes"])))


async def tokens(*, limit: int, after: int = 0, q: str = "", revoked: bool | None = None) -> list[dict[str, Any]]:
    """A page of tokens in the order of their ids; the tokens themselves are not known any more."""
    where = Where()
    where.add("k.id > {}", after)
    if q.strip():
        where.add("k.name ILIKE {}", like(q))
    if revoked is not None:
        where.add("(k.revoked_at IS NOT NULL) = {}", revoked)
    rows = await fetch(
        "SELECT k.id, k.name, k.role, k.scopes, u.email AS user, k.created_at, k.expires_at, k.used_at, k.revoked_at "
        f'FROM api_token k LEFT JOIN app_user u ON u.id = k."user" {where.sql} ORDER BY k.id LIMIT {limit}',
        *where.values,
    )
    return [dict(row) | {"scopes": msgspec.json.decode(row["scopes"])} for row in rows]


async def token_id(token: str) -> int:
    """The id of a token just made. Raises NotFound."""
    found: int | None = await fetchval("SELECT id FROM api_token WHERE token_hash = $1", _hash(token))
    if found is None:
        raise NotFound()
    return found


@retried
async def revoke(id: int, *, by: Actor, at: datetime) -> None:
    """End a token for good. Raises NotFound."""
    async with DB.transaction(allow_nested=False):
        name = await fetchval(
            "UPDATE api_token SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 RETURNING name", id, at
        )
        if name is None:
            raise NotFound()
        await config_journal.note(by=by, at=at, act="token.revoke", subject=name, data={"id": id})
