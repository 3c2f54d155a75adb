"""The cabinet: its own door, nothing of other people, and every act in the person's name."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from time import perf_counter
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from service import clock, customers
from service.auth import wall_clock
from service.customer_doors import SAME_TIME
from service.database import execute, fetch, fetchrow, fetchval
from service.intake import Request, receive
from service.passwords import matches
from service.people import customer_of_contact
from service.ticket import Ticket
from service.tickets import carry_out
from service.verify import verify
from tests.admin.conftest import SITE, Browser, Signs, hidden_fields, words
from tests.admin.customers import (
    ADMIN,
    Cabinet,
    a_contact,
    a_customer,
    an_organisation,
    forget_brakes,
    the_letter,
    the_link,
)
from tests.desk import OPERATOR
from workflow.definition import Role

OURS = {"accept": "text/html", "origin": SITE}  # as a browser sends a form of ours
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


@pytest.fixture(autouse=True)
async def _brakes(site: Litestar) -> None:
    await forget_brakes(site)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def ivan(site: Litestar, stranger: Browser, stack: AsyncExitStack) -> Cabinet:
    """Sees his own tickets."""
    port = await an_organisation()
    return await a_customer(site, stack, "Ivan", "ivan@port.example.com", organisation=port)


@pytest.fixture
async def chief(site: Litestar, ivan: Cabinet, stack: AsyncExitStack) -> Cabinet:
    """Sees all tickets of Ivan's organisation."""
    return await a_customer(site, stack, "Chief", "chief@port.example.com", organisation="Port", sees="organisation")


@pytest.fixture
async def eve(site: Litestar, ivan: Cabinet, stack: AsyncExitStack) -> Cabinet:
    """Sees everything of another organisation."""
    mine = await an_organisation("Mine", "mine.example.com")
    return await a_customer(site, stack, "Eve", "eve@mine.example.com", organisation=mine, sees="organisation")


async def writes(browser: Cabinet, text: str = "It does not start.", **typed: str) -> httpx.Response:
    facts = {"text": text, "full_name": "Ivan", "position": "Engineer", "phone": "+7 000 1"} | typed
    return await browser.send("/cabinet/new", on="/cabinet/new", **facts)


async def a_ticket_of(browser: Cabinet) -> str:
    """The id of a fresh ticket, by the page it leads to."""
    answer = await writes(browser)
    assert answer.status_code == 303, words(answer)
    return answer.headers["location"].rpartition("/")[2]


async def does(ticket: str, trigger: str, **given: object) -> Ticket:
    id = await fetchval("SELECT id FROM ticket WHERE id::text = $1", ticket)
    return await carry_out(id, trigger, by=OPERATOR, at=clock.now(), cause=f"request:{uuid4()}", given=given)


async def completed(browser: Cabinet) -> str:
    ticket = await a_ticket_of(browser)
    await does(ticket, "register", priority="P2")
    await does(ticket, "start")
    await does(ticket, "complete", text="Update it.", delivery_method="email", minutes=30, outcome="solved")
    return ticket


async def acts(browser: Cabinet, ticket: str, trigger: str, **typed: str) -> httpx.Response:
    return await browser.send(f"/cabinet/tickets/{ticket}/{trigger}", on=f"/cabinet/tickets/{ticket}", **typed)


# --- the door ---------------------------------------------------------------------------------------------------------


async def test_a_stranger_is_led_to_the_door_of_the_cabinet(stranger: Browser) -> None:
    led = await stranger.get("/cabinet")
    assert led.headers["location"].startswith("/sign-in")
    assert (await stranger.get(led.headers["location"])).headers["location"].startswith("/cabinet/sign-in?next=")
    assert (await stranger.client.get("/cabinet")).status_code == 401


