"""The local mailbox keeps letters as files, lists them newest first and gives away nothing else."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from notifications.mailbox import open_mailbox
from notifications.smtp import Accepted, SmtpServer, TemporaryFailure, send_letter
from service import mailbox
from service.mailbox import NoSuchLetter, keep, letters, read

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def a_letter(subject: str = "Заявка#A-1 принята") -> bytes:
    message = EmailMessage()
    message["From"] = "Служба поддержки <support@example.org>"
    message["To"] = "client@example.com"
    message["Subject"] = subject
    message.set_content("Здравствуйте!\n.\n..точки в начале строки\n")
    return message.as_bytes()


async def sent(raw: bytes, folder: Path) -> object:
    door = await open_mailbox(folder, now=lambda: NOON)
    result = await send_letter(
        raw,
        envelope_from="bounces@example.org",
        recipients=["client@example.com"],
        server=SmtpServer(host="127.0.0.1", port=door.port),
    )
    await door.aclose()
    return result


async def test_a_letter_sent_is_a_file_with_its_exact_bytes(tmp_path: Path) -> None:
    raw = a_letter().replace(b"\n", b"\r\n")
    result = await sent(raw, tmp_path / "mailbox")

    kept = letters(tmp_path / "mailbox")
    assert isinstance(result, Accepted)
    assert os.listdir(tmp_path / "mailbox") == [kept[0].name]
    assert read(tmp_path / "mailbox", kept[0].name) == raw
    assert kept[0].name in result.text


async def test_the_list_reads_like_a_mailbox(tmp_path: Path) -> None:
    await sent(a_letter(), tmp_path)
    (letter,) = letters(tmp_path)
    assert letter.at == NOON
    assert letter.sender == "Служба поддержки <support@example.org>"
    assert letter.to == "client@example.com"
    assert letter.subject == "Заявка#A-1 принята"


def test_the_newest_come_first_and_the_list_is_limited(tmp_path: Path) -> None:
    for minute in (2, 0, 1):
        keep(tmp_path, a_letter(f"letter {minute}"), at=NOON + timedelta(minutes=minute))
    assert [letter.subject for letter in letters(tmp_path)] == ["letter 2", "letter 1", "letter 0"]
    assert len(letters(tmp_path, limit=2)) == 2


def test_malformed_headers_are_listed_as_they_stand(tmp_path: Path) -> None:
    keep(tmp_path, b"Subject: =?no-such-charset?b?AAAA?= x\r\nFrom: \xff\r\n\r\nbody", at=NOON)
    keep(tmp_path, b"Subject: =?utf-8?b?====A?=\r\n\r\n", at=NOON)
    keep(tmp_path, b"", at=NOON)
    assert len(letters(tmp_path)) == 3


def test_a_mailbox_that_never_was_is_empty(tmp_path: Path) -> None:
    assert letters(tmp_path / "none") == []


@pytest.mark.parametrize(
    "name",
    [
        "../secret.eml",
        "/etc/passwd",
        "..",
        "",
        "secret.eml",
        "20260101T120000.000000Z-0123456789ab.eml/../../secret.eml",
        "20260101T120000.000000Z-0123456789ab.eml\n",
        "20260101T120000.000000Z-0123456789ab.eml",
    ],
)
def test_nothing_but_letters_can_be_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret.eml").write_text("secret")
    folder = tmp_path / "mailbox"
    folder.mkdir()
    (folder / "secret.eml").write_text("secret")
    with pytest.raises(NoSuchLetter):
        read(folder, name)


def test_strangers_files_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".20260101T120000.000000Z-0123456789ab.eml.tmp").write_text("half")
    assert letters(tmp_path) == []


async def test_when_the_disk_refuses_the_sender_is_told_to_try_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mailbox.os, "fsync", full)
    result = await sent(a_letter(), tmp_path)
    assert isinstance(result, TemporaryFailure)
    assert result.code == 451
    assert os.listdir(tmp_path) == []


async def test_many_letters_at_once_are_all_kept(tmp_path: Path) -> None:
    door = await open_mailbox(tmp_path, now=lambda: NOON)
    server = SmtpServer(host="127.0.0.1", port=door.port)
    results = await asyncio.gather(
        *(
            send_letter(a_letter(f"n {n}"), envelope_from="", recipients=["client@example.com"], server=server)
            for n in range(30)
        )
    )
    await door.aclose()
    assert all(isinstance(result, Accepted) for result in results)
    assert {letter.subject for letter in letters(tmp_path)} == {f"n {n}" for n in range(30)}
