"""Mail in the wild, through the whole way in: damaged, huge, nested. Nothing is lost and the next mail flows."""

import random
import time
from email.message import EmailMessage

import pytest

from notifications.mail.ingest import ingest
from notifications.mail.reader import READER
from notifications.mail.reading import read_stored
from service.database import fetch, fetchval
from tests.notifications.mail.test_fuzz import SAMPLE, SPLINTERS

SETTLED = {"done", "held", "dropped", "spam", "duplicate"}


@pytest.fixture(autouse=True)
def _reader():
    yield
    READER.close()


def corpus(a_mail) -> list[bytes]:
    """Mails of every kind that tests make: plain, with files, HTML, automatic, a bounce, in Russian code pages."""
    rich = EmailMessage()
    rich["From"], rich["Subject"] = "Щукин <ivan.petrov@customer.example.com>", "Вложение"
    rich.set_content("Смотрите.\n\nОт: Иван\nТема: старая\n\nстарый текст")
    rich.add_alternative("<p>Смотрите<img src='cid:a'></p><blockquote type=cite>старый</blockquote>", subtype="html")
    rich.add_attachment(b"\x89PNG\r\n\x1a\n" + bytes(64), maintype="image", subtype="png", filename="снимок.png")
    header = "From: ivan.petrov@customer.example.com\r\nSubject: Сбой\r\n\r\nПривет, не работает вход.\r\n"
    return [
        SAMPLE,
        a_mail(),
        a_mail(subject="Заявка#2026-00001", In_Reply_To="<one@customer.example.com>"),
        a_mail(Auto_Submitted="auto-replied"),
        a_mail(files=(("a.zip", b"PK\x03\x04" + bytes(80)), ("b.rar", b"Rar!\x1a\x07\x00" + bytes(80)))),
        rich.as_bytes(),
        header.encode("cp1251"),
        header.encode("koi8-r"),
    ]


def damaged(raw: bytes, chance: random.Random) -> bytes:
    made = bytearray(raw)
    for _ in range(chance.randint(1, 15)):
        place = chance.randrange(len(made) or 1)
        way = chance.randrange(5)
        if way == 0 and made:
            made[place] = chance.randrange(256)
        elif way == 1:
            del made[place : place + chance.randint(1, 80)]
        elif way == 2:
            made[place:place] = chance.choice(SPLINTERS)
        elif way == 3:
            made[place:place] = made[place : place + chance.randint(1, 200)]
        else:
            made[place:place] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 20)))
    return bytes(made)


@pytest.mark.parametrize("count", [60, pytest.param(3_000, marks=pytest.mark.long)])
async def test_damaged_mails_are_all_kept_and_all_settled(centre, a_mail, at, count):
    chance, mails = random.Random(count), corpus(a_mail)
    sent: dict[object, bytes] = {}
    for n in range(count):
        raw = damaged(chance.choice(mails), chance)
        sender = chance.choice(["", centre.owner, "x" * 400, "п@я", "a\x00b@c"])
        id = await ingest(raw, envelope_from=sender, recipients=["support@reglament.example.org"], source="pipe", at=at)
        sent[id] = raw
        if n % 50 == 49 or n == count - 1:
            await read_stored(at, limit=200)
    rows = await fetch("SELECT id, original, status, reason FROM mail")
    assert {row["id"]: bytes(row["original"]) for row in rows} == sent
    assert [(row["reason"], sent[row["id"]]) for row in rows if row["status"] not in SETTLED] == []
    lost = await fetch("SELECT id FROM mail WHERE status = 'held' AND id NOT IN (SELECT subject FROM timer)")
    assert lost == []


def parts(count: int) -> bytes:
    part = b"--B\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    return b"From: a@example.net\r\nSubject: parts\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n" + part * count


def nested(count: int) -> bytes:
    level = b"From: a@example.net\r\nSubject: nested\r\nContent-Type: message/rfc822\r\n\r\n"
    return level * count + b"Subject: innermost\r\n\r\nx\r\n"


def long_header(size: int) -> bytes:
    values = b"".join(b" <%d@example.net>\r\n" % n for n in range(size // 20))
    return b"From: a@example.net\r\nSubject: header\r\nReferences:\r\n" + values + b"\r\nIt does not start.\r\n"


def huge(size: int) -> bytes:
    head = b"From: a@example.net\r\nSubject: huge\r\n\r\n"
    return head + b"It does not start, and this is why.\r\n" * (size // 37)


MONSTERS = [
    pytest.param(lambda: parts(10_000), 30, id="10,000 parts"),
    pytest.param(lambda: nested(500), 30, id="500 nested mails"),
    pytest.param(lambda: long_header(300_000), 30, id="300 KB header"),
    pytest.param(lambda: huge(32 * 1024 * 1024), 60, id="32 MB"),
    pytest.param(lambda: huge(40 * 1024 * 1024), 60, id="40 MB", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("monster", "seconds"), MONSTERS)
async def test_a_monster_is_kept_whole_within_limits_and_the_next_mail_flows(
    centre, a_mail, arrives, look, at, monster, seconds
):
    raw = monster()
    id = await ingest(raw, envelope_from="a@example.net", recipients=[], source="smtp 127.0.0.1", at=at)
    began = time.monotonic()
    after = await arrives(a_mail())
    assert time.monotonic() - began < seconds
    assert after["status"] == "done"
    assert after["ticket"] is not None
    row = (await fetch("SELECT status, kind FROM mail WHERE id = $1", id))[0]
    assert row["status"] in SETTLED
    if len(raw) > 30 * 1024 * 1024:
        assert (row["status"], row["kind"]) == ("held", "too_big")
    assert await fetchval("SELECT original = $2 FROM mail WHERE id = $1", id, raw)
