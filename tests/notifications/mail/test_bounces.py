"""Letters that come back, in the words of many mail servers: each finds its letter; failures reach the ticket too."""

# ruff: noqa: E501 - mails stand here as they arrive

import pytest

from service.database import execute
from service.house import HOUSE

TO = "ivan.petrov@customer.example.com"


def qmail(id: str) -> str:
    return (
        "From: MAILER-DAEMON@mx.example.net\r\nSubject: failure notice\r\n\r\n"
        "Hi. This is the qmail-send program at mx.example.net.\r\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\r\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n"
        f"<{TO}>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n"
        f"--- Below this line is a copy of the message.\r\n\r\nReturn-Path: <support@reglament.example.org>\r\n"
        f"Message-ID: <{id}>\r\nSubject: x\r\n"
    )


def exim(id: str) -> str:
    return (
        f"From: Mail Delivery System <Mailer-Daemon@mx.example.net>\r\nX-Failed-Recipients: {TO}\r\n"
        "Auto-Submitted: auto-replied\r\nSubject: Mail delivery failed: returning message to sender\r\n\r\n"
        "This message was created automatically by mail delivery software.\r\n\r\n"
        "A message that you sent could not be delivered to one or more of its\r\nrecipients. "
        f"This is a permanent error. The following address(es) failed:\r\n\r\n  {TO}\r\n"
        "    host mail.customer.example.com [192.0.2.1]\r\n    SMTP error from remote mail server after RCPT TO:\r\n"
        "    550 5.1.1 User unknown\r\n\r\n------ This is a copy of the message, including all the headers. ------\r\n\r\n"
        f"Return-path: <support@reglament.example.org>\r\nMessage-ID: <{id}>\r\nSubject: x\r\n"
    )


def mail_ru(id: str) -> str:
    return (
        "From: mailer-daemon@mail.example.ru\r\nSubject: Mail failure.\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\n"
        "Это письмо создано автоматически\r\nсервером, отвечать на него не нужно.\r\n\r\n"
        "К сожалению, Ваше письмо не может быть доставлено одному или нескольким получателям:\r\n\r\n"
        f"**********************\r\n{TO}\r\nuser not found / такого пользователя нет\r\n550 Message was not accepted\r\n"
        f"**********************\r\n\r\nMessage-ID: <{id}>\r\nSubject: x\r\n"
    )


def yandex(id: str) -> str:
    return (
        "From: mailer-daemon@yandex.example.ru\r\nSubject: =?utf-8?B?0J3QtdC00L7RgdGC0LDQstC70LXQvdC90L7QtSDRgdC+0L7QsdGJ0LXQvdC40LU=?=\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\nЭто служебное сообщение отправлено почтовым сервером.\r\n\r\n"
        "К сожалению, мы вынуждены сообщить Вам о том, что Ваше письмо не может быть отправлено\r\n"
        f"одному или нескольким адресатам.\r\n\r\n<{TO}>: host mx.customer.example.com said: 550 5.7.1 No such user!\r\n\r\n"
        f"Message-ID: <{id}>\r\nSubject: x\r\n"
    )


def exchange(id: str) -> str:
    return (
        "From: postmaster@customer.example.com\r\nSubject: Undeliverable: x\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="r"\r\n\r\n--r\r\n'
        "Content-Type: text/html; charset=utf-8\r\n\r\n<p><b>Delivery has failed to these recipients or groups:</b></p>\r\n"
        "--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns;ex.customer.example.com\r\n\r\n"
        f"Final-Recipient: rfc822;{TO}\r\nAction: failed\r\nStatus: 5.1.10\r\n"
        "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound\r\n"
        f"--r\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{id}>\r\nSubject: x\r\n\r\ny\r\n--r--\r\n"
    )


FORMS = (qmail, exim, mail_ru, yandex, exchange)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
async def test_a_failure_marks_its_letter_and_the_ticket(centre, a_mail, arrives, look, form):
    ticket = (await arrives(a_mail()))["ticket"]
    [letter] = await look.letters()
    mail = await arrives(form(letter["letter_id"]).encode(), envelope_from="")
    assert (mail["status"], mail["kind"], mail["ticket"]) == ("done", "bounce", ticket)
    [marked] = await look.letters()
    assert marked["bounced"].startswith("failed 5")
    assert await look.triggers(ticket) == ["receive", "bounce"]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
async def test_a_failure_that_quotes_nothing_finds_its_letter_by_the_address_it_came_to(
    centre, a_mail, look, arrives_at, form
):
    ticket = (await arrives_at(a_mail(), "support@reglament.example.org"))["ticket"]
    [letter] = await look.letters()
    raw = b"\r\n".join(line for line in form("x").encode().split(b"\r\n") if not line.startswith(b"Message-ID: <x>"))
    mail = await arrives_at(raw, HOUSE.bounce_address(letter["id"]), envelope_from="")
    assert (mail["status"], mail["kind"], mail["ticket"]) == ("done", "bounce", ticket)
    assert (await look.letters())[0]["bounced"]


