"""The outbox on the real database: leases, fences, order, poison, and letters that meet all kinds of mail servers."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from notifications import outbox
from notifications.letters import Letters
from notifications.mailbox import open_mailbox
from notifications.outbox import LEASE, Claimed, Courier, Ended
from notifications.smtp import Accepted, SmtpServer
from notifications.smtp_session import open_door
from service import files, mailbox
from service.change import File
from service.database import DB, execute, fetch, fetchrow, fetchval
from service.files import SHELF
from service.house import HOUSE
from service.tickets import carry_out
from service.verify import verify
from tests.desk import (
    HOUR,
    MONDAY,
    OPERATOR,
    a_request,
    a_ticket,
    a_webhook,
    completed,
    count,
    does,
    no_letters,
    outbox_rows,
)
from tests.notifications.delivering import drained

pytestmark = pytest.mark.usefixtures("regulation")


async def claimed(channel: str, endpoint: str, places: int = 10) -> list[Claimed]:
    async with DB.transaction(allow_nested=False):
        at = await outbox.claiming(channel)
        return await outbox.claim(channel, {endpoint: places}, at=at)


async def expire_leases() -> None:
    await execute("UPDATE outbox SET lease_until = clock_timestamp() - interval '1 second' WHERE status = 'sending'")


@pytest.fixture
async def hook() -> str:
    """A webhook's endpoint; nothing is ever posted to it here."""
    id, _secrets = await a_webhook("https://example.com/hook")
    return str(id)


# --- claims -----------------------------------------------------------------------------------------------------------


async def test_what_one_claims_nobody_else_gets() -> None:
    for number in range(5):
        await a_request(email=f"customer{number}@example.com")
    first, second = await asyncio.gather(claimed("letter", "smtp", 3), claimed("letter", "smtp", 3))
    assert sorted(len(rows) for rows in (first, second)) == [2, 3]
    assert not {row.id for row in first} & {row.id for row in second}
    assert {row.attempt for row in first + second} == {1}


async def test_events_of_one_ticket_go_one_at_a_time_the_oldest_first(hook: str) -> None:
    ticket = await does(await a_ticket(), "start", MONDAY)
    other = await a_ticket()
    await no_letters()
    [one, two] = sorted(await claimed("webhook", hook), key=lambda row: str(row.ticket))
    assert {one.ticket, two.ticket} == {ticket.id, other.id}
    assert (one.seq, two.seq) == (1, 1)
    assert await claimed("webhook", hook) == []  # the next ones wait for these
    mine = one if one.ticket == ticket.id else two
    await outbox.record([(mine, Ended(status="delivered"))], at=MONDAY)
    [follower] = await claimed("webhook", hook)
    assert (follower.ticket, follower.seq) == (ticket.id, 2)


async def test_a_failing_event_blocks_its_ticket_until_its_fourth_failure_and_no_other_ticket(hook: str) -> None:
    ticket = await does(await a_ticket(), "start", MONDAY)
    await no_letters()
    await execute("DELETE FROM outbox WHERE type NOT IN ('ticket.received', 'ticket.registered')")
    for attempt in range(1, 5):
        [row] = await claimed("webhook", hook)
        assert (row.ticket, row.seq, row.attempt) == (ticket.id, 1, attempt)
        await outbox.record([(row, Ended(status="pending", wait=timedelta(0)))], at=datetime.now(UTC) + HOUR)
        blocked = await claimed("webhook", hook)
        if attempt < 4:
            assert blocked == []
        else:
            assert [one.seq for one in blocked] == [2]
        await execute("UPDATE outbox SET next_at = $1 WHERE status = 'pending'", MONDAY)


async def test_a_letter_that_waits_for_the_morning_holds_up_no_other_recipient() -> None:
    ticket = await a_request()
    await execute(
        "INSERT INTO outbox (event_id, channel, endpoint, ticket, seq, type, recipients, body, next_at) "
        "VALUES ('night', 'letter', 'smtp', $1, 0, 'warning', '[\"boss@example.org\"]', '', 'infinity')",
        ticket.id,
    )
    [row] = await claimed("letter", "smtp")
    assert row.recipients == ("ivan@example.com",)


# --- fences and leases ------------------------------------------------------------------------------------------------


