"""The links in letters act once, on their own completion only, and never by being looked at."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from service import signed_links
from service.actors import Actor, customer
from service.correspondence import LINKS_LAST
from service.database import fetch, fetchval
from service.house import HOUSE
from service.intake import Request, receive
from service.signed_links import LinkExpired, LinkRevoked, LinkUsed, look, ticket_of_status, use
from service.ticket import Ticket
from service.tickets import carry_out
from tests.service.conftest import START
from workflow.definition import Role
from workflow.errors import NotFound, WrongFields

OPERATOR = Actor(kind="staff", id="7", name="Olga Operator", role=Role.OPERATOR)
LATER = START + timedelta(hours=1)


async def a_completed_ticket() -> Ticket:
    request = Request(channel="email", text="It hangs", subject="Hangs", full_name="Ivan", email="ivan@example.com")
    ticket = await receive(request, by=customer(id="", name="Ivan"), at=START, cause="mail:1")
    moves: list[tuple[str, dict[str, Any]]] = [
        ("register", {"priority": "P2"}),
        ("start", {}),
        ("complete", {"text": "Update", "delivery_method": "email", "minutes": 30, "outcome": "solved"}),
    ]
    for trigger, given in moves:
        ticket = await act(ticket, trigger, **given)
    return ticket


async def act(ticket: Ticket, trigger: str, *, at: datetime = START, **given: object) -> Ticket:
    return await carry_out(ticket.id, trigger, by=OPERATOR, at=at, cause=f"request:{trigger}:{ticket.seq}", given=given)


async def tokens(ticket: Ticket, *, completion: int = -1) -> dict[str, str]:
    """The tokens of the letter about the last completion (or another), by their act."""
    seqs = await fetch("SELECT DISTINCT seq FROM signed_link WHERE ticket = $1 ORDER BY seq", ticket.id)
    rows = await fetch(
        "SELECT id, act FROM signed_link WHERE ticket = $1 AND seq = $2", ticket.id, seqs[completion]["seq"]
    )
    return {row["act"]: HOUSE.sign(row["act"], row["id"]) for row in rows}


@pytest.fixture
async def completed(regulation: None) -> Ticket:
    return await a_completed_ticket()


async def test_the_letter_carries_the_links_that_are_stored(completed: Ticket) -> None:
    text = await fetchval("SELECT text FROM letter WHERE ticket = $1 AND kind = 'completed'", completed.id)
    for act_, token in (await tokens(completed)).items():
        assert f"/{act_}/{token}" in text


async def test_looking_changes_nothing(completed: Ticket) -> None:
    for act_, token in (await tokens(completed)).items():
        found = await look(act_, token, at=LATER)
        assert found.ticket.seq == completed.seq
    assert await fetchval("SELECT count(*) FROM signed_link WHERE used_at IS NOT NULL") == 0
    assert await fetchval("SELECT seq FROM ticket WHERE id = $1", completed.id) == completed.seq


async def test_confirming_closes_in_the_customers_name(completed: Ticket) -> None:
    token = (await tokens(completed))["confirm"]
    after = await use("confirm", token, at=LATER)
    assert not after.open
    entry = (await fetch("SELECT * FROM journal WHERE ticket = $1 ORDER BY seq DESC LIMIT 1", completed.id))[0]
    assert (entry["trigger"], entry["actor_kind"], entry["actor_name"]) == ("confirm", "customer", "Ivan")
    assert entry["cause"].startswith("link:")


async def test_both_links_end_when_one_is_used(completed: Ticket) -> None:
    both = await tokens(completed)
    await use("dispute", both["dispute"], at=LATER, given={"text": "It still hangs"})
    for act_, token in both.items():
        with pytest.raises(LinkUsed):
            await look(act_, token, at=LATER)
        with pytest.raises(LinkUsed):
            await use(act_, token, at=LATER, given={"text": "Again"})


async def test_a_dispute_without_its_argument_is_refused_and_the_link_lives_on(completed: Ticket) -> None:
    token = (await tokens(completed))["dispute"]
    with pytest.raises(WrongFields) as refused:
        await use("dispute", token, at=LATER, given={"text": "  "})
    assert [error.field for error in refused.value.errors] == ["text"]
    after = await use("dispute", token, at=LATER, given={"text": "It still hangs"})
    assert after.open


async def test_a_comment_among_colleagues_revokes_nothing(completed: Ticket) -> None:
    await act(completed, "comment", text="I shall phone him")
    assert (await look("confirm", (await tokens(completed))["confirm"], at=LATER)).act == "confirm"


async def test_a_ticket_that_moved_on_revokes_the_links_of_the_old_completion(completed: Ticket) -> None:
    old = await tokens(completed)
    ticket = await act(completed, "dispute", text="By phone: it still hangs")
    for act_, token in old.items():
        with pytest.raises(LinkRevoked):
            await use(act_, token, at=LATER, given={"text": "Again"})
    again = {"text": "Now", "delivery_method": "email", "minutes": 30, "outcome": "solved"}
    ticket = await act(ticket, "complete", **again)
    with pytest.raises(LinkRevoked):
        await use("confirm", old["confirm"], at=LATER)
    assert not (await use("confirm", (await tokens(ticket))["confirm"], at=LATER)).open


async def test_links_expire(completed: Ticket) -> None:
    token = (await tokens(completed))["confirm"]
    with pytest.raises(LinkExpired):
        await use("confirm", token, at=START + LINKS_LAST)


@pytest.mark.parametrize("purpose", ["confirm", "dispute"])
async def test_a_token_serves_its_own_purpose_only(completed: Ticket, purpose: str) -> None:
    both = await tokens(completed)
    other = both["dispute" if purpose == "confirm" else "confirm"]
    tampered = ("A" if both[purpose][0] != "A" else "B") + both[purpose][1:]
    for token in (other, tampered, "", "ж", HOUSE.sign("status", completed.id)):
        with pytest.raises(NotFound):
            await use(purpose, token, at=LATER)


async def test_a_failing_move_leaves_the_link_unused(completed: Ticket, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_args: object, **_given: object) -> None:
        raise ZeroDivisionError

    token = (await tokens(completed))["confirm"]
    with monkeypatch.context() as patch:
        patch.setattr("service.change.Change.write", fails)
        with pytest.raises(ZeroDivisionError):
            await use("confirm", token, at=LATER)
    assert not (await use("confirm", token, at=LATER)).open


async def test_the_status_link_shows_its_ticket_until_some_time_after_closing(completed: Ticket) -> None:
    token = HOUSE.sign("status", completed.id)
    assert (await ticket_of_status(token, at=LATER + timedelta(days=900))).number == completed.number
    await use("confirm", (await tokens(completed))["confirm"], at=LATER)
    assert (await ticket_of_status(token, at=LATER + timedelta(days=1))).closed_at == LATER
    with pytest.raises(LinkExpired):
        await ticket_of_status(token, at=LATER + signed_links.STATUS_LASTS)
