"""A draft tried on many open tickets, and then published over them while people go on working."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import count
from time import perf_counter
from uuid import UUID

import msgspec

from service.clock import now
from service.database import DB, connection, execute, fetch
from service.regulations import newest, publish
from service.republishing import GRACE, carry_on, progress
from service.simulation import simulate
from service.tickets import carry_out
from tests.bench.figures import Figure
from tests.bench.load import percentile
from tests.bench.past import OPERATOR, a_life
from tests.bench.place import Place, a_place
from tests.desk import changed_target
from workflow.regulation import Regulation

CHAPTER = "Publishing"
TICKETS = 100_000
PROBES = 100  # tickets that people move while all are carried over
WORKERS = 1


async def measure(*, scale: float = 1.0) -> AsyncIterator[Figure]:
    tickets = max(100, round(TICKETS * scale))
    async with a_place() as place:
        at = now()  # the worker lives by the same clock: what came due long ago would be fired meanwhile
        tickets = await many_open(tickets, since=at - timedelta(minutes=10))
        _version, current = await newest()
        draft = msgspec.structs.replace(changed_target(current, "P2", amount=300), examples=())
        for months, what in ((0, "open tickets"), (1, "open and as many past tickets")):
            begun = perf_counter()
            await simulate(draft, at=at, months=months)
            took = perf_counter() - begun
            yield _figure(f"simulate {tickets:,} {what}", took, "s", most=20 * scale if months == 0 else None)
        async for one in _published(place, draft, tickets, at=at, most=60 * scale):
            yield one


async def _published(
    place: Place, draft: Regulation, tickets: int, *, at: datetime, most: float
) -> AsyncIterator[Figure]:
    """By workers as they run; the moves meanwhile are made here, each on a ticket that is carried over too."""
    probes = [row["id"] for row in await fetch("SELECT id FROM ticket ORDER BY random() LIMIT $1", PROBES)]
    owner = msgspec.structs.replace(OPERATOR, name="Вера")
    version = await publish(draft, based_on=1, by=owner, at=at, open_tickets="from_start")
    stop = asyncio.Event()
    moving = asyncio.create_task(_moves(probes, stop, at=at))
    begun = perf_counter()
    lanes = [{"part": "worker"} for _worker in range(WORKERS)]
    with place.running(*lanes):
        while (await progress(version)).done < tickets:  # noqa: ASYNC110  the workers are other processes
            await asyncio.sleep(0.2)
        took = perf_counter() - begun
        stop.set()
        taken = await moving
    assert await carry_on(at=at + GRACE) or (await progress(version)).finished_at
    yield _figure(f"publish over {tickets:,} open tickets", took, "s", most=most)
    yield _figure("moves meanwhile, p50", percentile(taken, 0.5), "ms")
    yield _figure("moves meanwhile, p99", percentile(taken, 0.99), "ms", most=100)


async def many_open(tickets: int, *, since: datetime) -> int:
    """About so many tickets in each priority and open state, with journals and timers; how many they are."""
    causes = (f"open:{n}" for n in count())
    made = [await a_life(priority, since, causes=causes, steps=steps) for priority in ("P1", "P2", "P3", "P4")
            for steps in (1, 2, 3, 4)]  # fmt: skip
    await execute("UPDATE outbox SET status = 'delivered', delivered_at = now()")
    async with DB.transaction(allow_nested=False):
        await execute("SET LOCAL session_replication_role = replica")
        await execute("SET LOCAL statement_timeout = 0")
        await connection().execute(
            "CREATE TEMP TABLE copied AS SELECT p AS pattern, gen_random_uuid() AS id, row_number() OVER () AS n "
            "FROM unnest($1::uuid[]) p, generate_series(1, $2::int)",
            made, tickets // len(made) - 1,
        )  # fmt: skip
        for table, owner in (("ticket", "id"), ("journal", "ticket"), ("timer", "subject")):
            await _copied(table, owner)
    await execute("ANALYZE")
    return len(made) * (tickets // len(made))


async def _copied(table: str, owner: str) -> None:
    rows = await fetch(
        "SELECT quote_ident(column_name) AS name FROM information_schema.columns "
        "WHERE table_name = $1 AND table_schema = 'public'",
        table,
    )
    own = {owner: "c.id", "number": "'B-' || c.n", "cause": "x.cause || '-' || c.n"}
    names = [row["name"] for row in rows if row["name"] == owner or row["name"] != "id"]
    values = [own.get(name, f"x.{name}") for name in names]
    await connection().execute(
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} "
        f"FROM {table} x JOIN copied c ON x.{owner} = c.pattern ORDER BY c.n",
        timeout=600,
    )


async def _moves(tickets: list[UUID], stop: asyncio.Event, *, at: datetime) -> list[float]:
    """Milliseconds of one move after the other."""
    taken: list[float] = []
    for n in count():
        if stop.is_set() and len(taken) > 10:
            return taken
        begun = perf_counter()
        await carry_out(
            tickets[n % len(tickets)], "comment", by=OPERATOR, at=at, cause=f"probe:{n}", given={"text": "Хм."}
        )
        taken.append(1000 * (perf_counter() - begun))
        await asyncio.sleep(0.02)
    raise AssertionError("count() does not end")


def _figure(name: str, value: float, unit: str, *, most: float | None = None) -> Figure:
    kept = value <= most if most is not None else None
    bar = f"≤ {most:g} {unit}" if most is not None else ""
    return Figure(chapter=CHAPTER, name=name, value=value, unit=unit, bar=bar, kept=kept)  # type: ignore[arg-type]
