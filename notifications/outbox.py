"""The outbox: deliveries are claimed with a lease, sent outside any transaction, and recorded by who still holds them.

At least once, with a stable id; per endpoint and ticket one at a time, the oldest first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

import msgspec
import structlog
from prometheus_client import Counter, Histogram

from notifications.retry import TELL_OWNER_AT
from service import alarms, clock, failpoints, tracing
from service.database import DB, execute, fetch, fetchval, retried
from service.enclosures import Enclosure
from workflow.words import _

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
TIMEOUT = timedelta(seconds=15)  # hard, for one delivery
CRASHES = 3  # reclaims of one delivery after which it counts as poison
LAST_CHANCE = CRASHES - 1  # a delivery lost so often travels without another such: poison takes no neighbour with it
MOST_AT_ONCE = 50  # deliveries of one channel in one worker
LOCKS = {"letter": 0x5247_0001, "webhook": 0x5247_0002}  # advisory locks: one claims at a time, so that order holds

ENDED = Counter("reglament_deliveries", "Attempts to deliver, by how they ended.", ["channel", "status"])
FENCED = Counter("reglament_deliveries_fenced", "Answers that came after the lease had gone to another.", ["channel"])
FIRST_ATTEMPT = Histogram(
    "reglament_delivery_wait_seconds",
    "From the commit to the first attempt.",
    ["channel"],
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 30, 60, 600),
)


class Claimed(msgspec.Struct, frozen=True):
    """One delivery in our hands until its lease ends. `body` is sent byte for byte, the files of a letter behind it."""

    id: int
    claim: UUID
    event_id: str
    channel: str
    endpoint: str
    ticket: UUID | None
    seq: int
    type: str
    recipients: tuple[str, ...]
    body: bytes
    attempt: int
    claimed_at: datetime
    trace: str = ""  # the traceparent of the act that caused it
    files: tuple[Enclosure, ...] = ()


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended: `delivered`, `pending` (again after `wait`), or `dead`."""

    status: str
    wait: timedelta | None = None
    error: str = ""
    http_status: int | None = None
    ms: int = 0
    request: Mapping[str, str] = {}  # the headers it went with
    head: bytes = b""  # of the answer


async def moment() -> datetime:
    """The database's clock, moved as the development clock is: it decides when something is due."""
    return await _clock("SELECT clock_timestamp()")


async def _clock(sql: str, *values: object) -> datetime:
    now: datetime = await fetchval(sql, *values)
    return now + clock.offset()


# An earlier delivery of the same ticket to the same endpoint goes first, unless it has failed four times and waits.
# Letters of one ticket go to several people, who do not wait for each other, nor for one held until working time.
# OFFSET 0 asks for each delivery in turn, by the index of its ticket, and ends when the room is full. Without it the
# planner may join all that waits with all that waits, as it does while it has no statistics: a burst on a young system.
CLAIM = f"""
WITH room AS (SELECT * FROM unnest($3::text[], $4::int[]) AS given(endpoint, places)),
chosen AS (
    SELECT next.id, next.crash_count FROM room CROSS JOIN LATERAL (
        SELECT o.id, o.crash_count FROM outbox o
        WHERE o.channel = $1 AND o.endpoint = room.endpoint AND o.status = 'pending' AND o.next_at <= $2
          AND NOT EXISTS (
              SELECT FROM outbox e
              WHERE e.channel = $1 AND e.endpoint = o.endpoint AND e.ticket = o.ticket AND e.id <> o.id
                AND e.status IN ('pending', 'sending') AND ($1 = 'webhook' OR e.recipients = o.recipients)
                AND (e.status = 'sending' OR (
                    (e.seq, e.id) < (o.seq, o.id)
                    AND (e.next_at <= $2 OR e.attempt BETWEEN 1 AND {TELL_OWNER_AT - 1})
                ))
              OFFSET 0
          )
        ORDER BY o.next_at, o.id LIMIT room.places FOR UPDATE SKIP LOCKED
    ) next
),
going AS (
    SELECT id FROM chosen WHERE crash_count < {LAST_CHANCE} OR (
        id = (SELECT min(id) FROM chosen WHERE crash_count >= {LAST_CHANCE})
        AND NOT EXISTS (
            SELECT FROM outbox s WHERE s.channel = $1 AND s.status = 'sending' AND s.crash_count >= {LAST_CHANCE}
        )
    )
)
UPDATE outbox SET status = 'sending', attempt = attempt + 1, claim_id = $5, lease_until = clock_timestamp() + $6
FROM going WHERE outbox.id = going.id AND outbox.status = 'pending'
RETURNING outbox.id, claim_id, event_id, channel, endpoint, ticket, seq, type, recipients, body, files, attempt,
    created_at, trace
"""


