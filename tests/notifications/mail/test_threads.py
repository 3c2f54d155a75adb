"""Which ticket a mail goes on with, who is let in, and what a reply may change."""

from datetime import timedelta

import pytest

from notifications.mail.ours import OURS
from notifications.mail.threads import TOKEN
from service.database import fetch, fetchval
from service.house import HOUSE

HOURS = timedelta(hours=1)


@pytest.mark.parametrize(
    "subject",
    [
        "Заявка#2026-00001 вопрос",
        "Re: Заявка#2026-00001",
        "НА: Заявка#2026-00001 вопрос",
        "НА: НА: Заявка #2026-00001",
        "RE: Заявка\u00a0#\u00a02026-00001",
        "заявка 2026-00001: ответ",
        "По заявке № 2026-00001",
        "Fwd: Ticket#2026-00001",
        "ticket 2026-00001, any news?",
        "(Заявка#2026-00001)",
    ],
)
def test_the_number_is_found_however_a_client_writes_it(subject):
    assert TOKEN.findall(subject) == ["2026-00001"]


@pytest.mark.parametrize("subject", ["Счёт 2026-00001", "Подзаявка#2026-00001", "Заявка на доступ", ""])
def test_other_numbers_are_no_token(subject):
    assert "2026-00001" not in TOKEN.findall(subject)


@pytest.fixture
async def asked(centre, a_mail, arrives, moves):
    """A registered ticket whose customer was asked something."""
    ticket = (await arrives(a_mail()))["ticket"]
    return await moves(ticket, "register", "start", "request_info")


@pytest.mark.parametrize("charset", ["koi8-r", "utf-8", "cp1251"])
@pytest.mark.parametrize("token", ["НА: Заявка#{}", "Заявка\u00a0{}", "RE: Ticket {}"])
async def test_a_reply_with_nothing_but_the_number_is_threaded(centre, asked, arrives, look, at, charset, token):
    subject = token.format(asked.number)
    from email.header import Header

    encoded = Header(subject.replace("\u00a0", " ") if charset == "koi8-r" else subject, charset).encode()
    raw = (
        f"From: {centre.owner}\r\nTo: support@reglament.example.org\r\nSubject: {encoded}\r\n"
        f"Message-ID: <r@customer.example.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset={charset}\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n"
    ).encode() + "Версия семь.".encode(charset)
    mail = await arrives(raw, at=at + HOURS)
    assert (mail["status"], mail["kind"], mail["ticket"]) == ("done", "resume", asked.id)


async def test_our_own_message_id_threads_without_a_number(centre, asked, a_mail, arrives, look, at):
    [question] = await look.letters("question")
    reply = a_mail(
        sender="private@home.example.net", subject="ответ", message_id="<r@x.example.com>",
        References=f"<one@customer.example.com> <{question['letter_id']}>",
    )  # fmt: skip
    mail = await arrives(reply, at=at + HOURS)
    assert (mail["kind"], mail["ticket"]) == ("resume", asked.id)


async def test_a_colleague_of_the_sender_who_answers_all_is_threaded_by_the_first_mail(
    centre, asked, a_mail, arrives, at
):
    reply = a_mail(
        sender=centre.colleague, subject="ещё подробности", message_id="<r@customer.example.com>",
        In_Reply_To="<one@customer.example.com>",
    )  # fmt: skip
    mail = await arrives(reply, at=at + HOURS)
    assert (mail["kind"], mail["ticket"]) == ("resume", asked.id)


@pytest.mark.parametrize("way", ["number", "references", "tampered"])
async def test_a_stranger_gets_in_by_no_guess(centre, asked, a_mail, arrives, look, at, way):
    [question] = await look.letters("question")
    letter_id = question["letter_id"]
    tampered = letter_id.replace(".", ".", 1)[:-1] + "x"
    headers = {
        "number": {"subject": f"Re: Заявка#{asked.number}"},
        "references": {"subject": "hi", "References": "<one@customer.example.com>"},
        "tampered": {"subject": f"Ticket {asked.number}", "In_Reply_To": f"<f{tampered}>"},
    }[way]
    before = len(await look.letters())
    mail = await arrives(a_mail(sender=centre.stranger, message_id="<s@elsewhere.example.net>", **headers), at=at)
    assert (mail["status"], mail["kind"]) == ("held", "stranger")
    assert (await look.ticket(asked.id))["state"] == "awaiting_customer"
    assert len(await look.letters()) == before
    assert await fetchval("SELECT count(*) FROM message WHERE mail = $1", mail["id"]) == 0
    [timer] = await fetch("SELECT * FROM timer WHERE subject = $1", mail["id"])
    assert (timer["subject_kind"], timer["kind"], timer["status"]) == ("mail", "held:due", "armed")


async def test_a_number_that_was_never_given_is_a_new_request(centre, a_mail, arrives, look):
    mail = await arrives(a_mail(subject="Заявка#2031-99999 не решена"))
    assert (mail["kind"], len(await look.tickets())) == ("known_sender", 1)


