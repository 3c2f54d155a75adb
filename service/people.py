"""Who is who: colleagues by address, customers by address, organisation and contract (clauses 4.2, 7.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from service.database import fetch, fetchrow
from service.regulations import in_force
from workflow.definition import STAFF
from workflow.errors import NotFound
from workflow.regulation import Rulebook
from workflow.words import _


class Colleague(msgspec.Struct, frozen=True):
    """An active account of the centre."""

    id: int
    email: str
    name: str
    language: str
    ways: Mapping[str, Sequence[str]] = {}  # how each kind of notice reaches them, where it is not as usual


class UnknownContact(NotFound):
    """The organisation is known, the contact is not one of its."""

    sentence = _("This organisation has no contact “{value}”.")


class Customer(msgspec.Struct, frozen=True):
    """What is known of the person who asks, of the organisation behind, and of its contract on that day."""

    organisation: int | None = None
    organisation_name: str = ""
    contact: int | None = None
    full_name: str = ""
    position: str = ""
    phone: str = ""
    email: str = ""
    language: str = ""
    contract: int | None = None
    contract_number: str = ""
    contract_expired: bool = False
    service_level: str = ""


async def colleague(value: str) -> Colleague:
    """The active account with this id or address. Raises NotFound."""
    row = await fetchrow(
        "SELECT id, email, name, language, notices FROM app_user WHERE active AND (email = lower($1) OR id::text = $1)",
        value,
    )
    if row is None:
        raise NotFound(_("No active colleague is called “{value}”."), value=value)
    ways = msgspec.json.decode(row["notices"], type=dict[str, tuple[str, ...]])
    return Colleague(row["id"], row["email"], row["name"], row["language"], ways)


async def names_of_colleagues() -> list[tuple[str, str]]:
    """The address and the name of everybody who may be given a ticket, by name."""
    rows = await fetch(
        "SELECT email, name FROM app_user WHERE active AND role = ANY($1) ORDER BY lower(name), id", sorted(STAFF)
    )
    return [(row["email"], row["name"]) for row in rows]


# The contract that holds on the day: one that has not ended before one that has, the newest first.
CONTRACT = """
LEFT JOIN LATERAL (
    SELECT c.id, c.number, c.service_level, c.ends_on IS NOT NULL AND c.ends_on < $2 AS expired
    FROM contract c WHERE c.organisation = o.id AND c.starts_on <= $2
    ORDER BY (c.ends_on IS NOT NULL AND c.ends_on < $2), c.starts_on DESC, c.id DESC LIMIT 1
) k ON true
"""
COLUMNS = """
o.id AS organisation, o.name AS organisation_name, p.id AS contact, p.full_name, p.position, p.phone, p.language,
k.id AS contract, k.number AS contract_number, k.expired AS contract_expired, k.service_level
"""


async def customer_by_address(address: str, *, at: datetime, rules: Rulebook | None = None) -> Customer | None:
    """The customer whose contact writes from this address; None for a stranger. `rules` in force, if they are known."""
    row = await fetchrow(
        f"SELECT {COLUMNS} FROM contact_address a JOIN contact p ON p.id = a.contact "
        f"LEFT JOIN organisation o ON o.id = p.organisation {CONTRACT} WHERE a.address = lower($1)",
        address,
        await _day(at, rules),
    )
    return None if row is None else _customer(row, email=address)


async def customer_of_contact(contact: int, *, at: datetime) -> Customer:
    """The customer behind a contact, under the first of his addresses. Raises NotFound."""
    row = await fetchrow(
        f"SELECT {COLUMNS}, (SELECT address FROM contact_address a WHERE a.contact = p.id ORDER BY a.id LIMIT 1) "
        f"AS address FROM contact p LEFT JOIN organisation o ON o.id = p.organisation {CONTRACT} WHERE p.id = $1",
        contact,
        await _day(at),
    )
    if row is None:
        raise NotFound()
    return _customer(row, email=row["address"] or "")


async def customer_by_name(organisation: str, contact: str = "", *, at: datetime) -> Customer:
    """The customer an operator points at: organisation by id or name, contact by id or address. Raises NotFound.

    The id or name of a merged record leads to the one that stands for it.
    """
    row = await fetchrow(
        f"SELECT {COLUMNS}, (SELECT address FROM contact_address a WHERE a.contact = p.id ORDER BY a.id LIMIT 1) "
        "AS address FROM organisation named JOIN organisation o ON o.id = coalesce(named.merged_into, named.id) "
        "LEFT JOIN contact p ON p.organisation = o.id AND p.merged_into IS NULL AND (p.id::text = $3 OR EXISTS "
        "(SELECT FROM contact_address a WHERE a.contact = p.id AND a.address = lower($3)) OR EXISTS "
        "(SELECT FROM contact m WHERE m.merged_into = p.id AND m.id::text = $3)) "
        f"{CONTRACT} WHERE named.id::text = $1 OR lower(named.name) = lower($1) "
        "ORDER BY (named.id::text = $1) DESC, named.merged_into IS NOT NULL LIMIT 1",
        organisation,
        await _day(at),
        contact,
    )
    if row is None:
        raise NotFound(_("There is no organisation “{value}”."), value=organisation)
    if contact and row["contact"] is None:
        raise UnknownContact(value=contact)
    return _customer(row, email=row["address"] or "")


async def _day(at: datetime, rules: Rulebook | None = None) -> date:
    """The day it is at the centre: contracts begin and end at its midnight."""
    return at.astimezone((rules or await in_force(at=at)).calendar.zone).date()


def _customer(row: Any, *, email: str) -> Customer:
    return Customer(
        organisation=row["organisation"],
        organisation_name=row["organisation_name"] or "",
        contact=row["contact"],
        full_name=row["full_name"] or "",
        position=row["position"] or "",
        phone=row["phone"] or "",
        email=email,
        language=row["language"] or "",
        contract=row["contract"],
        contract_number=row["contract_number"] or "",
        contract_expired=bool(row["contract_expired"]),
        service_level=row["service_level"] or "",
    )
