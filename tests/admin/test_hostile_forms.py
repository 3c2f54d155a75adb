"""Every form and every filter a signed-in person can find is sent with values no form would send: none is our fault."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest

from service import clock, directory
from service.database import fetchval
from service.intake import Request, receive
from tests.admin.conftest import SITE, Browser, Signs, hidden_fields, words
from tests.admin.regulation_forms import fields_of
from tests.desk import OPERATOR
from workflow.definition import Role

HOSTILE = ("a\x00b", "²", "0001-01-01T00:00", "9999-12-31", "9" * 40, "-1", "\ud7ff\u202e" * 3)
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
LEFT_ALONE = ("/sign-out", "/regulation/draft/discard")  # they end what the other forms need


@dataclass
class Form:
    """A form as it stands on a page: where it goes, how, and what it would send."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)

    @property
    def likeness(self) -> tuple[object, ...]:
        """Forms that differ only in which record they are of are put to the test once."""
        return _kind(self.action), self.method, tuple(sorted(self.fields)) if self.method == "post" else ()


def _kind(address: str) -> str:
    return re.sub(r"\d+", "#", UUIDS.sub("#", urlsplit(address).path))


class Reader(HTMLParser):
    """Finds the forms and the links of a page."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self.at = at
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._by_id: dict[str, Form] = {}
        self._chosen: tuple[Form, str] | None = None  # the select whose options are being read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "a" and told.get("href", "").startswith(("/", "?")):
            self.links.append(urljoin(self.at, told["href"]))
        if tag == "form":
            self.forms.append(Form(urljoin(self.at, told.get("action", "")), told.get("method", "get").lower()))
            self._by_id[told.get("id", "a form without a name")] = self.forms[-1]
        if tag == "option" and self._chosen and ("selected" in told or not self._chosen[0].fields[self._chosen[1]]):
            self._chosen[0].fields[self._chosen[1]] = told.get("value", "")
        if tag in {"input", "select", "textarea", "button"} and told.get("name") and self.forms:
            form = self._by_id.get(told.get("form", ""), self.forms[-1])
            form.fields[told["name"]] = told.get("value", "")
            self._chosen = (form, told["name"]) if tag == "select" else None
            if told.get("type") == "hidden" or (tag == "button" and told.get("value")):
                form.kept.add(told["name"])


async def _pages(browser: Browser, most: int) -> list[tuple[str, Reader]]:
    """The pages found by following links from the first one, one of each kind."""
    seen, found = set[str](), list[tuple[str, Reader]]()
    waiting = ["/", "/desk", "/regulation", "/customers", "/people"]
    while waiting and len(found) < most:
        at = waiting.pop(0)
        kind = _kind(at)
        if kind in seen or at.startswith(("/api", "/sign-out")) or at.endswith("/live"):
            continue
        seen.add(kind)
        answer = await browser.get(at)
        assert answer.status_code < 500, (at, answer.text[:500])
        if answer.status_code in {301, 302, 303, 307}:
            waiting.append(answer.headers["location"].removeprefix(SITE))
        if answer.headers.get("content-type", "").startswith("text/html"):
            page = Reader(at)
            page.feed(answer.text)
            waiting += page.links
            found.append((at, page))
    return found


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.PROCESS_OWNER, Role.ADMINISTRATOR])
async def test_no_form_and_no_filter_breaks(signs_in: Signs, role: Role) -> None:
    browser = await signs_in(role, name=f"Heidi-{role}")
    for n in range(2):
        beeps = Request(channel="phone", text=f"It beeps {n}.")
        await receive(beeps, by=OPERATOR, at=clock.now(), cause=f"hostile:{n}")
    if role is Role.PROCESS_OWNER:
        await browser.send("/regulation/draft/begin", on="/regulation")
    tried, broken = set[object](), list[str]()
    for at, page in await _pages(browser, 150):
        for form in page.forms:
            if form.likeness in tried or form.action in LEFT_ALONE:
                continue
            tried.add(form.likeness)
            broken += [f"{at}: {told}" for told in await _send(browser, form, at)]
        names = dict(parse_qsl(urlsplit(at).query))
        for value in HOSTILE:
            for name in names:
                answer = await browser.get(f"{urlsplit(at).path}?{urlencode(names | {name: value})}")
                if answer.status_code >= 500:
                    broken.append(f"GET {at} {name}={value!r}")
    assert len(tried) > 5
    assert not broken, "\n".join(broken)


async def _send(browser: Browser, form: Form, at: str) -> list[str]:
    """Every field hostile at once; in a short form also each field alone, the others as they stand."""
    open_fields = sorted(set(form.fields) - form.kept)
    broken = []
    alone = [(name,) for name in open_fields] if len(open_fields) <= 8 else []
    for names, values in [(tuple(open_fields), HOSTILE), *((one, HOSTILE[:3]) for one in alone)]:
        for value in values:
            typed = form.fields | dict.fromkeys(names, value)
            if form.method == "post":
                answer = await browser.client.post(form.action, data=typed, headers={"Accept": "text/html"})
                if answer.status_code == 412 and at.startswith("/regulation"):  # another sending was taken
                    typed |= hidden_fields((await browser.get(at)).text, form.action.partition("#")[0])
                    answer = await browser.client.post(form.action, data=typed, headers={"Accept": "text/html"})
            else:
                answer = await browser.get(f"{urlsplit(form.action).path}?{urlencode(typed)}")
            if answer.status_code >= 500:
                broken.append(f"{form.method.upper()} {form.action} {value!r} in {names}")
    return broken


async def test_what_is_no_year_no_row_and_no_version_is_passed_over(signs_in: Signs) -> None:
    owner = await signs_in(Role.PROCESS_OWNER, name="Vera")
    await owner.send("/regulation/draft/begin", on="/regulation")
    for address in ("/regulation/draft/calendar?year=²", f"/regulation/versions/1/compare?with={'9' * 5000}"):
        assert (await owner.get(address)).status_code == 200, address
    for button in ("accept", "remove"):
        on = "/regulation/draft/examples"
        fields = fields_of((await owner.get(on)).text, on)
        assert (await owner.send(on, on=on, **(fields | {button: "²"}))).status_code == 303


async def test_no_version_takes_effect_in_the_year_one(signs_in: Signs) -> None:
    owner = await signs_in(Role.PROCESS_OWNER, name="Vera")
    await owner.send("/regulation/draft/begin", on="/regulation")
    on = "/regulation/draft/publish"
    refused = await owner.send(on, on=on, note="Never", effective_at="0001-01-01T00:00")
    assert refused.status_code == 422
    assert "Give a date and a time." in words(refused)


async def test_nobody_is_away_in_the_year_one(operator: Browser) -> None:
    typed = {"from": "0001-01-01", "until": "0001-01-02"}
    refused = await operator.send("/profile", on="/profile", act="absence", **typed)
    assert refused.status_code == 422
    assert "Write the day as 2026-05-18." in words(refused)


async def test_a_name_keeps_everything_but_the_sign_no_text_holds(operator: Browser) -> None:
    saved = await operator.send("/profile", on="/profile", act="profile", name="Ol\x00ga", language="ru")
    assert saved.status_code == 303
    assert await fetchval("SELECT name FROM app_user") == "Olga"


async def test_an_organisation_of_endless_digits_is_unknown(operator: Browser) -> None:
    contact = await directory.add_contact(
        "Ivan", addresses=["ivan@example.com"], organisation="", position="", phone="", language="en",
        by=OPERATOR, at=clock.now(),
    )  # fmt: skip
    on = f"/customers/people/{contact}"
    token = hidden_fields((await operator.get(on)).text, on)
    answer = await operator.client.post(f"{on}/join", data=token | {"organisation": "9" * 40})
    assert answer.status_code == 422
    assert await fetchval("SELECT organisation FROM contact") is None