async def test_a_late_answer_changes_nothing_once_the_lease_went_to_another() -> None:
    await a_request()
    [late] = await claimed("letter", "smtp")
    await expire_leases()
    assert await outbox.sweep(at=MONDAY) == 1
    [mine] = await claimed("letter", "smtp")
    assert await outbox.record([(late, Ended(status="dead", error="late"))], at=MONDAY) == frozenset()
    [row] = await outbox_rows()
    assert (row["status"], row["claim_id"], row["last_error"]) == ("sending", mine.claim, "")
    assert await count("attempt") == 0
    assert await outbox.record([(mine, Ended(status="delivered"))], at=MONDAY) == {mine.id}
    assert await outbox.record([(late, Ended(status="pending"))], at=MONDAY) == frozenset()
    assert [row["status"] for row in await outbox_rows()] == ["delivered"]


async def test_a_lost_worker_costs_no_attempt_and_a_lease_that_runs_is_left_alone() -> None:
    await a_request()
    [row] = await claimed("letter", "smtp")
    assert await outbox.sweep(at=MONDAY) == 0
    await expire_leases()
    await outbox.sweep(at=MONDAY)
    [again] = await claimed("letter", "smtp")
    assert (again.id, again.attempt) == (row.id, 1)


async def test_a_delivery_that_loses_three_workers_is_poison_and_raises_an_alarm() -> None:
    await a_request()
    await a_request(email="other@example.com")
    for _time in range(3):
        await execute("UPDATE outbox SET next_at = 'infinity' WHERE recipients ? 'other@example.com'")
        assert len(await claimed("letter", "smtp")) == 1
        await expire_leases()
        await outbox.sweep(at=MONDAY)
    dead, alive = await outbox_rows()
    assert (dead["status"], dead["crash_count"], alive["status"]) == ("dead", 3, "pending")
    assert "poison" in dead["last_error"]
    assert await fetchval("SELECT key FROM alarm WHERE kind = 'delivery_poison'") == str(dead["id"])


# --- couriers ---------------------------------------------------------------------------------------------------------


class Slow:
    """A channel whose deliveries end when they are told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.seen: list[Claimed] = []

    async def take(self, places: int) -> list[Claimed]:
        return await claimed("letter", "smtp", places)

    async def deliver(self, row: Claimed) -> None:
        self.seen.append(row)
        await self.go.wait()
        await outbox.record([(row, Ended(status="delivered"))], at=MONDAY)


async def test_a_courier_that_closes_finishes_what_it_carries_and_takes_no_more() -> None:
    for number in range(3):
        await a_request(email=f"customer{number}@example.com")
    slow = Slow()
    courier = Courier(slow, most=lambda: 2)
    assert await courier.dispatch() == 2
    asyncio.get_running_loop().call_later(0.1, slow.go.set)
    await courier.close(patience=5)
    assert await courier.dispatch() == 0
    assert sorted(row["status"] for row in await outbox_rows()) == ["delivered", "delivered", "pending"]


async def test_what_does_not_end_in_time_is_given_back_unharmed() -> None:
    await a_request()
    courier = Courier(Slow())
    await courier.dispatch()
    await asyncio.sleep(0)
    await courier.close(patience=0.05)
    [row] = await outbox_rows()
    assert (row["status"], row["attempt"], row["crash_count"], row["claim_id"]) == ("pending", 0, 0, None)


# --- letters ----------------------------------------------------------------------------------------------------------


class Clerk:
    """A mail server that answers as it is told and keeps what it was given."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.taken: list[bytes] = []
        self.senders: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.senders.append(envelope.mail_from)
        self.taken.append(envelope.original_content)
        return self.answers.pop(0) if self.answers else "250 OK"


@pytest.fixture
async def clerk() -> AsyncIterator[tuple[Clerk, SmtpServer]]:
    one = Clerk()
    door = await open_door(one, host="127.0.0.1", port=0, size_limit=10**7)
    yield one, SmtpServer(host="127.0.0.1", port=door.port)
    await door.aclose()


async def test_letters_reach_the_local_mailbox_as_they_were_written(tmp_path: Path) -> None:
    ticket = await a_ticket()
    door = await open_mailbox(tmp_path, now=lambda: datetime.now(UTC))
    await drained(Courier(Letters(SmtpServer(host="127.0.0.1", port=door.port))))
    await door.aclose()
    kept = mailbox.letters(tmp_path)
    assert len(kept) == 2  # accepted, registered
    assert {row["status"] for row in await outbox_rows("channel = 'letter'")} == {"delivered"}
    raws = {mailbox.read(tmp_path, one.name) for one in kept}
    assert raws == {bytes(row["body"]) for row in await outbox_rows("channel = 'letter'")}
    assert any(f"#{ticket.number}" in one.subject for one in kept)


