"""Who is told of what, and by which way: the assignee, who watches, whom the regulation names; never oneself."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from service import notices, tickets, watching, writing
from service.actors import CLOCK, Actor, customer
from service.database import execute, fetch, fetchval
from service.deadlines import fire
from service.notices import ASSIGNED, BELL, CUSTOMER, DEADLINE, MAIL, MINE, WATCHED, Reader, choose_ways, concerned
from service.tickets import carry_out
from service.watching import NobodyWatches
from tests.desk import HOUR, MONDAY, OPERATOR, a_colleague, a_request, a_ticket, does, outbox_rows
from workflow.definition import Role
from workflow.errors import NotFound, WrongFields

IVAN = customer(id="", name="Ivan")


async def person(name: str, role: Role = Role.OPERATOR) -> Actor:
    """A colleague with an account."""
    email = f"{name.lower()}@desk.example.org"
    await a_colleague(email, role.value)
    id = str(await fetchval("UPDATE app_user SET name = $2 WHERE email = $1 RETURNING id", email, name))
    return Actor(kind="staff", id=id, name=name, role=role, user=id, email=email, language="en")


async def told(whom: Actor) -> list[tuple[str, str]]:
    """What stands under somebody's bell, the oldest first: the kind, and the act."""
    rows = await fetch(
        "SELECT n.kind, j.trigger FROM notice n LEFT JOIN journal j ON j.ticket = n.ticket AND j.seq = n.seq "
        'WHERE n."user" = $1 ORDER BY n.id',
        int(whom.user),
    )
    return [(row["kind"], row["trigger"]) for row in rows]


async def taken_by(whom: Actor) -> Any:
    return await does(await a_ticket(), "start", MONDAY, by=whom)


async def test_who_has_the_ticket_is_told_what_others_do(regulation: None) -> None:
    olga, vera = await person("Olga"), await person("Vera")
    ticket = await taken_by(olga)
    await does(ticket, "comment", MONDAY + HOUR, by=olga, text="I look at it.")
    await does(ticket, "comment", MONDAY + HOUR, by=vera, text="Me too.")
    await does(ticket, "reply", MONDAY + HOUR, by=IVAN, text="And?")
    assert await told(olga) == [(MINE, "comment"), (CUSTOMER, "reply")]
    assert await told(vera) == []


async def test_handing_over_is_told_to_both(regulation: None) -> None:
    olga, vera, gleb = await person("Olga"), await person("Vera"), await person("Gleb", Role.SUPERVISOR)
    ticket = await taken_by(olga)
    await does(ticket, "assign", MONDAY + HOUR, by=gleb, assignee=vera.email)
    assert await told(olga) == [(ASSIGNED, "assign")]
    assert await told(vera) == [(ASSIGNED, "assign")]
    await does(ticket, "comment", MONDAY + HOUR, by=gleb, text="Yours now.")
    assert await told(olga) == [(ASSIGNED, "assign")]
    assert await told(vera) == [(ASSIGNED, "assign"), (MINE, "comment")]


async def test_who_watches_is_told_until_they_stop(regulation: None) -> None:
    olga, gleb = await person("Olga"), await person("Gleb", Role.SUPERVISOR)
    ticket = await taken_by(olga)
    await watching.watch(ticket.id, by=gleb, at=MONDAY)
    await watching.watch(ticket.id, by=gleb, at=MONDAY + HOUR)
    assert [one.name for one in await watching.watchers(ticket.id)] == ["Gleb"]
    await does(ticket, "comment", MONDAY + HOUR, by=olga, text="I look at it.")
    await does(ticket, "comment", MONDAY + HOUR, by=gleb, text="Good.")
    await watching.stop_watching(ticket.id, by=gleb, at=MONDAY + HOUR)
    await does(ticket, "reply", MONDAY + HOUR, by=IVAN, text="And?")
    assert await told(gleb) == [(WATCHED, "comment")]
    acts = await fetch("SELECT act FROM config_journal WHERE act LIKE 'ticket.%' ORDER BY id")
    assert [row["act"] for row in acts] == ["ticket.watch", "ticket.unwatch"]


async def test_only_people_watch_and_only_what_is_there(regulation: None) -> None:
    with pytest.raises(NobodyWatches):
        await watching.watch((await a_ticket()).id, by=OPERATOR, at=MONDAY)
    with pytest.raises(NotFound):
        await watching.watch(UUID(int=7), by=await person("Olga"), at=MONDAY)


@pytest.mark.parametrize("gone", ["active = false", "role = 'process_owner'"])
async def test_who_may_not_read_tickets_any_more_is_told_nothing(regulation: None, gone: str) -> None:
    gleb = await person("Gleb", Role.SUPERVISOR)
    ticket = await a_ticket()
    await watching.watch(ticket.id, by=gleb, at=MONDAY)
    await execute(f"UPDATE app_user SET {gone}")
    await does(ticket, "comment", MONDAY + HOUR, text="Something.")
    assert await told(gleb) == []


