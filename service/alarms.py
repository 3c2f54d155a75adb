"""Alarms: what the people who run the system must see, once each until it is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
import structlog

from service import config_journal
from service.actors import Actor
from service.database import DB, execute, fetchrow, retried

log = structlog.get_logger(__name__)


async def sound(kind: str, key: str, sentence: str, params: Mapping[str, str] | None = None, *, at: datetime) -> bool:
    """Raise an alarm unless it stands already; whether it is new. `sentence` is an English msgid with its `params`."""
    fresh = await execute(
        "INSERT INTO alarm (kind, key, sentence, params, at) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (kind, key) WHERE cleared_at IS NULL DO NOTHING",
        kind, key[:200], sentence, msgspec.json.encode(params or {}).decode(), at,
    )  # fmt: skip
    if fresh:
        log.warning("alarm", kind=kind, key=key, sentence=sentence, params=dict(params or {}))
    return bool(fresh)


async def clear(kind: str, key: str | None = None, *, at: datetime) -> int:
    """End the alarm of this kind and key, or all of the kind; how many stood."""
    return await execute(
        "UPDATE alarm SET cleared_at = $3 WHERE kind = $1 AND ($2::text IS NULL OR key = $2) AND cleared_at IS NULL",
        kind, key, at,
    )  # fmt: skip


@retried
async def dismiss(id: int, *, by: Actor, at: datetime) -> bool:
    """A person has seen it: it ends, journaled; whether it stood. It is raised again when its reason comes back."""
    async with DB.transaction(allow_nested=False):
        row = await fetchrow(
            "UPDATE alarm SET cleared_at = $2 WHERE id = $1 AND cleared_at IS NULL RETURNING kind, key", id, at
        )
        if row is not None:
            await config_journal.note(by=by, at=at, act="alarm.clear", subject=f"{row['kind']} {row['key']}".strip())
    return row is not None
