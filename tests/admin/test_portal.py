"""The form for those without an account, and the one click after the end."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from service import clock
from service.auth import wall_clock
from service.correspondence import LINKS_LAST
from service.database import execute, fetchrow, fetchval
from service.house import HOUSE
from service.satisfaction import Month, summary
from service.verify import verify
from tests.admin.conftest import SITE, Browser, hidden_fields, words
from tests.admin.customers import everything, forget_brakes, the_letter
from tests.admin.test_desk import does, in_work
from workflow.calendar import zone_named

FACTS = {
    "organisation": "Port", "full_name": "Ivan Sidorov", "position": "Engineer", "phone": "+7 000 1",
    "email": "ivan@port.example.com", "subject": "Crane", "text": "The crane does not move.",
}  # fmt: skip


@pytest.fixture(autouse=True)
async def _brakes(site: Litestar) -> None:
    await forget_brakes(site)


def begun(site: Litestar, *, ago: timedelta) -> str:
    """The mark of a form that was shown some time ago."""
    told_at = f"{int((wall_clock() - ago).timestamp() * 1000)}.{uuid4().hex}"
    return f"{told_at}.{site.state.doors.seal(f'portal:{told_at}')}"


async def sends(
    browser: Browser, site: Litestar, *, ago: timedelta = timedelta(minutes=1), **typed: Any
) -> httpx.Response:
    form = hidden_fields((await browser.get("/portal")).text, "/portal")
    data = form | FACTS | {"begun": begun(site, ago=ago)} | typed
    return await browser.client.post("/portal", data=data, headers={"Accept": "text/html"})


async def test_six_facts_become_a_ticket_of_the_portal(stranger: Browser, site: Litestar) -> None:
    answer = await sends(stranger, site)
    assert answer.status_code == 303
    thanks = await stranger.get(answer.headers["location"])
    assert "we have your request" in words(thanks)
    assert "ivan@port.example.com" in words(thanks)
    row = await fetchrow("SELECT * FROM ticket")
    assert (row["channel"], row["full_name"], row["organisation_name"]) == ("portal", "Ivan Sidorov", "Port")
    assert await fetchval("SELECT actor_name FROM journal") == "Ivan Sidorov"
    assert "we will register it" in await the_letter("accepted")
    assert "/status/" not in thanks.text  # whoever typed the address is not yet known to own it


async def test_whoever_writes_at_night_is_told_until_when_we_answer(
    stranger: Browser, site: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    for closed in (True, False):
        monkeypatch.setattr("admin.public.portal.outside_hours", lambda *_of, told=closed: told)
        answer = await sends(stranger, site, text=f"Outside: {closed}")
        thanks = words(await stranger.get(answer.headers["location"]))
        assert ("You wrote outside working hours; we register the request and answer by" in thanks) is closed


async def test_missing_facts_are_named_all_at_once_and_nothing_typed_is_lost(stranger: Browser, site: Litestar) -> None:
    answer = await sends(stranger, site, phone="", position="", email="no address")
    assert answer.status_code == 422
    assert answer.text.count("Please fill this in.") == 2
    assert "This is not a mail address." in words(answer)
    assert "The crane does not move." in answer.text
    assert await fetchval("SELECT count(*) FROM ticket") == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"ago": timedelta(0)}, "faster than a person"),
        ({"ago": timedelta(hours=25)}, "more than a day"),
        ({"begun": "1.2.3"}, "more than a day"),
        ({"second_address": "x"}, "hidden field"),
    ],
)
async def test_a_robot_is_stopped_and_a_person_only_sends_again(
    stranger: Browser, site: Litestar, typed: dict[str, Any], said: str
) -> None:
    answer = await sends(stranger, site, **typed)
    assert answer.status_code == 422
    assert said in words(answer)
    assert "The crane does not move." in answer.text
    assert await fetchval("SELECT count(*) FROM ticket") == 0
    assert (await sends(stranger, site)).status_code == 303


async def test_one_form_makes_one_ticket(stranger: Browser, site: Litestar) -> None:
    mark = begun(site, ago=timedelta(minutes=1))
    for _press in range(2):
        assert (await sends(stranger, site, begun=mark)).status_code == 303
    assert await fetchval("SELECT count(*) FROM ticket") == 1


async def test_nobody_is_flooded_through_the_form(stranger: Browser, site: Litestar) -> None:
    stranger.client.headers["origin"] = SITE  # as a browser sends a form of ours
    said = [await sends(stranger, site) for _try in range(4)]
    assert [answer.status_code for answer in said] == [303, 303, 303, 429]
    assert "The crane does not move." in said[-1].text  # what was typed is not lost


async def test_a_form_from_elsewhere_is_refused(stranger: Browser, site: Litestar) -> None:
    answer = await stranger.client.post("/portal", data=FACTS | {"begun": begun(site, ago=timedelta(minutes=1))})
    assert answer.status_code == 403


async def test_the_portal_speaks_both_languages(stranger: Browser) -> None:
    stranger.client.cookies.set("language", "ru")
    assert "Написать в техническую поддержку" in words(await stranger.get("/portal"))


# --- one click after the end ------------------------------------------------------------------------------------------


async def the_rating_link() -> str:
    """A ticket is closed; the path of the link in its letter."""
    ticket = await in_work()
    await does(ticket, "complete", text="Update it.", delivery_method="email", minutes=30, outcome="solved")
    await does(ticket, "confirm")
    found = re.search(rf"{re.escape(SITE)}(/rate/\S+)", await the_letter("closed"))
    assert found
    return found[1]


async def test_looking_at_the_question_answers_nothing_and_one_click_does(stranger: Browser) -> None:
    link = await the_rating_link()
    before = await everything()
    for method in ("GET", "HEAD", "GET"):
        await stranger.client.request(method, link)
    assert await everything() == before
    answer = await stranger.client.post(link, data={"score": "fair"})
    assert "Thank you for telling us." in words(await stranger.get(answer.headers["location"]))
    assert await fetchval("SELECT score FROM satisfaction") == "fair"
    again = await stranger.client.post(link, data={"score": "bad"})
    assert again.status_code == 410
    assert await fetchval("SELECT score FROM satisfaction") == "fair"
    zone = zone_named("Europe/Moscow")
    told = await summary(since=clock.now() - timedelta(days=40), until=clock.now() + timedelta(days=1), zone=zone)
    assert told == [Month(clock.now().astimezone(zone).date().replace(day=1), good=0, fair=1, bad=0)]


async def test_the_journal_tells_in_words_who_said_how_it_was(stranger: Browser, operator: Browser) -> None:
    await stranger.client.post(await the_rating_link(), data={"score": "fair"})
    entry = await fetchrow("SELECT * FROM journal ORDER BY id DESC LIMIT 1")
    assert (entry["trigger"], entry["actor_kind"], entry["actor_name"]) == ("rate", "customer", "ivan@example.com")
    assert (entry["kind"], entry["from_state"], entry["to_state"]) == ("note", "closed", "closed")
    page = f"/desk/tickets/{entry['ticket']}"
    told = words(await operator.get(page))
    for said in ("Customer said how it was", "ivan@example.com", "So-so", "by the link in our letter"):
        assert said in told.partition("Solution confirmed")[2]
    operator.client.cookies.set("language", "ru")
    told = words(await operator.get(page))
    assert "Заказчик оценил работу" in told
    assert "Так себе" in told
    assert await verify() == []


async def test_a_forged_an_expired_and_an_early_link_are_helpful(stranger: Browser) -> None:
    link = await the_rating_link()
    assert (await stranger.get(link[:-1] + ("A" if link[-1] != "A" else "B"))).status_code == 404
    assert (await stranger.client.post(link, data={"score": "superb"})).status_code == 303
    await execute("UPDATE ticket SET closed_at = closed_at - $1::interval", LINKS_LAST)
    assert "has expired" in words(await stranger.get(link))
    still_open = await in_work("Another")
    assert (await stranger.get(f"/rate/{HOUSE.sign('rate', still_open.id)}")).status_code == 404
    assert await fetchval("SELECT count(*) FROM satisfaction") == 0
