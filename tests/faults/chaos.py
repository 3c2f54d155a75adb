"""Seeded mischief: kills workers, empties Redis and crashes PostgreSQL while the system works; counts what it did.

Random kills seldom meet the critical moments, so half of the workers carry a failpoint and kill themselves there.
"""

import asyncio
import math
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field

from service import bell
from service.database import execute, fetch, fetchval
from service.embedded import EmbeddedPostgres
from tests.faults.stage import Journal, Process, Stage

TICK = 0.4  # seconds
DEADLY = ("timer.fired", "outbox.claimed", "outbox.sent", "outbox.recorded")


@dataclass
class Chaos:
    """So many workers at work, each replaced as soon as it is killed."""

    stage: Stage
    chance: random.Random
    workers: int
    postgres: EmbeddedPostgres | None = None
    running: list[Process] = field(default_factory=list)
    kills: int = 0
    flushes: int = 0
    crashes: int = 0
    deadly: bool = True

    def man(self) -> None:
        """Fill the places of the fallen, who are counted."""
        living = [one for one in self.running if one.poll() is None]
        self.kills += len(self.running) - len(living)
        self.running = living
        while len(self.running) < self.workers:
            points = [self.chance.choice(DEADLY)] if self.deadly and self.chance.random() < 0.5 else []
            self.running.append(self.stage.start("worker", *points))

    def kill(self) -> None:
        """One of them, by chance; it is replaced at the next tick."""
        victim = self.chance.choice(self.running)
        victim.kill()
        victim.wait()

    async def flush(self) -> None:
        client = bell.redis_client(self.stage.redis_url)
        await client.flushall()
        await client.aclose(close_connection_pool=True)
        self.flushes += 1

    async def crash_postgres(self) -> None:
        """No goodbye; it recovers from its log. Our own statements wait meanwhile."""
        assert self.postgres is not None
        assert self.postgres.pid is not None
        os.kill(self.postgres.pid, signal.SIGQUIT)
        await asyncio.to_thread(self.postgres.stop)
        await asyncio.to_thread(self.postgres.start)
        self.crashes += 1

    async def rage(
        self, seconds: float, *, kill_every: float, flush_every: float = math.inf, crash_every: float = math.inf
    ) -> None:
        """Mischief for so long, each kind every so many seconds on average."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.man()
            await asyncio.sleep(TICK)
            if self.chance.random() < TICK / kill_every:
                self.kill()
            if self.chance.random() < TICK / flush_every:
                await self.flush()
            if self.chance.random() < TICK / crash_every:
                await self.crash_postgres()

    def calm_down(self) -> None:
        """The last are killed too: then nobody alive holds a delivery."""
        for worker in self.running:
            worker.kill()
            worker.wait()
        self.kills += len(self.running)
        self.running.clear()
        self.deadly = False

    async def drain(self, *, within: float) -> None:
        """Fresh workers finish everything. A minute is taken to have passed for what the dead held."""
        await execute(
            "UPDATE outbox SET lease_until = clock_timestamp() - interval '1 second' WHERE status = 'sending'"
        )
        self.man()
        async with asyncio.timeout(within):
            while await work_left():  # noqa: ASYNC110  the workers are other processes
                await asyncio.sleep(0.2)


async def work_left() -> bool:
    left: bool = await fetchval(
        "SELECT EXISTS (SELECT FROM timer WHERE status = 'armed' AND due_at < now()) "
        "OR EXISTS (SELECT FROM outbox WHERE status IN ('pending', 'sending') AND next_at < now())"
    )
    return left


async def judged(receiver: Journal) -> dict[str, int]:
    """What must be zero after everything has been delivered, and two that must not: `duplicates` may be as many as
    deliveries were `reclaimed` from the dead."""
    arrived = Counter(id for _path, id in {(one.path, one.id) for one in receiver.arrivals})
    wanted = Counter(row["event_id"] for row in await fetch("SELECT event_id FROM outbox WHERE channel = 'webhook'"))
    gaps = await fetchval(
        "SELECT count(*) FROM (SELECT FROM journal GROUP BY ticket HAVING max(seq) <> count(*) OR min(seq) <> 1) torn"
    )
    return {
        "lost": (wanted - arrived).total(),
        "order_errors": receiver.order_errors(),
        "gaps": gaps,
        "not_delivered": await fetchval("SELECT count(*) FROM outbox WHERE status NOT IN ('delivered', 'merged')"),
        "duplicates": receiver.duplicates(),
        "reclaimed": await fetchval("SELECT coalesce(sum(crash_count), 0) FROM outbox"),
    }
