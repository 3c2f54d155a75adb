"""How long tickets stay in each state: over the stays that ended lately, from one move to the next."""

from datetime import timedelta

import pytest

from service import stays
from service.stays import Standing, Stay, standing, tickets_in
from tests.desk import HOUR, MONDAY, a_request, a_ticket, does

DAY = 24 * HOUR


async def test_an_average_is_over_the_stays_that_ended(regulation: None) -> None:
    for hours in (1, 3):
        await does(await a_request(at=MONDAY), "register", MONDAY + hours * HOUR, priority="P2")
    assert await stays.stays(at=MONDAY + DAY) == {"new": Stay(2 * HOUR, 2)}


async def test_acts_that_keep_the_state_end_no_stay(regulation: None) -> None:
    ticket = await a_ticket(at=MONDAY)
    await does(ticket, "comment", MONDAY + HOUR, text="Looking")
    await does(ticket, "start", MONDAY + 5 * HOUR)
    assert (await stays.stays(at=MONDAY + DAY))["registered"] == Stay(5 * HOUR, 1)


async def test_what_ended_long_ago_does_not_count_and_of_many_the_newest_do(
    regulation: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        await does(await a_request(at=MONDAY + n * DAY), "register", MONDAY + n * DAY + (n + 1) * HOUR, priority="P2")
    assert (await stays.stays(at=MONDAY + stays.WITHIN + DAY + 3 * HOUR))["new"] == Stay(3 * HOUR, 1)
    monkeypatch.setattr(stays, "MOST_STAYS", 2)
    assert (await stays.stays(at=MONDAY + 3 * DAY))["new"] == Stay(2.5 * HOUR, 2)


async def test_open_states_are_counted_with_the_first_that_stands_there(regulation: None) -> None:
    first = await a_ticket(at=MONDAY)
    await a_ticket(at=MONDAY + HOUR)
    gone = await a_ticket(at=MONDAY)
    await does(gone, "withdraw", MONDAY + HOUR, text="Never mind")
    now = await standing()
    assert now["registered"] == Standing(2, MONDAY)
    assert now["completed"] == Standing(0, None)
    assert "closed" not in now
    tickets, count = await tickets_in("registered")
    assert (count, tickets[0].id, tickets[0].state_since) == (2, first.id, MONDAY)


async def test_a_list_says_how_many_there_are_beyond_it(regulation: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        await a_request(at=MONDAY + timedelta(minutes=n))
    monkeypatch.setattr(stays, "MOST_LISTED", 2)
    tickets, count = await tickets_in("new")
    assert (len(tickets), count) == (2, 3)
