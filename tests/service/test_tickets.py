"""The verbs: all of it or none of it, once, and never over somebody else's work."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from service.actors import CLOCK, Actor, customer
from service.database import execute, fetch, fetchval
from service.idempotency import Key, KeyReused, Repeated
from service.intake import Request, receive
from service.queries import ticket_named
from service.ticket import Ticket
from service.tickets import carry_out
from service.verify import verify
from tests.service.conftest import START
from workflow.definition import Role
from workflow.errors import NotFound, Stale, WrongFields, WrongState

pytestmark = pytest.mark.usefixtures("regulation")
HOUR = timedelta(hours=1)


@pytest.fixture
async def anna(regulation: None) -> Actor:
    id = await fetchval(
        "INSERT INTO app_user (email, name, role, password_hash) VALUES ('anna@example.org', 'Анна', 'operator', 'x') "
        "RETURNING id"
    )
    return Actor("staff", str(id), "Анна", Role.OPERATOR, user=str(id), email="anna@example.org")


async def a_ticket(*, cause: str = "mail:1", at: datetime = START, **told: str) -> Ticket:
    request = Request(**{"channel": "email", "text": "Не печатает", "email": "a@example.com"} | told)
    return await receive(request, by=customer(id="", name="a@example.com"), at=at, cause=cause)


async def moved(ticket: Ticket, trigger: str, by: Actor, /, *, at: datetime = START + HOUR, **given: Any) -> Ticket:
    return await carry_out(ticket.id, trigger, by=by, at=at, cause=f"request:{trigger}:{at}", given=given)


async def counts() -> tuple[int, ...]:
    tables = ("ticket", "journal", "message", "timer", "event", "outbox", "letter")
    return tuple([await fetchval(f"SELECT count(*) FROM {table}") for table in tables])


async def test_a_request_arms_the_registration_timer_and_writes_to_its_sender() -> None:
    ticket = await a_ticket()
    timers = {row["kind"]: row["due_at"] for row in await fetch("SELECT kind, due_at FROM timer")}
    assert timers["registration:due"] == START + 3 * HOUR
    assert await fetchval("SELECT recipient FROM letter WHERE kind = 'accepted'") == "a@example.com"
    assert ticket.registration_due_at == START + 3 * HOUR


async def test_one_cause_makes_one_ticket() -> None:
    first = await a_ticket(cause="mail:7")
    second = await a_ticket(cause="mail:7", at=START + HOUR)
    assert first.id == second.id
    assert await fetchval("SELECT count(*) FROM ticket") == 1
    assert await fetchval("SELECT count(*) FROM letter") == 1


async def test_one_cause_acts_once(anna: Actor) -> None:
    ticket = await a_ticket()
    for _ in range(2):
        after = await carry_out(
            ticket.id, "comment", by=anna, at=START + HOUR, cause="request:same", given={"text": "Смотрю"}
        )
    assert after.seq == 2
    assert await fetchval("SELECT count(*) FROM message WHERE direction = 'internal'") == 1


async def test_a_refused_move_writes_nothing(anna: Actor) -> None:
    ticket = await a_ticket()
    before = await counts()
    with pytest.raises(WrongState) as refused:
        await moved(ticket, "confirm", anna)
    assert "register" in refused.value.possible
    with pytest.raises(WrongFields):
        await moved(ticket, "register", anna, priority="P9", assignee="nobody@example.org")
    assert await counts() == before


async def test_every_wrong_field_and_unknown_name_is_told_at_once(anna: Actor) -> None:
    ticket = await a_ticket()
    with pytest.raises(WrongFields) as refused:
        await moved(ticket, "register", anna, priority="P9", assignee="nobody@example.org")
    assert {error.field for error in refused.value.errors} == {"priority", "assignee"}


async def test_the_answer_of_a_move_is_what_a_later_read_shows(anna: Actor) -> None:
    ticket = await moved(await a_ticket(), "register", anna, priority="P2")
    started = await moved(ticket, "start", anna, at=START + 2 * HOUR)
    assert started.assignee_email == "anna@example.org"
    read = await ticket_named(str(ticket.id))
    assert msgspec.structs.asdict(read) == msgspec.structs.asdict(started)


async def test_a_token_without_a_person_leaves_the_work_with_nobody(anna: Actor) -> None:
    program = Actor("token", "1", "bot", Role.OPERATOR)
    ticket = await moved(await a_ticket(), "register", program, priority="P2")
    started = await moved(ticket, "start", program, at=START + 2 * HOUR)
    assert started.assignee is None


async def test_a_key_gives_the_same_bytes_again_and_refuses_another_request(anna: Actor) -> None:
    ticket = await a_ticket()
    key = Key(anna.principal, "k-1", b"hash of the request")
    given = {"priority": "P2"}
    await carry_out(ticket.id, "register", by=anna, at=START + HOUR, cause="request:k-1", given=given, key=key)
    with pytest.raises(Repeated) as repeated:
        await carry_out(ticket.id, "register", by=anna, at=START + 2 * HOUR, cause="request:k-1", given=given, key=key)
    assert msgspec.json.decode(repeated.value.response)["state"] == "registered"
    other = Key(anna.principal, "k-1", b"another hash")
    with pytest.raises(KeyReused):
        await carry_out(ticket.id, "start", by=anna, at=START + 2 * HOUR, cause="request:k-2", key=other)


async def test_who_comes_second_is_told_who_came_first(anna: Actor) -> None:
    ticket = await moved(await a_ticket(), "register", anna, priority="P2")
    await moved(ticket, "start", anna, at=START + 2 * HOUR)
    with pytest.raises(Stale) as stale:
        await carry_out(
            ticket.id, "comment", by=anna, at=START + 3 * HOUR, cause="request:x", given={"text": "…"},
            seen_seq=ticket.seq,
        )  # fmt: skip
    assert stale.value.params["who"] == "Анна"
    assert stale.value.params["move"] == "Take into work"


async def test_a_note_of_the_clock_disturbs_no_person_but_fails_an_exact_match(anna: Actor) -> None:
    ticket = await moved(await a_ticket(), "register", anna, priority="P2")
    await carry_out(ticket.id, "accept", by=CLOCK, at=START + HOUR, cause="letter:1", given={"details": {}})
    with pytest.raises(Stale):
        await carry_out(ticket.id, "start", by=anna, at=START + 2 * HOUR, cause="request:1", expected_seq=ticket.seq)
    started = await carry_out(ticket.id, "start", by=anna, at=START + 2 * HOUR, cause="request:2", seen_seq=ticket.seq)
    assert started.state == "in_progress"


async def test_of_two_at_once_one_wins(anna: Actor) -> None:
    ticket = await a_ticket()
    results = await asyncio.gather(
        moved(ticket, "register", anna, priority="P1"),
        moved(ticket, "reject", anna, reason="out_of_scope"),
        return_exceptions=True,
    )
    assert sum(isinstance(one, WrongState) for one in results) == 1
    assert await fetchval("SELECT max(seq) FROM journal") == 2


@pytest.mark.parametrize("details", [{"priority": "P1", "number": "FAKE-1"}, {}])
async def test_nobody_but_the_system_fills_in_what_is_the_systems(anna: Actor, details: dict[str, str]) -> None:
    ticket = await moved(await a_ticket(), "register", anna, priority="P4")
    with pytest.raises(WrongFields):
        await moved(ticket, "escalate", anna, at=START + 2 * HOUR, details=details)


async def test_a_ticket_points_at_no_ticket_that_is_itself(anna: Actor) -> None:
    ticket = await a_ticket()
    with pytest.raises(WrongFields):
        await moved(ticket, "link", anna, ticket=str(ticket.id), relation="related")


async def test_linking_leaves_a_link_and_an_entry(anna: Actor) -> None:
    ticket, other = await a_ticket(cause="mail:1"), await a_ticket(cause="mail:2")
    await moved(ticket, "link", anna, ticket=str(other.id), relation="related")
    link = (await fetch("SELECT ticket, other, relation FROM ticket_link"))[0]
    assert (link["ticket"], link["other"], link["relation"]) == (ticket.id, other.id, "related")


async def test_a_split_makes_a_linked_ticket_of_the_message_with_its_own_clock(anna: Actor) -> None:
    ticket = await moved(await a_ticket(), "register", anna, priority="P3")
    asked = customer(id="", name="a@example.com")
    await moved(ticket, "reply", asked, at=START + 2 * HOUR, text="И ещё: как сменить пароль?")
    message: UUID = await fetchval("SELECT id FROM message WHERE text LIKE 'И ещё%'")
    await moved(ticket, "split", anna, at=START + 3 * HOUR, message=str(message), subject="Смена пароля")
    born = (await fetch("SELECT t.id, t.subject, t.text, t.state, t.received_at, l.other FROM ticket t "
                        "JOIN ticket_link l ON l.ticket = t.id"))[0]  # fmt: skip
    assert (born["subject"], born["text"], born["state"]) == ("Смена пароля", "И ещё: как сменить пароль?", "new")
    assert born["received_at"] == START + 2 * HOUR
    assert born["other"] == ticket.id
    assert await fetchval("SELECT count(*) FROM timer WHERE subject = $1 AND status = 'armed'", born["id"]) == 2
    assert [str(one) for one in await verify()] == []


async def test_a_split_of_somebody_elses_message_is_refused(anna: Actor) -> None:
    ticket, other = await a_ticket(cause="mail:1"), await a_ticket(cause="mail:2")
    message: UUID = await fetchval("SELECT id FROM message WHERE ticket = $1", other.id)
    with pytest.raises(WrongFields):
        await moved(ticket, "split", anna, message=str(message), subject="Чужое")
    assert await fetchval("SELECT count(*) FROM ticket") == 2


async def test_an_unknown_ticket_is_not_found(anna: Actor) -> None:
    with pytest.raises(NotFound):
        await carry_out(UUID(int=1), "comment", by=anna, at=START, cause="request:1", given={"text": "…"})


async def test_the_journal_refuses_to_be_changed() -> None:
    await a_ticket()
    for statement in ("UPDATE journal SET actor_name = 'x'", "DELETE FROM journal"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await execute(statement)


async def test_an_entry_never_lies_before_the_one_before_it(anna: Actor) -> None:
    ticket = await moved(await a_ticket(), "register", anna, priority="P2")
    await moved(ticket, "comment", anna, at=START - HOUR, text="Часы ушли назад")
    instants = [row["at"] for row in await fetch("SELECT at FROM journal ORDER BY seq")]
    assert instants == sorted(instants)


async def test_a_webhook_row_is_written_for_each_subscription_that_asks_for_it(anna: Actor) -> None:
    for types, filters in (('["*"]', "{}"), ('["ticket.registered"]', "{}"), ('["*"]', '{"priority": ["P1"]}')):
        await execute(
            "INSERT INTO webhook (id, url, event_types, filters, secret, created_by) "
            "VALUES (gen_random_uuid(), 'https://example.org/', $1, $2, '', 'x')", types, filters,
        )  # fmt: skip
    await moved(await a_ticket(), "register", anna, priority="P2")
    rows = await fetch("SELECT type, count(*) AS n FROM outbox WHERE channel = 'webhook' GROUP BY type")
    assert {row["type"]: row["n"] for row in rows} == {
        "ticket.received": 1, "ticket.state.changed": 1, "ticket.registered": 2,
    }  # fmt: skip
