"""Events that concern no ticket: kept for the feed and laid out for every subscription to their type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.database import execute
from service.event_catalogue import envelope

# Filters speak of tickets, so they keep back nothing that is of none.
ANNOUNCE = """
WITH kept AS (
    INSERT INTO event (event_id, type, ticket, seq, body, at) VALUES ($1, $2, NULL, 0, $3, $4)
    RETURNING event_id, type, body, at
)
INSERT INTO outbox (event_id, channel, endpoint, ticket, seq, type, recipients, body, next_at, created_at)
SELECT k.event_id, 'webhook', w.id::text, NULL, 0, k.type, '[]', k.body, k.at, k.at
FROM kept k JOIN webhook w ON w.status = 'enabled' AND (w.event_types ? '*' OR w.event_types ? k.type)
"""


async def announce(type: str, event_id: str, data: Mapping[str, Any], *, at: datetime) -> None:
    """Tell integrators, in the transaction of the change it tells of; the caller rings `send_webhooks` after it."""
    await execute(ANNOUNCE, event_id, type, envelope(type, {"ticket_id": None, "seq": 0, **data}, at=at), at)
