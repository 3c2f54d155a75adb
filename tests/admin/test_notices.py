"""The bell: its number on every page, its page, what reading a ticket does to it, and watching from the page."""

import re

import pytest

from service import sessions
from service.database import execute, fetch, fetchval
from tests.admin.conftest import Browser, Signs, words
from tests.admin.test_desk import a_ticket, does, page_of
from workflow.definition import Role


def bell(html: str) -> str:
    """The number in the header; '' when it is hidden."""
    found = re.search(r'<span class="bell-count"( hidden)?>([^<]*)</span>', html)
    assert found, "there is no bell"
    return "" if found[1] else found[2]


async def a_ticket_of(name: str):  # type: ignore[no-untyped-def]
    ticket = await a_ticket()
    await execute(
        "UPDATE ticket SET assignee = (SELECT id FROM app_user WHERE name = $2) WHERE id = $1", ticket.id, name
    )
    return ticket


async def test_the_bell_rings_on_every_page_and_falls_silent_by_reading(operator: Browser) -> None:
    ticket = await a_ticket_of("Olga")
    assert bell((await operator.get("/desk")).text) == ""
    await does(ticket, "comment", text="Look at the log.")
    for path in ("/desk", "/reports", "/profile", "/notices"):
        assert bell((await operator.get(path)).text) == "1"
    page = await operator.get("/notices")
    assert f'href="/desk/tickets/{ticket.id}#e-3"' in page.text
    assert "Note for colleagues — Olga" in words(page)
    assert bell((await operator.get(page_of(ticket))).text) == ""  # opening the ticket reads them
    assert "Everything is read" in words(await operator.get("/notices"))
    assert "Note for colleagues" in words(await operator.get("/notices?all=1"))


async def test_notices_are_read_one_by_one_or_all_at_once(operator: Browser) -> None:
    ticket = await a_ticket_of("Olga")
    for n in range(3):
        await does(ticket, "comment", text=f"{n}")
    ids = [row["id"] for row in await fetch("SELECT id FROM notice ORDER BY id")]
    await operator.send(f"/notices/{ids[0]}/read", on="/notices")
    assert bell((await operator.get("/desk")).text) == "2"
    again = await operator.send(f"/notices/{ids[0]}/read", on="/notices?all=1", again="1")
    assert again.headers["location"] == "/notices?all=1"
    assert bell((await operator.get("/desk")).text) == "3"
    page = await operator.get("/notices")
    await does(ticket, "comment", text="Meanwhile.")
    assert f'name="until" value="{ids[-1]}"' in page.text
    await operator.send("/notices/read", on="/notices", until=str(ids[-1]))
    assert bell((await operator.get("/desk")).text) == "1"  # what came meanwhile stays


async def test_nobody_reads_the_notices_of_others(operator: Browser, signs_in: Signs) -> None:
    gleb = await signs_in(Role.SUPERVISOR, name="Gleb")
    ticket = await a_ticket_of("Olga")
    await does(ticket, "comment", text="For Olga.")
    id = await fetchval("SELECT id FROM notice")
    assert "For Olga" not in (await gleb.get("/notices?all=1")).text
    form = await gleb.get("/profile")
    token = re.search(r'name="_csrf_token" value="([^"]+)"', form.text)
    assert token
    refused = await gleb.client.post(f"/notices/{id}/read", data={"_csrf_token": token[1]})
    assert refused.status_code == 404
    assert bell((await operator.get("/desk")).text) == "1"


@pytest.mark.parametrize("n", [100, 250])
async def test_more_than_a_hundred_is_told_as_such(operator: Browser, n: int) -> None:
    await execute(
        "INSERT INTO notice (\"user\", kind, mail, at) SELECT u.id, 'deadline', gen_random_uuid(), now() "
        "FROM app_user u, generate_series(1, $1)",
        n,
    )
    page = await operator.get("/notices")
    assert bell(page.text) == "99+"
    assert "Held mail" in words(page)
    onward = re.search(r'href="(/notices\?cursor=[^"]+)"', page.text)
    assert onward
    assert (await operator.get(onward[1])).text.count('class="notice unread"') == 50


def test_a_page_with_a_bell_costs_no_statement_more() -> None:
    """The number comes with the session."""
    assert "FROM notice" in sessions.SIGNED_IN


async def test_owners_and_strangers_have_no_bell(signs_in: Signs, stranger: Browser) -> None:
    darya = await signs_in(Role.PROCESS_OWNER, name="Darya")
    assert "bell-count" not in (await darya.get("/regulation")).text
    assert (await darya.get("/notices")).status_code == 403
    assert (await stranger.get("/notices")).status_code in (302, 303)


async def test_a_ticket_is_watched_from_its_page(operator: Browser, signs_in: Signs) -> None:
    gleb = await signs_in(Role.SUPERVISOR, name="Gleb")
    ticket = await a_ticket()
    path = f"{page_of(ticket)}/watch"
    done = await gleb.send(path, on=page_of(ticket))
    assert done.headers["location"] == page_of(ticket)
    assert "Watched by Gleb." in words(await operator.get(page_of(ticket)))
    assert "Stop watching" in words(await gleb.get(page_of(ticket)))
    await does(ticket, "comment", text="Something.")
    assert bell((await gleb.get("/desk")).text) == "1"
    me = await fetchval("SELECT id FROM app_user WHERE name = 'Gleb'")
    assert ticket.number in (await gleb.get(f"/desk?watcher={me}")).text
    await gleb.send(path, on=page_of(ticket), stop="1")
    assert "Watched by" not in words(await operator.get(page_of(ticket)))
    assert "Nothing fits these filters" in words(await gleb.get(f"/desk?watcher={me}"))


async def test_everybody_chooses_what_comes_by_which_way(operator: Browser) -> None:
    page = await operator.get("/profile")
    assert re.search(r'name="deadline-mail" value="1" checked', page.text)
    assert re.search(r'name="watched-bell" value="1" checked', page.text)
    chosen = {"act": "notices", "deadline-bell": "1", "watched-mail": "1"}
    saved = await operator.send("/profile", on="/profile", **chosen)
    assert saved.status_code == 303
    page = await operator.get("/profile")
    assert re.search(r'name="deadline-mail" value="1">', page.text)
    assert re.search(r'name="watched-mail" value="1" checked', page.text)
    refused = await operator.send("/profile", on="/profile", act="notices", **{"watched-bell": "1"})
    assert refused.status_code == 422
    assert "choose at least one way" in words(refused)
    assert re.search(r'name="watched-bell" value="1" checked', refused.text)  # what was ticked is kept
