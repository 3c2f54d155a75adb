"""Whatever is sent to the open forms, they answer: never by a fault of ours, never with a script of the sender."""

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from litestar import Litestar

from service.correspondence import RATE
from service.database import fetch, fetchval
from service.house import HOUSE
from service.verify import verify
from tests.admin.conftest import Browser, hidden_fields
from tests.admin.customers import Cabinet, a_customer, an_organisation, forget_brakes
from tests.admin.test_cabinet import PNG, a_ticket_of, completed, does

SCRIPT = "<script>alert(1)</script>"
NAMES = (
    "email", "password", "next", "full_name", "organisation", "position", "phone", "subject", "text", "product",
    "language", "score", "who", "begun", "second_address", "key", "seq", "kept", "attachments", "back", "_csrf",
)  # fmt: skip
VALUES = (
    "", " ", "\x00", "a\x00b", "x" * 20_000, "ж" * 700, "\N{RIGHT-TO-LEFT OVERRIDE}a.png", SCRIPT, "' OR 1=1 --", "%00",
    "../../etc/passwd", "-1", "0", "9" * 40, "1e9", "null", "ivan@port.example.com", "a@b", "@", "a@" + "b" * 400, "ru",
    "\r\nSet-Cookie: x=1", "//evil.example.com", "/\\evil.example.com", "/cabinet/../../x", "\N{PILE OF POO}", "good",
    "\ufffe", "{{ 7 * 7 }}", "{name}", "%s%n",
)  # fmt: skip
ROUNDS = 14  # requests to each form


@pytest.fixture
async def ivan(site: Litestar, stranger: Browser) -> AsyncIterator[Cabinet]:
    await forget_brakes(site)
    async with AsyncExitStack() as stack:
        port = await an_organisation()
        yield await a_customer(site, stack, "Ivan", "ivan@port.example.com", organisation=port)


def open_routes(site: Litestar) -> Iterator[tuple[str, set[str]]]:
    """Every address that no role of the centre guards: what strangers and customers reach."""
    for route in site.routes:
        for handler in getattr(route, "route_handlers", ()):
            rights = [guard.rights for guard in handler.resolve_guards() if hasattr(guard, "rights")]
            inside = rights and rights[0][1] != "cabinet"
            if not inside and not route.path.startswith(("/static", "/health", "/schema")):
                yield route.path, set(handler.http_methods)


def body(dice: random.Random, token: dict[str, str]) -> dict[str, Any]:
    """A form as nobody would send it, in one of the shapes in which one may come."""
    chosen = {dice.choice(NAMES): dice.choice(VALUES) for _field in range(dice.randrange(1, 9))}
    form = token | chosen if dice.random() < 0.8 else chosen
    shape = dice.randrange(7)
    if shape == 0:
        files = [("attachments", (dice.choice(VALUES) or "x", dice.choice((PNG, b"", b"MZ" * 99)), "image/png"))]
        return {"data": form, "files": files}
    if shape == 1:
        return {"json": form}
    if shape == 2:
        return {"content": urlencode(form).encode() + b"&text=%ff%fe%&=&&", "headers": URLENCODED}
    if shape == 3:
        return {"content": b"--x\r\nbroken", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}
    if shape == 4:
        kind = dice.choice(("multipart/form-data", "text/plain", "?"))
        return {"content": b"\xff\x00", "headers": {"Content-Type": kind}}
    return {"data": form}


URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


def no_fault(answer: httpx.Response, told: str) -> None:
    assert answer.status_code < 500, told
    assert "Traceback" not in answer.text, told
    assert SCRIPT not in answer.text, told
    assert not answer.headers.get("location", "/").startswith(("//", "/\\", "http")), told
    assert "x=1" not in str(answer.headers.get_list("set-cookie")), told
    assert answer.headers["content-security-policy"], told


def query(dice: random.Random) -> dict[str, str]:
    return {dice.choice(("q", "before", "show", "next", "after", "sent")): dice.choice(VALUES)}


async def the_token(ivan: Cabinet, path: str) -> dict[str, str]:
    """What makes a form ours; whoever was signed out by an act before signs in again."""
    page = await ivan.get("/cabinet/me")
    if page.status_code == 303:
        ivan.client.cookies.clear()
        door = "/cabinet/sign-in"
        await ivan.send(door, on=door, email="ivan@port.example.com", password=ivan.password)
        page = await ivan.get("/cabinet/me")
    if path in ("/cabinet/me/password", "/cabinet/sign-out"):
        return {}  # the browser stays as it is
    inside = path.startswith("/cabinet/") and "sign-in" not in path
    return hidden_fields(page.text, "/cabinet/me/password" if inside else "/language")


ASKED = {
    "/portal", "/cabinet/register", "/cabinet/forgotten", "/cabinet/sign-in", "/confirm/{token:str}", "/cabinet/new",
    "/dispute/{token:str}", "/rate/{token:str}", "/cabinet/tickets/{id:uuid}/{trigger:str}", "/cabinet/me",
    "/cabinet/account/{token:str}", "/cabinet/tickets/{id:uuid}/rate", "/language",
}  # fmt: skip


# A file that nobody asked for is closed with the request that brought it.
@pytest.mark.filterwarnings("ignore:Exception ignored in.*SpooledTemporaryFile:pytest.PytestUnraisableExceptionWarning")
async def test_no_form_of_strangers_and_customers_finds_a_fault(site: Litestar, ivan: Cabinet) -> None:
    dice = random.Random(8)
    ticket, done = await a_ticket_of(ivan), await completed(ivan)
    await does(ticket, "register", priority="P2")
    await does(ticket, "request_info", text="Which version?", minutes=30)
    some = await fetchval("SELECT id FROM ticket LIMIT 1")
    tokens = [HOUSE.sign(row["act"], row["id"]) for row in await fetch("SELECT id, act FROM signed_link")]
    tokens += [HOUSE.sign("status", some), HOUSE.sign(RATE, some), "x", "%00", "A" * 5000]
    triggers = ("confirm", "dispute", "resume", "reply", "x", "%00", SCRIPT)
    asked = set()
    for path, methods in sorted(open_routes(site)):
        for _round in range(ROUNDS if "POST" in methods else 3):
            address = path.replace("{token:str}", dice.choice(tokens)).replace("{trigger:str}", dice.choice(triggers))
            address = address.replace("{id:uuid}", dice.choice((ticket, done)))
            token = await the_token(ivan, path)
            for method in sorted(methods - {"OPTIONS"}):
                sent = body(dice, token) if method == "POST" else {"params": query(dice)}
                headers = {"Accept": "text/html"} | sent.pop("headers", {})
                answer = await ivan.client.request(method, address, headers=headers, **sent)
                no_fault(answer, f"{method} {address} {sent}"[:600])
                asked.add(path)
        await forget_brakes(site)
    assert asked >= ASKED
    assert await verify() == []


async def test_what_is_too_large_is_refused_with_a_sentence(ivan: Cabinet) -> None:
    form = hidden_fields((await ivan.get("/cabinet/new")).text, "/cabinet/new")
    huge = [("attachments", ("big.png", PNG + bytes(31_000_000), "image/png"))]
    answer = await ivan.client.post("/cabinet/new", data=form, files=huge, headers={"Accept": "text/html"})
    assert answer.status_code == 413
    assert "too large" in answer.text
    assert await fetchval("SELECT count(*) FROM ticket") == 0
