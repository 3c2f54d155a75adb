"""Sending again: the same ids, the same bytes, only what was asked for, and only what the subscription carries."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest

from service import webhook_deliveries
from service.database import execute, fetch, fetchrow, fetchval
from service.event_catalogue import TYPES
from workflow.definition import Role

REQUEST = {"channel": "phone", "text": "The reader beeps.", "email": "anna@example.org"}
HOOK = {"url": "https://crm.example.org/hooks", "event_types": ["*"]}


async def subscribed(client: httpx.AsyncClient, **told: Any) -> str:
    answer = await client.post("/api/v1/webhooks", json=HOOK | told)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def a_ticket(operator: httpx.AsyncClient, priority: str = "P2", **told: Any) -> str:
    id = str((await operator.post("/api/v1/tickets", json=REQUEST | told)).json()["id"])
    await operator.post(f"/api/v1/tickets/{id}/moves", json={"trigger": "register", "priority": priority})
    return id


async def replayed(client: httpx.AsyncClient, hook: str, **what: Any) -> dict[str, Any]:
    answer = await client.post(f"/api/v1/webhooks/{hook}/replay", json=what)
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def all_delivered() -> None:
    await execute("UPDATE outbox SET status = 'delivered', delivered_at = now() WHERE channel = 'webhook'")


async def waiting() -> list[Any]:
    return await fetch("SELECT * FROM outbox WHERE channel = 'webhook' AND status = 'pending' ORDER BY id")


async def test_one_delivery_goes_again_with_the_same_id_and_the_same_bytes(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    hook = await subscribed(administrator)
    await a_ticket(operator)
    await all_delivered()
    before = await fetchrow("SELECT * FROM outbox WHERE channel = 'webhook' ORDER BY id LIMIT 1")

    assert await replayed(administrator, hook, deliveries=[str(before["id"])]) == {"deliveries": 1, "next_since": None}

    (again,) = await waiting()
    assert again["id"] > before["id"]
    for name in ("event_id", "body", "ticket", "seq", "type", "endpoint"):
        assert again[name] == before[name]
    assert again["attempt"] == 0
    assert await fetchval("SELECT status FROM outbox WHERE id = $1", before["id"]) == "delivered"


async def test_one_event_goes_again_by_its_id_though_nothing_of_it_was_ever_sent(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    await a_ticket(operator)
    hook = await subscribed(administrator)
    kept = await fetchrow("SELECT event_id, body FROM event ORDER BY position LIMIT 1")
    assert (await replayed(administrator, hook, events=[kept["event_id"]]))["deliveries"] == 1
    (sent,) = await waiting()
    assert (sent["event_id"], bytes(sent["body"])) == (kept["event_id"], bytes(kept["body"]))


async def test_all_events_of_a_ticket_go_again_in_their_order(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    hook = await subscribed(administrator)
    ticket, _other = await a_ticket(operator), await a_ticket(operator)
    await all_delivered()
    number = await fetchval("SELECT number FROM ticket WHERE id::text = $1", ticket)
    told = await replayed(administrator, hook, ticket=number)
    kept = await fetch("SELECT event_id FROM event WHERE ticket::text = $1 ORDER BY position", ticket)
    assert told["deliveries"] == len(kept) > 2
    assert [row["event_id"] for row in await waiting()] == [row["event_id"] for row in kept]


async def test_a_time_range_goes_again_and_no_more_than_that(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    hook = await subscribed(administrator)
    for _n in range(3):
        await a_ticket(operator)
    await all_delivered()
    await execute("UPDATE event SET at = timestamptz '2026-05-04T07:00:00Z' + position * interval '1 minute'")
    between = {"since": "2026-05-04T07:02:00Z", "until": "2026-05-04T07:04:00Z"}
    assert (await replayed(administrator, hook, **between))["deliveries"] == 3
    kept = await fetch("SELECT event_id FROM event WHERE position BETWEEN 2 AND 4 ORDER BY position")
    assert [row["event_id"] for row in await waiting()] == [row["event_id"] for row in kept]


async def test_all_that_failed_goes_again_once(administrator: httpx.AsyncClient, operator: httpx.AsyncClient) -> None:
    hook = await subscribed(administrator)
    await a_ticket(operator)
    await all_delivered()
    await execute("UPDATE outbox SET status = 'dead' WHERE channel = 'webhook' AND seq = 2")
    dead = await fetch("SELECT event_id FROM outbox WHERE status = 'dead' ORDER BY id")

    assert (await replayed(administrator, hook, failed=True))["deliveries"] == len(dead) >= 1
    assert {row["event_id"] for row in await waiting()} == {row["event_id"] for row in dead}
    await all_delivered()
    await execute("UPDATE outbox SET status = 'dead' WHERE id = (SELECT min(id) FROM outbox WHERE seq = 2)")
    assert (await replayed(administrator, hook, failed=True))["deliveries"] == 0  # a later delivery of it arrived


async def test_what_is_on_its_way_is_not_sent_twice(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    hook = await subscribed(administrator)
    ticket = await a_ticket(operator)
    before = len(await waiting())
    assert (await replayed(administrator, hook, ticket=ticket))["deliveries"] == 0
    assert len(await waiting()) == before


async def test_only_the_types_and_filters_of_the_subscription_go_again(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    await a_ticket(operator, "P1", organisation="Romashka LLC")
    await a_ticket(operator, "P3", organisation="Vasilek LLC")

    async def types(**told: Any) -> tuple[list[str], int]:
        await execute("DELETE FROM outbox WHERE channel = 'webhook'")
        await replayed(administrator, await subscribed(administrator, **told), since="2020-01-01T00:00:00Z")
        return sorted({row["type"] for row in await waiting()}), len(await waiting())

    assert await types(event_types=["ticket.registered"]) == (["ticket.registered"], 2)
    assert await types(event_types=["ticket.registered"], filters={"priority": "P1"}) == (["ticket.registered"], 1)
    assert await types(filters={"organisation": "Vasilek LLC", "trigger": "receive"}) == (["ticket.received"], 1)


async def test_a_replay_is_bounded_and_says_where_to_go_on(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_deliveries, "MOST_REPLAYED", 2)
    hook = await subscribed(administrator)
    await a_ticket(operator)
    await all_delivered()
    await execute("UPDATE event SET at = timestamptz '2026-05-04T07:00:00Z' + position * interval '1 minute'")
    since: str | None = "2020-01-01T00:00:00Z"
    helpings = []
    while since:
        told = await replayed(administrator, hook, since=since)
        helpings.append(told["deliveries"])
        since = told["next_since"]
        assert len(helpings) < 5
    assert helpings[0] == 2
    assert sum(helpings) == await fetchval("SELECT count(*) FROM event") == len(await waiting())


async def test_a_replay_is_journaled_with_what_was_asked(administrator: httpx.AsyncClient) -> None:
    hook = await subscribed(administrator)
    await replayed(administrator, hook, failed=True, since="2026-05-04T07:00:00Z")
    entry = await fetchrow("SELECT subject, data FROM config_journal WHERE act = 'webhook.replay'")
    assert entry["subject"] == f"webhook {hook}"
    assert msgspec.json.decode(entry["data"]) == {"failed": True, "since": "2026-05-04T07:00:00Z", "replayed": 0}


@pytest.mark.parametrize(
    ("what", "status"),
    [({}, 422), ({"deliveries": ["x"]}, 422), ({"ticket": "NO-1"}, 404), ({"since": "yesterday"}, 422)],
)
async def test_what_cannot_be_replayed_is_refused(
    administrator: httpx.AsyncClient, what: dict[str, Any], status: int
) -> None:
    hook = await subscribed(administrator)
    assert (await administrator.post(f"/api/v1/webhooks/{hook}/replay", json=what)).status_code == status


async def test_deliveries_of_others_stay_untouched(
    client_for: Callable[..., Awaitable[httpx.AsyncClient]], administrator: httpx.AsyncClient
) -> None:
    maker, colleague = await client_for(Role.OPERATOR), await client_for(Role.OPERATOR)
    own, other = await subscribed(maker), await subscribed(colleague)
    await colleague.post(f"/api/v1/webhooks/{other}/ping")
    await all_delivered()
    id = str(await fetchval("SELECT id FROM outbox"))
    assert (await replayed(maker, own, deliveries=[id]))["deliveries"] == 0
    assert (await maker.post(f"/api/v1/webhooks/{other}/replay", json={"failed": True})).status_code == 404


# --- the log ----------------------------------------------------------------------------------------------------------


async def test_the_log_shows_request_answer_and_timing_of_each_attempt(administrator: httpx.AsyncClient) -> None:
    hook = await subscribed(administrator)
    await administrator.post(f"/api/v1/webhooks/{hook}/ping")
    id = await fetchval("SELECT id FROM outbox")
    await execute(
        "INSERT INTO attempt (outbox, n, started_at, ms, http_status, error, request_head, response_head) "
        "VALUES ($1, 1, now(), 12, 500, 'HTTP 500', $2, $3)",
        id,
        '{"webhook-id": "evt_1", "webhook-signature": "v1,x"}',
        b"no\x00\xff" + b"x" * 5000,
    )
    (sent,) = (await administrator.get(f"/api/v1/webhooks/{hook}/deliveries")).json()["items"]
    assert msgspec.json.decode(sent["body"])["type"] == "webhook.ping"
    (attempt,) = sent["attempts"]
    assert (attempt["n"], attempt["ms"], attempt["http_status"], attempt["error"]) == (1, 12, 500, "HTTP 500")
    assert attempt["request_headers"] == {"webhook-id": "evt_1", "webhook-signature": "v1,x"}
    assert attempt["response_head"].startswith("no\ufffd\ufffdxxx")
    assert len(attempt["response_head"]) == webhook_deliveries.LONGEST_HEAD


async def test_the_log_is_paged_and_narrowed_by_status(administrator: httpx.AsyncClient) -> None:
    hook = await subscribed(administrator)
    for _n in range(5):
        await administrator.post(f"/api/v1/webhooks/{hook}/ping")
    await execute("UPDATE outbox SET status = 'dead' WHERE id % 2 = 0")
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = (await administrator.get(f"/api/v1/webhooks/{hook}/deliveries", params=query)).json()
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [str(row["id"]) for row in await fetch("SELECT id FROM outbox ORDER BY id DESC")]
    dead = (await administrator.get(f"/api/v1/webhooks/{hook}/deliveries", params={"status": "dead"})).json()["items"]
    assert {one["status"] for one in dead} == {"dead"}
    wrong = await administrator.get(f"/api/v1/webhooks/{hook}/deliveries", params={"status": "lost"})
    assert wrong.status_code == 422


# --- changing ---------------------------------------------------------------------------------------------------------


async def test_a_change_keeps_what_it_does_not_name(administrator: httpx.AsyncClient) -> None:
    hook = await subscribed(administrator, filters={"priority": "P1"})
    await execute("UPDATE webhook SET failing_since = now(), hold_until = now()")
    changed = (await administrator.patch(f"/api/v1/webhooks/{hook}", json={"event_types": ["ticket.closed"]})).json()
    assert changed["event_types"] == ["ticket.closed"]
    assert changed["filters"] == {"priority": ["P1"]}
    assert changed["url"] == HOOK["url"]
    assert changed["failing_since"] is not None

    moved = (await administrator.patch(f"/api/v1/webhooks/{hook}", json={"url": "https://new.example.org/"})).json()
    assert moved["url"] == "https://new.example.org/"
    assert moved["failing_since"] is None  # another address, a clean record

    anew = (await administrator.put(f"/api/v1/webhooks/{hook}", json=HOOK)).json()
    assert (anew["event_types"], anew["filters"]) == (["*"], {})
    assert await fetchval("SELECT count(*) FROM config_journal WHERE act = 'webhook.change'") == 3


async def test_a_change_is_checked_like_a_new_one(administrator: httpx.AsyncClient) -> None:
    hook = await subscribed(administrator)
    told = {"url": "http://127.0.0.1/", "event_types": ["ticket.lost"], "filters": {"colour": "red"}}
    answer = await administrator.patch(f"/api/v1/webhooks/{hook}", json=told)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"url", "event_types", "filters"}
    assert (await administrator.get(f"/api/v1/webhooks/{hook}")).json()["url"] == HOOK["url"]


async def test_switching_off_keeps_what_waits_and_enabling_clears_its_alarms(administrator: httpx.AsyncClient) -> None:
    hook = await subscribed(administrator)
    await administrator.post(f"/api/v1/webhooks/{hook}/ping")
    off = (await administrator.post(f"/api/v1/webhooks/{hook}/disable")).json()
    assert (off["status"], off["disabled_reason"]) == ("disabled", "It was switched off by hand.")
    assert len(await waiting()) == 1
    await execute("INSERT INTO alarm (kind, key, sentence, at) VALUES ('webhook_disabled', $1, 'x', now())", hook)
    await administrator.post(f"/api/v1/webhooks/{hook}/enable")
    assert await fetchval("SELECT count(*) FROM alarm WHERE cleared_at IS NULL") == 0


# --- the catalogue ----------------------------------------------------------------------------------------------------


async def test_the_catalogue_is_served_whole(operator: httpx.AsyncClient) -> None:
    items = (await operator.get("/api/v1/event-types")).json()["items"]
    assert [item["type"] for item in items] == list(TYPES)
    assert all(item["schema"]["properties"]["type"] == {"const": item["type"]} for item in items)
    document = (await operator.get("/api/v1/openapi.json")).json()
    assert set(document["webhooks"]) == set(TYPES)
