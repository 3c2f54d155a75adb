"""A customer's life on a telephone: from a first mail or an invitation to a dispute, an end, and a word about it."""

import base64
import io
import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from tests.e2e.system import System, eventually, text_of

pytestmark = pytest.mark.e2e

HOUSE = "ООО «Лесной берег»"
CUSTOMER = "n.orlova@lesnoy-bereg.example.com"
WRITER = "p.gusev@lesnoy-bereg.example.com"
SUBJECT = "Не открывается отчёт"
FIRST = "Пустая накладная"
ROUTES = Path(__file__).parents[2] / "docs" / "routes.md"


def links(letter: EmailMessage) -> list[str]:
    return re.findall(r"http://[^\s<>]+", text_of(letter))


def link(letter: EmailMessage, kind: str) -> str:
    return next(one for one in links(letter) if f"/{kind}/" in one)


def prefetch(system: System, to: str = CUSTOMER) -> int:
    """What programs that read mail do with every link of every letter; how many links there were."""
    found = {one for letter in system.letters(to) for one in links(letter)}
    with httpx.Client(headers={"Accept": "text/html"}, timeout=20, follow_redirects=True) as robot:
        for one in found:
            for method in ("GET", "HEAD", "OPTIONS"):
                assert robot.request(method, one).status_code < 500
    return len(found)


def the_ticket(api: httpx.Client, subject: str = SUBJECT) -> dict[str, Any]:
    return next(one for one in api.get("/tickets").json()["items"] if one["subject"] == subject)


@pytest.fixture(scope="module")
def house(api: httpx.Client) -> str:
    """The organisation of everybody here, with its mail domain."""
    made = api.post("/organisations", json={"name": HOUSE, "domains": ["lesnoy-bereg.example.com"]})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def picture(colour: str) -> str:
    """A small PNG, as base64."""
    kept = io.BytesIO()
    Image.new("RGB", (40, 20), colour).save(kept, "PNG")
    return base64.b64encode(kept.getvalue()).decode()


def moves(api: httpx.Client, ticket: dict[str, Any], trigger: str, **given: object) -> dict[str, Any]:
    answer = api.post(f"/tickets/{ticket['id']}/moves", json={"trigger": trigger, **given})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def completes(api: httpx.Client, ticket: dict[str, Any], text: str) -> None:
    moves(api, ticket, "complete", text=text, delivery_method="email", minutes=30, outcome="solved")


class Telephone:
    """A customer with a browser 360 pixels wide, which never has to be scrolled sideways."""

    def __init__(self, browser: Any, system: System) -> None:
        self.system = system
        self.page = browser.new_page(locale="ru-RU", viewport={"width": 360, "height": 740})
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if _is_fault(said) else None)

    def open(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.system.url + path)
        self.fits()

    def press(self, label: str) -> None:
        with self.page.expect_navigation():
            self.page.click(f"main button:has-text('{label}'):visible")
        self.fits()

    def fits(self) -> None:
        assert self.page.evaluate("document.documentElement.scrollWidth") <= 360, self.page.url

    def does(self, trigger: str, label: str, text: str = "") -> None:
        act = self.page.locator(f"#act-{trigger}")
        act.locator("summary").click()
        under_the_mouse = act.locator("summary").evaluate(GROUND)
        self.page.mouse.move(0, 0)
        assert act.locator("summary").evaluate(GROUND) == under_the_mouse  # the label is readable on no other
        if text:
            act.locator("textarea").fill(text)
        with self.page.expect_navigation():
            act.locator("form button").last.click()
        self.fits()
        assert label in self.read()

    def read(self) -> str:
        return str(self.page.inner_text("main"))

    def brings(self, how: str, name: str, colour: str) -> None:
        """A screenshot, pasted or dropped onto the form."""
        self.page.evaluate(
            """([how, name, data]) => {
                const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
                const carried = new DataTransfer();
                carried.items.add(new File([bytes], name, { type: "image/png" }));
                const event = how === "paste"
                    ? new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true })
                    : new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
                document.querySelector("textarea[name=text]").dispatchEvent(event);
            }""",
            [how, name, picture(colour)],
        )


# What a button is painted with once its colours have come to rest.
GROUND = """async (button) => {
    await Promise.all(button.getAnimations().map((change) => change.finished));
    return getComputedStyle(button).backgroundColor;
}"""


def _is_fault(said: Any) -> bool:
    """Chromium also writes down each answer of 4xx, which these pages give on purpose."""
    return bool(said.type == "error" and "Failed to load resource" not in said.text)


