"""Signing in and out: strangers are led to the door, passwords tell nothing, nobody is led elsewhere."""

import pytest

from service import clock
from service.accounts import add_user
from service.database import fetchval
from tests.admin.conftest import SITE, Browser, Signs, words
from workflow.definition import Role


async def test_a_stranger_is_led_from_the_first_page_to_the_door(stranger: Browser) -> None:
    answer = await stranger.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2F")
    door = await stranger.get("/sign-in")
    assert door.status_code == 200
    assert "Queue" not in words(door)


@pytest.mark.parametrize(
    "path", ["/desk", "/desk/phone", "/desk/held", "/mailbox", "/desk/tickets/01a1f8eb-9e35-7d1a-b706-0c4f106f005c"]
)
async def test_no_page_of_the_desk_opens_for_a_stranger(stranger: Browser, path: str) -> None:
    answer = await stranger.client.get(path)
    assert answer.status_code == 401
    led = await stranger.get(path)
    assert led.headers["location"].startswith("/sign-in?next=")


async def test_whoever_is_signed_out_while_writing_gets_the_words_back(stranger: Browser) -> None:
    path = "/desk/tickets/01a1f8eb-9e35-7d1a-b706-0c4f106f005c/moves/comment"
    sent = {"data": {"text": "A long story"}, "headers": {"accept": "text/html", "origin": SITE}}
    answer = await stranger.client.post(path, **sent)
    assert answer.status_code == 401
    assert "A long story" in words(answer)
    assert 'href="/sign-in"' in answer.text


@pytest.mark.parametrize(
    ("role", "path"), [(Role.OPERATOR, "/desk"), (Role.SUPERVISOR, "/desk"), (Role.PROCESS_OWNER, "/regulation")]
)
async def test_everyone_begins_on_the_page_of_their_work(signs_in: Signs, role: Role, path: str) -> None:
    browser = await signs_in(role)
    assert (await browser.get("/")).headers["location"] == path


async def test_after_signing_in_one_is_where_one_wanted_to_be(stranger: Browser) -> None:
    password = await add_user("olga@example.org", name="Olga", role=Role.OPERATOR, at=clock.now())
    answer = await stranger.send(
        "/sign-in", on="/sign-in?next=/desk/phone", email="olga@example.org", password=password
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/phone")


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example.com/", "//evil.example.com", "/\\evil.example.com", "/sign-out"]
)
async def test_nobody_is_led_elsewhere(stranger: Browser, elsewhere: str) -> None:
    password = await add_user("olga@example.org", name="Olga", role=Role.OPERATOR, at=clock.now())
    answer = await stranger.send("/sign-in", on="/sign-in", email="olga@example.org", password=password, next=elsewhere)
    assert answer.headers["location"] == "/"


async def test_a_wrong_password_and_an_unknown_address_are_told_apart_by_nothing(stranger: Browser) -> None:
    await add_user("olga@example.org", name="Olga", role=Role.OPERATOR, at=clock.now())
    said = []
    for email in ("olga@example.org", "nobody@example.org"):
        answer = await stranger.send("/sign-in", on="/sign-in", email=email, password="guessed")
        assert answer.status_code == 401
        assert f'value="{email}"' in answer.text
        assert "guessed" not in answer.text
        said.append(words(answer).replace(email, ""))
    assert said[0] == said[1]
    assert "do not belong together" in said[0]


async def test_a_form_without_its_token_signs_nobody_in(stranger: Browser) -> None:
    password = await add_user("olga@example.org", name="Olga", role=Role.OPERATOR, at=clock.now())
    await stranger.get("/sign-in")
    answer = await stranger.client.post(
        "/sign-in", data={"email": "olga@example.org", "password": password}, headers={"Accept": "text/html"}
    )
    assert answer.status_code == 403
    assert "too old or did not come from our pages" in words(answer)
    assert await fetchval("SELECT count(*) FROM app_session") == 0


async def test_signing_out_ends_the_session_and_says_so_once(operator: Browser) -> None:
    answer = await operator.send("/sign-out", on="/desk")
    assert answer.headers["location"] == "/sign-in"
    assert await fetchval("SELECT count(*) FROM app_session") == 0
    assert "You have signed out." in words(await operator.get("/sign-in"))
    assert "You have signed out." not in words(await operator.get("/sign-in"))
    assert (await operator.client.get("/desk")).status_code == 401


async def test_words_that_others_plant_in_the_cookie_are_not_said(stranger: Browser) -> None:
    stranger.client.cookies.set("reglament_flash", "WyJTZW5kIG1vbmV5IiwgImRvbmUiXQ==.00")
    assert "Send money" not in words(await stranger.get("/sign-in"))


async def test_a_role_without_the_desk_is_told_so(signs_in: Signs) -> None:
    owner = await signs_in(Role.PROCESS_OWNER)
    answer = await owner.get("/desk")
    assert answer.status_code == 403
    assert "Not allowed" in words(answer)
    assert (await owner.send("/sign-out", on="/regulation")).status_code == 303


async def test_what_is_not_there_is_said_in_the_style_of_the_house(operator: Browser) -> None:
    answer = await operator.get("/desk/tickets/01a1f8eb-9e35-7d1a-b706-0c4f106f005c")
    assert answer.status_code == 404
    assert 'class="top"' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert (await operator.get("/nothing/of/the/kind")).status_code == 404


async def test_the_way_out_works_from_an_error_page_too(operator: Browser) -> None:
    answer = await operator.send("/sign-out", on="/desk/tickets/01a1f8eb-9e35-7d1a-b706-0c4f106f005c")
    assert answer.status_code == 303
