"""Keyset pages: a page begins where the last one ended, however much lies before it."""

from __future__ import annotations

import base64
import binascii
from typing import Any, TypeVar

import msgspec

from workflow.errors import FieldError, WrongFields
from workflow.words import _

DEFAULT_LIMIT = 50
MOST = 200

T = TypeVar("T")


def cursor_of(*place: object) -> str:
    """An opaque cursor for a place in an order."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_of(cursor: str | None, decoder: msgspec.json.Decoder[T], *, field: str = "cursor") -> T | None:
    """The place a cursor stands for; None at the beginning. Raises WrongFields for a cursor that is not ours."""
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return decoder.decode(raw)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise WrongFields([FieldError(field, _("This is not a cursor of this list. Begin without one."), {})]) from None


def cut(rows: list[Any], limit: int) -> tuple[list[Any], bool]:
    """The rows of the page, of `limit + 1` that were read, and whether more follow."""
    return rows[:limit], len(rows) > limit
