"""Trying a draft on 100,000 tickets, and carrying it over to them: `python tests/bench/bench_simulation.py [TICKETS]`.

It starts a PostgreSQL of its own, lives one ticket of each kind through the verbs, and multiplies them by SQL. While
the version is carried over, moves on the same tickets are timed. Bars: 20 s to simulate; 60 s to publish, 100 ms p99.
"""

import asyncio
import resource
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from uuid import UUID, uuid4

sys.path.insert(0, str(Path(__file__).parents[2]))  # runs from a checkout that is not installed

import msgspec

from service import logs
from service.actors import Actor, customer
from service.database import DB, close_pool, execute, fetch, fetchval, migrate, start_pool
from service.embedded import EmbeddedPostgres
from service.intake import Request, receive
from service.regulations import changed_target, newest, publish, publish_default
from service.republishing import GRACE, carry_on, progress
from service.simulation import simulate
from service.tickets import carry_out
from workflow.definition import Role

OPERATOR = Actor(kind="staff", id="op", name="Olga", role=Role.OPERATOR)
OWNER = Actor(kind="staff", id="owner", name="Vera", role=Role.PROCESS_OWNER)
ASKER = customer(id="", name="Ivan")
MONDAY = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOON = MONDAY + 2 * HOUR
PROBES = 100  # tickets that are moved while the others are carried over

COLUMNS = "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns WHERE table_name = $1"


async def does(ticket: UUID, trigger: str, at: datetime, **given: object) -> None:
    await carry_out(ticket, trigger, by=OPERATOR, at=at, cause=f"request:{uuid4()}", given=given)


async def patterns() -> list[UUID]:
    """Tickets of each priority: registered, in progress, waiting, and raised on the way."""
    made = []
    for priority in ("P1", "P2", "P3", "P4"):
        for kind in range(4):
            request = Request(channel="portal", text="It does not start.", email="ivan@example.com", language="en")
            ticket = await receive(request, by=ASKER, at=MONDAY, cause=f"request:{uuid4()}")
            await does(ticket.id, "register", MONDAY, priority=priority)
            if kind >= 1:
                await does(ticket.id, "start", MONDAY + HOUR / 4)
            if kind >= 2:
                await does(ticket.id, "request_info", MONDAY + HOUR / 2, text="Which one?", minutes=5)
                await does(ticket.id, "resume", MONDAY + HOUR, text="That one.")
            if kind == 3:
                await does(ticket.id, "change_priority", MONDAY + HOUR, priority="P2", reason="It is worse.")
            made.append(ticket.id)
    return made


async def multiply(made: list[UUID], copies: int) -> None:
    """Copy each ticket with its journal and its timers. The hashes stay the patterns': enough for a bench."""
    await execute(
        "CREATE TABLE copied AS SELECT p AS pattern, gen_random_uuid() AS id, row_number() OVER () AS n "
        f"FROM unnest(ARRAY[{', '.join(repr(str(one)) for one in made)}]::uuid[]) p, generate_series(1, {copies})"
    )
    for table, owner in (("ticket", "id"), ("journal", "ticket"), ("timer", "subject")):
        names = [name.strip() for name in (await fetchval(COLUMNS, table)).split(",")]
        kept = [name for name in names if name == owner or name not in ("id", "number")]
        values = ["c.id" if name == owner else f"x.{name}" for name in kept]
        if table == "journal":
            values[kept.index("cause")] = "x.cause || '-' || c.n"
        if table == "ticket":
            kept.append("number")
            values.append("'B-' || c.n")
        await execute(
            f"INSERT INTO {table} ({', '.join(kept)}) SELECT {', '.join(values)} "
            f"FROM {table} x JOIN copied c ON x.{owner} = c.pattern ORDER BY c.id"
        )
    await execute("ANALYZE")


async def moves(tickets: list[UUID], stop: asyncio.Event) -> list[float]:
    """Milliseconds of moves on tickets that are carried over too."""
    taken = []
    while not stop.is_set():
        for ticket in tickets:
            begun = perf_counter()
            await carry_out(ticket, "comment", by=OPERATOR, at=NOON, cause=f"request:{uuid4()}", given={"text": "Hm."})
            taken.append(1000 * (perf_counter() - begun))
            if stop.is_set():
                break
            await asyncio.sleep(0.02)
    return taken


def worker(dsn: str, at: datetime) -> None:
    """One worker process, until nothing is left to do at once."""

    async def work() -> None:
        logs.set_up(form="text", level="error")
        DB.configure(dsn)
        await start_pool()
        while await carry_on(at=at):
            pass
        await close_pool()

    asyncio.run(work())


async def bench(dsn: str, tickets: int) -> None:
    DB.configure(dsn)
    await migrate()
    await start_pool()
    await publish_default(at=MONDAY)
    made = await patterns()
    await multiply(made, tickets // len(made))
    _version, current = await newest()
    draft = msgspec.structs.replace(changed_target(current, "P2", amount=300), examples=())
    for months in (0, 1):
        begun = perf_counter()
        told = await simulate(draft, at=NOON, months=months)
        print(f"simulate {told.open_tickets:,} open and {told.past_tickets:,} past: {perf_counter() - begun:.1f} s")
    probes = [row["id"] for row in await fetch("SELECT id FROM copied ORDER BY random() LIMIT $1", PROBES)]
    version = await publish(draft, based_on=1, by=OWNER, at=NOON, open_tickets="from_start")
    stop = asyncio.Event()
    moving = asyncio.create_task(moves(probes, stop))
    begun = perf_counter()
    process = get_context("spawn").Process(target=worker, args=(dsn, NOON))
    process.start()
    await asyncio.to_thread(process.join)
    seconds = perf_counter() - begun
    stop.set()
    taken = sorted(await moving)
    done = await progress(version)
    print(f"publish over {done.total:,} open tickets: {done.done:,} done in {seconds:.1f} s by one worker")
    print(f"moves meanwhile: p50 {taken[len(taken) // 2]:.1f} ms, p99 {taken[len(taken) * 99 // 100]:.1f} ms")
    while await carry_on(at=NOON + GRACE):
        pass
    print("finished:", (await progress(version)).finished_at is not None)
    await close_pool()


def main() -> None:
    tickets = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    logs.set_up(form="text", level="error")
    home = Path(tempfile.mkdtemp(prefix="rgl-", dir="/tmp"))
    with EmbeddedPostgres(home) as server:
        asyncio.run(bench(server.dsn, tickets))
    shutil.rmtree(server.folder, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
