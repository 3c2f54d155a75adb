"""What a stranger may open: pages behind signed links act only when posted, and the regulation is there for all."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar

from admin.pages import DEFAULT_ZONE
from service import clock
from service.actors import Actor, customer
from service.app import create_app
from service.correspondence import LINKS_LAST
from service.database import execute, fetch, fetchrow, fetchval
from service.house import HOUSE
from service.intake import Request, receive
from service.regulation_text import chapters
from service.regulations import RULEBOOKS, newest, publish, publish_default
from service.settings import Settings
from service.ticket import Ticket
from service.tickets import carry_out
from service.words import Language
from tests.desk import changed_target
from workflow.definition import Role
from workflow.regulation import AttachmentPolicy, Reminders, default_regulation

ORIGIN = "http://desk.example.org"
OPERATOR = Actor(kind="staff", id="7", name="Olga Operator", role=Role.OPERATOR)
COMPLETE = {"text": "Update", "delivery_method": "email", "minutes": 30, "outcome": "solved"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Litestar:
    return create_app(Settings(home=tmp_path_factory.mktemp("home"), env="test", public_url=ORIGIN))


@pytest.fixture
async def visitor(app: Litestar, database: None) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that nobody signed in with, reading English."""
    RULEBOOKS.forget()
    await publish_default(at=clock.now())
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, cookies={"language": "en"}) as client:
        yield client
    RULEBOOKS.forget()


async def a_ticket(*, language: str = "ru") -> Ticket:
    request = Request(
        channel="email", text="It hangs", subject="It hangs at noon", full_name="Ivan Customer",
        phone="+7 000 000-00-00", email="ivan@example.com", language=language,
    )  # fmt: skip
    return await receive(request, by=customer(id="", name="Ivan Customer"), at=clock.now(), cause="mail:1")


async def act(ticket: Ticket, trigger: str, **given: object) -> Ticket:
    cause = f"request:{trigger}:{ticket.seq}"
    return await carry_out(ticket.id, trigger, by=OPERATOR, at=clock.now(), cause=cause, given=given)


async def completed(*, language: str = "ru") -> Ticket:
    ticket = await a_ticket(language=language)
    ticket = await act(ticket, "register", priority="P2")
    ticket = await act(ticket, "start")
    await act(ticket, "comment", text="He is nervous")
    return await act(ticket, "complete", **COMPLETE)


async def link(ticket: Ticket, which: str) -> str:
    """The address in the last letter of completion."""
    id = await fetchval(
        "SELECT id FROM signed_link WHERE ticket = $1 AND act = $2 ORDER BY seq DESC LIMIT 1", ticket.id, which
    )
    return f"/{which}/{HOUSE.sign(which, id)}"


async def state(ticket: Ticket) -> tuple[int, bool]:
    """How many acts there were, and whether the ticket is open."""
    row: Any = await fetchrow("SELECT seq, closed_at FROM ticket WHERE id = $1", ticket.id)
    return row["seq"], row["closed_at"] is None