async def test_the_registration_letter_that_the_server_took_makes_the_request_accepted(
    clerk: tuple[Clerk, SmtpServer],
) -> None:
    ticket = await a_ticket()
    assert await fetchval("SELECT accepted_at FROM ticket WHERE id = $1", ticket.id) is None
    await drained(Courier(Letters(clerk[1])))
    assert await fetchval("SELECT accepted_at FROM ticket WHERE id = $1", ticket.id) is not None
    entry = await fetchrow("SELECT cause, actor_kind FROM journal WHERE trigger = 'accept'")
    assert entry["cause"].startswith("letter:")
    assert entry["actor_kind"] == "clock"
    await execute(
        "UPDATE outbox SET status = 'pending' WHERE type = 'registered'"
    )  # as after a crash before the record
    await drained(Courier(Letters(clerk[1])))
    assert await count("journal", "trigger = 'accept'") == 1
    assert await verify() == []


async def test_a_temporary_failure_is_tried_again_with_the_same_message_id(clerk: tuple[Clerk, SmtpServer]) -> None:
    server, address = clerk
    await a_request()
    server.answers = ["451 4.3.0 Later", "250 OK"]
    courier = Courier(Letters(address))
    assert await drained(courier) == 1
    [row] = await outbox_rows()
    assert (row["status"], row["attempt"]) == ("pending", 1)
    assert "451" in row["last_error"]
    assert timedelta(seconds=3) < row["next_at"] - datetime.now(UTC) < timedelta(seconds=7)
    await execute("UPDATE outbox SET next_at = $1", MONDAY)
    await drained(courier)
    first, second = (message_from_bytes(raw)["Message-ID"] for raw in server.taken)
    assert first == second
    assert [row["status"] for row in await outbox_rows()] == ["delivered"]
    assert [row["n"] for row in await fetch("SELECT n FROM attempt ORDER BY id")] == [1, 2]


async def test_letters_wait_while_the_mail_server_is_away_and_all_go_when_it_is_back(
    clerk: tuple[Clerk, SmtpServer], unused_tcp_port: int
) -> None:
    for number in range(3):
        await a_request(email=f"customer{number}@example.com")
    letters = Letters(SmtpServer(host="127.0.0.1", port=unused_tcp_port))
    await drained(Courier(letters))
    assert {row["status"] for row in await outbox_rows()} == {"pending"}
    letters._server = clerk[1]
    first = (await outbox_rows())[0]["id"]
    await execute("UPDATE outbox SET next_at = $1 WHERE id = $2", MONDAY, first)
    await drained(Courier(letters))
    assert {row["status"] for row in await outbox_rows()} == {"delivered"}


async def test_a_completion_letter_that_nobody_takes_holds_the_auto_close(clerk: tuple[Clerk, SmtpServer]) -> None:
    server, address = clerk
    ticket = await completed()
    await execute("UPDATE outbox SET status = 'delivered' WHERE type <> 'completed'")
    server.answers = ["550 5.1.1 No such user"]
    await drained(Courier(Letters(address)))
    row = await fetchrow("SELECT completion_bounced FROM ticket WHERE id = $1", ticket.id)
    assert row["completion_bounced"] is True
    assert await count("timer", "kind = 'auto_close:due' AND status = 'armed'") == 0
    assert "No such user" in await fetchval("SELECT bounced FROM letter WHERE kind = 'completed'")
    assert [row["status"] for row in await outbox_rows("type = 'completed'")] == ["dead"]
    assert await count("alarm", "kind = 'letter_dead'") == 1
    assert await verify() == []


async def test_a_letter_to_nobody_is_given_up_at_once(clerk: tuple[Clerk, SmtpServer]) -> None:
    await a_request()
    await execute("UPDATE outbox SET recipients = '[]'")
    await drained(Courier(Letters(clerk[1])))
    assert [row["status"] for row in await outbox_rows()] == ["dead"]


