"""The tray: what waits there, who is told of it, and every way out."""

from datetime import timedelta

import msgspec
import pytest

from notifications.mail import held
from notifications.mail.held_clock import fire_held_due
from service import tray
from service.database import fetch, fetchrow, fetchval
from workflow.errors import NotFound

HOURS = timedelta(hours=1)
EMPTY_PICTURE = b"BM" + bytes(60)


@pytest.fixture
async def newsletter(centre, a_mail, arrives):
    raw = a_mail(
        sender="news@shop.example.net", subject="Sale", message_id="<n@shop.example.net>", List_Id="<n.example.net>"
    )
    return await arrives(raw)


async def journalled(act: str):
    rows = await fetch("SELECT * FROM config_journal WHERE act = $1", act)
    return [(row["subject"], row["actor_name"], msgspec.json.decode(row["data"])) for row in rows]


async def timers(mail):
    return [row["status"] for row in await fetch("SELECT status FROM timer WHERE subject = $1 ORDER BY id", mail["id"])]


async def test_machine_mail_waits_without_ticket_or_letter(newsletter, look):
    assert (newsletter["status"], newsletter["kind"]) == ("held", "machine")
    assert await look.tickets() == []
    assert await look.letters() == []
    [shown] = await held.list_held()
    assert (shown.id, shown.sender, shown.subject) == (newsletter["id"], "news@shop.example.net", "Sale")


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"subject": "", "text": " "}, "empty"),
        ({"subject": "", "text": " ", "files": (("a.exe", b"MZ" + bytes(90)),)}, "empty"),
        ({"X_Spam_Flag": "YES"}, "spam_mark"),
        ({"Auto_Submitted": "auto-generated"}, "machine"),
    ],
)
async def test_what_is_suspect_or_empty_waits(centre, a_mail, arrives, look, given, kind):
    mail = await arrives(a_mail(**given))
    assert (mail["status"], mail["kind"]) == ("held", kind)
    assert await look.tickets() == []


async def test_a_picture_alone_is_a_request(centre, a_mail, arrives, look):
    mail = await arrives(a_mail(subject="", text=" ", files=(("screen.png", b"\x89PNG\r\n\x1a\n" + bytes(40)),)))
    assert mail["status"] == "done"
    assert (await look.ticket(mail["ticket"]))["text"] == "screen.png"


async def test_one_click_makes_the_ticket_under_the_clock_of_the_arrival_and_sends_the_letter(
    newsletter, centre, look, at
):
    made = await held.make_ticket(newsletter["id"], by=centre.operator, at=at + 2 * HOURS)
    ticket = await look.ticket(made)
    assert ticket["received_at"] == at
    assert ticket["registration_due_at"] == at + 3 * HOURS
    [letter] = await look.letters("accepted")
    assert letter["status"] == "pending"
    assert await timers(newsletter) == ["cancelled"]
    [entry] = await fetch("SELECT * FROM journal WHERE ticket = $1", made)
    assert (entry["actor_name"], entry["cause"]) == ("The operator", f"mail:{newsletter['id']}")
    [(subject, who, data)] = await journalled("mail.ticket")
    assert (subject, who, data["ticket"]) == (f"mail {newsletter['id']}", "The operator", str(made))
    with pytest.raises(held.AlreadySettled):
        await held.make_ticket(newsletter["id"], by=centre.operator, at=at)


async def test_a_proposed_follow_up_becomes_a_linked_ticket(centre, a_mail, arrives, look, moves, at):
    first = (await arrives(a_mail()))["ticket"]
    closed = await moves(first, "register", "start", "complete", "confirm")
    mail = await arrives(a_mail(subject=f"Заявка#{closed.number}", text="Опять", message_id="<f@c.example.com>"))
    made = await held.make_ticket(mail["id"], by=centre.operator, at=at + HOURS)
    [link] = await fetch("SELECT * FROM ticket_link")
    assert (link["ticket"], link["other"], link["relation"]) == (made, first, "follow_up")
    assert await look.triggers(made) == ["receive", "link"]
    assert (await look.ticket(first))["state"] == "closed"


