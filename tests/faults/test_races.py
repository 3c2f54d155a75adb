"""The clock and a person reach for the same ticket in the same instant: one of them is first, and no deadlock."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest

from service import bell
from service.database import execute, fetch, fetchval
from service.verify import verify
from tests.desk import ASKER, MONDAY, a_colleague, a_ticket, completed, count, does, eventually
from tests.faults.conftest import Start, long
from tests.faults.stage import at_work
from workflow.errors import Refusal

pytestmark = pytest.mark.usefixtures("regulation")
AT_ONCE = 8  # people who act at the same time
LATER = MONDAY + timedelta(days=2)  # every deadline has passed


async def deadlocks() -> int:
    await execute("SELECT pg_stat_force_next_flush()")
    seen: int = await fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return seen


async def nothing_is_due() -> bool:
    return not await count("timer", "status = 'armed' AND due_at < now()")


async def race(start_worker: Start, redis_url: str, times: int, act: Callable[[int], Awaitable[object]]) -> None:
    """A worker is ready, its timers come due all at once, and in the same instant people begin to act."""
    await execute("UPDATE timer SET due_at = due_at + interval '100 years'")
    start_worker()
    await eventually(at_work, within=30)
    numbers = iter(range(times))

    async def person() -> None:
        for number in numbers:
            with suppress(Refusal):  # the clock was first
                await act(number)
            await asyncio.sleep(10 / times)  # the worker needs up to a second to see what is due

    await execute("UPDATE timer SET due_at = due_at - interval '100 years'")
    gun = bell.RedisBell(redis_url)
    await gun.ring("fire_timers")
    await asyncio.gather(*(person() for _number in range(AT_ONCE)))
    await gun.close()
    await eventually(nothing_is_due, within=120)


def demand_that_they_met(won_by_the_clock: int, times: int) -> None:
    """Of a thousand races each wins some; of a few, on a busy machine, one of the two may win them all."""
    if times >= 1000:
        assert 0 < won_by_the_clock < times


@pytest.mark.fault(7)
@pytest.mark.parametrize("times", [40, pytest.param(1000, marks=long)])
async def test_a_ticket_is_never_closed_over_an_earlier_answer(start_worker: Start, redis_url: str, times: int) -> None:
    tickets = [await completed() for _number in range(times)]
    before = await deadlocks()

    async def answer(number: int) -> object:
        trigger = ("reply", "dispute")[number % 2]
        return await does(tickets[number], trigger, LATER, by=ASKER, text="It still does not start.")

    await race(start_worker, redis_url, times, answer)
    told: dict[UUID, list[str]] = {ticket.id: [] for ticket in tickets}
    for row in await fetch(
        "SELECT ticket, trigger FROM journal WHERE trigger IN ('reply', 'dispute', 'expire') ORDER BY ticket, seq"
    ):
        told[row["ticket"]].append(row["trigger"])
    assert all(order in (["expire"], ["reply"], ["dispute"]) for order in told.values())
    demand_that_they_met(sum(order == ["expire"] for order in told.values()), times)
    assert await deadlocks() == before
    assert await verify() == []


@pytest.mark.fault(8)
@pytest.mark.parametrize("times", [40, pytest.param(1000, marks=long)])
async def test_a_timer_whose_ticket_closes_is_consumed_once_and_no_letter_follows(
    start_worker: Start, redis_url: str, times: int
) -> None:
    await a_colleague("boss@example.org", "supervisor")
    tickets = [await a_ticket("P1") for _number in range(times)]
    before = await deadlocks()

    async def withdraw(number: int) -> object:
        return await does(tickets[number], "withdraw", LATER, text="It went away.")

    await race(start_worker, redis_url, times, withdraw)
    assert await fetchval("SELECT count(*) = 0 FROM timer WHERE status = 'armed'")
    of_cancelled = (
        "SELECT count(*) FROM journal j JOIN timer m ON j.cause = 'timer:' || m.id WHERE m.status = 'cancelled'"
    )
    assert await fetchval(of_cancelled) == 0
    twice = (
        "SELECT count(*) FROM (SELECT FROM journal WHERE trigger = 'breach' GROUP BY ticket HAVING count(*) > 1) again"
    )
    assert await fetchval(twice) == 0
    after_the_end = (
        "SELECT count(*) FROM letter l JOIN journal j ON j.ticket = l.ticket AND j.trigger = 'withdraw' "
        "WHERE l.kind IN ('warning', 'breach') AND l.seq > j.seq"
    )
    assert await fetchval(after_the_end) == 0
    demand_that_they_met(await count("journal", "trigger = 'breach'"), times)
    assert await count("journal", "trigger = 'withdraw'") == times
    assert await deadlocks() == before
    assert await verify() == []


@pytest.mark.fault(20)
async def test_twenty_who_write_on_one_ticket_at_once_are_all_heard() -> None:
    ticket = await a_ticket()
    await asyncio.gather(*(does(ticket, "comment", MONDAY, text=f"word {number}") for number in range(20)))
    assert await count("journal", "trigger = 'comment'") == await count("message", "text LIKE 'word %'") == 20
    assert await verify() == []