async def test_each_letter_leaves_under_a_bounce_address_of_its_own(clerk: tuple[Clerk, SmtpServer]) -> None:
    await a_request()
    await a_request(email="olga@example.com")
    await drained(Courier(Letters(clerk[1])))
    letters = {str(row["id"]) for row in await fetch("SELECT id FROM letter")}
    assert {str(HOUSE.letter_of_address(sender)) for sender in clerk[0].senders} == letters
    assert all(re.fullmatch(r"support\+b[a-z2-7]{38}@reglament\.example\.org", one) for one in clerk[0].senders)


async def test_a_server_that_minds_the_bounce_address_gets_the_letter_under_the_plain_one(
    clerk: tuple[Clerk, SmtpServer],
) -> None:
    await a_request()
    clerk[0].answers = ["553 5.7.1 Sender address rejected: not owned by auth user"]
    await drained(Courier(Letters(clerk[1])))
    assert clerk[0].senders[1:] == [HOUSE.mail_from]
    assert [row["status"] for row in await outbox_rows()] == ["delivered"]


async def test_without_plus_addresses_the_plain_one_is_the_sender(
    clerk: tuple[Clerk, SmtpServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HOUSE, "plus_addresses", False)
    await a_request()
    await drained(Courier(Letters(clerk[1])))
    assert clerk[0].senders == [HOUSE.mail_from]


def test_a_bounce_address_cannot_be_guessed() -> None:
    letter = uuid4()
    address = HOUSE.bounce_address(letter)
    assert len(address.partition("@")[0]) <= 64
    assert HOUSE.letter_of_address(address.upper()) == letter
    other = HOUSE.bounce_address(uuid4())
    swapped = other.partition("+b")[0] + "+b" + address.partition("+b")[2][:26] + other.partition("+b")[2][26:]
    for forged in (HOUSE.mail_from, swapped, address.replace("@", "x@"), address.replace("+b", "+c"), "", "a+b@c"):
        assert HOUSE.letter_of_address(forged) is None


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Path]:
    before = SHELF.folder
    SHELF.furnish(tmp_path)
    yield SHELF.folder
    SHELF.folder = before


async def an_answer_with(*brought: File) -> None:
    ticket = await a_ticket()
    await execute("DELETE FROM outbox")
    given = {"text": "See the picture.", "delivery_method": "email", "minutes": 30}
    await carry_out(
        ticket.id, "answer", by=OPERATOR, at=MONDAY, cause=f"request:{uuid4()}", given=given, files=brought
    )  # fmt: skip


async def test_a_letter_leaves_with_its_files_and_again_with_the_same_bytes(
    clerk: tuple[Clerk, SmtpServer], shelf: Path
) -> None:
    server, address = clerk
    server.answers = ["451 later"]
    await an_answer_with(File("снимок.png", "image/png", 3_000, files.keep(bytes(3_000))))
    await drained(Courier(Letters(address)))
    await execute("UPDATE outbox SET next_at = $1", MONDAY)
    await drained(Courier(Letters(address)))
    first, second = server.taken
    assert first == second
    (file,) = message_from_bytes(first, policy=policy.default).iter_attachments()  # type: ignore[attr-defined]
    assert (file.get_filename(), file.get_payload(decode=True)) == ("снимок.png", bytes(3_000))
    assert (await outbox_rows())[0]["status"] == "delivered"


async def test_a_letter_whose_file_is_gone_is_given_up_with_the_reason(
    clerk: tuple[Clerk, SmtpServer], shelf: Path
) -> None:
    await an_answer_with(File("снимок.png", "image/png", 3, files.keep(b"abc")))
    shutil.rmtree(shelf)
    await drained(Courier(Letters(clerk[1])))
    (row,) = await outbox_rows("channel = 'letter'")
    assert row["status"] == "dead"
    assert "file of this letter" in row["last_error"]
    assert clerk[0].taken == []


async def test_a_heavy_letter_has_more_time(
    clerk: tuple[Clerk, SmtpServer], shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    async def slow(raw: bytes, *, total_timeout: float, **_rest: object) -> Accepted:
        given.append(total_timeout)
        return Accepted(text="OK")

    monkeypatch.setattr("notifications.letters.send_letter", slow)
    await an_answer_with(File("big.zip", "application/zip", 6_000_000, files.keep(bytes(6_000_000))))
    await drained(Courier(Letters(clerk[1])))
    assert 20 < given[-1] < 30
    assert given[-1] < LEASE.total_seconds()
