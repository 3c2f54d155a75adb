"""Tickets of another desk come with their history, its times, and no letters."""

from typing import Any

import httpx
import pytest

from service.database import fetch, fetchval
from service.verify import verify
from tests.service.api.conftest import ClientFor
from workflow.definition import Role

REQUEST = {"channel": "email", "text": "The reader beeps.", "email": "anna@romashka.example.org", "full_name": "Anna"}


def old(external_id: str = "OLD-17", **more: Any) -> dict[str, Any]:
    return {"external_id": external_id, "request": REQUEST, "received_at": "2026-03-02T07:00:00Z"} | more


def step(at: str, trigger: str, **more: Any) -> dict[str, Any]:
    return {"at": f"2026-03-02T{at}:00Z", "trigger": trigger} | more


LIFE = [
    step("07:20", "register", name="Olga Orlova", fields={"priority": "P3"}),
    step("08:00", "start"),
    step("08:10", "request_info", fields={"text": "Which gate?", "minutes": 5}),
    step("09:10", "resume", kind="customer", name="Anna", fields={"text": "The first."}),
    step("09:40", "complete", name="Olga Orlova",
         fields={"text": "Replaced.", "delivery_method": "email", "minutes": 40, "outcome": "solved"}),
    step("10:00", "confirm", kind="customer", name="Anna"),
]  # fmt: skip


async def imports(client: httpx.AsyncClient, *tickets: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    answer = await client.post("/api/v1/imports/tickets", json={"tickets": list(tickets)} | more)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_a_life_is_taken_over_at_its_own_times(administrator: httpx.AsyncClient) -> None:
    (made,) = await imports(administrator, old(history=LIFE))
    assert (made["status"], made["errors"]) == ("imported", [])
    ticket = (await administrator.get(f"/api/v1/tickets/{made['id']}")).json()
    assert ticket["received_at"] == "2026-03-02T07:00:00Z"
    assert ticket["registered_at"] == "2026-03-02T07:20:00Z"
    assert ticket["closed_at"] == "2026-03-02T10:00:00Z"
    assert (ticket["registration_result"], ticket["resolution_result"]) == ("met", "met")
    assert ticket["minutes_total"] >= 45
    journal = (await administrator.get(f"/api/v1/tickets/{made['id']}/journal")).json()["items"]
    assert [entry["trigger"] for entry in journal] == ["receive", *(one["trigger"] for one in LIFE)]
    assert all(entry["data"]["imported"] is True for entry in journal)
    assert journal[1]["actor"]["name"] == "Olga Orlova"
    assert await verify() == []


async def test_what_a_customer_thought_is_taken_over_once(administrator: httpx.AsyncClient) -> None:
    rated = [step("10:30", "rate", kind="customer", name="Anna", fields={"score": score}) for score in ("good", "bad")]
    (made, twice) = await imports(administrator, old(history=[*LIFE, rated[0]]), old("b", history=[*LIFE, *rated]))
    assert (made["status"], twice["status"]) == ("imported", "refused")
    assert [error["field"] for error in twice["errors"]] == ["history.7.fields.score"]
    assert [tuple(row) for row in await fetch("SELECT ticket::text, score FROM satisfaction")] == [(made["id"], "good")]
    assert await verify() == []


async def test_nobody_is_written_to(administrator: httpx.AsyncClient) -> None:
    await imports(administrator, old(history=LIFE))
    for table in ("outbox", "letter", "signed_link", "event"):
        assert await fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_subscriptions_hear_of_it_when_asked_to(administrator: httpx.AsyncClient) -> None:
    await imports(administrator, old(history=LIFE), tell=True)
    types = {row["type"] for row in await fetch("SELECT type FROM event")}
    assert {"ticket.received", "ticket.registered", "ticket.closed"} <= types
    assert await fetchval("SELECT count(*) FROM letter") == 0


async def test_the_same_name_is_taken_over_once_and_found_by_it(administrator: httpx.AsyncClient) -> None:
    (first,) = await imports(administrator, old())
    (again,) = await imports(administrator, old())
    assert (again["status"], again["id"]) == ("known", first["id"])
    found = (await administrator.get("/api/v1/tickets", params={"q": "OLD-17"})).json()["items"]
    assert [one["id"] for one in found] == [first["id"]]


async def test_each_ticket_stands_for_itself_and_says_what_is_wrong(administrator: httpx.AsyncClient) -> None:
    backwards = old("b", history=[step("08:00", "register", fields={"priority": "P3"}), step("07:30", "start")])
    nameless = old("f")
    nameless["request"] = nameless["request"] | {"email": "nobody"}
    results = await imports(
        administrator,
        old("a", history=[step("08:00", "start")]),
        backwards,
        old("c", history=[step("08:00", "register", fields={"priority": "P9"})]),
        old("d", received_at="2126-01-01T00:00:00Z"),
        nameless,
        old("e"),
    )
    assert [one["status"] for one in results] == ["refused"] * 5 + ["imported"]
    named = [one["errors"][0]["field"] for one in results[:5]]
    assert named == ["history.0.trigger", "history.1.at", "history.0.fields.priority", "received_at", "request.email"]
    assert await fetchval("SELECT count(*) FROM ticket") == 1
    assert await verify() == []


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.SUPERVISOR, Role.PROCESS_OWNER])
async def test_only_administrators_import(client_for: ClientFor, role: Role) -> None:
    client = await client_for(role)
    assert (await client.post("/api/v1/imports/tickets", json={"tickets": [old()]})).status_code == 403
