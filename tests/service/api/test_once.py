"""An Idempotency-Key on whatever a program creates: one act, the same answer again, no secret said twice."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from service import clock, directory
from service.actors import Actor
from service.database import fetchval
from service.idempotency import Key, KeyInUse, asking, refuse_repetition, remember
from workflow.definition import Role

KEY = {"Idempotency-Key": "made-once"}
WEBHOOK = {"url": "https://hooks.example.com/in", "event_types": ["ticket.received"]}
CREATIONS: list[tuple[str, str, Mapping[str, Any], str | None]] = [
    ("organisations", "organisation", {"name": "Acme"}, None),
    ("contacts", "contact", {"full_name": "Anna", "addresses": ["anna@customer.example.com"]}, None),
    ("users", "app_user", {"email": "new@desk.example.org", "name": "New", "role": "operator"}, "password"),
    ("tokens", "api_token", {"name": "robot", "role": "operator"}, "token"),
]


@pytest.mark.parametrize(("path", "table", "body", "secret"), CREATIONS)
async def test_a_key_creates_once_and_says_no_secret_twice(
    administrator: httpx.AsyncClient, path: str, table: str, body: Mapping[str, Any], secret: str | None
) -> None:
    before = await fetchval(f"SELECT count(*) FROM {table}")
    first = await administrator.post(f"/api/v1/{path}", json=body, headers=KEY)
    again = await administrator.post(f"/api/v1/{path}", json=body, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert again.headers["idempotency-replayed"] == "true"
    assert await fetchval(f"SELECT count(*) FROM {table}") == before + 1
    told = first.json()
    if secret:
        assert told[secret]
        assert told[secret].encode() not in await fetchval("SELECT response FROM idem")
        told[secret] = ""
    assert again.json() == told


async def test_a_subscription_is_made_once_and_its_secret_shown_once(
    supervisor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.house.HOUSE.webhook_allowed_hosts", ("hooks.example.com:443",))
    first = await supervisor.post("/api/v1/webhooks", json=WEBHOOK, headers=KEY)
    again = await supervisor.post("/api/v1/webhooks", json=WEBHOOK, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert (first.json()["secret"][:6], again.json()["secret"]) == ("whsec_", "")
    assert len((await supervisor.get("/api/v1/webhooks")).json()["items"]) == 1


async def test_a_key_is_its_owners_and_its_requests_alone(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    await administrator.post("/api/v1/organisations", json={"name": "Acme"}, headers=KEY)
    other = await administrator.post("/api/v1/organisations", json={"name": "Other"}, headers=KEY)
    elsewhere = await administrator.post("/api/v1/tickets", json={"channel": "phone", "text": "Help"}, headers=KEY)
    assert [one.json()["code"] for one in (other, elsewhere)] == ["key_reused", "key_reused"]
    somebody = await operator.post("/api/v1/organisations", json={"name": "Third"}, headers=KEY)
    assert somebody.status_code == 201
    assert "idempotency-replayed" not in somebody.headers


async def test_what_was_refused_may_be_mended_and_sent_again(administrator: httpx.AsyncClient) -> None:
    assert (await administrator.post("/api/v1/organisations", json={"name": " "}, headers=KEY)).status_code == 422
    mended = await administrator.post("/api/v1/organisations", json={"name": "Acme"}, headers=KEY)
    assert mended.status_code == 201


async def test_of_two_at_once_one_acts(administrator: httpx.AsyncClient) -> None:
    body = {"name": "robot", "role": "operator"}
    before = await fetchval("SELECT count(*) FROM api_token")
    answers = await asyncio.gather(*(administrator.post("/api/v1/tokens", json=body, headers=KEY) for _ in range(5)))
    assert await fetchval("SELECT count(*) FROM api_token") == before + 1
    assert {one.status_code for one in answers} <= {201, 409}
    assert sum(one.status_code == 201 and bool(one.json()["token"]) for one in answers) == 1


async def test_a_key_whose_answer_was_lost_acts_no_second_time(regulation: None) -> None:
    by = Actor(kind="token", id="1", name="robot", role=Role.ADMINISTRATOR)
    key = Key(by.principal, "lost", b"hash")
    with asking():
        remember(key)
        await directory.add_organisation("Acme", domains=(), by=by, at=clock.now())
    with pytest.raises(KeyInUse):
        await refuse_repetition(key)
    with asking(), contextlib.suppress(KeyInUse):
        remember(key)
        await directory.add_organisation("Acme the second", domains=(), by=by, at=clock.now())
    assert await fetchval("SELECT count(*) FROM organisation") == 1