async def test_a_wrong_password_and_an_unknown_address_are_told_apart_by_nothing(ivan: Cabinet) -> None:
    fresh = Browser(ivan.client)
    said = [
        await fresh.send("/cabinet/sign-in", on="/cabinet/sign-in", email=email, password="no")
        for email in ("ivan@port.example.com", "nobody@port.example.com")
    ]
    assert [answer.status_code for answer in said] == [401, 401]
    assert "do not belong together" in words(said[0])
    assert words(said[0]) == words(said[1])


async def test_signing_out_ends_the_session(ivan: Cabinet) -> None:
    answer = await ivan.send("/cabinet/sign-out", on="/cabinet")
    assert answer.status_code == 303
    assert (await ivan.get("/cabinet")).status_code == 303
    assert await fetchval("SELECT count(*) FROM app_session") == 0


async def test_a_customers_session_opens_nothing_of_the_desk(site: Litestar, ivan: Cabinet) -> None:
    cabinet = site.state.doors.cabinet_cookie
    own = ivan.client.cookies[cabinet]
    ivan.client.cookies[site.state.doors.session_cookie] = own  # even in the staff's own cookie
    opened = 0
    for route in site.routes:
        for handler in getattr(route, "route_handlers", ()):
            rights = [guard.rights for guard in handler.resolve_guards() if hasattr(guard, "rights")]
            if not rights or rights[0][1] == "cabinet":
                continue
            path = re.sub(r"{[^}]+}", str(uuid4()), route.path_format)
            for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                answer = await ivan.client.request(method, path, json={})
                opened += answer.status_code not in (401, 403, 404)
    assert opened == 0


async def test_a_colleagues_session_opens_nothing_of_the_cabinet(
    site: Litestar, operator: Browser, ivan: Cabinet
) -> None:
    ticket = await a_ticket_of(ivan)
    operator.client.cookies[site.state.doors.cabinet_cookie] = operator.client.cookies[site.state.doors.session_cookie]
    for path in ("/cabinet", "/cabinet/new", "/cabinet/me", f"/cabinet/tickets/{ticket}"):
        assert (await operator.get(path)).headers["location"].startswith("/sign-in")
    answer = await operator.client.post(f"/cabinet/tickets/{ticket}/withdraw", data={"text": "x"})
    assert answer.status_code == 401


async def test_forms_of_the_cabinet_are_refused_from_elsewhere(ivan: Cabinet) -> None:
    ticket = await a_ticket_of(ivan)
    for path in (f"/cabinet/tickets/{ticket}/withdraw", "/cabinet/new", "/cabinet/me", "/cabinet/me/password"):
        answer = await ivan.client.post(path, data={"text": "x"})
        assert answer.status_code == 403
    assert await fetchval("SELECT closed_at FROM ticket") is None


async def test_whoever_is_signed_out_while_writing_gets_the_words_back_and_the_right_door(ivan: Cabinet) -> None:
    form = hidden_fields((await ivan.get("/cabinet/new")).text, "/cabinet/new") | {"text": "A <long> story"}
    await customers.change_rights(ivan.contact, sees="own", active=False, by=ADMIN, at=clock.now())
    for files in ({}, {"attachments": ("a.png", PNG, "image/png")}):
        answer = await ivan.client.post("/cabinet/new", data=form, files=files or None, headers=OURS)
        assert answer.status_code == 401
        assert "A &lt;long&gt; story" in answer.text
        assert 'href="/cabinet/sign-in"' in answer.text
        assert "Bearer" not in answer.text
    foreign = await ivan.client.post("/cabinet/new", data=form, headers=OURS | {"origin": "https://evil.example"})
    assert foreign.status_code == 401
    assert "story" not in foreign.text  # nobody else puts words on our pages


async def test_a_form_of_an_older_sign_in_gives_the_words_back(ivan: Cabinet) -> None:
    form = hidden_fields((await ivan.get("/cabinet/new")).text, "/cabinet/new") | {"text": "A <long> story"}
    await ivan.send("/cabinet/sign-in", on="/cabinet/sign-in", email="ivan@port.example.com", password=ivan.password)
    answer = await ivan.client.post("/cabinet/new", data=form, headers=OURS)
    assert answer.status_code == 403
    assert "A &lt;long&gt; story" in answer.text
    assert "another role" not in answer.text
    assert await fetchval("SELECT count(*) FROM ticket") == 0


