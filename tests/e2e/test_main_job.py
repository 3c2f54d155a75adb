"""The main job, played against the started system by mail, browser, API and webhook: from a mail to a closed ticket."""

import io
import re
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from PIL import Image
from standardwebhooks import Webhook

from tests.e2e.system import MONDAY, Receiver, System, eventually, text_of

pytestmark = pytest.mark.e2e

CUSTOMER = "i.tikhonov@severny-port.example.com"


def a_picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (640, 360), "navy").save(made, "PNG")
    return made.getvalue()


@pytest.fixture(scope="module")
def people(system: System) -> dict[str, str]:
    """Passwords by role, as the command prints them."""
    return {
        role: system.prints("user", "add", f"{role}@reglament.example.org", "--name", name, "--role", role)
        for role, name in (
            ("operator", "Анна Крылова"),
            ("supervisor", "Глеб Тарасов"),
            ("process_owner", "Дарья Мельник"),
        )
    }


def a_mail(subject: str, text: str, *, charset: str = "utf-8", picture: bool = False) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"Игорь Тихонов <{CUSTOMER}>"
    mail["To"] = "support@reglament.example.org"
    mail["Subject"] = subject
    mail["Message-ID"] = f"<{abs(hash((subject, text)))}@severny-port.example.com>"
    mail.set_content(text, charset=charset)
    if picture:
        mail.add_attachment(a_picture(), maintype="image", subtype="png", filename="снимок.png")
    return mail


def a_reply(letter: EmailMessage, text: str) -> EmailMessage:
    mail = a_mail(f"Re: {letter['Subject']}", text)
    mail["In-Reply-To"] = letter["Message-ID"]
    return mail


class Desk:
    """A colleague in front of the pages."""

    def __init__(self, browser: Any, system: System, role: str, password: str) -> None:
        self.system = system
        self.page = browser.new_page(locale="ru-RU", viewport={"width": 1280, "height": 900})
        self.errors: list[str] = []
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(system.url + "/")
        self.page.fill("input[name=email]", f"{role}@reglament.example.org")
        self.page.fill("input[name=password]", password)
        self.page.click("main button:not([name=language])")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def open_ticket(self, subject: str) -> None:
        self.page.goto(self.system.url + "/desk")
        self.page.click(f'a:has-text("{subject}")')
        self.page.wait_for_selector("#moves")

    def move(self, trigger: str, **given: str) -> None:
        """Open the form of one move, fill it and send it."""
        form = self.page.locator(f"#move-{trigger}")
        if form.get_attribute("open") is None:
            form.locator("summary").first.click()
        for name, value in given.items():
            place = form.locator(f"[name={name}]")
            if place.evaluate("one => one.tagName") == "SELECT":
                place.select_option(value)
            else:
                place.fill(value)
        form.locator("form button.main:not([name=preview]), form button.danger").first.click()
        self.page.wait_for_load_state()

    def read(self) -> str:
        return str(self.page.inner_text("body"))