def words(page: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


async def test_looking_at_both_links_a_hundred_times_changes_nothing(visitor: httpx.AsyncClient) -> None:
    """Programs that read mail follow every link in it."""
    ticket = await completed()
    before = await state(ticket)
    for which in ("confirm", "dispute"):
        for method in ("GET", "HEAD", "GET"):
            await visitor.request(method, await link(ticket, which))
    assert await state(ticket) == before


async def test_confirming_closes_and_thanks(visitor: httpx.AsyncClient) -> None:
    ticket = await completed()
    page = await visitor.get(await link(ticket, "confirm"))
    assert page.status_code == 200
    assert ticket.number is not None
    assert ticket.number in words(page)
    done = await visitor.post(await link(ticket, "confirm"))
    assert done.status_code == 303
    after = await visitor.get(done.headers["location"])
    assert "The solution is confirmed and the ticket is closed." in words(after)
    assert not (await state(ticket))[1]


async def test_a_dispute_needs_its_argument_and_reopens(visitor: httpx.AsyncClient) -> None:
    ticket = await completed()
    path = await link(ticket, "dispute")
    refused = await visitor.post(path, data={"text": "   "})
    assert refused.status_code == 422
    assert 'id="e-text"' in refused.text
    assert (await state(ticket))[0] == ticket.seq
    done = await visitor.post(path, data={"text": "Still hangs <b>now</b>"})
    assert done.status_code == 303
    assert "the work goes on" in words(await visitor.get(done.headers["location"]))
    entry = (await fetch("SELECT * FROM journal WHERE ticket = $1 ORDER BY seq DESC LIMIT 1", ticket.id))[0]
    assert (entry["trigger"], entry["actor_kind"]) == ("dispute", "customer")
    assert entry["cause"].startswith("link:")
    assert await fetchval(
        "SELECT text FROM message WHERE ticket = $1 ORDER BY at DESC, id DESC LIMIT 1", ticket.id
    ) == ("Still hangs <b>now</b>")


async def test_nothing_of_a_long_argument_is_lost(visitor: httpx.AsyncClient) -> None:
    ticket = await completed()
    path, argument = await link(ticket, "dispute"), "line of a log\n" * 6_000 + "and the end"
    refused = await visitor.post(path, data={"text": argument + "x" * 20_000})
    assert refused.status_code == 422
    assert "at most 100000 characters" in words(refused)
    assert "and the endx" in refused.text
    assert (await visitor.post(path, data={"text": argument})).status_code == 303
    assert await fetchval("SELECT text FROM message WHERE ticket = $1 ORDER BY at DESC LIMIT 1", ticket.id) == argument


async def test_only_silence_is_told_to_close_a_ticket(visitor: httpx.AsyncClient) -> None:
    ticket = await completed()
    status = f"/status/{HOUSE.sign('status', ticket.id)}"
    assert "Closes by itself" in words(await visitor.get(status))
    ivan, given = customer(id="", name="Ivan Customer"), {"text": "We shall look tomorrow"}
    await carry_out(ticket.id, "reply", by=ivan, at=clock.now(), cause="mail:2", given=given)
    held = words(await visitor.get(await link(ticket, "confirm"))) + words(await visitor.get(status))
    assert "Closes by itself" not in held
    assert "does not close by itself now" in held
    done = await visitor.post(await link(ticket, "dispute"), data={"text": "It still hangs"})
    disputed = words(await visitor.get(done.headers["location"]))
    assert "Closes by itself" not in disputed
    assert "Solution due" in disputed


async def test_both_links_are_used_up_together(visitor: httpx.AsyncClient) -> None:
    ticket = await completed()
    confirm, dispute = await link(ticket, "confirm"), await link(ticket, "dispute")
    await visitor.post(confirm)
    seq, _open = await state(ticket)
    for path in (confirm, dispute):
        for page in (await visitor.get(path), await visitor.post(path, data={"text": "No"})):
            assert page.status_code == 410
            assert "Your answer to this letter has already been received." in words(page)
            assert "reply to any of our letters" in words(page)  # what to do instead
    assert (await state(ticket))[0] == seq


async def test_a_later_change_of_state_revokes_and_a_comment_does_not(visitor: httpx.AsyncClient) -> None:
    ticket = await completed()
    path = await link(ticket, "confirm")
    await act(ticket, "comment", text="Let us wait")
    assert (await visitor.get(path)).status_code == 200
    await act(ticket, "dispute", text="By phone")
    page = await visitor.post(path)
    assert page.status_code == 410
    assert "moved on" in words(page)
    assert (await state(ticket))[1]


async def test_who_confirms_reads_what_was_done_and_finds_the_other_way(visitor: httpx.AsyncClient) -> None:
    ticket = await completed()
    confirm, dispute = await link(ticket, "confirm"), await link(ticket, "dispute")
    page = await visitor.get(confirm)
    assert "Our answer Update" in words(page)
    assert "in the name of Ivan Customer" in words(page)
    assert f'href="{dispute}"' in page.text
    assert f'href="{confirm}"' in (await visitor.get(dispute)).text


async def test_whoever_the_letter_was_passed_on_to_says_who_he_is(visitor: httpx.AsyncClient) -> None:
    ticket = await completed()
    path = await link(ticket, "confirm")
    await visitor.post(path, data={"who": "  Petr\n<b>Schukin</b> "})
    entry = await fetchrow("SELECT actor_kind, actor_id, actor_name FROM journal WHERE trigger = 'confirm'")
    assert tuple(entry) == ("customer", "", "Petr <b>Schukin</b>")
    used = await visitor.get(path)
    assert used.status_code == 410
    assert "Confirmed by Petr <b>Schukin</b>" in words(used)
    assert "<b>Schukin" not in used.text
    status = await visitor.get(f"/status/{HOUSE.sign('status', ticket.id)}")
    assert "Confirmed by the customer" in words(status)


async def test_a_closed_ticket_is_rated_with_one_click_on_its_page(visitor: httpx.AsyncClient) -> None:
    ticket = await completed()
    status = f"/status/{HOUSE.sign('status', ticket.id)}"
    assert "How was it?" not in words(await visitor.get(status))
    done = await visitor.post(await link(ticket, "confirm"))
    page = await visitor.get(done.headers["location"])
    action = re.search(r'action="(/rate/[^"]+)"', page.text)
    assert action
    assert (await visitor.post(action[1], data={"score": "fair"})).status_code == 303
    assert await fetchval("SELECT score FROM satisfaction WHERE ticket = $1", ticket.id) == "fair"
    assert "How was it?" not in words(await visitor.get(status))


async def test_whoever_wrote_outside_working_hours_is_told_until_when_we_answer(visitor: httpx.AsyncClient) -> None:
    ticket = await a_ticket()
    path = f"/status/{HOUSE.sign('status', ticket.id)}"
    sunday, monday = datetime(2026, 5, 17, 12, tzinfo=UTC), datetime(2026, 5, 18, 9, tzinfo=UTC)
    for received_at, told in ((sunday, True), (monday, False)):
        await execute("UPDATE ticket SET received_at = $1", received_at)
        assert ("You wrote outside working hours" in words(await visitor.get(path))) is told


async def test_an_expired_link_says_so(visitor: httpx.AsyncClient) -> None:
    ticket = await completed()
    await execute("UPDATE signed_link SET expires_at = $1", clock.now() - timedelta(seconds=1))
    page = await visitor.post(await link(ticket, "confirm"))
    assert page.status_code == 410
    assert "This link has expired." in words(page)
    assert (await state(ticket))[1]


@pytest.mark.parametrize("which", ["status", "confirm", "dispute"])
@pytest.mark.parametrize("token", ["x", "A" * 46, "%D0%B6", "..%2F..%2Fetc"])
async def test_a_made_up_link_finds_nothing_and_reveals_nothing(
    visitor: httpx.AsyncClient, which: str, token: str
) -> None:
    await completed()
    page = await visitor.get(f"/{which}/{token}")
    assert page.status_code == 404
    assert "It hangs" not in page.text


async def test_the_token_of_one_purpose_opens_no_other(visitor: httpx.AsyncClient) -> None:
    ticket = await completed()
    confirm = (await link(ticket, "confirm")).rpartition("/")[2]
    status = HOUSE.sign("status", ticket.id)
    for path in (f"/dispute/{confirm}", f"/status/{confirm}", f"/confirm/{status}", f"/dispute/{status}"):
        assert (await visitor.get(path)).status_code == 404
    assert (await visitor.post(f"/confirm/{status}")).status_code == 404
    assert (await state(ticket))[1]


async def test_the_status_page_tells_the_ticket_and_nobody_else_s_data(visitor: httpx.AsyncClient) -> None:
    ticket = await a_ticket()
    path = f"/status/{HOUSE.sign('status', ticket.id)}"
    fresh = words(await visitor.get(path))
    assert "Received" in fresh
    assert "We shall register your request" in fresh
    ticket = await act(ticket, "register", priority="P2")
    ticket = await act(ticket, "start")
    await act(ticket, "comment", text="He is nervous")
    page = await visitor.get(path)
    told = words(page)
    assert ticket.number is not None
    for expected in (ticket.number, "It hangs at noon", "In progress", "Priority 2", "Counted in all 8 hr", "rule P2"):
        assert expected in told.replace("\N{NO-BREAK SPACE}", " "), expected
    for hidden in ("Olga", "nervous", "ivan@example.com", "+7 000", "Ivan Customer"):
        assert hidden not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_the_deadline_is_explained_in_words(visitor: httpx.AsyncClient) -> None:
    """Ten working days: a weekend lies between on any day of the year."""
    ticket = await act(await a_ticket(), "register", priority="P4")
    page = await visitor.get(f"/status/{HOUSE.sign('status', ticket.id)}")
    lines = re.findall(r'<li class="(\w+)"><span>([^<]*)</span><span>([^<]*)</span></li>', page.text)
    kinds = [kind for kind, _said, _length in lines]
    assert kinds.count("counted") in (10, 11)
    assert kinds[-1] == "total"
    for _kind, said, _length in (line for line in lines if line[0] == "skipped"):
        assert re.fullmatch(r"Not counted: [\w –]+ \([a-z ]+\)", said), said
    assert "skipped" in kinds


async def test_the_status_page_ends_some_time_after_the_ticket(visitor: httpx.AsyncClient) -> None:
    ticket = await completed()
    await visitor.post(await link(ticket, "confirm"))
    await execute("UPDATE ticket SET closed_at = $1", clock.now() - LINKS_LAST)
    assert (await visitor.get(f"/status/{HOUSE.sign('status', ticket.id)}")).status_code == 410


@pytest.mark.parametrize(("language", "word"), [("ru", "Номер"), ("en", "Number")])
async def test_pages_speak_the_language_of_the_letter(visitor: httpx.AsyncClient, language: str, word: str) -> None:
    ticket = await completed(language=language)
    visitor.cookies.clear()
    for path in (await link(ticket, "confirm"), f"/status/{HOUSE.sign('status', ticket.id)}"):
        page = await visitor.get(path, headers={"Accept-Language": "ru" if language == "en" else "en"})
        assert f'lang="{language}"' in page.text
        assert word in words(page)


async def test_no_cookie_helps_or_hinders(visitor: httpx.AsyncClient) -> None:
    """The link alone is the right; a session next to it neither adds its name nor asks for a token."""
    ticket = await completed()
    page = await visitor.get(await link(ticket, "confirm"))
    assert "set-cookie" not in page.headers
    visitor.cookies.set("reglament_session", "a" * 43)
    done = await visitor.post(await link(ticket, "confirm"))
    assert done.status_code == 303


# --- the regulation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_the_regulation_in_force_is_there_for_everybody_clause_by_clause(
    visitor: httpx.AsyncClient, language: str
) -> None:
    visitor.cookies.set("language", language)
    page = await visitor.get("/regulation/public")
    assert page.status_code == 200
    ids = re.findall(r'id="clause-([0-9.]+)"', page.text)
    wanted = ["1", "2", "3.1", "3.2", *(f"4.{n}" for n in range(1, 10)), "5.1", "5.2", "6.1", "6.2", "6.3"]
    assert ids == wanted + [f"7.{n}" for n in range(1, 11)]
    said = {"ru": ("3 рабочих часа", "8 рабочих часов", "24 часа"), "en": ("3 working hours", "8 working hours")}
    for sentence in said[language]:
        assert sentence in words(page).replace("\N{NO-BREAK SPACE}", " "), sentence