def test_from_the_invitation_to_a_dispute_and_a_confirmed_end(
    system: System, api: httpx.Client, browser: Any, house: str
) -> None:
    password = system.prints(
        "user", "add", "cabinet-admin@reglament.example.org", "--name", "Вера Белова", "--role", "administrator"
    )
    made = api.post(
        "/contacts",
        json={"organisation": HOUSE, "full_name": "Нина Орлова", "position": "бухгалтер",
              "phone": "+7 000 200-20-02", "addresses": [CUSTOMER]},
    ).json()  # fmt: skip

    # 1. A colleague invites her; the letter leads to a password, and programs that follow links use nothing up.
    desk = browser.new_page(locale="ru-RU")
    desk.goto(f"{system.url}/customers/people/{made['id']}")
    desk.fill("input[name=email]", "cabinet-admin@reglament.example.org")
    desk.fill("input[name=password]", password)
    desk.click("main button:not([name=language])")
    desk.wait_for_url(lambda url: "/customers/people/" in url)
    desk.click("button:has-text('Отправить приглашение')")
    desk.wait_for_load_state()
    invitation = system.letter(CUSTOMER, "Приглашаем вас в кабинет")
    assert prefetch(system) == 1
    nina = Telephone(browser, system)
    nina.open(link(invitation, "cabinet/account"))
    nina.press("Показать пароль")
    own = nina.page.inner_text("#password")
    nina.open(link(invitation, "cabinet/account"))
    assert "уже использована" in nina.read()

    # 2. She signs in with it on another telephone and writes; who she is, is filled in.
    nina = Telephone(browser, system)
    nina.open("/cabinet/new")
    nina.page.fill("input[name=email]", CUSTOMER)
    nina.page.fill("input[name=password]", own)
    nina.press("Войти")
    assert nina.page.input_value("input[name=full_name]") == "Нина Орлова"
    assert "PNG" in nina.read()
    nina.page.fill("input[name=subject]", SUBJECT)
    nina.page.fill("textarea[name=text]", "Отчёт за квартал не открывается.")
    nina.press("Отправить обращение")
    ticket = the_ticket(api)
    assert ticket["organisation"] == HOUSE
    moves(api, ticket, "register", priority="P3")
    moves(api, ticket, "start")
    moves(api, ticket, "comment", text="Только для коллег")
    completes(api, ticket, "Отчёт пересобран.")
    system.letter(CUSTOMER, "Отчёт пересобран.", "/confirm/")
    seq = the_ticket(api)["seq"]
    assert prefetch(system) >= 4  # the invitation, the status page, confirm and dispute
    assert the_ticket(api)["seq"] == seq

    # 3. She disagrees in the cabinet, with her argument; the links of the old letter end, and say so.
    nina.open(f"/cabinet/tickets/{ticket['id']}")
    assert "Отчёт пересобран." in nina.read()
    assert "Только для коллег" not in nina.read()
    nina.does("dispute", "работа продолжается", "Теперь он пустой.")
    assert the_ticket(api)["state"] == "in_progress"
    stranger = Telephone(browser, system)
    old = link(system.letter(CUSTOMER, "Отчёт пересобран.", "/confirm/"), "confirm")
    stranger.open(old)
    assert "изменилась" in stranger.read() or "больше" in stranger.read()
    completes(api, ticket, "Данные возвращены.")

    # 4. A colleague to whom the letter was forwarded may confirm by its link, but the cabinet stays shut.
    done = system.letter(CUSTOMER, "Данные возвращены.", "/confirm/")
    stranger.open(link(done, "confirm"))
    assert SUBJECT in stranger.read()
    stranger.open("/cabinet")
    assert "/cabinet/sign-in" in stranger.page.url
    nina.open(f"/cabinet/tickets/{ticket['id']}")
    nina.does("confirm", "заявка закрыта")
    closed = the_ticket(api)
    assert closed["closed_at"]
    told = api.get(f"/tickets/{ticket['id']}/journal").json()["items"]
    by = {one["trigger"]: one["actor"] for one in told}
    assert by["dispute"]["name"] == by["confirm"]["name"] == "Нина Орлова"

    # 5. One click says how it was; looking does not.
    end = system.letter(CUSTOMER, "/rate/")
    prefetch(system)
    rated = Telephone(browser, system)
    rated.open(link(end, "rate"))
    rated.press("Хорошо")
    assert "Спасибо за оценку" in rated.read()
    rated.open(link(end, "rate"))
    assert "уже получен" in rated.read() or "уже" in rated.read()
    eventually(lambda: system.command("verify").returncode == 0, "a clean journal")
    assert nina.errors == rated.errors == stranger.errors == []