async def test_the_door_leads_back_to_the_very_page(stranger: Browser) -> None:
    led = await stranger.get("/cabinet?show=waiting")
    door = await stranger.get(led.headers["location"])
    assert 'name="next" value="/cabinet?show=waiting"' in (await stranger.get(door.headers["location"])).text


async def test_a_blocked_account_is_signed_out_and_stays_out(ivan: Cabinet) -> None:
    await customers.change_rights(ivan.contact, sees="own", active=False, by=ADMIN, at=clock.now())
    assert (await ivan.get("/cabinet")).status_code == 303
    answer = await ivan.send(
        "/cabinet/sign-in", on="/cabinet/sign-in", email="ivan@port.example.com", password=ivan.password
    )
    assert answer.status_code == 401


# --- whose tickets ----------------------------------------------------------------------------------------------------


async def tries_everything(browser: Browser, ticket: str, file: str) -> int:
    """How many of all ways to another's ticket succeed."""
    page = await browser.get("/cabinet")
    forms = hidden_fields(page.text, "/cabinet/sign-out") | {"text": "x", "key": uuid4().hex}
    answers = [await browser.get(f"/cabinet/tickets/{ticket}"), await browser.get(f"/cabinet/files/{file}")]
    for trigger in ("confirm", "dispute", "resume", "reply", "withdraw", "attach", "register"):
        path = f"/cabinet/tickets/{ticket}/{trigger}"
        answers.append(await browser.client.post(path, data=forms, headers={"Accept": "text/html"}))
    return sum(answer.status_code not in (401, 403, 404) for answer in answers)


async def test_nobody_gets_at_anothers_ticket_by_any_route(ivan: Cabinet, eve: Cabinet, site: Litestar) -> None:
    form = hidden_fields((await ivan.get("/cabinet/new")).text, "/cabinet/new")
    facts = {"text": "Secret harbour", "full_name": "Ivan", "position": "E", "phone": "1"}
    chosen = [("attachments", ("screen.png", PNG, "image/png"))]
    answer = await ivan.client.post("/cabinet/new", data=form | facts, files=chosen)
    ticket = answer.headers["location"].rpartition("/")[2]
    file = str(await fetchval("SELECT id FROM attachment"))
    before = await fetchval("SELECT count(*) FROM journal")
    assert (await ivan.get(f"/cabinet/files/{file}")).content == PNG
    assert await tries_everything(eve, ticket, file) == 0
    assert "Secret harbour" not in (await eve.get("/cabinet")).text
    assert "Secret harbour" not in (await eve.get("/cabinet?q=harbour")).text
    assert await fetchval("SELECT count(*) FROM journal") == before


async def test_own_and_all_are_told_apart(ivan: Cabinet, chief: Cabinet) -> None:
    of_ivan, of_chief = await a_ticket_of(ivan), await a_ticket_of(chief)
    assert (await chief.get(f"/cabinet/tickets/{of_ivan}")).status_code == 200
    assert (await ivan.get(f"/cabinet/tickets/{of_chief}")).status_code == 404
    assert of_chief not in (await ivan.get("/cabinet")).text
    assert of_ivan in (await chief.get("/cabinet")).text


async def test_requests_from_before_the_account_belong_to_its_address(site: Litestar, stack: AsyncExitStack,
                                                                      stranger: Browser) -> None:  # fmt: skip
    early = Request(channel="email", text="Early bird", email="Anna@Else.example.com", language="en")
    ticket = await receive(early, by=OPERATOR, at=clock.now(), cause="mail:early")
    anna = await a_customer(site, stack, "Anna", "anna@else.example.com")
    assert "Early bird" in (await anna.get("/cabinet")).text
    assert (await anna.get(f"/cabinet/tickets/{ticket.id}")).status_code == 200


