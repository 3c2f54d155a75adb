"""The desk: the queue in its order, the ticket with exactly its moves, refusals beside the fields, one act a form."""

import asyncio
import io
import re
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from litestar import Litestar
from PIL import Image

from service import clock, files
from service.change import File
from service.database import execute, fetch, fetchval
from service.intake import Arrival, Request, receive
from service.mailbox import keep
from service.ticket import Ticket
from service.tickets import carry_out
from tests.admin.conftest import SITE, Browser, Signs, hidden_fields, words
from tests.desk import ASKER, OPERATOR
from workflow.definition import Role
from workflow.machine import MACHINE, TicketFacts
from workflow.process import PROCESS

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


async def a_request(subject: str = "It does not start", *, files: tuple[File, ...] = (), **facts: str) -> Ticket:
    """A mail of a customer that came in just now."""
    told = {"text": "It does not start.\n\n> Did you try?", "email": "ivan@example.com", "language": "en"} | facts
    arrival = Arrival(reply=told["text"].partition("\n\n>")[0], files=files)
    request = Request(channel="email", subject=subject, **told)
    return await receive(request, by=ASKER, at=clock.now(), cause=f"mail:{uuid4()}", arrival=arrival)


async def does(ticket: Ticket, trigger: str, **given: object) -> Ticket:
    return await carry_out(
        ticket.id, trigger, by=OPERATOR, at=clock.now(), cause=f"request:{uuid4()}", given=given
    )  # fmt: skip


async def a_ticket(subject: str = "It does not start", *, priority: str = "P2", **facts: str) -> Ticket:
    return await does(await a_request(subject, **facts), "register", priority=priority)


async def in_work(subject: str = "It does not start") -> Ticket:
    return await does(await a_ticket(subject), "start")


def page_of(ticket: Ticket) -> str:
    return f"/desk/tickets/{ticket.id}"


async def makes(browser: Browser, ticket: Ticket, trigger: str, **typed: str):  # type: ignore[no-untyped-def]
    """Fill in the form of one move on the page of the ticket, and send it."""
    return await browser.send(f"{page_of(ticket)}/moves/{trigger}", on=page_of(ticket), **typed)


def subjects(html: str) -> list[str]:
    return re.findall(r'class="q-subject"><a href="[^"]+">([^<]+)</a>', html)


# --- the queue --------------------------------------------------------------------------------------------------------


async def test_an_empty_queue_says_what_will_appear_and_how_to_begin(operator: Browser) -> None:
    page = await operator.get("/desk")
    assert page.status_code == 200
    assert "The queue is empty" in words(page)
    assert 'href="/desk/phone"' in page.text


@pytest.mark.parametrize("filter", ["priority=%00", "priority=P1%00", "state=%00", "assignee=%00", "q=%00"])
async def test_a_filter_that_no_column_holds_is_left_out(operator: Browser, filter: str) -> None:
    page = await operator.get(f"/desk?{filter}")
    assert page.status_code == 200
    assert "The queue is empty" in words(page) or "Nothing" in words(page)


async def test_the_queue_stands_by_registration_then_priority_then_deadline(operator: Browser) -> None:
    for subject, priority in (("third", "P3"), ("first", "P1"), ("second", "P2")):
        await a_ticket(subject, priority=priority)
    await a_request("not registered")
    assert subjects((await operator.get("/desk")).text) == ["not registered", "first", "second", "third"]


async def test_the_figures_lead_to_what_they_count(operator: Browser) -> None:
    await a_request("not registered")
    waiting = await does(await in_work("waiting"), "request_info", text="Which version?", minutes=30)
    page = await operator.get("/desk")
    figures = dict(
        re.findall(r'<a class="figure[^"]*" href="([^"]+)"[^>]*>\s*<span class="figure-count">(\d+)', page.text)
    )
    assert figures["/desk?unregistered=1"] == "1"
    assert subjects((await operator.get("/desk?unregistered=1")).text) == ["not registered"]
    led = next(href for href in figures if "state=" in href)
    assert figures[led] == "1"
    assert subjects((await operator.get(led)).text) == [waiting.subject]