async def claim(channel: str, room: Mapping[str, int], *, at: datetime) -> list[Claimed]:
    """Take up to `room` deliveries for each endpoint, in the transaction we are in, which holds `claiming`."""
    rows = await fetch(CLAIM, channel, at, list(room), list(room.values()), uuid4(), LEASE)
    for row in rows:
        if row["attempt"] == 1:
            FIRST_ATTEMPT.labels(channel).observe(max(0.0, (at - row["created_at"]).total_seconds()))
    return [_claimed(row, at=at) for row in sorted(rows, key=lambda row: (row["seq"], row["id"]))]


# OFFSET 0 keeps the lock before the clock.
CLAIMING = "SELECT clock_timestamp() FROM (SELECT pg_advisory_xact_lock($1) OFFSET 0) AS locked"


async def claiming(channel: str) -> datetime:
    """Wait until nobody else claims on this channel; held to the end of our transaction. Gives the moment."""
    return await _clock(CLAIMING, LOCKS[channel])


def _claimed(row: Any, *, at: datetime) -> Claimed:
    return Claimed(
        id=row["id"], claim=row["claim_id"], event_id=row["event_id"], channel=row["channel"],
        endpoint=row["endpoint"], ticket=row["ticket"], seq=row["seq"], type=row["type"],
        recipients=msgspec.json.decode(row["recipients"], type=tuple[str, ...]), body=bytes(row["body"]),
        attempt=row["attempt"], claimed_at=at, trace=row["trace"],
        files=msgspec.json.decode(row["files"], type=tuple[Enclosure, ...]),
    )  # fmt: skip


RECORD = """
WITH given AS (
    SELECT * FROM unnest(
        $2::int8[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::timestamptz[], $8::int4[], $9::int4[],
        $10::bytea[], $11::text[]
    ) AS one(id, claim, status, next_at, error, started_at, ms, http_status, head, request)
),
ended AS (
    UPDATE outbox o SET status = g.status, next_at = coalesce(g.next_at, o.next_at), last_error = g.error,
        claim_id = NULL, lease_until = NULL, delivered_at = CASE WHEN g.status = 'delivered' THEN $1::timestamptz END
    FROM given g WHERE o.id = g.id AND o.claim_id = g.claim AND o.status = 'sending' RETURNING o.id, o.attempt
)
INSERT INTO attempt (outbox, n, started_at, ms, http_status, error, response_head, request_head)
SELECT id, attempt, started_at, ms, http_status, error, head, request::jsonb FROM ended JOIN given USING (id)
RETURNING outbox
"""


@retried
async def record(ends: Sequence[tuple[Claimed, Ended]], *, at: datetime) -> frozenset[int]:
    """Write down how attempts ended; the ids of those whose lease had not gone to somebody else, whose word counts."""
    if not ends:
        return frozenset()
    columns = zip(*(_as_recorded(row, ended, at=at) for row, ended in ends), strict=True)
    mine = frozenset(row["outbox"] for row in await fetch(RECORD, at, *map(list, columns)))
    for row, ended in ends:
        if row.id in mine:
            ENDED.labels(row.channel, ended.status).inc()
        else:
            _fenced(row)
    failpoints.reach("outbox.recorded")
    return mine


def _as_recorded(row: Claimed, ended: Ended, *, at: datetime) -> tuple[object, ...]:
    next_at = at + ended.wait if ended.wait is not None else None
    return (
        row.id, row.claim, ended.status, next_at, ended.error, row.claimed_at, ended.ms, ended.http_status, ended.head,
        msgspec.json.encode(ended.request).decode(),
    )  # fmt: skip


def _fenced(row: Claimed) -> None:
    FENCED.labels(row.channel).inc()
    log.warning("late answer of a delivery that is another's now", outbox=row.id, event_id=row.event_id)


async def still_held(rows: Sequence[Claimed]) -> frozenset[int]:
    """The ids of those we still hold, locked until the end of the transaction we are in; the others are fenced."""
    found = await fetch(
        "SELECT o.id FROM outbox o JOIN unnest($1::int8[], $2::uuid[]) AS given(id, claim) "
        "ON o.id = given.id AND o.claim_id = given.claim WHERE o.status = 'sending' "
        "ORDER BY o.id FOR NO KEY UPDATE OF o",
        [row.id for row in rows],
        [row.claim for row in rows],
    )
    mine = frozenset(row["id"] for row in found)
    for row in rows:
        if row.id not in mine:
            _fenced(row)
    return mine


