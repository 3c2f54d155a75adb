"""Keyset pages: a page begins where the last one ended, however much lies before it."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec

from workflow.errors import FieldError, WrongFields
from workflow.words import _

DEFAULT_LIMIT = 50
MOST = 200
COUNTED = 999  # no figure needs to be larger: counts end one beyond, and the page says "999+"

T = TypeVar("T")


def capped(what: str, most: int = COUNTED) -> str:
    """A count in SQL of the rows of `what` (tables and condition), no further than `most + 1`."""
    return f"(SELECT count(*) FROM (SELECT FROM {what} LIMIT {most + 1}) AS counted)"


def cursor_of(*place: object) -> str:
    """An opaque cursor for a place in an order."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_of(cursor: str | None, decoder: msgspec.json.Decoder[T], *, field: str = "cursor") -> T | None:
    """The place a cursor stands for; None at the beginning. Raises WrongFields for a cursor that is not ours."""
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = decoder.decode(raw)
        return cast(T, tuple(_fitting(one) for one in place)) if isinstance(place, tuple) else place
    except (binascii.Error, ValueError, OverflowError, msgspec.DecodeError):
        raise WrongFields([FieldError(field, _("This is not a cursor of this list. Begin without one."), {})]) from None


def _fitting(part: object) -> object:
    """A number that a column may hold, beyond which there is nothing; an instant in UTC."""
    if isinstance(part, int):
        return max(0, min(part, 2**63 - 1))
    if isinstance(part, datetime):
        if part.tzinfo is None:
            raise ValueError("an instant needs its zone")
        return part.astimezone(UTC)
    return part


def instant_in(text: str) -> datetime:
    """An instant that stands in an address of ours, in UTC. Raises ValueError for anything else."""
    try:
        return cast(datetime, _fitting(datetime.fromisoformat(text)))
    except OverflowError as beyond:
        raise ValueError(text) from beyond


def place_in(text: str) -> tuple[datetime, UUID] | None:
    """A place as it stands in the address of a page, `instant~id`; None, the beginning, for anything else."""
    moment, _tilde, id = text.partition("~")
    try:
        return instant_in(moment), UUID(id)
    except ValueError:
        return None


def cut(rows: list[Any], limit: int) -> tuple[list[Any], bool]:
    """The rows of the page, of `limit + 1` that were read, and whether more follow."""
    return rows[:limit], len(rows) > limit
