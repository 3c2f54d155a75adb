"""A person asks to be forgotten: nothing of him is left in any table or file, and every journal is still whole."""

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.errors import MessageError
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from notifications.mail import held
from service import mailbox
from service.actors import Actor, customer
from service.change import File
from service.contacts import merge_contacts
from service.customer_sessions import open_customer_session
from service.customers import Registration, change_profile, invite, redeem, register
from service.database import execute, fetch, fetchrow, fetchval
from service.erasure import StillOpen, erase
from service.files import SHELF, keep
from service.house import HOUSE
from service.signed_links import use
from service.tickets import carry_out
from service.verify import verify
from tests.notifications.mail.conftest import START
from workflow.definition import Role
from workflow.errors import NotFound

ADMIN = Actor(kind="staff", id="1", name="Anna", role=Role.ADMINISTRATOR)
HIS = b"\x89PNG\r\n\x1a\n" + b"his" + bytes(61)
SHARED = b"\x89PNG\r\n\x1a\n" + b"shared" + bytes(58)
OLGAS_WORDS = "Крокодил в накладной."
# Each stands somewhere else: his name, addresses and telephone, and words that only he said.
TRACES = ("щукин", "ivan.petrov", "pshch", "999 123", "носорог", "жираф", "бегемот", "портфель", "снимок")
DONE = {"text": "Исправлено для Щукина.", "delivery_method": "email", "minutes": 30, "outcome": "solved"}


def readable(data: bytes) -> Iterator[str]:
    """What the bytes say, as they stand and read as a mail."""
    yield data.decode("utf-8", "ignore")
    if b"\nFrom:" not in data and not data.startswith(b"From:"):
        return
    letter = message_from_bytes(data, policy=policy.default)
    yield " ".join(str(value) for value in letter.values())
    for part in letter.walk():
        yield str(part.get_filename() or "")
        if part.get_content_maintype() == "text":
            try:
                yield str(part.get_content())
            except (LookupError, MessageError):
                continue


async def traces_left() -> dict[str, set[str]]:
    """In which tables and folders each trace still stands."""
    found: dict[str, set[str]] = {}

    def look(where: str, told: str) -> None:
        for trace in TRACES:
            if trace in told.lower():
                found.setdefault(trace, set()).add(where)

    for row in await fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        table = row["tablename"]
        for one in await fetch(f'SELECT t::text AS whole, t.* FROM "{table}" t'):
            look(table, one["whole"])
            for value in one.values():
                for said in readable(value) if isinstance(value, bytes) else ():
                    look(table, said)
    for folder in (SHELF.folder, SHELF.mailbox):
        for path in (one for one in folder.rglob("*") if one.is_file()):
            for said in readable(path.read_bytes()):
                look(folder.name, said)
    return found


async def does(ticket: UUID, trigger: str, by: Actor, *brought: File, **given: object) -> None:
    at = START + timedelta(hours=1)
    await carry_out(ticket, trigger, by=by, at=at, cause=f"request:{uuid4()}", given=given, files=brought)


