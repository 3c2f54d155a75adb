"""An operator's day in a real browser: keyboard and mouse, two at once, small and large screens, light and dark."""

import re
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.looks import faults
from tests.e2e.system import System, eventually

pytestmark = pytest.mark.e2e


def a_picture() -> bytes:
    """A PNG of eight by eight grey pixels, with true checksums."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\x00" + b"\x80" * 8) * 8)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


PHONE, DESK = {"width": 360, "height": 780}, {"width": 1280, "height": 900}
PEOPLE = (("operator", "day-olga", "Ольга Дневная"), ("supervisor", "day-gleb", "Глеб Дневной"),
          ("administrator", "day-root", "Рита Дневная"))  # fmt: skip


class Reader:
    """A colleague in front of the desk, in a browser of their own; errors in the console are kept."""

    def __init__(self, browser: Any, system: System, passwords: dict[str, str], name: str, **looks: Any) -> None:
        self.url = system.url
        self.context = browser.new_context(**({"viewport": DESK, "locale": "ru-RU"} | looks))
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("response", lambda one: self.errors.append(one.url) if one.status == 404 else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        email = f"{name}@reglament.example.org"
        self.page.goto(f"{system.url}/")
        self.page.fill("input[name=email]", email)
        self.page.fill("input[name=password]", passwords[email])
        self.page.click("main button:not([name=language])")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def opens(self, path: str) -> Any:
        self.page.goto(self.url + path)
        return self.page

    def read(self) -> str:
        return str(self.page.inner_text("body"))


def a_request(api: httpx.Client, subject: str, **facts: str) -> dict[str, Any]:
    told = {
        "channel": "portal", "organisation": "ООО «Тихая гавань»", "full_name": "Вера Лапина", "position": "инженер",
        "phone": "+7 000 200-10-10", "email": "v.lapina@haven.example.com", "subject": subject, "text": f"{subject}.",
        "language": "ru",
    }  # fmt: skip
    answer = api.post("/tickets", json=told | facts)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def registered(api: httpx.Client, subject: str, priority: str = "P3") -> dict[str, Any]:
    ticket = a_request(api, subject)
    answer = api.post(f"/tickets/{ticket['id']}/moves", json={"trigger": "register", "priority": priority})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_day_by_keyboard(system: System, passwords: dict[str, str], api: httpx.Client, browser: Any) -> None:
    for n in range(3):
        registered(api, f"Клавиши {n}", "P1")
    olga = Reader(browser, system, passwords, "day-olga")
    page = olga.opens("/desk?priority=P1&q=клавиши")
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator("tr.current").get_attribute("data-row")
    assert second == page.locator("tr[data-row]").nth(1).get_attribute("data-row")
    page.keyboard.press("k")
    page.keyboard.press("x")
    assert page.locator("tr.current input:checked").count() == 1
    assert page.locator("#bulk").is_visible()
    page.keyboard.press("x")
    assert not page.locator("#bulk").is_visible()
    with page.expect_navigation():
        page.keyboard.press("a")
    assert "теперь у вас" in olga.read()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/desk/tickets/" in page.url
    page.keyboard.press(page.locator("#move-answer > summary").get_attribute("data-key"))
    page.keyboard.type("Пишу сразу")
    assert page.locator("#move-answer [name=text]").input_value() == "Пишу сразу"
    page.keyboard.press("Escape")
    page.keyboard.press(page.locator("#move-assign > summary").get_attribute("data-key"))
    page.keyboard.press("ArrowDown")
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")  # also where nothing is written, only chosen
    assert "Сделано: Назначить." in olga.read()
    assert olga.errors == []


def test_a_day_by_mouse(
    system: System, passwords: dict[str, str], api: httpx.Client, browser: Any, tmp_path: Path
) -> None:
    ticket = registered(api, "Мышью: не открывается окно")
    olga = Reader(browser, system, passwords, "day-olga")
    page = olga.opens(f"/desk/tickets/{ticket['id']}")
    page.click("#move-start > summary")
    page.click("#move-start form button.main")
    page.wait_for_load_state()

    form = page.locator("#move-answer")
    form.locator("summary").first.click()
    form.locator("[name=text]").fill("Добрый день! ")
    form.locator("[name=canned]").select_option("logs")
    form.locator("[data-insert]").click()
    text = form.locator("[name=text]").input_value()
    assert text.startswith("Добрый день! Соберите")
    assert "https://docs.example.org/logs" in text
    drop(page, "#move-answer form", "снимок.png", a_picture())
    assert form.locator("input[type=file]").evaluate("one => one.files.length") == 1
    form.locator("[name=delivery_method]").select_option("email")
    form.locator("form button.main:not([name])").click()
    page.wait_for_load_state()
    assert "снимок.png" in olga.read()

    page.locator(".split summary").first.click()
    page.fill(".split input[name=subject]", "Ещё один вопрос")
    page.click(".split button")
    page.wait_for_load_state()
    assert "Ещё один вопрос" in olga.read()

    page = olga.opens("/desk?q=гавань")
    page.locator("tr[data-row] input[type=checkbox]").first.check()
    page.select_option("#bulk-answer", "update")
    page.click("#bulk button[value=answer]")
    page.wait_for_load_state()
    assert "Письмо уйдёт 1 заказчику" in olga.read()
    assert olga.errors == []


def drop(page: Any, form: str, name: str, data: bytes) -> None:
    """Let a file fall onto a form, as a mouse would."""
    held = page.evaluate_handle(
        "([name, bytes]) => { const held = new DataTransfer();"
        " held.items.add(new File([new Uint8Array(bytes)], name, {type: 'image/png'})); return held; }",
        [name, list(data)],
    )
    page.dispatch_event(form, "drop", {"dataTransfer": held})


def test_two_at_once_see_each_other_and_lose_nothing(
    system: System, passwords: dict[str, str], api: httpx.Client, browser: Any
) -> None:
    ticket = registered(api, "Вдвоём над одной заявкой")
    olga, root = Reader(browser, system, passwords, "day-olga"), Reader(browser, system, passwords, "day-root")
    path = f"/desk/tickets/{ticket['id']}"
    olga.opens(path)
    root.opens(path)
    form = olga.page.locator("#move-comment")
    form.locator("summary").first.click()
    form.locator("[name=text]").type("Моя заметка")
    eventually(lambda: _line(root.opens(path)) == "Сейчас пишет: Ольга Дневная.", "presence", within=10)
    root.page.click("#move-start > summary")
    root.page.click("#move-start form button.main")
    root.page.wait_for_load_state()
    form.locator("form button.main").click()
    olga.page.wait_for_load_state()
    assert "Моя заметка" in str(olga.page.locator("#move-comment [name=text]").input_value())
    assert "Рита Дневная" in olga.page.locator(".flash-refused").first.inner_text()
    expected = [one for one in olga.errors if "412" not in one]  # the browser itself notes the refusal
    assert expected == []
    assert root.errors == []


def _line(page: Any) -> str:
    return str(page.locator("[data-presence]").inner_text())


def test_news_come_by_themselves_and_do_not_move_what_is_read(
    system: System, passwords: dict[str, str], api: httpx.Client, browser: Any
) -> None:
    registered(api, "Живая очередь: старая")
    olga = Reader(browser, system, passwords, "day-olga")
    page = olga.opens("/desk?q=живая")
    rows = page.locator("tr[data-row]").count()
    time.sleep(1.2)  # the stream has begun to look
    registered(api, "Живая очередь: новая")
    page.wait_for_selector("[data-more]:not([hidden])", timeout=10_000)
    assert page.inner_text("[data-more]") == "Новых: 1"
    assert page.locator("tr[data-row]").count() == rows
    page.click("[data-more]")
    page.wait_for_load_state()
    assert page.locator("tr[data-row]").count() == rows + 1
    assert olga.errors == []


def test_nothing_of_one_caller_stands_under_the_name_of_another(
    system: System, passwords: dict[str, str], api: httpx.Client, browser: Any
) -> None:
    house = api.post("/organisations", json={"name": "ООО «Два звонка»"}).json()["name"]
    for facts in (
        {"full_name": "Анна Первая", "position": "бухгалтер", "phone": "+7 000 500-50-01",
         "addresses": ["a.first@calls.example.com"]},
        {"full_name": "Вера Вторая", "addresses": ["v.second@calls.example.com"]},
    ):  # fmt: skip
        api.post("/contacts", json={"organisation": house, **facts}).raise_for_status()
    olga = Reader(browser, system, passwords, "day-olga")
    page = olga.opens("/desk/phone")

    def chosen(name: str) -> dict[str, str]:
        page.fill("[name=lookup]", name)
        page.click(f"#callers a:has-text('{name}')")
        page.wait_for_selector(f"#about h2:has-text('{name}')")
        names = ("full_name", "position", "phone", "email", "subject")
        return {one: page.locator(f"#call [name={one}]").input_value() for one in names}

    assert chosen("Анна Первая")["email"] == "a.first@calls.example.com"
    page.fill("#call [name=subject]", "Нет звука")
    assert chosen("Вера Вторая") == {
        "full_name": "Вера Вторая", "position": "", "phone": "", "email": "v.second@calls.example.com",
        "subject": "Нет звука",
    }  # fmt: skip
    assert olga.errors == []


def test_a_row_whose_ticket_left_the_list_says_so_and_stays_in_its_place(
    system: System, passwords: dict[str, str], api: httpx.Client, browser: Any
) -> None:
    kept, taken = (registered(api, f"Уходит из списка {n}", "P1") for n in range(2))
    olga = Reader(browser, system, passwords, "day-olga")
    page = olga.opens("/desk?state=registered&priority=P1")
    row = page.locator(f"tr[data-row='{taken['id']}']")
    before = row.bounding_box()
    time.sleep(1.2)  # the stream has begun to look
    api.post(f"/tickets/{taken['id']}/moves", json={"trigger": "start", "assignee": "day-root@reglament.example.org"})
    page.wait_for_selector(f"tr.left[data-row='{taken['id']}']", timeout=15_000)
    assert row.locator(".q-state").inner_text() == "ушла из списка"
    assert row.locator("button").count() == 0
    assert row.locator("input").is_disabled()
    assert row.bounding_box() == before
    other = page.locator(f"tr[data-row='{kept['id']}']")
    assert other.locator("button").count() == 1
    assert faults(page) == []
    assert olga.errors == []


def test_a_page_that_refused_a_form_goes_on_hearing_what_is_new(
    system: System, passwords: dict[str, str], api: httpx.Client, browser: Any
) -> None:
    ticket = registered(api, "Отказ и новости", "P3")
    olga = Reader(browser, system, passwords, "day-olga")
    page = olga.opens(f"/desk/tickets/{ticket['id']}")
    page.click("#move-extend > summary")
    page.fill("#move-extend [name=text]", "Нужна правка")
    page.locator("#move-extend form").evaluate("form => { form.noValidate = true; form.requestSubmit(); }")
    page.wait_for_selector("#move-extend .has-error")
    page.fill("#move-extend [name=text]", "Нужна правка, ещё слово")
    api.post(f"/tickets/{ticket['id']}/moves", json={"trigger": "comment", "text": "Свежее слово"}).raise_for_status()
    page.wait_for_selector("#talk >> text=Свежее слово", timeout=30_000)
    assert page.locator("#move-extend [name=text]").input_value() == "Нужна правка, ещё слово"
    assert page.locator("#move-extend").evaluate("one => one.open")
    assert [one for one in olga.errors if "422" not in one] == []


def test_organisations_are_found_while_one_types(
    system: System, passwords: dict[str, str], api: httpx.Client, browser: Any
) -> None:
    ticket = registered(api, "Кого искать")
    house = {"name": "АО «Якорь находок»", "domains": ["finds.example.com"]}
    api.post("/organisations", json=house).raise_for_status()
    olga = Reader(browser, system, passwords, "day-olga")
    page = olga.opens(f"/desk/tickets/{ticket['id']}")
    page.click("#move-identify > summary")
    page.locator("#move-identify [name=organisation]").press_sequentially("finds.ex")
    page.wait_for_selector("#move-identify option[value='АО «Якорь находок»']", state="attached")
    page.fill("#move-identify [name=organisation]", "АО «Якорь находок»")
    page.click("#move-identify form button.main")
    page.wait_for_load_state()
    page = olga.opens("/desk")
    page.click(".more-filters summary")
    page.locator(".more-filters [name=organisation]").press_sequentially("якорь н")
    page.wait_for_selector("#organisations option[value='АО «Якорь находок»']", state="attached")
    page.locator(".more-filters [name=organisation]").press("Enter")
    page.wait_for_url(lambda url: "organisation=" in url)
    assert page.locator("tr[data-row]").count() == 1
    assert olga.errors == []


def test_news_leave_open_what_is_read_and_keep_what_is_typed(
    system: System, passwords: dict[str, str], api: httpx.Client, browser: Any
) -> None:
    ticket = registered(api, "Читаю и пишу", "P1")
    olga, root = Reader(browser, system, passwords, "day-olga"), Reader(browser, system, passwords, "day-root")
    board = root.opens("/board")
    listed = board.locator("#board details")
    listed.locator("summary").click()
    page = olga.opens(f"/desk/tickets/{ticket['id']}")
    split, passport = page.locator(".split").first, page.locator("#clocks details").first
    split.locator("summary").click()
    split.locator("[name=subject]").fill("Совсем другая тема")
    passport.locator("summary").click()
    page.evaluate("document.activeElement.blur()")
    api.post(f"/tickets/{ticket['id']}/moves", json={"trigger": "comment", "text": "Новое слово"}).raise_for_status()
    page.wait_for_selector("#talk >> text=Новое слово", timeout=30_000)
    assert passport.evaluate("one => one.open")
    assert split.evaluate("one => one.open")
    assert split.locator("[name=subject]").input_value() == "Совсем другая тема"
    registered(api, "Новая на доске", "P1")
    board.wait_for_selector("#board details >> text=Новая на доске", timeout=30_000)
    assert listed.evaluate("one => one.open && one.contains(document.activeElement)")
    assert olga.errors == []
    assert root.errors == []


@pytest.mark.parametrize(
    ("viewport", "scheme", "language"),
    [(PHONE, "dark", "ru"), pytest.param(DESK, "light", "en", marks=pytest.mark.long)],
)
def test_pages_fit_their_screens_and_everybody(
    system: System,
    passwords: dict[str, str],
    api: httpx.Client,
    browser: Any,
    viewport: Any,
    scheme: str,
    language: str,
) -> None:
    unbroken = "ru.example.archive.ConnectionTimedOutWhileReadingTheIndexException" * 3
    ticket = registered(api, f"Доступность {scheme} {unbroken}")
    reader = Reader(browser, system, passwords, "day-root", viewport=viewport, color_scheme=scheme)
    reader.page.click(f"button[name=language][value={language}]")
    paths = (
        "/desk",
        f"/desk?q={unbroken}",
        f"/desk/tickets/{ticket['id']}",
        "/board",
        "/reports",
        "/reports/journal",
        "/people",
        "/profile",
    )
    for path in paths:
        page = reader.opens(path)
        assert page.locator("html").get_attribute("lang") == language
        assert faults(page) == [], path
        if language == "en" and path != f"/desk/tickets/{ticket['id']}":
            shown = page.inner_text("main .page-head, .places")
            assert not re.search("[а-яё]", shown.lower()), path
    assert reader.errors == []
