"""Machines: what they send never makes a letter, and two systems that mail each other fall silent by themselves."""

from datetime import timedelta
from email import message_from_bytes, policy

import pytest

from notifications.mail import brakes
from service.database import fetch, fetchval
from service.house import HOUSE

HOURS = timedelta(hours=1)
MINUTES = timedelta(minutes=1)


def dsn(original: str, *, action: str = "failed", status: str = "5.1.1") -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example.net\r\nTo: support@reglament.example.org\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: <dsn@mx.example.net>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="r"\r\n\r\n--r\r\n'
        "Content-Type: text/plain\r\n\r\nNo such user.\r\n--r\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; ivan.petrov@customer.example.com\r\n"
        f"Action: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; 550 no such user\r\n--r\r\n"
        f"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{original}>\r\nSubject: x\r\n--r--\r\n"
    ).encode()


async def test_a_bounce_marks_the_letter_and_the_ticket_and_makes_no_ticket(centre, a_mail, arrives, look):
    ticket = (await arrives(a_mail()))["ticket"]
    [letter] = await look.letters()
    mail = await arrives(dsn(letter["letter_id"]), envelope_from="")
    assert (mail["status"], mail["kind"], mail["ticket"]) == ("done", "bounce", ticket)
    [marked] = await look.letters()
    assert "5.1.1" in marked["bounced"]
    assert await look.triggers(ticket) == ["receive", "bounce"]
    assert len(await look.tickets()) == 1


async def test_a_bounced_completion_keeps_the_ticket_from_closing_by_itself(centre, a_mail, arrives, look, moves, at):
    ticket = (await arrives(a_mail()))["ticket"]
    await moves(ticket, "register", "start", "complete")
    [letter] = await look.letters("completed")
    await arrives(dsn(letter["letter_id"]), envelope_from="")
    assert (await look.ticket(ticket))["completion_bounced"]


async def test_a_delay_marks_the_letter_alone(centre, a_mail, arrives, look):
    ticket = (await arrives(a_mail()))["ticket"]
    [letter] = await look.letters()
    await arrives(dsn(letter["letter_id"], action="delayed", status="4.4.1"), envelope_from="")
    [marked] = await look.letters()
    assert marked["bounced"].startswith("delayed 4.4.1")
    assert await look.triggers(ticket) == ["receive"]


async def test_a_bounce_of_a_letter_that_is_not_ours_is_held(centre, a_mail, arrives, look):
    mail = await arrives(dsn("forged@elsewhere.example.net"), envelope_from="")
    assert (mail["status"], mail["kind"]) == ("held", "bounce")
    assert await look.tickets() == []


async def test_an_automatic_reply_is_noted_with_its_ticket_and_changes_nothing(centre, a_mail, arrives, look, moves):
    ticket = (await arrives(a_mail()))["ticket"]
    await moves(ticket, "register", "start", "request_info")
    [question] = await look.letters("question")
    before = await look.ticket(ticket)
    out_of_office = a_mail(
        subject="Автоответ: [Ticket#998877] Вопрос", message_id="<ooo@customer.example.com>",
        In_Reply_To=f"<{question['letter_id']}>", Auto_Submitted="auto-replied",
    )  # fmt: skip
    mail = await arrives(out_of_office)
    assert (mail["status"], mail["kind"], mail["ticket"]) == ("done", "machine", ticket)
    assert "auto_reply" in mail["reason"]
    assert await look.ticket(ticket) == before
    assert len(await look.tickets()) == 1


async def test_our_own_letter_that_comes_back_is_dropped(centre, a_mail, arrives, look):
    await arrives(a_mail())
    [letter] = await look.letters()
    mail = await arrives(bytes(letter["body"]))
    assert (mail["status"], mail["kind"]) == ("dropped", "own_loop")
    assert len(await look.tickets()) == 1


async def test_a_read_receipt_makes_nothing(centre, a_mail, arrives, look):
    raw = (
        b"From: ivan.petrov@customer.example.com\r\nSubject: Read: x\r\nMessage-ID: <rr@x.example.com>\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=disposition-notification; boundary=r\r\n\r\n"
        b"--r\r\nContent-Type: text/plain\r\n\r\nread\r\n--r\r\nContent-Type: message/disposition-notification\r\n\r\n"
        b"Disposition: manual-action; displayed\r\n--r--\r\n"
    )
    mail = await arrives(raw)
    assert (mail["status"], mail["kind"]) == ("dropped", "machine")
    assert await look.tickets() == []


