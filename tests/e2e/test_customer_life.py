"""A customer's life on a telephone: from an invitation to a dispute, a confirmed end and a word about it."""

import re
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import httpx
import pytest

from tests.e2e.system import System, eventually, text_of

pytestmark = pytest.mark.e2e

CUSTOMER = "n.orlova@lesnoy-bereg.example.com"
SUBJECT = "Не открывается отчёт"


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[httpx.Client]:
    with system.client(system.prints("token", "add", "customer-life", "--role", "administrator")) as client:
        yield client


def links(letter: EmailMessage) -> list[str]:
    return re.findall(r"http://[^\s<>]+", text_of(letter))


def link(letter: EmailMessage, kind: str) -> str:
    return next(one for one in links(letter) if f"/{kind}/" in one)


def prefetch(system: System) -> int:
    """What programs that read mail do with every link of every letter; how many links there were."""
    found = {one for letter in system.letters(CUSTOMER) for one in links(letter)}
    with httpx.Client(headers={"Accept": "text/html"}, timeout=20) as robot:
        for one in found:
            for method in ("GET", "HEAD"):
                assert robot.request(method, one).status_code < 500
    return len(found)


def the_ticket(api: httpx.Client) -> dict[str, Any]:
    return next(one for one in api.get("/tickets").json()["items"] if one["subject"] == SUBJECT)


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
        if text:
            act.locator("textarea").fill(text)
        with self.page.expect_navigation():
            act.locator("form button").last.click()
        self.fits()
        assert label in self.read()

    def read(self) -> str:
        return str(self.page.inner_text("main"))


def test_from_the_invitation_to_a_dispute_and_a_confirmed_end(system: System, api: httpx.Client, browser: Any) -> None:
    api.post("/organisations", json={"name": "ООО «Лесной берег»", "domains": ["lesnoy-bereg.example.com"]})
    password = system.prints(
        "user", "add", "cabinet-admin@reglament.example.org", "--name", "Вера Белова", "--role", "administrator"
    )
    made = api.post(
        "/contacts",
        json={"organisation": "ООО «Лесной берег»", "full_name": "Нина Орлова", "position": "бухгалтер",
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
    assert ticket["organisation"] == "ООО «Лесной берег»"
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
