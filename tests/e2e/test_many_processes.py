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
from service.accounts import add_user
from service.database import execute, fetchval, migrate
from service.regulations import RULEBOOKS, publish_default
from service.tokens import add_token
from service.verify import verify
from tests.admin.conftest import hidden_fields
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


@pytest.mark.long
async def test_two_of_each_lose_one_of_each_and_nobody_notices(stage: Stage, regulation: None) -> None:
    await _play(stage, web=2, workers=2, lives=8, kills=2, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_three_of_each_lose_two_of_each_and_nobody_notices(stage: Stage, regulation: None, seed: int) -> None:
    await _play(stage, web=3, workers=3, lives=150, kills=4, seed=seed)


# --- pages at different processes -------------------------------------------------------------------------------------


@asynccontextmanager
async def signed_in(port: int, name: str) -> AsyncIterator[httpx.AsyncClient]:
    """A colleague's browser, signed in at the process on this port; cookies go wherever it asks afterwards."""
    email = f"{name.lower()}@desk.example.org"
    password = await add_user(email, name=name, role=Role.OPERATOR, language="en", at=clock.now())
    async with httpx.AsyncClient(timeout=30, headers={"Accept": "text/html"}) as browser:
        url = f"http://127.0.0.1:{port}/sign-in"
        hidden = hidden_fields((await browser.get(url)).text, "/sign-in")
        answer = await browser.post(url, data=hidden | {"email": email, "password": password})
        assert answer.status_code == 303, answer.text
        yield browser


async def is_present(browser: httpx.AsyncClient, port: int, ticket: str, **said: str) -> str:
    """What the page of a ticket is told when it says that it is open."""
    url = f"http://127.0.0.1:{port}"
    token = hidden_fields((await browser.get(f"{url}/desk")).text, "/sign-out")["_csrf_token"]
    answer = await browser.post(f"{url}/desk/tickets/{ticket}/presence", data=said, headers={"X-CSRF-Token": token})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["others"])


async def news(browser: httpx.AsyncClient, port: int, begun: asyncio.Event) -> str:
    """The first piece of news on the stream of the desk; empty when it ended without."""
    async with browser.stream("GET", f"http://127.0.0.1:{port}/desk/stream") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        async for line in stream.aiter_lines():
            begun.set()
            if line == "data: news":
                return "news"
    return ""


async def test_pages_at_different_processes_show_one_desk(stage: Stage, regulation: None) -> None:
    """A session, presence, the stream of news and the limits know no borders between processes."""
    token = await add_token("cluster", role=Role.OPERATOR, at=clock.now())
    cluster = Cluster(stage, web=2, workers=0)
    await cluster.ready()
    first, second = cluster.ports
    program = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(headers=program, timeout=30) as api,
        signed_in(first, "Olga") as olga,
        signed_in(second, "Pavel") as pavel,
    ):
        at = f"http://127.0.0.1:{first}/api/v1/tickets"
        ticket = (await api.post(at, json={"channel": "phone", "text": "It beeps."})).json()["id"]
        await is_present(olga, first, ticket, writing="1")
        assert await is_present(pavel, second, ticket) == "Writing now: Olga."
        assert await is_present(olga, second, ticket) == "Also looking: Pavel."  # her session is known there too

        begun = asyncio.Event()
        told = asyncio.create_task(news(pavel, second, begun))
        await asyncio.wait_for(begun.wait(), 30)
        moved = await api.post(f"{at}/{ticket}/moves", json={"trigger": "register", "priority": "P3"})
        assert moved.status_code == 200
        assert await asyncio.wait_for(told, 30) == "news"

        async def wrong(port: int) -> int:
            """A guess at a password, at one of the processes."""
            url = f"http://127.0.0.1:{port}/sign-in"
            hidden = hidden_fields((await guesser.get(url)).text, "/sign-in")
            guess = hidden | {"email": "olga@desk.example.org", "password": "guess"}
            return (await guesser.post(url, data=guess, headers={"Accept": "text/html"})).status_code

        async with httpx.AsyncClient(timeout=30) as guesser:
            while await wrong(first) != 429:
                pass

            async def slowed_down_at_the_other() -> bool:
                return await wrong(second) == 429

            await eventually(slowed_down_at_the_other, "the other process hearing of the guesses", within=3)


# --- an upgrade while everything runs ---------------------------------------------------------------------------------

# What the next release might bring: columns on every table that a move writes, and an index.
NEXT_RELEASE = """
from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from service.database import execute

ID = "2999-01-01T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "What the next release adds."
TABLES = ("ticket", "journal", "message", "timer", "outbox", "event", "letter", "idem", "signed_link")


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="next_release", description=DESCRIPTION)

    async def run():
        for table in TABLES:
            await execute(f"ALTER TABLE {table} ADD COLUMN of_next_release text NOT NULL DEFAULT ''")
        await execute("CREATE INDEX of_next_release ON ticket (of_next_release)")

    manager.add_raw(run)
    return manager
"""


@pytest.fixture
async def next_release(tmp_path: Path, database: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A package of migrations beside ours; what it added is gone afterwards."""
    package = tmp_path / "of_next_release"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "added.py").write_text(NEXT_RELEASE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield package.name
    tables = ("ticket", "journal", "message", "timer", "outbox", "event", "letter", "idem", "signed_link")
    for table in tables:
        await execute(f"ALTER TABLE {table} DROP COLUMN IF EXISTS of_next_release")
    await execute("DELETE FROM migration WHERE app_name = 'next_release'")


async def test_a_migration_under_load_disturbs_nobody_who_still_runs_the_old_code(
    stage: Stage, regulation: None, next_release: str
) -> None:
    """Old processes go on, with their prepared statements, while the tables get what the next release needs."""
    token = await add_token("cluster", role=Role.OPERATOR, at=clock.now())
    cluster = Cluster(stage, web=2, workers=1)
    await cluster.ready()
    async with balancer(cluster.ports) as port:
        migrated, numbers = asyncio.Event(), count()

        async def play() -> list[dict[str, Any]]:
            """One life after the other until the tables are those of the next release, and one more."""
            lived = []
            while not migrated.is_set():
                lived.append(await live(f"http://127.0.0.1:{port}", token, next(numbers)))
            return [*lived, await live(f"http://127.0.0.1:{port}", token, next(numbers))]

        playing = [asyncio.create_task(play()) for _ in range(8)]
        await asyncio.sleep(1.5)
        several = await asyncio.gather(*(migrate(next_release, app="next_release") for _ in range(3)))
        migrated.set()
        assert sum(map(len, several)) == 1, "one of those who wait for the lock migrates, the others find it done"
        tickets = [ticket for lived in await asyncio.gather(*playing) for ticket in lived]
    assert all(ticket["closed_at"] for ticket in tickets)
    entries = await fetchval("SELECT count(*) FROM journal WHERE kind IN ('receive', 'move')")
    assert entries == len(tickets) * (1 + len(LIFE))
    assert await verify() == []
    refused = [line for line in stage.logs().splitlines() if "status=5" in line or "request failed" in line]
    assert refused == []
