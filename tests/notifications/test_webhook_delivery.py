"""Webhooks delivered to a receiver of our own: signatures, order, failures, holds, the end of an endpoint."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from standardwebhooks import Webhook

from notifications.outbox import Courier
from notifications.post import Poster
from notifications.webhooks import Webhooks
from service.address_guard import AddressGuard
from service.database import execute, fetch, fetchrow, fetchval
from service.ticket import Ticket
from tests.desk import HOUR, MONDAY, a_request, a_ticket, a_webhook, count, does, eventually, no_letters, outbox_rows
from tests.notifications.delivering import drained

pytestmark = pytest.mark.usefixtures("regulation")


@dataclass
class Receiver:
    """An HTTP server that keeps what it gets and answers as it is told: a status, or a whole head."""

    port: int = 0
    answer: Callable[[int], str] = lambda _number: "204 No Content"
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    patience: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in head[1:-2])}
        body = await reader.readexactly(int(headers["content-length"]))
        self.got.append((headers, body))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(self.patience)
        self.under_way -= 1
        status = self.answer(len(self.got))
        writer.write(f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(body) for _headers, body in self.got]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    one = Receiver()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    yield one
    server.close()
    await server.wait_closed()


@pytest.fixture
async def courier(receiver: Receiver) -> AsyncIterator[Courier]:
    poster = Poster(guard=AddressGuard(allowed_hosts=[f"127.0.0.1:{receiver.port}"]))
    yield Courier(Webhooks(poster, jitter=lambda: 0.5))
    await poster.aclose()


async def a_talk() -> Ticket:
    ticket = await does(await a_ticket(), "start", MONDAY)
    ticket = await does(ticket, "request_info", MONDAY, text="Which version?", minutes=15)
    return await does(ticket, "resume", MONDAY, text="The newest.")


async def come_due() -> None:
    await execute("UPDATE outbox SET next_at = $1 WHERE status = 'pending'", MONDAY)
    await execute("UPDATE webhook SET hold_until = NULL, breaker = '{}'")


async def test_a_receiver_gets_each_transition_once_in_order_with_a_signature_that_others_verify(
    receiver: Receiver, courier: Courier
) -> None:
    _id, secrets = await a_webhook(receiver.url)
    ticket = await a_talk()
    await drained(courier)
    bodies = {row["event_id"]: bytes(row["body"]) for row in await outbox_rows("channel = 'webhook'")}
    assert {headers["webhook-id"]: body for headers, body in receiver.got} == bodies
    assert len(receiver.got) == len(bodies)
    seqs = [event["data"]["seq"] for event in receiver.events]
    assert seqs == sorted(seqs)
    assert {event["data"]["ticket_id"] for event in receiver.events} == {str(ticket.id)}
    for headers, body in receiver.got:
        Webhook(secrets[0]).verify(body, headers)
        assert headers["content-type"] == "application/json"
        assert headers["user-agent"].startswith("Reglament")


async def test_after_a_rotation_both_secrets_sign_for_a_while(receiver: Receiver, courier: Courier) -> None:
    _id, secrets = await a_webhook(receiver.url, old_secret_until=datetime.now(UTC) + HOUR)
    await a_request()
    await drained(courier)
    [(headers, body)] = receiver.got
    for secret in secrets:
        Webhook(secret).verify(body, headers)
    await execute("UPDATE webhook SET old_secret_until = $1", MONDAY)
    await a_request()
    await drained(courier)
    headers, body = receiver.got[-1]
    Webhook(secrets[0]).verify(body, headers)
    assert len(headers["webhook-signature"].split()) == 1


async def test_a_failed_delivery_comes_again_with_the_same_id_and_body_and_its_followers_wait(
    receiver: Receiver, courier: Courier
) -> None:
    await a_webhook(receiver.url)
    await a_talk()
    receiver.answer = lambda number: "500 Oh" if number == 1 else "200 OK"
    await drained(courier)
    assert len(receiver.got) == 1
    [row] = await outbox_rows("channel = 'webhook' AND attempt > 0")
    assert (row["status"], row["last_error"]) == ("pending", "HTTP 500")
    assert timedelta(seconds=4) < row["next_at"] - datetime.now(UTC) < timedelta(seconds=6)
    await come_due()
    await drained(courier)
    (first, body), (again, same) = receiver.got[:2]
    assert (first["webhook-id"], body) == (again["webhook-id"], same)
    seqs = [event["data"]["seq"] for event in receiver.events]
    assert seqs == sorted(seqs)
    assert {row["status"] for row in await outbox_rows("channel = 'webhook'")} == {"delivered"}
    assert await count("attempt") == len(receiver.got)


async def test_the_attempts_keep_the_table_of_retries_and_then_the_event_is_dead(
    receiver: Receiver, courier: Courier
) -> None:
    await a_webhook(receiver.url)
    await a_request()
    receiver.answer = lambda _number: "500 Oh"
    waits = []
    for _attempt in range(10):
        await come_due()
        await drained(courier)
        [row] = await outbox_rows("channel = 'webhook'")
        waits.append(round((row["next_at"] - datetime.now(UTC)).total_seconds()))
    minutes, hours = 60, 3600
    expected = [5, 5 * minutes, 30 * minutes, 2 * hours, 5 * hours, 10 * hours, 14 * hours, 20 * hours, 24 * hours]
    assert waits[:9] == pytest.approx(expected, abs=2)
    assert (row["status"], row["attempt"]) == ("dead", 10)
    assert {alarm["kind"] for alarm in await fetch("SELECT kind FROM alarm")} == {"webhook_failing", "webhook_dead"}


async def test_one_slow_endpoint_gets_only_its_share(receiver: Receiver, courier: Courier) -> None:
    await a_webhook(receiver.url)
    for _number in range(15):
        await a_request()
    receiver.patience = 0.05
    await drained(courier)
    assert len(receiver.got) == 15
    assert receiver.most_under_way <= 10


async def test_the_last_free_place_goes_to_whoever_has_the_least_under_way(receiver: Receiver) -> None:
    slow, fast = sorted([str((await a_webhook(receiver.url))[0]) for _endpoint in range(2)])
    for _number in range(3):
        await a_request()
    channel = Webhooks(Poster(guard=AddressGuard(allowed_hosts=[])))
    assert {row.endpoint for row in await channel.take(2)} == {slow, fast}
    await execute("UPDATE outbox SET status = 'delivered' WHERE endpoint = $1 AND status = 'sending'", fast)
    assert [row.endpoint for row in await channel.take(1)] == [fast]


@pytest.mark.parametrize(("first", "most"), [("204 No Content", 25), ("500 Oh", 10)])
async def test_an_endpoint_that_takes_everything_is_given_more_at_once(
    receiver: Receiver, courier: Courier, first: str, most: int
) -> None:
    await a_webhook(receiver.url)
    for _number in range(60):
        await a_request()
    await no_letters()
    receiver.patience = 0.2
    answers = iter([first])
    receiver.answer = lambda _number: next(answers, "204 No Content")
    await drained(courier)
    assert receiver.most_under_way == most


async def test_an_endpoint_that_is_gone_is_disabled_and_its_owner_told(receiver: Receiver, courier: Courier) -> None:
    id, _secrets = await a_webhook(receiver.url)
    await a_request()
    receiver.answer = lambda _number: "410 Gone"
    await drained(courier)
    row = await fetchrow("SELECT status, disabled_reason FROM webhook WHERE id = $1", id)
    assert row["status"] == "disabled"
    assert "410" in row["disabled_reason"]
    assert await count("config_journal", "act = 'webhook.disable'") == 1
    assert await count("alarm", "kind = 'webhook_disabled'") == 1
    await come_due()
    await drained(courier)
    assert len(receiver.got) == 1
    await execute("UPDATE webhook SET status = 'enabled'")
    receiver.answer = lambda _number: "200 OK"
    await drained(courier)
    assert [row["status"] for row in await outbox_rows("channel = 'webhook'")] == ["delivered"]


async def test_an_endpoint_that_fails_for_five_days_is_disabled(receiver: Receiver, courier: Courier) -> None:
    await a_webhook(receiver.url)
    await a_request()
    receiver.answer = lambda _number: "500 Oh"
    await execute("UPDATE webhook SET failing_since = $1", datetime.now(UTC) - timedelta(hours=119))
    await drained(courier)
    assert await count("webhook", "status = 'enabled'") == 1
    await execute("UPDATE webhook SET failing_since = $1", datetime.now(UTC) - timedelta(hours=121))
    await come_due()
    await drained(courier)
    assert await count("webhook", "status = 'disabled'") == 1


async def test_an_endpoint_that_asks_for_patience_is_spared_without_losing_attempts(
    receiver: Receiver, courier: Courier
) -> None:
    await a_webhook(receiver.url)
    await a_request()
    receiver.answer = lambda _number: "429 Slow down\r\nretry-after: 300"
    await drained(courier)
    hold = (await fetchrow("SELECT hold_until FROM webhook"))["hold_until"]
    assert timedelta(seconds=295) < hold - datetime.now(UTC) < timedelta(seconds=305)
    await a_request()
    await execute("UPDATE outbox SET next_at = $1 WHERE status = 'pending'", MONDAY)
    await drained(courier)
    assert len(receiver.got) == 1
    assert sum(row["attempt"] for row in await outbox_rows("channel = 'webhook'")) == 1


async def test_a_success_that_was_on_its_way_does_not_cut_the_patience_short(
    receiver: Receiver, courier: Courier
) -> None:
    await a_webhook(receiver.url)
    for _number in range(2):
        await a_request()
    answers = iter(("429 Slow down\r\nretry-after: 300", "200 OK"))
    receiver.answer = lambda _number: next(answers)
    receiver.patience = 0.05  # both are on their way
    await drained(courier)
    assert [row["status"] for row in await outbox_rows("channel = 'webhook'")].count("delivered") == 1
    row = await fetchrow("SELECT hold_until, failing_since FROM webhook")
    assert row["hold_until"] - datetime.now(UTC) > timedelta(seconds=290)


async def test_a_late_answer_says_nothing_about_its_endpoint(receiver: Receiver, courier: Courier) -> None:
    id, _secrets = await a_webhook(receiver.url)
    await a_request()
    receiver.answer = lambda _number: "410 Gone"
    receiver.patience = 0.3
    sending = asyncio.create_task(drained(courier))

    async def arrived() -> bool:
        return bool(receiver.got)

    await eventually(arrived)
    await execute("UPDATE outbox SET claim_id = $1 WHERE status = 'sending'", id)  # another one holds it now
    await sending
    assert await count("webhook", "status = 'enabled' AND failing_since IS NULL") == 1
    assert await count("attempt") == 0


async def test_answers_that_come_together_are_written_together(receiver: Receiver, courier: Courier) -> None:
    await a_webhook(receiver.url)
    for _number in range(30):
        await a_request()
    await no_letters()
    before = await fetchval("SELECT count(DISTINCT xmin::text) FROM attempt")
    await drained(courier)
    transactions = await fetchval("SELECT count(DISTINCT xmin::text) FROM attempt") - before
    assert await count("attempt") == 30
    assert transactions < 25


async def test_the_breaker_holds_an_endpoint_sends_one_probe_and_wakes_everything_when_it_recovers(
    receiver: Receiver, courier: Courier
) -> None:
    await a_webhook(receiver.url)
    for _number in range(20):
        await a_request()
    await no_letters()
    receiver.answer = lambda _number: "500 Oh"
    while len(receiver.got) < 10:
        await drained(courier)
    tried = len(receiver.got)
    assert tried < 20  # the others were held before they were tried
    await drained(courier)
    assert len(receiver.got) == tried
    past = datetime.now(UTC) - timedelta(seconds=1)
    held = (await fetchrow("SELECT breaker FROM webhook"))["breaker"]
    breaker = msgspec.json.decode(held) | {"held_until": past.isoformat()}
    await execute(
        "UPDATE webhook SET hold_until = $1, breaker = $2", past, msgspec.json.encode(breaker).decode()
    )  # fmt: skip
    receiver.answer = lambda _number: "200 OK"
    assert await courier.dispatch() == 1  # the probe
    await drained(courier)
    assert {row["status"] for row in await outbox_rows()} == {"delivered"}
    row = await fetchrow("SELECT failing_since, hold_until FROM webhook")
    assert (row["failing_since"], row["hold_until"]) == (None, None)


async def test_a_redirect_is_not_followed_and_counts_as_a_failure(receiver: Receiver, courier: Courier) -> None:
    await a_webhook(receiver.url)
    await a_request()
    receiver.answer = lambda _number: f"302 Found\r\nlocation: {receiver.url}/trap"
    await drained(courier)
    assert len(receiver.got) == 1
    assert [row["last_error"] for row in await outbox_rows("channel = 'webhook'")] == ["HTTP 302"]


async def test_an_address_inside_the_house_is_never_reached(receiver: Receiver) -> None:
    await a_webhook(receiver.url)
    await a_request()
    poster = Poster(guard=AddressGuard(allowed_hosts=[]))
    await drained(Courier(Webhooks(poster, jitter=random.random)))
    await poster.aclose()
    assert receiver.got == []
    [row] = await outbox_rows("channel = 'webhook'")
    assert row["status"] == "pending"
    assert row["last_error"] != ""


async def test_a_subscription_that_was_removed_takes_nothing_with_it(receiver: Receiver, courier: Courier) -> None:
    await a_webhook(receiver.url)
    await a_request()
    await execute("DELETE FROM webhook")
    assert await drained(courier) == 0
    assert receiver.got == []
