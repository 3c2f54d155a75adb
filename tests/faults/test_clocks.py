"""Clocks that jump or go wrong, an endpoint that fails for days, and a worker that was away for a day."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from notifications.retry import ATTEMPTS, DELAYS, GIVE_UP_AFTER, JITTER
from service.database import execute, fetch, fetchrow, fetchval
from service.verify import verify
from tests.desk import MONDAY, a_colleague, a_request, a_webhook, count, eventually
from tests.faults.conftest import Journal, Start, long
from tests.faults.stage import at_work, set_clock

pytestmark = pytest.mark.usefixtures("regulation")
SECOND = timedelta(seconds=1)


async def due_in(seconds: float) -> None:
    """All timers come due so many seconds from now, by the clock of the database."""
    await execute("UPDATE timer SET due_at = clock_timestamp() + $1 WHERE status = 'armed'", seconds * SECOND)


@pytest.mark.fault(16)
async def test_a_worker_whose_clock_is_45_seconds_wrong_fires_by_the_clock_of_the_database(
    start_worker: Start, home: Path
) -> None:
    (home / "wrong").write_text("45")
    await a_request()
    await due_in(3)
    start_worker(through="spoiled.py", more={"SPOILED_CLOCK": str(home / "wrong")})
    await eventually(lambda: count("timer", "status = 'fired'"), within=30)
    assert await fetchval("SELECT bool_and(ended_at >= due_at) FROM timer WHERE status = 'fired'")
    assert await count("alarm", "kind = 'clock_jump'") == 0  # wrong it is, but it does not jump


@pytest.mark.fault(16)
@pytest.mark.parametrize("jump", ["3600", "-3600"])
@pytest.mark.parametrize("calm", [3.0, pytest.param(60.0, marks=long)])
async def test_when_a_clock_jumps_an_hour_firing_pauses_alarms_and_deliveries_go_on(
    start_worker: Start, receiver: Journal, home: Path, jump: str, calm: float
) -> None:
    start_worker(through="spoiled.py", more={"SPOILED_CLOCK": str(home / "wrong"), "SPOILED_CALM": str(calm)})
    await eventually(at_work, within=30)
    (home / "wrong").write_text(jump)
    await eventually(lambda: count("alarm", "kind = 'clock_jump'"))
    jumped = await fetchval("SELECT clock_timestamp()")
    await a_webhook(receiver.url)
    await a_request()  # long overdue, and something to deliver
    await eventually(receiver.got_any)
    assert await count("timer", "status = 'fired'") == 0
    await eventually(lambda: count("timer", "status = 'fired'"), within=calm + 10)
    fired = await fetchval("SELECT min(ended_at) FROM timer WHERE status = 'fired'")
    assert fired >= jumped + (calm - 2) * SECOND
    assert await verify() == []


@pytest.mark.fault(17)
@pytest.mark.parametrize("tickets", [20, pytest.param(1000, marks=long)])
async def test_after_a_day_without_workers_breaches_are_told_once_and_as_of_their_own_instant(
    start_worker: Start, home: Path, tickets: int
) -> None:
    await a_colleague("boss@example.org", "supervisor")
    for number in range(tickets):
        await a_request(MONDAY + number * SECOND, email="")
    await execute("DELETE FROM outbox")
    due = {row["subject"]: row["due_at"] for row in await fetch("SELECT * FROM timer WHERE kind = 'registration:due'")}
    clock = home / "moved"
    set_clock(clock, MONDAY + timedelta(hours=26))
    start_worker(more={"REGLAMENT_CLOCK_FILE": str(clock)})
    await eventually(lambda: fetchval("SELECT count(*) = 0 FROM timer WHERE status = 'armed'"), within=120)

    assert await count("journal", "trigger = 'warn'") == 0
    assert await count("timer", "kind LIKE '%:step:%' AND status = 'superseded'") == tickets
    assert await count("journal", "trigger = 'breach'") == await count("letter", "kind = 'breach'") == tickets
    assert await count("letter", "kind = 'warning'") == 0
    rows = await fetch(
        "SELECT ticket, at, convert_from(body, 'UTF8')::jsonb #>> '{data,due_at}' AS due_at, "
        "convert_from(body, 'UTF8')::jsonb #>> '{data,fired_at}' AS fired_at FROM journal WHERE trigger = 'breach'"
    )
    for row in rows:
        assert row["due_at"] == due[row["ticket"]].isoformat()
        assert row["fired_at"] > (MONDAY + timedelta(hours=26)).isoformat()
    assert await verify() == []


@pytest.mark.fault(12)
@long
async def test_a_failing_endpoint_is_tried_at_the_ten_offsets_and_disabled_after_five_days(
    start_worker: Start, receiver: Journal, home: Path
) -> None:
    clock = home / "moved"
    set_clock(clock, MONDAY)
    hook, _secrets = await a_webhook(receiver.at("until/mended"))
    await a_request(email="")
    await execute("UPDATE timer SET status = 'cancelled'")
    start_worker(more={"REGLAMENT_CLOCK_FILE": str(clock)})
    first = MONDAY
    for attempt in range(1, ATTEMPTS + 1):
        await eventually(lambda done=attempt: count("attempt", f"n = {done}"), within=30)
        row = await fetchrow("SELECT * FROM outbox")
        made = await fetchrow("SELECT * FROM attempt WHERE n = $1", attempt)
        first = made["started_at"] if attempt == 1 else first
        if attempt == ATTEMPTS:
            break
        wait = (row["next_at"] - made["started_at"]) / DELAYS[attempt]
        assert 1 - JITTER - 0.05 <= wait <= 1 + JITTER + 0.5 * (attempt == 1)
        set_clock(clock, row["next_at"] + SECOND)
    assert row["status"] == "dead"
    assert await fetchval("SELECT status FROM webhook") == "enabled"  # not yet five days

    async def another() -> None:
        await execute("UPDATE outbox SET status = 'pending', attempt = 0, next_at = $1", MONDAY)

    (home / "mended").touch()
    set_clock(clock, await fetchval("SELECT hold_until FROM webhook") + SECOND)  # ten in a row tripped the breaker
    await another()
    await eventually(lambda: fetchval("SELECT failing_since IS NULL FROM webhook"), within=30)  # one success resets
    (home / "mended").unlink()
    await another()
    await eventually(lambda: fetchval("SELECT failing_since FROM webhook"), within=30)
    since = await fetchval("SELECT failing_since FROM webhook")
    set_clock(clock, since + GIVE_UP_AFTER - timedelta(hours=1))
    await another()
    await asyncio.sleep(3)
    assert await fetchval("SELECT status FROM webhook WHERE id = $1", hook) == "enabled"
    set_clock(clock, since + GIVE_UP_AFTER + timedelta(minutes=1))
    await another()
    await eventually(lambda: fetchval("SELECT status = 'disabled' FROM webhook"), within=30)
    assert await count("alarm", "kind = 'webhook_disabled' AND cleared_at IS NULL") == 1
