"""What kind of mail it is: people, machines, bounces of many tongues, loops."""

# ruff: noqa: E501 - mails stand here as they arrive

import pytest

from notifications.mail.classify import Classification, Envelope, House, Kind, classify, sent_by_machine
from notifications.mail.parse import parse_mail

HOUSE = House(
    addresses=frozenset({"support@example.com"}), wrote=lambda identity: identity.endswith(".ours@example.com")
)


def classified(*lines: str, body: str = "hello", sender: str | None = "p@example.org") -> Classification:
    head = "\r\n".join(lines)
    start = "" if head.lower().startswith("from:") else "From: p@example.org\r\n"
    raw = f"{start}{head}\r\n\r\n{body}".replace("\r\n", "\n").replace("\n", "\r\n").encode()
    return classify(parse_mail(raw), envelope=Envelope(sender=sender), house=HOUSE)


def test_a_person_is_a_person() -> None:
    for lines in (
        ("Subject: Не работает",),
        ("Subject: x", "Precedence: normal"),
        ("Subject: x", "Auto-Submitted: no"),
        ("Subject: x", "Auto-Submitted: No; reason=none"),
        ("Subject: x", "X-Auto-Response-Suppress: All"),
        ("Subject: Как настроить автоответ?",),
        ("Subject: Re: Не удалось доставить письмо клиенту",),
    ):
        assert classified(*lines).kind is Kind.PERSON, lines


@pytest.mark.parametrize(
    ("lines", "machine"),
    [
        (("Auto-Submitted: auto-replied",), "auto_reply"),
        (("Auto-Submitted: auto-generated (by cron)",), "generated"),
        (("Precedence: bulk",), "list"),
        (("Precedence: AUTO_REPLY",), "auto_reply"),
        (("X-Autoreply: yes",), "auto_reply"),
        (("X-Autorespond: vacation",), "auto_reply"),
        (("X-Loop: other@example.org",), "generated"),
        (("List-Id: <news.example.org>",), "list"),
        (("List-Unsubscribe: <mailto:x@example.org>",), "list"),
        (("Subject: Автоответ: я в отпуске",), "auto_reply"),
        (("Subject: Автоматический ответ: Заявка#T-1",), "auto_reply"),
        (("Subject: Automatic reply: x",), "auto_reply"),
        (("Subject: Out of Office Re: x",), "auto_reply"),
        (("From: no-reply@example.org",), "generated"),
        (("From: MAILER-DAEMON@example.org",), "generated"),
        (("From: MAILER-DAEMON",), "generated"),
        (("From: noreply-news@example.org",), "generated"),
        (("Content-Type: text/calendar; method=REQUEST",), "calendar"),
    ],
)
def test_machines_are_known_by_their_signs(lines: tuple[str, ...], machine: str) -> None:
    found = classified(*lines)
    assert (found.kind, found.machine) == (Kind.MACHINE, machine)
    assert found.reason


def test_the_empty_envelope_sender_is_a_sign() -> None:
    assert classified("Subject: x", sender="").kind is Kind.MACHINE
    assert classified("Subject: x", sender=None).kind is Kind.PERSON
    assert classified("Return-Path: <>", sender=None).kind is Kind.MACHINE


def test_another_ticket_system_answering_ours_is_a_machine() -> None:
    found = classified(
        "From: Helpdesk <help@example.org>",
        "Subject: [HD-4711] Re: Заявка#T-2024-001",
        "In-Reply-To: <t1.o2.ours@example.com>",
        "Auto-Submitted: auto-replied",
    )
    assert (found.kind, found.machine) == (Kind.MACHINE, "auto_reply")


def test_our_own_mail_coming_back_is_a_loop() -> None:
    assert classified("From: Support <Support@example.com>").kind is Kind.OWN_LOOP
    assert classified("Message-ID: <t1.o2.ours@example.com>").kind is Kind.OWN_LOOP
    assert classified("X-Loop: support@example.com").kind is Kind.OWN_LOOP
    assert classified("In-Reply-To: <t1.o2.ours@example.com>").kind is Kind.PERSON