async def test_a_deadline_that_rests_is_said_to_move(operator: Browser) -> None:
    ticket = await in_work()
    assert "It moves on" not in words(await operator.get(page_of(ticket)))
    await does(ticket, "request_info", text="Which version?", minutes=30)
    assert "It moves on while the clock rests." in words(await operator.get(page_of(ticket)))
    await does(ticket, "resume", text="Seven.")
    assert "It moves on" not in words(await operator.get(page_of(ticket)))


async def test_a_figure_of_nothing_is_plain_and_one_beyond_999_says_so(operator: Browser) -> None:
    async def figure() -> tuple[str, ...]:
        page = await operator.get("/desk")
        found = re.search(
            r'class="figure figure-(\w+)" href="/desk/held"[^>]*>\s*<span class="figure-count">(.*?)<', page.text
        )
        assert found, page.text
        return found.groups()

    assert await figure() == ("plain", "0")
    await execute(
        "INSERT INTO mail (id, original, sha256, source, status, received_at) "
        "SELECT gen_random_uuid(), '', 'x', 'smtp', 'held', now() FROM generate_series(1, 1100)"
    )
    assert await figure() == ("warning", "999+")
    assert '<span class="count">999+</span>' in (await operator.get("/desk/held")).text


async def test_a_row_drawn_for_one_reader_stands_for_those_only_who_read_the_same(signs_in: Signs) -> None:
    ticket = await a_ticket("drawn once")
    olga, gleb = await signs_in(Role.OPERATOR), await signs_in(Role.SUPERVISOR, name="Gleb")

    async def row(browser: Browser) -> str:
        page = (await browser.get("/desk")).text
        return page.partition(f'data-row="{ticket.id}"')[2].partition("</tr>")[0]

    first, again = await row(olga), await row(olga)
    assert first == again
    assert 'data-row-key="a"' in first
    assert "Registered" in first
    assert 'data-row-key="a"' not in await row(gleb)  # who may not take it
    olga.client.cookies.set("language", "ru")
    assert "Зарегистрирован" in await row(olga)
    olga.client.cookies.set("language", "en")
    await does(ticket, "comment", text="Hm.")
    assert "Note" in await row(olga)


async def test_a_missed_deadline_is_counted_as_the_clock_ran_and_not_while_it_rests(operator: Browser) -> None:
    late, resting = await in_work("late"), await in_work("resting")
    await does(resting, "request_info", text="Which version?", minutes=30)
    past = clock.now() - timedelta(hours=1)
    assert await fetchval("SELECT due_at IS NOT NULL AND late_from IS NULL FROM ticket WHERE id = $1", resting.id)
    await execute("UPDATE ticket SET late_from = $1 WHERE id = $2", past, late.id)
    assert subjects((await operator.get("/desk?overdue=1")).text) == ["late"]
    await execute(
        "UPDATE ticket SET late_from = $1 WHERE id = $2", past, resting.id
    )  # it was late when it began to rest
    assert sorted(subjects((await operator.get("/desk?overdue=1")).text)) == ["late", "resting"]


async def test_filters_stand_in_the_address_and_come_out_again(operator: Browser) -> None:
    await a_ticket("urgent", priority="P1")
    await a_ticket("usual", priority="P3")
    filtered = await operator.get("/desk?priority=P1")
    assert subjects(filtered.text) == ["urgent"]
    assert re.search(r'class="chip on" href="/desk" aria-current="true">P1', filtered.text)
    assert re.search(r'class="chip" href="/desk\?priority=P1&amp;priority=P3"', filtered.text)
    nothing = await operator.get("/desk?priority=P4")
    assert "Nothing fits these filters" in words(nothing)
    assert (
        await operator.get("/desk?state=nonsense&assignee=%27&after=x~y&organisation=99999999999999999999")
    ).status_code == 200


async def test_mine_are_the_tickets_i_have(operator: Browser) -> None:
    ticket, other = await a_ticket("mine"), await a_ticket("of another")
    await makes(operator, ticket, "start")
    me = await fetchval("SELECT id FROM app_user")
    assert subjects((await operator.get(f"/desk?assignee={me}")).text) == ["mine"]
    assert subjects((await operator.get("/desk?assignee=nobody")).text) == [other.subject]


async def test_a_search_finds_words_in_any_form_and_a_number_leads_to_its_ticket(operator: Browser) -> None:
    ticket = await a_ticket("Не открываются отчёты за квартал")
    assert subjects((await operator.get("/desk?q=отчёт")).text) == [ticket.subject]
    assert "Nothing was found" in words(await operator.get("/desk?q=принтер"))
    jump = await operator.get(f"/desk?q={str(ticket.number).lower()}")
    assert (jump.status_code, jump.headers["location"]) == (303, page_of(ticket))


