"""A process owner's day in a real browser: a draft broken and mended, tried, published for tomorrow, rolled back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.e2e.system import System

pytestmark = pytest.mark.e2e

OWNER = "daria@reglament.example.org"
DRAFT = "/regulation/draft"
PAGES = (
    "/regulation", DRAFT, f"{DRAFT}/levels", f"{DRAFT}/lists", f"{DRAFT}/calendar", f"{DRAFT}/letters",
    f"{DRAFT}/letters/completed", f"{DRAFT}/examples", f"{DRAFT}/simulation", f"{DRAFT}/publish",
    "/regulation/history", "/regulation/coverage", "/regulation/public", "/process",
)  # fmt: skip
WATCH = (
    "window.broken = []; document.addEventListener('securitypolicyviolation', e => broken.push(e.violatedDirective))"
)


@pytest.fixture(scope="module")
def password(system: System) -> str:
    """The owner's; and one ticket for letters and simulations to speak of."""
    with system.client(system.prints("token", "add", "owner-day", "--role", "administrator")) as api:
        given = {"channel": "portal", "email": "ivan@example.com", "subject": "Печать молчит", "text": "…"}
        ticket = api.post("/tickets", json=given).json()
        api.post(f"/tickets/{ticket['id']}/moves", json={"trigger": "register", "priority": "P2"})
    return system.prints("user", "add", OWNER, "--name", "Дарья Мельник", "--role", "process_owner")


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

    def sign_in(self, password: str) -> None:
        self.open("/sign-in")
        self.page.fill("input[name=email]", OWNER)
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

    def tab_to(self, selector: str) -> None:
        """By the keyboard alone."""
        for _press in range(300):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"no way to {selector} by the keyboard")

    def read(self) -> str:
        return str(self.page.inner_text("main"))

    def faults(self, options: dict[str, Any]) -> list[str]:
        """What a reader with other eyes or hands would stumble over; and what does not fit the screen."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found = [f"{wide} px too wide"] if wide > 1 else []
        judged = Axe().run(self.page, options=options).response
        assert judged["passes"]
        found += [
            f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
            for one in judged["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        return found


def an_owner(browser: Any, system: System, password: str, **looks: Any) -> Owner:
    page = browser.new_context(**looks).new_page()
    owner = Owner(page, system.url)
    owner.watch()
    owner.sign_in(password)
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


def test_a_draft_is_broken_mended_tried_published_for_tomorrow_and_rolled_back(owner: Owner, system: System) -> None:
    page = owner.page
    begin(owner)

    # 1. Nonsense is refused beside its field; what contradicts itself is said at once.
    page.fill("[name=minimum_minutes]", "2000")
    owner.send("form#draft .save button")
    assert "от 0 до 1" in page.inner_text("#e-minimum_minutes")
    page.fill("[name=minimum_minutes]", "45")
    page.fill("[name=number_format]", "{year}")
    owner.send("form#draft .save button")
    assert page.locator("#e-number_format").count() == 1

    # 2. Mended, by the keyboard alone: to the field, over it, and away with Enter.
    owner.tab_to("[name=number_format]")
    page.keyboard.press("Control+A")
    page.keyboard.type("{year}-{n:05}")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.locator("#e-number_format").count() == 0
    assert "Минимальное время ответа" in owner.read() or "45" in owner.read()

    # 3. An example that the rules answer otherwise blocks publishing until it is put right.
    owner.open(f"{DRAFT}/examples")
    page.fill("[name=title-1]", "P2 в понедельник утром")
    page.select_option("[name=priority-1]", "P2")
    page.fill("[name=start-1]", "2026-05-18T10:00")
    page.fill("[name=due-1]", "2026-05-18T17:00")
    owner.send(".save .main")
    assert page.locator(".case-wrong").count() == 1
    owner.open(f"{DRAFT}/publish")
    owner.send("form[action$='/publish'] button.main")
    assert "P2 в понедельник утром" in page.inner_text("[role=alert]")
    owner.open(f"{DRAFT}/examples")
    owner.send("button[name=accept]")
    assert page.locator(".case-wrong").count() == 0

    # 4. Another target; tried on the real ticket before anybody obeys it.
    owner.open(DRAFT)
    page.fill("[name=target-P2-amount]", "6")
    owner.send("form#draft .save button")
    owner.open(f"{DRAFT}/examples")
    owner.send("button[name=accept]")
    owner.open(f"{DRAFT}/simulation")
    assert "сдвин" in owner.read().lower()
    assert page.locator("svg.bars").count() >= 1

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


def test_the_calendar_and_a_letter_are_changed_by_hand(owner: Owner) -> None:
    page = owner.page
    begin(owner)
    owner.open(f"{DRAFT}/calendar?year=2026")
    page.check("[name=brush][value=off]")
    owner.send("[name=day][value='2026-06-16']")
    assert "day-own" in page.get_attribute("#d-2026-06-16", "class")
    page.check("[name=brush][value=production]")
    owner.send("[name=day][value='2026-06-16']")
    assert "day-own" not in page.get_attribute("#d-2026-06-16", "class")

    owner.open(f"{DRAFT}/letters/registered")
    assert "Печать молчит" in page.inner_text("#preview-ru")
    page.fill("[name=subject-ru]", "Ваша заявка {{ ticket.numbr }}")
    owner.send(".save .main")
    assert "ticket.numbr" in page.inner_text("#e-subject-ru")
    page.fill("[name=subject-ru]", "Заявка зарегистрирована: {{ ticket.subject }}")
    owner.send(".save .main")
    assert "Заявка зарегистрирована: Печать молчит" in page.inner_text("#preview-ru")
    owner.open(DRAFT)
    owner.page.locator("details.confirm summary").last.click()
    owner.send("form[action$='/discard'] button")


# Structure does not change with width and colour: the second time only what does is judged.
WHOLE = {"resultTypes": ["violations", "passes"]}
LOOKS = WHOLE | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block", "label"]}}


@pytest.mark.parametrize(
    ("judged", "looks"),
    [
        (WHOLE, {"locale": "ru-RU", "color_scheme": "light", "viewport": {"width": 1280, "height": 900}}),
        (LOOKS, {"locale": "en-GB", "color_scheme": "dark", "viewport": {"width": 360, "height": 740}}),
    ],
    ids=["1280-light-ru", "360-dark-en"],
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
        if faults := owner.faults(judged):
            found[path] = faults
    assert found == {}
    assert owner.complaints == []
