"""Letters that did not arrive, on their page and on their ticket."""

from typing import Any

import pytest

from service import clock
from service.database import execute, fetch, fetchrow, fetchval
from tests.admin.conftest import Browser, Signs, words
from tests.desk import a_ticket
from workflow.definition import Role


async def a_letter(status: str, *, why: str = "550 no such user") -> Any:
    """The registration letter of a ticket, which stands so; its acceptance letter arrived."""
    ticket = await a_ticket(at=clock.now())
    await execute("UPDATE outbox SET status = 'delivered' WHERE ticket = $1 AND channel = 'letter'", ticket.id)
    await execute(
        "UPDATE outbox SET status = $2, last_error = $3, attempt = 4 WHERE ticket = $1 AND type = 'registered'",
        ticket.id, status, why,
    )  # fmt: skip
    return await fetchrow("SELECT * FROM outbox WHERE ticket = $1 AND type = 'registered'", ticket.id)


async def test_when_all_arrived_the_page_says_what_would_stand_here(operator: Browser) -> None:
    page = await operator.get("/letters")
    assert page.status_code == 200
    assert "All letters arrived" in words(page)


async def test_each_trouble_stands_with_its_reason_and_its_ticket(operator: Browser) -> None:
    row = await a_letter("dead")
    await a_letter("parked", why="brake: letters to this sender in a day")
    await a_letter("pending", why="451 try later")
    said = words(await operator.get("/letters"))
    assert "550 no such user" in said
    assert "held back until a person lets it go" in said
    assert "next try" in said
    assert f"/desk/tickets/{row['ticket']}" in (await operator.get("/letters")).text
    only = words(await operator.get("/letters?status=parked"))
    assert "brake: letters to this sender in a day" in only
    assert "550 no such user" not in only


@pytest.mark.parametrize(
    ("status", "button", "act"),
    [("dead", "Send again", "letter.resend"), ("parked", "Let it go", "letter.release"),
     ("pending", "Try now", "letter.resend")],
)  # fmt: skip
async def test_one_click_sends_it_again_as_it_was(operator: Browser, status: str, button: str, act: str) -> None:
    before = await a_letter(status)
    assert button in words(await operator.get("/letters"))
    answer = await operator.send(f"/letters/{before['event_id']}/resend", on="/letters")
    assert (answer.status_code, answer.headers["location"]) == (303, "/letters")
    after = await fetchrow("SELECT * FROM outbox WHERE id = $1", before["id"])
    assert (after["status"], bytes(after["body"])) == ("pending", bytes(before["body"]))
    assert after["next_at"] >= before["next_at"]
    rows = await fetch("SELECT act, actor_name FROM config_journal WHERE act LIKE 'letter.%'")
    assert [(row["act"], row["actor_name"]) for row in rows] == [(act, "Olga")]
    assert "goes out again, under its own Message-ID" in words(await operator.get("/letters"))


async def test_the_ticket_has_the_button_and_leads_back_to_itself(operator: Browser) -> None:
    row = await a_letter("dead")
    ticket = f"/desk/tickets/{row['ticket']}"
    answer = await operator.send(f"/letters/{row['event_id']}/resend", on=ticket)
    assert answer.headers["location"] == ticket
    assert await fetchval("SELECT status FROM outbox WHERE id = $1", row["id"]) == "pending"
    assert f"/letters/{row['event_id']}/resend" not in (await operator.get(ticket)).text


async def test_one_that_is_being_sent_is_left_alone_and_the_page_says_so(operator: Browser) -> None:
    row = await a_letter("dead")
    page = await operator.get("/letters")
    assert page.status_code == 200
    await execute("UPDATE outbox SET status = 'sending' WHERE id = $1", row["id"])
    await operator.send(f"/letters/{row['event_id']}/resend", on="/letters")
    assert "being sent right now" in words(await operator.get("/letters"))
    assert await fetchval("SELECT status FROM outbox WHERE id = $1", row["id"]) == "sending"


async def test_nobody_is_led_to_another_site(operator: Browser) -> None:
    row = await a_letter("dead")
    answer = await operator.send(f"/letters/{row['event_id']}/resend", on="/letters", back="//elsewhere.example.net")
    assert answer.headers["location"] == "/"


async def test_owners_of_the_process_and_strangers_do_not_see_them(signs_in: Signs, stranger: Browser) -> None:
    owner = await signs_in(Role.PROCESS_OWNER, name="Petra")
    assert (await owner.get("/letters")).status_code == 403
    assert (await stranger.get("/letters")).status_code == 303
