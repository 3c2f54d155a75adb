"""An owner rewrites a letter: fields, refusals beside the fields, a preview on a real ticket, nothing sent."""

import re
from html import unescape
from uuid import uuid4

import httpx
import pytest

from service import clock, drafts
from service.database import fetchval
from service.intake import Request, receive
from service.regulations import newest
from service.ticket import Ticket
from service.tickets import carry_out
from tests.admin.conftest import Browser, Signs, words
from tests.admin.regulation_forms import fields_of
from tests.desk import ASKER, OPERATOR
from workflow.definition import Role
from workflow.regulation import LETTERS

LETTERS_AT = "/regulation/draft/letters"
COMPLETED = f"{LETTERS_AT}/completed"


@pytest.fixture
async def owner(signs_in: Signs) -> Browser:
    browser = await signs_in(Role.PROCESS_OWNER, name="Vera")
    await browser.send("/regulation/draft/begin", on="/regulation")
    return browser


async def a_completed_ticket() -> Ticket:
    request = Request(
        channel="email", subject="No print", text="Help", email="ivan@example.com", language="en", full_name="Ivan"
    )
    ticket = await receive(request, by=ASKER, at=clock.now(), cause="mail:1")
    for trigger, given in (
        ("register", {"priority": "P2"}),
        ("start", {}),
        ("complete", {"text": "Done", "delivery_method": "email", "minutes": 30, "outcome": "solved"}),
    ):
        ticket = await carry_out(
            ticket.id, trigger, by=OPERATOR, at=clock.now(), cause=f"request:{uuid4()}", given=given
        )
    return ticket


async def typed(browser: Browser, at: str = COMPLETED, **changes: str) -> httpx.Response:
    """Send the form of a letter as the page shows it, with these fields typed over."""
    return await browser.send(at, on=at, **(fields_of((await browser.get(at)).text, at) | changes))


async def letter(kind: str, language: str):  # type: ignore[no-untyped-def]
    draft = await drafts.open_draft()
    assert draft is not None
    return draft.document.letters[kind][language]


async def test_every_letter_is_listed_and_opens(owner: Browser) -> None:
    page = await owner.get(LETTERS_AT)
    listed = re.findall(rf'href="{LETTERS_AT}/(\w+)"', page.text)
    assert set(listed) == set(LETTERS)
    await a_completed_ticket()
    for kind in listed:
        opened = await owner.get(f"{LETTERS_AT}/{kind}")
        assert opened.status_code == 200
        assert 'id="preview-ru"' in opened.text
        assert "check-bad" not in opened.text
        assert 'class="error"' not in opened.text, kind


async def test_a_changed_letter_is_saved_and_marked(owner: Browser) -> None:
    saved = await typed(owner, **{"subject-en": "Please confirm {{ ticket.number }}"})
    assert saved.status_code == 303
    assert (await letter("completed", "en")).subject == "Please confirm {{ ticket.number }}"
    assert await letter("completed", "ru") == (await newest())[1].letters["completed"]["ru"]
    assert "Letter “completed” (en) changed" in words(await owner.get("/regulation/draft"))
    assert "changed" in words(await owner.get(LETTERS_AT))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("Dear {{ ticket.numbr }}", "There is no field called ticket.numbr."),
        ("Dear {{ client }}", "There is no field called client."),
        ("{{ 'x' * 1000000000 }}", "this goes beyond: mul."),
        ("{% if text %}", "Line 1 cannot be read"),
        ("  ", "This must not be empty."),
    ],
)
async def test_what_cannot_be_rendered_is_refused_next_to_the_field(owner: Browser, body: str, sentence: str) -> None:
    before = await letter("completed", "en")
    refused = await typed(owner, **{"body-en": body})
    assert refused.status_code == 422
    beside = re.search(r'id="e-body-en"[^>]*>(.*?)</p>', refused.text, re.DOTALL)
    assert beside is not None
    assert sentence in unescape(beside[1])
    assert body in unescape(refused.text)
    assert await letter("completed", "en") == before


async def test_the_preview_speaks_of_a_real_ticket_and_sends_nothing(owner: Browser) -> None:
    ticket = await a_completed_ticket()
    sent = await fetchval("SELECT count(*) FROM outbox")
    shown = await typed(owner, preview="1", **{"body-en": "About {{ ticket.subject }}: {{ confirm_url }}"})
    assert shown.status_code == 200
    preview = re.search(r'<pre lang="en">(.*?)</pre>', shown.text, re.DOTALL)
    assert preview is not None
    assert preview[1].startswith("About No print: http")
    assert f"Заявка#{ticket.number}" in shown.text
    assert await fetchval("SELECT count(*) FROM outbox") == sent
    assert (await letter("completed", "en")) == (await newest())[1].letters["completed"]["en"]


@pytest.mark.parametrize(("kind", "paths"), [("completed", {"confirm", "dispute"}), ("closed", {"rate"})])
async def test_the_preview_shows_no_link_that_works(owner: Browser, kind: str, paths: set[str]) -> None:
    await a_completed_ticket()
    links = re.findall(r"/(confirm|dispute|status|rate)/([^\s<]+)", (await owner.get(f"{LETTERS_AT}/{kind}")).text)
    assert {path for path, _secret in links} >= paths
    assert {secret for _path, secret in links} == {"…"}


async def test_a_number_that_no_ticket_has_is_said_beside_its_field(owner: Browser) -> None:
    page = await owner.get(f"{COMPLETED}?ticket=NO-1")
    assert page.status_code == 200
    assert 'id="e-ticket"' in page.text


async def test_a_letter_that_somebody_saved_meanwhile_is_not_overwritten_unseen(
    owner: Browser, signs_in: Signs
) -> None:
    other = await signs_in(Role.ADMINISTRATOR, name="Pavel")
    page = await owner.get(COMPLETED)
    revision = re.search(r'name="revision" value="(\d+)"', page.text)
    assert revision is not None
    await typed(other, **{"subject-en": "From Pavel"})
    late = await typed(owner, revision=revision[1], **{"subject-en": "From Vera"})
    assert late.status_code == 412
    assert "Pavel" in words(late)
    assert 'value="From Vera"' in late.text
    assert (await letter("completed", "en")).subject == "From Pavel"


async def test_others_read_letters_and_change_none(owner: Browser, signs_in: Signs) -> None:
    reader = await signs_in(Role.SUPERVISOR, name="Gleb")
    page = await reader.get(COMPLETED)
    assert page.status_code == 200
    assert 'action="/regulation' not in page.text
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    assert (await reader.client.post(COMPLETED, data={"_csrf_token": token[1], "revision": "1"})).status_code == 403


async def test_a_letter_that_does_not_exist_is_not_found(owner: Browser) -> None:
    assert (await owner.get(f"{LETTERS_AT}/nonsense")).status_code == 404
