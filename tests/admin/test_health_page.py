"""The health page: alarms in words and with a button, audits, backlogs, and whether a worker lives."""

from datetime import timedelta

import pytest

from admin.health.page import CHECKS
from service import alarms, audits, clock
from service.database import execute, fetchrow, fetchval
from service.house import HOUSE
from service.regulations import RULEBOOKS
from tests.admin.conftest import Browser, Signs, words
from workflow.definition import Role


@pytest.fixture
async def administrator(signs_in: Signs) -> Browser:
    return await signs_in(Role.ADMINISTRATOR, name="Ada")


async def an_alarm() -> int:
    await alarms.sound(
        "webhook_disabled", "x", "A webhook was disabled: {reason}", {"reason": "The endpoint answered 410 Gone."},
        at=clock.now(),
    )  # fmt: skip
    return int(await fetchval("SELECT id FROM alarm"))


async def test_a_fresh_system_says_what_is_not_known_yet(administrator: Browser) -> None:
    said = words(await administrator.get("/health"))
    assert "No alarm stands." in said
    assert "No worker has been heard of yet." in said
    assert "No audit yet" in said


async def test_each_audit_stands_with_its_last_result(administrator: Browser) -> None:
    at = clock.now()
    assert await audits.run(at=at)
    await execute("UPDATE audit SET found = 3, detail = 'timer 7' WHERE name = 'overdue_timers'")
    said = words(await administrator.get("/health"))
    assert "No timer is over a minute late 3 timer 7" in said
    assert "The chain of hashes is whole 0" in said
    assert "A worker is at work." in said
    assert said.index("No timer is over a minute late") < said.index("Every event has its deliveries")
    assert set(audits.QUESTIONS) | set(audits.REPLAYED) == set(CHECKS)


async def test_a_worker_that_fell_silent_is_noticed(administrator: Browser) -> None:
    await audits.run(at=clock.now())
    await execute("UPDATE audit SET at = $1 WHERE name = 'run'", clock.now() - timedelta(minutes=4))
    assert "No worker was heard of lately" in words(await administrator.get("/health"))


async def test_alarms_are_told_in_the_readers_language(administrator: Browser) -> None:
    await an_alarm()
    assert "A webhook was disabled: The endpoint answered 410 Gone." in words(await administrator.get("/health"))
    administrator.client.cookies.set("language", "ru")
    said = words(await administrator.get("/health"))
    assert "410 Gone" in said
    assert "disabled" not in said.replace("webhook_disabled", "")
    assert "answered" not in said


async def test_an_alarm_is_cleared_by_a_person_and_journaled(administrator: Browser) -> None:
    id = await an_alarm()
    answer = await administrator.send(f"/health/alarms/{id}/clear", on="/health")
    assert answer.status_code == 303
    assert await fetchval("SELECT cleared_at IS NOT NULL FROM alarm")
    entry = await fetchrow("SELECT act, subject, actor_name FROM config_journal WHERE act = 'alarm.clear'")
    assert (entry["subject"], entry["actor_name"]) == ("webhook_disabled x", "Ada")
    said = words(await administrator.get("/health"))
    assert "No alarm stands." in said
    assert "Cleared within a day" in said


async def test_a_supervisor_looks_and_only_an_administrator_clears(signs_in: Signs, operator: Browser) -> None:
    id = await an_alarm()
    supervisor = await signs_in(Role.SUPERVISOR, name="Sergey")
    page = await supervisor.get("/health")
    assert page.status_code == 200
    assert f"/health/alarms/{id}/clear" not in page.text
    assert (await supervisor.client.post(f"/health/alarms/{id}/clear")).status_code == 403
    assert (await operator.get("/health")).status_code == 403
    assert await fetchval("SELECT cleared_at IS NULL FROM alarm")


async def test_the_hosts_open_to_webhooks_are_shown(administrator: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "only https addresses in the open internet" in words(await administrator.get("/health"))
    monkeypatch.setattr(HOUSE, "webhook_allowed_hosts", ("127.0.0.1:9000",))
    assert "127.0.0.1:9000" in words(await administrator.get("/health"))


async def test_the_calendar_warns_of_a_year_it_lacks(administrator: Browser) -> None:
    assert "The calendar has no year" not in words(await administrator.get("/health"))
    year = clock.now().year
    await execute(
        "UPDATE regulation SET document = jsonb_set(document, '{calendar,years}', "
        f"jsonb_path_query_array(document, '$.calendar.years[*] ? (@.year < {year})'))"
    )
    RULEBOOKS.forget()
    assert f"The calendar has no year {year}" in words(await administrator.get("/health"))


async def test_backlogs_are_counted(administrator: Browser) -> None:
    await execute(
        "INSERT INTO outbox (event_id, channel, endpoint, seq, type, body, status, created_at, next_at) "
        "SELECT 'evt_' || n, 'webhook', 'x', 0, 'webhook.ping', '', CASE WHEN n < 3 THEN 'dead' ELSE 'pending' END, "
        "$1, $1 FROM generate_series(1, 5) n",
        clock.now() - timedelta(hours=1),
    )
    said = words(await administrator.get("/health"))
    assert "3 Events to be sent" in said
    assert "2 Events given up" in said
    assert "Oldest delivery due" in said
