"""From the bytes of a mail to a ticket and back again, on the real database."""

import asyncio
import os
import subprocess
import sys
from datetime import timedelta

import pytest

from notifications.mail import held, reading
from notifications.mail.ingest import ingest
from notifications.mail.parse import parse_mail
from notifications.mail.parsed import ParsedMail
from notifications.mail.reader import NotRead, Reader, ReaderDied
from notifications.mail.reading import read_stored
from service import files
from service.database import DB, fetch, fetchrow, fetchval
from service.files import open_file

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
HOURS = timedelta(hours=1)


async def test_a_mail_in_cp1251_with_a_picture_becomes_a_ticket_of_its_sender(centre, arrives, look, at):
    raw = (
        b"From: " + "Пётр".encode("cp1251") + b" <ivan.petrov@customer.example.com>\r\n"
        b"To: support@reglament.example.org\r\nMessage-ID: <cp@customer.example.com>\r\nSubject: "
        + "НЕ ОТКРЫВАЕТСЯ ОТЧЁТ".encode("cp1251")
        + b'\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
        b"Content-Type: text/plain; charset=windows-1251\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + "Отчёт не открывается после обновления.".encode("cp1251")
        + b'\r\n--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename="screen.png"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n" + __import__("base64").encodebytes(PNG) + b"\r\n--b--\r\n"
    )
    mail = await arrives(raw)
    assert (mail["status"], mail["kind"]) == ("done", "known_sender")
    ticket = await look.ticket(mail["ticket"])
    assert (ticket["state"], ticket["subject"]) == ("new", "НЕ ОТКРЫВАЕТСЯ ОТЧЁТ")
    assert ticket["text"] == "Отчёт не открывается после обновления."
    assert (ticket["organisation"], ticket["contact"]) == (centre.organisation, centre.contact)
    assert ticket["full_name"] == "Пётр Щукин"
    assert ticket["registration_due_at"] == at + 3 * HOURS
    [file] = await fetch("SELECT * FROM attachment WHERE ticket = $1", ticket["id"])
    assert (file["filename"], file["content_type"], file["refused"]) == ("screen.png", "image/png", "")
    with open_file(file["sha256"]) as kept:
        assert kept.read() == PNG
    [letter] = await look.letters()
    assert (letter["kind"], letter["recipient"]) == ("accepted", centre.owner)
    assert b"In-Reply-To: <cp@customer.example.com>" in letter["body"]
    assert await fetchval("SELECT original FROM mail WHERE id = $1", mail["id"]) == raw
    [entry] = await fetch("SELECT cause FROM journal")
    assert entry["cause"] == f"mail:{mail['id']}"


async def test_a_reply_with_the_number_answers_the_question_and_the_clock_runs_on(
    centre, a_mail, arrives, look, moves, at
):
    ticket = (await arrives(a_mail()))["ticket"]
    registered = await moves(ticket, "register", "start", "request_info")
    reply = a_mail(
        subject=f"RE: Заявка#{registered.number} вопрос",
        text="Версия 7.\n\n> Какая версия?",
        message_id="<two@customer.example.com>",
    )
    mail = await arrives(reply, at=at + 2 * HOURS)
    assert (mail["status"], mail["kind"], mail["ticket"]) == ("done", "resume", ticket)
    after = await look.ticket(ticket)
    assert after["state"] == "in_progress"
    assert await look.triggers(ticket) == ["receive", "register", "start", "request_info", "resume"]
    [said] = await fetch("SELECT * FROM message WHERE mail = $1", mail["id"])
    assert (said["reply"].strip(), said["direction"], said["author"]) == ("Версия 7.", "in", "Пётр Щукин")
    assert len(await look.tickets()) == 1
    assert len(await look.letters("accepted")) == 1


async def test_a_stranger_becomes_an_unidentified_ticket_and_is_asked_for_what_is_missing(
    centre, a_mail, arrives, look
):
    mail = await arrives(a_mail(sender="Ann <ann@elsewhere.example.net>", subject="Help", text="It does not start."))
    ticket = await look.ticket(mail["ticket"])
    assert (mail["kind"], ticket["organisation"], ticket["language"]) == ("unknown_sender", None, "en")
    [letter] = await look.letters()
    assert "full name of the organisation" in letter["text"]


async def test_a_refused_file_is_named_in_the_letter_and_the_ticket_is_made(centre, a_mail, arrives, look):
    mail = await arrives(a_mail(files=(("setup.png", b"MZ" + bytes(100)),)))
    [file] = await fetch("SELECT * FROM attachment WHERE ticket = $1", mail["ticket"])
    assert (file["filename"], file["refused"], file["sha256"]) == ("setup.png", "Files of this kind are not taken", "")
    [letter] = await look.letters("accepted")
    assert "setup.png" in letter["text"]


async def test_the_same_mail_through_two_mailboxes_makes_one_ticket_and_one_letter(centre, a_mail, arrives, look):
    first = await arrives(a_mail())
    second = await arrives(b"Received: from another.example.org\r\n" + a_mail())
    third = await arrives(a_mail())
    assert (second["status"], second["ticket"]) == ("duplicate", first["ticket"])
    assert str(first["id"]) in second["reason"]
    assert third["status"] == "duplicate"
    assert len(await look.tickets()) == 1
    assert len(await look.letters()) == 1


