"""What workers achieve: timers on time and after an outage, webhooks at once and in a stream, and when idle."""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from service.database import DB, connection, execute, fetch, fetchval
from service.embedded import EmbeddedRedis
from service.verify import verify
from tests.bench.figures import Figure
from tests.bench.load import percentile
from tests.desk import a_request, a_webhook, count
from tests.faults.chaos import Chaos, judged, work_left
from tests.faults.scene import Scene, scene, some_at_once
from tests.faults.stage import at_work

CHAPTER = "Timers, letters, webhooks"
STEADY = 20.0  # seconds of a steady stream
ARMED = 1_000_000  # timers that are armed and not due while others come due
DUE_RATE = 50
EVENT_RATE = 50


class Workers:
    """The measures, each on an empty system of its own. `scale` shrinks them all for a quick look."""

    def __init__(self, *, scale: float = 1.0) -> None:
        self.scale = scale

    async def measure(self) -> AsyncIterator[Figure]:
        for one in (self.drain, self.stream, self.latency, self.kills, self.recovery, self.idle):
            async for figure in one():
                yield figure
        for redis_there in (True, False):
            async for figure in self.lateness(redis_there=redis_there):
                yield figure

    def _some(self, number: float) -> int:
        return max(20, round(number * self.scale))

    async def drain(self) -> AsyncIterator[Figure]:
        """Overdue timers of as many tickets, each breach told to one endpoint, by one worker."""
        async with scene() as here:
            timers = self._some(10_000)
            await requests(timers)
            await execute("DELETE FROM timer WHERE kind <> 'registration:due'")
            await a_webhook(here.receiver.url)
            here.stage.start("worker")
            await until(at_work, within=60)
            took = await until(none_armed, within=900)
            assert await count("journal", "trigger = 'breach'") == timers
            bar = 30 * timers / 10_000
            yield _figure(f"{timers:,} overdue timers drained by one worker", took, "s", most=bar)

    async def stream(self) -> AsyncIterator[Figure]:
        """Everything waiting for one fast endpoint, and for five, delivered by one worker."""
        for endpoints in (1, 5):
            async with scene() as here:
                for number in range(endpoints):
                    await a_webhook(here.receiver.at(f"hook/{number}"))
                events = self._some(5_000)
                await requests(events // endpoints)
                await execute("UPDATE timer SET status = 'cancelled'")
                here.stage.start("worker")
                await until(at_work, within=60)
                begun = await count("outbox", "status = 'delivered'")
                took = await until(nothing_left, within=900)
                rate = (await count("outbox", "status = 'delivered'") - begun) / took
                name = f"deliveries a second by one worker to {endpoints} endpoint{'s' * (endpoints > 1)}"
                yield _figure(name, rate, "/s", least=500)

    async def latency(self) -> AsyncIterator[Figure]:
        """Requests at a steady rate, from the return of the verb to the receiver's log."""
        async with scene() as here:
            await a_webhook(here.receiver.url)
            here.stage.start("worker")
            await until(at_work, within=60)
            await asyncio.sleep(2)
            committed: dict[str, float] = {}

            async def one() -> None:
                ticket = await a_request(email="")
                committed[str(ticket.id)] = time.time()
                await execute("UPDATE timer SET status = 'cancelled' WHERE subject = $1", ticket.id)

            begun, running = time.monotonic(), []
            for number in range(self._some(EVENT_RATE * STEADY)):
                await asyncio.sleep(max(0.0, begun + number / EVENT_RATE - time.monotonic()))
                running.append(asyncio.create_task(one()))
            await asyncio.gather(*running)
            await until(nothing_left, within=120)
            first = {one.data["ticket_id"]: one.at for one in reversed(here.receiver.arrivals)}
            waits = [max(0.0, first[ticket] - at) for ticket, at in committed.items()]
            name = f"commit to arrival at {EVENT_RATE} a second"
            yield _figure(f"{name}, p50", 1000 * percentile(waits, 0.5), "ms", most=200)
            yield _figure(f"{name}, p99", 1000 * percentile(waits, 0.99), "ms", most=2000)

    async def kills(self) -> AsyncIterator[Figure]:
        """Timers, transitions and webhooks by four workers that are killed at random all the time; real leases."""
        async with scene() as here:
            timers = self._some(10_000)
            await a_webhook(here.receiver.url)
            await requests(timers)
            mischief = Chaos(here.stage, random.Random(1), 4, deadly=False)
            while not await none_due():
                await mischief.rage(2, kill_every=0.8)
            await until(nothing_left, within=900)
            found = await judged(here.receiver)
            duplicates = found.pop("duplicates")
            found.pop("reclaimed")
            found["differences"] = len(await verify())
            where = f"{timers:,} timers under {mischief.kills} kills"
            for name, number in found.items():
                yield _figure(f"{where}: {name.replace('_', ' ')}", number, "", most=0)
            yield _figure(f"{where}: duplicates", duplicates, "", most=mischief.kills)

    async def recovery(self) -> AsyncIterator[Figure]:
        """What a worker held that was killed after its claim, until another has delivered it; the real lease."""
        async with scene() as here:
            await a_webhook(here.receiver.url)
            await a_request(email="")
            await execute("UPDATE timer SET status = 'cancelled'")
            killed = here.stage.start("worker", "outbox.claimed")
            await asyncio.to_thread(killed.wait, 60)
            here.stage.start("worker")
            took = await until(nothing_left, within=120)
            yield _figure("recovery after SIGKILL", took, "s", most=66)

    async def idle(self) -> AsyncIterator[Figure]:
        """What a worker asks the database when there is nothing to do: transactions, of one statement each."""
        async with scene() as here:
            here.stage.start("worker")
            await until(at_work, within=60)
            await asyncio.sleep(5)
            seen = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
            before, seconds = await fetchval(seen), max(5, 30 * self.scale)
            await asyncio.sleep(seconds)
            each = (await fetchval(seen) - before) / seconds
            yield _figure("statements a second of an idle worker", each, "/s", most=5)

    async def lateness(self, *, redis_there: bool) -> AsyncIterator[Figure]:
        """Timers that come due at a steady rate beside a million that are armed, with Redis and without."""
        async with scene() as here:
            timers, armed = self._some(DUE_RATE * STEADY), self._some(ARMED)
            await requests(timers)
            await execute("DELETE FROM timer WHERE kind <> 'registration:due'")
            await execute("UPDATE timer SET due_at = now() + interval '1 day'")
            async with _unhurried():
                await connection().execute(ARM, armed, timeout=600)
            async with _a_worker(here, redis_there=redis_there):
                spread = "clock_timestamp() + interval '2 s' + row_number * $1::float8 * interval '1 s'"
                await execute(
                    f"UPDATE timer SET due_at = {spread} FROM (SELECT id AS that, row_number() OVER () AS row_number "
                    "FROM timer WHERE subject_kind = 'ticket' AND kind = 'registration:due') AS one WHERE id = that",
                    1 / DUE_RATE,
                )
                await asyncio.sleep(timers / DUE_RATE)
                await until(none_due_of_tickets, within=120)
            rows = await fetch(
                "SELECT extract(epoch FROM ended_at - due_at)::float8 AS late FROM timer WHERE status = 'fired'"
            )
            late = [row["late"] for row in rows]
            name = (
                f"lateness of timers at {DUE_RATE} a second, {armed:,} armed, Redis {'up' if redis_there else 'down'}"
            )
            yield _figure(f"{name}, p99", percentile(late, 0.99), "s", most=1.5)
            yield _figure(f"{name}, earliest", min(late), "s", least=0)


@asynccontextmanager
async def _a_worker(here: Scene, *, redis_there: bool) -> AsyncIterator[None]:
    here.stage.start("worker")
    await until(at_work, within=60)
    await asyncio.sleep(2)
    if not redis_there:
        kill(here.redis)
    yield


# Armed for years ahead, of tickets that are not there: nobody will look for them.
ARM = """
INSERT INTO timer (subject, kind, generation, due_at)
SELECT gen_random_uuid(), 'resolution:due', 1, now() + interval '10 years' + n * interval '1 s'
FROM generate_series(1, $1::int) AS n
"""


@asynccontextmanager
async def _unhurried() -> AsyncIterator[None]:
    async with DB.transaction(allow_nested=False):
        await execute("SET LOCAL statement_timeout = 0")
        yield


async def until(question: Callable[[], Awaitable[object]], *, within: float) -> float:
    """Seconds until the answer is true."""
    began = time.monotonic()
    async with asyncio.timeout(within):
        while not await question():  # noqa: ASYNC110  the answer comes from other processes
            await asyncio.sleep(0.1)
    return time.monotonic() - began


async def requests(times: int) -> None:
    """Requests with a registration timer each, and no letters."""
    await some_at_once(times, lambda number: a_request(email=""))


async def none_due() -> bool:
    return not await fetchval("SELECT EXISTS (SELECT FROM timer WHERE status = 'armed' AND due_at < now())")


async def none_due_of_tickets() -> bool:
    return not await count("timer", "status = 'armed' AND kind = 'registration:due'")


async def none_armed() -> bool:
    return not await fetchval("SELECT EXISTS (SELECT FROM timer WHERE status = 'armed')")


async def nothing_left() -> bool:
    return not await work_left()


def kill(redis: EmbeddedRedis) -> None:
    assert redis.pid is not None
    os.kill(redis.pid, signal.SIGKILL)


def _figure(name: str, value: float, unit: str, *, most: float | None = None, least: float | None = None) -> Figure:
    bar = f"≤ {most:,.4g} {unit}" if most is not None else f"≥ {least:,.4g} {unit}" if least is not None else ""
    kept = value <= most if most is not None else value >= least if least is not None else None
    return Figure(chapter=CHAPTER, name=name, value=value, unit=unit, bar=bar.replace(" /s", "/s").strip(), kept=kept)  # type: ignore[arg-type]
