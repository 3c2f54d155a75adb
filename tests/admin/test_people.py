"""People: accounts by administrators, absences whose deputy is told, one's own profile, password and sessions."""

import re
from datetime import timedelta
from html import unescape

from service import clock
from service.database import execute, fetchval
from service.deadlines import fire
from service.sessions import session
from tests.admin.conftest import Browser, Signs, hidden_fields, words
from tests.admin.test_desk import a_ticket
from workflow.definition import Role


def password_on(html: str) -> str:
    found = re.search(r'<code class="password">([^<]+)</code>', html)
    assert found
    return unescape(found[1])


async def test_only_administrators_look_after_people(signs_in: Signs) -> None:
    gleb = await signs_in(Role.SUPERVISOR, name="Gleb")
    assert (await gleb.get("/people")).status_code == 403


async def test_a_new_account_gets_a_password_that_is_shown_once(signs_in: Signs, stranger: Browser) -> None:
    root = await signs_in(Role.ADMINISTRATOR, name="Root")
    made = await root.send(
        "/people", on="/people", email="New@Example.org", name="Nina", role="operator", language="en"
    )
    assert made.status_code == 200
    password = password_on(made.text)
    assert password not in (await root.get("/people")).text
    answer = await stranger.send("/sign-in", on="/sign-in", email="new@example.org", password=password)
    assert answer.status_code == 303
    again = await root.send("/people", on="/people", email="new@example.org", name="Nina", role="customer")
    assert again.status_code == 422
    assert "Nina" in again.text


async def test_a_person_who_may_not_sign_in_any_more_is_signed_out(signs_in: Signs) -> None:
    root, olga = await signs_in(Role.ADMINISTRATOR, name="Root"), await signs_in(Role.OPERATOR, name="Olga")
    id = await fetchval("SELECT id FROM app_user WHERE name = 'Olga'")
    done = await root.send(f"/people/{id}", on=f"/people/{id}", name="Olga", role="operator", act="account")
    assert done.status_code == 303
    assert (await olga.get("/desk")).status_code in (302, 303, 401)
    assert (
        await fetchval("SELECT data -> 'after' ->> 'active' FROM config_journal WHERE act = 'user.change'") == "false"
    )


async def test_nobody_locks_themselves_out_and_an_administrator_stays(signs_in: Signs) -> None:
    root = await signs_in(Role.ADMINISTRATOR, name="Root")
    id = await fetchval("SELECT id FROM app_user WHERE name = 'Root'")
    refused = await root.send(f"/people/{id}", on=f"/people/{id}", name="Root", role="operator", active="1")
    assert refused.status_code == 422
    assert "another administrator must change" in words(refused)
    assert (await root.get("/people")).status_code == 200


async def test_a_new_password_ends_the_old_one(signs_in: Signs, stranger: Browser) -> None:
    root, olga = await signs_in(Role.ADMINISTRATOR, name="Root"), await signs_in(Role.OPERATOR, name="Olga")
    id = await fetchval("SELECT id FROM app_user WHERE name = 'Olga'")
    page = await root.send(f"/people/{id}", on=f"/people/{id}", act="password")
    password = password_on(page.text)
    assert (await olga.get("/desk")).status_code in (302, 303, 401)
    answer = await stranger.send("/sign-in", on="/sign-in", email="olga@example.org", password=password)
    assert answer.status_code == 303


async def test_while_somebody_is_away_the_deputy_is_told(signs_in: Signs) -> None:
    root = await signs_in(Role.ADMINISTRATOR, name="Root")
    await signs_in(Role.SUPERVISOR, name="Gleb")
    await signs_in(Role.OPERATOR, name="Vera")
    gleb, vera = [await fetchval("SELECT id FROM app_user WHERE name = $1", name) for name in ("Gleb", "Vera")]
    today = clock.now().date()
    half = {"until": str(today), "deputy": str(gleb)}
    nonsense = await root.send(f"/people/{gleb}", on=f"/people/{gleb}", act="absence", **half)
    assert nonsense.status_code == 422
    assert "An absence has a first and a last day." in words(nonsense)
    typed = {"from": str(today - timedelta(days=1)), "until": str(today + timedelta(days=1)), "deputy": str(vera)}
    saved = await root.send(f"/people/{gleb}", on=f"/people/{gleb}", act="absence", **typed)
    assert saved.status_code == 303
    assert "absent, deputy: Vera" in words(await root.get("/people"))
    ticket = await a_ticket()
    timer = await fetchval("SELECT id FROM timer WHERE subject = $1 AND kind = 'resolution:due'", ticket.id)
    late = clock.now() + timedelta(days=30)
    await execute("UPDATE app_user SET absent_until = $1 WHERE name = 'Gleb'", late + timedelta(days=1))
    await fire(timer, at=late)
    told = await fetchval("SELECT recipients FROM outbox WHERE type = 'breach'")
    assert "vera@example.org" in told
    assert "gleb@example.org" not in told


async def test_everybody_changes_their_own_name_and_language(operator: Browser) -> None:
    saved = await operator.send("/profile", on="/profile", act="profile", name="Olga Petrova", language="ru")
    assert saved.status_code == 303
    assert await fetchval("SELECT name || language FROM app_user") == "Olga Petrovaru"
    wrong = await operator.send("/profile", on="/profile", act="profile", name=" ", language="xx")
    assert wrong.status_code == 422