async def test_the_address_is_read_from_the_headers_where_no_envelope_came(centre, a_mail, arrives, look, arrives_at):
    ticket = (await arrives(a_mail()))["ticket"]
    [letter] = await look.letters()
    raw = f"Delivered-To: {HOUSE.bounce_address(letter['id'])}\r\n{qmail('x@y')}".encode()
    mail = await arrives_at(raw, source="imap INBOX/1/7")
    assert (mail["kind"], mail["ticket"]) == ("bounce", ticket)


async def test_a_form_nobody_taught_us_is_a_failure_when_it_comes_to_a_bounce_address(
    centre, a_mail, arrives, look, arrives_at
):
    ticket = (await arrives(a_mail()))["ticket"]
    [letter] = await look.letters()
    raw = (
        f"From: robot@mx.example.net\r\nSubject: Ups\r\n\r\nLe courrier pour {TO} est perdu: 554 5.4.6 boucle.\r\n"
    ).encode()
    mail = await arrives_at(raw, HOUSE.bounce_address(letter["id"]), envelope_from="")
    assert (mail["status"], mail["kind"], mail["ticket"]) == ("done", "bounce", ticket)
    assert await look.triggers(ticket) == ["receive", "bounce"]


async def test_a_forged_bounce_address_marks_nothing(centre, a_mail, arrives, look, arrives_at):
    ticket = (await arrives(a_mail()))["ticket"]
    [letter] = await look.letters()
    address = HOUSE.bounce_address(letter["id"])
    forged = address.replace("@", "@", 1)[: address.index("@") - 1] + "7@reglament.example.org"
    if forged == address:
        forged = forged.replace("7@", "6@")
    mail = await arrives_at(qmail("x@y").encode(), forged, envelope_from="")
    assert (mail["status"], mail["kind"]) == ("held", "bounce")
    assert await look.triggers(ticket) == ["receive"]


async def test_an_automatic_reply_to_the_bounce_address_is_noted_with_its_ticket(
    centre, a_mail, arrives, look, arrives_at
):
    ticket = (await arrives(a_mail()))["ticket"]
    [letter] = await look.letters()
    raw = a_mail(subject="Отпуск", text="Я в отпуске.", message_id="<v@c.example.com>", Auto_Submitted="auto-replied")
    mail = await arrives_at(raw, HOUSE.bounce_address(letter["id"]), envelope_from="")
    assert (mail["status"], mail["kind"], mail["ticket"]) == ("done", "machine", ticket)
    assert not (await look.letters())[0]["bounced"]
    assert len(await look.tickets()) == 1


async def test_a_failure_after_a_delay_is_told_to_the_ticket_once(centre, a_mail, arrives, look):
    ticket = (await arrives(a_mail()))["ticket"]
    [letter] = await look.letters()
    delayed = (
        exim(letter["letter_id"])
        .replace("550 5.1.1 User unknown", "451 4.4.1 Timed out")
        .replace("This is a permanent error.", "It will be retried.")
    )
    await arrives(delayed.encode(), envelope_from="")
    assert (await look.letters())[0]["bounced"].startswith("delayed")
    assert await look.triggers(ticket) == ["receive"]
    await arrives(exim(letter["letter_id"]).encode(), envelope_from="")
    assert (await look.letters())[0]["bounced"].startswith("failed")
    assert await look.triggers(ticket) == ["receive", "bounce"]
    delayed_again = delayed.replace("Subject: Mail", "X-Second: 1\r\nSubject: Mail")
    await arrives(delayed_again.encode(), envelope_from="")
    assert (await look.letters())[0]["bounced"].startswith("failed")


async def test_a_failure_for_a_closed_ticket_marks_the_letter_alone(centre, a_mail, arrives, look, moves):
    ticket = (await arrives(a_mail()))["ticket"]
    await moves(ticket, "register", "start", "complete", "confirm")
    letter = (await look.letters())[-1]
    before = await look.triggers(ticket)
    await arrives(exchange(letter["letter_id"]).encode(), envelope_from="")
    assert (await look.letters())[-1]["bounced"]
    assert await look.triggers(ticket) == before


async def test_a_notice_to_staff_that_comes_back_marks_no_ticket(centre, a_mail, arrives, look):
    ticket = (await arrives(a_mail()))["ticket"]
    [letter] = await look.letters()
    await execute("UPDATE letter SET kind = 'breach' WHERE id = $1", letter["id"])
    await arrives(exchange(letter["letter_id"]).encode(), envelope_from="")
    assert await look.triggers(ticket) == ["receive"]
