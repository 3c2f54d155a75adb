"""Timers fired by one worker and by several at once."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from notifications import timers
from notifications.timers import Timers
from service.database import fetch, fetchval
from service.deadlines import Outcome
from service.verify import verify
from tests.desk import HOUR, MONDAY, a_colleague, a_request, a_ticket, completed, count, does
from workflow.errors import WrongState

pytestmark = pytest.mark.usefixtures("regulation")
LATER = MONDAY + timedelta(days=1, hours=1)


async def test_everything_due_fires_batch_by_batch_and_nothing_else() -> None:
    for _number in range(7):
        await a_request()
    done = await Timers(batch=2).fire_due(at=MONDAY + 3 * HOUR)
    assert sum(done.values()) >= 7
    assert await count("journal", "trigger = 'breach'") == 7
    assert await count("timer", "status = 'armed'") == 0
    assert await verify() == []


async def test_it_is_behind_while_more_is_due_than_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    for _number in range(5):
        await a_request()
    worker, seen, fire = Timers(batch=3), [], timers.fire

    async def watched(timer: int, *, at: datetime) -> Outcome:
        seen.append(worker.behind)
        return await fire(timer, at=at)

    monkeypatch.setattr(timers, "fire", watched)
    await worker.fire_due(at=MONDAY + 3 * HOUR)
    assert seen[0]
    assert not worker.behind


async def test_nothing_fires_early() -> None:
    await a_request()
    assert await Timers().fire_due(at=MONDAY + 2 * HOUR) == {}


async def test_several_workers_share_the_work_and_do_nothing_twice() -> None:
    await a_colleague("boss@example.org", "supervisor")
    for _number in range(25):
        await a_ticket("P1")
    workers = [Timers(batch=10, lanes=2) for _worker in range(4)]
    await asyncio.gather(*(worker.fire_due(at=LATER) for worker in workers))
    await workers[0].fire_due(at=LATER)
    assert await count("journal", "trigger = 'breach'") == 25
    assert await count("letter", "kind = 'breach'") == 25
    assert await count("timer", f"status = 'armed' AND due_at <= '{LATER}'") == 0
    assert (
        await fetchval(
            "SELECT count(*) FROM (SELECT cause FROM journal GROUP BY ticket, cause, n HAVING count(*) > 1) x"
        )
        == 0
    )
    assert await verify() == []


async def test_an_answer_in_the_same_instant_and_the_auto_close_never_both_win() -> None:
    tickets = [await completed() for _number in range(10)]
    due = MONDAY + timedelta(hours=24)

    async def disputes(number: int) -> None:
        with suppress(WrongState):
            await does(tickets[number], "dispute", due, text="It still does not start.")

    await asyncio.gather(Timers().fire_due(at=due), *(disputes(number) for number in range(10)))
    await Timers().fire_due(at=due)
    for ticket in tickets:
        rows = await fetch(
            "SELECT trigger FROM journal WHERE ticket = $1 AND trigger IN ('expire', 'dispute')", ticket.id
        )
        assert len(rows) == 1
    assert await verify() == []


async def test_one_timer_that_cannot_fire_holds_up_no_other_and_is_tried_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, _good = await a_request(), await a_request()
    sick = {row["id"] for row in await fetch("SELECT id FROM timer WHERE subject = $1", bad.id)}
    fire, tried = timers.fire, []

    async def fails_for_one(timer: int, **given: object) -> Outcome:
        tried.append(timer)
        if timer in sick:
            raise RuntimeError("a letter that cannot be rendered")
        return await fire(timer, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(timers, "fire", fails_for_one)
    worker = Timers()
    await worker.fire_due(at=LATER)
    await worker.fire_due(at=LATER)
    assert await count("journal", "trigger = 'breach'") == 1
    assert len([timer for timer in tried if timer in sick]) == len(sick)  # they rest meanwhile
    monkeypatch.undo()
    await Timers().fire_due(at=LATER)
    assert await count("journal", "trigger = 'breach'") == 2
