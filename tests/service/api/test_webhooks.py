"""Subscriptions and the feed over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from service.database import execute, fetch, fetchrow, fetchval
from service.house import HOUSE
from service.vault import open_
from workflow.definition import Role

REQUEST = {"channel": "phone", "text": "The reader beeps.", "email": "anna@example.org"}
HOOK = {"url": "https://crm.example.org/hooks", "event_types": ["*"]}


async def subscribed(client: httpx.AsyncClient, **told: Any) -> dict[str, Any]:
    answer = await client.post("/api/v1/webhooks", json=HOOK | told)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_the_secret_is_shown_once_and_kept_sealed(administrator: httpx.AsyncClient) -> None:
    made = await subscribed(administrator)
    assert made["secret"].startswith("whsec_")

    seen = (await administrator.get(f"/api/v1/webhooks/{made['id']}")).json()
    assert seen == {name: value for name, value in made.items() if name != "secret"}
    kept = bytes(await fetchval("SELECT secret FROM webhook"))
    assert made["secret"].encode() not in kept
    assert open_(HOUSE.vault_key, kept, bound_to=f"webhook:{made['id']}") == made["secret"]


async def test_each_move_leaves_a_delivery_for_who_subscribed(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    everything = await subscribed(administrator)
    urgent = await subscribed(administrator, event_types=["ticket.registered"], filters={"priority": "P1"})
    for priority in ("P1", "P3"):
        id = (await operator.post("/api/v1/tickets", json=REQUEST)).json()["id"]
        await operator.post(f"/api/v1/tickets/{id}/moves", json={"trigger": "register", "priority": priority})

    async def types(hook: dict[str, Any]) -> list[str]:
        page = (await administrator.get(f"/api/v1/webhooks/{hook['id']}/deliveries")).json()
        return [delivery["type"] for delivery in page["items"]]

    assert await types(urgent) == ["ticket.registered"]
    assert (await types(everything)).count("ticket.received") == 2


@pytest.mark.parametrize(
    "url",
    ["http://crm.example.org/", "https://127.0.0.1/", "https://localhost/", "ftp://x", "", "https://a@b.example.org"],
)
async def test_an_address_inside_the_house_is_refused(administrator: httpx.AsyncClient, url: str) -> None:
    answer = await administrator.post("/api/v1/webhooks", json={"url": url})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "url"


async def test_unknown_types_and_filters_are_named_at_once(administrator: httpx.AsyncClient) -> None:
    answer = await administrator.post(
        "/api/v1/webhooks", json={"url": "x", "event_types": ["ticket.lost"], "filters": {"colour": "red"}}
    )
    assert {error["field"] for error in answer.json()["errors"]} == {"url", "event_types", "filters"}


async def test_a_filter_that_lets_nothing_through_is_a_slip(administrator: httpx.AsyncClient) -> None:
    slips = {"priority": "P9", "trigger": ["registerr", "comment"], "organisation": []}  # a comment tells nothing
    answer = await administrator.post("/api/v1/webhooks", json={"url": "https://crm.example.org/", "filters": slips})
    told = [error["message"] for error in answer.json()["errors"]]
    assert len(told) == 3
    assert any("P9" in one and "P1, P2" in one for one in told)
    assert any("registerr, comment" in one for one in told)
    hook = await subscribed(administrator, filters={"priority": "P1", "trigger": "receive"})
    changed = await administrator.patch(f"/api/v1/webhooks/{hook['id']}", json={"filters": {"priority": "P9"}})
    assert changed.status_code == 422


async def test_rotating_keeps_the_old_secret_for_a_day(administrator: httpx.AsyncClient) -> None:
    made = await subscribed(administrator)
    rotated = (await administrator.post(f"/api/v1/webhooks/{made['id']}/rotate")).json()
    row = await fetchrow("SELECT secret, old_secret FROM webhook")
    owner = f"webhook:{made['id']}"
    assert open_(HOUSE.vault_key, bytes(row["secret"]), bound_to=owner) == rotated["secret"] != made["secret"]
    assert open_(HOUSE.vault_key, bytes(row["old_secret"]), bound_to=owner) == made["secret"]


async def test_a_ping_goes_out_and_a_disabled_subscription_refuses_it(administrator: httpx.AsyncClient) -> None:
    made = await subscribed(administrator, event_types=["ticket.closed"])
    answer = await administrator.post(f"/api/v1/webhooks/{made['id']}/ping")
    assert answer.status_code == 202
    delivery = (await administrator.get(f"/api/v1/webhooks/{made['id']}/deliveries")).json()["items"][0]
    assert (delivery["type"], delivery["status"]) == ("webhook.ping", "pending")
    assert delivery["event_id"] == answer.json()["event_id"]

    await execute("UPDATE webhook SET status = 'disabled', disabled_reason = 'It failed.'")
    assert (await administrator.post(f"/api/v1/webhooks/{made['id']}/ping")).status_code == 409
    enabled = (await administrator.post(f"/api/v1/webhooks/{made['id']}/enable")).json()
    assert (enabled["status"], enabled["disabled_reason"]) == ("enabled", "")


async def test_after_the_end_nothing_is_sent(administrator: httpx.AsyncClient) -> None:
    made = await subscribed(administrator)
    await administrator.post(f"/api/v1/webhooks/{made['id']}/ping")
    assert (await administrator.delete(f"/api/v1/webhooks/{made['id']}")).status_code == 204
    assert (await administrator.get(f"/api/v1/webhooks/{made['id']}")).status_code == 404
    assert [row["status"] for row in await fetch("SELECT status FROM outbox")] == ["cancelled"]


async def test_only_its_maker_or_an_administrator_changes_a_subscription(
    client_for: Callable[..., Awaitable[httpx.AsyncClient]], administrator: httpx.AsyncClient
) -> None:
    maker, colleague = await client_for(Role.OPERATOR), await client_for(Role.OPERATOR)
    made = await subscribed(maker)
    for act in ("rotate", "ping", "enable"):
        assert (await colleague.post(f"/api/v1/webhooks/{made['id']}/{act}")).status_code == 404
    assert (await colleague.delete(f"/api/v1/webhooks/{made['id']}")).status_code == 404
    assert (await administrator.post(f"/api/v1/webhooks/{made['id']}/rotate")).status_code == 200
    assert (await maker.delete(f"/api/v1/webhooks/{made['id']}")).status_code == 204


async def test_what_is_not_there_is_404(administrator: httpx.AsyncClient) -> None:
    for id in (str(uuid4()), "x"):
        assert (await administrator.get(f"/api/v1/webhooks/{id}")).status_code == 404
        assert (await administrator.post(f"/api/v1/webhooks/{id}/replay", json={})).status_code == 404


# --- the feed ---------------------------------------------------------------------------------------------------------


async def test_the_feed_tells_every_event_once_and_goes_on_where_one_stopped(operator: httpx.AsyncClient) -> None:
    for _n in range(3):
        id = (await operator.post("/api/v1/tickets", json=REQUEST)).json()["id"]
        await operator.post(f"/api/v1/tickets/{id}/moves", json={"trigger": "register", "priority": "P2"})

    seen: list[str] = []
    after: str | None = None
    while True:
        query: dict[str, Any] = {"limit": 2} | ({"after": after} if after else {})
        page = (await operator.get("/api/v1/events", params=query)).json()
        if not page["items"]:
            break
        seen += [event["id"] for event in page["items"]]
        after = page["next_cursor"]

    kept = [row["event_id"] for row in await fetch("SELECT event_id FROM event ORDER BY position")]
    assert seen == kept
    rest = (await operator.get("/api/v1/events", params={"after": seen[2], "limit": 200})).json()
    assert [event["id"] for event in rest["items"]] == kept[3:]


async def test_the_feed_waits_for_a_transaction_that_is_still_open(
    operator: httpx.AsyncClient, database_url: str
) -> None:
    """A slow writer's events have lower transaction ids: a reader who went past them would never see them."""
    slow = await asyncpg.connect(database_url)
    try:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(
            "INSERT INTO event (event_id, type, ticket, seq, body, at) VALUES ('evt_slow', 'ticket.received', $1, 1, "
            """'{"type":"ticket.received","timestamp":"2026-05-04T07:00:00Z","data":{}}', now())""",
            UUID(int=1),
        )
        await operator.post("/api/v1/tickets", json=REQUEST)
        assert (await operator.get("/api/v1/events")).json()["items"] == []
        await transaction.commit()
    finally:
        await slow.close()
    items = (await operator.get("/api/v1/events")).json()["items"]
    assert [item["type"] for item in items] == ["ticket.received", "ticket.received"]
    assert items[0]["id"] == "evt_slow"