async def test_two_workers_that_read_two_copies_at_once_make_one_ticket(centre, a_mail, look, at):
    for _ in range(6):
        await ingest(a_mail(), envelope_from=centre.owner, recipients=[], source="smtp", at=at)
    await asyncio.gather(*(asyncio.create_task(read_stored(at)) for _ in range(4)))
    statuses = sorted(row["status"] for row in await fetch("SELECT status FROM mail"))
    assert statuses == ["done"] + ["duplicate"] * 5
    assert len(await look.tickets()) == 1
    assert len(await look.letters()) == 1


async def test_another_mail_under_the_same_message_id_is_another_mail_with_a_warning(centre, a_mail, arrives, look):
    await arrives(a_mail())
    other = await arrives(a_mail(subject="Совсем другое", text="Не печатает принтер"))
    assert (other["status"], len(await look.tickets())) == ("done", 2)
    assert "Message-ID" in other["reason"]


async def test_mails_without_a_message_id_are_told_apart_by_their_bytes(centre, a_mail, arrives, look):
    one = await arrives(a_mail(message_id=None))
    again = await arrives(a_mail(message_id=None))
    other = await arrives(a_mail(message_id=None, text="Другое"))
    assert [one["status"], again["status"], other["status"]] == ["done", "duplicate", "done"]
    assert one["message_id"].endswith("@no-message-id")


async def test_the_same_place_of_a_mailbox_is_stored_once(centre, a_mail, at):
    facts = {"envelope_from": "", "recipients": [], "source": "imap INBOX 7 42", "at": at}
    assert await ingest(a_mail(), **facts) == await ingest(a_mail(), **facts)
    assert await fetchval("SELECT count(*) FROM mail") == 1


async def test_a_mail_that_cannot_be_read_fails_alone_and_can_be_read_again(
    centre, a_mail, arrives, look, at, monkeypatch: pytest.MonkeyPatch
):
    class Stumbling(Reader):
        async def read(self, raw: bytes) -> ParsedMail:
            if b"stone" in raw:
                raise NotRead("a stone")
            return parse_mail(raw)

    monkeypatch.setattr(reading, "READER", Stumbling())
    await ingest(a_mail(subject="stone"), envelope_from="", recipients=[], source="pipe", at=at)
    good = await arrives(a_mail(message_id="<good@customer.example.com>"), at=at + HOURS)
    assert good["status"] == "done"
    [bad] = await fetch("SELECT * FROM mail WHERE status = 'failed'")
    assert "a stone" in bad["reason"]
    assert bad["original"] == a_mail(subject="stone")
    [timer] = await fetch("SELECT * FROM timer WHERE subject = $1", bad["id"])
    assert (timer["kind"], timer["due_at"], timer["status"]) == ("held:due", at + 3 * HOURS, "armed")


async def test_a_database_that_goes_away_leaves_the_mail_to_be_read_later(
    centre, a_mail, at, monkeypatch: pytest.MonkeyPatch
):
    await ingest(a_mail(), envelope_from="", recipients=[], source="pipe", at=at)

    async def gone(*_args: object, **_given: object) -> None:
        raise ConnectionResetError("gone")

    monkeypatch.setattr(reading, "sort", gone)
    with pytest.raises(ConnectionResetError):
        await read_stored(at)
    assert await fetchval("SELECT status FROM mail") == "stored"
    assert DB.current_transaction.get() is None


async def test_a_mail_over_which_the_reading_process_dies_is_given_up_after_three_times(
    centre, a_mail, look, at, monkeypatch: pytest.MonkeyPatch
):
    dying = Reader((sys.executable, "-c", "import os, sys; sys.stdin.buffer.read(9); os.abort()"))
    monkeypatch.setattr(reading, "READER", dying)
    await ingest(a_mail(), envelope_from=centre.owner, recipients=[], source="smtp", at=at)
    states = []
    for _ in range(4):
        await read_stored(at)
        states.append(tuple(await fetchrow("SELECT status, attempts FROM mail")))
    dying.close()
    assert states == [("stored", 1), ("stored", 2), ("failed", 3), ("failed", 3)]
    [mail] = await held.list_held()
    assert "the reading process ended" in mail.reason
    monkeypatch.undo()
    await held.read_again(mail.id, by=centre.operator, at=at)
    await read_stored(at)
    assert len(await look.tickets()) == 1


async def test_a_full_disk_is_tried_again_and_blocks_no_other_mail(
    centre, a_mail, arrives, look, at, monkeypatch: pytest.MonkeyPatch
):
    def full(_data: bytes) -> str:
        raise FileNotFoundError("the disk is gone")

    monkeypatch.setattr(files, "keep", full)
    await ingest(a_mail(files=(("a.png", PNG),)), envelope_from="", recipients=[], source="pipe", at=at)
    other = await arrives(a_mail(message_id="<o@x.example.com>", text="Без файла"), at=at + HOURS)
    assert other["status"] == "done"
    monkeypatch.undo()
    await read_stored(at)
    assert [row["status"] for row in await fetch("SELECT status FROM mail")] == ["done", "done"]
    assert len(await look.tickets()) == 2


