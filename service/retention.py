"""What is over is forgotten in small steps; the journal, the events and what was never delivered are kept for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from service import clock, files, presence, sessions
from service.database import execute, fetch

log = structlog.get_logger(__name__)

BATCH = 1000  # rows of one statement: nobody waits for a long one
MOST_BATCHES = 50  # of one kind in one run; the next run goes on
KEEP_ANSWERS = timedelta(hours=48)  # how long a request may be repeated under its Idempotency-Key
KEEP_LINKS = timedelta(days=30)  # after a link to an account ended, so that its page can say why
KEEP_LOOSE_FILES = timedelta(days=7)  # a form may stay open over a weekend

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

# A link that ended gives nothing any more. A used registration still says where its person wants to belong.
LINKS = """
WITH over AS (
    SELECT id FROM account_link WHERE coalesce(ended_at, expires_at) < $1 AND NOT (used AND kind = 'registration')
    LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM account_link USING over WHERE account_link.id = over.id
"""


NOTICES = """
WITH over AS (SELECT id FROM notice WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)
DELETE FROM notice USING over WHERE notice.id = over.id
"""


async def forget(*, at: datetime, keep: timedelta) -> dict[str, int]:
    """Remove deliveries that arrived and notices that came over `keep` ago, answers over two days old, ended sessions
    and links of accounts, files of forms that were never sent; how many of each."""
    gone = {
        "deliveries": await _in_batches(lambda: execute(DELIVERIES, at - keep, BATCH)),
        "notices": await _in_batches(lambda: execute(NOTICES, at - keep, BATCH)),
        "answers": await _in_batches(lambda: execute(ANSWERS, at - KEEP_ANSWERS, BATCH)),
        "presence": await presence.sweep_presence(at=at - clock.offset()),
        "sessions": await sessions.sweep_sessions(at=at - clock.offset()),  # a moved clock signs nobody out
        "links": await _in_batches(lambda: execute(LINKS, at - KEEP_LINKS, BATCH)),
        "files": await _sweep_files(at=at - clock.offset()),  # files have the time of the disk
    }
    if any(gone.values()):
        log.info("forgotten", **gone)
    return gone


async def _sweep_files(*, at: datetime) -> int:
    """Files that came with a form which was refused and given up; no ticket shows them."""
    removed = 0
    old = await asyncio.to_thread(lambda: list(files.older_than(at - KEEP_LOOSE_FILES)))
    for start in range(0, len(old), BATCH):
        batch = {place.name: place for place in old[start : start + BATCH]}
        shown = await fetch("SELECT DISTINCT sha256 FROM attachment WHERE sha256 = ANY($1)", list(batch))
        for sha256 in batch.keys() - {row["sha256"] for row in shown}:
            await asyncio.to_thread(batch[sha256].unlink, missing_ok=True)
            removed += 1
    return removed


async def _in_batches(remove: Callable[[], Awaitable[int]]) -> int:
    total = 0
    for _batch in range(MOST_BATCHES):
        removed = await remove()
        total += removed
        if removed < BATCH:
            break
    return total
