"""What the pages about customers read and change: organisations with their contracts and people."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from service import account_letters, bell, config_journal
from service.actors import Actor
from service.contacts import identify_anew
from service.database import DB, execute, fetch, fetchrow, fetchval, retried
from service.house import HOUSE
from service.paging import cursor_of, cut, place_of
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.words import _

PAGE = 50
PAGE_WAITING = 20
SUGGESTED = 1000  # more than anybody reads: whoever is not suggested is typed


class OrganisationRow(msgspec.Struct, frozen=True):
    """One organisation of the list. `until` is the end of its last contract, None for one without an end."""

    id: int
    name: str
    people: int
    contracts: int
    until: date | None
    open_tickets: int


class ContractRow(msgspec.Struct, frozen=True):
    """One contract; `expired` on the day that was asked for."""

    id: int
    number: str
    products: list[str]
    service_level: str
    starts_on: date
    ends_on: date | None
    expired: bool


class PersonRow(msgspec.Struct, frozen=True):
    """One contact with his addresses; `sees` and `active` are his account's, None without one.

    `claims` is the organisation the person named when registering, until somebody joined him to one.
    """

    id: int
    organisation: int | None
    organisation_name: str
    claims: str
    full_name: str
    position: str
    phone: str
    language: str
    addresses: list[str]
    sees: str | None
    active: bool | None
    signed_in_at: datetime | None


async def organisations(*, q: str = "", after: str = "") -> list[OrganisationRow]:
    """A page in the order of names, and one more if there is more."""
    rows = await fetch(
        "SELECT o.id, o.name, (SELECT count(*) FROM contact p WHERE p.organisation = o.id) AS people, "
        "(SELECT count(*) FROM contract c WHERE c.organisation = o.id) AS contracts, "
        "(SELECT CASE WHEN bool_or(c.ends_on IS NULL) THEN NULL ELSE max(c.ends_on) END FROM contract c "
        "WHERE c.organisation = o.id) AS until, "
        "(SELECT count(*) FROM ticket t WHERE t.organisation = o.id AND t.closed_at IS NULL) AS open_tickets "
        "FROM organisation o WHERE o.merged_into IS NULL AND o.name > $1 "
        "AND ($2 = '' OR position(lower($2) IN lower(o.name)) > 0) "
        "ORDER BY o.name LIMIT $3",
        after, q, PAGE + 1,
    )  # fmt: skip
    return [OrganisationRow(**row) for row in rows]


async def organisation(id: int) -> tuple[str, list[str]]:
    """Name and mail domains. Raises NotFound."""
    row = await fetchrow("SELECT name, domains FROM organisation WHERE id = $1 AND merged_into IS NULL", id)
    if row is None:
        raise NotFound()
    return row["name"], msgspec.json.decode(row["domains"], type=list[str])


async def contracts_of(organisation: int, *, on: date) -> list[ContractRow]:
    """The contracts of an organisation, the newest first."""
    rows = await fetch(
        "SELECT id, number, products, service_level, starts_on, ends_on, ends_on IS NOT NULL AND ends_on < $2 "
        "AS expired FROM contract WHERE organisation = $1 ORDER BY starts_on DESC, id DESC",
        organisation, on,
    )  # fmt: skip
    return [ContractRow(**dict(row) | {"products": msgspec.json.decode(row["products"])}) for row in rows]


PEOPLE = """
SELECT p.id, p.organisation, p.full_name, p.position, p.phone, p.language, k.sees, k.active, k.signed_in_at,
       coalesce((SELECT array_agg(a.address ORDER BY a.id) FROM contact_address a WHERE a.contact = p.id), '{}')
       AS addresses, coalesce(o.name, '') AS organisation_name,
       CASE WHEN o.id IS NULL THEN coalesce((SELECT l.facts ->> 'organisation' FROM account_link l
           WHERE l.contact = p.id AND l.kind = 'registration' AND l.used ORDER BY l.created_at DESC LIMIT 1), '')
       ELSE '' END AS claims
