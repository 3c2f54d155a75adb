"""Several web processes and workers share one database and one Redis; some are killed, and nobody's ticket notices."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from service import clock
from service.database import fetchval
from service.regulations import RULEBOOKS, publish_default
from service.tokens import add_token
from service.verify import verify
from tests.desk import MONDAY
from tests.faults.stage import Stage, free_port
from workflow.definition import Role

LIFE: tuple[dict[str, Any], ...] = (
    {"trigger": "register", "priority": "P3"},
    {"trigger": "start"},
    {"trigger": "request_info", "text": "Which gate?", "minutes": 5},
    {"trigger": "resume", "text": "The first."},
    {"trigger": "complete", "text": "Replaced.", "delivery_method": "email", "minutes": 30, "outcome": "solved"},
    {"trigger": "confirm"},
)
# One of each kind works as behind a pooler that changes connections between transactions.
POOLED = {"REGLAMENT_PREPARED_STATEMENTS": "off"}


@pytest.fixture
async def regulation(database: None) -> AsyncIterator[None]:
    RULEBOOKS.forget()
    await publish_default(at=MONDAY)
    yield
    RULEBOOKS.forget()


@asynccontextmanager
async def balancer(ports: list[int]) -> AsyncIterator[int]:
    """A balancer that knows nothing but TCP: each connection goes to the next process that takes it."""
    turn, talks = count(), set[asyncio.Task[None]]()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            return  # one of the two was killed
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = next(turn)
        for port in (ports[(first + n) % len(ports)] for n in range(len(ports))):
            with suppress(OSError):
                back_reader, back_writer = await asyncio.open_connection("127.0.0.1", port)
                for one in (pump(reader, back_writer), pump(back_reader, writer)):
                    talks.add(asyncio.create_task(one))
                return
        writer.close()

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        if talks:
            await asyncio.wait(talks, timeout=10)


class Cluster:
    """Web processes and workers behind one address."""

    def __init__(self, stage: Stage, web: int, workers: int) -> None:
        self.stage = stage
        self.ports = [free_port() for _ in range(web)]
        self.web = [
            stage.start("web", more={"REGLAMENT_PORT": str(port), "REGLAMENT_API_REQUESTS_PER_MINUTE": "1000000"}
                        | (POOLED if n == 1 else {}))
            for n, port in enumerate(self.ports)
        ]  # fmt: skip
        self.workers = [stage.start("worker", more=POOLED if n == 1 else {}) for n in range(workers)]

    async def ready(self) -> None:
        async with httpx.AsyncClient() as client:
            for port in self.ports:
                await eventually(lambda port=port: _answers(client, port), f"web on {port}")


async def _answers(client: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await client.get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200
    except httpx.TransportError:
        return False


async def eventually(found: Any, what: str, *, within: float = 60) -> None:
    for _look in range(int(within * 10)):
        if await found():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {within:.0f} s")


async def persistently(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send until there is an answer: what a program does that uses Idempotency-Key as it is meant."""
    key = {"Idempotency-Key": uuid4().hex}
    for _attempt in range(100):
        try:
            answer = await client.post(path, json=body, headers=key)
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        if answer.status_code < 500:
            assert answer.status_code in (200, 201), answer.text
            return dict(answer.json())
        await asyncio.sleep(0.2)
    raise AssertionError(f"no answer to {body}")


async def live(url: str, token: str, n: int) -> dict[str, Any]:
    """One ticket from request to close; a fresh connection for each call, so that the balancer spreads them."""
    headers = {"Authorization": f"Bearer {token}", "Connection": "close"}
    async with httpx.AsyncClient(base_url=f"{url}/api/v1", headers=headers, timeout=20) as client:
        ticket = await persistently(
            client, "/tickets", {"channel": "portal", "text": f"It beeps {n}.", "email": f"a{n}@example.org"}
        )
        for move in LIFE:
            ticket = await persistently(client, f"/tickets/{ticket['id']}/moves", move)
        return ticket


async def _play(stage: Stage, *, web: int, workers: int, lives: int, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    token = await add_token("cluster", role=Role.OPERATOR, at=clock.now())
    cluster = Cluster(stage, web, workers)
    await cluster.ready()
    async with balancer(cluster.ports) as port:
        playing = [asyncio.create_task(live(f"http://127.0.0.1:{port}", token, n)) for n in range(lives)]
        for n in range(kills):
            await asyncio.sleep(0.4)
            # Never the last one of a kind: somebody must be left to do the work.
            victims = cluster.web if n % 2 == 0 else cluster.workers
            if sum(one.poll() is None for one in victims) > 1:
                chance.choice([one for one in victims if one.poll() is None]).kill()
            assert n > 0 or not all(one.done() for one in playing), "the first kill came too late to matter"
        tickets = await asyncio.gather(*playing)
    assert all(ticket["closed_at"] for ticket in tickets)
    assert await fetchval("SELECT count(*) FROM ticket") == lives
    assert await fetchval("SELECT count(*) FROM journal WHERE kind IN ('receive', 'move')") == lives * (1 + len(LIFE))
    assert await verify() == []

    async def all_sent() -> bool:
        return await fetchval("SELECT count(*) FROM outbox WHERE status IN ('pending', 'sending')") == 0

    await eventually(all_sent, "every letter sent", within=150)
    assert await fetchval("SELECT count(*) FROM outbox WHERE status NOT IN ('delivered', 'cancelled', 'merged')") == 0


@pytest.fixture
def stage(tmp_path: Path, database_url: str, redis_url: str) -> Any:
    made = Stage(tmp_path, database_url, redis_url)
    yield made
    made.clear()


async def test_two_of_each_lose_one_of_each_and_nobody_notices(stage: Stage, regulation: None) -> None:
    await _play(stage, web=2, workers=2, lives=8, kills=2, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_three_of_each_lose_two_of_each_and_nobody_notices(stage: Stage, regulation: None, seed: int) -> None:
    await _play(stage, web=3, workers=3, lives=150, kills=4, seed=seed)
