"""Nobody gets at another organisation's ticket: every route of the application, every id, every way to ask."""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from service import clock
from service.correspondence import RATE
from service.customers import invite
from service.database import execute, fetch, fetchrow, fetchval
from service.house import HOUSE
from tests.admin.conftest import Browser, hidden_fields
from tests.admin.customers import ADMIN, Cabinet, a_customer, an_organisation, forget_brakes
from tests.admin.test_cabinet import PNG, acts, does

SECRETS = ("harbour", "ivan@port", "Port Authority", "crane.png", "K-77", "nervous")
PARAMETER = re.compile(r"{(\w+):(\w+)}")
MOST_WAYS = 60  # addresses of one route


@pytest.fixture(autouse=True)
async def _brakes(site: Litestar) -> None:
    await forget_brakes(site)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def ivan(site: Litestar, stranger: Browser, stack: AsyncExitStack) -> Cabinet:
    """The victim: a ticket with a file, a question answered, a completion; all of it secret."""
    port = await an_organisation("Port Authority", "port.example.com")
    await execute(
        "INSERT INTO contract (organisation, number, products, service_level, starts_on) "
        "VALUES ($1, 'K-77', '[]', 'standard', '2020-01-01')", port,
    )  # fmt: skip
    browser = await a_customer(site, stack, "Ivan", "ivan@port.example.com", organisation=port)
    form = hidden_fields((await browser.get("/cabinet/new")).text, "/cabinet/new")
    facts = {"text": "Secret harbour", "full_name": "Ivan", "position": "E", "phone": "1"}
    answer = await browser.client.post(
        "/cabinet/new", data=form | facts, files=[("attachments", ("crane.png", PNG, "image/png"))]
    )
    ticket = answer.headers["location"].rpartition("/")[2]
    await does(ticket, "register", priority="P2")
    await does(ticket, "start")
    await does(ticket, "comment", text="He is nervous")
    await does(ticket, "complete", text="The harbour is open", delivery_method="email", minutes=30, outcome="solved")
    return browser


@pytest.fixture
async def eve(site: Litestar, ivan: Cabinet, stack: AsyncExitStack) -> Cabinet:
    """Sees everything of another organisation."""
    await an_organisation("Mine", "mine.example.com")
    return await a_customer(site, stack, "Eve", "eve@mine.example.com", organisation="Mine", sees="organisation")


@pytest.fixture
async def olga(site: Litestar, ivan: Cabinet, stack: AsyncExitStack) -> Cabinet:
    """Of Ivan's own organisation, with the right to see her own tickets only."""
    return await a_customer(site, stack, "Olga", "olga@port.example.com", organisation="Port Authority")


async def ids() -> dict[str, list[str]]:
    """Every id there is, by the kind of parameter it fits; in them no secret a stranger has to be told by letter."""
    found: dict[str, list[str]] = {"uuid": [], "int": [], "str": []}
    for row in await fetch(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' "
        "AND column_name IN ('id', 'number', 'ticket', 'message', 'contact', 'organisation')"
    ):
        kind = {"uuid": "uuid", "bigint": "int", "integer": "int"}.get(row["data_type"], "str")
        column = f'"{row["column_name"]}"'
        values = await fetch(f'SELECT DISTINCT {column}::text AS told FROM "{row["table_name"]}" LIMIT 3')
        found[kind] += [one["told"] for one in values if one["told"]]
    triggers = ["confirm", "dispute", "resume", "reply", "withdraw", "attach", "register", "comment", "rate"]
    found["str"] = [*triggers, *found["uuid"][:8], *found["int"][:4], *found["str"]]
    return {kind: list(dict.fromkeys(values)) for kind, values in found.items()}


def addresses(path: str, known: dict[str, list[str]]) -> Iterator[str]:
    """The path with every id in its place; the first parameter varies, the others try a few each."""
    parameters = PARAMETER.findall(path)
    if not parameters:
        yield path
        return
    filled = [path]
    for n, (name, kind) in enumerate(parameters):
        choices = known.get(kind, known["str"])
        some = choices if n == 0 else choices[:9]
        filled = [one.replace(f"{{{name}:{kind}}}", value) for one in filled for value in some]
    yield from filled[:MOST_WAYS]


