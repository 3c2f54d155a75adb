"""The board: load, the deadlines of the day on a line, what was raised and who was told, unregistered mail by age."""

from datetime import timedelta

from service import clock
from service.accounts import add_user
from service.database import execute, fetchval
from service.deadlines import fire
from service.tickets import carry_out
from service.tokens import add_token, bearer
from tests.admin.conftest import Signs, words
from tests.admin.test_desk import a_request, a_ticket, in_work, makes
from workflow.definition import Role


async def test_the_board_is_the_supervisors(signs_in: Signs) -> None:
    assert (await (await signs_in(Role.OPERATOR)).get("/board")).status_code == 403


async def test_an_empty_board_says_that_all_is_well(signs_in: Signs) -> None:
    gleb = await signs_in(Role.SUPERVISOR, name="Gleb")
    page = words(await gleb.get("/board"))
    assert "Everything is registered." in page
    assert "Nothing was raised" in page


async def test_the_board_shows_load_deadlines_alarms_and_age(signs_in: Signs) -> None:
    gleb = await signs_in(Role.SUPERVISOR, name="Gleb")
    await signs_in(Role.OPERATOR, name="Olga")
    mine, late = await in_work("mine"), await a_ticket("late one")
    fresh = await a_request("fresh")
    now = clock.now()
    olga = await fetchval("SELECT id FROM app_user WHERE name = 'Olga'")
    await execute("UPDATE ticket SET assignee = $1, due_at = $2, late_from = $2 WHERE id = $3", olga, now, mine.id)
    await execute("UPDATE ticket SET received_at = $1 WHERE id = $2", now - timedelta(hours=5), fresh.id)
    timer = await fetchval("SELECT id FROM timer WHERE subject = $1 AND kind = 'resolution:due'", late.id)
    await fire(timer, at=now)
    page = await gleb.get("/board")
    text = words(page)
    assert "Olga 1 1" in text
    assert f"/desk/tickets/{mine.id}" in page.text.partition('class="time-line"')[2].partition("</svg>")[0]
    assert "Deadline breached" in text
    assert "late one Gleb Registered nobody" in text  # who was told, and how the ticket stands now
    assert "1 Letters that did not arrive" not in text
    await execute("UPDATE letter SET bounced = 'no such mailbox' WHERE ticket = $1 AND kind = 'registered'", late.id)
    await execute("UPDATE outbox SET status = 'delivered' WHERE channel = 'letter'")
    assert "1 Letters that did not arrive" in words(await gleb.get("/board"))
    assert "E-mail 0 0 1 0" in text


async def test_minutes_are_told_of_whoever_booked_them_whatever_their_name(signs_in: Signs) -> None:
    gleb, olga = await signs_in(Role.SUPERVISOR, name="Gleb"), await signs_in(Role.OPERATOR, name="Olga")
    ticket = await in_work()
    await makes(olga, ticket, "answer", text="Try again.", delivery_method="email", minutes="45")
    await add_user("other.olga@example.org", name="Olga", role=Role.OPERATOR, language="en", at=clock.now())
    assert words(await gleb.get("/board")).count("Olga 0 0 0 45") == 1  # and not of her namesake
    await execute("UPDATE app_user SET name = 'Olga Married' WHERE email = 'olga@example.org'")
    assert "Olga Married 0 0 0 45" in words(await gleb.get("/board"))
    person = await fetchval("SELECT id FROM app_user WHERE email = 'olga@example.org'")
    script = await bearer(await add_token("script", role=Role.OPERATOR, user=person, at=clock.now()), at=clock.now())
    assert script
    given = {"text": "Try again.", "delivery_method": "phone", "minutes": 30}
    await carry_out(ticket.id, "answer", by=script.actor, at=clock.now(), cause="request:script", given=given)
    assert "Olga Married 0 0 0 75" in words(await gleb.get("/board"))  # her own token books for her
