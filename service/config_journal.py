"""The configuration journal: what was changed besides tickets, by whom and when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from service.actors import Actor
from service.database import execute
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