async def test_what_the_system_notes_for_itself_rings_no_bell(regulation: None) -> None:
    olga, gleb = await person("Olga"), await person("Gleb", Role.SUPERVISOR)
    ticket = await taken_by(olga)
    await watching.watch(ticket.id, by=gleb, at=MONDAY)
    await carry_out(ticket.id, "accept", by=CLOCK, at=MONDAY + HOUR, cause="letter:1", given={"details": {}})
    await does(ticket, "snooze", MONDAY + HOUR, by=olga, until=MONDAY + 5 * HOUR)
    assert await told(gleb) == []
    assert await told(olga) == []


async def test_a_warning_reaches_whom_the_regulation_names_and_those_who_watch_once(regulation: None) -> None:
    olga, gleb, vera = await person("Olga"), await person("Gleb", Role.SUPERVISOR), await person("Vera")
    ticket = await taken_by(olga)  # P2 warns its assignee at half of the time
    for who in (gleb, vera, olga):
        await watching.watch(ticket.id, by=who, at=MONDAY)
    timer = await fetchval(
        "SELECT id FROM timer WHERE subject = $1 AND kind LIKE 'resolution:step%' ORDER BY due_at LIMIT 1", ticket.id
    )
    await fire(timer, at=MONDAY + 5 * HOUR)
    assert await told(olga) == [(DEADLINE, "warn")]
    assert await told(gleb) == [(WATCHED, "warn")]
    assert await told(vera) == [(WATCHED, "warn")]


async def test_an_escalation_by_hand_tells_the_supervisors(regulation: None) -> None:
    olga, gleb = await person("Olga"), await person("Gleb", Role.SUPERVISOR)
    ticket = await taken_by(olga)
    await does(ticket, "escalate", MONDAY + HOUR, by=olga, text="I need help with this one.")
    assert await told(gleb) == [(DEADLINE, "escalate")]
    (letter,) = [row for row in await outbox_rows("type = 'notice'") if gleb.email in row["recipients"]]
    assert b"Escalated" in letter["body"]
    body = await fetchval("SELECT body FROM journal WHERE trigger = 'escalate'")
    assert msgspec.json.decode(body)["data"]["notified"] == [gleb.email]
    await does(ticket, "escalate", MONDAY + HOUR, by=gleb)
    assert await told(gleb) == [(DEADLINE, "escalate")]  # nobody is told what they did themselves


# --- by which way -----------------------------------------------------------------------------------------------------


async def test_each_kind_goes_the_way_its_reader_chose(regulation: None) -> None:
    olga = await person("Olga")
    await choose_ways(int(olga.user), {MINE: [MAIL], CUSTOMER: []}, by=olga, at=MONDAY)
    assert (await notices.ways_of(int(olga.user)))[ASSIGNED] == (BELL,)
    ticket = await taken_by(olga)
    await does(ticket, "comment", MONDAY + HOUR, text="Look at the log first.")
    await does(ticket, "reply", MONDAY + HOUR, by=IVAN, text="And?")
    assert await told(olga) == []
    letters = [row for row in await outbox_rows("type = 'notice'") if olga.email in row["recipients"]]
    assert len(letters) == 1
    text = await fetchval("SELECT text FROM letter WHERE kind = 'notice'")
    assert "Look at the log first." in text
    assert "Note for colleagues, Olga" in text
    assert f"/desk/tickets/{ticket.id}" in text


async def test_a_letter_at_night_waits_for_the_morning_and_the_bell_does_not(regulation: None) -> None:
    olga = await person("Olga")
    await choose_ways(int(olga.user), {MINE: [MAIL, BELL]}, by=olga, at=MONDAY)
    ticket = await taken_by(olga)
    night = MONDAY + 14 * HOUR
    await does(ticket, "comment", night, text="At night.")
    assert await told(olga) == [(MINE, "comment")]
    assert await fetchval("SELECT next_at FROM outbox WHERE type = 'notice'") > night + HOUR


