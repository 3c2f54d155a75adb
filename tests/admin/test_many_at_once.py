"""Several tickets at once, the search and the saved views of the queue."""

import re
from datetime import datetime
from html import unescape

import pytest
from msgspec.structs import replace

from admin.desk import bulk
from service import clock
from service.database import execute, fetchval
from service.regulations import in_force
from service.ticket import Ticket
from tests.admin.conftest import Browser, Signs, hidden_fields, words
from tests.admin.test_desk import a_request, a_ticket, does, subjects
from workflow.definition import Role
from workflow.regulation import CannedAnswer, Rulebook, Text


async def presses(browser: Browser, act: str, *tickets: Ticket, **typed: str):  # type: ignore[no-untyped-def]
    """Select tickets of the queue and press a button of the bar."""
    form: dict[str, object] = dict(hidden_fields((await browser.get("/desk")).text, "/desk/bulk"))
    chosen = {"act": act, "ticket": [str(ticket.id) for ticket in tickets]}
    return await browser.client.post("/desk/bulk", data=form | chosen | typed, headers={"Accept": "text/html"})


async def test_each_of_several_tickets_is_reported_done_or_refused_and_why(operator: Browser) -> None:
    numbered, fresh = await a_ticket("with a priority"), await a_request("without")
    page = await presses(operator, "change_priority", numbered, fresh, priority="P1", reason="Fire")
    assert page.status_code == 200
    assert "1 ticket of 2 done." in words(page)
    assert await fetchval("SELECT priority FROM ticket WHERE id = $1", numbered.id) == "P1"
    assert await fetchval("SELECT priority FROM ticket WHERE id = $1", fresh.id) is None
    rows = re.findall(r"<tr><td>.*?</tr>", page.text, re.DOTALL)
    assert ["icon-done" in row for row in rows] == [True, False]


async def test_several_tickets_get_one_assignee(operator: Browser) -> None:
    tickets = [await a_ticket(f"n{n}") for n in range(3)]
    await presses(operator, "assign", *tickets, assignee="olga@example.org")
    assert await fetchval("SELECT count(*) FROM ticket WHERE assignee IS NOT NULL") == 3


async def test_letters_to_several_customers_are_shown_before_they_go(operator: Browser) -> None:
    first, second = await a_ticket("one"), await a_ticket("two", email="")
    look = await presses(operator, "answer", first, second, canned="logs")
    assert "A letter will go to 1 customer." in words(look)
    assert "address is not known" in words(look)
    assert "Each books 30 min" in words(look)
    assert await fetchval("SELECT count(*) FROM letter WHERE kind = 'answer'") == 0
    form = hidden_fields(look.text, "/desk/bulk")
    assert form["ticket"] == str(first.id)
    for _twice in range(2):
        sent = await operator.client.post("/desk/bulk", data=form)
        assert "1 ticket of 1 done." in words(sent)
    assert await fetchval("SELECT count(*) FROM letter WHERE kind = 'answer'") == 1
    assert await fetchval("SELECT minutes FROM message WHERE direction = 'out'") == 30


async def test_an_answer_taken_out_of_use_refuses_each_ticket_and_loses_none(operator: Browser) -> None:
    tickets = [await a_ticket("one"), await a_ticket("two")]
    look = await presses(operator, "answer", *tickets, canned="retired")
    assert look.status_code == 200
    assert words(look).count("There is no standard answer “retired”.") == 2


