"""What a subscription's answers mean for it: spared, recovered, disabled; and how each post is written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from notifications import outbox
from notifications.breaker import Breaker
from notifications.outbox import Claimed, Ended
from notifications.post import Answer
from notifications.retry import Disabled, Outcome, Verdict, judge
from notifications.webhook_notices import DISABLED, DISABLED_TEXT, FAILING, FAILING_TEXT, tell_owner
from service import alarms, config_journal
from service.actors import CLOCK
from service.database import DB, execute, fetch, retried
from workflow.words import _

STATUS = {Outcome.DELIVERED: "delivered", Outcome.RETRY: "pending", Outcome.DEAD: "dead"}
UNSUBSCRIBED = Ended(status="cancelled", error="the subscription is gone")
WHY_DISABLED = {Disabled.GONE: _("The endpoint answered 410 Gone."), Disabled.FAILING: _("It failed for 120 hours.")}


class Posted(msgspec.Struct, frozen=True):
    """One post and what came back."""

    row: Claimed
    headers: Mapping[str, str]
    answer: Answer


@retried
async def settle(posts: Sequence[Posted], *, jitter: Callable[[], float]) -> Sequence[str]:
    """Write down how posts ended, in the order given, and what follows for their endpoints; one transaction.

    Lock order: endpoint, then outbox. A post whose lease went to somebody else counts for nothing. Gives what each
    delivery has come to: its status, or `fenced`.
    """
    async with DB.transaction(allow_nested=False):
        endpoints = await _locked({one.row.endpoint for one in posts})
        at = await outbox.moment()
        mine = await outbox.still_held([one.row for one in posts])
        ended: list[tuple[Claimed, Ended]] = []
        for one in posts:
            if one.row.id in mine:
                endpoint = endpoints.get(one.row.endpoint)
                ended.append((one.row, endpoint.take(one, at=at, jitter=jitter) if endpoint else UNSUBSCRIBED))
        await outbox.record(ended, at=at)
        for endpoint in endpoints.values():
            await endpoint.write(at=at)
    statuses = {row.id: end.status for row, end in ended}
    return [statuses.get(one.row.id, "fenced") for one in posts]


async def _locked(ids: Iterable[str]) -> dict[str, _Endpoint]:
    """The subscriptions that still exist, locked in the order of their ids."""
    rows = await fetch(
        "SELECT id, url, breaker, failing_since, hold_until, status FROM webhook "
        "WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE",
        [UUID(id) for id in ids],
    )
    return {str(row["id"]): _Endpoint(row) for row in rows}


class _Endpoint:
    """One subscription under its lock: it takes one answer after the other, and is written once."""

    def __init__(self, row: Any) -> None:
        self.id: UUID = row["id"]
        self.url: str = row["url"]
        self.breaker = read_breaker(row["breaker"])
        self.failing_since: datetime | None = row["failing_since"]
        self.hold_until: datetime | None = row["hold_until"]
        self.enabled = row["status"] == "enabled"
        self._changed = False
        self._recovered = False
        self._gave_up = False
        self._disabled: Disabled | None = None
        self._failing: str | None = None

    def take(self, posted: Posted, *, at: datetime, jitter: Callable[[], float]) -> Ended:
        """How this post ended."""
        answer = posted.answer
        verdict = judge(
            status=answer.status,
            complete=answer.complete,
            retry_after=answer.retry_after,
            attempt=posted.row.attempt,
            failing_since=self.failing_since,
            at=at,
            random=jitter,
        )
        why = "" if verdict.outcome is Outcome.DELIVERED else answer.detail or f"HTTP {answer.status}"
        self._learn(verdict, why, at=at)
        return Ended(
            status=STATUS[verdict.outcome], wait=verdict.wait, error=why, http_status=answer.status, ms=answer.ms,
            request=posted.headers, head=answer.head,
        )  # fmt: skip

    def _learn(self, verdict: Verdict, why: str, *, at: datetime) -> None:
        succeeded = verdict.outcome is Outcome.DELIVERED
        self._changed = True
        self.breaker = self.breaker.ended(at, succeeded=succeeded)
        self.hold_until = self._held_until(verdict, at=at)
        if succeeded:
            self._recovered |= self.failing_since is not None
            self._failing = None
        elif verdict.disable and self.enabled:
            self.enabled, self._disabled = False, verdict.disable
        elif verdict.tell_owner:
            self._failing = why
        self._gave_up |= verdict.outcome is Outcome.DEAD
        self.failing_since = None if succeeded else self.failing_since or at

    def _held_until(self, verdict: Verdict, *, at: datetime) -> datetime | None:
        """A success that was on its way before the endpoint asked for patience does not cut that short."""
        holds = [self.breaker.held_until] if self.breaker.held_until else []
        if self.hold_until and self.hold_until > at:
            holds.append(self.hold_until)
        if verdict.spare_endpoint:
            holds.append(at + verdict.spare_endpoint)
        return max(holds, default=None)

    async def write(self, *, at: datetime) -> None:
        """The subscription as it stands now, and who must be told."""
        if not self._changed:
            return
        await execute(
            "UPDATE webhook SET breaker = $2, hold_until = $3, failing_since = $4 WHERE id = $1",
            self.id, stored_breaker(self.breaker), self.hold_until, self.failing_since,
        )  # fmt: skip
        if self._recovered:
            await self._wake(at)
        if self._disabled:
            await self._disable(self._disabled, at)
        elif self._failing is not None:
            await self._tell_of_failing(self._failing, at)
        if self._gave_up:
            sentence = _("Events for a webhook were given up after the last attempt.")
            await alarms.sound("webhook_dead", str(self.id), sentence, at=at)

    async def _wake(self, at: datetime) -> None:
        """It answers again: what waits for it goes now."""
        await alarms.clear("webhook_failing", str(self.id), at=at)
        await execute(
            "UPDATE outbox SET next_at = $2 WHERE channel = 'webhook' AND endpoint = $1 AND status = 'pending' "
            "AND attempt > 0 AND next_at > $2",
            str(self.id), at,
        )  # fmt: skip

    async def _tell_of_failing(self, why: str, at: datetime) -> None:
        """An event failed four times: the owner is told once, until the endpoint answers again."""
        sentence = _("A webhook endpoint keeps failing: {error}")
        if await alarms.sound("webhook_failing", str(self.id), sentence, {"error": why}, at=at):
            await tell_owner(str(self.id), FAILING, FAILING_TEXT, url=self.url, why=why, at=at)

    async def _disable(self, why: Disabled, at: datetime) -> None:
        """Its pending events stay where they are: when the owner enables it again they go."""
        reason, id = WHY_DISABLED[why], str(self.id)
        await execute("UPDATE webhook SET status = 'disabled', disabled_reason = $2 WHERE id = $1", self.id, reason)
        await config_journal.note(
            by=CLOCK, at=at, act="webhook.disable", subject=f"webhook {id}", data={"reason": reason}
        )
        await alarms.sound("webhook_disabled", id, _("A webhook was disabled: {reason}"), {"reason": reason}, at=at)
        await tell_owner(id, DISABLED, DISABLED_TEXT, url=self.url, why=reason, at=at)


def read_breaker(stored: str) -> Breaker:
    return msgspec.json.decode(stored, type=Breaker)


def stored_breaker(breaker: Breaker) -> str:
    return msgspec.json.encode(breaker).decode()