@pytest.fixture
async def life(centre, a_mail, arrives) -> Any:
    """What Pyotr left behind: a ticket, words in Olga's, a second record, an account, mail set aside, answers."""
    at, operator, pyotr = START, centre.operator, centre.contact
    await execute("UPDATE contact SET phone = '+7 999 123-45-67' WHERE id = $1", pyotr)
    he = customer(id=str(pyotr), name="Пётр Щукин")

    # His own ticket, with a picture; it bounces, is confirmed by a link, and programs were answered about it.
    own = (await arrives(a_mail(subject="Носорог", text="Носорог не печатается.", message_id="<a@ivan.petrov.example>",
                                files=(("снимок.png", HIS), ("общий.png", SHARED)))))["ticket"]  # fmt: skip
    await does(own, "register", operator, priority="P2")
    await does(own, "start", operator)
    await does(own, "comment", operator, text="Щукин нервничает")
    await does(own, "complete", operator, File("снимок решения.png", "image/png", len(HIS), keep(HIS)), **DONE)
    link = await fetchval("SELECT id FROM signed_link WHERE ticket = $1 AND act = 'confirm'", own)
    await use("confirm", HOUSE.sign("confirm", link), at=at + timedelta(hours=2), who="Пётр Щукин из дома")

    # Words of his in the ticket of a colleague: by mail, in the cabinet, and split off into one more.
    olgas = a_mail(sender=centre.colleague, subject="Накладная", text=OLGAS_WORDS, message_id="<b@x>",
                   files=(("общий.png", SHARED),))  # fmt: skip
    hers = (await arrives(olgas, envelope_from=centre.colleague))["ticket"]
    await does(hers, "register", operator, priority="P3")
    number = await fetchval("SELECT number FROM ticket WHERE id = $1", hers)
    joined = await arrives(a_mail(subject=f"Re: Заявка#{number}", text="У меня тоже: жираф.", message_id="<c@x>",
                                  files=(("снимок.png", HIS),)))  # fmt: skip
    assert joined["ticket"] == hers
    await does(hers, "reply", he, text="Ещё и бегемот.")
    giraffe = await fetchval("SELECT id FROM message WHERE text LIKE '%жираф%'")
    await does(hers, "split", operator, message=str(giraffe), subject="Отдельный вопрос")
    split = await fetchval("SELECT ticket FROM ticket_link WHERE relation = 'split'")
    for ticket in (hers, split):
        await does(ticket, "withdraw", operator, text="Не нужно")

    # Another record of his, merged; an account, its letters and a browser; a registration that was given up.
    other = await fetchval(
        "INSERT INTO contact (organisation, full_name, position, phone, language, created_at) "
        "VALUES ($1, 'П. Щукин', '', '', 'ru', $2) RETURNING id", centre.organisation, at,
    )  # fmt: skip
    await execute("INSERT INTO contact_address (address, contact) VALUES ('pshch@home.example.net', $1)", other)
    second = (await arrives(a_mail(sender="pshch@home.example.net", subject="Из дома", message_id="<d@x>"),
                            envelope_from="pshch@home.example.net"))["ticket"]  # fmt: skip
    await does(second, "withdraw", operator, text="Не нужно")
    await merge_contacts(pyotr, other, by=ADMIN, at=at)
    await invite(pyotr, sees="own", by=ADMIN, at=at)
    await redeem(HOUSE.sign("cabinet/account", await fetchval("SELECT id FROM account_link")), at=at)
    await open_customer_session(pyotr, at=at)
    await change_profile(pyotr, full_name="Пётр Щукин", position="Инженер", phone="+7 999 123-45-67", language="ru",
                         by=he, at=at)  # fmt: skip
    await register(Registration(email=centre.owner, full_name="Пётр Щукин", organisation="Щукин и партнёры"), at=at)

    # A mail of his that was set aside, a digest that told of his ticket, answers of the API, an error of a mail server.
    mail = await arrives(a_mail(subject="Портфель", text="Портфель.", message_id="<e@x>", List_Id="<n.example.net>"))
    await held.drop(mail["id"], by=operator, at=at)
    digest = uuid4()
    await execute(
        "INSERT INTO letter (id, seq, kind, letter_id, recipient, subject, text, at) "
        "VALUES ($1, 0, 'digest', 'digest@x', 'boss@desk.example.org', 'Ночью', 'Носорог: срок вышел', $2)", digest, at,
    )  # fmt: skip
    carrier = await fetchval(
        "INSERT INTO outbox (event_id, channel, endpoint, seq, type, recipients, body, next_at, created_at) "
        "VALUES ($1, 'letter', 'smtp', 0, 'digest', '[]', $2, $3, $3) RETURNING id",
        str(digest), "From: a@x\nMessage-ID: <digest@x>\n\nНосорог: срок вышел".encode(), at,
    )  # fmt: skip
    first = await fetchrow("SELECT id, event_id FROM outbox WHERE ticket = $1 AND channel = 'letter' LIMIT 1", own)
    await execute("UPDATE outbox SET digest = $2, status = 'merged', last_error = $3 WHERE id = $1",
                  first["id"], carrier, f"550 {centre.owner} unknown")  # fmt: skip
    await execute("INSERT INTO attempt (outbox, n, error) VALUES ($1, 1, $2)", first["id"], f"550 {centre.owner}")
    await execute("UPDATE letter SET bounced = $2 WHERE id::text = $1", first["event_id"], f"550 {centre.owner}")
    await execute(
        "INSERT INTO alarm (kind, key, sentence, params, at) VALUES ('letter_dead', $1, 'No: {why}', $2, $3)",
        first["event_id"], msgspec.json.encode({"why": f"550 {centre.owner}"}).decode(), at,
    )  # fmt: skip
    answers = [(200, msgspec.json.encode({"id": str(own), "full_name": "Пётр Щукин"})),
               (201, msgspec.json.encode({"id": "1", "addresses": [centre.owner], "full_name": "Пётр Щукин"})),
               (0, b"\xff\xfe" + bytes(14)), (204, b"")]  # fmt: skip
    for n, (status, response) in enumerate(answers):
        await execute("INSERT INTO idem (principal, key, request_hash, response, status, at) "
                      "VALUES ('token:1', $1, '', $2, $3, $4)", f"k{n}", response, status, at)  # fmt: skip
    for row in await fetch("SELECT body FROM outbox WHERE channel = 'letter' AND body <> ''"):
        mailbox.keep(SHELF.mailbox, bytes(row["body"]), at=at)
    return centre, hers