async def test_a_published_change_stands_in_the_text_and_among_the_versions(visitor: httpx.AsyncClient) -> None:
    version, document = await newest()
    author = Actor(kind="staff", id="1", name="Vera Owner", role=Role.PROCESS_OWNER)
    await publish(changed_target(document, "P2", amount=360), based_on=version, by=author, at=clock.now())
    page = words(await visitor.get("/regulation/public"))
    assert "version 2" in page
    assert "P2 · 8 working hours · 6 working hours" in page  # was
    assert "P2 · 6 working hours · 6 working hours" in page  # becomes
    assert "Vera Owner" not in page


async def test_another_title_is_a_change_too(visitor: httpx.AsyncClient) -> None:
    version, document = await newest()
    author = Actor(kind="staff", id="1", name="Vera Owner", role=Role.PROCESS_OWNER)
    title = msgspec.structs.replace(document.title, ru="Порядок поддержки", en="Order of support")
    changed = msgspec.structs.replace(document, title=title)
    await publish(changed, based_on=version, by=author, at=clock.now())
    page = words(await visitor.get("/regulation/public"))
    assert f"Was: {document.title.en} Becomes: Order of support" in page
    assert "The text of the regulation stayed the same." not in page


async def test_a_version_to_come_is_announced_but_not_yet_the_text(visitor: httpx.AsyncClient) -> None:
    version, document = await newest()
    author = Actor(kind="staff", id="1", name="Vera Owner", role=Role.PROCESS_OWNER)
    later = clock.now() + timedelta(days=3)
    changed = changed_target(document, "P1", amount=60)
    await publish(changed, based_on=version, by=author, at=clock.now(), effective_at=later)
    page = words(await visitor.get("/regulation/public"))
    assert "Another version takes effect on" in page
    assert f"In force since {clock.now().astimezone(DEFAULT_ZONE):%-d %B %Y}, version 1." in page
    text = words(await visitor.get("/regulation/public/2"))
    assert "Version 2, takes effect on" in text
    assert "This text is not in force yet." in text
    assert "P1 1 working hour 2 working hours" in text