async def test_notes_of_colleagues_are_neither_shown_nor_found(ivan: Cabinet) -> None:
    ticket = await a_ticket_of(ivan)
    await does(ticket, "comment", text="Customer is grumbling about zebras")
    page = await ivan.get(f"/cabinet/tickets/{ticket}")
    assert "zebras" not in page.text
    assert ticket not in (await ivan.get("/cabinet?q=zebras")).text
    assert ticket in (await ivan.get("/cabinet?q=start")).text


async def test_what_waits_for_the_customer_is_counted_and_one_click_away(ivan: Cabinet) -> None:
    asked, done, open_one = await a_ticket_of(ivan), await completed(ivan), await a_ticket_of(ivan)
    await does(asked, "register", priority="P2")
    await does(asked, "request_info", text="Which version?", minutes=30)
    assert "Waiting for your answer 2" in words(await ivan.get("/cabinet"))
    page = await ivan.get("/cabinet?show=waiting")
    assert asked in page.text
    assert done in page.text
    assert open_one not in page.text
    await acts(ivan, done, "confirm")
    assert done not in (await ivan.get("/cabinet?show=open")).text
    assert open_one in (await ivan.get("/cabinet?show=open")).text


@pytest.mark.parametrize("form", ["{number}", "Заявка#{number}", "Ticket # {number}", "  №{number}"])
async def test_a_number_is_found_as_it_stands_in_our_letters(ivan: Cabinet, form: str) -> None:
    ticket = await a_ticket_of(ivan)
    number = (await does(ticket, "register", priority="P2")).number or ""
    found = await ivan.client.get("/cabinet", params={"q": form.format(number=number.lower())})
    assert ticket in found.text


# --- acting -----------------------------------------------------------------------------------------------------------


async def test_a_request_is_filled_from_the_profile_and_gets_the_level_of_the_contract(ivan: Cabinet) -> None:
    await execute(
        "INSERT INTO contract (organisation, number, products, service_level, starts_on) "
        "SELECT id, 'K-1', '[]', 'gold', '2020-01-01' FROM organisation"
    )
    page = await ivan.get("/cabinet/new")
    assert 'value="Engineer"' in page.text
    assert "PNG" in words(page)
    assert "only inside" in words(page)
    ticket = await a_ticket_of(ivan)
    row = await fetchrow("SELECT * FROM ticket WHERE id::text = $1", ticket)
    assert (row["channel"], row["contract_number"], row["service_level"]) == ("portal", "K-1", "gold")
    assert (row["full_name"], row["position"], row["email"]) == ("Ivan", "Engineer", "ivan@port.example.com")
    entry = await fetchrow("SELECT actor_kind, actor_id, actor_name FROM journal WHERE ticket = $1", row["id"])
    assert tuple(entry) == ("customer", str(ivan.contact), "Ivan")