async def test_the_feed_counts_its_transactions_as_numbers(operator: httpx.AsyncClient) -> None:
    """As text, 10 comes before 9: a page that ended there would hide the ninth for ever."""
    for id, txid in (("evt_nine", "9"), ("evt_ten", "10"), ("evt_hundred", "100")):
        await execute(
            "INSERT INTO event (event_id, type, ticket, seq, body, at, txid) VALUES ($1, 'ticket.received', $2, 1, "
            """'{"type":"ticket.received","timestamp":"2026-05-04T07:00:00Z","data":{}}', now(), $3::text::xid8)""",
            id, UUID(int=1), txid,
        )  # fmt: skip
    seen: list[str] = []
    after: str | None = None
    for _page in range(4):
        query: dict[str, str | int] = {"limit": 1} | ({"after": after} if after else {})
        page = (await operator.get("/api/v1/events", params=query)).json()
        seen += [item["id"] for item in page["items"]]
        after = page["next_cursor"]
    assert seen == ["evt_nine", "evt_ten", "evt_hundred"]


@pytest.mark.parametrize("after", ["x", "evt_nobody", "WzFd", "WyJ4IiwxXQ"])
async def test_a_cursor_that_is_not_of_the_feed_is_refused(operator: httpx.AsyncClient, after: str) -> None:
    answer = await operator.get("/api/v1/events", params={"after": after})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "after"
