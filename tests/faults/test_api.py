"""The web process killed around the commit, and its database away: a program that repeats its request is safe."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import httpx
import pytest

from service import clock
from service.database import DB, execute
from service.ticket import Ticket
from service.tokens import add_token
from service.verify import verify
from tests.desk import a_ticket, a_webhook, count, eventually
from tests.faults.conftest import Journal, MortalPostgres, Process, Stage, Start, long
from tests.faults.stage import free_port
from workflow.definition import Role

pytestmark = pytest.mark.usefixtures("regulation")
KEY = {"Idempotency-Key": "start-it-once"}


async def a_program() -> str:
    """The token of an operator's program."""
    return await add_token("program", role=Role.OPERATOR, at=clock.now())


@asynccontextmanager
async def served(stage: Stage, token: str, *failpoints: str) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    """`reglament web` as a process, and a program that speaks to it."""
    port = free_port()
    process = stage.start("web", *failpoints, more={"REGLAMENT_PORT": str(port)})
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20) as client:

        async def answers() -> bool:
            with suppress(httpx.TransportError):
                return (await client.get("/health/live")).status_code == 200
            assert process.poll() is None, stage.logs()
            return False

        await eventually(answers, within=60)
        yield process, client


async def start(client: httpx.AsyncClient, ticket: Ticket) -> httpx.Response:
    return await client.post(f"/api/v1/tickets/{ticket.id}/moves", json={"trigger": "start"}, headers=KEY)


@pytest.mark.fault(3)
async def test_killed_before_the_commit_nothing_happened_and_killed_after_it_the_lost_answer_comes_again(
    stage: Stage,
) -> None:
    ticket, token = await a_ticket(), await a_program()

    async def killed_at(point: str) -> int:
        async with served(stage, token, point) as (process, client):
            with pytest.raises(httpx.TransportError):
                await start(client, ticket)
            assert await asyncio.to_thread(process.wait, 10) == -signal.SIGKILL
        return await count("journal", f"ticket = '{ticket.id}' AND trigger = 'start'")

    assert await killed_at("ticket.written") == 0
    assert await count("idem") == 0
    assert await killed_at("ticket.committed") == 1
    async with served(stage, token) as (_process, client):
        answers = [await start(client, ticket) for _time in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["seq"] == ticket.seq + 1
    assert await count("journal", f"ticket = '{ticket.id}' AND trigger = 'start'") == 1
    assert await verify() == []


@pytest.mark.fault(15)
@pytest.mark.parametrize("pause", [2.0, pytest.param(30.0, marks=long)])
async def test_without_postgresql_the_api_says_503_and_afterwards_nothing_is_lost(
    stage: Stage, start_worker: Start, receiver: Journal, mortal_postgres: MortalPostgres, pause: float
) -> None:
    await a_webhook(receiver.url)
    tickets = [await a_ticket() for _number in range(6)]
    worker = start_worker()
    async with served(stage, await a_program()) as (web, client):

        async def says(path: str) -> int:
            return (await client.get(path)).status_code

        async def works_again() -> bool:
            return await says(f"/api/v1/tickets/{tickets[0].id}") == 200

        assert await works_again()
        mortal_postgres.crash()  # no goodbye: the next start recovers
        assert await says(f"/api/v1/tickets/{tickets[0].id}") == 503
        assert await says("/health/ready") == 503
        assert await says("/health/live") == 200
        mortal_postgres.start()
        await eventually(works_again)

        mortal_postgres.signal_all(signal.SIGSTOP)
        asked = asyncio.create_task(start(client, tickets[1]))
        await asyncio.sleep(pause)
        mortal_postgres.signal_all(signal.SIGCONT)
        with suppress(httpx.ReadTimeout):
            assert (await asked).status_code == 200
        await eventually(works_again)

        await all_backends_terminated()
        began = time.monotonic()
        await eventually(works_again)
        assert time.monotonic() - began < 10
        assert (await start(client, tickets[1])).status_code == 200
        assert (await start(client, tickets[1])).status_code == 200
        assert web.poll() is None
    await eventually(lambda: _delivered(), within=75 if pause > 10 else 30)
    assert worker.poll() is None
    assert await count("journal", f"ticket = '{tickets[1].id}' AND trigger = 'start'") == 1
    assert {one.data["ticket_id"] for one in receiver.arrivals} == {str(ticket.id) for ticket in tickets}
    assert receiver.order_errors() == 0
    assert await verify() == []


async def _delivered() -> bool:
    await execute(  # a minute passes for what the crash left behind; the worker itself needs a second
        "UPDATE outbox SET lease_until = clock_timestamp() - interval '1 second' "
        "WHERE status = 'sending' AND lease_until < clock_timestamp() + interval '55 seconds'"
    )
    return await count("outbox", "channel = 'webhook' AND status <> 'delivered'") == 0


async def all_backends_terminated() -> None:
    """As an administrator would; our own pool loses its connections too."""
    connection = await asyncpg.connect(DB.config["dsn"])
    await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    await connection.close()


@pytest.mark.fault(20)
@pytest.mark.parametrize("times", [10, pytest.param(1000, marks=long)])
async def test_of_two_operators_in_the_same_second_one_wins_and_the_other_is_told_who(stage: Stage, times: int) -> None:
    tokens = [await add_token(name, role=Role.OPERATOR, at=clock.now()) for name in ("Olga", "Oleg")]
    async with served(stage, tokens[0]) as (_web, olga):
        oleg = {"Authorization": f"Bearer {tokens[1]}"}
        for _time in range(times):
            ticket = await a_ticket()
            looked_at = {"If-Match": f'"{ticket.seq}"'}
            where = f"/api/v1/tickets/{ticket.id}/moves"
            answers = await asyncio.gather(
                olga.post(where, json={"trigger": "start"}, headers=looked_at),
                olga.post(where, json={"trigger": "withdraw", "text": "It went away."}, headers=looked_at | oleg),
            )
            assert sorted(answer.status_code for answer in answers) == [200, 412]
            [refused] = [answer for answer in answers if answer.status_code == 412]
            said = "Olga made “Take into work”" if answers[1] is refused else "Oleg made “Withdraw”"
            assert said in refused.json()["detail"]
            assert await count("journal", f"ticket = '{ticket.id}'") == ticket.seq + 1
    assert await verify() == []
