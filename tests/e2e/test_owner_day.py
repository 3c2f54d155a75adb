"""A process owner's day in a real browser: a draft broken and mended, tried, published for tomorrow, rolled back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.e2e.looks import faults
from tests.e2e.system import System, eventually

pytestmark = pytest.mark.e2e

OWNER, COLLEAGUE = "daria@reglament.example.org", "pavel@reglament.example.org"
DRAFT = "/regulation/draft"
PAGES = (
    "/regulation", DRAFT, f"{DRAFT}/requests", f"{DRAFT}/levels", f"{DRAFT}/talk", f"{DRAFT}/calendar",
    f"{DRAFT}/letters", f"{DRAFT}/letters/completed", f"{DRAFT}/examples", f"{DRAFT}/simulation", f"{DRAFT}/publish",
    "/regulation/history", "/regulation/versions/1/compare", "/regulation/journal", "/regulation/coverage",
    "/regulation/coverage/4.1", "/regulation/public", "/regulation/public/1", "/process", "/process/states/registered",
)  # fmt: skip
SAVED = "Всё сохранено."
WATCH = (
    "window.broken = []; document.addEventListener('securitypolicyviolation', e => broken.push(e.violatedDirective))"
)


@pytest.fixture(scope="module")
def number(api: httpx.Client) -> str:
    """Of one ticket for letters and simulations to speak of."""
    given = {"channel": "portal", "email": "ivan@example.com", "subject": "Печать молчит", "text": "…"}
    ticket = api.post("/tickets", json=given).json()
    registered = api.post(f"/tickets/{ticket['id']}/moves", json={"trigger": "register", "priority": "P2"})
    return str(registered.json()["number"])


@pytest.fixture(scope="module")
def password(system: System, number: str) -> str:
    """The owner's, who finds a ticket to try things on."""
    return system.prints("user", "add", OWNER, "--name", "Дарья Мельник", "--role", "process_owner")


@pytest.fixture(scope="module")
def colleagues_password(system: System) -> str:
    return system.prints("user", "add", COLLEAGUE, "--name", "Павел Рыбин", "--role", "administrator")


@dataclass
class Owner:
    """Somebody in front of the pages, whose console is watched."""

    page: Any
    url: str
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.add_init_script(WATCH)
        self.page.on("console", lambda said: self._hear(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, text: str) -> None:
        if "status of 422" not in text:  # a refusal is shown by the page itself
            self.complaints.append(text)

    def sign_in(self, password: str, *, email: str = OWNER) -> None:
        self.open("/sign-in")
        self.page.fill("input[name=email]", email)
        self.page.fill("input[name=password]", password)
        self.page.click("form:has(input[name=password]) button")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)
        self.complaints += self.page.evaluate("broken")

    def send(self, selector: str) -> None:
        with self.page.expect_navigation():
            self.page.click(selector)
        self.complaints += self.page.evaluate("broken")

    def types(self, selector: str, text: str) -> None:
        """Over what stands there, and on to the next field; the page saves it by itself."""
        self.page.fill(selector, text)
        self.page.keyboard.press("Tab")

    def sees(self, what: Callable[[], Any], words: str) -> Any:
        return eventually(what, words, within=10)

    def is_saved(self) -> None:
        self.sees(lambda: self.page.inner_text("#draft-saved") == SAVED, "saving")

    def is_told(self, field: str, words: str) -> None:
        self.page.wait_for_selector(f"#e-{field}")
        assert words in self.page.inner_text(f"#e-{field}")

    def tab_to(self, selector: str) -> None:
        """By the keyboard alone."""
        for _press in range(400):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"no way to {selector} by the keyboard")

    def read(self) -> str:
        return str(self.page.inner_text("main"))


def an_owner(browser: Any, system: System, password: str, *, email: str = OWNER, **looks: Any) -> Owner:
    page = browser.new_context(**looks).new_page()
    owner = Owner(page, system.url)
    owner.watch()
    owner.sign_in(password, email=email)
    return owner


@pytest.fixture
def owner(browser: Any, system: System, password: str) -> Iterator[Owner]:
    someone = an_owner(browser, system, password, locale="ru-RU", viewport={"width": 1280, "height": 900})
    yield someone
    assert someone.complaints == []