def the_ticket(api: httpx.Client, subject: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = [one for one in api.get("/tickets").json()["items"] if one["subject"] == subject]
        return found[0] if found else None

    return dict(eventually(look, f"a ticket “{subject}”"))


def journal(api: httpx.Client, ticket: dict[str, Any]) -> list[dict[str, Any]]:
    return list(api.get(f"/tickets/{ticket['id']}/journal").json()["items"])


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def link(letter: EmailMessage, kind: str) -> str:
    found = re.search(rf"http://\S+/{kind}/\S+", text_of(letter))
    assert found, text_of(letter)
    return found.group()


def test_from_a_mail_to_a_closed_ticket(
    system: System, people: dict[str, str], api: httpx.Client, receiver: Receiver, browser: Any
) -> None:
    hook = api.post("/webhooks", json={"url": receiver.url, "event_types": ["*"]})
    assert hook.status_code == 201, hook.text
    organisation = api.post("/organisations", json={"name": "ООО «Северный порт»"}).json()
    contact = api.post(
        "/contacts",
        json={"organisation": organisation["name"], "full_name": "Игорь Тихонов", "position": "администратор",
              "phone": "+7 000 100-10-02", "addresses": [CUSTOMER]},
    )  # fmt: skip
    assert contact.status_code == 201, contact.text

    # 1. A real mail becomes a ticket; its sender is recognised and hears of it.
    system.send(a_mail("Не печатает накладная", "После обновления печать молчит.", charset="cp1251", picture=True),
                sender=CUSTOMER)  # fmt: skip
    ticket = the_ticket(api, "Не печатает накладная")
    assert ticket["state"] == "new"
    assert ticket["number"] is None
    assert ticket["organisation"] == "ООО «Северный порт»"
    assert ticket["contact"]["full_name"] == "Игорь Тихонов"
    assert instant(ticket["registration_due_at"]) - instant(ticket["received_at"]) == timedelta(hours=3)
    assert api.get(f"/tickets/{ticket['id']}/attachments").json()["items"][0]["filename"] == "снимок.png"
    system.letter(CUSTOMER, "Обращение принято")

    # 2. An operator registers it, takes it, asks; the clock stops until the customer answers by mail.
    desk = Desk(browser, system, "operator", people["operator"])
    desk.open_ticket("Не печатает накладная")
    desk.move("register", priority="P2")
    ticket = the_ticket(api, "Не печатает накладная")
    assert ticket["number"]
    assert instant(ticket["due_at"]) - instant(ticket["registered_at"]) > timedelta(hours=8)  # a night lies between
    letter = system.letter(CUSTOMER, f"Заявка#{ticket['number']}", "Приоритет 2")
    assert str(letter["Subject"]).startswith(f"Заявка#{ticket['number']} ")
    eventually(lambda: the_ticket(api, "Не печатает накладная")["accepted_at"], "acceptance by the mail server (7.10)")
    desk.move("start")
    desk.move("request_info", text="Какая версия?", minutes="5")
    waiting = the_ticket(api, "Не печатает накладная")
    assert waiting["clock"]["state"] == "paused"
    assert waiting["minutes_total"] == 30  # a question is an answer too: never less than the minimum (5.2)

    system.set_clock(MONDAY + timedelta(hours=2))
    question = system.letter(CUSTOMER, "Какая версия?")
    system.send(a_reply(question, "Версия 7.1\n\n> Какая версия?"), sender=CUSTOMER)
    resumed = eventually(
        lambda: (now := the_ticket(api, "Не печатает накладная"))["state"] == "in_progress" and now, "the work going on"
    )
    moved = instant(resumed["due_at"]) - instant(waiting["due_at"])
    assert timedelta(hours=1, minutes=50) < moved < timedelta(hours=2, minutes=5)
    assert "Версия 7.1" in [
        one["reply"].strip() for one in api.get(f"/tickets/{ticket['id']}/messages").json()["items"]
    ]

    desk.page.reload()
    desk.move("complete", text="Драйвер обновлён.", delivery_method="email", minutes="45", outcome="solved")
    assert the_ticket(api, "Не печатает накладная")["minutes_total"] == 75
    done = system.letter(CUSTOMER, "Драйвер обновлён.", "/confirm/")

    # Opening links changes nothing; a dispute needs its argument.
    customer = browser.new_page(locale="ru-RU")
    customer.goto(link(done, "confirm"))
    customer.goto(link(done, "dispute"))
    assert the_ticket(api, "Не печатает накладная")["state"] == "completed"
    customer.fill("textarea", "Печатает, но без печати организации.")
    customer.click("main button:not([name=language])")
    customer.wait_for_load_state()
    disputed = the_ticket(api, "Не печатает накладная")
    assert disputed["state"] == "in_progress"

    desk.page.reload()
    desk.move(
        "complete", text="Печать организации возвращена.", delivery_method="email", minutes="10", outcome="solved"
    )
    again = the_ticket(api, "Не печатает накладная")
    assert again["minutes_total"] == 105
    system.set_clock(instant(again["completed_at"]) + timedelta(hours=23, minutes=59))
    assert the_ticket(api, "Не печатает накладная")["state"] == "completed"
    system.set_clock(instant(again["completed_at"]) + timedelta(hours=24, seconds=1))
    closed = eventually(
        lambda: (now := the_ticket(api, "Не печатает накладная"))["state"] == "closed" and now, "closing after silence"
    )
    told = journal(api, closed)
    assert told[-1]["trigger"] == "expire"
    assert [entry["seq"] for entry in told] == list(range(1, closed["seq"] + 1))
    assert desk.errors == []

    # 3. A deadline that passes is journaled by the clock, and the supervisor is told; so is a late registration.
    late = api.post(
        "/tickets", json={"channel": "portal", "email": CUSTOMER, "subject": "Опоздание", "text": "…"}
    ).json()
    system.set_clock(instant(late["registration_due_at"]) + timedelta(seconds=5))
    eventually(
        lambda: [one for one in journal(api, late) if one["trigger"] == "breach"], "the breach of the registration"
    )
    system.letter("supervisor@reglament.example.org", "Срок нарушен", "Опоздание")
    registered = api.post(f"/tickets/{late['id']}/moves", json={"trigger": "register", "priority": "P1"}).json()
    system.set_clock(instant(registered["due_at"]) + timedelta(seconds=5))
    breaches = eventually(
        lambda: (found := [one for one in journal(api, late) if one["trigger"] == "breach"])[1:] and found,
        "the breach of the solution",
    )
    assert {one["actor"]["kind"] for one in breaches} == {"clock"}
    assert [one["data"]["clock"] for one in breaches] == ["registration", "resolution"]
    system.letter("supervisor@reglament.example.org", "Срок нарушен", registered["number"])

    # 4. The same moves by the API; a wrong one says why and what is possible.
    wrong = api.post(f"/tickets/{late['id']}/moves", json={"trigger": "confirm"})
    assert wrong.status_code == 409
    assert wrong.headers["content-type"].startswith("application/problem+json")
    assert "start" in str(wrong.json()["possible"])
    possible = [one["trigger"] for one in api.get(f"/tickets/{late['id']}/moves").json()["items"]]
    assert "start" in possible
    assert "confirm" not in possible
    assert api.get("/openapi.json").json()["openapi"].startswith("3.1")

    # 5. A process owner changes a target and publishes: new registrations obey it, old ones keep theirs.
    owner = Desk(browser, system, "process_owner", people["process_owner"])
    change_the_target_of_p1(owner, minutes=120)
    old = api.get(f"/tickets/{late['id']}").json()
    assert old["due_at"] == registered["due_at"]
    fresh = api.post("/tickets", json={"channel": "portal", "email": CUSTOMER, "subject": "Новая", "text": "…"}).json()
    fresh = api.post(f"/tickets/{fresh['id']}/moves", json={"trigger": "register", "priority": "P1"}).json()
    assert fresh["regulation_version"] == registered["regulation_version"] + 1
    assert fresh["clock"]["remaining_seconds"] <= 120 * 60
    assert registered["clock"]["remaining_seconds"] > 120 * 60
    assert owner.errors == []

    # 6. Every transition came to the webhook, signed; an independent library verifies it.
    transitions = {(one["id"], entry["seq"]) for one in (ticket, late, fresh) for entry in journal(api, one)
                   if entry["kind"] == "move"}  # fmt: skip

    def all_came() -> bool:
        came = {(event["data"]["ticket_id"], event["data"]["seq"]) for event in receiver.events()}
        return transitions <= came

    eventually(all_came, "every transition at the webhook")
    seal = Webhook(hook.json()["secret"])
    for headers, body in receiver.requests:
        seal.verify(body, headers)

    # 7. Every journal says what its ticket shows.
    assert system.command("verify").returncode == 0


def change_the_target_of_p1(owner: Desk, *, minutes: int) -> None:
    """What a process owner does: begin a draft, change one number, look at the difference, publish."""
    page = owner.page
    page.goto(owner.system.url + "/regulation")
    page.click("form[action='/regulation/draft/begin'] button")
    page.fill("[name='target-P1-amount']", str(minutes // 60))
    page.keyboard.press("Tab")  # whoever leaves a field has saved it
    page.wait_for_selector("#draft-saved:has-text('Всё сохранено')")
    page.goto(owner.system.url + "/regulation/draft/publish")
    assert "P1" in owner.read()
    page.click("form[action='/regulation/draft/publish'] button")
    page.wait_for_load_state()
