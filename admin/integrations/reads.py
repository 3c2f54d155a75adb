"""How subscriptions fare, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.database import fetch

# What waits and what was given up have indexes of their own; the last success is found from the newest end.
FARES = """
SELECT w.id,
       (SELECT o.delivered_at FROM outbox o WHERE o.endpoint = w.id::text AND o.status = 'delivered'
        ORDER BY o.id DESC LIMIT 1) AS succeeded_at,
       (SELECT count(*) FROM outbox o WHERE o.channel = 'webhook' AND o.endpoint = w.id::text
           AND o.status IN ('pending', 'sending')) AS waiting,
       (SELECT count(*) FROM outbox o WHERE o.channel = 'webhook' AND o.endpoint = w.id::text
           AND o.status IN ('parked', 'dead')) AS given_up,
       coalesce(CASE split_part(w.created_by, ':', 1)
           WHEN 'staff' THEN (SELECT u.name FROM app_user u WHERE u.id::text = split_part(w.created_by, ':', 2))
           WHEN 'token' THEN (SELECT k.name FROM api_token k WHERE k.id::text = split_part(w.created_by, ':', 2))
       END, w.created_by) AS owner
FROM webhook w WHERE w.id = ANY($1)
"""


@dataclass(frozen=True, slots=True)
class Fares:
    """How one subscription fares. `waiting` and `given_up` count deliveries."""

    succeeded_at: datetime | None
    waiting: int
    given_up: int
    owner: str


async def fares(ids: Sequence[UUID]) -> Mapping[UUID, Fares]:
    """By subscription."""
    return {
        row["id"]: Fares(row["succeeded_at"], row["waiting"], row["given_up"], row["owner"])
        for row in await fetch(FARES, list(ids))
    }
