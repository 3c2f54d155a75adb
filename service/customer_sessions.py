"""Browsers in which a customer has signed in: told apart from the centre's own by the column they stand in."""

from __future__ import annotations

import secrets
from datetime import datetime

import msgspec

from service.actors import Actor, customer
from service.database import DB, execute, fetchrow, retried
from service.sessions import ID, IDLE, LONGEST, SLIDES_EVERY, id_hash


class CustomerSession(msgspec.Struct, frozen=True):
    """One signed-in browser of a customer: who it is, and what that person may see."""

    id: str
    actor: Actor
    contact: int
    organisation: int | None
    sees_organisation: bool
    records: tuple[int, ...] = ()  # the contact, and those that were merged into it
    organisations: tuple[int, ...] = ()  # those whose tickets are all seen: the organisation, and those merged into it
    addresses: tuple[str, ...] = ()


SIGNED_IN = """
SELECT p.id, p.full_name, p.language, p.organisation, k.sees, s.expires_at,
       ARRAY(SELECT c.id FROM contact c WHERE c.id = p.id OR c.merged_into = p.id) AS records,
       ARRAY(SELECT o.id FROM organisation o WHERE o.id = p.organisation OR o.merged_into = p.organisation) AS places,
       ARRAY(SELECT a.address FROM contact_address a WHERE a.contact = p.id ORDER BY a.id) AS addresses
FROM app_session s JOIN contact p ON p.id = s.contact JOIN customer_account k ON k.contact = p.id
WHERE s.id_hash = $1 AND s."user" IS NULL AND s.expires_at > $2 AND s.created_at > $3 AND k.active
"""


async def customer_session(id: str, *, at: datetime) -> CustomerSession | None:
    """The living session of a customer behind a cookie; None for anything else, a colleague's session included."""
    if not ID.fullmatch(id):
        return None
    row = await fetchrow(SIGNED_IN, id_hash(id), at, at - LONGEST)
    if row is None:
        return None
    if at + IDLE - row["expires_at"] > SLIDES_EVERY:
        await execute("UPDATE app_session SET expires_at = $2 WHERE id_hash = $1", id_hash(id), at + IDLE)
    address = row["addresses"][0] if row["addresses"] else ""
    name = row["full_name"] or address
    actor = msgspec.structs.replace(customer(id=str(row["id"]), name=name, language=row["language"]), email=address)
    # Without an organisation there is nothing of an organisation to see.
    sees = row["sees"] == "organisation" and row["organisation"] is not None
    return CustomerSession(
        id, actor, row["id"], row["organisation"], sees, records=tuple(row["records"]),
        organisations=tuple(row["places"]) if sees else (), addresses=tuple(row["addresses"]),
    )  # fmt: skip


@retried
async def open_customer_session(contact: int, *, at: datetime, instead_of: str | None = None) -> str:
    """The id of a fresh session. The one the browser came with, if any, ends: an id never outlives a sign-in."""
    id = secrets.token_urlsafe(32)
    async with DB.transaction(allow_nested=False):
        if instead_of:
            await execute("DELETE FROM app_session WHERE id_hash = $1", id_hash(instead_of))
        await execute(
            "INSERT INTO app_session (id_hash, contact, data, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
            id_hash(id), contact, b"", at, at + IDLE,
        )  # fmt: skip
        await execute("UPDATE customer_account SET signed_in_at = $2 WHERE contact = $1", contact, at)
    return id


async def close_customer_sessions(contact: int) -> None:
    """Sign a person out everywhere; joins the transaction it is called in."""
    await execute("DELETE FROM app_session WHERE contact = $1", contact)
