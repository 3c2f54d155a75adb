"""A person's data is blanked when he asks for it; what was done stays in the journal, and its chain stays valid."""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

import msgspec

from service import config_journal
from service.actors import Actor
from service.customer_sessions import close_customer_sessions
from service.database import DB, execute, fetch, fetchval, retried
from service.files import SHELF
from workflow.errors import NotFound, Refusal
from workflow.words import _

ERASED = _("erased on request")


class StillOpen(Refusal):
    """Work that goes on needs the person."""

    code = "still_open"
    sentence = _("This person has open tickets ({count}): close them first, they need the name and the address.")


class Erased(msgspec.Struct, frozen=True):
    """How much was blanked."""

    tickets: int
    messages: int


# Each of these blanks texts and names of the tickets in $1; numbers, states, instants and hashes stay.
BLANK = (
    "UPDATE ticket SET subject = '', text = '', full_name = '', position = '', phone = '', email = '', thread = '[]', "
    "search = to_tsvector('russian', coalesce(number, '') || ' ' || organisation_name) WHERE id = ANY($1)",
    f"UPDATE attachment SET filename = '', sha256 = '', refused = '{ERASED}' WHERE ticket = ANY($1)",
    "UPDATE letter SET recipient = '', subject = '', text = '' WHERE ticket = ANY($1)",
    "UPDATE outbox SET body = '', recipients = '[]', status = CASE WHEN status IN ('delivered', 'merged') THEN status "
    "ELSE 'cancelled' END WHERE ticket = ANY($1) AND channel = 'letter'",
    "UPDATE mail SET original = '', sender = '', subject = '', envelope_from = '', recipients = '[]' "
    "WHERE ticket = ANY($1)",
    "UPDATE signed_link SET recipient = '' WHERE ticket = ANY($1)",
    "UPDATE journal SET actor_name = '' WHERE ticket = ANY($1) AND actor_kind = 'customer' AND actor_name <> ''",
    "DELETE FROM idem WHERE convert_from(response, 'UTF8')::jsonb ->> 'id' = ANY(SELECT unnest($1::uuid[])::text)",
)
TICKETS = """
SELECT id, closed_at FROM ticket t WHERE t.contact = $1 OR (t.contact IS NULL AND lower(t.email) IN
    (SELECT address FROM contact_address WHERE contact = $1)) ORDER BY id FOR UPDATE
"""


@retried
async def erase(contact: int, *, by: Actor, at: datetime) -> Erased:
    """Blank a person everywhere: all of it, or none of it. What colleagues wrote on his tickets goes too.

    Raises NotFound, and StillOpen while a ticket of his is open.
    """
    async with DB.transaction(allow_nested=False):
        if not await fetchval("SELECT EXISTS (SELECT FROM contact WHERE id = $1 FOR UPDATE)", contact):
            raise NotFound()
        rows = await fetch(TICKETS, contact)
        if still := sum(row["closed_at"] is None for row in rows):
            raise StillOpen(count=str(still))
        tickets: list[UUID] = [row["id"] for row in rows]
        held = await fetch("SELECT DISTINCT sha256 FROM attachment WHERE ticket = ANY($1) AND sha256 <> ''", tickets)
        messages = await execute(
            "UPDATE message SET author = '', text = '', reply = '', html = '' WHERE ticket = ANY($1)", tickets
        )
        for statement in BLANK:
            await execute(statement, tickets)
        await _forget(contact)
        erased = Erased(len(tickets), messages)
        data = msgspec.to_builtins(erased)
        await config_journal.note(by=by, at=at, act="contact.erase", subject=f"contact {contact}", data=data)
    await _remove_files([row["sha256"] for row in held])
    return erased


async def _remove_files(held: list[str]) -> None:
    """Take from the shelf what no other ticket shows: the same picture may have been sent by somebody else."""
    for sha256 in held:
        if not await fetchval("SELECT EXISTS (SELECT FROM attachment WHERE sha256 = $1)", sha256):
            await asyncio.to_thread(SHELF.place(sha256).unlink, missing_ok=True)


async def _forget(contact: int) -> None:
    """The record itself stays without a name, because closed tickets point at it."""
    await close_customer_sessions(contact)
    await execute("DELETE FROM customer_account WHERE contact = $1", contact)
    await execute(
        "DELETE FROM account_link WHERE contact = $1 OR address IN "
        "(SELECT address FROM contact_address WHERE contact = $1)",
        contact,
    )
    await execute(
        "DELETE FROM outbox WHERE ticket IS NULL AND channel = 'letter' AND event_id IN (SELECT id::text FROM letter "
        "WHERE ticket IS NULL AND recipient IN (SELECT address FROM contact_address WHERE contact = $1))",
        contact,
    )
    await execute(
        "DELETE FROM letter WHERE ticket IS NULL AND recipient IN "
        "(SELECT address FROM contact_address WHERE contact = $1)",
        contact,
    )
    await execute("DELETE FROM contact_address WHERE contact = $1", contact)
    await execute("UPDATE contact SET full_name = '', position = '', phone = '' WHERE id = $1", contact)
