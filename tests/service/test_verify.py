"""Replaying the journals finds every kind of damage, and nothing where there is none."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from service import audits
from service.database import DB, execute, fetch, fetchval
from service.verify import Difference, verify
from tests.desk import HOUR, MONDAY, a_request, a_ticket, a_webhook, completed, count, does

pytestmark = pytest.mark.usefixtures("regulation")


async def checks() -> set[str]:
    return {difference.check for difference in await verify()}


@pytest.fixture
async def unguarded() -> AsyncIterator[None]:
    """The journal without the trigger that refuses changes: what somebody with all rights could do."""
    await execute("ALTER TABLE journal DISABLE TRIGGER journal_is_append_only")
    yield
    await execute("ALTER TABLE journal ENABLE TRIGGER journal_is_append_only")


async def test_whatever_the_verbs_do_the_journal_tells_it_all() -> None:
    await a_request()
    ticket = await does(await a_ticket(), "request_info", MONDAY + HOUR, text="Which version?", minutes=20)
    await does(ticket, "resume", MONDAY + 2 * HOUR, text="The newest.")
    await does(ticket, "change_priority", MONDAY + 3 * HOUR, priority="P1", reason="All of it is down.")
    closed = await completed()
    await does(closed, "dispute", MONDAY + HOUR, text="No.")
    assert await verify() == []


async def test_the_journal_refuses_to_be_changed() -> None:
    await a_request()
    with pytest.raises(Exception, match="append-only"):
        await execute("UPDATE journal SET actor_name = 'Somebody else'")


@pytest.mark.usefixtures("unguarded")
@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("UPDATE journal SET body = convert_to(replace(convert_from(body, 'UTF8'), 'P2', 'P1'), 'UTF8')", "chain"),
        ("UPDATE journal SET trigger = 'confirm' WHERE seq = 2", "copy"),
        ("UPDATE journal SET at = at + interval '1 minute' WHERE seq = 2", "copy"),
        ("DELETE FROM journal WHERE seq = 2", "order"),
        ("DELETE FROM journal WHERE seq = 3", "chain"),
        ("UPDATE ticket SET state = 'registered'", "state"),
        ("UPDATE ticket SET seq = seq + 1", "state"),
        ("UPDATE ticket SET head = '\\x00'", "chain"),
        ("UPDATE ticket SET due_at = due_at + interval '1 second'", "deadline"),
        ("UPDATE ticket SET late_from = late_from + interval '1 second'", "deadline"),
        ("UPDATE ticket SET minutes_total = 480", "position"),
        ("UPDATE ticket SET clocks = jsonb_set(clocks, '{priority}', '\"P1\"')", "clocks"),
        ("UPDATE timer SET status = 'cancelled' WHERE kind = 'resolution:due'", "timer"),
        ("UPDATE timer SET due_at = due_at + interval '1 second' WHERE kind = 'resolution:due'", "timer"),
        ("INSERT INTO timer (subject, kind, generation, due_at) SELECT id, 'snooze', 1, now() FROM ticket", "timer"),
    ],
)
async def test_damage_is_found(damage: str, check: str) -> None:
    await does(await a_ticket(), "start", MONDAY)
    await execute(damage)
    assert check in await checks()


async def test_a_difference_says_where_and_what() -> None:
    ticket = await a_ticket()
    await execute("UPDATE ticket SET minutes_total = 480")
    [difference] = await verify()
    assert isinstance(difference, Difference)
    assert str(difference) == f"{ticket.id} position: minutes_total: expected 0, found 480"


async def test_journals_are_read_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.verify.BATCH", 2)
    for _number in range(5):
        await a_request()
    await execute("UPDATE ticket SET minutes_total = 1")
    assert len(await verify()) == 5


async def test_work_that_goes_on_meanwhile_is_no_difference() -> None:
    ticket = await a_ticket()
    found = await verify()
    await does(ticket, "start", MONDAY)
    assert found == await verify() == []
    assert DB.current_transaction.get() is None


# --- the audit of each minute -----------------------------------------------------------------------------------------


async def audited(at: datetime) -> dict[str, int]:
    return {name: found for name, found in (await audits.run(at=at)).items() if found}


async def test_a_sound_system_passes_the_audit_and_the_result_is_kept() -> None:
    await a_webhook("https://example.com/hook")
    await a_ticket()
    assert await audited(MONDAY + timedelta(minutes=2)) == {}
    assert await count("audit", "found = 0") >= len(audits.QUESTIONS) + len(audits.REPLAYED)
    assert await count("alarm", "kind IN ('audit', 'drift')") == 0


async def test_one_audit_a_minute_is_enough_for_all_workers() -> None:
    await a_ticket()
    assert await audits.run(at=MONDAY + HOUR) != {}
    assert await audits.run(at=MONDAY + HOUR + timedelta(seconds=10)) == {}
    assert await audits.run(at=MONDAY + HOUR + timedelta(seconds=61)) != {}


async def test_the_audit_finds_timers_leases_and_events_that_were_left_behind() -> None:
    await a_webhook("https://example.com/hook")
    ticket = await a_ticket()
    await execute("DELETE FROM outbox WHERE channel = 'webhook'")
    await execute("UPDATE outbox SET status = 'sending', lease_until = clock_timestamp() - interval '2 minutes'")
    assert (await audited(MONDAY + timedelta(minutes=1)))["unsent_events"] == await count("event")
    found = await audited(ticket.due_at + timedelta(minutes=2))
    assert found["overdue_timers"] == await count("timer", f"status = 'armed' AND due_at <= '{ticket.due_at}'")
    assert found["expired_leases"] == await count("outbox")
    assert await count("alarm", "kind = 'audit' AND cleared_at IS NULL") == 2


async def test_an_alarm_of_a_drifted_ticket_ends_when_it_is_mended() -> None:
    ticket = await a_ticket()
    await execute("UPDATE ticket SET due_at = due_at + interval '1 hour'")
    assert await audited(MONDAY + timedelta(minutes=1)) == {"deadline": 1}
    assert await fetchval("SELECT key FROM alarm WHERE kind = 'drift'") == f"{ticket.id} deadline"
    await execute("UPDATE ticket SET due_at = due_at - interval '1 hour'")
    assert await audited(MONDAY + timedelta(minutes=3)) == {}
    assert await count("alarm", "kind = 'drift' AND cleared_at IS NULL") == 0


async def test_the_slice_reaches_tickets_that_did_not_change() -> None:
    for _number in range(3):
        await a_ticket()
    later = MONDAY + timedelta(days=30)
    await execute("DELETE FROM timer")
    assert (await audited(later))["timer"] > 0


async def test_from_october_on_the_next_year_of_the_calendar_is_asked_for() -> None:
    await a_request()
    await audits.run(at=MONDAY)
    assert await count("alarm", "kind = 'calendar_year'") == 0
    await audits.run(at=datetime.fromisoformat("2027-10-01T09:00+00:00"))
    [alarm] = await fetch("SELECT key, cleared_at FROM alarm WHERE kind = 'calendar_year'")
    assert (alarm["key"], alarm["cleared_at"]) == ("2028", None)
