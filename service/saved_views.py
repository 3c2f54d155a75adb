"""Saved views of the queue: a filter under a name, its owner's alone or shared with everybody on the desk."""

from __future__ import annotations

from datetime import datetime

import asyncpg
import msgspec

from service.accounts import AlreadyThere
from service.database import execute, fetch
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.words import _

LONGEST_NAME = 60
LONGEST_QUERY = 2_000
MOST = 100  # views of one person, and views that are shared


class SavedView(msgspec.Struct, frozen=True):
    """A view as one person sees it: `own` when it is theirs to delete."""

    id: int
    name: str
    query: str
    shared: bool
    own: bool
    owner_name: str


# One's own views and those that colleagues share, by name.
VIEWS = f"""
SELECT v.id, v.name, v.query, v.shared, v.owner = {{user}} AS own, u.name AS owner_name FROM saved_view v
JOIN app_user u ON u.id = v.owner WHERE v.owner = {{user}} OR (v.shared AND u.active)
ORDER BY v.owner <> {{user}}, lower(v.name), v.id LIMIT {MOST}
"""


async def views_of(user: int) -> list[SavedView]:
    """The views one person sees."""
    return [SavedView(**row) for row in await fetch(VIEWS.format(user="$1"), user)]


async def save_view(user: int, *, name: str, query: str, shared: bool, at: datetime) -> None:
    """Keep a view under a name. Raises WrongFields, and AlreadyThere when the owner has one of this name."""
    name = " ".join(name.replace("\x00", " ").split())
    if not name:
        raise WrongFields([FieldError("name", _("Please fill this in."), {})])
    if len(name) > LONGEST_NAME or len(query) > LONGEST_QUERY:
        most = str(LONGEST_NAME)
        raise WrongFields([FieldError("name", _("This is too long: at most {most} characters."), {"most": most})])
    try:
        await execute(
            "INSERT INTO saved_view (name, query, owner, shared, created_at) VALUES ($1, $2, $3, $4, $5)",
            name, query, user, shared, at,
        )  # fmt: skip
    except asyncpg.UniqueViolationError:
        raise AlreadyThere(value=name) from None


async def delete_view(user: int, view: int) -> None:
    """Forget one's own view. Raises NotFound for any other."""
    if not await execute("DELETE FROM saved_view WHERE id = $1 AND owner = $2", view, user):
        raise NotFound()