def begin(owner: Owner) -> None:
    owner.open("/regulation")
    if owner.page.locator("form[action='/regulation/draft/begin']").count():
        owner.send("form[action='/regulation/draft/begin'] button")


def discard(owner: Owner) -> None:
    owner.open(DRAFT)
    owner.page.locator("details.confirm summary").last.click()
    owner.send("form[action$='/discard'] button")


def test_a_draft_is_broken_mended_tried_published_for_tomorrow_and_rolled_back(
    owner: Owner, system: System, number: str
) -> None:
    page = owner.page
    begin(owner)

    # 1. Nonsense is refused beside its field as it is typed, and keeps back nothing else; a contradiction is said too.
    owner.open(f"{DRAFT}/requests")
    owner.types("[name=minimum_minutes]", "2000")
    owner.is_told("minimum_minutes", "от 0 до 1")
    owner.types("[name=minimum_minutes]", "30")  # as the draft holds it: nothing to save, and nothing wrong any more
    owner.sees(lambda: page.locator("#e-minimum_minutes").count() == 0, "a field that is right again")
    owner.types("[name=minimum_minutes]", "2000")
    owner.is_told("minimum_minutes", "от 0 до 1")
    owner.types("[name=title-ru]", "Регламент поддержки")
    owner.sees(lambda: "Регламент поддержки" in page.inner_text("#effect-title"), "what the title does")
    owner.types("[name=minimum_minutes]", "45")
    owner.is_saved()
    assert page.locator("#e-minimum_minutes").count() == 0
    assert "45 минут" in page.inner_text("#effect-minimum_minutes")
    assert "30 минут" in page.inner_text("#force-s-minimum .differs")
    owner.types("[name=number_format]", "{year}")
    owner.is_told("number_format", "{n}")
    owner.sees(lambda: "1 проверка не пройдена" in page.inner_text("#bar-checks"), "a failing check")

    # 2. Mended by the keyboard alone: to the field, over it, and away with Enter.
    page.focus("[name=title-ru]")
    owner.tab_to("[name=number_format]")
    page.keyboard.press("Control+A")
    page.keyboard.type("{year}-{n:05}")
    page.keyboard.press("Enter")
    owner.sees(lambda: page.locator("#e-number_format").count() == 0, "a mended number")
    owner.sees(lambda: "проверки пройдены" in page.inner_text("#bar-checks"), "checks that hold")
    owner.tab_to("[popovertarget=draft-differences]")
    page.keyboard.press("Enter")
    assert "Минимальное время ответа: 30 → 45 мин" in page.inner_text("#draft-differences")
    page.keyboard.press("Escape")

    # 3. An example turns red and green as it is typed; while one is red, publishing is blocked.
    owner.open(f"{DRAFT}/examples")
    owner.types("[name=title-1]", "P2 в понедельник утром")
    page.select_option("[name=priority-1]", "P2")
    owner.types("[name=start-1]", "2026-05-18T10:00")
    page.fill("[name=due-1]", "2026-05-18T17:00")
    page.wait_for_selector("#judged-1.case-wrong")
    owner.is_saved()
    page.wait_for_selector("[name=title-2]")  # and a row for one more
    owner.open(f"{DRAFT}/publish")
    owner.send("form[action$='/publish'] button.main")
    assert "P2 в понедельник утром" in page.inner_text("[role=alert]")
    owner.open(f"{DRAFT}/examples")
    page.fill("[name=due-1]", "2026-05-18T18:00")
    page.wait_for_selector("#judged-1.case-right")
    page.keyboard.press("Tab")
    owner.is_saved()

    # 4. Another target: the example says at once what it would break; tried on the real ticket before anybody obeys it.
    owner.open(DRAFT)
    page.fill("[name=target-P2-amount]", "6")
    owner.sees(lambda: "1 пример не сходится" in page.inner_text("#bar-checks"), "an example that is broken")
    page.keyboard.press("Tab")
    owner.is_saved()
    owner.open(f"{DRAFT}/examples")
    owner.send("#judged-1 button[name=accept]")
    assert page.locator(".case-wrong").count() == 0
    owner.open(f"{DRAFT}/simulation")
    drawn = page.locator("svg.shifts .shift-name").all_text_contents()  # tickets of other tests may move as well
    assert drawn.count(number) == 1
    assert page.locator("svg.shifts .shift").count() == len(drawn)
    assert page.locator("svg.bars").count() >= 1
    owner.send("a.sorts >> nth=0")
    assert page.locator("th[aria-sort]").count() == 1

    # 5. Published for tomorrow, with what open tickets do.
    owner.open(f"{DRAFT}/publish")
    tomorrow = (system.now() + timedelta(days=1)).astimezone(ZoneInfo("Europe/Moscow"))
    page.fill("[name=effective_at]", f"{tomorrow:%Y-%m-%dT%H:%M}")
    page.check("[name=open_tickets][value=from_start]")
    page.fill("[name=note]", "Быстрее по второму приоритету")
    owner.send("form[action$='/publish'] button.main")
    newest = page.locator(".versions > li").first
    assert "Быстрее по второму приоритету" in newest.inner_text()
    assert newest.locator(".state-rests").count() == 1

    # 6. Rolled back: the version before becomes a draft and is published again.
    second = page.locator(".versions > li").nth(1)
    second.locator("summary.button").click()
    with page.expect_navigation():
        second.locator("form button").click()
    owner.open(f"{DRAFT}/publish")
    owner.send("form[action$='/publish'] button.main")
    assert page.locator(".versions > li").first.locator(".state-runs").count() == 1

    # 7. All of it stands in the journal, with what became different.
    owner.open("/regulation/journal")
    assert "P2: срок решения 8 → 6 рабочих часов" in owner.read()
    assert "Быстрее по второму приоритету" in owner.read()


