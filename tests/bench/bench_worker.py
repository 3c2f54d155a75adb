"""What the worker achieves on this machine: `python tests/bench/bench_worker.py [name …]`, all measures by default.

Durable embedded servers, real processes, a receiver with an append-only log. Prints each figure with its bar.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # runs from a checkout that is not installed

from service.database import execute, fetch, fetchval
from service.embedded import EmbeddedRedis
from service.verify import verify
from tests.desk import a_request, a_webhook, count
from tests.faults.chaos import Chaos, judged, work_left
from tests.faults.scene import scene, some_at_once
from tests.faults.stage import at_work

SECOND = timedelta(seconds=1)


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


async def none_armed() -> bool:
    return not await fetchval("SELECT EXISTS (SELECT FROM timer WHERE status = 'armed')")


async def nothing_left() -> bool:
    return not await work_left()


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def told(name: str, what: str, bar: str, *, kept: bool) -> None:
    print(f"{name:<32} {what:<66} bar: {bar:<30} {'kept' if kept else 'MISSED'}", flush=True)


# --- the measures -----------------------------------------------------------------------------------------------------


async def drain(timers: int) -> None:
    """Overdue timers of as many tickets, each breach told to one endpoint, by one worker."""
    async with scene() as here:
        await requests(timers)
        await execute("DELETE FROM timer WHERE kind <> 'registration:due'")
        await a_webhook(here.receiver.url)
        here.stage.start("worker")
        await until(at_work, within=30)
        took = await until(none_armed, within=600)
        fired = await count("journal", "trigger = 'breach'")
        bar = 30 * timers / 10_000
        figure = f"{fired:,} in {took:.1f} s ({fired / took:.0f} a second)"
        told("overdue timers drained", figure, f"{timers:,} in {bar:g} s", kept=took <= bar)


async def chaos(timers: int) -> None:
    """Timers, transitions and webhooks by four workers that are killed at random all the time; real leases."""
    async with scene() as here:
        await a_webhook(here.receiver.url)
        await requests(timers)
        mischief = Chaos(here.stage, random.Random(1), 4, deadly=False)
        began = time.monotonic()
        while not await none_due():
            await mischief.rage(2, kill_every=0.8)
        await until(nothing_left, within=300)
        took = time.monotonic() - began
        found = await judged(here.receiver)
        duplicates, reclaimed = found.pop("duplicates"), found.pop("reclaimed")
        differences = len(await verify())
        figure = (
            f"{await count('event'):,} events in {took:.0f} s, {mischief.kills} kills: lost {found['lost']}, "
            f"order errors {found['order_errors']}, gaps {found['gaps']}, verify {differences}, "
            f"duplicates {duplicates} of {reclaimed} reclaimed"
        )
        right = not any(found.values()) and not differences and duplicates <= mischief.kills
        told(f"{timers:,} timers under kills", figure, "0, 0, 0, 0, <= kills", kept=right)


async def lateness(_timers: int) -> None:
    """Timers that come due 25 a second, with Redis and without."""
    for redis_there in (True, False):
        async with scene() as here:
            await requests(500)
            await execute("DELETE FROM timer WHERE kind <> 'registration:due'")
            await execute("UPDATE timer SET due_at = now() + interval '1 day'")
            here.stage.start("worker")
            await until(at_work, within=30)
            await asyncio.sleep(2)
            if not redis_there:
                kill(here.redis)
            await execute("UPDATE timer SET due_at = clock_timestamp() + interval '2 s' + id * interval '40 ms'")
            await asyncio.sleep(22)
            await until(none_armed, within=60)
            rows = await fetch("SELECT extract(epoch FROM ended_at - due_at)::float8 AS late FROM timer")
            late = [row["late"] for row in rows]
            p50, p99 = percentile(late, 0.5), percentile(late, 0.99)
            name = "lateness of timers, Redis " + ("up" if redis_there else "down")
            told(
                name, f"p50 {p50:.2f} s, p99 {p99:.2f} s, earliest {min(late):+.2f} s", "p99 <= 1.5 s", kept=p99 <= 1.5
            )


def kill(redis: EmbeddedRedis) -> None:
    assert redis.pid is not None
    os.kill(redis.pid, signal.SIGKILL)


async def first_attempt(_timers: int) -> None:
    """Requests 50 a second for 15 seconds, from the return of the verb to the receiver's log."""
    async with scene() as here:
        await a_webhook(here.receiver.url)
        here.stage.start("worker")
        await until(at_work, within=30)
        await asyncio.sleep(2)
        committed: dict[str, float] = {}

        async def one() -> None:
            ticket = await a_request(email="")
            committed[str(ticket.id)] = time.time()
            await execute("UPDATE timer SET status = 'cancelled' WHERE subject = $1", ticket.id)

        begun = time.monotonic()
        running = []
        for number in range(750):
            await asyncio.sleep(max(0.0, begun + number / 50 - time.monotonic()))
            running.append(asyncio.create_task(one()))
        await asyncio.gather(*running)
        await until(nothing_left, within=60)
        first = {one.data["ticket_id"]: one.at for one in reversed(here.receiver.arrivals)}
        waits = [max(0.0, first[ticket] - at) for ticket, at in committed.items()]
        p50, p99 = percentile(waits, 0.5), percentile(waits, 0.99)
        figure = f"p50 {p50:.3f} s, p99 {p99:.3f} s at {750 / (time.monotonic() - begun):.0f} events a second"
        told("commit to first attempt", figure, "p50 <= 0.2 s, p99 <= 2 s", kept=p50 <= 0.2 and p99 <= 2)


async def recovery(_timers: int) -> None:
    """What a worker held that was killed after its claim, until another has delivered it; the real lease."""
    async with scene() as here:
        await a_webhook(here.receiver.url)
        await a_request(email="")
        await execute("UPDATE timer SET status = 'cancelled'")
        killed = here.stage.start("worker", "outbox.claimed")
        await asyncio.to_thread(killed.wait, 30)
        here.stage.start("worker")
        took = await until(nothing_left, within=120)
        told("recovery after SIGKILL", f"{took:.1f} s", "66 s", kept=took <= 66)


async def idle(_timers: int) -> None:
    """What a worker asks the database when there is nothing to do: transactions, of one statement each."""
    async with scene() as here:
        here.stage.start("worker")
        await until(at_work, within=30)
        await asyncio.sleep(5)
        seen = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        before = await fetchval(seen)
        await asyncio.sleep(30)
        each = (await fetchval(seen) - before) / 30
        told("an idle worker", f"{each:.1f} queries a second", "5 a second", kept=each <= 5)


MEASURES: dict[str, Callable[[int], Awaitable[None]]] = {
    "drain": drain, "chaos": chaos, "lateness": lateness, "first_attempt": first_attempt, "recovery": recovery,
    "idle": idle,
}  # fmt: skip


async def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("measures", nargs="*", metavar="name", help=", ".join(MEASURES))
    asked.add_argument("--timers", type=int, default=10_000)
    given = asked.parse_args()
    for name in given.measures or MEASURES:
        await MEASURES[name](given.timers)


if __name__ == "__main__":
    asyncio.run(main())
