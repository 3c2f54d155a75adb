"""How often a page asks the database: pinned, so that one that begins to ask more is noticed here, not on the desk."""

import pytest

from admin.desk.rows import DRAWN
from service.database import fetchval
from tests.admin.conftest import Browser
from tests.admin.test_desk import a_request, a_ticket, does, in_work
from tests.statements import listening

# Beginning and end of a transaction are not among them.
ASKED = {
    "/desk": 3,
    "/desk?closed=1": 3,
    "/desk?q=word": 5,
    "/desk/tickets/{ticket}": 6,
    "/desk/held": 3,
    "/desk/phone": 2,
}


async def asked(browser: Browser, path: str) -> list[str]:
    """The statements of one page, after another look has warmed the process up."""
    await browser.get(path)
    with listening() as heard:
        answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return [" ".join(sql.split())[:150] for sql, _values in heard]


async def a_desk(tickets: int) -> str:
    """So many tickets of several kinds; the id of one that was talked about."""
    for number in range(tickets):
        await a_request(f"new {number}")
        await a_ticket(f"registered {number}")
    ticket = await in_work("talked about")
    for number in range(tickets):
        await does(ticket, "answer", text=f"Look {number}.", minutes=30, delivery_method="email")
    return str(await fetchval("SELECT id FROM ticket WHERE subject = 'talked about'"))


@pytest.mark.parametrize("path", ASKED)
async def test_a_page_asks_as_often_as_is_written_down_here(operator: Browser, path: str) -> None:
    heard = await asked(operator, path.format(ticket=await a_desk(2)))
    assert len(heard) == ASKED[path], "\n".join(heard)


async def test_rows_that_were_not_drawn_yet_are_read_by_one_statement_more(operator: Browser) -> None:
    await a_desk(3)
    await operator.get("/desk")
    DRAWN.forget()
    with listening() as heard:
        await operator.get("/desk")
    assert len(heard) == ASKED["/desk"] + 1


@pytest.mark.parametrize("path", ["/desk", "/desk/tickets/{ticket}"])
async def test_a_page_does_not_ask_more_often_when_it_shows_more(operator: Browser, path: str) -> None:
    few = await asked(operator, path.format(ticket=await a_desk(1)))
    many = await asked(operator, path.format(ticket=await a_desk(7)))
    assert few == many
