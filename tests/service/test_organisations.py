"""Two records of one organisation become one, and nothing that was true before is rewritten."""

from datetime import date, timedelta

import pytest

from service.contacts import merge_contacts
from service.customer_sessions import CustomerSession, customer_session, open_customer_session
from service.customer_tickets import tickets_of
from service.customers import organisation_of
from service.database import execute, fetch, fetchrow
from service.directory import organisation_id
from service.intake import Request, receive
from service.organisations import merge_organisations
from service.people import customer_by_name
from service.queries import Wanted, tickets
from service.regulations import RULEBOOKS, publish_default
from service.verify import verify
from tests.desk import HOUR, MONDAY, OPERATOR, a_request, completed, count, does
from tests.service.test_contacts import a_contact, an_organisation
from workflow.errors import NotFound, WrongFields


@pytest.fixture(autouse=True)
async def _regulation(database: None):  # type: ignore[no-untyped-def]
    RULEBOOKS.forget()
    await publish_default(at=MONDAY)
    yield
    RULEBOOKS.forget()


async def a_session(contact: int, *, sees: str) -> CustomerSession:
    await execute(
        "INSERT INTO customer_account (contact, password_hash, sees, active, created_at) VALUES ($1, '', $2, true, $3) "
        "ON CONFLICT (contact) DO UPDATE SET sees = excluded.sees",
        contact, sees, MONDAY,
    )  # fmt: skip
    id = await open_customer_session(contact, at=MONDAY)
    found = await customer_session(id, at=MONDAY)
    assert found is not None
    return found


async def a_contract(
    organisation: int, number: str, level: str, *, starts_on: date = date(2025, 1, 1), ends_on: date | None = None
) -> None:
    await execute(
        "INSERT INTO contract (organisation, number, products, service_level, starts_on, ends_on) "
        "VALUES ($1, $2, '[]', $3, $4, $5)",
        organisation, number, level, starts_on, ends_on,
    )  # fmt: skip


async def test_everything_goes_over_and_the_old_name_leads_on() -> None:
    into, other = await an_organisation("Port"), await an_organisation("Port Ltd")
    await execute("UPDATE organisation SET domains = '[\"port.example.com\"]' WHERE id = $1", into)
    await execute("UPDATE organisation SET domains = '[\"port.example.net\"]' WHERE id = $1", other)
    await a_contract(other, "P-2", "extended")
    anna = await a_contact(other, "anna@port.example.net", name="Anna")
    merged = await merge_organisations(into, other, by=OPERATOR, at=MONDAY)
    assert (merged.people, merged.contracts, merged.tickets) == (1, 1, 0)
    assert await organisation_of("x@port.example.net") == await organisation_of("x@port.example.com") == into
    assert await organisation_id("port ltd") == await organisation_id(str(other)) == into
    known = await customer_by_name("Port Ltd", str(anna), at=MONDAY)
    assert (known.organisation, known.contact, known.contract_number) == (into, anna, "P-2")
    note = await fetchrow("SELECT subject, actor_name FROM config_journal WHERE act = 'organisation.merge'")
    assert tuple(note) == ("Port", "Olga")


async def test_open_tickets_get_the_contract_that_holds_now_and_closed_ones_stay() -> None:
    into, other = await an_organisation("Port"), await an_organisation("Port Ltd")
    await a_contract(into, "P-1", "extended")
    ivan = await a_contact(other, "ivan@example.com")
    closed = await does(await completed(), "confirm", MONDAY)
    waiting = await a_request()
    assert waiting.contract_number == ""
    await merge_organisations(into, other, by=OPERATOR, at=MONDAY + HOUR)
    rows = {row["id"]: row for row in await fetch("SELECT * FROM ticket")}
    now, then = rows[waiting.id], rows[closed.id]
    assert (now["organisation"], now["organisation_name"], now["contract_number"]) == (into, "Port", "P-1")
    assert now["contact"] == ivan
    assert (then["organisation"], then["seq"]) == (other, closed.seq)
    last = await fetchrow("SELECT trigger, actor_name FROM journal WHERE ticket = $1 ORDER BY seq DESC", waiting.id)
    assert tuple(last) == ("identify", "Olga")
    assert await verify() == []
    for named in ("Port", "Port Ltd", str(into), str(other)):
        found, _more = await tickets(Wanted(organisation=named), by=OPERATOR, at=MONDAY + HOUR, limit=9)
        assert {ticket.id for ticket in found} == {waiting.id, closed.id}, named


async def test_whoever_saw_the_tickets_of_one_record_sees_those_of_both() -> None:
    into, other = await an_organisation("Port"), await an_organisation("Port Ltd")
    chief, ivan = await a_contact(into, "chief@example.com"), await a_contact(other, "ivan@example.com")
    old = await does(await completed(), "confirm", MONDAY)
    assert await tickets_of(await a_session(chief, sees="organisation")) == []
    await merge_organisations(into, other, by=OPERATOR, at=MONDAY)
    assert [one.id for one in await tickets_of(await a_session(chief, sees="organisation"))] == [old.id]
    assert await tickets_of(await a_session(chief, sees="own")) == []
    assert [one.id for one in await tickets_of(await a_session(ivan, sees="own"))] == [old.id]


async def test_the_closed_tickets_of_a_merged_person_stay_in_his_cabinet() -> None:
    place = await an_organisation()
    into, other = await a_contact(place, "ivan@example.com"), await a_contact(place, "petrov@example.com")
    old = await does(await completed(email="petrov@example.com"), "confirm", MONDAY)
    await merge_contacts(into, other, by=OPERATOR, at=MONDAY)
    assert [one.id for one in await tickets_of(await a_session(into, sees="own"))] == [old.id]


async def test_a_ticket_whose_contact_is_of_elsewhere_keeps_it() -> None:
    into, other = await an_organisation("Port"), await an_organisation("Port Ltd")
    guest = await a_contact(await an_organisation("Guests"), "guest@example.com")
    ticket = await receive(
        Request(channel="phone", text="Help", email="x@example.com"), by=OPERATOR, at=MONDAY, cause="request:1"
    )
    await does(ticket, "identify", MONDAY, organisation=str(other))
    await execute("UPDATE ticket SET contact = $1", guest)  # as an import from another desk may leave it
    await merge_organisations(into, other, by=OPERATOR, at=MONDAY)
    row = await fetchrow("SELECT organisation, contact FROM ticket")
    assert tuple(row) == (into, guest)


async def test_what_cannot_be_merged_is_refused_and_nothing_is_changed() -> None:
    into, other = await an_organisation("Port"), await an_organisation("Port Ltd")
    with pytest.raises(WrongFields):
        await merge_organisations(into, into, by=OPERATOR, at=MONDAY)
    with pytest.raises(NotFound):
        await merge_organisations(into, 9_999, by=OPERATOR, at=MONDAY)
    await merge_organisations(into, other, by=OPERATOR, at=MONDAY)
    with pytest.raises(NotFound):
        await merge_organisations(into, other, by=OPERATOR, at=MONDAY + timedelta(hours=1))
    assert await count("config_journal", "act = 'organisation.merge'") == 1


async def test_a_chain_of_merges_ends_at_the_last() -> None:
    first, second, third = [await an_organisation(name) for name in ("A", "B", "C")]
    await merge_organisations(second, first, by=OPERATOR, at=MONDAY)
    await merge_organisations(third, second, by=OPERATOR, at=MONDAY)
    assert await organisation_id("A") == await organisation_id("B") == third