def test_the_calendar_and_a_letter_are_changed_by_hand(owner: Owner) -> None:
    page = owner.page
    begin(owner)
    owner.open(f"{DRAFT}/calendar?year=2026")
    day = page.locator("#d-2026-06-16")
    for look in ("off", "short", "working"):
        day.click()
        page.wait_for_selector(f"#d-2026-06-16.day-{look}")
    assert "day-own" not in day.get_attribute("class")
    page.check("[name=brush][value=off]")
    day.focus()
    page.keyboard.press("Enter")  # the keyboard does what a click does
    page.wait_for_selector("#d-2026-06-16.day-own.day-differs")
    assert "изменён; был: рабочий день" in day.get_attribute("aria-label")
    assert "16 июня 2026" in page.text_content("#list-differences")
    page.check("[name=brush][value=production]")
    day.click()
    page.wait_for_selector("#d-2026-06-16:not(.day-own)")

    # A year nobody loaded comes as a difference; only what is accepted goes into the draft.
    page.fill("[name=import_year]", "2028")
    page.check("[name=holidays_only]")
    owner.send("form[action$='/import'] button")
    assert "1 января 2028" in owner.read()
    owner.send("form[action$='/accept'] button")
    assert "2028" in page.inner_text("h1")
    assert "только праздники" in owner.read()

    owner.open(f"{DRAFT}/letters/registered")
    assert "Печать молчит" in page.inner_text("#preview-ru")
    owner.types("[name=subject-ru]", "Ваша заявка {{ ticket.numbr }}")
    owner.is_told("subject-ru", "ticket.numbr")
    page.fill("[name=subject-ru]", "Заявка зарегистрирована: ")
    page.focus("[name=subject-ru]")
    page.keyboard.press("End")
    page.locator("button.insert:has-text('ticket.subject')").click()
    owner.sees(
        lambda: "Заявка зарегистрирована: Печать молчит" in page.inner_text("#preview-ru"), "the letter on a ticket"
    )
    page.keyboard.press("Tab")
    owner.is_saved()
    assert page.input_value("[name=subject-ru]") == "Заявка зарегистрирована: {{ ticket.subject }}"
    discard(owner)