async def test_a_strangers_reply_is_joined_by_a_person(centre, a_mail, arrives, look, moves, at):
    ticket = (await arrives(a_mail()))["ticket"]
    asked = await moves(ticket, "register", "start", "request_info")
    mail = await arrives(
        a_mail(
            sender=centre.stranger, subject=f"Заявка#{asked.number}", text="Версия 7", message_id="<s@e.example.net>"
        )
    )
    assert mail["kind"] == "stranger"
    await held.join(mail["id"], ticket, by=centre.operator, at=at + HOURS)
    after = await look.ticket(ticket)
    assert after["state"] == "in_progress"
    [said] = await fetch("SELECT * FROM message WHERE mail = $1", mail["id"])
    assert (said["author"], said["direction"]) == (centre.stranger, "in")
    assert (await fetchrow("SELECT status, ticket FROM mail WHERE id = $1", mail["id"]))["status"] == "done"
    [(_subject, _who, data)] = await journalled("mail.join")
    assert data["ticket"] == str(ticket)


async def test_nothing_is_joined_to_a_closed_ticket(centre, newsletter, a_mail, arrives, look, moves, at):
    ticket = (await arrives(a_mail()))["ticket"]
    await moves(ticket, "register", "start", "complete", "confirm")
    with pytest.raises(held.TakesNoMore):
        await held.join(newsletter["id"], ticket, by=centre.operator, at=at)
    assert (await fetchval("SELECT status FROM mail WHERE id = $1", newsletter["id"])) == "held"


@pytest.mark.parametrize(("way", "status"), [("mark_spam", "spam"), ("drop", "dropped")])
async def test_spam_and_dropped_mail_leaves_the_tray_and_can_be_taken_back(newsletter, centre, look, at, way, status):
    await getattr(held, way)(newsletter["id"], by=centre.operator, at=at)
    assert await held.list_held() == []
    assert await timers(newsletter) == ["cancelled"]
    [(subject, _who, _data)] = await journalled(f"mail.{status}")
    assert subject == f"mail {newsletter['id']}"
    [aside] = await held.list_held(statuses=(status,))
    assert aside.id == newsletter["id"]
    assert await held.make_ticket(newsletter["id"], by=centre.operator, at=at)


async def test_a_learned_sender_is_known_from_then_on(centre, newsletter, a_mail, arrives, look, at):
    contact = await held.learn_sender(
        newsletter["id"], by=centre.operator, at=at, organisation=centre.organisation, contact=centre.contact
    )
    assert contact == centre.contact
    mail = await arrives(a_mail(sender="News@Shop.example.net", subject="Вопрос", message_id="<q@shop.example.net>"))
    ticket = await look.ticket(mail["ticket"])
    assert (ticket["contact"], mail["kind"]) == (centre.contact, "known_sender")
    with pytest.raises(held.KnownSender):
        await held.learn_sender(newsletter["id"], by=centre.operator, at=at, organisation=centre.organisation)
    assert len(await journalled("mail.learn_sender")) == 1


async def test_supervisors_are_told_once_of_a_mail_that_waits_too_long(newsletter, centre, look, at):
    assert await fire_held_due(at=at + 2 * HOURS) == 0
    assert await fire_held_due(at=at + 3 * HOURS) == 1
    assert await fire_held_due(at=at + 4 * HOURS) == 0
    [letter] = await look.letters("breach")
    assert (letter["recipient"], letter["status"]) == ("supervisor@desk.example.org", "pending")
    assert "Sale" in letter["subject"] + letter["text"]
    assert "/desk/held" in letter["text"]
    assert await timers(newsletter) == ["fired"]
    assert await fetchval("SELECT count(*) FROM alarm WHERE kind = 'held_mail' AND cleared_at IS NULL") == 1
    await held.drop(newsletter["id"], by=centre.operator, at=at + 5 * HOURS)
    assert await fetchval("SELECT count(*) FROM alarm WHERE kind = 'held_mail' AND cleared_at IS NULL") == 0


async def test_the_desk_reaches_the_ways_out_without_knowing_who_reads_mail(newsletter, centre, at):
    tray.hang(held)
    await tray.ways_out().drop(newsletter["id"], by=centre.operator, at=at)
    assert await held.list_held() == []


async def test_what_never_waited_is_refused(centre, a_mail, arrives, at):
    done = await arrives(a_mail())
    with pytest.raises(held.AlreadySettled):
        await held.drop(done["id"], by=centre.operator, at=at)
    with pytest.raises(NotFound):
        await held.drop(done["ticket"], by=centre.operator, at=at)
