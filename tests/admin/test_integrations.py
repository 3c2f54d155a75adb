"""Integrations in the browser: made, tested, watched, sent again, ended; the secret shown once."""

import re
from typing import Any

import pytest

from admin.integrations import acts
from service import clock
from service.actors import Actor
from service.database import execute, fetch, fetchrow, fetchval
from service.event_catalogue import TYPES
from service.house import HOUSE
from service.vault import open_
from service.webhook_subscriptions import subscribe
from tests.admin.conftest import Browser, Signs, words
from tests.desk import a_ticket
from workflow.definition import Role

URL = "https://crm.example.org/hooks"


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker is at work here: a ping's page need not wait for one."""
    monkeypatch.setattr(acts, "PATIENCE", 0.0)


@pytest.fixture
async def administrator(signs_in: Signs) -> Browser:
    return await signs_in(Role.ADMINISTRATOR, name="Ada")


async def made(browser: Browser, **typed: Any) -> Any:
    answer = await browser.send("/integrations", on="/integrations/new", **({"url": URL, "event_types": "*"} | typed))
    assert answer.status_code == 200, words(answer)
    return answer


async def a_subscription(browser: Browser, **typed: Any) -> str:
    await made(browser, **typed)
    return str(await fetchval("SELECT id FROM webhook ORDER BY created_at DESC LIMIT 1"))


async def does(browser: Browser, hook: str, act: str, **typed: str) -> Any:
    here = f"/integrations/{hook}"
    return await browser.send(f"{here}/{act}", on=here, **typed)


async def test_an_empty_page_says_what_will_stand_here(administrator: Browser) -> None:
    page = await administrator.get("/integrations")
    assert page.status_code == 200
    assert "No subscriptions yet" in words(page)
    assert "Only https addresses in the open internet are allowed." in words(page)


async def test_the_secret_is_shown_by_the_answer_that_makes_it_and_never_again(administrator: Browser) -> None:
    answer = await made(administrator)
    secret = re.search(r'value="(whsec_[^"]+)"', answer.text)
    assert secret
    assert answer.headers["cache-control"] == "no-store"
    row = await fetchrow("SELECT id, secret FROM webhook")
    assert open_(HOUSE.vault_key, bytes(row["secret"]), bound_to=f"webhook:{row['id']}") == secret[1]
    for path in ("/integrations", f"/integrations/{row['id']}", f"/integrations/{row['id']}/edit"):
        assert "whsec_" not in (await administrator.get(path)).text


async def test_types_and_filters_are_ticked(administrator: Browser) -> None:
    await made(
        administrator, event_types=["ticket.registered", "ticket.closed"], priority=["P1", "P2"],
        organisation="Romashka LLC\r\n\r\n Vasilek LLC ", trigger=["register"],
    )  # fmt: skip
    row = await fetchrow("SELECT event_types, filters FROM webhook")
    assert row["event_types"] == '["ticket.registered", "ticket.closed"]'
    page = await administrator.get(f"/integrations/{await fetchval('SELECT id FROM webhook')}/edit")
    assert page.text.count(" checked") == 5
    assert "Romashka LLC\nVasilek LLC</textarea>" in page.text
    said = words(await administrator.get("/integrations"))
    assert "Priority: P1, P2" in said
    assert "Organisation: Romashka LLC, Vasilek LLC" in said


async def test_what_does_not_do_is_said_beside_its_field_and_what_was_typed_stays(administrator: Browser) -> None:
    page = await administrator.send(
        "/integrations", on="/integrations/new", url="http://127.0.0.1/x", organisation="Romashka LLC"
    )
    assert page.status_code == 422
    assert "The address must begin with https://" in words(page)
    assert "Please fill this in." in words(page)
    assert 'value="http://127.0.0.1/x"' in page.text
    assert "Romashka LLC" in page.text
    assert await fetchval("SELECT count(*) FROM webhook") == 0


async def test_a_change_is_saved_and_checked(administrator: Browser) -> None:
    hook = await a_subscription(administrator)
    here, edit = f"/integrations/{hook}", f"/integrations/{hook}/edit"
    answer = await administrator.send(here, on=edit, url="https://new.example.org/", event_types="ticket.closed")
    assert answer.status_code == 303
    row = await fetchrow("SELECT url, event_types FROM webhook")
    assert (row["url"], row["event_types"]) == ("https://new.example.org/", '["ticket.closed"]')
    refused = await administrator.send(here, on=edit, url="ftp://x", event_types="*")
    assert refused.status_code == 422
    assert await fetchval("SELECT url FROM webhook") == "https://new.example.org/"