def routes(site: Litestar) -> Iterator[tuple[str, set[str]]]:
    """Every address the application knows, so that a new one is tried without anybody remembering to."""
    for route in site.routes:
        methods: set[str] = set()
        for handler in getattr(route, "route_handlers", ()):
            methods |= set(handler.http_methods)
        if methods and not route.path.startswith("/static"):
            yield route.path, methods


def tells(answer: httpx.Response, secrets: Sequence[str] = SECRETS) -> list[str]:
    """The secrets in an answer, in its headers or its body."""
    told = (answer.text + str(answer.headers)).lower()
    return [secret for secret in secrets if secret.lower() in told]


async def tries_everything(
    browser: Browser, site: Litestar, token: dict[str, str], secrets: tuple[str, ...] = SECRETS
) -> tuple[int, list[str]]:
    """How many requests were made, and those that told or opened something."""
    known, made, opened = await ids(), 0, []
    for path, methods in routes(site):
        for address in addresses(path, known):
            named = "{" in path
            for method in sorted(methods if named else methods & {"GET"}):
                form = token | {"text": "x", "key": uuid4().hex, "score": "good", "password": "x"}
                sent = {"data": form} if method == "POST" else {}
                answer = await browser.client.request(
                    method,
                    address,
                    headers={"Accept": "text/html"},
                    **sent,  # type: ignore[arg-type]
                )
                made += 1
                new = [one for one in secrets if one not in address]  # what was asked may be said again
                if answer.status_code >= 500 or tells(answer, new):
                    opened.append(f"{method} {address}: {answer.status_code} {tells(answer, new)}")
        # The brakes of public forms are not what is tried here.
        await forget_brakes(site)
    return made, opened


async def everything() -> Any:
    row = await fetchrow(
        "SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM message), (SELECT count(*) FROM satisfaction), "
        "(SELECT count(*) FROM signed_link WHERE used_at IS NOT NULL), (SELECT count(*) FROM attachment), "
        "(SELECT string_agg(state || seq, ',' ORDER BY id) FROM ticket)"
    )
    return tuple(row)


async def nothing_opens(thief: Browser, site: Litestar, secrets: tuple[str, ...]) -> None:
    token: dict[str, str] = {}
    if isinstance(thief, Cabinet):
        token = hidden_fields((await thief.get("/cabinet/me")).text, "/cabinet/me/password")
        # The customer's session is tried in the cookie of the staff too.
        thief.client.cookies[site.state.doors.session_cookie] = thief.client.cookies[site.state.doors.cabinet_cookie]
    before = await everything()
    made, opened = await tries_everything(thief, site, token, secrets)
    assert made > 500
    assert opened == []
    assert await everything() == before


async def test_no_route_and_no_id_opens_the_ticket_of_another_organisation(site: Litestar, eve: Cabinet) -> None:
    await nothing_opens(eve, site, SECRETS)


async def test_no_route_and_no_id_opens_a_colleague_s_ticket_to_who_sees_his_own(site: Litestar, olga: Cabinet) -> None:
    where_she_works = ("Port Authority", "K-77")
    await nothing_opens(olga, site, tuple(one for one in SECRETS if one not in where_she_works))


async def test_no_route_and_no_id_opens_a_ticket_to_a_stranger(
    site: Litestar, ivan: Cabinet, stranger: Browser
) -> None:
    await nothing_opens(stranger, site, SECRETS)