def test_from_a_first_mail_to_a_dispute_and_a_confirmation_by_links_alone(
    system: System, api: httpx.Client, browser: Any, house: str
) -> None:
    # 1. Nobody knows him yet. His mail is a ticket all the same, and a letter says by when it is looked at.
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Павел Гусев <{WRITER}>", "support@reglament.example.org", FIRST
    mail["Message-ID"] = "<first@lesnoy-bereg.example.com>"
    mail.set_content("Накладная печатается пустой.")
    system.send(mail, sender=WRITER)
    accepted = system.letter(WRITER, "Мы получили ваше обращение")
    assert "пришлём номер, приоритет и срок" in text_of(accepted)
    ticket = the_ticket(api, FIRST)
    assert ticket["unidentified"]

    # 2. He registers by himself: his address is of the organisation's domain, so he is joined to it at once.
    pavel = Telephone(browser, system)
    pavel.open("/cabinet/register")
    for name, value in (("email", WRITER), ("full_name", "Павел Гусев"), ("organisation", "Лесной берег"),
                        ("position", "кладовщик"), ("phone", "+7 000 300-30-03")):  # fmt: skip
        pavel.page.fill(f"input[name={name}]", value)
    pavel.press("Прислать письмо")
    registration = system.letter(WRITER, "/cabinet/account/")
    assert prefetch(system, WRITER) == 1
    pavel.open(link(registration, "cabinet/account"))
    pavel.press("Показать пароль")
    pavel.open("/cabinet")
    assert FIRST in pavel.read()  # what he wrote before is his

    # 3. A new request, with one screenshot pasted and one dropped; what is taken is told before.
    pavel.open("/cabinet/new")
    told = pavel.page.inner_text("#h-attachments")
    assert "JPEG, GIF, PNG" in told
    assert pavel.page.evaluate(
        "document.querySelector('#h-attachments').compareDocumentPosition(document.querySelector('#f-attachments')) & 4"
    )
    pavel.page.fill("textarea[name=text]", "Вторая проблема: экран красный.")
    pavel.page.focus("textarea[name=text]")
    for colour in ("red", "green"):  # out of the clipboard all come under one name
        pavel.brings("paste", "pasted.png", colour)
    assert pavel.page.evaluate("document.activeElement.name") == "text"
    pavel.brings("drop", "dropped.png", "blue")
    chosen = pavel.page.locator(".chosen-files span")
    assert chosen.all_inner_texts() == ["pasted.png", "pasted-2.png", "dropped.png"]
    pavel.page.click("text=Убрать >> nth=1")
    assert chosen.all_inner_texts() == ["pasted.png", "dropped.png"]
    pavel.press("Отправить обращение")
    shown = pavel.page.locator("a.picture img")
    assert shown.count() == 2
    assert all(shown.nth(n).evaluate("(image) => image.complete && image.naturalWidth === 40") for n in range(2))
    assert "pasted.png" in pavel.read()

    # 4. The first one is identified, registered and asked about; his answer by mail goes on with it.
    moves(api, ticket, "identify", organisation=house, contact=WRITER)
    number = moves(api, ticket, "register", priority="P2")["number"]
    moves(api, ticket, "request_info", text="Какая это накладная?", minutes=30)
    question = system.letter(WRITER, "Какая это накладная?")
    answer = EmailMessage()
    answer["From"], answer["To"], answer["Subject"] = WRITER, "support@reglament.example.org", f"Re: Заявка#{number}"
    answer["In-Reply-To"] = str(question["Message-ID"])
    answer.set_content("Накладная 17.")
    system.send(answer, sender=WRITER)
    eventually(lambda: the_ticket(api, FIRST)["state"] == "in_progress", "the answer")

    # 5. Completed; robots look at everything; he disagrees by the link alone, on another telephone, not signed in.
    completes(api, ticket, "Шаблон заменён.")
    first = system.letter(WRITER, "Шаблон заменён.", "/confirm/")
    seq = the_ticket(api, FIRST)["seq"]
    assert prefetch(system, WRITER) >= 4
    assert the_ticket(api, FIRST)["seq"] == seq
    other = Telephone(browser, system)
    other.open(link(first, "dispute"))
    assert "Шаблон заменён." in other.read()
    other.press("Отправить и продолжить работу")
    assert "заполните" in other.read().lower()
    other.page.fill("textarea[name=text]", "Накладная 18 тоже пустая.")
    other.press("Отправить и продолжить работу")
    assert "работа продолжается" in other.read()
    other.open(link(first, "confirm"))
    assert "уже получен" in other.read()
    assert "Решение оспорено: Павел Гусев" in other.read()

    # 6. Completed again. A colleague to whom the letter was passed on confirms, and says who she is.
    completes(api, ticket, "Заменены все шаблоны.")
    second = system.letter(WRITER, "Заменены все шаблоны.", "/confirm/")
    prefetch(system, WRITER)
    other.open(link(second, "dispute"))
    other.page.click("text=Всё-таки решено")
    other.page.click("summary:has-text('Письмо вам переслали')")
    other.page.fill("input[name=who]", "Анна из бухгалтерии")
    other.press("Да, подтвердить решение")
    assert "Решение подтверждено: заказчик" in other.read()  # this page may be forwarded: it tells no names
    other.press("Хорошо")
    assert "Спасибо за оценку" in other.read()
    other.open("/cabinet")
    assert "/cabinet/sign-in" in other.page.url
    told_by = api.get(f"/tickets/{ticket['id']}/journal").json()["items"]
    acts = {one["trigger"]: one for one in told_by}
    assert (acts["confirm"]["actor"]["name"], acts["dispute"]["actor"]["name"]) == (
        "Анна из бухгалтерии",
        "Павел Гусев",
    )
    assert acts["confirm"]["cause"].startswith("link:")
    prefetch(system, WRITER)
    pavel.open(f"/cabinet/tickets/{ticket['id']}")
    assert "Анна из бухгалтерии" in pavel.read()
    eventually(lambda: system.command("verify").returncode == 0, "a clean journal")
    assert pavel.errors == other.errors == []


