"""What the worker forgets, and what it never does."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from notifications.post import Poster
from notifications.smtp import SmtpServer
from notifications.worker import Worker
from service import clock, files, retention
from service.address_guard import AddressGuard
from service.database import execute, fetch, fetchval
from service.files import SHELF
from service.retention import forget
from service.sessions import open_session
from service.settings import Settings
from service.verify import verify
from tests.desk import MONDAY, a_colleague, a_request, a_webhook, completed, count, outbox_rows

pytestmark = pytest.mark.usefixtures("regulation")
DAY = timedelta(days=1)
NOW = MONDAY + 100 * DAY
NOBODY = SmtpServer(host="127.0.0.1", port=9)


async def delivered(days_ago: int) -> None:
    """Everything in the outbox was delivered so long ago, each with an attempt."""
    at = NOW - days_ago * DAY
    await execute("UPDATE outbox SET status = 'delivered', delivered_at = $1, created_at = $1", at)
    await execute("DELETE FROM attempt")
    await execute("INSERT INTO attempt (outbox, n, started_at) SELECT id, 1, $1 FROM outbox", at)


async def test_deliveries_go_after_their_time_with_their_attempts_and_the_tickets_stay() -> None:
    await a_webhook("https://hooks.example.com/in")
    await completed()
    before = {table: await count(table) for table in ("journal", "event", "letter", "message", "ticket", "timer")}
    await delivered(days_ago=29)
    assert (await forget(at=NOW, keep=30 * DAY))["deliveries"] == 0
    await delivered(days_ago=31)
    assert (await forget(at=NOW, keep=30 * DAY))["deliveries"] > 1
    assert (await count("outbox"), await count("attempt")) == (0, 0)
    assert {table: await count(table) for table in before} == before
    assert await verify() == []


@pytest.mark.parametrize("status", ["pending", "dead", "parked", "cancelled"])
async def test_what_did_not_arrive_is_kept_however_old(status: str) -> None:
    await a_request()
    await delivered(days_ago=400)
    await execute("UPDATE outbox SET status = $1, delivered_at = NULL", status)
    await forget(at=NOW, keep=DAY)
    assert len(await outbox_rows()) == await count("attempt") == 1


async def test_letters_that_a_digest_carried_go_with_it() -> None:
    await a_request()
    await a_request()
    await delivered(days_ago=40)
    carrier, carried = [row["id"] for row in await outbox_rows()]
    await execute("UPDATE outbox SET status = 'merged', digest = $1 WHERE id = $2", carrier, carried)
    await forget(at=NOW, keep=30 * DAY)
    assert await outbox_rows() == []


async def test_it_goes_in_small_steps_and_goes_on_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for _number in range(5):
        await a_request()
    await delivered(days_ago=40)
    monkeypatch.setattr(retention, "BATCH", 1)
    monkeypatch.setattr(retention, "MOST_BATCHES", 3)
    assert (await forget(at=NOW, keep=30 * DAY))["deliveries"] == 3
    assert (await forget(at=NOW, keep=30 * DAY))["deliveries"] == 2


async def test_answers_to_repeated_requests_are_kept_for_two_days() -> None:
    for hours in (47, 49):
        await execute(
            "INSERT INTO idem (principal, key, request_hash, response, status, at) VALUES ('p', $1, '', '', 200, $2)",
            str(hours),
            NOW - timedelta(hours=hours),
        )
    assert (await forget(at=NOW, keep=30 * DAY))["answers"] == 1
    assert await fetchval("SELECT key FROM idem") == "47"


async def test_sessions_that_ended_are_swept() -> None:
    await a_colleague("anna@example.org")
    user = await fetchval("SELECT id FROM app_user")
    await open_session(user, at=NOW - DAY)
    await open_session(user, at=NOW)
    assert (await forget(at=NOW, keep=30 * DAY))["sessions"] == 1


async def test_moving_the_clock_of_the_desk_signs_nobody_out(tmp_path: Path) -> None:
    await a_colleague("anna@example.org")
    await open_session(await fetchval("SELECT id FROM app_user"), at=NOW)
    (tmp_path / "clock").write_text(f"{30 * DAY.total_seconds()}\n", "ascii")
    clock.configure(tmp_path / "clock")
    try:
        gone = await forget(at=NOW + 30 * DAY, keep=30 * DAY)
    finally:
        clock.configure(None)
    assert gone["sessions"] == 0


@pytest.mark.parametrize(("days", "kept"), [("2", 0), ("4", 1)])
async def test_the_setting_says_how_long_deliveries_are_kept(days: str, kept: int) -> None:
    settings = Settings.from_environment({"REGLAMENT_KEEP_DELIVERIES_DAYS": days})
    await a_request()
    await execute("UPDATE outbox SET status = 'delivered', delivered_at = $1", datetime.now(UTC) - 3 * DAY)
    poster = Poster(guard=AddressGuard(allowed_hosts=()))
    keep = timedelta(days=settings.keep_deliveries_days)
    await Worker(smtp=NOBODY, poster=poster, keep_deliveries=keep)._forget()
    await poster.aclose()
    assert len(await outbox_rows()) == kept


def test_nothing_removes_entries_or_events() -> None:
    statements = (retention.DELIVERIES + retention.ANSWERS).lower()
    assert "journal" not in statements
    assert "event " not in statements


async def test_links_of_accounts_go_a_month_after_their_end_and_a_used_registration_stays() -> None:
    for n, (kind, ended, used) in enumerate(
        [("reset", 31, False), ("invitation", 31, True), ("registration", 31, False), ("registration", 31, True),
         ("reset", 29, True)]
    ):  # fmt: skip
        await execute(
            "INSERT INTO account_link (id, kind, address, created_at, expires_at, ended_at, used) "
            "VALUES ($1, $2, $3, $4, $4, $4, $5)",
            UUID(int=n + 1), kind, f"p{n}@example.com", NOW - ended * DAY, used,
        )  # fmt: skip
    await forget(at=NOW, keep=30 * DAY)
    left = await fetch("SELECT address FROM account_link ORDER BY id")
    assert [row["address"] for row in left] == ["p3@example.com", "p4@example.com"]


async def test_files_of_forms_that_were_never_sent_go_after_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SHELF, "folder", tmp_path / "files")
    now = clock.now()
    loose, fresh, shown = (files.keep(name) for name in (b"loose", b"fresh", b"shown"))
    ticket = await a_request()
    await execute(
        "INSERT INTO attachment (id, ticket, filename, content_type, size, sha256) VALUES ($1, $2, 'x', 'y', 5, $3)",
        UUID(int=1), ticket.id, shown,
    )  # fmt: skip
    for sha256 in (loose, shown):
        os.utime(SHELF.place(sha256), ((now - 8 * DAY).timestamp(),) * 2)
    assert (await forget(at=now, keep=30 * DAY))["files"] == 1
    assert [SHELF.place(sha256).exists() for sha256 in (loose, fresh, shown)] == [False, True, True]


async def test_a_file_that_is_brought_again_counts_as_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SHELF, "folder", tmp_path / "files")
    now = clock.now()
    sha256 = files.keep(b"loose")
    os.utime(SHELF.place(sha256), ((now - 8 * DAY).timestamp(),) * 2)
    files.keep(b"loose")
    assert (await forget(at=now, keep=30 * DAY))["files"] == 0