@pytest.mark.parametrize("pasted", ["#{n}", "Заявка#{n}", "№ {n}", "[Ticket #{n}]", "Re: Заявка#{n} Отчёт", " {n} "])
async def test_a_number_leads_to_its_ticket_as_it_is_pasted_from_a_letter(operator: Browser, pasted: str) -> None:
    first, other = await a_ticket("Отчёт"), await a_ticket("Отчёт другой")
    typed = pasted.format(n=first.number)
    assert (await operator.get(f"/desk?{urlencode({'q': typed})}")).headers["location"] == page_of(first)
    form = {"ticket": typed, "relation": "related"}
    assert (await operator.send(f"{page_of(other)}/moves/link", on=page_of(other), **form)).status_code == 303
    assert await fetchval("SELECT other FROM ticket_link") == first.id


async def test_both_ends_of_a_link_say_what_it_means(operator: Browser) -> None:
    first, other = await a_ticket("First"), await a_ticket("Other")
    form = {"ticket": str(first.number), "relation": "duplicate"}
    await operator.send(f"{page_of(other)}/moves/link", on=page_of(other), **form)
    assert "Duplicate of: First" in words(await operator.get(page_of(other)))
    assert "Duplicate of this one: Other" in words(await operator.get(page_of(first)))
    assert f"Linked Duplicate of {first.number} Olga" in words(await operator.get(page_of(other)))  # its journal too


async def test_a_number_sign_before_another_number_is_an_ordinary_search(operator: Browser) -> None:
    ticket = await a_ticket("Ошибка #404 при входе")
    assert subjects((await operator.get("/desk?q=ошибка%20%23404")).text) == [ticket.subject]


async def test_a_long_queue_goes_on_where_its_page_ended(operator: Browser) -> None:
    for n in range(53):
        await a_request(f"request {n:02}", email="")
    first = await operator.get("/desk")
    onward = re.search(r'href="([^"]+)" rel="next"', first.text)
    assert onward
    second = await operator.get(onward[1].replace("&amp;", "&"))
    shown = subjects(first.text) + subjects(second.text)
    assert (len(subjects(first.text)), len(shown), len(set(shown))) == (50, 53, 53)
    assert 'rel="next"' not in second.text


async def test_the_nearest_deadline_comes_first_whatever_the_priority_and_rests_are_left_out(operator: Browser) -> None:
    at = clock.now()
    for n, (subject, priority) in enumerate((("third", "P1"), ("first", "P4"), ("second", "P2"))):
        ticket = await a_ticket(subject, priority=priority)
        due = at + timedelta(hours=[30, 1, 20][n])
        await execute("UPDATE ticket SET due_at = $2 WHERE id = $1", ticket.id, due)
    await does(await in_work("asked"), "request_info", text="Which version?", minutes=30)
    shown = subjects((await operator.get("/desk?nearest=1")).text)
    assert shown == ["first", "second", "third"]
    page = await operator.get("/desk")
    assert subjects(page.text)[:1] == ["third"]
    assert 'href="/desk?nearest=1"' in page.text


async def test_a_long_queue_by_deadline_goes_on_where_its_page_ended(operator: Browser) -> None:
    for n in range(53):
        await a_request(f"request {n:02}", email="")
    await execute("UPDATE ticket SET registration_due_at = NULL WHERE subject = 'request 07'")
    first = await operator.get("/desk?nearest=1")
    onward = re.search(r'href="([^"]+)" rel="next"', first.text)
    assert onward
    second = await operator.get(onward[1].replace("&amp;", "&"))
    shown = subjects(first.text) + subjects(second.text)
    assert (len(subjects(first.text)), len(shown), len(set(shown))) == (50, 53, 53)
    assert shown[-1] == "request 07"


@pytest.mark.parametrize(
    "place", ["99999999999~", "1~9999-12-31T23:59:59-12:00", "1~0001-01-01T00:00:00%2B12:00", "1~2026-01-01", "²~"]
)
async def test_a_place_of_nonsense_is_the_beginning(operator: Browser, place: str) -> None:
    ticket = await a_ticket("first")
    after = f"{place}~{uuid4()}"
    for path in (f"/desk?after={after}", f"/reports/journal?after={after.partition('~')[2]}"):
        assert str(ticket.number) in (await operator.get(path)).text


