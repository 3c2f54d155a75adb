"""Held mail in the browser: why it waits, what it says, and one click for each way out."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

import pytest

from notifications.mail.held_clock import fire_held_due
from notifications.mail.ingest import ingest
from notifications.mail.reader import READER
from notifications.mail.reading import read_stored
from service import clock
from service.database import execute, fetch, fetchrow, fetchval
from service.ticket import Ticket
from tests.admin.conftest import Browser, Signs, words
from tests.desk import a_ticket, completed, count, does
from workflow.definition import Role

STRANGER = "somebody@elsewhere.example.net"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


async def arrives(
    sender: str = STRANGER, subject: str = "Sale", text: str = "Buy now.", *, html: str = "",
    files: tuple[tuple[str, bytes], ...] = (), **headers: str,
) -> UUID:  # fmt: skip
    mail = EmailMessage()
    mail["From"] = f"Somebody <{sender}>"
    mail["To"] = "support@reglament.example.org"
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{uuid4().hex}@elsewhere.example.net>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    for name, data in files:
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    at = clock.now()
    id = await ingest(
        mail.as_bytes(), envelope_from=sender, recipients=["support@reglament.example.org"], source="smtp 127.0.0.1",
        at=at,
    )  # fmt: skip
    await read_stored(at)
    return id


async def newsletter(**given: Any) -> UUID:
    return await arrives(List_Id="<sale.example.net>", **given)


async def status(mail: UUID) -> str:
    return str(await fetchval("SELECT status FROM mail WHERE id = $1", mail))


async def journaled(act: str) -> list[tuple[str, str]]:
    rows = await fetch("SELECT subject, actor_name FROM config_journal WHERE act = $1 ORDER BY id", act)
    return [(row["subject"], row["actor_name"]) for row in rows]


def page_of(mail: UUID) -> str:
    return f"/desk/held/{mail}"


async def goes(browser: Browser, mail: UUID, way: str, **typed: str):  # type: ignore[no-untyped-def]
    return await browser.send(f"{page_of(mail)}/{way}", on=page_of(mail), **typed)


@pytest.fixture
async def operator(operator: Browser) -> AsyncIterator[Browser]:
    yield operator
    READER.close()


async def test_an_empty_tray_says_what_will_appear_in_it(operator: Browser) -> None:
    page = await operator.get("/desk/held")
    assert page.status_code == 200
    assert "No mail is held" in words(page)


async def test_the_list_says_in_words_why_each_mail_waits_and_until_when(operator: Browser) -> None:
    await newsletter()
    await arrives(subject="", text=" ")
    page = await operator.get("/desk/held")
    assert "A machine sent this" in words(page)
    assert "Neither text nor a file that may be kept" in words(page)
    assert page.text.count("<time") >= 4


async def test_the_page_shows_the_mail_whole_with_its_quotes_folded_and_its_files_named(operator: Browser) -> None:
    mail = await newsletter(
        text="See this.\n\n10.01.2026 12:00, Ivan wrote:\n> an old word",
        files=(("screen.png", PNG), ("a.exe", b"MZ" * 50)),
    )
    page = await operator.get(page_of(mail))
    said = words(page)
    assert f"Somebody <{STRANGER}>" in said
    assert re.search(r'class="message-text">See this\.</div>', page.text)
    assert re.search(r'<details class="quote">.*?an old word', page.text, re.DOTALL)
    assert "screen.png" in said
    assert "a.exe" in said
    assert "Files of this kind are not taken" in said
    assert "A machine sent this" in said


async def test_html_is_shown_apart_harmless_and_without_remote_pictures_until_asked(operator: Browser) -> None:
    mail = await newsletter(
        html='<p onclick="x()">Hi<script>alert(1)</script><img src="https://track.example.net/p.gif"></p>'
    )
    page = await operator.get(f"{page_of(mail)}/html")
    assert "Hi" in page.text
    assert "alert" not in page.text
    assert "onclick" not in page.text
    assert "track.example.net" not in page.text
    assert "sandbox" in page.headers["content-security-policy"]
    assert "https:" not in page.headers["content-security-policy"]
    asked = await operator.get(f"{page_of(mail)}/html?remote=1")
    assert "track.example.net" in asked.text
    assert "alert" not in asked.text


async def test_the_original_is_saved_as_it_came(operator: Browser) -> None:
    mail = await newsletter()
    saved = await operator.get(f"{page_of(mail)}/original")
    assert saved.content == bytes(await fetchval("SELECT original FROM mail WHERE id = $1", mail))
    assert saved.headers["content-disposition"].startswith("attachment")


async def test_one_click_makes_the_ticket_and_leads_to_it(operator: Browser) -> None:
    mail = await newsletter()
    answer = await goes(operator, mail, "ticket")
    ticket = await fetchrow("SELECT id, received_at FROM ticket")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/desk/tickets/{ticket['id']}"
    assert ticket["received_at"] == await fetchval("SELECT received_at FROM mail")
    assert await count("letter", "kind = 'accepted'") == 1
    assert await journaled("mail.ticket") == [(f"mail {mail}", "Olga")]
    assert "The mail became this ticket." in words(await operator.get(answer.headers["location"]))


async def test_a_strangers_reply_shows_its_ticket_and_is_joined_by_the_number(operator: Browser) -> None:
    ticket = await a_ticket(at=clock.now())
    mail = await arrives(subject=f"Re: Ticket#{ticket.number}", text="It is version 7.")
    page = await operator.get(page_of(mail))
    assert "Anybody can write a number into a subject" in words(page)
    assert f'value="{ticket.number}"' in page.text
    answer = await goes(operator, mail, "join", number=f"Ticket#{ticket.number}")
    assert answer.headers["location"] == f"/desk/tickets/{ticket.id}"
    assert await count("message", f"mail = '{mail}' AND direction = 'in'") == 1
    assert await status(mail) == "done"


async def test_a_reply_to_a_closed_ticket_becomes_a_linked_one(operator: Browser) -> None:
    closed: Ticket = await does(await completed(at=clock.now()), "confirm", clock.now())
    mail = await arrives(sender="ivan@example.com", subject=f"Ticket#{closed.number}", text="Again!")
    page = await operator.get(page_of(mail))
    assert "Make a linked ticket" in words(page)
    await goes(operator, mail, "ticket")
    assert await count("ticket_link", f"other = '{closed.id}' AND relation = 'follow_up'") == 1


async def test_a_number_nobody_gave_is_refused_beside_its_field_and_kept(operator: Browser) -> None:
    mail = await newsletter()
    page = await goes(operator, mail, "join", number="NO-SUCH-1")
    assert page.status_code == 422
    assert "There is no ticket “NO-SUCH-1”." in words(page)
    assert 'value="NO-SUCH-1"' in page.text
    assert await status(mail) == "held"


async def test_a_closed_ticket_takes_no_mail_and_the_page_says_so(operator: Browser) -> None:
    closed = await does(await completed(at=clock.now()), "confirm", clock.now())
    mail = await newsletter()
    page = await goes(operator, mail, "join", number=str(closed.number))
    assert page.status_code == 409
    assert "make a linked ticket of the mail" in words(page)


@pytest.mark.parametrize(("way", "becomes"), [("spam", "spam"), ("drop", "dropped")])
async def test_what_is_set_aside_gets_no_letter_and_can_be_taken_back(
    operator: Browser, way: str, becomes: str
) -> None:
    mail = await newsletter()
    assert (await goes(operator, mail, way)).status_code == 303
    assert await status(mail) == becomes
    assert await count("letter") == 0
    assert "Sale" not in words(await operator.get("/desk/held"))
    assert "Sale" in words(await operator.get(f"/desk/held?folder={becomes}"))
    await goes(operator, mail, "back")
    assert await status(mail) == "held"
    assert "Sale" in words(await operator.get("/desk/held"))
    assert await count("timer", f"subject = '{mail}' AND status = 'armed'") == 1
    assert [who for _mail, who in await journaled("mail.held")] == ["Olga"]


async def test_a_learned_sender_belongs_to_the_customer_from_then_on(operator: Browser) -> None:
    mail = await newsletter()
    place = await fetchval(
        "INSERT INTO organisation (name, domains, created_at) VALUES ('Romashka', '[]', now()) RETURNING id"
    )
    refused = await goes(operator, mail, "learn", organisation="")
    assert refused.status_code == 422
    answer = await goes(operator, mail, "learn", organisation=str(place), full_name="Anna Kim")
    assert answer.headers["location"] == page_of(mail)
    person = await fetchrow(
        "SELECT c.* FROM contact c JOIN contact_address a ON a.contact = c.id WHERE address = $1", STRANGER
    )
    assert (person["full_name"], person["organisation"]) == ("Anna Kim", place)
    page = await operator.get(page_of(mail))
    assert "Learn the sender" not in words(page)
    assert await status(mail) == "held"


async def test_what_could_not_be_read_is_read_again(operator: Browser) -> None:
    mail = await newsletter()
    await execute("UPDATE mail SET status = 'failed', kind = '', reason = 'ReaderDied: x' WHERE id = $1", mail)
    assert "It could not be read" in words(await operator.get("/desk/held"))
    await goes(operator, mail, "again")
    assert await status(mail) == "stored"
    await read_stored(clock.now())
    assert await status(mail) == "held"


async def test_a_mail_that_waited_too_long_says_so(operator: Browser) -> None:
    mail = await newsletter()
    await execute("UPDATE timer SET due_at = $2 WHERE subject = $1", mail, clock.now() - timedelta(hours=1))
    await fire_held_due(at=clock.now())
    assert "Late" in words(await operator.get("/desk/held"))
    assert "It has waited longer than registration may take." in words(await operator.get(page_of(mail)))


async def test_of_two_who_decide_the_second_is_told(operator: Browser, signs_in: Signs) -> None:
    mail = await newsletter()
    other = await signs_in(Role.SUPERVISOR, name="Sergey")
    first = (await operator.get(page_of(mail))).text
    await goes(other, mail, "ticket")
    token = re.search(r'type="hidden" name="([^"]+)" value="([^"]*)"', first)
    assert token
    page = await operator.client.post(f"{page_of(mail)}/spam", data={token[1]: token[2]})
    assert page.status_code == 409
    assert "does not wait any more" in words(page)
    assert await count("ticket") == 1


async def test_a_way_needs_the_pages_own_token_and_somebody_of_ours(operator: Browser, stranger: Browser) -> None:
    mail = await newsletter()
    assert (await operator.client.post(f"{page_of(mail)}/spam", data={})).status_code == 403
    assert (await stranger.get(page_of(mail))).status_code in (303, 401, 403)
    assert await status(mail) == "held"


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"List_Id": "<sale.example.net>"}, "It came from a mailing list: it has the header list-id."),
        ({"Auto_Submitted": "auto-generated"}, "A program sent it and says so: auto-submitted: auto-generated."),
        ({"X_Spam_Flag": "YES"}, "A mail server on the way marked it as spam."),
    ],
)
async def test_how_a_mail_was_judged_is_said_in_plain_words(
    operator: Browser, headers: dict[str, str], said: str
) -> None:
    page = words(await operator.get(page_of(await arrives(**headers))))
    assert f"How it was judged {said} It came to the mail server of the desk from 127.0.0.1." in page
