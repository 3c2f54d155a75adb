"""A request under an Idempotency-Key acts once, and gives the same answer when it comes again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import msgspec

from service.database import execute, fetchrow
from workflow.errors import Refusal
from workflow.words import _

UNANSWERED = 0  # the status of a key whose act is done and whose answer is not kept yet
SECRETS = ("secret", "token", "password")  # shown once: an answer given again holds nothing in their place


class Key(msgspec.Struct, frozen=True):
    """An Idempotency-Key: whose, which, and over which request."""

    principal: str
    key: str
    request_hash: bytes


class Repeated(Exception):
    """This request was answered before; `response` holds the same bytes again."""

    def __init__(self, status: int, response: bytes) -> None:
        self.status = status
        self.response = response


class KeyReused(Refusal):
    """The same key came with another request."""

    code = "key_reused"
    sentence = _("This Idempotency-Key was used for another request.")


class KeyInUse(Refusal):
    """The same request is being carried out, or was cut off between its act and its answer."""

    code = "key_in_use"
    sentence = _(
        "A request with this Idempotency-Key is being carried out, or its answer was lost. Look at what it made."
    )


@dataclass
class Asked:
    """The request that is being answered; `key` is None when it has none, or when its verb keeps the answer itself."""

    key: Key | None = None
    mark: bytes = b""


_ASKED: ContextVar[Asked | None] = ContextVar("asked", default=None)


@contextmanager
def asking() -> Iterator[Asked]:
    """Around one request."""
    asked = Asked()
    token = _ASKED.set(asked)
    try:
        yield asked
    finally:
        _ASKED.reset(token)


def remember(key: Key) -> None:
    """From here on, what this request does is done under `key`."""
    if asked := _ASKED.get():
        asked.key, asked.mark = key, uuid4().bytes


def kept_by_the_verb() -> None:
    """The verb writes the answer of its key beside its act: nobody else needs to."""
    if asked := _ASKED.get():
        asked.key = None


async def refuse_repetition(key: Key | None) -> None:
    """Raises Repeated when this key was answered before, KeyReused when it came with another request, KeyInUse."""
    if key is None:
        return
    row = await fetchrow(
        "SELECT request_hash, response, status FROM idem WHERE principal = $1 AND key = $2", key.principal, key.key
    )
    if row is None:
        return
    if bytes(row["request_hash"]) != key.request_hash:
        raise KeyReused()
    if row["status"] == UNANSWERED:
        raise KeyInUse()
    raise Repeated(row["status"], bytes(row["response"]))


async def claim(*, at: datetime) -> None:
    """Inside the transaction of an act: the key of the request is used up by it, or neither happens.

    Of two that come at once the second waits here for the first. Raises as `refuse_repetition`.
    """
    asked = _ASKED.get()
    if asked is None or asked.key is None:
        return
    key = asked.key
    row = await fetchrow(
        "INSERT INTO idem (principal, key, request_hash, response, status, at) VALUES ($1, $2, $3, $4, $5, $6) "
        "ON CONFLICT (principal, key) DO UPDATE SET at = idem.at WHERE idem.response = $4 RETURNING key",
        key.principal, key.key, key.request_hash, asked.mark, UNANSWERED, at,
    )  # fmt: skip
    if row is None:
        await refuse_repetition(key)


async def keep_answer(asked: Asked, *, status: int, response: bytes, at: datetime) -> None:
    """What the request was answered, without what is shown only once."""
    if asked.key is None:
        return
    key = asked.key
    await execute(
        "INSERT INTO idem (principal, key, request_hash, response, status, at) VALUES ($1, $2, $3, $4, $5, $6) "
        "ON CONFLICT (principal, key) DO UPDATE SET response = excluded.response, status = excluded.status "
        "WHERE idem.response = $7",
        key.principal, key.key, key.request_hash, without_secrets(response), status, at, asked.mark,
    )  # fmt: skip


def without_secrets(response: bytes) -> bytes:
    """The answer with nothing in place of a secret."""
    told = msgspec.json.decode(response) if response else None
    if not isinstance(told, dict):
        return response
    shown = dict.fromkeys((name for name in SECRETS if name in told), "")
    return msgspec.json.encode(told | shown) if shown else response
