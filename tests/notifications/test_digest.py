"""What colleagues were not told at night they are told in one letter in the morning: all of it, in order, once."""

import asyncio
import multiprocessing
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from notifications import digests, outbox
from notifications.digests import gather
from notifications.letters import Letters
from notifications.mailbox import open_mailbox
from notifications.outbox import Courier
from notifications.smtp import SmtpServer
from notifications.timers import Timers
from service import failpoints
from service.actors import Actor
from service.database import DB, close_pool, execute, fetch, fetchval, start_pool
from service.regulations import NotPublishable, newest, publish
from service.verify import verify
from tests.desk import MONDAY, a_colleague, a_ticket, count
from tests.notifications.delivering import drained
from workflow.definition import Role
from workflow.regulation import Letter, Regulation

NIGHT = datetime(2025, 4, 8, 20, 0, tzinfo=UTC)  # 23:00 in Moscow
MORNING = datetime(2025, 4, 9, 6, 0, tzinfo=UTC)  # 09:00
OWNER = Actor(kind="staff", id="owner", name="Owner", role=Role.PROCESS_OWNER)

pytestmark = pytest.mark.usefixtures("regulation")


@pytest.fixture
async def boss(regulation: None) -> str:
    await a_colleague("boss@example.org", "supervisor")
    return "boss@example.org"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[SmtpServer]:
    """A mail server that keeps letters as files; the tickets here are of a past year, so that everything is due."""
    door = await open_mailbox(tmp_path, now=lambda: MORNING)
    yield SmtpServer(host="127.0.0.1", port=door.port)
    await door.aclose()


async def a_night(*, tickets: int = 3, priority: str = "P2") -> list[str]:
    """Tickets whose deadlines pass; found at night. Their numbers."""
    made = [await a_ticket(priority, MONDAY + timedelta(minutes=n)) for n in range(tickets)]
    await execute("DELETE FROM outbox")  # the letters to customers
    await Timers().fire_due(at=NIGHT)
    return [str(ticket.number) for ticket in made]


async def to_staff(kind: str | None = None) -> list[Any]:
    return await fetch(
        "SELECT o.*, l.subject, l.text FROM outbox o JOIN letter l ON l.id::text = o.event_id "
        "WHERE o.channel = 'letter' AND ($1::text IS NULL OR o.type = $1) ORDER BY o.id",
        kind,
    )


async def gathered(at: datetime = MORNING) -> int:
    async with DB.transaction(allow_nested=False):
        return await gather(at=at)


def received(folder: Path) -> list[Any]:
    return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.rglob("*.eml"))]


async def with_digest(**letters: Letter) -> None:
    """Publish another digest, or none."""
    version, current = await newest()
    changed = dict(current.letters) | {"digest": letters}
    document: Regulation = msgspec.structs.replace(current, letters=changed)
    # A published version never changes; this one is from before there were digests.
    await execute(
        "INSERT INTO regulation (version, document, effective_at, published_at, author, note, open_tickets) "
        "VALUES ($1, $2, $3, $3, '', '', 'keep')",
        version + 1, msgspec.json.encode(document).decode(), MONDAY,
    )  # fmt: skip


async def test_nothing_is_gathered_before_the_opening(boss: str) -> None:
    await a_night()
    assert await gathered(MORNING - timedelta(seconds=1)) == 0
    assert await count("outbox", "status = 'pending'") == 3


async def test_the_notices_of_a_night_are_one_letter_in_order(boss: str, server: SmtpServer, tmp_path: Path) -> None:
    numbers = await a_night()
    await drained(Courier(Letters(server)))
    [letter] = received(tmp_path)
    assert letter["To"] == boss
    assert "3 notices" in letter["Subject"]
    assert letter["Auto-Submitted"] == "auto-generated"
    text = letter.get_body(("plain",)).get_content()
    came = [row["subject"] for row in await to_staff("breach")]  # in the order in which the deadlines were noticed
    places = [text.index(subject) for subject in came]
    assert places == sorted(places)
    assert all(text.count(f"Deadline passed: {number}") == 1 for number in numbers)
    [digest] = await to_staff("digest")
    assert digest["status"] == "delivered"
    assert {(row["status"], row["digest"]) for row in await to_staff("breach")} == {("merged", digest["id"])}
    await drained(Courier(Letters(server)))
    assert len(received(tmp_path)) == 1
    assert await verify() == []