def routes_for_customers() -> list[str]:
    """The pages that customers and strangers may open, from the table that is made of the application itself."""
    rows = re.findall(r"^\| `GET (/[^`]*)` \|(.*)\|$", ROUTES.read_text("utf-8"), re.MULTILINE)
    inside = ("/static", "/health", "/api", "/cabinet/files", "/cabinet/tickets/{id}/{trigger}")
    open_ones = [path for path, who in rows if "everybody" in who or "`cabinet`" in who]
    return [path for path in open_ones if not path.startswith(inside)]


@pytest.mark.parametrize(
    ("scheme", "language"),
    [
        ("light", "ru"),
        *(pytest.param(*looks, marks=pytest.mark.long) for looks in (("light", "en"), ("dark", "ru"), ("dark", "en"))),
    ],
)
def test_every_page_of_customers_is_readable_by_everybody(
    system: System, api: httpx.Client, browser: Any, house: str, language: str, scheme: str
) -> None:
    """At 360 pixels, in both languages and both schemes: no serious finding of axe, nothing beyond the edge."""
    who = f"reader.{language}.{scheme}@lesnoy-bereg.example.com"
    facts = {"full_name": "Юлия Белкина", "position": "юрист", "phone": "+7 000 400-40-04", "language": language}
    made = api.post("/contacts", json=facts | {"organisation": HOUSE, "addresses": [who]}).json()
    assert api.post(f"/contacts/{made['id']}/invite", json={"sees": "organisation"}).status_code == 200
    page = browser.new_page(
        locale="ru-RU" if language == "ru" else "en-GB", color_scheme=scheme, viewport={"width": 360, "height": 740}
    )
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if _is_fault(said) else None)
    invitation = link(system.letter(who, "/cabinet/account/"), "cabinet/account")
    checked = {"/cabinet/account/{token}": check(page, invitation, language)}
    page.click("main form.panel button")
    checked["the password"] = check(page, "", language)
    ticket = api.post("/tickets", json={"channel": "phone", "email": who, "text": "Оранжевый экран"}).json()
    moves(api, ticket, "register", priority="P3")
    moves(api, ticket, "start")
    completes(api, ticket, "Готово.")
    links = system.letter(who, "/confirm/")
    status = link(system.letter(who, "/status/"), "status")
    known = {"status": status, **{kind: link(links, kind) for kind in ("confirm", "dispute")}}
    known["cabinet/tickets"] = f"/cabinet/tickets/{ticket['id']}"
    known["regulation/public"] = "/regulation/public/1"
    for path in routes_for_customers():
        kind = path.strip("/").rpartition("/")[0]
        if kind != "rate" and "cabinet/account" not in path:
            checked[path] = check(page, known[kind] if "{" in path else path, language)
    moves(api, ticket, "confirm")
    checked["/rate/{token}"] = check(page, link(system.letter(who, "/rate/"), "rate"), language)
    for path in (status, known["confirm"], f"/cabinet/tickets/{ticket['id']}", "/status/x", "/cabinet/account/x",
                 "/cabinet?q=nothing-like-this"):  # fmt: skip
        check(page, path, language)
    assert set(routes_for_customers()) <= checked.keys()
    assert faults == []


def check(page: Any, path: str, language: str) -> bool:
    """Open the page, or take the one that is open, and look at it as axe does."""
    if path:
        page.goto(path if path.startswith("http") else f"{page.url.partition('/cabinet')[0]}{path}")
    if page.get_attribute("html", "lang") != language:  # a page for everybody follows the letter or the browser
        with page.expect_navigation():
            page.click(f"button[name=language][value={language}]")
    for more in page.query_selector_all("main details"):
        more.evaluate("(one) => { one.removeAttribute('name'); one.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.url
    found = Axe().run(page)
    serious = [one for one in found.response["violations"] if one["impact"] in ("serious", "critical", "moderate")]
    assert serious == [], page.url
    return True
