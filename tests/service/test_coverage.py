"""The live figures of the clauses: each counts what it says, and the same tickets stand behind it."""

from datetime import datetime, timedelta

import pytest

from service import audits
from service.coverage import FIGURES, behind, figures, working_days
from service.ticket import Ticket
from tests.desk import HOUR, MONDAY, a_request, a_ticket, does
from workflow.errors import NotFound

SUNDAY = MONDAY - timedelta(days=1)
LATER = MONDAY + timedelta(days=2)


async def count(clause: str, at: datetime = LATER) -> int:
    return (await figures(at=at))[clause].count


async def test_every_figure_counts_nothing_on_an_empty_desk(regulation: None) -> None:
    assert {clause: one.count for clause, one in (await figures(at=LATER)).items()} == dict.fromkeys(FIGURES, 0)


async def test_the_tickets_behind_a_figure_are_as_many_as_it_says(regulation: None) -> None:
    ticket = await does(await a_ticket(), "start", MONDAY)
    await does(ticket, "request_info", MONDAY, text="Which?", minutes=30)
    await does(ticket, "resume", MONDAY + HOUR, text="That one")
    await does(await a_request(), "reject", MONDAY, reason="not_official_channel")
    await does(await a_request(), "reject", MONDAY, reason="spam")
    told = await figures(at=LATER)
    for clause, one in told.items():
        assert len((await behind(clause, at=LATER))[1]) == one.count, clause
    assert {clause: told[clause].count for clause in ("4.1", "4.5", "4.6", "5.2", "6.2", "7.2", "7.5")} == {
        "4.1": 3, "4.5": 3, "4.6": 1, "5.2": 1, "6.2": 1, "7.2": 1, "7.5": 1,
    }  # fmt: skip
    assert told["3.1"].count == 1  # spam is not answered


@pytest.mark.parametrize(
    ("received", "closed"),
    [(SUNDAY, True), (MONDAY, False), (MONDAY.replace(hour=5, minute=59), True), (MONDAY.replace(hour=6), False),
     (MONDAY.replace(hour=14, minute=59), False), (MONDAY.replace(hour=15), True)],
)  # fmt: skip
async def test_a_request_outside_opening_hours_is_told_by_the_calendar(
    regulation: None, received: datetime, closed: bool
) -> None:
    ticket: Ticket = await a_request(at=received)
    _words, found = await behind("5.1", at=LATER)
    assert ([one.id for one in found] == [ticket.id]) is closed
    assert await count("5.1") == int(closed)


async def test_only_this_month_counts(regulation: None) -> None:
    await a_request(at=MONDAY - timedelta(days=40))
    assert await count("4.1") == 0


async def test_working_days_are_those_of_the_production_calendar(regulation: None) -> None:
    assert await working_days(at=datetime.fromisoformat("2025-05-20T12:00+03:00")) == 18
    assert await working_days(at=datetime.fromisoformat("2999-05-20T12:00+03:00")) == 0  # nobody knows that year


async def test_a_figure_that_does_not_exist_is_not_found(regulation: None) -> None:
    with pytest.raises(NotFound):
        await behind("9.9", at=LATER)


async def test_the_last_audit_is_told_by_when_it_ran_and_what_it_found(regulation: None) -> None:
    assert await audits.last_audit(audits.REPLAYED) is None
    await a_ticket()
    await audits.run(at=LATER)
    assert await audits.last_audit(audits.REPLAYED) == audits.LastAudit(LATER, 0)
