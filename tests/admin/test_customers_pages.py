"""Organisations, contracts and people: made, joined, invited, imported by their difference, merged and erased."""

import re

import pytest

from service import clock, customers
from service.database import fetch, fetchrow, fetchval
from service.verify import verify_tickets
from tests.admin.conftest import Browser, Signs, words
from tests.admin.customers import ADMIN, a_contact, an_organisation, the_link
from tests.admin.test_desk import does, in_work
from workflow.definition import Role

TABLE = """organisation;domains;contract;products;service_level;starts_on;ends_on;full_name;email
Port;port.example.com;K-1;Crane,Dock;standard;2025-01-01;2025-12-31;Ivan;ivan@port.example.com
Port;;;;;;;Nina;nina@port.example.com
"""


@pytest.fixture
async def administrator(signs_in: Signs) -> Browser:
    return await signs_in(Role.ADMINISTRATOR, name="Root")


async def test_an_organisation_gets_a_contract_and_people(administrator: Browser) -> None:
    made = await administrator.send("/customers", on="/customers", name="Port", domains="port.example.com")
    page = made.headers["location"]
    await administrator.send(
        f"{page}/contracts", on=page, number="K-1", products="Crane, Dock", service_level="standard",
        starts_on="2020-01-01", ends_on="2020-12-31",
    )  # fmt: skip
    person = await administrator.send(
        f"{page}/people", on=page, full_name="Ivan", addresses="ivan@port.example.com", language="en"
    )
    assert person.headers["location"].startswith("/customers/people/")
    shown = words(await administrator.get(page))
    assert "K-1 Crane, Dock standard" in shown
    assert "expired" in shown
    assert "Ivan" in shown
    assert "expired" in words(await administrator.get("/customers"))


async def test_what_is_wrong_is_said_and_what_was_typed_stays(administrator: Browser) -> None:
    page = f"/customers/{await an_organisation()}"
    answer = await administrator.send(
        f"{page}/contracts", on=page, number="K-7", products="", service_level="standard", starts_on="", ends_on=""
    )
    assert answer.status_code == 422
    assert "no first day" in words(answer)
    assert 'value="K-7"' in answer.text
    answer = await administrator.send(page, on=page, name="Port", domains="no domain")
    assert answer.status_code == 422


async def test_operators_look_after_people_and_administrators_after_the_rest(operator: Browser) -> None:
    id = await an_organisation()
    contact = await a_contact("Ivan", "ivan@port.example.com", id)
    page = await operator.get(f"/customers/{id}")
    assert "New person" in words(page)
    assert "New contract" not in words(page)
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token
    for path in (f"/customers/{id}", f"/customers/{id}/contracts", f"/customers/people/{contact}/erase",
                 "/customers/import", "/customers"):  # fmt: skip
        answer = await operator.client.post(path, data={"_csrf_token": token[1], "name": "x"})
        assert answer.status_code == 403


async def test_an_operator_invites_and_joins(operator: Browser) -> None:
    port = await an_organisation()
    contact = await a_contact("Nina", "nina@else.example.com")
    assert "Nina" in words(await operator.get("/customers"))
    await operator.send(f"/customers/people/{contact}/join", on="/customers", organisation=str(port))
    assert await fetchval("SELECT organisation FROM contact WHERE id = $1", contact) == port
    page = f"/customers/people/{contact}"
    await operator.send(f"{page}/invite", on=page, sees="organisation")
    assert "A letter goes to nina@else.example.com" in words(await operator.get(page))
    redeemed = await customers.redeem((await the_link("invitation")).rpartition("/")[2], at=clock.now())
    assert redeemed.joined
    assert await fetchval("SELECT sees FROM customer_account") == "organisation"
    await operator.send(f"{page}/rights", on=page, sees="own")  # without the tick: blocked
    assert tuple(await fetchrow("SELECT sees, active FROM customer_account")) == ("own", False)