async def test_closed_tickets_are_found_by_their_filter_only(operator: Browser) -> None:
    ticket = await a_ticket("over")
    await does(ticket, "withdraw", text="Not needed any more.")
    assert subjects((await operator.get("/desk")).text) == []
    assert subjects((await operator.get("/desk?closed=1")).text) == ["over"]


# --- the page of a ticket ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.SUPERVISOR])
async def test_exactly_the_possible_moves_have_a_form(signs_in: Signs, role: Role) -> None:
    browser = await signs_in(role)
    ticket = await in_work()
    html = (await browser.get(page_of(ticket))).text
    facts = TicketFacts(ticket.state, priority=ticket.priority)
    possible = set(MACHINE.possible(facts, by=role))
    shown = set(re.findall(r'id="move-(\w+)"', html))
    assert shown == possible - {"split"}  # that one stands at each message of the customer
    for trigger in shown:
        for field in PROCESS.by_trigger[trigger].fields:
            if field.name != "details":
                assert f'id="f-{trigger}-{field.name}"' in html
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))


async def test_the_talk_folds_quotes_and_the_filter_leaves_the_journal_out(operator: Browser) -> None:
    ticket = await a_ticket()
    page = await operator.get(page_of(ticket))
    assert re.search(r'message-text">It does not start\.</div>', page.text)
    assert re.search(r"<details class=\"quote\">.*?Did you try\?", page.text, re.DOTALL)
    assert 'class="entry"' in page.text
    assert 'class="entry"' not in (await operator.get(f"{page_of(ticket)}?view=talk")).text
    assert "message-text" not in (await operator.get(f"{page_of(ticket)}?view=system")).text


async def test_what_a_customer_wrote_is_text_and_never_markup(operator: Browser) -> None:
    ticket = await a_request("<script>alert(1)</script>", text="<img src=x onerror=alert(1)>", full_name="<b>Ivan")
    html = (await operator.get(page_of(ticket))).text
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "<b>Ivan" not in html


async def test_the_page_tells_who_asks_and_what_is_missing(operator: Browser) -> None:
    page = words(await operator.get(page_of(await a_request())))
    assert "Customer not identified" in page
    assert "Not told (clause 4.2): full name of the organisation" in page


async def test_a_letter_that_is_not_delivered_yet_is_marked(operator: Browser) -> None:
    ticket = await in_work()
    await does(ticket, "answer", text="Try again.", delivery_method="email", minutes=30)
    assert "Letter not delivered yet: on its way" in words(await operator.get(page_of(ticket)))
    await execute("UPDATE outbox SET status = 'delivered', delivered_at = now()")
    page = words(await operator.get(page_of(ticket)))
    assert "not delivered" not in page
    assert "taken by the mail server" in page


async def test_a_closed_ticket_offers_nothing(operator: Browser) -> None:
    ticket = await does(await a_ticket(), "withdraw", text="Not needed any more.")
    page = await operator.get(page_of(ticket))
    assert 'class="move"' not in page.text
    assert "closed for good" in words(page)


# --- moves ------------------------------------------------------------------------------------------------------------


async def test_a_move_is_made_and_said_and_stands_in_the_journal(operator: Browser) -> None:
    ticket = await a_request()
    answer = await makes(operator, ticket, "register", priority="P2")
    assert (answer.status_code, answer.headers["location"]) == (303, page_of(ticket))
    number = await fetchval("SELECT number FROM ticket WHERE id = $1", ticket.id)
    page = words(await operator.get(page_of(ticket)))
    assert f"Registered under the number {number}. A letter goes to ivan@example.com." in page
    assert f"Registered {number}" in page
    cause = await fetchval("SELECT cause FROM journal WHERE trigger = 'register'")
    assert cause.startswith("request:staff:")