async def test_the_regulation_must_reach_its_reader_somehow(regulation: None) -> None:
    gleb = await person("Gleb", Role.SUPERVISOR)
    with pytest.raises(WrongFields):
        await choose_ways(int(gleb.user), {DEADLINE: []}, by=gleb, at=MONDAY)
    with pytest.raises(WrongFields):
        await choose_ways(int(gleb.user), {"weather": [MAIL]}, by=gleb, at=MONDAY)
    with pytest.raises(WrongFields):
        await choose_ways(int(gleb.user), {MINE: ["pigeon"]}, by=gleb, at=MONDAY)
    await choose_ways(int(gleb.user), {DEADLINE: [BELL]}, by=gleb, at=MONDAY)
    ticket = await a_ticket()
    timer = await fetchval("SELECT id FROM timer WHERE subject = $1 AND kind = 'resolution:due'", ticket.id)
    await fire(timer, at=MONDAY + timedelta(days=10))
    assert await told(gleb) == [(DEADLINE, "breach")]
    assert await outbox_rows("type = 'breach'") == []
    assert await fetchval("SELECT data ->> 'deadline' FROM config_journal WHERE act = 'user.notices'") == '["bell"]'


# --- the bell ---------------------------------------------------------------------------------------------------------


async def test_notices_come_in_pages_and_are_read_up_to_where_one_looked(regulation: None) -> None:
    olga = await person("Olga")
    ticket = await taken_by(olga)
    for n in range(5):
        await does(ticket, "comment", MONDAY + HOUR, text=f"{n}")
    user = int(olga.user)
    page, onward = await notices.notices(user, limit=3)
    assert [one.seq for one in page] == [8, 7, 6]
    rest, end = await notices.notices(user, limit=3, cursor=onward)
    assert ([one.seq for one in rest], end) == ([5, 4], None)
    assert await notices.mark_read(user, at=MONDAY, until=page[1].id) == 4
    assert [one.seq for one in (await notices.notices(user, limit=3, unread=True))[0]] == [8]
    await notices.mark_one(user, page[2].id, read=False, at=MONDAY)
    assert len((await notices.notices(user, limit=3, unread=True))[0]) == 2
    with pytest.raises(NotFound):
        await notices.mark_one(user + 1, page[0].id, read=True, at=MONDAY)


async def test_a_notice_holds_nothing_personal(regulation: None) -> None:
    columns = await fetch("SELECT column_name FROM information_schema.columns WHERE table_name = 'notice'")
    assert {row["column_name"] for row in columns} == {
        "id", "user", "kind", "ticket", "seq", "mail", "at", "read_at",
    }  # fmt: skip


async def test_a_move_tells_in_the_statement_that_makes_it(regulation: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """No audience costs a move a statement more."""
    olga, gleb = await person("Olga"), await person("Gleb", Role.SUPERVISOR)
    asked: list[str] = []
    ticket = await taken_by(olga)
    await watching.watch(ticket.id, by=gleb, at=MONDAY)
    for module, name in ((tickets, "fetchrow"), (writing, "fetchval")):
        kept = getattr(module, name)

        async def counted(sql: str, *values: Any, kept: Any = kept) -> Any:
            asked.append(sql)
            return await kept(sql, *values)

        monkeypatch.setattr(module, name, counted)
    await does(ticket, "comment", MONDAY + HOUR, text="One.")
    assert len(asked) == 2  # the lock, and everything else
    assert await told(gleb) == [(WATCHED, "comment")]


# --- the rule itself --------------------------------------------------------------------------------------------------

OLGA = Reader(1, "olga@x", "en")
GLEB = Reader(2, "gleb@x", "en", watches=True)
VERA = Reader(3, "vera@x", "en")
BY_GLEB = Actor(kind="staff", id="2", name="Gleb", role=Role.SUPERVISOR, user="2")


@pytest.mark.parametrize(
    ("trigger", "by", "before", "after", "told", "expected"),
    [
        ("comment", IVAN, "1", "1", None, [(OLGA, CUSTOMER), (GLEB, WATCHED)]),
        ("comment", BY_GLEB, "1", "1", None, [(OLGA, MINE)]),
        ("assign", BY_GLEB, "1", "3", None, [(OLGA, ASSIGNED), (VERA, ASSIGNED)]),
        ("expire", CLOCK, "1", "1", None, [(OLGA, MINE), (GLEB, WATCHED)]),
        ("warn", CLOCK, "1", "1", [], [(GLEB, WATCHED)]),
        ("warn", CLOCK, "1", "1", [GLEB], []),
        ("escalate", CLOCK, "1", "3", [VERA], [(OLGA, ASSIGNED), (GLEB, WATCHED)]),
        ("wake", CLOCK, "1", "1", None, []),
        ("receive", IVAN, "", "", None, []),
    ],
)
def test_whom_an_act_concerns(
    trigger: str, by: Actor, before: str, after: str, told: list[Reader] | None, expected: list[tuple[Reader, str]]
) -> None:
    found = concerned(trigger, [OLGA, GLEB, VERA], by=by, before=before, after=after, told=told)
    assert list(found) == expected


async def test_a_new_request_tells_nobody(regulation: None) -> None:
    await person("Gleb", Role.SUPERVISOR)
    await a_request()
    assert await fetchval("SELECT count(*) FROM notice") == 0
