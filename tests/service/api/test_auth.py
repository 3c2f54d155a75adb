"""Sessions, tokens and forms: the faults of ready-made ones must not come back."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, get, post
from litestar.datastructures import State

from service import clock, passwords
from service.accounts import AlreadyThere, account_for, add_user
from service.actors import CLOCK
from service.auth import Doors, actor_of, csrf_token, own_form, requires, sign_in, sign_out, wall_clock
from service.database import execute, fetch, fetchval
from service.envelope import Envelope
from service.problems import HANDLERS, plain_page
from service.sessions import IDLE, LONGEST, sweep_sessions
from service.throttle import WINDOW, Throttle
from service.tokens import add_token, revoke, token_id
from workflow.definition import Role
from workflow.errors import WrongFields

AnyRequest = Request[Any, Any, Any]
INSIDE = requires(Role.OPERATOR, scope="tickets:read")
EMAIL = "olga@desk.example.org"


@get("/form")
async def form(request: AnyRequest) -> str:
    return await csrf_token(request)


@get("/open")
async def open_page() -> str:
    return "welcome"


@post("/sign-in", guards=[own_form], status_code=200)
async def sign_in_page(request: AnyRequest) -> str:
    given = await request.form()
    actor = await sign_in(request, str(given["email"]), str(given["password"]))
    return actor.name if actor else "nobody"


@post("/sign-out", guards=[own_form], status_code=200)
async def sign_out_page(request: AnyRequest) -> str:
    await sign_out(request)
    return "bye"


@get("/inside", guards=[INSIDE])
async def inside(request: AnyRequest) -> str:
    return (await actor_of(request)).principal


@post("/inside", guards=[INSIDE], status_code=200)
async def change_inside(request: AnyRequest) -> str:
    return (await actor_of(request)).principal


def small_app(*, secure: bool = False) -> Litestar:
    app = Litestar(
        [form, open_page, sign_in_page, sign_out_page, inside, change_inside],
        exception_handlers=dict(HANDLERS),
        state=State({"doors": Doors(csrf_key=b"k" * 32, secure=secure), "page_error": plain_page}),
        openapi_config=None,
        logging_config=None,
    )
    app.asgi_handler = Envelope(app.asgi_handler, {})
    return app


@pytest.fixture
async def password(database: None) -> str:
    return await add_user(EMAIL, name="Olga", role=Role.OPERATOR, at=clock.now())


@pytest.fixture
async def browser(database: None) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=small_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example.org") as client:
        yield client


async def signs_in(browser: httpx.AsyncClient, password: str, **headers: str) -> httpx.Response:
    token = (await browser.get("/form", headers=headers)).text
    said = {"email": EMAIL, "password": password, "_csrf": token}
    return await browser.post("/sign-in", data=said, headers=headers)


async def sessions() -> int:
    return int(await fetchval("SELECT count(*) FROM app_session"))


async def test_a_person_signs_in_works_and_signs_out(browser: httpx.AsyncClient, password: str) -> None:
    assert (await browser.get("/inside")).status_code == 401
    assert (await signs_in(browser, password)).text == "Olga"
    assert (await browser.get("/inside")).text.startswith("staff:")

    token = (await browser.get("/form")).text
    assert (await browser.post("/sign-out", data={"_csrf": token})).text == "bye"
    assert (await browser.get("/inside")).status_code == 401
    assert await sessions() == 0


async def test_every_way_in_and_out_is_noted_and_nothing_else_that_was_typed(
    browser: httpx.AsyncClient, password: str
) -> None:
    await signs_in(browser, "wrong")
    token = (await browser.get("/form")).text
    await browser.post("/sign-in", data={"email": "hunter2", "password": "x", "_csrf": token})
    await signs_in(browser, password)
    await browser.post("/sign-out", data={"_csrf": (await browser.get("/form")).text})
    rows = await fetch("SELECT act, subject, actor_name FROM config_journal WHERE act LIKE 'session.%' ORDER BY id")
    noted = [tuple(row) for row in rows]
    assert [act for act, _subject, _name in noted] == [
        "session.refused", "session.refused", "session.open", "session.close",
    ]  # fmt: skip
    assert noted[0][1] == noted[2][1] == noted[3][1]
    assert noted[1][1] == "an address without an account"
    assert noted[2][2] == noted[3][2] == "Olga"


async def test_an_id_chosen_by_the_browser_is_never_adopted(browser: httpx.AsyncClient, password: str) -> None:
    chosen = "A" * 43
    browser.cookies.set("reglament_session", chosen, domain="desk.example.org")
    assert (await signs_in(browser, password)).status_code == 200

    given = [cookie for cookie in browser.cookies.jar if cookie.name == "reglament_session"]
    assert chosen not in {cookie.value for cookie in given if cookie.domain != "desk.example.org"}
    browser.cookies.clear()
    browser.cookies.set("reglament_session", chosen)
    assert (await browser.get("/inside")).status_code == 401


async def test_signing_in_changes_the_id_and_ends_the_old_session(browser: httpx.AsyncClient, password: str) -> None:
    await signs_in(browser, password)
    before = browser.cookies["reglament_session"]
    await signs_in(browser, password)

    assert browser.cookies["reglament_session"] != before
    assert await sessions() == 1
    browser.cookies.clear()
    browser.cookies.set("reglament_session", before)
    assert (await browser.get("/inside")).status_code == 401


async def test_strangers_leave_nothing_behind(browser: httpx.AsyncClient) -> None:
    answers = [await browser.get(path) for path in ("/open", "/form", "/inside", "/nowhere")]
    assert await sessions() == 0
    assert "set-cookie" not in answers[0].headers


async def test_the_cookie_is_kept_from_scripts_and_other_sites(browser: httpx.AsyncClient, password: str) -> None:
    cookie = (await signs_in(browser, password)).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


async def test_over_https_the_cookie_is_secure_and_ours_alone(password: str) -> None:
    transport = httpx.ASGITransport(app=small_app(secure=True))
    async with httpx.AsyncClient(transport=transport, base_url="https://desk.example.org") as client:
        cookie = (await signs_in(client, password)).headers["set-cookie"]
    assert cookie.startswith("__Host-reglament_session=")
    assert "Secure" in cookie


async def test_only_the_hash_of_the_id_is_kept(browser: httpx.AsyncClient, password: str) -> None:
    await signs_in(browser, password)
    id = browser.cookies["reglament_session"]
    kept = await fetchval("SELECT id_hash FROM app_session")
    assert len(kept) == 32
    assert id.encode() not in bytes(kept)


async def test_a_session_slides_while_it_is_used_and_ends_when_it_is_not(
    browser: httpx.AsyncClient, password: str
) -> None:
    await signs_in(browser, password)
    await execute("UPDATE app_session SET expires_at = $1", wall_clock() + timedelta(minutes=1))
    assert (await browser.get("/inside")).status_code == 200
    assert await fetchval("SELECT expires_at FROM app_session") > wall_clock() + IDLE - timedelta(minutes=1)

    await execute("UPDATE app_session SET expires_at = $1", wall_clock() - timedelta(seconds=1))
    assert (await browser.get("/inside")).status_code == 401


async def test_a_session_ends_after_two_weeks_of_use(browser: httpx.AsyncClient, password: str) -> None:
    await signs_in(browser, password)
    await execute("UPDATE app_session SET created_at = $1", wall_clock() - LONGEST)
    assert (await browser.get("/inside")).status_code == 401
    assert await sweep_sessions(at=wall_clock()) == 1


async def test_an_account_that_is_closed_is_signed_out_everywhere(browser: httpx.AsyncClient, password: str) -> None:
    await signs_in(browser, password)
    await execute("UPDATE app_user SET active = false")
    assert (await browser.get("/inside")).status_code == 401


async def test_a_wrong_password_and_an_unknown_address_look_alike(
    browser: httpx.AsyncClient, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    original = passwords._verified
    monkeypatch.setattr(passwords, "_verified", lambda p, h: compared.append(h) or original(p, h))
    assert await account_for(EMAIL, "wrong") is None
    assert await account_for("nobody@example.org", "wrong") is None
    assert len(compared) == 2
    assert (await signs_in(browser, "wrong")).text == "nobody"
    assert await sessions() == 0


async def test_addresses_are_compared_without_case(password: str) -> None:
    assert await account_for(" OLGA@desk.example.org ", password) is not None


async def test_an_address_has_one_account(password: str) -> None:
    with pytest.raises(AlreadyThere):
        await add_user(EMAIL.upper(), name="Another", role=Role.OPERATOR, at=clock.now())


async def test_an_account_that_makes_no_sense_is_refused_in_full(database: None) -> None:
    with pytest.raises(WrongFields) as wrong:
        await add_user("nowhere", name=" ", role=Role.CUSTOMER, language="de", at=clock.now())
    assert [error.field for error in wrong.value.errors] == ["email", "name", "role", "language"]


async def test_guessing_passwords_is_slowed_down(browser: httpx.AsyncClient, password: str) -> None:
    for _n in range(10):
        assert (await signs_in(browser, "wrong")).text == "nobody"
    answer = await signs_in(browser, password)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 301
    assert await sessions() == 0


def test_failures_are_forgotten_after_a_while_and_by_a_success() -> None:
    throttle, at = Throttle(most=2), wall_clock()
    throttle.failed("olga", at=at)
    throttle.failed("olga", at=at + timedelta(minutes=1))
    assert throttle.wait("olga", at=at + timedelta(minutes=2)) == WINDOW - timedelta(minutes=2)
    assert throttle.wait("anna", at=at) == throttle.wait("olga", at=at + WINDOW) == timedelta()
    throttle.failed("olga", at=at + WINDOW)
    throttle.succeeded("olga")
    assert throttle.wait("olga", at=at + WINDOW) == timedelta()


# --- forms ------------------------------------------------------------------------------------------------------------


async def test_a_form_without_the_token_is_refused(browser: httpx.AsyncClient, password: str) -> None:
    await signs_in(browser, password)
    token = (await browser.get("/form")).text

    assert (await browser.post("/inside")).status_code == 403
    assert (await browser.post("/inside", data={"_csrf": "0" * 64})).status_code == 403
    assert (await browser.post("/inside", json={"_csrf": token})).status_code == 403
    for field in ("_csrf", "_csrf_token"):
        assert (await browser.post("/inside", data={field: token})).status_code == 200
    assert (await browser.post("/inside", headers={"X-CSRF-Token": token})).status_code == 200
    assert (await browser.post("/inside", files={"file": b"x"}, data={"_csrf": token})).status_code == 200


async def test_the_sign_in_form_of_a_stranger_is_protected_too(browser: httpx.AsyncClient, password: str) -> None:
    said = {"email": EMAIL, "password": password}
    refused = await browser.post("/sign-in", data=said)
    assert refused.status_code == 403
    assert refused.json()["code"] == "forged"
    assert await sessions() == 0


async def test_a_stale_cookie_of_a_visit_is_replaced(browser: httpx.AsyncClient, password: str) -> None:
    browser.cookies.set("reglament_visit", "made-up.0000")
    page = await browser.get("/form")
    assert "reglament_visit" in page.headers["set-cookie"]
    browser.cookies.clear()
    browser.cookies.update(page.cookies)
    answer = await browser.post("/sign-in", data={"email": EMAIL, "password": password, "_csrf": page.text})
    assert answer.text == "Olga"


async def test_a_token_of_one_session_is_worth_nothing_in_another(browser: httpx.AsyncClient, password: str) -> None:
    await signs_in(browser, password)
    of_the_first = (await browser.get("/form")).text
    await signs_in(browser, password)
    assert (await browser.post("/inside", data={"_csrf": of_the_first})).status_code == 403


# --- programs ---------------------------------------------------------------------------------------------------------


async def test_a_program_needs_no_form_token_and_leaves_no_session(browser: httpx.AsyncClient) -> None:
    token = await add_token("CRM", role=Role.OPERATOR, at=clock.now())
    answer = await browser.post("/inside", headers={"Authorization": f"Bearer {token}"})
    assert answer.text == "token:1"
    assert await sessions() == 0
    assert "set-cookie" not in answer.headers


async def test_a_token_is_kept_as_a_hash_and_its_use_is_noted(browser: httpx.AsyncClient) -> None:
    token = await add_token("CRM", role=Role.OPERATOR, at=clock.now())
    assert token.startswith("rgl_")
    assert await fetchval("SELECT count(*) FROM api_token WHERE token_hash = $1", token.encode()) == 0
    assert await fetchval("SELECT used_at FROM api_token") is None
    await browser.get("/inside", headers={"Authorization": f"Bearer {token}"})
    assert await fetchval("SELECT used_at FROM api_token") is not None


@pytest.mark.parametrize("credentials", ["Bearer rgl_nobody", "Bearer ", "Bearer", "bearer é"])
async def test_a_token_that_is_not_valid_is_401_even_beside_a_session(
    browser: httpx.AsyncClient, password: str, credentials: str
) -> None:
    await signs_in(browser, password)
    answer = await browser.get("/inside", headers={"Authorization": credentials.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_tokens_end_when_revoked_and_expire_only_when_asked_to(browser: httpx.AsyncClient) -> None:
    at = wall_clock()
    forever = await add_token("CRM", role=Role.OPERATOR, at=at)
    short = await add_token("CI", role=Role.OPERATOR, at=at, expires_at=at + timedelta(hours=1))

    async def status(token: str) -> int:
        return (await browser.get("/inside", headers={"Authorization": f"Bearer {token}"})).status_code

    assert await status(forever) == await status(short) == 200
    await execute("UPDATE api_token SET expires_at = $1 WHERE expires_at IS NOT NULL", at - timedelta(seconds=1))
    assert (await status(forever), await status(short)) == (200, 401)
    await revoke(await token_id(forever), by=CLOCK, at=at)
    assert await status(forever) == 401


async def test_a_scope_limits_and_a_role_limits_more(browser: httpx.AsyncClient) -> None:
    async def status(role: Role, *scopes: str) -> int:
        token = await add_token("CRM", role=role, scopes=scopes, at=clock.now())
        return (await browser.get("/inside", headers={"Authorization": f"Bearer {token}"})).status_code

    assert await status(Role.OPERATOR, "tickets:read") == 200
    assert await status(Role.OPERATOR, "events:read") == 403
    assert await status(Role.SUPERVISOR) == 403


async def test_an_unknown_scope_is_refused(database: None) -> None:
    with pytest.raises(WrongFields):
        await add_token("CRM", role=Role.OPERATOR, scopes=["everything"], at=clock.now())


async def test_one_place_that_guesses_at_many_accounts_is_slowed_down_too(
    browser: httpx.AsyncClient, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(_email: str, _password: str) -> None:
        return None

    assert (await signs_in(browser, password)).text == "Olga"
    token = (await browser.get("/form")).text
    monkeypatch.setattr("service.auth.account_for", nobody)
    for n in range(100):
        said = {"email": f"{n}@desk.example.org", "password": "x", "_csrf": token}
        assert (await browser.post("/sign-in", data=said)).text == "nobody"
    monkeypatch.undo()
    said = {"email": EMAIL, "password": password, "_csrf": token}
    assert (await browser.post("/sign-in", data=said)).status_code == 429
    assert (await browser.get("/inside")).status_code == 200  # whoever is in already stays in
