"""What happens by itself, on the real database: deadlines, warnings, silence, reminders, quiet hours."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from service.actors import Actor, customer
from service.change import Change
from service.database import execute, fetch, fetchrow, fetchval
from service.deadlines import Due, Outcome, consume, fire
from service.intake import Request, receive
from service.regulations import in_force, newest, publish
from service.ticket import Ticket
from service.tickets import carry_out
from service.verify import verify
from workflow.definition import Role
from workflow.regulation import Regulation, Step

MONDAY = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)  # 10:00 in Moscow, a working day
HOUR = timedelta(hours=1)
OPERATOR = Actor(kind="staff", id="op", name="Olga", role=Role.OPERATOR)
ASKER = customer(id="", name="Ivan")
SUPERVISORS = ("anna@example.org", "boris@example.org")

pytestmark = pytest.mark.usefixtures("regulation")


async def a_request(at: datetime = MONDAY) -> Ticket:
    request = Request(channel="portal", text="It does not start.", email="ivan@example.com", language="en")
    return await receive(request, by=ASKER, at=at, cause=f"request:{uuid4()}")


async def does(ticket: Ticket, trigger: str, at: datetime, by: Actor = OPERATOR, **given: object) -> Ticket:
    return await carry_out(ticket.id, trigger, by=by, at=at, cause=f"request:{uuid4()}", given=given)


async def a_ticket(priority: str = "P2", at: datetime = MONDAY, **given: object) -> Ticket:
    return await does(await a_request(at), "register", at, priority=priority, **given)


async def a_colleague(email: str, role: str = "operator") -> None:
    await execute(
        "INSERT INTO app_user (email, name, role, language, password_hash, active, created_at) "
        "VALUES ($1, 'Somebody', $2, 'en', '', true, $3)",
        email, role, MONDAY,
    )  # fmt: skip


async def completed(at: datetime = MONDAY) -> Ticket:
    ticket = await does(await a_ticket(at=at), "start", at)
    return await does(ticket, "complete", at, text="Done.", delivery_method="email", minutes=30, outcome="solved")


async def come_due(ticket: Ticket, at: datetime, *kinds: str) -> list[Outcome]:
    """Fire what is due at `at`, the oldest first, as one worker would."""
    rows = await fetch(
        "SELECT id, kind FROM timer WHERE subject = $1 AND status = 'armed' AND due_at <= $2 ORDER BY due_at, id",
        ticket.id,
        at,
    )
    return [await fire(row["id"], at=at) for row in rows if not kinds or row["kind"] in kinds]


async def entries(ticket: Ticket, trigger: str) -> list[dict[str, Any]]:
    rows = await fetch("SELECT body FROM journal WHERE ticket = $1 AND trigger = $2 ORDER BY seq", ticket.id, trigger)
    return [msgspec.json.decode(bytes(row["body"])) for row in rows]


async def letters(kind: str) -> list[Any]:
    return await fetch(
        "SELECT l.recipient, l.text, o.next_at FROM letter l JOIN outbox o ON o.event_id = l.id::text "
        "WHERE l.kind = $1 ORDER BY o.id",
        kind,
    )


async def timers(ticket: Ticket) -> dict[str, str]:
    rows = await fetch("SELECT kind, status FROM timer WHERE subject = $1 ORDER BY id", ticket.id)
    return {row["kind"]: row["status"] for row in rows}


@pytest.fixture(autouse=True)
async def supervisors(regulation: None) -> None:
    for email in SUPERVISORS:
        await a_colleague(email, role="supervisor")


async def with_rules(**changes: object) -> None:
    """Publish the regulation with something changed."""
    version, document = await newest()
    owner = Actor(kind="staff", id="owner", name="Owner", role=Role.PROCESS_OWNER)
    changed: Regulation = msgspec.structs.replace(document, **changes)
    await publish(changed, based_on=version, by=owner, at=MONDAY)


async def with_steps(*steps: Step, priority: str = "P2") -> None:
    _version, document = await newest()
    await with_rules(
        priorities=tuple(
            msgspec.structs.replace(one, steps=steps) if one.code == priority else one for one in document.priorities
        ),
        examples=(),
    )


# --- deadlines --------------------------------------------------------------------------------------------------------


async def test_a_missed_deadline_is_journaled_as_of_its_instant_and_told_to_every_supervisor() -> None:
    ticket = await a_ticket()
    late = ticket.due_at + timedelta(minutes=7)
    await come_due(ticket, late)
    [entry] = await entries(ticket, "breach")
    assert datetime.fromisoformat(entry["data"]["due_at"]) == ticket.due_at
    assert datetime.fromisoformat(entry["data"]["fired_at"]) == late
    assert (entry["data"]["clock"], entry["data"]["mark"], entry["data"]["result"]) == (
        "resolution", "due", "breached",
    )  # fmt: skip
    assert entry["actor"]["kind"] == "clock"
    assert entry["cause"].startswith("timer:")
    assert [row["recipient"] for row in await letters("breach")] == list(SUPERVISORS)
    assert "has passed" in (await letters("breach"))[0]["text"]
    assert await fetchval("SELECT count(*) FROM event WHERE type = 'ticket.deadline.breached'") == 1
    assert await verify() == []


async def test_a_request_that_was_not_registered_in_time_is_a_breach_too() -> None:
    ticket = await a_request()
    await come_due(ticket, ticket.registration_due_at)
    [entry] = await entries(ticket, "breach")
    assert entry["data"]["clock"] == "registration"
    assert {row["recipient"] for row in await letters("breach")} == set(SUPERVISORS)


async def test_a_breach_supersedes_its_own_warnings_and_names_them() -> None:
    ticket = await a_ticket()
    outcomes = await come_due(ticket, ticket.due_at + HOUR)  # nobody fired the warnings at 50 % and 80 %
    [entry] = await entries(ticket, "breach")
    assert entry["data"]["superseded"] == ["P2:50%", "P2:80%"]
    assert outcomes == [Outcome.SUPERSEDED, Outcome.GONE, Outcome.GONE]
    assert await entries(ticket, "warn") == []
    assert await letters("warning") == []
    assert len(await letters("breach")) == len(SUPERVISORS)
    assert (await timers(ticket))["resolution:step:P2:80%"] == "superseded"
    assert await verify() == []


async def test_a_timer_fires_once_however_often_it_is_fired() -> None:
    ticket = await a_ticket()
    timer = await fetchval("SELECT id FROM timer WHERE subject = $1 AND kind = 'resolution:due'", ticket.id)
    assert await fire(timer, at=ticket.due_at) is Outcome.FIRED
    assert await fire(timer, at=ticket.due_at) is Outcome.GONE
    assert len(await entries(ticket, "breach")) == 1


async def test_of_two_who_saw_a_timer_armed_one_consumes_it() -> None:
    ticket = await a_ticket()
    row = await fetchrow("SELECT id, kind, due_at FROM timer WHERE subject = $1 AND kind = 'resolution:due'", ticket.id)
    due = Due(row["id"], row["kind"], row["due_at"])
    first, second = (Change(ticket, now=ticket.due_at, cause=f"timer:{row['id']}") for _worker in range(2))
    assert await consume(first, due) is True
    assert await consume(second, due) is False


async def test_a_postponement_that_was_told_in_time_makes_the_passed_deadline_extended() -> None:
    ticket = await a_ticket()
    promised = ticket.due_at + 3 * HOUR
    code = (await in_force(at=MONDAY)).reasons[0]
    await does(ticket, "extend", MONDAY + HOUR, reason=code, text="A patch comes.", promised_at=promised.isoformat())
    await come_due(ticket, ticket.due_at, "resolution:due")
    [entry] = await entries(ticket, "breach")
    assert entry["data"]["result"] == "extended"
    assert "told in time" in (await letters("breach"))[0]["text"]
    await come_due(ticket, promised)
    _first, missed = await entries(ticket, "breach")
    assert (missed["data"]["mark"], missed["data"]["result"]) == ("promise", "breached")
    assert datetime.fromisoformat(missed["data"]["promised_at"]) == promised
    assert await verify() == []


async def test_an_answer_in_time_leaves_nothing_to_fire() -> None:
    ticket = await completed()
    assert [kind for kind, status in (await timers(ticket)).items() if status == "armed"] == ["auto_close:due"]
    assert await come_due(ticket, ticket.due_at + HOUR, "resolution:due") == []


# --- steps ------------------------------------------------------------------------------------------------------------


async def test_a_warning_goes_to_assignee_and_supervisors_and_fires_once() -> None:
    await a_colleague("olga@example.org")
    ticket = await a_ticket("P1", assignee="olga@example.org")
    [outcome] = await come_due(ticket, MONDAY + HOUR)  # 25 % of four hours
    assert outcome is Outcome.FIRED
    [entry] = await entries(ticket, "warn")
    assert entry["data"]["notified"] == ["olga@example.org", *SUPERVISORS]
    assert [row["recipient"] for row in await letters("warning")] == ["olga@example.org", *SUPERVISORS]
    assert "Threshold: 25%" in (await letters("warning"))[0]["text"]
    assert await come_due(ticket, MONDAY + HOUR) == []
    assert await verify() == []


async def test_a_warning_about_nobodys_ticket_goes_to_the_supervisors() -> None:
    ticket = await a_ticket("P2")
    await come_due(ticket, MONDAY + 4 * HOUR)
    assert [row["recipient"] for row in await letters("warning")] == list(SUPERVISORS)


async def test_an_escalation_raises_the_priority_and_hands_the_ticket_over() -> None:
    await a_colleague("chief@example.org")
    await with_steps(Step(("list@example.org",), percent=50, raise_to="P1", reassign_to="chief@example.org"))
    ticket = await a_ticket("P2")
    before = ticket.due_at
    await come_due(ticket, MONDAY + 5 * HOUR, "resolution:step:P2:50%")
    row = await fetchrow("SELECT priority, assignee, due_at FROM ticket WHERE id = $1", ticket.id)
    assert (row["priority"], row["due_at"] < before) == ("P1", True)
    assert row["assignee"] == await fetchval("SELECT id FROM app_user WHERE email = 'chief@example.org'")
    assert [entry["cause"] for entry in await entries(ticket, "change_priority")] == [
        entry["cause"] for entry in await entries(ticket, "escalate")
    ]
    assert [row["recipient"] for row in await letters("warning")] == ["list@example.org"]
    assert await verify() == []


async def test_an_escalation_never_lowers_a_priority() -> None:
    await with_steps(Step(("supervisors",), percent=50, raise_to="P3"), priority="P1")
    ticket = await a_ticket("P1")
    await come_due(ticket, MONDAY + 2 * HOUR)
    assert len(await entries(ticket, "escalate")) == 1
    assert await entries(ticket, "change_priority") == []


async def test_an_escalation_after_the_deadline_says_that_it_has_passed() -> None:
    await with_steps(Step(("list@example.org",), minutes=30))
    ticket = await a_ticket("P2")
    outcomes = await come_due(ticket, ticket.due_at + HOUR)
    assert outcomes[0] is Outcome.FIRED
    assert len(await entries(ticket, "breach")) == 1
    # Thirty minutes of working time after 18:00 lie in the next morning.
    await come_due(ticket, ticket.due_at + timedelta(days=1))
    assert len(await entries(ticket, "escalate")) == 1
    assert "list@example.org" in [row["recipient"] for row in await letters("breach")]


# --- quiet hours ------------------------------------------------------------------------------------------------------


async def test_notices_to_staff_wait_for_working_time_except_about_the_first_priority() -> None:
    night = datetime(2026, 5, 5, 20, 0, tzinfo=UTC)  # 23:00
    morning = datetime(2026, 5, 6, 6, 0, tzinfo=UTC)  # 09:00
    calm, urgent = await a_ticket("P2"), await a_ticket("P1")
    await come_due(calm, night)
    assert {row["next_at"] for row in await letters("breach")} == {morning}
    await execute("DELETE FROM outbox")
    await come_due(urgent, night)
    assert {row["next_at"] for row in await letters("breach")} == {night}


async def test_without_quiet_hours_notices_go_at_night() -> None:
    _version, document = await newest()
    await with_rules(quiet_hours=msgspec.structs.replace(document.quiet_hours, enabled=False))
    night = datetime(2026, 5, 5, 20, 0, tzinfo=UTC)
    await come_due(await a_ticket("P2"), night)
    assert {row["next_at"] for row in await letters("breach")} == {night}


# --- silence ----------------------------------------------------------------------------------------------------------


async def test_a_day_of_silence_closes_a_completed_ticket() -> None:
    ticket = await completed()
    assert await come_due(ticket, MONDAY + timedelta(hours=23, minutes=59)) == []
    assert await come_due(ticket, MONDAY + timedelta(hours=24)) == [Outcome.FIRED]
    row = await fetchrow("SELECT state, closed_at FROM ticket WHERE id = $1", ticket.id)
    assert (row["state"], row["closed_at"]) == ("closed", MONDAY + timedelta(hours=24))
    [letter] = await letters("closed")
    assert (letter["recipient"], letter["next_at"]) == ("ivan@example.com", MONDAY + timedelta(hours=24))
    assert await verify() == []


async def test_an_unread_answer_holds_the_auto_close_until_somebody_reads_it() -> None:
    ticket = await completed()
    await does(ticket, "reply", MONDAY + HOUR, by=ASKER, text="One more thing …")
    assert await come_due(ticket, MONDAY + timedelta(days=3)) == []
    await does(ticket, "dismiss_reply", MONDAY + 2 * HOUR)
    assert await come_due(ticket, MONDAY + timedelta(hours=25)) == []
    assert await come_due(ticket, MONDAY + timedelta(hours=26)) == [Outcome.FIRED]


async def test_a_timer_the_machine_refuses_is_consumed_once_and_the_journal_says_so() -> None:
    ticket = await completed()
    await execute("UPDATE ticket SET answer_unread = true WHERE id = $1", ticket.id)  # as no verb leaves it
    due = MONDAY + timedelta(hours=24)
    assert await come_due(ticket, due) == [Outcome.CANCELLED]
    assert await come_due(ticket, due) == []
    [note] = await entries(ticket, "wake")
    assert note["data"]["timer"] == "auto_close:due"
    assert "not been read" in note["data"]["refused"]
    assert (await timers(ticket))["auto_close:due"] == "cancelled"
    assert await fetchval("SELECT closed_at FROM ticket WHERE id = $1", ticket.id) is None


# --- questions and dates ----------------------------------------------------------------------------------------------


async def test_a_customer_who_owes_an_answer_is_asked_again() -> None:
    ticket = await does(await a_ticket(), "request_info", MONDAY, text="Which version is it?", minutes=15)
    rows = await fetch("SELECT id, due_at FROM timer WHERE subject = $1 AND kind = 'reminder'", ticket.id)
    if not rows:
        _version, document = await newest()
        pytest.skip(f"the default regulation sends no reminders: {document.reminders}")
    assert await fire(rows[0]["id"], at=rows[0]["due_at"]) is Outcome.FIRED
    [letter] = await letters("reminder")
    assert letter["recipient"] == "ivan@example.com"
    assert "Which version is it?" in letter["text"]
    assert await verify() == []


async def test_a_date_somebody_wanted_to_be_reminded_on_comes_to_the_assignee() -> None:
    await a_colleague("olga@example.org")
    ticket = await a_ticket("P3", assignee="olga@example.org")
    await does(ticket, "snooze", MONDAY, until=(MONDAY + HOUR).isoformat())
    assert await come_due(ticket, MONDAY + HOUR) == [Outcome.FIRED]
    [letter] = await letters("warning")
    assert letter["recipient"] == "olga@example.org"
    assert len(await entries(ticket, "wake")) == 1
    assert await verify() == []
