"""Webhooks: claimed for endpoints that may take some, signed, posted within bounds."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from notifications import endpoints, outbox
from notifications.breaker import Breaker
from notifications.endpoints import Posted, read_breaker, stored_breaker
from notifications.outbox import Claimed
from notifications.post import Answer, Poster
from notifications.together import Together
from service import failpoints, tracing
from service.database import DB, execute, fetch
from service.house import HOUSE
from service.signatures import BadSecret, signed_headers
from service.vault import SealBroken, open_

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 200  # of one worker: endpoints that keep silent for 15 s each must not fill the places of the others
MOST_PER_ENDPOINT = 10  # deliveries under way to one endpoint, of all workers together
MOST_TO_A_GOOD_ONE = 25  # the same, while it takes whatever comes
MOST_TO_GOOD_ONES = 60  # at all of these together; more connections cost more than they bring
LINGER = 0.01  # seconds; fewer and larger transactions while much goes out
USER_AGENT = "Reglament-Webhooks/1"

# Endpoints with something due that are neither disabled nor held, with what a post to them needs. OFFSET 0 asks for
# each endpoint in turn, and for one delivery of it (see `outbox.CLAIM`). Who has the least under way comes first: the
# last free place never goes to a slow one while another waits.
READY = """
WITH sending AS MATERIALIZED (SELECT channel, endpoint FROM outbox WHERE status = 'sending')
SELECT w.id, w.breaker, w.url, w.secret, w.old_secret, w.old_secret_until, (
    SELECT count(*) FROM sending s WHERE s.channel = 'webhook' AND s.endpoint = w.id::text
) AS under_way
FROM webhook w
WHERE w.status = 'enabled' AND (w.hold_until IS NULL OR w.hold_until <= $1) AND EXISTS (
    SELECT FROM outbox o
    WHERE o.channel = 'webhook' AND o.endpoint = w.id::text AND o.status = 'pending' AND o.next_at <= $1 OFFSET 0
)
ORDER BY under_way, w.id
"""


class Webhooks:
    """The channel of webhooks: one poster for all endpoints."""

    def __init__(self, poster: Poster, *, jitter: Callable[[], float] = random.random) -> None:
        self._poster = poster
        self._jitter = jitter
        self._hooks: dict[str, Any] = {}  # as they were when something was claimed for them last
        self._settled = Together(self._settle, linger=LINGER)

    async def take(self, places: int) -> list[Claimed]:
        """Claim for each endpoint what it has room for, the places shared evenly; a held one gets a single probe."""
        claimed: list[Claimed] = []
        async with DB.transaction(allow_nested=False):
            at = await outbox.claiming("webhook")
            ready = {str(row["id"]): row for row in await fetch(READY, at)}
            if not ready:
                return claimed
            breakers = {name: read_breaker(row["breaker"]) for name, row in ready.items()}
            share = max(1, places // len(ready))
            good = max(MOST_PER_ENDPOINT, min(MOST_TO_A_GOOD_ONE, MOST_TO_GOOD_ONES // len(ready)))
            room = {name: min(share, _room(breakers[name], row["under_way"], good, at)) for name, row in ready.items()}
            open_rooms = dict([one for one in room.items() if one[1] > 0][:places])
            held = await _lock_held([name for name in open_rooms if breakers[name].held_until is not None])
            open_rooms = {
                name: places for name, places in open_rooms.items() if name not in held or held[name].admits(at)
            }
            if open_rooms:
                claimed = await outbox.claim("webhook", open_rooms, at=at)
            for endpoint in {row.endpoint for row in claimed} & held.keys():
                await _start_probe(endpoint, held[endpoint], at=at)
        self._hooks |= {row.endpoint: ready[row.endpoint] for row in claimed}
        return claimed

    async def deliver(self, row: Claimed) -> str:
        """Sign and post one event; then what follows from the answer is written, with that of its neighbours."""
        hook = self._hooks[row.endpoint]
        headers: Mapping[str, str] = {}
        try:
            headers = _headers(row, hook)
        except (SealBroken, BadSecret) as broken:
            log.exception("webhook cannot be signed", webhook=row.endpoint)
            answer = Answer(status=None, ms=0, head=b"", error=None, detail=str(broken), retry_after=None)
        else:
            headers, answer = await self._posted(hook["url"], row.body, headers)
        failpoints.reach("outbox.sent")
        return await self._settled.add(Posted(row, headers, answer))

    async def _posted(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[Mapping[str, str], Answer]:
        """The headers it went with, and what came back; where traces are collected the endpoint is told of ours."""
        with tracing.step("POST", kind="CLIENT", facts={"http.request.method": "POST"}):
            if carried := tracing.traceparent():
                headers = {**headers, "traceparent": carried}
            answer = await self._poster.post(url, body, headers)
            tracing.tell({"http.response.status_code": answer.status or 0, "error.type": str(answer.error or "")})
        return headers, answer

    async def _settle(self, posts: Sequence[Posted]) -> Sequence[str]:
        return await endpoints.settle(posts, jitter=self._jitter)


def _headers(row: Claimed, hook: Any) -> dict[str, str]:
    """The headers of this attempt, dated by the real clock. For a day after a rotation both secrets sign."""
    owner = f"webhook:{row.endpoint}"
    secrets = [open_(HOUSE.vault_key, bytes(hook["secret"]), bound_to=owner)]
    if hook["old_secret"] is not None and hook["old_secret_until"] and hook["old_secret_until"] > row.claimed_at:
        secrets.append(open_(HOUSE.vault_key, bytes(hook["old_secret"]), bound_to=owner))
    signed = signed_headers(message_id=row.event_id, timestamp=int(time.time()), body=row.body, secrets=secrets)
    return {"content-type": "application/json", "user-agent": USER_AGENT, **signed}


def _room(breaker: Breaker, under_way: int, good: int, at: datetime) -> int:
    """How many more may go; `good` is what one that takes everything may have under way."""
    if not breaker.admits(at):
        return 0
    if breaker.held_until is not None:
        return 1
    return (good if breaker.takes_everything else MOST_PER_ENDPOINT) - under_way


async def _lock_held(endpoints: list[str]) -> dict[str, Breaker]:
    """The breakers of held endpoints, under their lock (lock order: endpoint, then outbox)."""
    if not endpoints:
        return {}
    rows = await fetch(
        "SELECT id, breaker FROM webhook WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
        [UUID(endpoint) for endpoint in endpoints],
    )
    return {str(row["id"]): read_breaker(row["breaker"]) for row in rows}


async def _start_probe(endpoint: str, breaker: Breaker, *, at: datetime) -> None:
    """A held endpoint gets one request; the others wait for its outcome."""
    probing = breaker.started(at)
    if probing is not breaker:
        await execute("UPDATE webhook SET breaker = $2 WHERE id = $1", UUID(endpoint), stored_breaker(probing))
