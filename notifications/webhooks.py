"""Webhooks: signed, posted within bounds, judged, and their endpoints spared or disabled."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from notifications import outbox
from notifications.breaker import Breaker
from notifications.outbox import Claimed, Ended
from notifications.post import Answer, Poster
from notifications.retry import Disabled, Outcome, Verdict, judge
from notifications.webhook_notices import DISABLED, DISABLED_TEXT, FAILING, FAILING_TEXT, tell_owner
from service import alarms, config_journal, failpoints, tracing
from service.actors import CLOCK
from service.database import DB, execute, fetch, fetchrow, retried
from service.house import HOUSE
from service.signatures import BadSecret, signed_headers
from service.vault import SealBroken, open_
from workflow.words import _

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 200  # of one worker: endpoints that keep silent for 15 s each must not fill the places of the others
MOST_PER_ENDPOINT = 10  # deliveries under way to one endpoint, of all workers together
USER_AGENT = "Reglament-Webhooks/1"
STATUS = {Outcome.DELIVERED: "delivered", Outcome.RETRY: "pending", Outcome.DEAD: "dead"}
UNSUBSCRIBED = Ended(status="cancelled", error="the subscription is gone")
WHY_DISABLED = {Disabled.GONE: _("The endpoint answered 410 Gone."), Disabled.FAILING: _("It failed for 120 hours.")}

# Endpoints with something due that are neither disabled nor held.
READY = """
SELECT w.id, w.breaker, (
    SELECT count(*) FROM outbox s WHERE s.channel = 'webhook' AND s.endpoint = w.id::text AND s.status = 'sending'
) AS under_way
FROM webhook w
WHERE w.status = 'enabled' AND (w.hold_until IS NULL OR w.hold_until <= $1) AND EXISTS (
    SELECT FROM outbox o
    WHERE o.channel = 'webhook' AND o.endpoint = w.id::text AND o.status = 'pending' AND o.next_at <= $1
)
ORDER BY w.id
"""


class Webhooks:
    """The channel of webhooks: one poster for all endpoints."""

    def __init__(self, poster: Poster, *, jitter: Callable[[], float] = random.random) -> None:
        self._poster = poster
        self._jitter = jitter

    async def take(self, places: int) -> list[Claimed]:
        """Claim for each endpoint what it has room for, the places shared evenly; a held one gets a single probe."""
        claimed: list[Claimed] = []
        async with DB.transaction(allow_nested=False):
            at = await outbox.claiming("webhook")
            ready = await fetch(READY, at)
            if not ready:
                return claimed
            breakers = {str(row["id"]): _breaker(row["breaker"]) for row in ready}
            share = max(1, places // len(ready))
            room = {str(row["id"]): min(share, _room(breakers[str(row["id"])], row["under_way"], at)) for row in ready}
            open_rooms = dict([one for one in room.items() if one[1] > 0][:places])
            held = await _lock_held([name for name in open_rooms if breakers[name].held_until is not None])
            open_rooms = {
                name: places for name, places in open_rooms.items() if name not in held or held[name].admits(at)
            }
            if open_rooms:
                claimed = await outbox.claim("webhook", open_rooms, at=at)
            for endpoint in {row.endpoint for row in claimed} & held.keys():
                await _start_probe(endpoint, held[endpoint], at=at)
        return claimed

    async def deliver(self, row: Claimed) -> None:
        """Sign and post one event, then record what follows from the answer."""
        hook = await fetchrow(
            "SELECT url, secret, old_secret, old_secret_until FROM webhook WHERE id = $1", UUID(row.endpoint)
        )
        if hook is None:
            await outbox.record(row, UNSUBSCRIBED, at=row.claimed_at)
            return
        headers: Mapping[str, str] = {}
        try:
            headers = _headers(row, hook)
        except (SealBroken, BadSecret) as broken:
            log.exception("webhook cannot be signed", webhook=row.endpoint)
            answer = Answer(status=None, ms=0, head=b"", error=None, detail=str(broken), retry_after=None)
        else:
            headers, answer = await self._posted(hook["url"], row.body, headers)
        failpoints.reach("outbox.sent")
        await self._settle(row, headers, answer)

    async def _posted(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[Mapping[str, str], Answer]:
        """The headers it went with, and what came back; where traces are collected the endpoint is told of ours."""
        with tracing.step("POST", kind="CLIENT", facts={"http.request.method": "POST"}):
            if carried := tracing.traceparent():
                headers = {**headers, "traceparent": carried}
            answer = await self._poster.post(url, body, headers)
            tracing.tell({"http.response.status_code": answer.status or 0, "error.type": str(answer.error or "")})
        return headers, answer

    @retried
    async def _settle(self, row: Claimed, headers: Mapping[str, str], answer: Answer) -> None:
        """The delivery and its endpoint in one transaction (lock order: endpoint, then outbox)."""
        async with DB.transaction(allow_nested=False):
            hook = await fetchrow(
                "SELECT url, breaker, failing_since, status FROM webhook WHERE id = $1 FOR NO KEY UPDATE",
                UUID(row.endpoint),
            )
            at = await outbox.moment()
            if hook is None:
                await outbox.record(row, UNSUBSCRIBED, at=at)
                return
            verdict = judge(
                status=answer.status,
                complete=answer.complete,
                retry_after=answer.retry_after,
                attempt=row.attempt,
                failing_since=hook["failing_since"],
                at=at,
                random=self._jitter,
            )
            ended = _ended(headers, answer, verdict)
            if await outbox.record(row, ended, at=at):
                await _judge_endpoint(row, hook, verdict, why=ended.error, at=at)


def _headers(row: Claimed, hook: Any) -> dict[str, str]:
    """The headers of this attempt, dated by the real clock. For a day after a rotation both secrets sign."""
    owner = f"webhook:{row.endpoint}"
    secrets = [open_(HOUSE.vault_key, bytes(hook["secret"]), bound_to=owner)]
    if hook["old_secret"] is not None and hook["old_secret_until"] and hook["old_secret_until"] > row.claimed_at:
        secrets.append(open_(HOUSE.vault_key, bytes(hook["old_secret"]), bound_to=owner))
    signed = signed_headers(message_id=row.event_id, timestamp=int(time.time()), body=row.body, secrets=secrets)
    return {"content-type": "application/json", "user-agent": USER_AGENT, **signed}


def _ended(headers: Mapping[str, str], answer: Answer, verdict: Verdict) -> Ended:
    error = "" if verdict.outcome is Outcome.DELIVERED else answer.detail or f"HTTP {answer.status}"
    return Ended(
        status=STATUS[verdict.outcome], wait=verdict.wait, error=error, http_status=answer.status, ms=answer.ms,
        request=headers, head=answer.head,
    )  # fmt: skip


# --- endpoints --------------------------------------------------------------------------------------------------------


def _breaker(stored: str) -> Breaker:
    return msgspec.json.decode(stored, type=Breaker)


def _room(breaker: Breaker, under_way: int, at: datetime) -> int:
    if not breaker.admits(at):
        return 0
    return 1 if breaker.held_until is not None else MOST_PER_ENDPOINT - under_way


async def _lock_held(endpoints: list[str]) -> dict[str, Breaker]:
    """The breakers of held endpoints, under their lock (lock order: endpoint, then outbox)."""
    if not endpoints:
        return {}
    rows = await fetch(
        "SELECT id, breaker FROM webhook WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
        [UUID(endpoint) for endpoint in endpoints],
    )
    return {str(row["id"]): _breaker(row["breaker"]) for row in rows}


async def _start_probe(endpoint: str, breaker: Breaker, *, at: datetime) -> None:
    """A held endpoint gets one request; the others wait for its outcome."""
    probing = breaker.started(at)
    if probing is not breaker:
        await execute("UPDATE webhook SET breaker = $2 WHERE id = $1", UUID(endpoint), _stored(probing))


def _stored(breaker: Breaker) -> str:
    return msgspec.json.encode(breaker).decode()


async def _judge_endpoint(row: Claimed, hook: Any, verdict: Verdict, *, why: str, at: datetime) -> None:
    """What the outcome means for the endpoint: recovered, held for a while, or disabled and its owner told."""
    succeeded = verdict.outcome is Outcome.DELIVERED
    breaker = _breaker(hook["breaker"]).ended(at, succeeded=succeeded)
    holds = [breaker.held_until] if breaker.held_until else []
    if verdict.spare_endpoint:
        holds.append(at + verdict.spare_endpoint)
    await execute(
        "UPDATE webhook SET breaker = $2, hold_until = $3, failing_since = $4 WHERE id = $1",
        UUID(row.endpoint),
        _stored(breaker),
        max(holds, default=None),
        None if succeeded else hook["failing_since"] or at,
    )
    if succeeded:
        if hook["failing_since"] is not None:
            await _recovered(row.endpoint, at=at)
    elif verdict.disable and hook["status"] == "enabled":
        await _disable(row.endpoint, hook["url"], verdict.disable, at=at)
    elif verdict.tell_owner:
        await _failing(row.endpoint, hook["url"], why, at=at)
    if verdict.outcome is Outcome.DEAD:
        await alarms.sound(
            "webhook_dead", row.endpoint, _("Events for a webhook were given up after the last attempt."), at=at
        )


async def _recovered(endpoint: str, *, at: datetime) -> None:
    """The endpoint answers again: what waits for it goes now."""
    await alarms.clear("webhook_failing", endpoint, at=at)
    await execute(
        "UPDATE outbox SET next_at = $2 WHERE channel = 'webhook' AND endpoint = $1 AND status = 'pending' "
        "AND attempt > 0 AND next_at > $2",
        endpoint,
        at,
    )


async def _failing(endpoint: str, url: str, why: str, *, at: datetime) -> None:
    """An event failed four times: the owner is told once, until the endpoint answers again."""
    if await alarms.sound(
        "webhook_failing", endpoint, _("A webhook endpoint keeps failing: {error}"), {"error": why}, at=at
    ):
        await tell_owner(endpoint, FAILING, FAILING_TEXT, url=url, why=why, at=at)


async def _disable(endpoint: str, url: str, why: Disabled, *, at: datetime) -> None:
    """Its pending events stay where they are: when the owner enables it again they go."""
    reason = WHY_DISABLED[why]
    await execute("UPDATE webhook SET status = 'disabled', disabled_reason = $2 WHERE id = $1", UUID(endpoint), reason)
    await config_journal.note(
        by=CLOCK, at=at, act="webhook.disable", subject=f"webhook {endpoint}", data={"reason": reason}
    )
    await alarms.sound("webhook_disabled", endpoint, _("A webhook was disabled: {reason}"), {"reason": reason}, at=at)
    await tell_owner(endpoint, DISABLED, DISABLED_TEXT, url=url, why=reason, at=at)
