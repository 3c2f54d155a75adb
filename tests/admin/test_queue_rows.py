"""A row of the queue is drawn once a minute for all who read alike, and never with the tone of another moment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from admin.desk import listing, rows
from admin.pages import Reading
from service import clock
from service.database import execute, fetchval
from service.erasure import erase
from service.intake import Request, receive
from service.tickets import carry_out
from tests.desk import ASKER, OPERATOR
from workflow.definition import Role

AT = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)  # Monday, 10:00 in Moscow
pytestmark = pytest.mark.usefixtures("operator")  # the regulation in force, and somebody who reads
SECOND = timedelta(seconds=1)


async def _the_row() -> tuple[listing.Row, ...]:
    return (await listing.tickets(listing.Asked(), at=clock.now())).rows


async def _registered(at: datetime) -> Any:
    request = Request(channel="phone", text="It beeps.", subject="It beeps")
    ticket = await receive(request, by=ASKER, at=at, cause="a")
    return await carry_out(ticket.id, "register", by=OPERATOR, at=at, cause="b", given={"priority": "P2"})


async def test_a_row_is_drawn_once_a_minute() -> None:
    ticket = await _registered(AT)
    minute, row = rows.Minute(), await _the_row()
    reader = Reading(at=AT, path="/desk", language="en", role=Role.OPERATOR)
    first = await minute.drawn(row, reader)
    await execute("UPDATE ticket SET answer_unread = true WHERE id = $1", ticket.id)  # by no act: nobody would know
    again = await _the_row()
    assert await minute.drawn(again, replace(reader, at=AT + 59 * SECOND)) == first
    assert "unread" in await minute.drawn(again, replace(reader, at=AT + 60 * SECOND))
    assert "unread" in await minute.drawn(again, replace(reader, at=AT, language="ru"))


async def test_an_act_draws_the_row_anew() -> None:
    ticket = await _registered(AT)
    minute, reader = rows.Minute(), Reading(at=AT, path="/desk", language="en", role=Role.OPERATOR)
    assert "In progress" not in await minute.drawn(await _the_row(), reader)
    await carry_out(ticket.id, "start", by=OPERATOR, at=AT, cause="c", given={})
    assert "In progress" in await minute.drawn(await _the_row(), reader)


async def test_what_is_erased_of_a_person_is_gone_from_the_row_at_once() -> None:
    request = Request(channel="email", text="It beeps.", subject="Ann's printer", email="ann@x.example")
    ticket = await receive(request, by=ASKER, at=AT, cause="a")
    await carry_out(ticket.id, "withdraw", by=OPERATOR, at=AT, cause="b", given={"text": "A mistake."})
    contact = await fetchval(
        "INSERT INTO contact (full_name, position, phone, language, created_at) VALUES ('Ann', '', '', 'en', $1) "
        "RETURNING id",
        AT,
    )
    await execute("UPDATE ticket SET contact = $1, full_name = 'Ann' WHERE id = $2", contact, ticket.id)

    async def drawn() -> str:
        return await minute.drawn((await listing.tickets(listing.Asked(closed=True), at=AT)).rows, reader)

    minute, reader = rows.Minute(), Reading(at=AT, path="/desk", language="en", role=Role.OPERATOR)
    assert "Ann" in await drawn()
    await erase(contact, by=OPERATOR, at=AT)
    assert "Ann" not in await drawn()


async def test_a_clock_that_runs_out_within_the_minute_is_late_at_once() -> None:
    ticket = await _registered(AT + 30 * SECOND)
    assert ticket.due_at is not None
    assert ticket.due_at.second == 30
    minute, row = rows.Minute(), await _the_row()
    told = [
        "time-late" in await minute.drawn(row, Reading(at=ticket.due_at + second * SECOND, path="/desk"))
        for second in (-1, 0, 1)
    ]
    assert told == [False, False, True]