async def test_by_clause_7_7_only_the_cabinet_gives_the_level_when_addresses_do_not(
    ivan: Cabinet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await execute(
        "INSERT INTO contract (organisation, number, products, service_level, starts_on) "
        "SELECT id, 'K-1', '[]', 'gold', '2020-01-01' FROM organisation"
    )
    monkeypatch.setattr("service.intake._level_needs_the_cabinet", lambda *_of, **_by: True)
    by_address = Request(channel="portal", text="x", email="ivan@port.example.com")
    known = await customer_of_contact(ivan.contact, at=clock.now())
    plain = await receive(by_address, by=OPERATOR, at=clock.now(), cause="a")
    signed = await receive(by_address, by=OPERATOR, at=clock.now(), cause="b", signed_in=known)
    assert (plain.service_level, signed.service_level) == ("", "gold")


async def test_pressing_twice_makes_one_request(ivan: Cabinet) -> None:
    form = hidden_fields((await ivan.get("/cabinet/new")).text, "/cabinet/new")
    facts = {"text": "Once", "full_name": "Ivan", "position": "E", "phone": "1"}
    led = {(await ivan.client.post("/cabinet/new", data=form | facts)).headers["location"] for _press in range(2)}
    assert len(led) == 1
    assert await fetchval("SELECT count(*) FROM ticket") == 1


async def test_missing_facts_and_refused_files_are_named_and_what_was_typed_stays(ivan: Cabinet) -> None:
    form = hidden_fields((await ivan.get("/cabinet/new")).text, "/cabinet/new")
    chosen = [("attachments", ("run.exe", b"MZ" + bytes(60), "image/png")), ("attachments", ("ok.png", PNG, ""))]
    answer = await ivan.client.post("/cabinet/new", data=form | {"text": "Kept words"}, files=chosen)
    assert answer.status_code == 422
    assert "run.exe" in words(answer)
    assert "Kept words" in answer.text
    assert "ok.png" in answer.text
    answer = await writes(ivan, position="")
    assert answer.status_code == 422
    assert "Please fill this in." in words(answer)
    assert await fetchval("SELECT count(*) FROM ticket") == 0


async def test_files_stand_in_the_order_in_which_they_were_brought(ivan: Cabinet) -> None:
    form = hidden_fields((await ivan.get("/cabinet/new")).text, "/cabinet/new")
    names = [f"step-{n}.png" for n in range(6)]
    facts = {"text": "Look", "full_name": "Ivan", "position": "Engineer", "phone": "+7 000 1"}
    brought = [("attachments", (name, PNG + name.encode(), "image/png")) for name in names]
    answer = await ivan.client.post("/cabinet/new", data=form | facts, files=brought)
    page = await ivan.get(answer.headers["location"])
    assert re.findall(r'alt="(step-\d\.png)"', page.text) == names


async def test_confirming_closes_in_the_persons_name(ivan: Cabinet) -> None:
    ticket = await completed(ivan)
    assert (await acts(ivan, ticket, "confirm")).status_code == 303
    row = await fetchrow("SELECT trigger, actor_kind, actor_name FROM journal ORDER BY id DESC LIMIT 1")
    assert tuple(row) == ("confirm", "customer", "Ivan")
    page = await ivan.get(f"/cabinet/tickets/{ticket}")
    assert "What you can do" not in words(page)
    assert "the ticket is closed" in words(page)


async def test_a_message_after_the_completion_keeps_the_ticket_open_and_the_page_says_so(ivan: Cabinet) -> None:
    ticket = await completed(ivan)
    assert "Silence counts as a yes" in words(await ivan.get(f"/cabinet/tickets/{ticket}"))
    await acts(ivan, ticket, "reply", text="We shall look tomorrow")
    page = words(await ivan.get(f"/cabinet/tickets/{ticket}"))
    assert "does not close by itself now" in page
    assert "Closes by itself" not in page
    assert "Silence counts" not in page


async def test_the_desk_tells_no_instant_at_which_silence_would_close_while_a_message_waits(
    ivan: Cabinet, operator: Browser
) -> None:
    ticket = await completed(ivan)
    closes = r"Closes by itself \S.*? left Deadline:"
    assert re.search(closes, words(await operator.get(f"/desk/tickets/{ticket}")))
    await acts(ivan, ticket, "reply", text="We shall look tomorrow")
    page = words(await operator.get(f"/desk/tickets/{ticket}"))
    assert "Closes by itself Not while this waits: An answer of the customer has not been read yet." in page
    await does(ticket, "dismiss_reply")
    assert re.search(closes, words(await operator.get(f"/desk/tickets/{ticket}")))


async def test_one_click_after_the_end_says_how_it_was(ivan: Cabinet, eve: Cabinet) -> None:
    ticket = await completed(ivan)
    assert "How was it?" not in words(await ivan.get(f"/cabinet/tickets/{ticket}"))
    await acts(ivan, ticket, "confirm")
    page = await ivan.get(f"/cabinet/tickets/{ticket}")
    assert "Confirmed by Ivan" in words(page)
    rate = f"/cabinet/tickets/{ticket}/rate"
    token = hidden_fields(page.text, rate)
    strangers = hidden_fields((await eve.get("/cabinet/new")).text, "/cabinet/new")
    assert (await eve.client.post(rate, data=strangers | {"score": "bad"})).status_code == 404
    assert (await ivan.client.post(rate, data={"score": "good"})).status_code == 403
    assert (await ivan.client.post(rate, data=token | {"score": "splendid"})).status_code == 303
    assert await fetchval("SELECT count(*) FROM satisfaction") == 0
    assert (await ivan.client.post(rate, data=token | {"score": "good"})).status_code == 303
    await ivan.client.post(rate, data=token | {"score": "bad"})
    assert await fetchval("SELECT score FROM satisfaction") == "good"
    entries = await fetch("SELECT trigger, actor_kind, actor_id, actor_name FROM journal ORDER BY id DESC LIMIT 2")
    assert tuple(entries[0]) == ("rate", "customer", str(ivan.contact), "Ivan")
    assert entries[1]["trigger"] == "confirm"
    assert await verify() == []


async def test_what_only_a_program_does_is_stopped_when_it_rates_too(ivan: Cabinet, site: Litestar) -> None:
    ticket = await completed(ivan)
    await acts(ivan, ticket, "confirm")
    rate = f"/cabinet/tickets/{ticket}/rate"
    token = hidden_fields((await ivan.get(f"/cabinet/tickets/{ticket}")).text, rate)
    throttle = site.state.doors.acts_of_one_customer
    for _act in range(throttle.most):
        throttle.failed(str(ivan.contact), at=wall_clock())
    assert (await ivan.client.post(rate, data=token | {"score": "good"})).status_code == 429
    assert await fetchval("SELECT count(*) FROM satisfaction") == 0


async def test_a_colleague_who_sees_all_disputes_in_his_own_name(ivan: Cabinet, chief: Cabinet) -> None:
    ticket = await completed(ivan)
    refused = await acts(chief, ticket, "dispute", text="  ")
    assert refused.status_code == 422
    assert "Please" in words(refused)
    assert (await acts(chief, ticket, "dispute", text="It still hangs")).status_code == 303
    row = await fetchrow("SELECT trigger, actor_name, actor_id FROM journal ORDER BY id DESC LIMIT 1")
    assert tuple(row) == ("dispute", "Chief", str(chief.contact))
    assert "It still hangs" in words(await ivan.get(f"/cabinet/tickets/{ticket}"))


async def test_an_answer_with_a_screenshot_resumes_the_work(ivan: Cabinet) -> None:
    ticket = await a_ticket_of(ivan)
    await does(ticket, "register", priority="P2")
    await does(ticket, "request_info", text="Which version?", minutes=30)
    page = await ivan.get(f"/cabinet/tickets/{ticket}")
    assert "Which version?" in words(page)
    assert "Until then the clock rests" in words(page)
    path = f"/cabinet/tickets/{ticket}/resume"
    form = hidden_fields(page.text, path) | {"text": "Version 4"}
    answer = await ivan.client.post(path, data=form, files=[("attachments", ("v.png", PNG, "image/png"))])
    assert answer.status_code == 303
    page = await ivan.get(f"/cabinet/tickets/{ticket}")
    assert "Version 4" in words(page)
    assert "v.png" in page.text
    assert "How the deadline was counted" in words(page)


async def test_a_form_that_is_too_old_says_so_and_keeps_the_text(ivan: Cabinet) -> None:
    ticket = await completed(ivan)
    page = (await ivan.get(f"/cabinet/tickets/{ticket}")).text
    await acts(ivan, ticket, "confirm")
    path = f"/cabinet/tickets/{ticket}/dispute"
    answer = await ivan.client.post(path, data=hidden_fields(page, path) | {"text": "Too late words"})
    assert answer.status_code in (409, 412)
    assert "Too late words" in answer.text


async def test_the_cabinet_speaks_the_language_of_its_reader(ivan: Cabinet) -> None:
    ticket = await a_ticket_of(ivan)
    answer = await ivan.send("/cabinet/me", on="/cabinet/me", full_name="Иван", position="Инженер", phone="1",
                             language="ru")  # fmt: skip
    assert answer.status_code == 303
    del ivan.client.cookies["language"]
    for path in ("/cabinet", "/cabinet/new", "/cabinet/me", f"/cabinet/tickets/{ticket}"):
        page = await ivan.get(path)
        assert '<html lang="ru"' in page.text
    assert "Новое обращение" in words(await ivan.get("/cabinet"))


# --- links that give a password ---------------------------------------------------------------------------------------


async def test_a_new_password_is_shown_once_and_ends_the_old_one(ivan: Cabinet) -> None:
    answer = await ivan.send("/cabinet/me/password", on="/cabinet/me")
    shown = re.search(r'<code id="password">([^<]+)</code>', answer.text)
    assert shown
    assert shown[1] != ivan.password
    assert (await ivan.get("/cabinet")).status_code == 200  # this browser stays signed in
    assert await customers.account_for("ivan@port.example.com", ivan.password) is None
    assert await customers.account_for("ivan@port.example.com", shown[1]) == ivan.contact


async def registers(browser: Browser, email: str) -> httpx.Response:
    return await browser.send(
        "/cabinet/register", on="/cabinet/register", email=email, full_name="Nina", organisation="Port"
    )


async def test_a_person_of_a_known_domain_registers_by_herself(stranger: Browser) -> None:
    port = await an_organisation()
    sent = await registers(stranger, "Nina@Port.example.com")
    assert sent.headers["location"] == "/cabinet/letter-sent"
    link = await the_link("registration")
    assert await fetchval("SELECT count(*) FROM contact") == 0  # nothing is made before the address is proved
    for method in ("GET", "HEAD", "GET"):  # programs that follow links use nothing up
        assert (await stranger.client.request(method, link)).status_code in (200, 405)
    opened = await stranger.send(link, on=link)
    assert "shown this once" in words(opened)
    assert "/cabinet/sign-out" in opened.text  # the header knows already who has come in
    row = await fetchrow("SELECT organisation, full_name FROM contact")
    assert tuple(row) == (port, "Nina")
    assert (await stranger.get("/cabinet")).status_code == 200
    gone = await stranger.get(link)
    assert gone.status_code == 410
    assert "has been used" in words(gone)
    assert "/cabinet/forgotten" in gone.text


async def test_a_person_of_an_unknown_domain_waits_for_an_operator(stranger: Browser) -> None:
    await registers(stranger, "nina@somewhere.example.com")
    link = await the_link("registration")
    assert "We do not know yet to which organisation" in words(await stranger.send(link, on=link))
    assert await fetchval("SELECT organisation FROM contact") is None


async def test_registering_and_resetting_tell_nobody_who_is_known(ivan: Cabinet, stranger: Browser) -> None:
    known, unknown = "ivan@port.example.com", "nobody@port.example.com"
    said = [await registers(stranger, email) for email in (known, unknown)]
    said += [
        await stranger.send("/cabinet/forgotten", on="/cabinet/forgotten", email=email) for email in (known, unknown)
    ]
    assert {(answer.status_code, answer.headers["location"]) for answer in said} == {(303, "/cabinet/letter-sent")}
    kinds = await fetch("SELECT type, recipients FROM outbox WHERE type <> 'invitation' ORDER BY id")
    # An account is never made twice; who has not opened the link to one yet gets that link anew.
    assert [row["type"] for row in kinds] == ["reset", "registration", "reset", "registration"]


async def test_the_time_of_an_answer_tells_nobody_who_is_known(
    ivan: Cabinet, stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Letters: no answer before the same time. Passwords: the same work for everybody."""
    blocked = await a_contact("Nina", "nina@port.example.com", "Port")
    await customers.invite(blocked, sees="own", by=ADMIN, at=clock.now())
    await customers.redeem((await the_link("invitation")).rpartition("/")[2], at=clock.now())
    await customers.change_rights(blocked, sees="own", active=False, by=ADMIN, at=clock.now())
    addresses = ("ivan@port.example.com", "nobody@port.example.com", "nina@port.example.com", "nonsense")
    for address in addresses:
        for path in ("/cabinet/forgotten", "/cabinet/register"):
            form = hidden_fields((await stranger.get(path)).text, path)
            begun = perf_counter()
            await stranger.client.post(path, data=form | {"email": address, "full_name": "X", "organisation": "Y"})
            assert perf_counter() - begun >= SAME_TIME, (path, address)
    worked: list[bool] = []

    async def counted(password: str, password_hash: str | None) -> bool:
        worked.append(password_hash is None)
        return await matches(password, password_hash)

    monkeypatch.setattr("service.customers.matches", counted)
    for address in addresses:
        await stranger.send("/cabinet/sign-in", on="/cabinet/sign-in", email=address, password="no")
    assert worked == [False, True, True, True]  # each time one comparison; with nobody's hash for who may not come in


async def test_links_expire_are_replaced_and_cannot_be_forged(ivan: Cabinet, stranger: Browser) -> None:
    contact = await a_contact("Nina", "nina@port.example.com", "Port")
    await customers.invite(contact, sees="own", by=ADMIN, at=clock.now())
    old = await the_link("invitation")
    await customers.invite(contact, sees="own", by=ADMIN, at=clock.now())
    new = await the_link("invitation")
    replaced = await stranger.get(old)
    assert replaced.status_code == 410
    assert "newer letter" in words(replaced)
    broken = await stranger.get(new[:-1] + ("A" if new[-1] != "A" else "B"))
    assert broken.status_code == 404
    assert "not one of ours" in words(broken)
    await execute("UPDATE account_link SET expires_at = created_at WHERE ended_at IS NULL")
    expired = await stranger.get(new)
    assert expired.status_code == 410
    assert "has expired" in words(expired)
    assert await fetchval("SELECT count(*) FROM customer_account") == 1


async def test_the_journal_of_letters_holds_no_link_that_gives_a_password(ivan: Cabinet) -> None:
    assert "/cabinet/account/" not in await fetchval("SELECT text FROM letter WHERE kind = 'invitation'")


async def test_forms_that_make_letters_have_a_brake(stranger: Browser) -> None:
    said = [
        await stranger.send("/cabinet/forgotten", on="/cabinet/forgotten", email="x@port.example.com")
        for _try in range(4)
    ]
    assert [answer.status_code for answer in said] == [303, 303, 303, 429]
    assert int(said[-1].headers["retry-after"]) > 0


async def test_the_roles_of_the_house_have_no_customer(signs_in: Signs, site: Litestar) -> None:
    browser = await signs_in(Role.ADMINISTRATOR, name="Root")
    assert (await browser.get("/cabinet")).headers["location"].startswith("/sign-in")
    assert SITE in str(browser.client.base_url)


async def test_letters_follow_the_person_who_changes_the_language(ivan: Cabinet) -> None:
    ticket = await a_ticket_of(ivan)
    assert "Thank" in await the_letter("accepted") or "We received" in await the_letter("accepted")
    await does(ticket, "register", priority="P2")
    assert "Your ticket is registered." in await the_letter("registered")
    await ivan.send("/cabinet/me", on="/cabinet/me", full_name="Ivan", position="Engineer", phone="1", language="ru")
    await does(ticket, "start")
    await does(ticket, "complete", text="Done", delivery_method="email", minutes=30, outcome="solved")
    assert "Подтвердить решение" in await the_letter("completed")
    link = re.search(r"/confirm/\S+", await the_letter("completed"))
    assert link
    del ivan.client.cookies["language"]
    assert '<html lang="ru"' in (await ivan.client.get(link[0])).text
    del ivan.client.cookies["language"]  # the cabinet remembers it for this browser; another one asks the profile
    assert (await writes(ivan, text="And now?")).status_code == 303
    assert "Мы получили ваше обращение" in await the_letter("accepted")