FROM contact p LEFT JOIN customer_account k ON k.contact = p.id LEFT JOIN organisation o ON o.id = p.organisation
"""


PLACE = msgspec.json.Decoder(tuple[str, int])


async def people_of(organisation: int, *, cursor: str | None = None) -> tuple[list[PersonRow], str | None]:
    """A page of the contacts of an organisation, by name; those who were erased are no longer shown."""
    name, id = place_of(cursor, PLACE) or ("", 0)
    rows = await fetch(
        f"{PEOPLE} WHERE p.organisation = $1 AND p.full_name <> '' AND (p.full_name, p.id) > ($2, $3) "
        "ORDER BY p.full_name, p.id LIMIT $4",
        organisation, name.replace("\x00", ""), id, PAGE + 1,
    )  # fmt: skip
    page, more = cut([PersonRow(**row) for row in rows], PAGE)
    return page, cursor_of(page[-1].full_name, page[-1].id) if more else None


PLACE_WAITING = msgspec.json.Decoder(tuple[bool, int])


async def waiting_people(*, cursor: str | None = None) -> tuple[list[PersonRow], str | None]:
    """A page of the contacts whose organisation nobody has told yet, those with an account first."""
    no_account, id = place_of(cursor, PLACE_WAITING) or (False, 2**63 - 1)
    rows = await fetch(
        f"{PEOPLE} WHERE p.organisation IS NULL AND p.full_name <> '' AND p.merged_into IS NULL "
        "AND ((k.id IS NULL) > $1 OR ((k.id IS NULL) = $1 AND p.id < $2)) "
        "ORDER BY k.id IS NULL, p.id DESC LIMIT $3",
        bool(no_account), id, PAGE_WAITING + 1,
    )  # fmt: skip
    page, more = cut([PersonRow(**row) for row in rows], PAGE_WAITING)
    return page, cursor_of(page[-1].active is None, page[-1].id) if more else None


async def addresses_beside(person: PersonRow) -> list[tuple[str, str]]:
    """Addresses and names of the others where a person belongs, to suggest the record that may be the same person's."""
    rows = await fetch(
        "SELECT a.address, p.full_name FROM contact p JOIN contact_address a ON a.contact = p.id "
        "WHERE p.organisation IS NOT DISTINCT FROM $1::bigint AND p.id <> $2 AND p.merged_into IS NULL "
        "ORDER BY p.full_name, a.address LIMIT $3",
        person.organisation, person.id, SUGGESTED,
    )  # fmt: skip
    return [(row["address"], row["full_name"]) for row in rows]


async def person(id: int) -> PersonRow:
    """One contact. Raises NotFound, also for a record that was merged into another."""
    row = await fetchrow(f"{PEOPLE} WHERE p.id = $1 AND p.merged_into IS NULL", id)
    if row is None:
        raise NotFound()
    return PersonRow(**row)


THEIR_OPEN = """
SELECT t.id FROM ticket t WHERE t.closed_at IS NULL AND t.organisation IS NULL AND (t.contact = $1 OR (t.contact IS NULL
    AND lower(t.email) = ANY(ARRAY(SELECT address FROM contact_address WHERE contact = $1)))) ORDER BY t.id
"""


@retried
async def join(contact: int, organisation: int, *, by: Actor, at: datetime) -> None:
    """Say to which organisation a person belongs who had none. Raises NotFound, WrongFields."""
    async with DB.transaction(allow_nested=False):
        if not await fetchval(
            "SELECT EXISTS (SELECT FROM organisation WHERE id = $1 AND merged_into IS NULL)", organisation
        ):
            raise WrongFields([FieldError("organisation", _("Choose an organisation."), {})])
        tickets = await take_in(contact, organisation, by=by, at=at)
        data = {"organisation": organisation, "tickets": tickets}
        await config_journal.note(by=by, at=at, act="contact.join", subject=f"contact {contact}", data=data)
    await bell.ring("send_letters")
    await bell.ring("send_webhooks")


async def take_in(contact: int, organisation: int, *, by: Actor, at: datetime) -> list[str]:
    """Join a person to an organisation, identify his open requests, and tell him; the ids of these requests.

    Joins the transaction. Raises NotFound for a person who has an organisation already.
    """
    changed = await execute(
        "UPDATE contact SET organisation = $2 WHERE id = $1 AND organisation IS NULL AND merged_into IS NULL",
        contact, organisation,
    )  # fmt: skip
    if not changed:
        raise NotFound()
    tickets = [row["id"] for row in await fetch(THEIR_OPEN, contact)]
    told = await identify_anew(tickets, organisation, contact, by=by, at=at, cause=f"join:{contact}:{organisation}")
    await _tell_the_person(contact, at=at)
    return [str(id) for id in told]


async def _tell_the_person(contact: int, *, at: datetime) -> None:
    """Whoever has an account waits for it."""
    row = await fetchrow(
        "SELECT p.language, (SELECT address FROM contact_address a WHERE a.contact = p.id ORDER BY a.id LIMIT 1) AS "
        "address FROM contact p JOIN customer_account k ON k.contact = p.id AND k.active WHERE p.id = $1",
        contact,
    )
    if row and row["address"]:
        link = f"{HOUSE.public_url}/cabinet"
        await account_letters.send("joined", row["address"], link=link, language=row["language"], at=at)


async def names() -> list[str]:
    """Names of organisations to suggest: a form takes any other of them too."""
    rows: list[Any] = await fetch(
        "SELECT name FROM organisation WHERE merged_into IS NULL ORDER BY name LIMIT $1", SUGGESTED
    )
    return [row["name"] for row in rows]