async def test_a_version_that_was_passed_over_promises_nothing(visitor: httpx.AsyncClient) -> None:
    version, document = await newest()
    author = Actor(kind="staff", id="1", name="Vera Owner", role=Role.PROCESS_OWNER)
    later = clock.now() + timedelta(days=3)
    await publish(
        changed_target(document, "P1", amount=60), based_on=version, by=author, at=clock.now(), effective_at=later
    )
    await publish(document, based_on=version + 1, by=author, at=clock.now())
    page = words(await visitor.get("/regulation/public"))
    assert "Another version takes effect on" not in page
    assert "Version 2, passed over" in page
    text = words(await visitor.get("/regulation/public/2"))
    assert "takes effect on" not in text
    assert "This version does not come into force: a later one took its place." in text


async def test_the_text_of_each_version_stays_where_it_is(visitor: httpx.AsyncClient) -> None:
    version, document = await newest()
    author = Actor(kind="staff", id="1", name="Vera Owner", role=Role.PROCESS_OWNER)
    await publish(changed_target(document, "P2", amount=360), based_on=version, by=author, at=clock.now())
    older, current = [words(await visitor.get(f"/regulation/public/{n}")) for n in (1, 2)]
    assert "another one is in force now." in older
    assert "P2 8 working hours 6 working hours" in older
    assert "P2 6 working hours 6 working hours" in current
    for missing in (0, 3, 2**31, 10**30):
        assert (await visitor.get(f"/regulation/public/{missing}")).status_code == 404


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_text_speaks_of_nothing_that_the_document_does_not_have(language: Language) -> None:
    bare = msgspec.structs.replace(
        default_regulation(),
        required_fields=(), postponement_reasons=(), canned_answers=(), reminders=Reminders(), service_levels=(),
        attachments=AttachmentPolicy((), ("image/bmp",), (), 2**20),
    )  # fmt: skip
    lines = {clause.number: clause.lines() for chapter in chapters(bare, language) for clause in chapter.clauses}
    assert len(lines["4.2"]) == len(lines["4.6"]) == len(lines["7.9"]) == 1
    assert not any(
        line.rstrip(".").endswith((":", " ")) for number in ("4.2", "4.6", "7.6", "7.9") for line in lines[number]
    )


async def test_colleagues_addresses_in_escalations_stay_out_of_the_public_text(visitor: httpx.AsyncClient) -> None:
    version, document = await newest()
    step = msgspec.structs.replace(document.registration.steps[0], notify=("boss@example.org",))
    registration = msgspec.structs.replace(document.registration, steps=(step,))
    changed = msgspec.structs.replace(document, registration=registration)
    author = Actor(kind="staff", id="1", name="Vera Owner", role=Role.PROCESS_OWNER)
    await publish(changed, based_on=version, by=author, at=clock.now())
    page = await visitor.get("/regulation/public")
    assert "boss@" not in page.text
    assert "a named colleague" in words(page)