async def test_a_table_shows_its_difference_and_changes_exactly_that(administrator: Browser) -> None:
    shown = await administrator.send("/customers/import", on="/customers/import", table=TABLE)
    said = words(shown)
    for difference in ("New organisation: Port", "new contract K-1", "new person Ivan", "new person Nina"):
        assert difference in said
    assert await fetchval("SELECT count(*) FROM organisation") == 0
    digest = re.search(r'name="digest" value="([0-9a-f]+)"', shown.text)
    assert digest
    done = await administrator.send("/customers/import", on="/customers/import", table=TABLE, digest=digest[1])
    assert done.status_code == 303
    assert await fetchval("SELECT count(*) FROM contact") == 2
    again = await administrator.send("/customers/import", on="/customers/import", table=TABLE)
    assert "known already" in words(again)
    other = TABLE.replace("2025-12-31", "2027-12-31").replace("Nina;", "Nina Orlova;")
    changed = await administrator.send("/customers/import", on="/customers/import", table=other)
    assert "Contract K-1: 2025-12-31 → 2027-12-31" in words(changed)
    assert "Nina → Nina Orlova" in words(changed)
    stale = await administrator.send("/customers/import", on="/customers/import", table=other, digest=digest[1])
    assert stale.status_code == 422
    assert await fetchval("SELECT ends_on::text FROM contract") == "2025-12-31"


async def test_every_bad_line_of_a_table_is_named(administrator: Browser) -> None:
    bad = "organisation,email,full_name,contract\n,x@y.example.com,X,\nPort,nonsense,Y,\nPort,,,K-2\n"
    answer = await administrator.send("/customers/import", on="/customers/import", table=bad)
    assert answer.status_code == 422
    for sentence in ("Line 2: the organisation", "Line 3: “nonsense”", "Line 4: the contract has no first day"):
        assert sentence in words(answer)


async def test_merging_keeps_one_account(administrator: Browser) -> None:
    port = await an_organisation()
    one, other = await a_contact("Ivan", "a@port.example.com", port), await a_contact("I.", "b@port.example.com", port)
    await customers.invite(other, sees="own", by=ADMIN, at=clock.now())
    redeemed = await customers.redeem((await the_link("invitation")).rpartition("/")[2], at=clock.now())
    page = f"/customers/people/{one}"
    await administrator.send(f"{page}/merge", on=page, other=str(other))
    assert await customers.account_for("b@port.example.com", redeemed.password) == one
    assert await customers.account_for("a@port.example.com", redeemed.password) == one


async def test_erasure_blanks_a_person_and_leaves_the_chain_valid(administrator: Browser) -> None:
    port = await an_organisation()
    contact = await a_contact("Ivan Sidorov", "ivan@example.com", port)
    await customers.invite(contact, sees="own", by=ADMIN, at=clock.now())
    ticket = await in_work("Sidorov cannot start")
    page = f"/customers/people/{contact}"
    refused = await administrator.send(f"{page}/erase", on=page)
    assert refused.headers["location"] == page
    assert "Finish it first." in words(await administrator.get(page))
    await does(ticket, "complete", text="Dear Sidorov", delivery_method="email", minutes=30, outcome="solved")
    await does(ticket, "confirm")
    await administrator.send(f"{page}/erase", on=page)
    assert "Erased, with 1 ticket." in words(await administrator.get("/customers"))
    assert await verify_tickets([ticket.id]) == []
    left = []
    for table in ("ticket", "message", "letter", "outbox", "contact", "contact_address", "journal", "mail",
                  "account_link", "attachment", "signed_link"):  # fmt: skip
        for row in await fetch(f"SELECT t::text AS whole, t.* FROM {table} t"):
            told = row["whole"] + "".join(bytes(v).decode("utf-8", "ignore") for v in row.values()
                                          if isinstance(v, bytes))  # fmt: skip
            if "sidorov" in told.lower() or "ivan@" in told.lower():
                left.append((table, told))
    assert left == []
    assert await fetchval("SELECT count(*) FROM journal") >= 5
    assert (await administrator.get(f"/desk/tickets/{ticket.id}")).status_code == 200
