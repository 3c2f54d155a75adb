"""Every letter of the regulation leaves at its moment, to the right person, in their language, with the right marks."""

# ruff: noqa: E501 - the table is read in columns

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import uuid4

import pytest

from notifications.timers import Timers
from service.database import fetch
from service.intake import Request, receive
from service.letters import SUBJECT_TOKEN
from service.regulations import RULEBOOKS, in_force, publish_default
from service.ticket import Ticket
from tests.desk import ASKER, HOUR, MONDAY, a_colleague, does

DAY = timedelta(days=1)
CUSTOMER, SUPERVISOR = "ivan@example.com", "boss@desk.example.org"
WORK = {"delivery_method": "email", "minutes": 30}


@pytest.fixture(autouse=True)
async def _desk(database: None) -> AsyncIterator[None]:
    RULEBOOKS.forget()
    await publish_default(at=MONDAY)
    await a_colleague(SUPERVISOR, role="supervisor")
    yield
    RULEBOOKS.forget()


async def asked(language: str, at: datetime = MONDAY) -> Ticket:
    request = Request(
        channel="email", subject="Stuck", text="It does not start.", email=CUSTOMER, full_name="Petrov, Ivan",
        language=language,
    )  # fmt: skip
    return await receive(request, by=ASKER, at=at, cause=f"request:{uuid4()}")


async def registered(language: str) -> Ticket:
    return await does(await asked(language), "register", MONDAY, priority="P3")


async def started(language: str) -> Ticket:
    return await does(await registered(language), "start", MONDAY)


async def waiting(language: str) -> Ticket:
    return await does(await started(language), "request_info", MONDAY, text="Which version?", minutes=15)


async def done(language: str) -> Ticket:
    return await does(await started(language), "complete", MONDAY, text="Mended.", outcome="solved", **WORK)


async def answered(language: str) -> Ticket:
    return await does(await started(language), "answer", MONDAY, text="We look.", **WORK)


async def extended(language: str) -> Ticket:
    reason = (await in_force(at=MONDAY)).regulation.postponement_reasons[0].code
    return await does(
        await started(language), "extend", MONDAY, reason=reason, text="The maker was asked.",
        promised_at=(MONDAY + 9 * DAY).isoformat(),
    )  # fmt: skip


async def reminded(language: str) -> Ticket:
    ticket = await waiting(language)
    await Timers().fire_due(at=MONDAY + 15 * DAY)
    return ticket


async def reminded_by_hand(language: str) -> Ticket:
    return await does(await waiting(language), "remind", MONDAY)


async def reminded_without_a_question(language: str) -> Ticket:
    ticket = await does(await waiting(language), "resume", MONDAY, by=ASKER, text="7.1")
    return await does(ticket, "remind", MONDAY, text="Please call us.")


async def disputed(language: str) -> Ticket:
    return await does(await done(language), "dispute", MONDAY + HOUR, by=ASKER, text="It still fails.")


async def confirmed(language: str) -> Ticket:
    return await does(await done(language), "confirm", MONDAY + HOUR, by=ASKER)


async def closed_by_silence(language: str) -> Ticket:
    ticket = await done(language)
    await Timers().fire_due(at=MONDAY + 60 * DAY)
    return ticket


async def withdrawn(language: str) -> Ticket:
    return await does(await started(language), "withdraw", MONDAY, text="It works again.")


async def refused(language: str) -> Ticket:
    return await does(await asked(language), "reject", MONDAY, reason="out_of_scope", text="Ask the maker.")


async def late(language: str) -> Ticket:
    ticket = await asked(language)
    await Timers().fire_due(at=MONDAY + DAY)
    return ticket


# fmt: off
#    what happens          letter        to           marks             a word of it, ru            en
TABLE = (
    (asked,             "accepted",   CUSTOMER,   "auto-replied",   "Мы получили ваше обращение", "We received your request"),
    (registered,        "registered", CUSTOMER,   "auto-generated", "Ваша заявка зарегистрирована", "Your ticket is registered"),
    (started,           "started",    CUSTOMER,   "auto-generated", "взял в работу",              "has begun to work"),
    (waiting,           "question",   CUSTOMER,   None,             "Which version?",             "Which version?"),
    (answered,          "answer",     CUSTOMER,   None,             "We look.",                   "We look."),
    (extended,          "extension",  CUSTOMER,   None,             "Предполагаемый срок",        "We expect to solve it by"),
    (reminded,          "reminder",   CUSTOMER,   "auto-generated", "Вопрос был таким",           "The question was"),
    (reminded_by_hand,  "reminder",   CUSTOMER,   "auto-generated", "Which version?",             "Which version?"),
    (reminded_without_a_question, "reminder", CUSTOMER, "auto-generated", "Напоминаем о вашей заявке", "We remind you of your"),
    (done,              "completed",  CUSTOMER,   None,             "Подтвердить решение",        "Confirm the solution"),
    (disputed,          "dispute",    CUSTOMER,   "auto-generated", "получили ваше возражение",   "We received your objection"),
    (confirmed,         "closed",     CUSTOMER,   "auto-generated", "закрыта",                    "is closed"),
    (closed_by_silence, "closed",     CUSTOMER,   "auto-generated", "закрыта",                    "is closed"),
    (withdrawn,         "closed",     CUSTOMER,   "auto-generated", "закрыта",                    "is closed"),
    (refused,           "refused",    CUSTOMER,   "auto-generated", "не можем принять",           "cannot take up"),
    (late,              "breach",     SUPERVISOR, "auto-generated", "deadline",                   "deadline"),
)
# fmt: on
Happens = Callable[[str], Awaitable[Ticket]]