async def test_the_owner_is_told_by_the_same_requests(site: Litestar, ivan: Cabinet) -> None:
    """Else the test above would prove nothing."""
    token = hidden_fields((await ivan.get("/cabinet/me")).text, "/cabinet/me/password")
    _made, opened = await tries_everything(ivan, site, token)
    told = "\n".join(opened)
    ticket, file = await fetchval("SELECT id FROM ticket"), await fetchval("SELECT id FROM attachment")
    for address in (
        f"GET /cabinet/tickets/{ticket}",
        "GET /cabinet:",
        f"GET /cabinet/files/{file}",
        "GET /cabinet/new",
    ):
        assert address in told


async def test_search_and_pages_of_the_list_tell_nothing_of_others(ivan: Cabinet, eve: Cabinet, olga: Cabinet) -> None:
    row = await fetchrow("SELECT id, number, received_at FROM ticket")
    for thief in (eve, olga):
        for params in (
            {"q": "harbour"}, {"q": row["number"]}, {"q": "nervous"}, {"show": "waiting"}, {"show": "open"},
            {"before": f"2999-01-01T00:00:00+00:00~{row['id']}"}, {"q": "harbour OR open", "show": "open"},
        ):  # fmt: skip
            page = await thief.client.get("/cabinet", params=params)
            assert page.status_code == 200
            assert "harbour is open" not in page.text
            assert f"/cabinet/tickets/{row['id']}" not in page.text


async def test_a_file_of_another_cannot_be_brought_along(ivan: Cabinet, eve: Cabinet) -> None:
    """The token of a kept file is bound to whoever brought it."""
    form = hidden_fields((await ivan.get("/cabinet/new")).text, "/cabinet/new")
    refused = await ivan.client.post(
        "/cabinet/new", data=form, files=[("attachments", ("crane.png", PNG, "image/png"))]
    )
    kept = re.search(r'name="kept" value="([^"]+)"', refused.text)
    assert kept
    hers = hidden_fields((await eve.get("/cabinet/new")).text, "/cabinet/new")
    facts = {"text": "Mine", "full_name": "Eve", "position": "E", "phone": "1", "kept": kept[1]}
    made = await eve.client.post("/cabinet/new", data=hers | facts)
    assert made.status_code == 303
    assert await fetchval("SELECT count(*) FROM attachment") == 1


async def test_links_of_one_purpose_and_one_ticket_open_nothing_else(ivan: Cabinet, stranger: Browser) -> None:
    """Every token in every place of a token, by every method that must not act."""
    await invite(ivan.contact, sees="organisation", by=ADMIN, at=clock.now())
    ticket = await fetchval("SELECT id FROM ticket")
    tokens = {
        "status": HOUSE.sign("status", ticket), "rate": HOUSE.sign(RATE, ticket),
        **{row["act"]: HOUSE.sign(row["act"], row["id"]) for row in await fetch("SELECT id, act FROM signed_link")},
        "cabinet/account": HOUSE.sign(
            "cabinet/account", await fetchval("SELECT id FROM account_link WHERE ended_at IS NULL")
        ),
    }  # fmt: skip
    before = await everything()
    for place in tokens:
        for purpose, token in tokens.items():
            for method in ("GET", "HEAD", "OPTIONS"):
                answer = await stranger.client.request(method, f"/{place}/{token}", headers={"Accept": "text/html"})
                assert answer.status_code < 500
                if place != purpose and method == "GET":
                    assert answer.status_code == 404, (place, purpose)
                    assert tells(answer) == []
            for broken in (
                token[:-1],
                token + "A",
                token[:8] + ("A" if token[8] != "A" else "B") + token[9:],
                token.lower(),
            ):
                assert (await stranger.get(f"/{place}/{broken}")).status_code == 404
    assert await everything() == before
    assert await fetchval("SELECT count(*) FROM account_link WHERE used") == 1  # that of his invitation


async def test_whoever_acts_faster_than_people_waits(ivan: Cabinet) -> None:
    ticket = str(await fetchval("SELECT id FROM ticket"))
    answers = [await acts(ivan, ticket, "reply", text=f"Again {n}") for n in range(62)]
    assert answers[58].status_code == 303
    assert answers[-1].status_code == 429
    assert "retry-after" in answers[-1].headers
