"""Fires whatever is due, in any number of workers at once; one bad timer never holds up the others."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter as Counted
from prometheus_client import Histogram

from service import tracing
from service.database import fetch, fetchval
from service.deadlines import Outcome, fire

log = structlog.get_logger(__name__)

BATCH = 200
LANES = 8  # tickets at the same time in one worker
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 600.0  # seconds a timer rests after an error

FIRED = Counted("reglament_timers", "Timers that came due, by what became of them.", ["outcome"])
LATENESS = Histogram(
    "reglament_timer_lateness_seconds",
    "How long after its instant a timer fired.",
    buckets=(0.1, 0.25, 0.5, 1, 1.5, 2, 5, 10, 30, 60, 600, 3600),
)

DUE = """
SELECT id, subject, kind, due_at FROM timer
WHERE status = 'armed' AND subject_kind = 'ticket' AND due_at <= $1 AND id <> ALL($2)
ORDER BY due_at, id LIMIT $3
"""
STILL_ARMED = "SELECT EXISTS (SELECT FROM timer WHERE id = $1 AND status = 'armed')"


class Timers:
    """The timers of all tickets, as one worker fires them."""

    def __init__(self, *, batch: int = BATCH, lanes: int = LANES) -> None:
        self._batch = batch
        self._lanes = lanes
        self._resting: dict[int, tuple[float, float]] = {}  # timer → until when (monotonic), and the pause it took
        self.behind = False  # more is due than one batch

    async def fire_due(self, *, at: datetime) -> Counter[Outcome]:
        """Fire everything due at `at`, batch by batch, until nothing more can be done now; what became of them."""
        total: Counter[Outcome] = Counter()
        try:
            while True:
                rows = await fetch(DUE, at, self._left_alone(), self._batch)
                self.behind = len(rows) == self._batch
                done = await self._fire_batch(rows, at=at)
                total += done
                if not self.behind or not done.keys() - {Outcome.BUSY}:
                    return total
        finally:
            self.behind = False

    async def _fire_batch(self, rows: list[Any], *, at: datetime) -> Counter[Outcome]:
        """One lane takes one ticket after the other; the order is shuffled, so that workers seldom meet."""
        by_ticket: dict[UUID, list[Any]] = {}
        for row in rows:
            by_ticket.setdefault(row["subject"], []).append(row)
        waiting = list(by_ticket.values())
        random.shuffle(waiting)
        done: Counter[Outcome] = Counter()

        async def lane() -> None:
            while waiting:
                for outcome in await self._fire_of_one_ticket(waiting.pop(), at=at):
                    done[outcome] += 1

        await asyncio.gather(*(lane() for _lane in range(min(self._lanes, len(waiting)))))
        return done

    async def _fire_of_one_ticket(self, rows: list[Any], *, at: datetime) -> list[Outcome]:
        """After an outage the breach comes first: it ends its own warnings, which then cost one look each."""
        outcomes: list[Outcome] = []
        for row in sorted(rows, key=lambda row: (":step:" in row["kind"], row["due_at"], row["id"])):
            if outcomes and not await fetchval(STILL_ARMED, row["id"]):
                outcomes.append(Outcome.GONE)
            elif (outcome := await self._fire_one(row, at=at)) is not None:
                outcomes.append(outcome)
        return outcomes

    async def _fire_one(self, row: Any, *, at: datetime) -> Outcome | None:
        """None after an error: the timer stays armed and rests a while, longer each time."""
        timer: int = row["id"]
        facts = {"reglament.timer": row["kind"], "reglament.ticket": str(row["subject"])}
        try:
            with tracing.trace("fire timer", facts=facts):
                outcome = await fire(timer, at=at)
        except Exception:
            _until, pause = self._resting.get(timer, (0.0, FIRST_PAUSE / 2))
            pause = min(pause * 2, LONGEST_PAUSE)
            self._resting[timer] = (time.monotonic() + pause, pause)
            log.exception("timer not fired", timer=timer, ticket=str(row["subject"]), again_in=pause)
            return None
        self._resting.pop(timer, None)
        FIRED.labels(str(outcome)).inc()
        if outcome is Outcome.FIRED:
            LATENESS.observe(max(0.0, (at - row["due_at"]).total_seconds()))
        return outcome

    def _left_alone(self) -> list[int]:
        now = time.monotonic()
        return [timer for timer, (until, _pause) in self._resting.items() if until > now]
