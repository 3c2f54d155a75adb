"""The migration tells tickets that were there before from when they are late, as the clocks would tell it."""

from datetime import timedelta
from importlib import import_module

import pytest

from service.database import execute, fetchval
from service.verify import verify
from tests.desk import HOUR, MONDAY, a_request, a_ticket, completed, does

pytestmark = pytest.mark.usefixtures("regulation")
FILL = import_module("service.piccolo_migrations.reglament_2026_11_28t13_11_00_000000").FILL


async def lives() -> None:
    """Tickets on every part of their way: late and in time, at rest, promised, finished."""
    await a_request()
    await a_ticket()
    await does(await completed(), "dispute", MONDAY + HOUR, text="No.")
    await completed()
    for rests_at in (HOUR, timedelta(days=3)):  # P2 has eight hours
        ticket = await does(await a_ticket(), "start", MONDAY)
        await does(ticket, "request_info", MONDAY + rests_at, text="Which?", minutes=30)
    for told_at in (HOUR, timedelta(days=3)):
        ticket = await does(await a_ticket(), "start", MONDAY)
        promised = (MONDAY + timedelta(days=9)).isoformat()
        given = {"reason": "needs_development", "text": "It takes longer.", "promised_at": promised}
        await does(ticket, "extend", MONDAY + told_at, **given)
    late = await does(await a_ticket(), "start", MONDAY)
    given = {"text": "Done.", "delivery_method": "email", "minutes": 30, "outcome": "solved"}
    await does(late, "complete", MONDAY + timedelta(days=3), **given)
    await does(await completed(), "confirm", MONDAY + HOUR)


async def test_what_the_migration_fills_in_is_what_the_journals_say() -> None:
    await lives()
    assert await verify() == []
    assert await fetchval("SELECT count(*) FROM ticket WHERE late_from IS NOT NULL") > 4
    await execute("UPDATE ticket SET late_from = NULL")
    assert await verify() != []
    await execute(FILL)
    assert await verify() == []