# --- brakes -----------------------------------------------------------------------------------------------------------


async def letters_after(arrives, a_mail, look, count: int, *, step, subject: str = "Тема {}", at, sender=None):
    for n in range(count):
        given = {"sender": sender(n)} if sender else {}
        word = chr(ord("а") + n % 32) * (1 + n // 32)
        mail = await arrives(
            a_mail(subject=subject.format(word), message_id=f"<{n}@b.example.com>", **given), at=at + n * step
        )
        assert mail["status"] == "done"
    statuses = [letter["status"] for letter in await look.letters("accepted")]
    return statuses.count("pending"), statuses.count("parked")


async def test_beyond_five_in_ten_minutes_tickets_are_made_and_letters_wait(centre, arrives, a_mail, look, at):
    assert await letters_after(arrives, a_mail, look, 8, step=MINUTES, at=at) == (5, 3)
    assert len(await look.tickets()) == 8


async def test_beyond_twenty_a_day_letters_wait(centre, arrives, a_mail, look, at):
    assert await letters_after(arrives, a_mail, look, 22, step=20 * MINUTES, at=at) == (20, 2)


async def test_two_letters_about_one_subject_in_three_hours(centre, arrives, a_mail, look, at):
    assert await letters_after(arrives, a_mail, look, 4, step=15 * MINUTES, subject="Одно", at=at) == (2, 2)


async def test_sixty_letters_to_everybody_in_ten_minutes_trip_the_breaker(centre, arrives, a_mail, look, at):
    made = await letters_after(
        arrives, a_mail, look, 62, step=timedelta(seconds=1), at=at, sender=lambda n: f"p{n}@many.example.net"
    )
    assert made == (60, 2)
    assert await fetchval("SELECT count(*) FROM alarm WHERE kind = 'mail_brake'") == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Re: Re: Сбой", "сбой", True),
        ("НА: Сбой 17", "Сбой 18", True),
        ("Обращение принято: Обращение принято: Сбой", "Обращение принято: Сбой", True),
        ("Сбой печати", "Сбой входа", False),
        ("", "Сбой", False),
        ("", "", True),
    ],
)
def test_subjects_are_compared_without_their_dressing(one, other, same):
    assert brakes.same_subject(one, other) is same


# --- two systems ------------------------------------------------------------------------------------------------------


def stripped(raw: bytes) -> bytes:
    """A letter as a careless gateway passes it on: every mark of a machine and every thread is lost."""
    mail = message_from_bytes(raw, policy=policy.default)
    for name in ("Auto-Submitted", "X-Auto-Response-Suppress", "In-Reply-To", "References"):
        del mail[name]
    return mail.as_bytes()


@pytest.mark.parametrize("gateway", [bytes, stripped])
async def test_two_instances_that_mail_each_other_stop_after_two_letters_each(
    centre, a_mail, arrives, look, at, monkeypatch, gateway
):
    """One database plays both: its addresses and its key change with whoever reads."""
    houses = {
        "support@one.example.org": ("one.example.org", b"key of one"),
        "support@two.example.org": ("two.example.org", b"key of two"),
    }

    def move_to(address: str) -> None:
        monkeypatch.setattr(HOUSE, "mail_from", address)
        monkeypatch.setattr(HOUSE, "mail_domain", houses[address][0])
        monkeypatch.setattr(HOUSE, "message_key", houses[address][1])

    one, two = houses
    move_to(two)
    await arrives(a_mail(sender=one, subject="Не работает", message_id="<x@one.example.org>"), at=at)
    seen: set[object] = set()
    for round in range(12):
        fresh = [row for row in await look.letters() if row["id"] not in seen and row["status"] == "pending"]
        if not fresh:
            break
        for letter in fresh:
            seen.add(letter["id"])
            move_to(letter["recipient"])
            sender = two if letter["recipient"] == one else one
            await arrives(gateway(bytes(letter["body"])), envelope_from=sender, at=at + round * MINUTES)
    else:
        pytest.fail("they never fell silent")
    rows = await fetch(
        "SELECT l.recipient, count(*) FROM letter l JOIN outbox o ON o.event_id = l.id::text "
        "WHERE o.status = 'pending' GROUP BY 1"
    )
    assert rows
    assert all(row["count"] <= 2 for row in rows), rows
