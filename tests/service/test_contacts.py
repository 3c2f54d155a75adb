"""Two records of one person become one, and nothing that was true before is rewritten."""

import msgspec
import pytest

from service.actors import Actor
from service.contacts import merge_contacts
from service.database import fetch, fetchrow, fetchval
from service.people import customer_by_address
from service.regulations import RULEBOOKS, publish_default
from service.verify import verify
from tests.desk import HOUR, MONDAY, OPERATOR, a_request, a_ticket, completed, count, does
from workflow.errors import NotFound, WrongFields

BY: Actor = OPERATOR


@pytest.fixture(autouse=True)
async def _regulation(database: None):  # type: ignore[no-untyped-def]
    RULEBOOKS.forget()
    await publish_default(at=MONDAY)
    yield
    RULEBOOKS.forget()


async def an_organisation(name: str = "Romashka") -> int:
    made: int = await fetchval(
        "INSERT INTO organisation (name, domains, created_at) VALUES ($1, '[]', $2) RETURNING id", name, MONDAY
    )
    return made


async def a_contact(organisation: int | None, *addresses: str, name: str = "Ivan", phone: str = "") -> int:
    made: int = await fetchval(
        "INSERT INTO contact (organisation, full_name, position, phone, language, created_at) "
        "VALUES ($1, $2, '', $3, 'en', $4) RETURNING id",
        organisation, name, phone, MONDAY,
    )  # fmt: skip
    for address in addresses:
        await fetchval("INSERT INTO contact_address (address, contact) VALUES ($1, $2)", address, made)
    return made


async def test_the_one_who_stays_has_every_address_and_what_only_the_other_knew() -> None:
    place = await an_organisation()
    into = await a_contact(place, "ivan@example.com")
    other = await a_contact(place, "i.petrov@example.com", "ivan@home.example.net", phone="+7 1")
    assert await merge_contacts(into, other, by=BY, at=MONDAY) == ["i.petrov@example.com", "ivan@home.example.net"]
    for address in ("ivan@example.com", "i.petrov@example.com", "ivan@home.example.net"):
        known = await customer_by_address(address, at=MONDAY)
        assert known is not None
        assert (known.contact, known.phone) == (into, "+7 1")
    assert await count("contact", "merged_into IS NULL") == 1
    assert await count("contact", f"id = {other} AND full_name = '' AND merged_into = {into}") == 1
    note = await fetchrow("SELECT * FROM config_journal WHERE act = 'contact.merge'")
    assert (note["subject"], note["actor_name"]) == (f"contact {into}", "Olga")
    assert msgspec.json.decode(note["data"])["addresses"] == 2  # the journal is for good, an address is not


async def test_open_tickets_go_over_in_their_own_journals_and_closed_ones_stay() -> None:
    place = await an_organisation()
    into = await a_contact(place, "ivan@example.com")
    other = await a_contact(place, "petrov@example.com")
    waiting = await a_ticket(email="petrov@example.com")
    closed = await does(await completed(email="petrov@example.com"), "confirm", MONDAY)
    due = (await fetchrow("SELECT due_at FROM ticket WHERE id = $1", waiting.id))["due_at"]
    await merge_contacts(into, other, by=BY, at=MONDAY + HOUR)
    rows = {row["id"]: row for row in await fetch("SELECT id, contact, seq, due_at FROM ticket")}
    assert rows[waiting.id]["contact"] == into
    assert rows[waiting.id]["due_at"] == due
    assert (rows[closed.id]["contact"], rows[closed.id]["seq"]) == (other, closed.seq)
    journal = await fetch("SELECT trigger, actor_name FROM journal WHERE ticket = $1 ORDER BY seq", waiting.id)
    assert (journal[-1]["trigger"], journal[-1]["actor_name"]) == ("identify", "Olga")
    assert await fetchval("SELECT count(*) FROM contact WHERE id = $1", other) == 1
    assert await verify() == []


async def test_somebody_of_nowhere_joins_the_organisation_of_the_other() -> None:
    place = await an_organisation()
    into, other = await a_contact(None, "ivan@home.example.net"), await a_contact(place, "ivan@example.com")
    ticket = await a_request(email="ivan@home.example.net")
    assert ticket.organisation is None
    await merge_contacts(into, other, by=BY, at=MONDAY)
    known = await customer_by_address("ivan@home.example.net", at=MONDAY)
    assert known is not None
    assert known.organisation == place


async def test_people_of_different_organisations_are_not_one_person() -> None:
    into = await a_contact(await an_organisation("A"), "a@example.com")
    other = await a_contact(await an_organisation("B"), "b@example.com")
    with pytest.raises(WrongFields):
        await merge_contacts(into, other, by=BY, at=MONDAY)
    with pytest.raises(WrongFields):
        await merge_contacts(into, into, by=BY, at=MONDAY)
    with pytest.raises(NotFound):
        await merge_contacts(into, 9_999, by=BY, at=MONDAY)
    assert await count("contact_address") == 2
    assert await count("config_journal", "act = 'contact.merge'") == 0