async def test_a_refusal_stands_beside_its_field_and_keeps_what_was_typed(operator: Browser) -> None:
    ticket = await in_work()
    answer = await makes(
        operator, ticket, "complete", text="Reinstalled <it>.", minutes="some", delivery_method="email"
    )
    assert answer.status_code == 422
    form = answer.text.partition('id="move-complete"')[2].partition("</details>")[0]
    assert form.startswith(' name="move" open')
    assert "Reinstalled &lt;it&gt;." in form
    assert re.search(r'id="e-complete-minutes">.*?Give whole minutes', form, re.DOTALL)
    assert re.search(r'id="e-complete-outcome">.*?Please fill this in', form, re.DOTALL)
    assert await fetchval("SELECT state FROM ticket WHERE id = $1", ticket.id) == ticket.state


async def test_a_double_click_acts_once(operator: Browser) -> None:
    ticket = await in_work()
    path = f"{page_of(ticket)}/moves/comment"
    form = hidden_fields((await operator.get(page_of(ticket))).text, path) | {"text": "Looked into it."}
    answers = await asyncio.gather(*(operator.client.post(path, data=form) for _click in range(3)))
    assert [answer.status_code for answer in answers] == [303, 303, 303]
    assert await fetchval("SELECT count(*) FROM journal WHERE trigger = 'comment'") == 1


async def test_a_stale_form_says_who_did_what_and_keeps_the_text(operator: Browser, signs_in: Signs) -> None:
    colleague = await signs_in(Role.OPERATOR, name="Petr")
    ticket = await in_work()
    path = f"{page_of(ticket)}/moves/answer"
    old = hidden_fields((await operator.get(page_of(ticket))).text, path)
    typed = {"text": "A long answer.", "delivery_method": "email", "minutes": "30"}
    await makes(colleague, ticket, "comment", text="I have called him.")
    answer = await operator.client.post(path, data=old | typed, headers={"Accept": "text/html"})
    assert answer.status_code == 412
    assert words(answer).count("Petr — Note for colleagues") == 1
    assert "Petr — Note" in answer.text.partition('id="move-answer"')[2].partition('name="text"')[0]
    assert "No letter would go out" not in answer.text
    assert "A long answer." in answer.text
    assert await fetchval("SELECT count(*) FROM journal WHERE trigger = 'answer'") == 0
    again = await operator.client.post(path, data=hidden_fields(answer.text, path) | typed)
    assert again.status_code == 303
    assert await fetchval("SELECT count(*) FROM journal WHERE trigger = 'answer'") == 1


async def test_a_move_that_is_over_shows_what_was_typed_for_it(operator: Browser) -> None:
    ticket = await in_work()
    path = f"{page_of(ticket)}/moves/answer"
    old = hidden_fields((await operator.get(page_of(ticket))).text, path)
    await does(ticket, "withdraw", text="Not needed any more.")
    typed = {"text": "A long answer.", "delivery_method": "email", "minutes": "30"}
    answer = await operator.client.post(path, data=old | typed, headers={"Accept": "text/html"})
    assert answer.status_code in (409, 412)
    assert "is not possible any more" in words(answer)
    assert "A long answer." in answer.text


async def test_the_letter_is_shown_before_it_is_sent_and_nothing_happens(operator: Browser) -> None:
    ticket = await a_request()
    before = await fetchval("SELECT count(*) FROM outbox")
    answer = await makes(operator, ticket, "register", priority="P1", preview="1")
    assert answer.status_code == 200
    letter = answer.text.partition('<section class="letter"')[2].partition("</section>")[0]
    assert "To: ivan@example.com" in letter
    assert "Priority 1" in letter
    shown = re.search(r"Заявка#([A-Z0-9-]+)", letter)
    assert shown
    assert '<option value="P1" selected>' in answer.text
    assert await fetchval("SELECT state FROM ticket") == PROCESS.initial
    assert await fetchval("SELECT count(*) FROM outbox") == before
    await makes(operator, ticket, "register", priority="P1")
    assert await fetchval("SELECT number FROM ticket") == shown[1]


async def test_a_letter_that_can_go_out_no_more_is_refused_in_words(operator: Browser) -> None:
    ticket = await a_ticket()
    form = hidden_fields((await operator.get(page_of(ticket))).text, f"{page_of(ticket)}/moves/start")
    await does(ticket, "start")
    asked = await operator.client.post(f"{page_of(ticket)}/moves/start", data=form | {"preview": "1"})
    assert asked.status_code == 409
    assert re.search(r'role="alert".*?is not possible', asked.text, re.DOTALL)