async def test_a_mail_over_which_the_reader_hangs_is_stopped_in_time():
    hanging = Reader((sys.executable, "-c", "import time; time.sleep(60)"), seconds=0.3)
    with pytest.raises(ReaderDied):
        await hanging.read(b"Subject: x\r\n\r\n")
    hanging.close()


async def test_the_next_mail_is_with_the_reader_while_one_is_sorted(
    centre, a_mail, look, at, monkeypatch: pytest.MonkeyPatch
):
    asked: list[bytes] = []
    two_asked = asyncio.Event()

    class Noting(Reader):
        async def read(self, raw: bytes) -> ParsedMail:
            asked.append(raw)
            if len(asked) == 2:
                two_asked.set()
            return parse_mail(raw)

    async def patient(*args, **given):
        await asyncio.wait_for(two_asked.wait(), 10)
        return await sort(*args, **given)

    sort = reading.sort
    monkeypatch.setattr(reading, "READER", Noting())
    monkeypatch.setattr(reading, "sort", patient)
    for n in range(2):
        await ingest(a_mail(message_id=f"<{n}@x.example.com>"), envelope_from="", recipients=[], source="pipe", at=at)
    assert await read_stored(at) == 2
    assert len(await look.tickets()) == 2


async def test_workers_together_read_each_mail_once(centre, a_mail, look, at, monkeypatch: pytest.MonkeyPatch):
    read: list[bytes] = []

    class Noting(Reader):
        async def read(self, raw: bytes) -> ParsedMail:
            read.append(raw)
            await asyncio.sleep(0.01)
            return parse_mail(raw)

    monkeypatch.setattr(reading, "READER", Noting())
    for n in range(12):
        await ingest(a_mail(message_id=f"<{n}@x.example.com>"), envelope_from="", recipients=[], source="pipe", at=at)
    assert sum(await asyncio.gather(*(asyncio.create_task(read_stored(at)) for _ in range(3)))) == 12
    assert len(read) == 12
    assert len(await look.tickets()) == 12


async def test_fifty_mails_make_fifty_tickets_however_often_the_worker_is_stopped(centre, a_mail, look, at):
    for n in range(50):
        raw = a_mail(sender=f"p{n}@many.example.net", subject=f"Тема {n}", message_id=f"<{n}@many.example.net>")
        await ingest(raw, envelope_from="", recipients=[], source="pipe", at=at)
    stops = 0
    while await fetchval("SELECT count(*) FROM mail WHERE status = 'stored'"):
        reading_now = asyncio.create_task(read_stored(at))
        done, _ = await asyncio.wait({reading_now}, timeout=0.03 + 0.011 * (stops % 7))
        stops += not done
        reading_now.cancel()
        await asyncio.wait({reading_now})
    assert stops > 2
    assert len(await look.tickets()) == 50
    assert len({letter["recipient"] for letter in await look.letters("accepted")}) == 50
    assert len(await look.letters()) == 50
    assert {row["status"] for row in await fetch("SELECT status FROM mail")} == {"done"}


async def test_the_reader_gives_what_the_parser_gives(a_mail):
    raw = a_mail(files=(("screen.png", PNG),), Date="Mon, 04 May 2026 10:00:00 +0300")
    reader = Reader()
    try:
        assert await reader.read(raw) == parse_mail(raw)
        assert (await reader.read(b"")).subject == ""
    finally:
        reader.close()


async def test_the_command_asks_to_come_again_while_nothing_runs(tmp_path, a_mail):
    def run() -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [sys.executable, "-m", "service.cli", "mail", "ingest"],
            input=a_mail(), capture_output=True, check=False,
            env={**os.environ, "REGLAMENT_HOME": str(tmp_path / "nothing")},
        )  # fmt: skip

    done = await asyncio.to_thread(run)
    assert done.returncode == 75, done.stderr


async def test_the_command_stores_the_mail_byte_for_byte(centre, tmp_path, a_mail, database_url, redis_url):
    def run() -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [sys.executable, "-m", "service.cli", "mail", "ingest", "--from=a@x.example.com", "--to=b@y.example.com"],
            input=a_mail(), capture_output=True, check=False,
            env={
                **os.environ, "REGLAMENT_HOME": str(tmp_path),
                "REGLAMENT_DATABASE_URL": database_url, "REGLAMENT_REDIS_URL": redis_url,
            },
        )  # fmt: skip

    done = await asyncio.to_thread(run)
    assert done.returncode == 0, done.stderr
    row = await fetchrow("SELECT * FROM mail")
    assert (row["original"], row["source"], row["envelope_from"]) == (a_mail(), "pipe", "a@x.example.com")
    assert (row["status"], row["recipients"]) == ("stored", '["b@y.example.com"]')
