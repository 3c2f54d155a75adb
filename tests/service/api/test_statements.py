"""How often a request of a program asks the database: pinned, so that one that begins to ask more is noticed here."""

from typing import Any

import httpx
import pytest

from tests.statements import listening

REQUEST = {"channel": "phone", "text": "The gate does not open.", "email": "anna@romashka.example.org"}
TICKET = "/api/v1/tickets/{ticket}"

# Beginning and end of a transaction are not among them, the look at the token is.
READ = {
    TICKET: 2,
    TICKET + "/journal": 3,
    TICKET + "/messages": 3,
    TICKET + "/attachments": 3,
    TICKET + "/moves": 3,
    "/api/v1/tickets": 2,
    "/api/v1/tickets?q=gate": 2,
    "/api/v1/tickets?overdue=true&priority=P3": 2,
    "/api/v1/events": 2,
    "/api/v1/organisations": 2,
    "/api/v1/contacts": 2,
    "/api/v1/letters": 2,
}
OF_A_REQUEST, OF_A_MOVE = 4, 5
MOVES: tuple[dict[str, Any], ...] = (
    {"trigger": "register", "priority": "P3"},
    {"trigger": "start"},
    {"trigger": "request_info", "text": "Which gate?", "minutes": 5},
    {"trigger": "resume", "text": "The first."},
    {"trigger": "comment", "text": "Known."},
    {"trigger": "complete", "text": "Mended.", "outcome": "solved", "delivery_method": "email", "minutes": 5},
)


async def asked(client: httpx.AsyncClient, method: str, path: str, body: object = None) -> list[str]:
    with listening() as heard:
        answer = await client.request(method, path, json=body)
    assert answer.status_code < 300, answer.text
    return [" ".join(sql.split())[:150] for sql, _values in heard]


async def a_ticket(operator: httpx.AsyncClient) -> str:
    return str((await operator.post("/api/v1/tickets", json=REQUEST)).json()["id"])


@pytest.mark.parametrize("path", READ)
async def test_a_look_asks_as_often_as_is_written_down_here(operator: httpx.AsyncClient, path: str) -> None:
    address = path.format(ticket=await a_ticket(operator))
    await operator.get(address)
    heard = await asked(operator, "GET", address)
    assert len(heard) == READ[path], "\n".join(heard)


@pytest.mark.parametrize("path", ["/api/v1/tickets", "/api/v1/tickets?q=gate", "/api/v1/events", "/api/v1/contacts"])
async def test_a_list_does_not_ask_more_often_when_it_holds_more(operator: httpx.AsyncClient, path: str) -> None:
    await a_ticket(operator)
    few = await asked(operator, "GET", path)
    for _more in range(7):
        await a_ticket(operator)
    assert await asked(operator, "GET", path) == few


async def test_a_request_and_each_of_its_moves_ask_as_often_as_is_written_down_here(
    operator: httpx.AsyncClient,
) -> None:
    await a_ticket(operator)  # the process has warmed up
    received = await asked(operator, "POST", "/api/v1/tickets", REQUEST)
    assert len(received) == OF_A_REQUEST, "\n".join(received)
    ticket = await a_ticket(operator)
    for move in MOVES:
        heard = await asked(operator, "POST", TICKET.format(ticket=ticket) + "/moves", move)
        assert len(heard) == OF_A_MOVE, "\n".join([move["trigger"], *heard])