async def test_nothing_of_a_person_is_left_anywhere_and_every_journal_is_whole(life) -> None:
    centre, _hers = life
    before = await traces_left()
    assert before.keys() == set(TRACES)  # else this test would see nothing
    assert before["ivan.petrov"] >= {
        "ticket", "mail", "letter", "outbox", "attempt", "alarm", "idem", "contact_address", "signed_link", "mailbox",
    }  # fmt: skip
    journal = await fetch("SELECT ticket, seq, body, hash FROM journal ORDER BY id")
    erased = await erase(centre.contact, by=ADMIN, at=START + timedelta(days=1))
    assert (erased.tickets, erased.messages > 5) == (2, True)
    assert await traces_left() == {}
    assert await verify() == []
    assert await fetch("SELECT ticket, seq, body, hash FROM journal ORDER BY id") == journal
    kept = await fetchrow("SELECT * FROM idem WHERE key = 'k2'")
    assert kept is not None  # what is nobody's stays


async def test_what_others_said_stays_and_is_still_found(life) -> None:
    centre, hers = life
    await erase(centre.contact, by=ADMIN, at=START + timedelta(days=1))
    row = await fetchrow("SELECT * FROM ticket WHERE id = $1", hers)
    assert (row["full_name"], row["email"], row["subject"]) == ("Ольга Зайцева", centre.colleague, "Накладная")
    assert await fetchval("SELECT text FROM message WHERE ticket = $1 ORDER BY at, id LIMIT 1", hers) == OLGAS_WORDS
    found = "SELECT count(*) FROM ticket WHERE search @@ websearch_to_tsquery('russian', $1)"
    assert (await fetchval(found, "крокодил"), await fetchval(found, "Зайцева")) == (1, 2)
    files = [path for path in SHELF.folder.rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in files] == [SHARED]
    assert len(list(SHELF.mailbox.glob("*.eml"))) > 0


async def test_nobody_is_forgotten_while_work_needs_him(centre, a_mail, arrives) -> None:
    mine = (await arrives(a_mail()))["ticket"]
    hers = (await arrives(a_mail(sender=centre.colleague, message_id="<b@x>"), envelope_from=centre.colleague))[
        "ticket"
    ]
    he = customer(id=str(centre.contact), name="Пётр Щукин")
    await does(hers, "reply", he, text="И у меня")
    waiting = await arrives(a_mail(message_id="<c@x>", List_Id="<n.example.net>"))
    at = START + timedelta(days=1)
    for count, settle in (("3", does(mine, "withdraw", centre.operator, text="x")),
                          ("2", does(hers, "withdraw", centre.operator, text="x")),
                          ("1", held.drop(waiting["id"], by=centre.operator, at=at))):  # fmt: skip
        with pytest.raises(StillOpen) as refused:
            await erase(centre.contact, by=ADMIN, at=at)
        assert refused.value.params["count"] == count
        await settle
    await erase(centre.contact, by=ADMIN, at=at)


async def test_an_address_that_somebody_else_has_today_is_told_of_that_person(centre, a_mail, arrives) -> None:
    ticket = (await arrives(a_mail()))["ticket"]
    await does(ticket, "withdraw", centre.operator, text="x")
    heir = await fetchval("SELECT id FROM contact WHERE id <> $1", centre.contact)
    await execute("UPDATE contact_address SET contact = $1 WHERE address = $2", heir, centre.owner)
    later = await arrives(a_mail(subject="Её", text="Её слова", message_id="<z@x>"))
    await does(later["ticket"], "withdraw", centre.operator, text="x")
    await erase(centre.contact, by=ADMIN, at=START + timedelta(days=1))
    assert await fetchval("SELECT email FROM ticket WHERE id = $1", later["ticket"]) == centre.owner
    assert await fetchval("SELECT subject FROM mail WHERE id = $1", later["id"]) == "Её"
    assert await fetchval("SELECT contact FROM contact_address WHERE address = $1", centre.owner) == heir


async def test_erasing_twice_or_nobody_is_no_accident(centre) -> None:
    at = START
    await erase(centre.contact, by=ADMIN, at=at)
    again = await erase(centre.contact, by=ADMIN, at=at)
    assert (again.tickets, again.messages) == (0, 0)
    with pytest.raises(NotFound):
        await erase(9_999, by=ADMIN, at=at)
