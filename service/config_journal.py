"""The configuration journal: what was changed besides tickets, by whom and when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from service.actors import Actor
from service.conditions import Where, like
from service.database import execute, fetch
from service.idempotency import claim

LONGEST_NAME, LONGEST_SUBJECT = 200, 300  # what the columns hold


async def note(*, by: Actor, at: datetime, act: str, subject: str, data: Mapping[str, Any] | None = None) -> None:
    """Add one entry, in the transaction of the change it tells of; the key of the request goes with it.

    A customer stands in it by the id of the contact: an entry is never changed, and names may have to be forgotten.
    """
    await claim(at=at)
    await execute(
        "INSERT INTO config_journal (at, actor_kind, actor_name, act, subject, data) VALUES ($1, $2, $3, $4, $5, $6)",
        at, by.kind, _name(by)[:LONGEST_NAME], act, subject[:LONGEST_SUBJECT], msgspec.json.encode(data or {}).decode(),
    )  # fmt: skip


def _name(by: Actor) -> str:
    return f"contact {by.id}" if by.kind == "customer" and by.id else "" if by.kind == "customer" else by.name


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are asked for; what is empty does not matter. `act` may be the beginning of one."""

    act: str = ""
    actor: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


class Noted(msgspec.Struct, frozen=True):
    """An entry as it was noted."""

    id: int
    at: datetime
    actor_kind: str
    actor_name: str
    act: str
    subject: str
    data: dict[str, Any]


async def noted(wanted: Wanted, *, limit: int, before: int | None = None) -> list[Noted]:
    """The entries that fit, the newest first; with `before` those older than this one."""
    where = Where()
    if before is not None:
        where.add("id < {}", before)
    for column, words in (("actor_name", wanted.actor), ("subject", wanted.subject)):
        if words.strip():
            where.add(f"{column} ILIKE {{}}", like(words))
    if act := wanted.act.replace("\x00", "").strip():
        where.add("starts_with(act, {})", act)
    if wanted.since is not None:
        where.add("at >= {}", wanted.since)
    if wanted.until is not None:
        where.add("at < {}", wanted.until)
    rows = await fetch(
        "SELECT id, at, actor_kind, actor_name, act, subject, data FROM config_journal "
        f"{where.sql} ORDER BY id DESC LIMIT {limit}",
        *where.values,
    )
    return [Noted(**(dict(row) | {"data": msgspec.json.decode(row["data"])})) for row in rows]