async def test_the_health_of_each_stands_in_the_list(administrator: Browser) -> None:
    hook = await a_subscription(administrator)
    assert "works" in words(await administrator.get("/integrations"))
    await execute("UPDATE webhook SET failing_since = now() - interval '2 hours'")
    assert "failing" in words(await administrator.get("/integrations"))
    await execute("UPDATE webhook SET hold_until = now() + interval '30 seconds'")
    assert "held for a while" in words(await administrator.get("/integrations"))
    await execute("UPDATE webhook SET status = 'disabled', disabled_reason = 'The endpoint answered 410 Gone.'")
    said = words(await administrator.get("/integrations"))
    assert "disabled The endpoint answered 410 Gone." in said
    assert "Ada" in said
    assert "Enable" in words(await administrator.get(f"/integrations/{hook}"))


async def test_a_ping_shows_its_result(administrator: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = await a_subscription(administrator)
    await does(administrator, hook, "ping")
    assert "its result will stand below" in words(await administrator.get(f"/integrations/{hook}"))

    async def answered(sql_status: str, http: int, error: str) -> str:
        """A worker that is done before the page looks."""
        await execute("DELETE FROM outbox")
        await execute("DROP TRIGGER IF EXISTS worker ON outbox")
        await execute(
            "CREATE OR REPLACE FUNCTION at_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"NEW.status := '{sql_status}'; NEW.attempt := 1; "
            "INSERT INTO attempt (outbox, n, started_at, ms, http_status, error, response_head) "
            f"VALUES (NEW.id, 1, now(), 12, {http}, '{error}', ''); RETURN NEW; END $$"
        )
        await execute("CREATE TRIGGER worker BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION at_once()")
        try:
            await does(administrator, hook, "ping")
        finally:
            await execute("DROP TRIGGER worker ON outbox")
            await execute("DROP FUNCTION at_once()")
        return words(await administrator.get(f"/integrations/{hook}"))

    assert "The endpoint answered the ping with 204 in 12 ms." in await answered("delivered", 204, "")
    assert "The ping failed after 12 ms: HTTP 500" in await answered("pending", 500, "HTTP 500")


async def test_a_fresh_secret_is_shown_once_and_the_old_one_signs_for_a_day(administrator: Browser) -> None:
    hook = await a_subscription(administrator)
    before = bytes(await fetchval("SELECT secret FROM webhook"))
    answer = await does(administrator, hook, "rotate")
    assert answer.status_code == 200
    assert "whsec_" in answer.text
    assert "For 24 hours the old secret signs too" in words(answer)
    assert bytes(await fetchval("SELECT old_secret FROM webhook")) == before
    assert "The old secret signs until" in words(await administrator.get(f"/integrations/{hook}"))


async def test_it_is_switched_off_and_on(administrator: Browser) -> None:
    hook = await a_subscription(administrator)
    await does(administrator, hook, "disable")
    assert await fetchval("SELECT status FROM webhook") == "disabled"
    assert "It was switched off by hand." in words(await administrator.get(f"/integrations/{hook}"))
    await does(administrator, hook, "enable")
    assert await fetchval("SELECT status FROM webhook") == "enabled"


async def test_before_it_is_deleted_the_page_says_what_is_lost(administrator: Browser) -> None:
    hook = await a_subscription(administrator)
    await a_ticket(at=clock.now())
    waiting = await fetchval("SELECT count(*) FROM outbox WHERE channel = 'webhook'")
    assert f"What still waits ({waiting}) is never sent." in words(await administrator.get(f"/integrations/{hook}"))
    answer = await does(administrator, hook, "delete")
    assert answer.headers["location"] == "/integrations"
    assert await fetchval("SELECT count(*) FROM webhook") == 0
    assert await fetchval("SELECT count(*) FROM outbox WHERE channel = 'webhook' AND status <> 'cancelled'") == 0


async def delivered(status: str = "delivered") -> list[Any]:
    await execute("UPDATE outbox SET status = $1, attempt = 1 WHERE channel = 'webhook'", status)
    return await fetch("SELECT * FROM outbox WHERE channel = 'webhook' ORDER BY id")


async def test_the_log_shows_each_delivery_and_its_page_the_request_and_the_answers(administrator: Browser) -> None:
    hook = await a_subscription(administrator)
    await a_ticket(at=clock.now())
    first = (await delivered())[0]
    await execute(
        "INSERT INTO attempt (outbox, n, started_at, ms, http_status, error, request_head, response_head) "
        "VALUES ($1, 1, now(), 17, 500, 'HTTP 500', $2, $3)",
        first["id"], '{"webhook-signature": "v1,abc"}', b"<b>sorry</b>",
    )  # fmt: skip
    said = words(await administrator.get(f"/integrations/{hook}"))
    assert "ticket.received" in said
    assert "500, 17 ms HTTP 500" in said
    page = await administrator.get(f"/integrations/{hook}/deliveries/{first['id']}")
    assert "webhook-signature: v1,abc" in words(page)
    assert "&lt;b&gt;sorry&lt;/b&gt;" in page.text
    assert "&#34;type&#34;: &#34;ticket.received&#34;" in page.text
    assert (await administrator.get(f"/integrations/{hook}/deliveries/{first['id'] + 99}")).status_code == 404
    assert (await administrator.get(f"/integrations/{hook}/deliveries/x")).status_code == 404
    none = words(await administrator.get(f"/integrations/{hook}?status=dead"))
    assert "Nothing was sent" in none


async def test_one_click_sends_a_delivery_again(administrator: Browser) -> None:
    hook = await a_subscription(administrator)
    await a_ticket(at=clock.now())
    first = (await delivered())[0]
    answer = await does(administrator, hook, "replay", what="delivery", delivery=str(first["id"]))
    assert answer.status_code == 303
    again = await fetchrow("SELECT * FROM outbox WHERE channel = 'webhook' ORDER BY id DESC LIMIT 1")
    assert (again["event_id"], bytes(again["body"]), again["status"]) == (
        first["event_id"], bytes(first["body"]), "pending",
    )  # fmt: skip
    assert "1 event goes out again." in words(await administrator.get(f"/integrations/{hook}"))


async def test_a_ticket_a_range_or_all_that_failed_go_again(administrator: Browser) -> None:
    hook = await a_subscription(administrator)
    ticket = await a_ticket(at=clock.now())
    many = len(await delivered())

    async def again(**typed: str) -> int:
        await delivered()
        await execute("DELETE FROM outbox WHERE id > $1", many_ids[-1])
        await does(administrator, hook, "replay", **typed)
        return int(await fetchval("SELECT count(*) FROM outbox WHERE channel = 'webhook' AND status = 'pending'"))

    many_ids = [row["id"] for row in await fetch("SELECT id FROM outbox ORDER BY id")]
    assert await again(what="ticket", ticket=f"#{ticket.number}") == many
    assert await again(what="range", since="2020-01-01T00:00") == many
    assert await again(what="range", since="2020-01-01T00:00", until="2020-01-02T00:00") == 0
    assert await again(what="failed") == 0
    await execute("DELETE FROM outbox WHERE id > $1", many_ids[-1])
    await delivered("dead")
    await does(administrator, hook, "replay", what="failed")
    assert await fetchval("SELECT count(*) FROM outbox WHERE channel = 'webhook' AND status = 'pending'") == many


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"what": "ticket", "ticket": "NO-1"}, "There is no ticket “NO-1”."),
        ({"what": "range", "since": "yesterday"}, "Give a date and a time."),
        ({"what": "range"}, "Please fill this in."),
    ],
)
async def test_a_replay_that_cannot_be_says_why(administrator: Browser, typed: dict[str, str], said: str) -> None:
    hook = await a_subscription(administrator)
    page = await does(administrator, hook, "replay", **typed)
    assert page.status_code == 422
    assert said in words(page)


async def test_the_catalogue_shows_every_type_with_schema_and_example(administrator: Browser) -> None:
    page = await administrator.get("/integrations/events")
    for type in TYPES:
        assert f'id="{type}"' in page.text
    assert "https://json-schema.org/draft/2020-12/schema" in words(page)
    assert "A ticket got its number, priority and deadline." in words(page)


async def test_who_may_not_does_not(
    administrator: Browser, operator: Browser, signs_in: Signs, stranger: Browser
) -> None:
    hook = await a_subscription(administrator)
    owner = await signs_in(Role.PROCESS_OWNER, name="Petra")
    assert (await owner.get("/integrations")).status_code == 403
    assert (await stranger.get("/integrations")).status_code == 303
    listed = await operator.get("/integrations")
    assert f'href="/integrations/{hook}"' not in listed.text
    assert (await operator.get(f"/integrations/{hook}")).status_code == 404
    own = await subscribe(
        URL, event_types=["*"], filters={}, at=clock.now(),
        by=Actor(kind="staff", id=str(await fetchval("SELECT id FROM app_user WHERE name = 'Olga'")), name="Olga",
                 role=Role.OPERATOR),
    )  # fmt: skip
    assert (await operator.get(f"/integrations/{own[0].id}")).status_code == 200
