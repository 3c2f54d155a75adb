"""What the pages about customers do, over HTTP: invitations, rights, merging, erasure, a table by its difference."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from service import clock
from service.customers import redeem
from service.database import fetchrow, fetchval
from service.house import HOUSE
from service.verify import verify
from workflow.definition import Role

ClientFor = Callable[..., Awaitable[httpx.AsyncClient]]
API = "/api/v1"


@pytest.fixture
async def anna(administrator: httpx.AsyncClient) -> str:
    """The id of a contact of Romashka."""
    await administrator.post(f"{API}/organisations", json={"name": "Romashka"})
    body = {"full_name": "Anna", "addresses": ["anna@romashka.example.org"], "organisation": "Romashka"}
    return str((await administrator.post(f"{API}/contacts", json=body)).json()["id"])


async def test_a_person_is_invited_and_gets_more_and_fewer_rights(operator: httpx.AsyncClient, anna: str) -> None:
    account = f"{API}/contacts/{anna}/account"
    assert (await operator.get(account)).status_code == 404
    invited = await operator.post(f"{API}/contacts/{anna}/invite", json={})
    assert invited.status_code == 200, invited.text
    assert invited.json() == {"contact": anna, "address": "anna@romashka.example.org", "sees": "own"}
    await redeem(HOUSE.sign("cabinet/account", await fetchval("SELECT id FROM account_link")), at=clock.now())
    shown = (await operator.get(account)).json()
    assert (shown["sees"], shown["active"], shown["signed_in_at"]) == ("own", True, None)
    for change, after in (
        ({"sees": "organisation"}, ("organisation", True)),
        ({"active": False}, ("organisation", False)),
    ):
        changed = await operator.patch(account, json=change)
        assert (changed.json()["sees"], changed.json()["active"]) == after
    wrong = await operator.patch(account, json={"sees": "everything"})
    assert wrong.status_code == 422
    assert (await operator.post(f"{API}/contacts/999/invite", json={})).status_code == 404


async def test_an_invitation_that_waits_is_read_and_taken_back(operator: httpx.AsyncClient, anna: str) -> None:
    invitation = f"{API}/contacts/{anna}/invitation"
    assert (await operator.get(invitation)).status_code == 404
    assert (await operator.delete(invitation)).status_code == 404
    await operator.post(f"{API}/contacts/{anna}/invite", json={"sees": "organisation"})
    waits = (await operator.get(invitation)).json()
    assert (waits["address"], waits["sees"]) == ("anna@romashka.example.org", "organisation")
    assert datetime.fromisoformat(waits["expires_at"]) - datetime.fromisoformat(waits["sent_at"]) == timedelta(days=7)
    assert (await operator.delete(invitation)).status_code == 204
    assert (await operator.get(invitation)).status_code == 404


async def test_merging_organisations_and_erasing_are_for_administrators(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient, supervisor: httpx.AsyncClient, anna: str
) -> None:
    other = (await administrator.post(f"{API}/organisations", json={"name": "Romashka Ltd"})).json()["id"]
    into = (await administrator.get(f"{API}/organisations")).json()["items"][0]["id"]
    ways: tuple[tuple[str, dict[str, Any]], ...] = (
        (f"organisations/{into}/merge", {"other": other}),
        (f"contacts/{anna}/erase", {}),
        ("imports/customers", {"table": "organisation\nX\n"}),
    )
    for path, body in ways:
        for client in (operator, supervisor):
            assert (await client.post(f"{API}/{path}", json=body)).status_code == 403
    merged = await administrator.post(f"{API}/organisations/{into}/merge", json={"other": other})
    assert merged.status_code == 200, merged.text
    assert [one["name"] for one in (await operator.get(f"{API}/organisations")).json()["items"]] == ["Romashka"]
    assert (await operator.get(f"{API}/organisations/{other}")).status_code == 404
    assert (await administrator.post(f"{API}/organisations/{into}/merge", json={"other": other})).status_code == 404
    by_old_name = {"full_name": "Boris", "addresses": ["b@romashka.example.org"], "organisation": "Romashka Ltd"}
    assert (await operator.post(f"{API}/contacts", json=by_old_name)).json()["organisation"] == "Romashka"


async def test_erasure_waits_for_open_tickets_and_leaves_a_whole_journal(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient, anna: str
) -> None:
    body = {"channel": "phone", "text": "It beeps.", "email": "anna@romashka.example.org"}
    ticket = (await operator.post(f"{API}/tickets", json=body, headers={"Idempotency-Key": "k1"})).json()["id"]
    path = f"{API}/contacts/{anna}/erase"
    refused = await administrator.post(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "still_open")
    await operator.post(f"{API}/tickets/{ticket}/moves", json={"trigger": "withdraw", "text": "No more"})
    erased = await administrator.post(path, headers={"Idempotency-Key": "k2"})
    assert erased.status_code == 200, erased.text
    assert erased.json()["tickets"] == 1
    again = await administrator.post(path, headers={"Idempotency-Key": "k2"})
    assert (again.json(), again.headers["idempotency-replayed"]) == (erased.json(), "true")
    assert (await operator.get(f"{API}/contacts/{anna}")).status_code == 404
    shown = (await operator.get(f"{API}/tickets/{ticket}")).json()
    assert (shown["text"], shown["contact"]["email"], shown["organisation"]) == ("", "", "Romashka")
    assert await verify() == []


async def test_a_table_shows_its_difference_and_is_carried_out_by_its_name(administrator: httpx.AsyncClient) -> None:
    body = {"table": "organisation;full_name;email\nPort;Ivan;ivan@port.example.com\n"}
    shown = (await administrator.post(f"{API}/imports/customers", json=body)).json()
    assert shown["changes"] == ["New organisation: Port", "Port: new person Ivan <ivan@port.example.com>"]
    assert not shown["done"]
    assert await fetchval("SELECT count(*) FROM organisation") == 0
    done = await administrator.post(f"{API}/imports/customers", json=body | {"digest": shown["digest"]})
    assert (done.status_code, done.json()["done"]) == (200, True)
    overtaken = await administrator.post(f"{API}/imports/customers", json=body | {"digest": shown["digest"]})
    assert (overtaken.status_code, overtaken.json()["code"]) == (409, "import_overtaken")
    wrong = await administrator.post(f"{API}/imports/customers", json={"table": "organisation,email\nPort,nonsense\n"})
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["field"] == "table"


async def test_who_waits_for_an_organisation_is_listed_and_joined_with_open_tickets(
    operator: httpx.AsyncClient, anna: str
) -> None:
    made = await operator.post(f"{API}/contacts", json={"full_name": "Nina", "addresses": ["nina@else.example.org"]})
    nina = made.json()["id"]
    body = {"channel": "phone", "text": "It beeps.", "email": "nina@else.example.org"}
    ticket = (await operator.post(f"{API}/tickets", json=body)).json()["id"]
    for asked, names in (("none", ["Nina"]), ("romashka", ["Anna"])):
        listed = await operator.get(f"{API}/contacts", params={"organisation": asked})
        assert [one["full_name"] for one in listed.json()["items"]] == names
    assert (await operator.get(f"{API}/contacts", params={"organisation": "Nobody"})).status_code == 422
    joined = await operator.patch(f"{API}/contacts/{nina}", json={"organisation": "Romashka"})
    assert joined.json()["organisation"] == "Romashka"
    assert (await operator.get(f"{API}/tickets/{ticket}")).json()["organisation"] == "Romashka"
    row = await fetchrow("SELECT trigger FROM journal ORDER BY id DESC LIMIT 1")
    assert row["trigger"] == "identify"


async def test_a_program_needs_the_scope(client_for: ClientFor, anna: str) -> None:
    reader = await client_for(Role.ADMINISTRATOR, scopes=["directory:read"])
    assert (await reader.get(f"{API}/contacts/{anna}")).status_code == 200
    for path in ("invite", "erase"):
        assert (await reader.post(f"{API}/contacts/{anna}/{path}", json={})).status_code == 403


@pytest.mark.parametrize(("ends_on", "expired"), [("2020-12-31", True), (None, False)])
async def test_a_request_under_an_expired_contract_is_accepted_and_marked(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient, anna: str, ends_on: str | None, expired: bool
) -> None:
    terms = {"organisation": "Romashka", "number": "C-1", "starts_on": "2020-01-01", "ends_on": ends_on}
    assert (await administrator.post(f"{API}/contracts", json=terms)).status_code == 201
    body = {"channel": "phone", "text": "It beeps.", "email": "anna@romashka.example.org"}
    ticket = await operator.post(f"{API}/tickets", json=body)
    assert ticket.status_code == 201
    assert (ticket.json()["contract"], ticket.json()["contract_expired"]) == ("C-1", expired)