async def test_one_of_us_does_not_speak_for_the_customer(centre, asked, a_mail, arrives, look, at):
    [question] = await look.letters("question")
    reply = a_mail(
        sender="operator@desk.example.org", subject="fyi", message_id="<o@desk.example.org>",
        In_Reply_To=f"<{question['letter_id']}>",
    )  # fmt: skip
    assert (await arrives(reply, at=at + HOURS))["kind"] == "colleague"
    assert (await look.ticket(asked.id))["state"] == "awaiting_customer"


@pytest.mark.parametrize("text", ["Подтверждаю", "не подтверждаю", "Спасибо, но не работает", "> подтверждаю\n\nнет"])
async def test_a_reply_to_a_completed_ticket_changes_no_state_and_brings_the_links_again(
    centre, asked, a_mail, arrives, look, moves, at, text
):
    completed = await moves(asked.id, "complete", at=at + HOURS)
    reply = a_mail(subject=f"Re: Заявка#{asked.number}", text=text, message_id="<c@customer.example.com>")
    mail = await arrives(reply, at=at + 2 * HOURS)
    assert (mail["status"], mail["kind"]) == ("done", "reply")
    after = await look.ticket(asked.id)
    assert (after["state"], after["answer_unread"]) == ("completed", True)
    [armed] = [completed.generations["auto_close:due"]]
    assert armed[1] is not None
    assert not await fetch("SELECT id FROM timer WHERE kind = 'auto_close:due' AND status = 'armed'")
    first, again = await look.letters("completed")
    links = [word for word in first["text"].split() if "/confirm/" in word or "/dispute/" in word]
    assert len(links) == 2
    assert all(link in again["text"] for link in links)
    assert "Исправлено." in again["text"]


async def test_the_links_come_again_only_once(centre, asked, a_mail, arrives, look, moves, at):
    await moves(asked.id, "complete", at=at + HOURS)
    for n in range(4):
        reply = a_mail(subject=f"Заявка#{asked.number}", text=f"Спасибо {n}", message_id=f"<{n}@customer.example.com>")
        await arrives(reply, at=at + 2 * HOURS)
    assert len(await look.letters("completed")) == 2


async def test_a_reply_to_a_closed_ticket_waits_as_a_proposed_follow_up(
    centre, asked, a_mail, arrives, look, moves, at
):
    await moves(asked.id, "complete", "confirm", at=at + HOURS)
    before = await look.ticket(asked.id)
    mail = await arrives(
        a_mail(subject=f"Заявка#{asked.number}", text="Опять", message_id="<z@customer.example.com>"), at=at + 2 * HOURS
    )
    assert (mail["status"], mail["kind"], mail["ticket"]) == ("held", "follow_up", asked.id)
    assert await look.ticket(asked.id) == before
    assert len(await look.tickets()) == 1


async def test_a_reply_to_a_ticket_in_work_is_a_message_nobody_has_read_yet(centre, a_mail, arrives, look, moves, at):
    ticket = (await arrives(a_mail()))["ticket"]
    registered = await moves(ticket, "register", "start")
    mail = await arrives(a_mail(subject=f"Заявка#{registered.number}", message_id="<m@customer.example.com>"), at=at)
    assert mail["kind"] == "reply"
    after = await look.ticket(ticket)
    assert (after["state"], after["answer_unread"]) == ("in_progress", True)


async def test_only_our_own_server_is_believed_about_the_sender(
    centre, a_mail, arrives, look, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(OURS, "authserv_id", "mx.example.org")
    failed = "dmarc=fail header.from=customer.example.com"
    forged = await arrives(a_mail(Authentication_Results=f"mx.evil.example.net; {failed}"))
    assert forged["status"] == "done"
    ours = await arrives(a_mail(message_id="<2@x.example.com>", Authentication_Results=f"mx.example.org; {failed}"))
    assert (ours["status"], ours["kind"]) == ("held", "forged")
    broken = await arrives(a_mail(message_id="<3@x.example.com>", Authentication_Results=";;; what"))
    assert broken["status"] == "done"


@pytest.mark.parametrize("seal", ["another key", "cut", "none"])
async def test_a_message_id_of_ours_under_a_broken_seal_makes_a_strangers_mail_wait(
    centre, asked, a_mail, arrives, look, seal
):
    [question] = await look.letters("question")
    names, _dot, told = question["letter_id"].partition("@")[0].rpartition(".")
    broken = {"another key": "0" * len(told), "cut": told[:-1], "none": ""}[seal]
    reply = a_mail(
        sender=centre.stranger, subject="hi", message_id="<h@elsewhere.example.net>",
        In_Reply_To=f"<{names}.{broken}@{HOUSE.mail_domain}>",
    )  # fmt: skip
    before = len(await look.letters())
    mail = await arrives(reply)
    assert (mail["status"], mail["kind"], mail["ticket"]) == ("held", "stranger", asked.id)
    assert (len(await look.letters()), len(await look.tickets())) == (before, 1)


async def test_a_message_id_shaped_as_ours_of_another_house_is_a_new_request(centre, asked, a_mail, arrives, look):
    [question] = await look.letters("question")
    theirs = question["letter_id"].partition("@")[0][:-1] + "x@desk.elsewhere.example.net"
    mail = await arrives(
        a_mail(sender=centre.stranger, message_id="<h@elsewhere.example.net>", In_Reply_To=f"<{theirs}>")
    )
    assert (mail["kind"], mail["ticket"] != asked.id) == ("unknown_sender", True)
