"""Who may be calling: contacts with their organisation and the contract of the day."""

from __future__ import annotations

from datetime import datetime

import msgspec

from service.conditions import like
from service.database import fetch, fetchrow
from service.directory import LIKE_A_PERSON, digits_of


class Caller(msgspec.Struct, frozen=True):
    """A person of a customer who may be calling."""

    contact: int
    full_name: str
    position: str
    phone: str
    email: str
    organisation: int | None
    organisation_name: str
    contract_number: str
    service_level: str
    contract_expired: bool
    language: str


CALLERS = """
SELECT p.id AS contact, p.full_name, p.position, p.phone, p.language,
       coalesce((SELECT a.address FROM contact_address a WHERE a.contact = p.id ORDER BY a.id LIMIT 1), '') AS email,
       p.organisation, coalesce(o.name, '') AS organisation_name, coalesce(k.number, '') AS contract_number,
       coalesce(k.service_level, '') AS service_level, coalesce(k.expired, false) AS contract_expired
FROM contact p LEFT JOIN organisation o ON o.id = p.organisation
LEFT JOIN LATERAL (
    SELECT c.number, c.service_level, c.ends_on IS NOT NULL AND c.ends_on < $2::date AS expired
    FROM contract c WHERE c.organisation = o.id AND c.starts_on <= $2::date
    ORDER BY (c.ends_on IS NOT NULL AND c.ends_on < $2::date), c.starts_on DESC, c.id DESC LIMIT 1
) k ON true
"""
LIKE = LIKE_A_PERSON.format("$1", "$3")


async def callers(words: str, *, at: datetime, limit: int = 10) -> list[Caller]:
    """Contacts whose name, organisation, address or phone holds `words`."""
    rows = await fetch(
        f"{CALLERS} WHERE p.full_name <> '' AND p.merged_into IS NULL AND {LIKE} "
        f"ORDER BY p.full_name, p.id LIMIT {limit}",
        like(words), at, digits_of(words),
    )  # fmt: skip
    return [Caller(**row) for row in rows]


async def caller(contact: int, *, at: datetime) -> Caller | None:
    """One contact."""
    row = await fetchrow(f"{CALLERS} WHERE p.id = $1", contact, at)
    return Caller(**row) if row else None