async def test_a_local_moment_is_the_centres(operator: Browser) -> None:
    ticket = await in_work()
    until = (clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT10:00")
    assert (await makes(operator, ticket, "snooze", until=until)).status_code == 303
    armed = await fetchval("SELECT due_at FROM timer WHERE kind = 'snooze' AND status = 'armed'")
    assert armed.strftime("%Y-%m-%dT%H:%M") == until.replace("T10:00", "T07:00")  # Moscow is three hours ahead
    wrong = await makes(operator, ticket, "snooze", until="tomorrow")
    assert wrong.status_code == 422
    assert 'value="tomorrow"' in wrong.text


async def test_what_comes_by_itself_stands_beside_the_clocks(operator: Browser) -> None:
    ticket = await in_work()
    assert "A warning to colleagues" in (await operator.get(page_of(ticket))).text
    asked = await does(ticket, "snooze", until=clock.now() + timedelta(hours=1))
    assert "The reminder that was asked for" in (await operator.get(page_of(asked))).text
    asked = await does(asked, "request_info", text="Which version?", minutes=30)
    html = (await operator.get(page_of(asked))).text
    assert "A reminder to the customer" in html
    assert "A warning to colleagues" not in html, "the clock rests"


async def test_a_dangerous_move_says_what_will_happen(operator: Browser) -> None:
    html = (await operator.get(page_of(await a_ticket()))).text
    form = html.partition('id="move-withdraw"')[2].partition("</details>")[0]
    assert "The ticket closes for good" in form
    assert "A letter goes to ivan@example.com." in form


async def test_a_supervisor_makes_no_operators_move(signs_in: Signs, operator: Browser) -> None:
    supervisor = await signs_in(Role.SUPERVISOR, name="Gleb")
    ticket = await a_ticket()
    path = f"{page_of(ticket)}/moves/start"
    form = hidden_fields((await supervisor.get(page_of(ticket))).text, f"{page_of(ticket)}/moves/assign")
    answer = await supervisor.client.post(path, data=form, headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert await fetchval("SELECT state FROM ticket") == ticket.state


async def test_a_form_of_others_moves_nothing(operator: Browser) -> None:
    ticket = await a_ticket()
    answer = await operator.client.post(f"{page_of(ticket)}/moves/start", data={"seq": str(ticket.seq)})
    assert answer.status_code == 403
    assert await fetchval("SELECT count(*) FROM journal WHERE trigger = 'start'") == 0


async def test_reloading_the_answer_to_a_form_leads_back_to_the_ticket(operator: Browser) -> None:
    ticket = await a_ticket()
    answer = await operator.get(f"{page_of(ticket)}/moves/start")
    assert answer.headers["location"] == f"{page_of(ticket)}#move-start"


async def test_an_address_that_takes_forms_only_leads_to_the_page_above_it(operator: Browser, site: Litestar) -> None:
    """Whoever switches the language, or loads the address again, stands on the answer to a form."""
    forms = [route.path for route in site.routes if route.methods & {"GET", "POST"} == {"POST"}]
    assert "/desk/bulk" in forms
    for path in forms:
        if path.startswith("/api/"):
            continue
        address = re.sub(r"{\w+:(?:int|str)}", "1", re.sub(r"{\w+:uuid}", str(uuid4()), path))
        assert (path, (await operator.get(address)).status_code) == (path, 303)
    for address, above in (("/desk/bulk", "/desk"), (f"/letters/{uuid4()}/resend", "/letters"), ("//desk/bulk", "/")):
        assert (await operator.get(f"{SITE}{address}")).headers["location"] == above


# --- letters ----------------------------------------------------------------------------------------------------------


async def test_letters_to_an_earlier_address_of_the_customer_are_still_shown(operator: Browser) -> None:
    ticket = await a_ticket()
    await execute("UPDATE ticket SET email = 'ivan@new.example.com' WHERE id = $1", ticket.id)
    await execute(
        "UPDATE letter SET kind = 'warning', subject = 'For us' WHERE id = (SELECT max(id::text) FROM letter)::uuid"
    )
    await does(ticket, "answer", text="Try again.", delivery_method="email", minutes=30)
    page = await operator.get(page_of(ticket))
    sent = page.text.partition("<h2>Letters sent</h2>")[2].partition("</section>")[0]
    assert sent.count("<li>") == await fetchval("SELECT count(*) FROM letter WHERE kind <> 'warning'") == 2
    assert sent.count("to ivan@example.com") == 1  # where it went to is said when it is not the address of today
    assert "For us" not in sent


# --- by phone ---------------------------------------------------------------------------------------------------------


async def a_customer() -> int:
    """An organisation with a contract and one contact."""
    organisation = await fetchval(
        "INSERT INTO organisation (name, domains, created_at) VALUES ('Harbour & Sons', '[]', now()) RETURNING id"
    )
    await execute(
        "INSERT INTO contract (organisation, number, products, service_level, starts_on) "
        "VALUES ($1, 'HS-1', '[]', 'standard', '2020-01-01')",
        organisation,
    )
    contact = await fetchval(
        "INSERT INTO contact (organisation, full_name, position, phone, language, created_at) "
        "VALUES ($1, 'Tom Whitfield', 'engineer', '+44 000 300-30-02', 'en', now()) RETURNING id",
        organisation,
    )
    await execute("INSERT INTO contact_address (address, contact) VALUES ('tom@harbour.example.com', $1)", contact)
    return int(contact)


@pytest.mark.parametrize("lookup", ["whitf", "HARBOUR", "tom@harbour", "0003003002"])
async def test_the_caller_is_found_by_a_part_of_what_is_known(operator: Browser, lookup: str) -> None:
    await a_customer()
    open_one = await a_ticket("An older question", email="tom@harbour.example.com")
    page = await operator.get(f"/desk/phone?lookup={lookup}")
    assert 'value="Tom Whitfield"' in page.text
    assert 'value="Harbour &amp; Sons"' in page.text
    assert "HS-1" in words(page)
    assert f'href="{page_of(open_one)}"' in page.text


async def test_several_callers_of_one_name_are_told_apart(operator: Browser) -> None:
    contact = await a_customer()
    await execute(
        "INSERT INTO contact (full_name, position, phone, language, created_at) "
        "VALUES ('Ann Whitfield', '', '', 'en', now())"
    )
    page = await operator.get("/desk/phone?lookup=whitfield")
    assert 'value="Tom Whitfield"' not in page.text
    assert f'href="/desk/phone?contact={contact}"' in page.text
    assert 'value="Tom Whitfield"' in (await operator.get(f"/desk/phone?contact={contact}")).text


async def test_a_call_is_taken_and_registered_in_one_step(operator: Browser) -> None:
    await a_customer()
    form = hidden_fields((await operator.get("/desk/phone")).text, "/desk/phone") | {
        "organisation": "Harbour & Sons", "full_name": "Tom Whitfield", "email": "tom@harbour.example.com",
        "subject": "No sound", "text": "It makes no sound.", "priority": "P1", "language": "en",
    }  # fmt: skip
    answers = await asyncio.gather(*(operator.client.post("/desk/phone", data=form) for _click in range(4)))
    answers.append(await operator.client.post("/desk/phone", data=form))
    rows = await fetch("SELECT id, number, priority, channel, contact FROM ticket")
    assert len(rows) == 1
    assert (rows[0]["priority"], rows[0]["channel"], rows[0]["contact"] is None) == ("P1", "phone", False)
    assert {answer.headers["location"] for answer in answers} == {f"/desk/tickets/{rows[0]['id']}"}
    assert f"Registered under the number {rows[0]['number']}." in words(
        await operator.get(answers[0].headers["location"])
    )


async def test_a_call_may_be_taken_down_only(operator: Browser) -> None:
    answer = await operator.send("/desk/phone", on="/desk/phone", text="It makes no sound.", full_name="Somebody")
    assert answer.status_code == 303
    assert await fetchval("SELECT state FROM ticket") == PROCESS.initial


async def test_a_call_without_words_is_refused_beside_the_field(operator: Browser) -> None:
    answer = await operator.send("/desk/phone", on="/desk/phone", full_name="Tom <Whitfield>", email="no address")
    assert answer.status_code == 422
    assert re.search(r'id="e-text">.*?Please say what happened', answer.text, re.DOTALL)
    assert re.search(r'id="e-email">.*?not a mail address', answer.text, re.DOTALL)
    assert "Tom &lt;Whitfield&gt;" in answer.text
    assert await fetchval("SELECT count(*) FROM ticket") == 0


async def test_a_refused_call_still_shows_who_was_chosen(operator: Browser) -> None:
    contact = await a_customer()
    open_one = await a_ticket("An older question", email="tom@harbour.example.com")
    answer = await operator.send("/desk/phone", on=f"/desk/phone?contact={contact}", full_name="Tom Whitfield")
    assert answer.status_code == 422
    assert f'href="{page_of(open_one)}"' in answer.text


async def test_who_may_not_register_takes_a_call_down_and_is_not_offered_more(signs_in: Signs) -> None:
    gleb = await signs_in(Role.SUPERVISOR, name="Gleb")
    assert 'name="priority"' not in (await gleb.get("/desk/phone")).text
    refused = await gleb.send("/desk/phone", on="/desk/phone", text="It makes no sound.", priority="P1")
    assert refused.status_code == 403
    assert await fetchval("SELECT count(*) FROM ticket") == 0  # nothing is made by half
    assert (await gleb.send("/desk/phone", on="/desk/phone", text="It makes no sound.")).status_code == 303


# --- files, the local mailbox -----------------------------------------------------------------------------------------


@pytest.fixture
def shelf(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files go to the home of the site, whichever application was made last."""
    monkeypatch.setattr(files.SHELF, "folder", home / "files")


async def a_file(data: bytes, *, name: str, content_type: str) -> str:
    """A request with one file; the address of the file."""
    file = File(filename=name, content_type=content_type, size=len(data), sha256=files.keep(data))
    await a_request(files=(file,))
    return f"/desk/attachments/{await fetchval('SELECT id FROM attachment')}"


async def test_a_file_is_saved_and_never_opened(operator: Browser, shelf: None) -> None:
    path = await a_file(b"<script>alert(1)</script>", name='отчёт "1".html', content_type="text/html")
    for query in ("", "?inline=1"):
        answer = await operator.get(path + query)
        assert answer.content == b"<script>alert(1)</script>"
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment; ")
        assert "filename*=UTF-8''%D0%BE" in answer.headers["content-disposition"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_picture_may_be_shown_in_place(operator: Browser, shelf: None) -> None:
    path = await a_file(PNG, name="снимок.png", content_type="image/png")
    assert (await operator.get(path)).headers["content-disposition"].startswith("attachment; ")
    shown = await operator.get(f"{path}?inline=1")
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["content-disposition"].startswith("inline; ")


async def test_a_picture_is_shown_small_and_a_damaged_one_not_at_all(operator: Browser, shelf: None) -> None:
    drawn = io.BytesIO()
    Image.new("RGB", (1200, 600), "navy").save(drawn, "PNG")
    whole = await a_file(drawn.getvalue(), name="снимок.png", content_type="image/png")
    shown = await operator.get(f"{whole}/thumbnail")
    assert shown.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(shown.content)) as small:
        assert small.size == (480, 240)
    await execute("UPDATE attachment SET sha256 = $1", files.keep(b"\x89PNG broken"))
    assert (await operator.get(f"{whole}/thumbnail")).status_code == 404


async def test_a_file_that_was_refused_is_named_and_not_given(operator: Browser) -> None:
    ticket = await a_request(files=(File("virus.exe", "application/x-dosexec", 7, refused="type"),))
    assert "virus.exe: not kept" in words(await operator.get(page_of(ticket)))
    assert (await operator.get(f"/desk/attachments/{await fetchval('SELECT id FROM attachment')}")).status_code == 404


async def test_the_local_mailbox_shows_letters_and_nothing_else(operator: Browser, home: Path) -> None:
    assert "No letter yet" in words(await operator.get("/mailbox"))
    letter = EmailMessage()
    letter["To"], letter["Subject"] = "ivan@example.com", "Ticket <registered>"
    letter.set_content("Follow http://desk.example.org/status/abc\n<b>now</b>")
    name = keep(home / "mailbox", letter.as_bytes(), at=clock.now())
    listed = await operator.get("/mailbox")
    assert f'<a href="/mailbox/{name}">Ticket &lt;registered&gt;</a>' in listed.text
    page = await operator.get(f"/mailbox/{name}")
    assert 'href="http://desk.example.org/status/abc"' in page.text
    assert "<b>now</b>" not in page.text
    assert (await operator.get("/mailbox/..%2Fsecret")).status_code == 404