async def test_an_answer_for_one_product_goes_to_no_ticket_of_another(
    operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = await in_force(at=clock.now())
    only = CannedAnswer("editor", Text("Редактор", "Editor"), Text("Обновите.", "Update it."), product="Editor")
    narrowed = Rulebook(rules.version, replace(rules.regulation, canned_answers=(only,)))

    async def now(*, at: datetime) -> Rulebook:
        return narrowed

    monkeypatch.setattr(bulk, "in_force", now)
    ours, other = await a_ticket("ours", product="Editor"), await a_ticket("other", product="Viewer")
    look = await presses(operator, "answer", ours, other, canned="editor")
    assert "A letter will go to 1 customer." in words(look)
    assert words(look).count("The standard answer “Editor” is for another product.") == 1


async def test_another_button_of_the_same_page_is_another_act(operator: Browser) -> None:
    ticket = await a_ticket()
    form = dict(hidden_fields((await operator.get("/desk")).text, "/desk/bulk")) | {"ticket": str(ticket.id)}
    await operator.client.post("/desk/bulk", data=form | {"act": "change_priority", "priority": "P1"})
    await operator.client.post("/desk/bulk", data=form | {"act": "change_priority", "priority": "P4"})
    assert await fetchval("SELECT priority FROM ticket") == "P4"


async def test_nothing_chosen_is_said_and_nothing_happens(operator: Browser) -> None:
    await a_ticket()
    answer = await presses(operator, "assign")
    assert answer.status_code == 303
    assert "Choose tickets" in words(await operator.get("/desk"))


async def test_a_ticket_is_taken_in_the_queue(operator: Browser) -> None:
    registered, fresh = await a_ticket("registered"), await a_request("fresh")
    for ticket in (registered, fresh):
        form = hidden_fields((await operator.get("/desk")).text, "/desk/bulk")
        taken = await operator.client.post("/desk/bulk", data=form | {"take": str(ticket.id)})
        assert (taken.status_code, taken.headers["location"]) == (303, "/desk")
        said = re.search(r'<p class="flash flash-done".*?</p>', (await operator.get("/desk")).text)
        assert said
        assert f'{ticket.number or ticket.subject} is yours. <a href="/desk/tickets/{ticket.id}">' in said[0]
    assert await fetchval("SELECT count(*) FROM ticket WHERE assignee IS NOT NULL") == 2
    assert await fetchval("SELECT count(*) FROM journal WHERE trigger = 'start'") == 1


async def test_a_ticket_without_a_number_is_linked_by_words(operator: Browser) -> None:
    fresh, numbered = await a_request("fresh"), await a_ticket("numbered")
    href = f'<a href="/desk/tickets/{fresh.id}">no number</a>'
    assert href in (await presses(operator, "assign", fresh, assignee="olga@example.org")).text
    page, form = f"/desk/tickets/{fresh.id}", {"ticket": str(numbered.number), "relation": "related"}
    await operator.send(f"{page}/moves/link", on=page, **form)
    assert href in (await operator.get(f"/desk/tickets/{numbered.id}")).text


async def test_what_a_colleague_took_meanwhile_stays_theirs(operator: Browser, signs_in: Signs) -> None:
    vera = await signs_in(Role.OPERATOR, name="Vera")
    registered, fresh = await a_ticket("registered"), await a_request("fresh")
    old = hidden_fields((await operator.get("/desk")).text, "/desk/bulk")
    for ticket in (registered, fresh):
        form = hidden_fields((await vera.get("/desk")).text, "/desk/bulk")
        await vera.client.post("/desk/bulk", data=form | {"take": str(ticket.id)})
        await operator.client.post("/desk/bulk", data=old | {"take": str(ticket.id)})
        assert f"{ticket.number or ticket.subject} is with Vera already." in words(await operator.get("/desk"))
        seq = await fetchval("SELECT seq FROM ticket WHERE id = $1", ticket.id)
        await vera.client.post("/desk/bulk", data=form | {"take": str(ticket.id)})  # the second click of a double click
        assert await fetchval("SELECT seq FROM ticket WHERE id = $1", ticket.id) == seq
    assert await fetchval("SELECT count(DISTINCT assignee) FROM ticket") == 1


# --- the search -------------------------------------------------------------------------------------------------------


async def test_words_are_found_in_any_form_in_both_languages(operator: Browser) -> None:
    await a_ticket("Printers are jammed", text="Застряла бумага в лотках.")
    for q in ("printer", "jam", "бумагу", "лотки бумага"):
        assert subjects((await operator.get(f"/desk?q={q}")).text) == ["Printers are jammed"], q


async def test_what_was_said_and_who_asked_is_found(operator: Browser) -> None:
    ticket = await a_ticket("One", organisation="ООО «Ладога»", full_name="Пётр Щукин")
    await a_ticket("Other", email="other@example.com")
    await does(ticket, "answer", text="Переустановите драйвер.", delivery_method="phone", minutes=30)
    for q in ("драйверы", "ладоге", "щукин", "ivan@example.com"):
        assert subjects((await operator.get(f"/desk?q={q}")).text) == ["One"], q


async def test_an_identified_customer_is_found_by_the_name_of_the_organisation(operator: Browser) -> None:
    ticket = await a_ticket("One")
    await execute("INSERT INTO organisation (name, domains, created_at) VALUES ('Онега', '[]', now())")
    await does(ticket, "identify", organisation="Онега")
    assert subjects((await operator.get("/desk?q=онеги")).text) == ["One"]


async def test_frequent_words_show_the_newest_and_say_so(operator: Browser) -> None:
    await a_ticket("The newest", text="printer")
    await execute(
        "INSERT INTO ticket (id, state, subject, text, channel, received_at, regulation_version, clocks, head, search) "
        "SELECT gen_random_uuid(), state, 'old ' || n, '', channel, received_at - n * interval '1 minute', "
        "regulation_version, clocks, head, to_tsvector('russian', 'printer') FROM ticket, generate_series(1, 1005) n"
    )
    page = await operator.get("/desk?q=printers")
    assert "More than 1,000 tickets hold these words" in words(page)
    assert subjects(page.text)[:2] == ["The newest", "old 1"]
    rare = await operator.get("/desk?q=nothing")
    assert "hold these words" not in words(rare)


# --- saved views ------------------------------------------------------------------------------------------------------


async def keeps(browser: Browser, address: str, name: str, **typed: str):  # type: ignore[no-untyped-def]
    return await browser.send("/desk/views", on=address, name=name, **typed)


def chips(html: str) -> dict[str, str]:
    views = html.partition('aria-label="Saved views"')[2].partition("</div>")[0]
    return {
        name: unescape(href) for href, name in re.findall(r'<a class="chip[^"]*" href="([^"]+)"[^>]*>([^<]+)', views)
    }


async def test_a_kept_view_is_a_chip_that_leads_to_its_filter(operator: Browser) -> None:
    await a_ticket("urgent", priority="P1")
    await a_ticket("usual", priority="P3")
    kept = await keeps(operator, "/desk?priority=P1&nonsense=1", "Fires")
    assert kept.headers["location"] == "/desk?priority=P1"
    found = chips((await operator.get("/desk")).text)
    assert found == {"Fires": "/desk?priority=P1"}
    page = await operator.get(found["Fires"])
    assert subjects(page.text) == ["urgent"]
    assert "Forget the view" in words(page)
    again = await keeps(operator, "/desk?priority=P3", "fires")
    assert again.status_code == 303
    assert "“fires” is there already." in words(await operator.get("/desk"))


async def test_shared_views_are_seen_by_all_and_forgotten_by_their_owner_only(signs_in: Signs) -> None:
    olga, gleb = await signs_in(Role.OPERATOR, name="Olga"), await signs_in(Role.SUPERVISOR, name="Gleb")
    await keeps(olga, "/desk?overdue=1", "Late ones", shared="1")
    await keeps(olga, "/desk?closed=1", "My archive")
    assert chips((await gleb.get("/desk")).text) == {"Late ones": "/desk?overdue=1"}
    page = await gleb.get("/desk?overdue=1")
    assert "Forget the view" not in words(page)
    token = hidden_fields(page.text, "/desk/views")["_csrf_token"]
    view = await fetchval("SELECT id FROM saved_view WHERE shared")
    refused = await gleb.client.post(f"/desk/views/{view}/delete", data={"_csrf_token": token})
    assert refused.status_code == 404
    gone = await olga.send(f"/desk/views/{view}/delete", on="/desk?overdue=1")
    assert gone.status_code == 303
    assert set(chips((await olga.get("/desk")).text)) == {"My archive"}
