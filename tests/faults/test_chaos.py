"""Kills without pause while timers fire and webhooks go out: the journal is exact, nothing is lost, the order holds."""

import random

import pytest

from service.verify import verify
from tests.desk import a_ticket, a_webhook, count
from tests.faults.chaos import Chaos, judged
from tests.faults.conftest import Journal, MortalPostgres, Stage, long

pytestmark = [pytest.mark.usefixtures("regulation"), pytest.mark.fault(5)]


@pytest.mark.parametrize(
    ("tickets", "workers", "seconds", "crash_every"), [(60, 2, 5.0, 4.0), pytest.param(2500, 4, 60.0, 15.0, marks=long)]
)
async def test_workers_killed_all_the_time_lose_nothing_and_do_nothing_twice(
    stage: Stage,
    receiver: Journal,
    mortal_postgres: MortalPostgres,
    tickets: int,
    workers: int,
    seconds: float,
    crash_every: float,
) -> None:
    """Each ticket of the first priority has four timers."""
    await a_webhook(receiver.url)
    for _number in range(tickets):
        await a_ticket("P1", email="")
    chaos = Chaos(stage, random.Random(5), workers, mortal_postgres.server)
    await chaos.rage(seconds, kill_every=1.5, crash_every=crash_every)
    await chaos.crash_postgres()
    chaos.calm_down()
    await chaos.drain(within=30 + tickets / 20)
    found = await judged(receiver)
    assert found.pop("duplicates") <= found.pop("reclaimed")
    assert set(found.values()) == {0}, found
    assert await count("journal", "trigger = 'breach'") == tickets
    assert await verify() == []
