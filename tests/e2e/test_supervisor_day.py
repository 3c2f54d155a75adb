"""A supervisor's day in a real browser: the bell, a watched ticket, an absence, teams, a dossier for a dispute."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.looks import faults
from tests.e2e.system import System, eventually, text_of
from tests.e2e.test_operator_day import DESK, PHONE, Reader, registered

pytestmark = pytest.mark.e2e

PEOPLE = (("operator", "eve-vera", "Вера Вечерняя"), ("supervisor", "eve-gleb", "Глеб Вечерний"),
          ("supervisor", "eve-inna", "Инна Вечерняя"), ("administrator", "eve-root", "Рита Вечерняя"))  # fmt: skip


def does(api: httpx.Client, ticket: dict[str, Any], trigger: str, **given: Any) -> None:
    answer = api.post(f"/tickets/{ticket['id']}/moves", json={"trigger": trigger, **given})
    assert answer.status_code == 200, answer.text


def bell(page: Any) -> str:
    """The number of the bell; '' while it is hidden."""
    count = page.locator(".bell-count")
    return str(count.inner_text()) if count.is_visible() else ""


def test_a_watched_ticket_rings_the_bell_by_itself(
    system: System, passwords: dict[str, str], api: httpx.Client, browser: Any
) -> None:
    ticket = registered(api, "Под присмотром")
    gleb = Reader(browser, system, passwords, "eve-gleb")
    page = gleb.opens(f"/desk/tickets/{ticket['id']}")
    with page.expect_navigation():
        page.keyboard.press("w")
    assert "Вы следите за заявкой" in gleb.read()
    page = gleb.opens("/reports")  # a page that is not live but for its bell
    assert bell(page) == ""
    does(api, ticket, "comment", text="Смотрю журнал.")
    eventually(lambda: bell(page) == "1", "the bell", within=10)
    assert page.inner_text("#bell-said") == "Новых уведомлений: 1"
    does(api, ticket, "comment", text="Ещё смотрю.")
    eventually(lambda: bell(page) == "2", "the bell again", within=10)

    page.click("a.bell")
    page.wait_for_load_state()
    page.keyboard.press("j")
    with page.expect_navigation():
        page.keyboard.press("r")
    assert bell(page) == "1"
    page.keyboard.press("j")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert f"/desk/tickets/{ticket['id']}#e-" in page.url
    assert bell(page) == ""
    page.keyboard.press("w")
    page.wait_for_load_state()
    eventually(lambda: "Вы больше не следите" in gleb.read(), "the end of watching", within=5)
    assert gleb.errors == []


def test_while_the_supervisor_is_away_the_deputy_is_told(
    system: System, passwords: dict[str, str], api: httpx.Client, browser: Any
) -> None:
    ticket = registered(api, "Отпуск руководителя")
    inna, vera = Reader(browser, system, passwords, "eve-inna"), Reader(browser, system, passwords, "eve-vera")
    page = inna.opens("/profile")
    today = system.now().date()
    form = page.locator("#absence form")
    form.locator("[name=from]").fill(str(today))
    form.locator("[name=until]").fill(str(today - timedelta(days=1)))
    form.locator("[name=deputy]").select_option(label="Вера Вечерняя")
    form.locator("button").click()
    page.wait_for_load_state()
    assert "Последний день раньше первого" in inna.read()
    form = page.locator("#absence form")
    assert form.locator("[name=from]").input_value() == str(today)  # what was typed is kept
    form.locator("[name=until]").fill(str(today + timedelta(days=7)))
    form.locator("button").click()
    page.wait_for_load_state()
    assert "Сохранено" in inna.read()

    page = vera.opens(f"/desk/tickets/{ticket['id']}")
    does(api, ticket, "escalate", text="Нужна помощь.")
    eventually(lambda: bell(vera.opens("/desk")) == "1", "the deputy's bell", within=10)
    assert "Нужна помощь." in text_of(system.letter("eve-vera@reglament.example.org", ticket["number"]))
    assert bell(inna.opens("/desk")) == ""
    root = Reader(browser, system, passwords, "eve-root")
    assert "отсутствует, замещает Вера Вечерняя" in root.opens("/people").inner_text("main")
    page = inna.opens("/profile")
    form = page.locator("#absence form")
    for name in ("from", "until"):
        form.locator(f"[name={name}]").fill("")
    form.locator("button").click()
    page.wait_for_load_state()
    assert [one for one in inna.errors if "422" not in one] == []  # the browser itself notes the refusal
    assert vera.errors == []


def test_what_is_told_goes_the_way_its_reader_chose(
    system: System, passwords: dict[str, str], api: httpx.Client, browser: Any
) -> None:
    ticket = registered(api, "Только письмом", "P1")
    gleb = Reader(browser, system, passwords, "eve-gleb")
    page = gleb.opens("/profile#notices")
    page.locator("#f-watched-bell").uncheck()
    page.locator("#f-watched-mail").check()
    page.locator("#notices button").click()
    page.wait_for_load_state()
    page = gleb.opens(f"/desk/tickets/{ticket['id']}")
    with page.expect_navigation():
        page.keyboard.press("w")
    before = bell(page)
    does(api, ticket, "comment", text="Это придёт письмом.")
    letter = system.letter("eve-gleb@reglament.example.org", "Это придёт письмом.", ticket["number"])
    assert letter["Auto-Submitted"] == "auto-generated"
    assert bell(gleb.opens("/desk")) == before
    page = gleb.opens("/profile#notices")
    page.locator("#f-deadline-mail").uncheck()
    page.locator("#f-deadline-bell").uncheck()
    page.locator("#notices button").click()
    page.wait_for_load_state()
    assert "оставьте хотя бы один способ" in gleb.read()


def test_the_bell_works_without_script(
    system: System, passwords: dict[str, str], api: httpx.Client, browser: Any
) -> None:
    ticket = registered(api, "Без сценариев")
    root = Reader(browser, system, passwords, "eve-root", java_script_enabled=False)
    page = root.opens(f"/desk/tickets/{ticket['id']}")
    page.click("form[action$='/watch'] button")
    page.wait_for_load_state()
    does(api, ticket, "comment", text="Без сценариев тоже.")
    page = root.opens("/desk")
    assert bell(page) == "1"
    page.click("a.bell")
    page.wait_for_load_state()
    page.click("text=Отметить прочитанными все эти")
    page.wait_for_load_state()
    assert "Всё прочитано" in root.read()
    assert bell(page) == ""


def test_a_team_narrows_queue_and_board_down(
    system: System, passwords: dict[str, str], api: httpx.Client, browser: Any
) -> None:
    ticket = registered(api, "Дело второй линии")
    registered(api, "Ничьё дело")
    does(api, ticket, "start", assignee="eve-vera@reglament.example.org")
    root = Reader(browser, system, passwords, "eve-root")
    page = root.opens("/people/teams")
    form = page.locator("form[action='/people/teams']")
    form.locator("[name=name]").fill("Вечерняя линия")
    form.locator("[name=code]").fill("Вечер")
    form.get_by_label("Вера Вечерняя").check()
    form.locator("button").click()
    page.wait_for_load_state()
    assert "строчные латинские буквы" in root.read()
    form = page.locator("form[action='/people/teams']")
    assert form.locator("[name=name]").input_value() == "Вечерняя линия"
    form.locator("[name=code]").fill("evening")
    form.get_by_label("Вера Вечерняя").check()
    form.locator("button").click()
    page.wait_for_load_state()
    page = root.opens("/desk")
    page.click(".more-filters summary")
    page.select_option("select[name=team]", label="Вечерняя линия")
    page.click(".more-filters form button")
    page.wait_for_load_state()
    assert "Дело второй линии" in root.read()
    assert "Ничьё дело" not in page.inner_text("table.queue")
    page = root.opens("/board")
    page.select_option("select[name=team]", label="Вечерняя линия")
    page.click("form[action='/board'] button")
    page.wait_for_load_state()
    load = page.locator("table").first.inner_text()
    assert "Вера Вечерняя" in page.inner_text("#board")
    assert "Рита Вечерняя" not in load
    assert [one for one in root.errors if "422" not in one] == []


def test_a_dossier_is_saved_from_the_ticket_and_checked_by_the_command(
    system: System, passwords: dict[str, str], api: httpx.Client, browser: Any, tmp_path: Path
) -> None:
    ticket = registered(api, "Спор")
    does(api, ticket, "comment", text="Внутренняя заметка.")
    gleb = Reader(browser, system, passwords, "eve-gleb")
    page = gleb.opens(f"/desk/tickets/{ticket['id']}")
    key = system.prints("dossier", "key")
    for form in ("PDF", "JSON"):
        with page.expect_download() as saved:
            page.locator("#dossier li").last.get_by_text(form).click()
        file = tmp_path / saved.value.suggested_filename
        saved.value.save_as(file)
        assert file.name == f"dossier-{ticket['number']}.{form.lower()}"
        said = system.prints("dossier", "verify", str(file), "--key", key)
        assert re.search(r"chain of \d entries hold", said)
        assert "1 withheld" in said
    assert "Внутренняя заметка" not in file.read_text("utf-8")
    assert key in gleb.opens("/regulation/public").inner_text("main")


@pytest.mark.parametrize(
    ("viewport", "scheme", "language"),
    [
        (PHONE, "light", "en"),
        pytest.param(PHONE, "dark", "ru", marks=pytest.mark.long),
        pytest.param(DESK, "dark", "en", marks=pytest.mark.long),
        pytest.param(DESK, "light", "ru", marks=pytest.mark.long),
    ],
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
    ticket = registered(api, "Доступность")
    reader = Reader(browser, system, passwords, "eve-root", viewport=viewport, color_scheme=scheme)
    page = reader.opens(f"/desk/tickets/{ticket['id']}")
    if page.locator("[name=stop]").count() == 0:
        with page.expect_navigation():
            page.keyboard.press("w")
    does(api, ticket, "comment", text="Для колокольчика.")
    reader.page.click(f"button[name=language][value={language}]")
    people = {one["name"]: one["id"] for one in api.get("/users?limit=100").json()["items"]}
    paths = ("/notices", "/notices?all=1", "/profile", "/people/teams", f"/people/{people['Вера Вечерняя']}", "/board")
    for path in paths:
        page = reader.opens(path)
        assert page.locator("html").get_attribute("lang") == language
        assert faults(page) == [], path
        if language == "en":
            shown = page.inner_text("main .page-head h1, .places") if "/people/" not in path else ""
            assert not re.search("[а-яё]", shown.lower()), path
    assert reader.errors == []