SWEEP = f"""
UPDATE outbox SET
    status = CASE WHEN crash_count + 1 >= {CRASHES} THEN 'dead' ELSE 'pending' END,
    crash_count = crash_count + 1, attempt = attempt - 1, next_at = $1, claim_id = NULL, lease_until = NULL,
    last_error = CASE WHEN crash_count + 1 >= {CRASHES} THEN 'poison: each worker that took it was lost' ELSE last_error
    END
WHERE status = 'sending' AND lease_until < clock_timestamp()
RETURNING id, channel, event_id, status
"""


@retried
async def sweep(*, at: datetime) -> int:
    """Give back what a lost worker held, as if it had not been tried; how many. Three times lost is poison."""
    async with DB.transaction(allow_nested=False):
        rows = await fetch(SWEEP, at)
        for row in rows:
            log.warning("lease expired", outbox=row["id"], event_id=row["event_id"], status=row["status"])
            if row["status"] == "dead":
                await alarms.sound(
                    "delivery_poison",
                    str(row["id"]),
                    _("Delivery {id} was given up: every worker that took it was lost."),
                    {"id": str(row["id"])},
                    at=at,
                )
    return len(rows)


@retried
async def give_back(rows: list[Claimed]) -> None:
    """What could not be finished before the shutdown goes back unharmed."""
    await execute(
        "UPDATE outbox SET status = 'pending', attempt = attempt - 1, claim_id = NULL, lease_until = NULL "
        "WHERE id = ANY($1) AND claim_id = ANY($2) AND status = 'sending'",
        [row.id for row in rows],
        [row.claim for row in rows],
    )


class Channel(Protocol):
    """A way to deliver: letters or webhooks."""

    async def take(self, places: int) -> list[Claimed]:
        """Claim what may be sent now, at most `places`."""

    async def deliver(self, row: Claimed) -> str:
        """Send one delivery and record how it ended; the status it has now."""


class Courier:
    """Carries the deliveries of one channel, many at once; a slow receiver delays nobody but itself."""

    def __init__(
        self,
        channel: Channel,
        *,
        most: Callable[[], int] = lambda: MOST_AT_ONCE,
        on_return: Callable[[], None] = lambda: None,
    ) -> None:
        """`most`: how many may be under way now. `on_return` is called whenever one ended: its successor may go."""
        self._channel = channel
        self._most = most
        self._on_return = on_return
        self._under_way: dict[asyncio.Task[None], Claimed] = {}
        self._closed = False
        self._counter = asyncio.Lock()  # one goes to the counter at a time, and closing waits for whoever is there

    async def dispatch(self) -> int:
        """Send off whatever may go now; how many deliveries that were."""
        async with self._counter:
            places = self._most() - len(self._under_way)
            if self._closed or places <= 0:
                return 0
            rows = await self._channel.take(places)
            if rows:
                failpoints.reach("outbox.claimed")
            for row in rows:
                task = asyncio.create_task(self._carry(row), name=f"deliver {row.id}")
                self._under_way[task] = row
                task.add_done_callback(self._returned)
            return len(rows)

    async def close(self, *, patience: float) -> None:
        """Take nothing more, let what is under way end within `patience` seconds, and give back the rest."""
        self._closed = True
        async with self._counter:
            pass  # what was being claimed is under way now
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=patience)
        left = dict(self._under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if left:
            await give_back(list(left.values()))

    async def _carry(self, row: Claimed) -> None:
        facts: dict[str, tracing.Fact] = {
            "reglament.event_id": row.event_id,
            "reglament.event_type": row.type,
            "reglament.ticket": str(row.ticket or ""),
            "reglament.attempt": row.attempt,
        }
        try:
            with tracing.trace(f"deliver {row.channel}", kind="CONSUMER", parent=row.trace, facts=facts):
                status = await self._channel.deliver(row)
                tracing.tell({"reglament.status": status})
        except Exception:
            # It stays claimed: the sweep gives it back after its lease, and buries it when this happens each time.
            log.exception("delivery broke off", outbox=row.id, event_id=row.event_id, channel=row.channel)

    def _returned(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task, None)
        self._on_return()
