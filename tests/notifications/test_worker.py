"""The worker: what it guarantees without Redis, what the bell adds, how it stops, and how it meets a jumping clock."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from notifications import ringing, worker
from notifications.outbox import LEASE
from notifications.post import Poster
from notifications.smtp import SmtpServer
from notifications.webhooks import MOST_AT_ONCE
from notifications.worker import WHILE_BEHIND, ClockGuard, Duty, Worker, demand_long_leases, run_worker
from service import bell, database, failpoints, mailbox
from service.address_guard import AddressGuard
from service.database import execute, fetchval
from service.settings import Settings
from tests.desk import MONDAY, a_colleague, a_request, a_ticket, completed, count, eventually

pytestmark = pytest.mark.usefixtures("regulation")
NO_REDIS = "unix:///nowhere/redis.sock"


@asynccontextmanager
async def at_work(home: Path, redis_url: str = NO_REDIS) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(Settings(home=home), redis_url=redis_url, stop=stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 25)


async def delivered() -> bool:
    return await count("outbox", "status <> 'delivered'") == 0


async def test_without_redis_timers_fire_and_letters_go(tmp_path: Path) -> None:
    await a_colleague("boss@example.org", "supervisor")
    await a_request()
    await completed()
    async with at_work(tmp_path):
        await eventually(lambda: count("journal", "trigger = 'breach'"))
        await eventually(lambda: count("journal", "trigger = 'expire'"))
        await execute("UPDATE outbox SET next_at = $1 WHERE status = 'pending'", MONDAY)  # quiet hours or not
        await eventually(delivered)
    subjects = [letter.subject for letter in mailbox.letters(tmp_path / "mailbox")]
    assert any("Deadline passed" in subject for subject in subjects)
    assert len(subjects) == await count("outbox")


async def test_the_bell_is_answered_long_before_the_next_look(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "TICK", 3600.0)
    one = bell.RedisBell(redis_url)
    async with at_work(tmp_path, redis_url):
        await asyncio.sleep(0.5)  # the only look is over
        await a_request()
        began = time.monotonic()
        await one.ring("send_letters")
        await eventually(delivered)
        assert time.monotonic() - began < 1.0
    await one.close()


async def test_every_task_of_the_bell_is_heard_however_often_it_rings(redis_url: str) -> None:
    heard: list[str] = []
    one = bell.RedisBell(redis_url)
    listening = asyncio.create_task(ringing.hear_the_bell(redis_url, heard.append))
    for task in ringing.TASKS * 3:
        await one.ring(task)

    async def all_heard() -> bool:
        return set(heard) == set(ringing.TASKS)

    await eventually(all_heard)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await one.close()


async def test_an_idle_worker_asks_the_database_at_most_five_times_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    run = database._run

    async def counted(method: str, sql: str, values: Any) -> Any:
        asked.append(sql)
        return await run(method, sql, values)

    monkeypatch.setattr(database, "_run", counted)
    async with at_work(tmp_path):
        await asyncio.sleep(1)  # the first audit is over
        asked.clear()
        await asyncio.sleep(5)
        assert len(asked) <= 25


async def test_a_worker_that_stops_leaves_nothing_half_sent(tmp_path: Path) -> None:
    for number in range(20):
        await a_request(email=f"customer{number}@example.com")
    async with at_work(tmp_path):
        await eventually(lambda: count("outbox", "status <> 'pending'"))
    assert await count("outbox", "status = 'sending'") == 0
    assert await count("outbox", "status = 'delivered'") == len(mailbox.letters(tmp_path / "mailbox"))


async def test_an_error_costs_a_round_and_not_the_loop() -> None:
    rounds = 0

    async def fails_once() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise RuntimeError("once")

    duty = Duty("test", fails_once)
    serving = asyncio.create_task(duty.serve())
    duty.call()
    await asyncio.sleep(0.01)
    duty.call()

    async def twice() -> bool:
        return rounds == 2

    await eventually(twice)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


class Clocks:
    """A wall clock that can jump, and a steady one."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_000_000.0, 50.0

    def passes(self, seconds: float, *, jump: float = 0.0) -> None:
        self.steady += seconds
        self.wall += seconds + jump


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 31.0])
def test_after_a_jump_of_the_clock_firing_pauses_for_a_minute(jump: float) -> None:
    clocks = Clocks()
    guard = ClockGuard(wall=lambda: clocks.wall, steady=lambda: clocks.steady)
    assert guard.calm
    clocks.passes(1, jump=jump)
    assert guard.jumped() == pytest.approx(jump)
    assert not guard.calm
    clocks.passes(59)
    assert guard.jumped() is None
    assert not guard.calm
    clocks.passes(1)
    assert guard.calm


def test_small_corrections_and_long_stops_are_no_jump() -> None:
    clocks = Clocks()
    guard = ClockGuard(wall=lambda: clocks.wall, steady=lambda: clocks.steady)
    clocks.passes(600, jump=-20.0)
    assert guard.jumped() is None
    assert guard.calm


async def test_a_jump_raises_an_alarm_and_no_timer_fires_meanwhile() -> None:
    await a_request()
    clocks = Clocks()
    guard = ClockGuard(wall=lambda: clocks.wall, steady=lambda: clocks.steady)
    poster = Poster(guard=AddressGuard(allowed_hosts=[]))
    one = Worker(smtp=SmtpServer(host="127.0.0.1", port=9), poster=poster, guard=guard)
    clocks.passes(1, jump=3600)
    await one._look()
    await one.fire_timers()
    assert await count("journal", "trigger = 'breach'") == 0
    assert await count("alarm", "kind = 'clock_jump'") == 1
    clocks.passes(60)
    await one.fire_timers()
    assert await count("journal", "trigger = 'breach'") == 1
    await poster.aclose()


async def test_while_timers_are_behind_only_a_few_webhooks_go() -> None:
    poster = Poster(guard=AddressGuard(allowed_hosts=[]))
    one = Worker(smtp=SmtpServer(host="127.0.0.1", port=9), poster=poster)
    asked: list[int] = []

    async def take(places: int) -> list[Any]:
        asked.append(places)
        return []

    one.webhooks._channel.take = take  # type: ignore[method-assign]
    await one.webhooks.dispatch()
    one._timers.behind = True
    await one.webhooks.dispatch()
    assert asked == [MOST_AT_ONCE, WHILE_BEHIND]
    await poster.aclose()


def test_a_lease_shorter_than_four_deliveries_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    demand_long_leases()
    monkeypatch.setattr(worker, "TIMEOUT", LEASE / 3)
    with pytest.raises(ValueError, match="lease"):
        demand_long_leases()


def test_failpoints_are_refused_in_production_and_by_unknown_names() -> None:
    with pytest.raises(ValueError, match="production"):
        failpoints.arm(["outbox.sent"], production=True)
    with pytest.raises(ValueError, match="unknown"):
        failpoints.arm(["outbox.nowhere"], production=False)
    failpoints.arm([], production=True)
    failpoints.reach("outbox.sent")  # nobody asked for it: nothing happens


async def test_fifty_tickets_overdue_for_long_are_caught_up_with_one_breach_each(tmp_path: Path) -> None:
    for _number in range(50):
        await a_ticket("P1")
    due = await count("timer", "status = 'armed'")
    async with at_work(tmp_path):
        await eventually(all_fired, within=15)
    assert due >= 50 * 3
    assert await fetchval("SELECT count(*) FROM journal WHERE trigger = 'breach'") == 50


async def all_fired() -> bool:
    return await count("timer", "status = 'armed'") == 0