async def letters_of(kind: str, to: str) -> list[EmailMessage]:
    rows = await fetch(
        "SELECT o.body FROM letter l JOIN outbox o ON o.event_id = l.id::text "
        "WHERE l.kind = $1 AND l.recipient = $2 ORDER BY l.at, l.id",
        kind, to,
    )  # fmt: skip
    mails = [message_from_bytes(bytes(row["body"]), policy=policy.default) for row in rows]
    return [mail for mail in mails if isinstance(mail, EmailMessage)]


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize(
    ("happens", "kind", "to", "marks", "ru", "en"), TABLE, ids=[row[0].__name__ for row in TABLE]
)  # fmt: skip
async def test_the_letter_goes_out(
    happens: Happens, kind: str, to: str, marks: str | None, ru: str, en: str, language: str
) -> None:
    await happens(language)
    [row] = await fetch("SELECT number FROM ticket")
    mail = (await letters_of(kind, to))[-1]
    assert mail["To"].addresses[0].addr_spec == to
    assert len(mail["To"].addresses) == 1
    text = text_of(mail)
    assert {"ru": ru, "en": en}[language] in text
    if to == CUSTOMER:
        assert mail["To"].addresses[0].display_name == "Petrov, Ivan"
        assert mail["Content-Language"] == language
        assert str(mail["Subject"]).startswith(f"{SUBJECT_TOKEN}{row['number']} ") == bool(row["number"])
    assert mail["Auto-Submitted"] == marks
    assert mail["X-Auto-Response-Suppress"] == ("All" if marks else None)
    assert mail["Precedence"] is None
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert "{{" not in text
    assert "None" not in text


async def test_the_table_names_every_letter_there_is() -> None:
    kinds = set((await in_force(at=MONDAY)).regulation.letters)
    elsewhere = {"warning", "digest", "notice"}  # tests of the steps, of the digests and of the notices
    assert kinds - elsewhere == {row[1] for row in TABLE}


async def test_the_letters_of_one_ticket_are_one_thread() -> None:
    await done("ru")
    rows = await fetch("SELECT letter_id FROM letter WHERE recipient = $1 ORDER BY seq, id", CUSTOMER)
    ids = [f"<{row['letter_id']}>" for row in rows]
    mails = [
        mail for kind in ("accepted", "registered", "started", "completed") for mail in await letters_of(kind, CUSTOMER)
    ]
    assert [mail["Message-ID"] for mail in mails] == ids
    assert mails[0]["In-Reply-To"] is None
    for n, mail in enumerate(mails[1:], 1):
        assert mail["In-Reply-To"] == ids[n - 1]
        assert str(mail["References"]).split() == ids[:n]


async def test_the_acceptance_letter_names_and_asks_for_what_is_missing() -> None:
    request = Request(channel="email", subject="Stuck", text="It does not start.", email=CUSTOMER, language="ru")
    await receive(request, by=ASKER, at=MONDAY, cause="request:1")
    [mail] = await letters_of("accepted", CUSTOMER)
    asked_for = text_of(mail).partition("сообщите недостающее: ")[2].partition(".")[0]
    for word in ("организаци", "имя", "должность", "телефон"):
        assert word in asked_for
    told = {"organisation": "АО «Пример»", "full_name": "Иван Петров", "position": "Инженер", "phone": "+7 1"}
    whole = Request(channel="email", text="It does not start.", email="olga@example.com", language="ru", **told)
    await receive(whole, by=ASKER, at=MONDAY, cause="request:2")
    [mail] = await letters_of("accepted", "olga@example.com")
    assert "недостающее" not in text_of(mail)


async def test_spam_gets_no_letter() -> None:
    ticket = await asked("ru")
    await does(ticket, "reject", MONDAY, reason="spam")
    assert await letters_of("refused", CUSTOMER) == []


async def test_the_buttons_of_the_completion_lead_where_its_text_says() -> None:
    await done("en")
    [mail] = await letters_of("completed", CUSTOMER)
    text, html = text_of(mail), text_of(mail, "html")
    for act in ("confirm", "dispute"):
        [url] = [word for word in text.split() if f"/{act}/" in word]
        assert f'<a href="{url}" style="display:inline-block' in html
