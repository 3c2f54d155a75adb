"""One record of the directory: looked at, changed, and the change noted."""

from datetime import timedelta

import httpx
import pytest

from service import clock
from service.accounts import user_id
from service.database import fetch, fetchrow
from service.sessions import open_session, session
from tests.service.api.conftest import ClientFor
from workflow.definition import Role


async def made(client: httpx.AsyncClient, what: str, **body: object) -> str:
    answer = await client.post(f"/api/v1/{what}", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture
async def romashka(administrator: httpx.AsyncClient) -> str:
    return await made(administrator, "organisations", name="Romashka LLC", domains=["romashka.example.org"])


async def test_what_is_not_named_stays(administrator: httpx.AsyncClient, romashka: str) -> None:
    changed = await administrator.patch(f"/api/v1/organisations/{romashka}", json={"name": "Vasilyok LLC"})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name"], changed.json()["domains"]) == ("Vasilyok LLC", ["romashka.example.org"])
    assert (await administrator.get(f"/api/v1/organisations/{romashka}")).json() == changed.json()
    noted = await fetchrow("SELECT act, data FROM config_journal ORDER BY id DESC LIMIT 1")
    assert noted["act"] == "organisation.change"
    assert '"Romashka LLC"' in noted["data"]


async def test_names_and_addresses_stay_single(administrator: httpx.AsyncClient, romashka: str) -> None:
    other = await made(administrator, "organisations", name="Other")
    answer = await administrator.patch(f"/api/v1/organisations/{other}", json={"name": "Romashka LLC"})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_there")
    await made(administrator, "contacts", full_name="Anna", addresses=["anna@example.org"])
    ivan = await made(administrator, "contacts", full_name="Ivan", addresses=["ivan@example.org"])
    answer = await administrator.patch(f"/api/v1/contacts/{ivan}", json={"addresses": ["anna@example.org"]})
    assert answer.status_code == 409
    assert (await administrator.get(f"/api/v1/contacts/{ivan}")).json()["addresses"] == ["ivan@example.org"]


async def test_a_person_changes_addresses_and_house(administrator: httpx.AsyncClient, romashka: str) -> None:
    anna = await made(administrator, "contacts", full_name="Anna", addresses=["a@example.org", "b@example.org"])
    path = f"/api/v1/contacts/{anna}"
    changed = await administrator.patch(
        path, json={"addresses": ["B@example.org", "c@example.org"], "organisation": romashka, "phone": "+7 1"}
    )
    assert changed.json()["addresses"] == ["b@example.org", "c@example.org"]
    assert changed.json()["organisation"] == "Romashka LLC"
    assert (await administrator.patch(path, json={"organisation": ""})).json()["organisation"] is None
    # Nothing that people may ask to be forgotten stands in a journal that cannot forget.
    journal = str([dict(row) for row in await fetch("SELECT data FROM config_journal")])
    assert "+7 1" not in journal
    assert "c@example.org" not in journal


async def test_a_contract_ends_after_it_begins(administrator: httpx.AsyncClient, romashka: str) -> None:
    id = await made(administrator, "contracts", organisation=romashka, number="C-1", starts_on="2026-01-01",
                    ends_on="2026-12-31")  # fmt: skip
    path = f"/api/v1/contracts/{id}"
    assert (await administrator.patch(path, json={"starts_on": "2027-01-01"})).status_code == 422
    assert (await administrator.patch(path, json={"ends_on": None})).json()["ends_on"] is None
    assert (await administrator.patch(path, json={"starts_on": None})).status_code == 422


async def test_rights_taken_away_are_gone_at_once(administrator: httpx.AsyncClient) -> None:
    id = await made(administrator, "users", email="olga@desk.example.org", name="Olga", role="operator")
    number = await user_id("olga@desk.example.org")
    assert number is not None
    at = clock.now()
    browser = await open_session(number, at=at)
    renamed = await administrator.patch(f"/api/v1/users/{id}", json={"name": "Olga Orlova"})
    assert renamed.json()["name"] == "Olga Orlova"
    assert await session(browser, at=at) is not None
    assert (await administrator.patch(f"/api/v1/users/{id}", json={"role": "supervisor"})).status_code == 200
    assert await session(browser, at=at) is None
    browser = await open_session(number, at=at)
    assert (await administrator.patch(f"/api/v1/users/{id}", json={"active": False})).json()["active"] is False
    assert await session(browser, at=at + timedelta(seconds=1)) is None


async def test_the_last_administrator_stays(administrator: httpx.AsyncClient) -> None:
    id = await made(administrator, "users", email="a@desk.example.org", name="A", role="administrator")
    answer = await administrator.patch(f"/api/v1/users/{id}", json={"active": False})
    assert (answer.status_code, answer.json()["code"]) == (409, "last_administrator")
    assert (await administrator.get(f"/api/v1/users/{id}")).json()["active"] is True


@pytest.mark.parametrize("id", ["0", "01", "-1", "9" * 30, "x", "٣"])
@pytest.mark.parametrize("what", ["organisations", "contacts", "contracts", "users", "tokens"])
async def test_what_is_not_there_is_not_found(administrator: httpx.AsyncClient, what: str, id: str) -> None:
    assert (await administrator.get(f"/api/v1/{what}/{id}")).status_code == 404


async def test_rights_are_for_administrators(client_for: ClientFor, administrator: httpx.AsyncClient) -> None:
    id = await made(administrator, "users", email="olga@desk.example.org", name="Olga", role="operator")
    for role in (Role.OPERATOR, Role.SUPERVISOR, Role.PROCESS_OWNER):
        client = await client_for(role)
        assert (await client.patch(f"/api/v1/users/{id}", json={"role": "administrator"})).status_code == 403
        assert (await client.get("/api/v1/tokens/1")).status_code == 403