def dsn(action: str, status: str) -> str:
    return f"""--B
Content-Type: text/plain

It did not work.
--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; Gone@example.org
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such user

--B
Content-Type: message/rfc822

Message-ID: <t1.o2.ours@example.com>
From: support@example.com
Subject: x

body
--B--
"""


@pytest.mark.parametrize(
    ("action", "status", "permanent"),
    [("failed", "5.1.1", True), ("delayed", "4.4.7", False), ("failed", "4.4.7", True)],
)
def test_a_delivery_report_names_recipient_status_and_letter(action: str, status: str, permanent: bool) -> None:
    found = classified(
        "From: MAILER-DAEMON@example.org",
        "Auto-Submitted: auto-replied",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=B",
        body=dsn(action, status),
        sender="",
    )
    assert found.kind is Kind.BOUNCE
    assert found.bounce is not None
    assert (found.bounce.recipient, found.bounce.status) == ("Gone@example.org", status)
    assert found.bounce.permanent is permanent
    assert found.bounce.original_message_id == "t1.o2.ours@example.com"


def test_a_report_of_success_is_no_bounce() -> None:
    found = classified(
        "Content-Type: multipart/report; report-type=delivery-status; boundary=B",
        body=dsn("delivered", "2.0.0"),
        sender="",
    )
    assert (found.kind, found.machine) == (Kind.MACHINE, "delivered")


OLD_FORMS = {
    "qmail": (
        "failure notice",
        "Hi. This is the qmail-send program at example.org.\nI'm afraid I wasn't able to deliver your message.\n\n"
        "<gone@example.org>:\n192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 unknown user\n\n"
        "--- Below this line is a copy of the message.\n\nReturn-Path: <support@example.com>\n"
        "Message-ID: <t1.o2.ours@example.com>\nTo: gone@example.org\n",
    ),
    "Exim": (
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\n  gone@example.org\n"
        "    host mx.example.org [192.0.2.1]\n    SMTP error: 550 No such user\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\nMessage-ID: <t1.o2.ours@example.com>\n",
    ),
    "Mail.ru": (
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nСообщение не доставлено:\n\n  gone@example.org\n"
        "    550 Message was not accepted -- invalid mailbox.\n\nMessage-ID: <t1.o2.ours@example.com>\n",
    ),
    "Yandex": (
        "Недоставленное сообщение",
        "Это письмо отправлено почтовым сервером.\nК сожалению, мы вынуждены сообщить Вам о том, что Ваше письмо не может быть"
        " отправлено:\n\n<gone@example.org>: host mx.example.org said: 550 5.7.1 No such user!\n\n"
        "Message-Id: <t1.o2.ours@example.com>\n",
    ),
}


@pytest.mark.parametrize("system", OLD_FORMS)
def test_old_bounces_tell_it_in_prose(system: str) -> None:
    subject, body = OLD_FORMS[system]
    found = classified("From: mailer-daemon@example.org", f"Subject: {subject}", body=body, sender="")
    assert found.kind is Kind.BOUNCE
    assert found.bounce is not None
    assert found.bounce.recipient == "gone@example.org"
    assert found.bounce.status.startswith("5.")
    assert found.bounce.permanent
    assert found.bounce.original_message_id == "t1.o2.ours@example.com"


def test_a_read_receipt_is_a_machine() -> None:
    body = "--B\n\nread\n--B\nContent-Type: message/disposition-notification\n\nOriginal-Message-ID: <a@x>\n\n--B--"
    found = classified("Content-Type: multipart/report; report-type=disposition-notification; boundary=B", body=body)
    assert (found.kind, found.machine) == (Kind.MACHINE, "receipt")


def test_empty_spam_and_too_big() -> None:
    assert classified("Subject: ", body="").kind is Kind.EMPTY
    assert classified("X-Spam-Flag: YES").kind is Kind.SPAM_MARK
    assert classified("X-Spam-Status: No, score=1").kind is Kind.PERSON
    assert classified("Subject: x", body="words " * 6_000_000).kind is Kind.TOO_BIG


def test_the_flag_of_the_command_follows_the_same_signs() -> None:
    assert sent_by_machine(parse_mail(b"From: p@example.org\nAuto-Submitted: auto-generated\n\nx"))
    assert not sent_by_machine(parse_mail(b"From: p@example.org\nAuto-Submitted: no\n\nx"))
