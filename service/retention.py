"""What is over is forgotten in small steps; the journal, the events and what was never delivered are kept for ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from service import clock, presence, sessions
from service.database import execute

log = structlog.get_logger(__name__)

BATCH = 1000  # rows of one statement: nobody waits for a long one
MOST_BATCHES = 50  # of one kind in one run; the next run goes on
KEEP_ANSWERS = timedelta(hours=48)  # how long a request may be repeated under its Idempotency-Key

# A delivery goes with its attempts, a digest with the letters it carried. Several workers may forget at once: each
# takes rows of its own.
DELIVERIES = """
WITH over AS (
    SELECT id FROM outbox WHERE status = 'delivered' AND delivered_at < $1
    ORDER BY delivered_at LIMIT $2 FOR UPDATE SKIP LOCKED
),
attempts AS (DELETE FROM attempt USING over WHERE attempt.outbox = over.id),
carried AS (DELETE FROM outbox USING over WHERE outbox.digest = over.id)
DELETE FROM outbox USING over WHERE outbox.id = over.id
"""
ANSWERS = """
WITH over AS (SELECT id FROM idem WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)
DELETE FROM idem USING over WHERE idem.id = over.id
"""


async def forget(*, at: datetime, keep: timedelta) -> dict[str, int]:
    """Remove deliveries that arrived over `keep` ago, answers over two days old, ended sessions; how many of each."""
    gone = {
        "deliveries": await _in_batches(lambda: execute(DELIVERIES, at - keep, BATCH)),
        "answers": await _in_batches(lambda: execute(ANSWERS, at - KEEP_ANSWERS, BATCH)),
        "presence": await presence.sweep_presence(at=at - clock.offset()),
        "sessions": await sessions.sweep_sessions(at=at - clock.offset()),  # a moved clock signs nobody out
    }
    if any(gone.values()):
        log.info("forgotten", **gone)
    return gone


async def _in_batches(remove: Callable[[], Awaitable[int]]) -> int:
    total = 0
    for _batch in range(MOST_BATCHES):
        removed = await remove()
        total += removed
        if removed < BATCH:
            break
    return total