async def test_each_colleague_gets_a_digest_in_their_language(boss: str) -> None:
    await a_colleague("shef@example.org", "supervisor")
    await execute("UPDATE app_user SET language = 'ru' WHERE email = 'shef@example.org'")
    await a_night(tickets=2)
    assert await gathered() == 2
    assert [row["subject"] for row in await to_staff("digest")] == [
        "While the centre was closed: 2 notices",
        "Пока центр был закрыт: уведомлений — 2",
    ]


async def test_a_single_notice_stays_as_it_is(boss: str) -> None:
    await a_night(tickets=1)
    assert await gathered() == 0
    [row] = await to_staff()
    assert (row["type"], row["status"]) == ("breach", "pending")


async def test_what_quiet_hours_let_through_goes_at_once_and_alone(boss: str) -> None:
    await a_night(priority="P1")
    assert {row["next_at"] for row in await to_staff()} == {NIGHT}
    assert await gathered(NIGHT) == 0
    assert await gathered(MORNING) == 0


async def test_a_notice_that_was_tried_goes_its_own_way(boss: str) -> None:
    await a_night(tickets=3)
    await execute("UPDATE outbox SET attempt = 1 WHERE id = (SELECT min(id) FROM outbox)")
    assert await gathered() == 1
    assert [row["status"] for row in await to_staff("breach")] == ["pending", "merged", "merged"]


async def test_a_storm_is_split_rather_than_cut(boss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = await a_night(tickets=5)
    size = len((await to_staff())[0]["text"]) + 60
    monkeypatch.setattr(digests, "MOST_TEXT", 2 * size)
    assert await gathered() == 2
    told = "".join(row["text"] for row in await to_staff() if row["status"] == "pending")
    assert all(told.count(f"Ticket {number}") == 1 for number in numbers)


async def test_a_regulation_older_than_the_digest_uses_the_one_that_ships(boss: str) -> None:
    await a_night()
    await with_digest()
    assert await gathered() == 1


async def test_without_a_usable_digest_notices_go_one_by_one(boss: str) -> None:
    await a_night()
    await with_digest(en=Letter("{{ nobody.knows }}", "x"))
    assert await gathered() == 0
    assert {row["status"] for row in await to_staff()} == {"pending"}


def _send_until_killed(url: str, port: int) -> None:
    async def work() -> None:
        DB.configure(url)
        await start_pool()
        failpoints.arm(["outbox.claimed"], production=False)
        await drained(Courier(Letters(SmtpServer(host="127.0.0.1", port=port))))
        await close_pool()

    asyncio.run(work())


async def test_a_worker_that_is_killed_loses_nothing_and_repeats_nothing(
    boss: str, server: SmtpServer, tmp_path: Path, database_url: str
) -> None:
    await a_night()
    worker = multiprocessing.get_context("spawn").Process(target=_send_until_killed, args=(database_url, server.port))
    worker.start()
    await asyncio.to_thread(worker.join, 30)
    assert worker.exitcode == -signal.SIGKILL
    assert received(tmp_path) == []
    await execute("UPDATE outbox SET lease_until = clock_timestamp() - interval '1 second' WHERE status = 'sending'")
    await outbox.sweep(at=MORNING)
    await drained(Courier(Letters(server)))
    assert len(received(tmp_path)) == 1
    assert await fetchval("SELECT count(*) FROM outbox WHERE type = 'digest'") == 1


async def _gather_and_break_off() -> None:
    async with DB.transaction(allow_nested=False):
        assert await gather(at=MORNING) == 1
        raise ConnectionResetError("the worker is gone")


async def test_a_gathering_that_breaks_off_leaves_the_notices_as_they_were(boss: str) -> None:
    await a_night()
    with pytest.raises(ConnectionResetError):
        await _gather_and_break_off()
    assert {row["status"] for row in await to_staff()} == {"pending"}
    assert await to_staff("digest") == []
    assert await gathered() == 1


async def test_the_owners_check_asks_for_the_digest() -> None:
    version, current = await newest()
    broken = msgspec.structs.replace(current, letters=dict(current.letters) | {"digest": {}}, examples=())
    with pytest.raises(NotPublishable, match="digest"):
        await publish(broken, based_on=version, by=OWNER, at=MONDAY)