async def test_an_own_password_needs_the_old_one_and_ends_other_sessions(signs_in: Signs, stranger: Browser) -> None:
    olga = await signs_in(Role.OPERATOR, name="Olga")
    root = await signs_in(Role.ADMINISTRATOR, name="Root")
    id = await fetchval("SELECT id FROM app_user WHERE name = 'Olga'")
    old = password_on((await root.send(f"/people/{id}", on=f"/people/{id}", act="password")).text)
    for browser in (olga, stranger):
        await browser.send("/sign-in", on="/sign-in", email="olga@example.org", password=old)
    new = {"new": "a long enough one", "again": "a long enough one"}
    wrong = await olga.send("/profile", on="/profile", act="password", now="guess", **new)
    assert "This is not your password." in words(wrong)
    assert "a long enough one" not in wrong.text
    done = await olga.send("/profile", on="/profile", act="password", now=old, **new)
    assert done.status_code == 303
    assert (await olga.get("/profile")).status_code == 200
    assert (await stranger.get("/profile")).status_code in (302, 303, 401)


async def test_sessions_are_listed_and_ended_without_giving_them_away(signs_in: Signs, stranger: Browser) -> None:
    olga = await signs_in(Role.OPERATOR, name="Olga")
    root = await signs_in(Role.ADMINISTRATOR, name="Root")
    id = await fetchval("SELECT id FROM app_user WHERE name = 'Olga'")
    password = password_on((await root.send(f"/people/{id}", on=f"/people/{id}", act="password")).text)
    for browser in (olga, stranger):
        await browser.send("/sign-in", on="/sign-in", email="olga@example.org", password=password)
    page = await olga.get("/profile")
    keys = re.findall(r'action="/profile/sessions/([0-9a-f]{64})/end"', page.text)
    assert len(keys) == 1
    assert await session(keys[0][:43], at=clock.now()) is None
    foreign = await root.client.post(f"/profile/sessions/{keys[0]}/end", data=token_of(await root.get("/profile")))
    assert foreign.status_code == 404
    ended = await olga.send(f"/profile/sessions/{keys[0]}/end", on="/profile")
    assert ended.status_code == 303
    assert (await stranger.get("/desk")).status_code in (302, 303, 401)
    assert (await olga.get("/desk")).status_code == 200


def token_of(page) -> dict[str, str]:  # type: ignore[no-untyped-def]
    return {"_csrf_token": hidden_fields(page.text, "/profile")["_csrf_token"]}


async def test_administrators_see_where_somebody_is_signed_in_and_end_it(signs_in: Signs) -> None:
    root, olga = await signs_in(Role.ADMINISTRATOR, name="Root"), await signs_in(Role.OPERATOR, name="Olga")
    id = await fetchval("SELECT id FROM app_user WHERE name = 'Olga'")
    page = await root.get(f"/people/{id}")
    keys = re.findall(rf'action="/people/{id}/sessions/([0-9a-f]{{64}})/end"', page.text)
    assert len(keys) == 1
    assert "python-httpx" in words(page)  # what the browser calls itself
    assert "127.0.0.1" in words(page)
    ended = await root.send(f"/people/{id}/sessions/{keys[0]}/end", on=f"/people/{id}")
    assert ended.status_code == 303
    assert (await olga.get("/desk")).status_code in (302, 303, 401)
    assert "Signed in nowhere." in words(await root.get(f"/people/{id}"))
    assert await fetchval("SELECT count(*) FROM config_journal WHERE act = 'session.end'") == 1


async def test_administrators_sign_somebody_out_everywhere(signs_in: Signs) -> None:
    root, olga = await signs_in(Role.ADMINISTRATOR, name="Root"), await signs_in(Role.OPERATOR, name="Olga")
    id = await fetchval("SELECT id FROM app_user WHERE name = 'Olga'")
    await root.send(f"/people/{id}", on=f"/people/{id}", act="sessions")
    assert (await olga.get("/desk")).status_code in (302, 303, 401)
    assert (await root.get("/desk")).status_code == 200


async def test_everybody_says_when_they_are_away_and_who_stands_in(signs_in: Signs) -> None:
    gleb = await signs_in(Role.SUPERVISOR, name="Gleb")
    await signs_in(Role.OPERATOR, name="Vera")
    vera = await fetchval("SELECT id FROM app_user WHERE name = 'Vera'")
    today = clock.now().date()
    wrong = {"from": str(today), "until": str(today - timedelta(days=3)), "deputy": str(vera)}
    refused = await gleb.send("/profile", on="/profile", act="absence", **wrong)
    assert refused.status_code == 422
    assert "The last day lies before the first." in words(refused)
    assert f'value="{today - timedelta(days=3)}"' in refused.text
    right = wrong | {"until": str(today + timedelta(days=1))}
    assert (await gleb.send("/profile", on="/profile", act="absence", **right)).status_code == 303
    page = await gleb.get("/profile")
    assert f'value="{today + timedelta(days=1)}"' in page.text
    assert await fetchval("SELECT subject FROM config_journal WHERE act = 'user.absence'") == "gleb@example.org"
    await gleb.send("/profile", on="/profile", act="absence", **{"from": "", "until": "", "deputy": ""})
    assert await fetchval("SELECT absent_from IS NULL FROM app_user WHERE name = 'Gleb'")


async def test_the_language_of_the_account_takes_over_from_the_switch(operator: Browser) -> None:
    await operator.send("/language", on="/desk", language="en", back="/desk")
    assert "Queue" in words(await operator.get("/desk"))
    await operator.send("/profile", on="/profile", act="profile", name="Olga", language="ru")
    assert "Очередь" in words(await operator.get("/desk"))


async def test_guessing_the_password_of_an_open_browser_is_slowed_down(signs_in: Signs) -> None:
    left_open = await signs_in(Role.OPERATOR, name="Mallory")
    new = {"new": "a long enough one", "again": "a long enough one"}
    answers = [
        (await left_open.send("/profile", on="/profile", act="password", now="guess", **new)).status_code
        for _n in range(12)
    ]
    assert answers[0] == 422
    assert answers[-1] == 429