def test_two_editors_notice_each_other_and_lose_nothing(
    owner: Owner, browser: Any, system: System, colleagues_password: str
) -> None:
    begin(owner)
    pavel = an_owner(browser, system, colleagues_password, email=COLLEAGUE, locale="ru-RU")
    owner.open(DRAFT)
    pavel.open(DRAFT)
    assert "Дарья Мельник" in pavel.sees(lambda: pavel.page.inner_text("#draft-others"), "somebody else")

    # Different fields go together, and each sees the other's.
    owner.types("[name=target-P1-amount]", "3")
    owner.is_saved()
    pavel.types("[name=target-P2-amount]", "7")
    pavel.is_saved()
    assert pavel.page.input_value("[name=target-P1-amount]") == "3"
    owner.sees(lambda: owner.page.input_value("[name=target-P2-amount]") == "7", "what Pavel typed")

    # The same field is overwritten by nobody who did not see what stands there.
    heard = {"seq": int(pavel.page.get_attribute("#draft-others", "data-seq")), "others": ""}
    pavel.page.route("**/presence", lambda asked: asked.fulfill(json=heard))  # no news reaches him meanwhile
    owner.types("[name=target-P4-amount]", "12")
    owner.is_saved()
    pavel.types("[name=target-P4-amount]", "14")
    pavel.is_told("target-P4-amount", "«12»")
    assert pavel.page.input_value("[name=target-P4-amount]") == "14"
    pavel.types("[name=target-P4-amount]", "15")
    pavel.is_saved()

    # Whoever publishes or discards it takes it from under the other, who is told.
    discard(owner)
    pavel.types("[name=target-P4-amount]", "16")
    pavel.sees(lambda: "Черновика больше нет" in pavel.page.inner_text("#draft-saved"), "that the draft is gone")
    assert [said for said in pavel.complaints if "410" not in said] == []


def test_the_draft_is_edited_without_script_as_well(browser: Any, system: System, password: str) -> None:
    page = browser.new_context(locale="ru-RU", java_script_enabled=False).new_page()
    page.goto(f"{system.url}/sign-in")
    page.fill("input[name=email]", OWNER)
    page.fill("input[name=password]", password)
    page.click("form:has(input[name=password]) button")
    page.goto(f"{system.url}/regulation")
    page.click("form[action='/regulation/draft/begin'] button")
    page.fill("[name=target-P2-amount]", "0")
    page.click("#draft-bar button.main")
    assert page.locator("#e-target-P2-amount").count() == 1
    page.fill("[name=target-P2-amount]", "6")
    page.click("#draft-bar button.main")
    assert "P2: срок решения 8 → 6 рабочих часов" in page.inner_text("#force-s-P2")
    page.click("#s-P2 ~ p button[form=up-P2]")
    page.wait_for_url(lambda url: url.endswith("#s-P2"))
    assert page.locator("#s-targets h2").first.get_attribute("id") == "s-P2"
    page.goto(f"{system.url}{DRAFT}")
    page.click("details.confirm summary")
    page.click("form[action$='/discard'] button")


# Structure does not change with width and colour: where it is judged already, only what does is judged again.
WHOLE = {"resultTypes": ["violations", "passes"]}
LOOKS = WHOLE | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block", "label"]}}
# A click on a difference opens what lies above the page: both are judged too.
OPENED = ("draft-differences", "draft-checks")


@pytest.mark.parametrize(
    ("judged", "looks"),
    [
        (WHOLE, {"locale": "en-GB", "color_scheme": "dark", "viewport": {"width": 360, "height": 740}}),
        pytest.param(
            LOOKS,
            {"locale": "ru-RU", "color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
            marks=pytest.mark.long,
        ),
    ],
    ids=["360-dark-en", "1280-light-ru"],
)
def test_every_page_of_the_owner_is_fit_for_every_reader(
    browser: Any, system: System, password: str, judged: dict[str, Any], looks: dict[str, Any]
) -> None:
    owner = an_owner(browser, system, password, **looks)
    if looks["locale"] == "en-GB":
        owner.send("button[name=language][value=en]")
    begin(owner)
    found = {}
    for path in PAGES:
        owner.open(path)
        owner.page.evaluate("document.querySelectorAll('main details:not(.confirm)').forEach(one => one.open = true)")
        if stumbled := faults(owner.page, judged):
            found[path] = stumbled
    owner.open(DRAFT)
    for name in OPENED:
        owner.page.evaluate("name => document.getElementById(name).showPopover()", name)
        if stumbled := faults(owner.page, judged):
            found[name] = stumbled
        owner.page.evaluate("name => document.getElementById(name).hidePopover()", name)
    assert found == {}
    assert owner.complaints == []
