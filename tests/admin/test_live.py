"""Live pages: a look a second shared by all, presence on tickets, and an end when the process is told to end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from admin.desk import live
from service.database import execute, fetchval
from service.leaving import LEAVING
from tests.admin.conftest import Browser, Signs, hidden_fields, words
from tests.admin.test_desk import a_request, a_ticket, does, page_of
from workflow.definition import Role


async def what_comes(news: AsyncIterator[Any], *, within: float = 5.0) -> str:
    async with asyncio.timeout(within):
        message = await anext(news)
    return str(message.data or message.comment)


async def test_news_reaches_every_listener_by_one_look(stranger: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY", 0.05)
    monkeypatch.setattr(live, "STILL", 0.5)
    listeners = [live._news() for _n in range(5)]
    try:
        assert [await what_comes(one) for one in listeners] == ["here"] * 5
        looks = live.WATCH.looks
        assert await what_comes(listeners[0]) == "still here"
        assert live.WATCH.looks - looks < 20  # by one watcher, not by five
        await a_request()
        assert [await what_comes(one) for one in listeners] == ["news"] * 5
    finally:
        for one in listeners:
            await one.aclose()
    assert live.WATCH.listeners == set()


async def test_what_happens_after_the_first_word_is_news(stranger: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the first look takes, and however many fail before it: the first word waits for it."""
    watch = live.Watch()
    look, failures = watch._look, 2

    async def slow() -> Any:
        nonlocal failures
        failures -= 1
        await asyncio.sleep(0.1)
        return None if failures >= 0 else await look()

    monkeypatch.setattr(live, "EVERY", 0.05)
    monkeypatch.setattr(live, "STILL", 0.5)
    monkeypatch.setattr(live, "WATCH", watch)
    monkeypatch.setattr(watch, "_look", slow)
    news = live._news()
    try:
        assert await what_comes(news) == "here"
        await a_request()
        assert await what_comes(news) == "news"
    finally:
        await news.aclose()


async def test_the_bell_tells_each_listener_their_own_number(signs_in: Signs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY", 0.05)
    await signs_in(Role.OPERATOR, name="Olga")
    await signs_in(Role.SUPERVISOR, name="Gleb")
    olga, gleb = [await fetchval("SELECT id FROM app_user WHERE name = $1", name) for name in ("Olga", "Gleb")]
    hers, his = live._news(olga), live._news(gleb)
    try:
        for one in (hers, his):
            assert [await what_comes(one), await what_comes(one)] == ["here", "0"]
        await execute("INSERT INTO notice (\"user\", kind, at) VALUES ($1, 'mine', now())", olga)
        assert await what_comes(hers) == "1"
        await execute("UPDATE notice SET read_at = now()")
        assert await what_comes(hers) == "0"
        with pytest.raises(TimeoutError):
            await what_comes(his, within=0.5)
    finally:
        await hers.aclose()
        await his.aclose()


async def test_streams_end_at_once_when_the_process_is_told_to_end(
    stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "EVERY", 0.05)
    news = live._news()
    await what_comes(news)
    try:
        LEAVING.begin()
        with pytest.raises(StopAsyncIteration):
            await what_comes(news, within=1.0)
    finally:
        LEAVING.begun = False


async def test_the_desk_may_listen_and_strangers_may_not(stranger: Browser) -> None:
    assert (await stranger.client.get("/desk/stream")).status_code == 401


# --- presence ---------------------------------------------------------------------------------------------------------


async def tells(browser: Browser, ticket: Any, **said: str) -> dict[str, Any]:
    token = hidden_fields((await browser.get("/desk")).text, "/sign-out")["_csrf_token"]
    answer = await browser.client.post(f"{page_of(ticket)}/presence", data=said, headers={"X-CSRF-Token": token})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_two_on_one_ticket_see_each_other(signs_in: Signs) -> None:
    olga, gleb = await signs_in(Role.OPERATOR, name="Olga"), await signs_in(Role.SUPERVISOR, name="Gleb")
    ticket = await a_ticket()
    await tells(olga, ticket, writing="1")
    assert "Writing now: Olga." in words(await gleb.get(page_of(ticket)))
    assert (await tells(olga, ticket, writing="0"))["others"] == "Also looking: Gleb."
    await tells(gleb, ticket, away="1")
    assert (await tells(olga, ticket))["others"] == ""


async def test_presence_tells_that_the_ticket_changed(operator: Browser) -> None:
    ticket = await a_ticket()
    before = (await tells(operator, ticket))["seq"]
    await does(ticket, "start")
    assert (await tells(operator, ticket))["seq"] > before


async def test_presence_needs_a_ticket_and_a_right(operator: Browser, stranger: Browser) -> None:
    ticket = await a_ticket()
    refused = await stranger.client.post(f"{page_of(ticket)}/presence", data={})
    assert refused.status_code in (401, 403)
    gone = await operator.client.post("/desk/tickets/00000000-0000-0000-0000-000000000000/presence", data={})
    assert gone.status_code in (403, 404)
