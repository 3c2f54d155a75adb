"""Two records of one person become one: the addresses, and what is open, go over to the one that stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service import bell, config_journal
from service.actors import Actor
from service.customer_sessions import close_customer_sessions
from service.database import DB, execute, fetch, retried
from service.directory import line
from service.people import customer_by_name
from service.regulations import RULEBOOKS
from service.tickets import References, act, locked
from service.whole_numbers import whole_number
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.machine import MACHINE
from workflow.words import _

CONTACTS = """
SELECT id, organisation, full_name, position, phone FROM contact
WHERE id = ANY($1) AND merged_into IS NULL ORDER BY id FOR UPDATE
"""


@retried
async def merge_contacts(into: int, other: int, *, by: Actor, at: datetime) -> list[str]:
    """Make one person of two: `into` stays and gets every address of `other`; the addresses that went over.

    Open tickets of `other` are identified anew, each in its journal; closed ones are never rewritten: `other` is kept
    only for them, without a name, and whoever sees the tickets of `into` sees them too. Raises NotFound, and
    WrongFields for people of different organisations.
    """
    if into == other:
        raise WrongFields([FieldError("other", _("A contact cannot be merged with itself."), {})])
    async with DB.transaction(allow_nested=False):
        found = {row["id"]: row for row in await fetch(CONTACTS, [into, other])}
        if len(found) < 2:
            raise NotFound()
        organisation = _organisation(found[into], found[other])
        await _complete(found[into], found[other], organisation)
        moved = await fetch("UPDATE contact_address SET contact = $1 WHERE contact = $2 RETURNING address", into, other)
        addresses = sorted(row["address"] for row in moved)
        await _hand_over_account(into, other)
        tickets = await _identify_open(into, other, organisation, by=by, at=at)
        await _leave(into, other)
        told = [str(id) for id in tickets]
        facts = {"other": other, "addresses": len(addresses), "tickets": told}  # addresses may have to be forgotten
        await config_journal.note(by=by, at=at, act="contact.merge", subject=f"contact {into}", data=facts)
    if tickets:
        await bell.ring("send_webhooks")
    return addresses


OTHER = """
SELECT p.id FROM contact p WHERE p.merged_into IS NULL AND p.full_name <> '' AND (
    p.id = $3 OR p.id = (SELECT contact FROM contact_address WHERE address = lower($2))
    OR (p.id <> $1 AND lower(p.full_name) = lower($2)
        AND p.organisation IS NOT DISTINCT FROM (SELECT organisation FROM contact WHERE id = $1)))
ORDER BY p.id LIMIT 2
"""


async def other_record(contact: int, named: str) -> int:
    """The record that stands beside that of `contact` under an id, an address, or a name that nobody else there has.

    Raises WrongFields.
    """
    named = line("other", named)
    found = await fetch(OTHER, contact, named, whole_number(named))
    if len(found) == 1:
        return int(found[0]["id"])
    sentence = _("Several people are called “{value}”: give an address.") if found else _("There is nobody “{value}”.")
    raise WrongFields([FieldError("other", sentence, {"value": named[:100]})])


def _organisation(into: Any, other: Any) -> int | None:
    places = {row["organisation"] for row in (into, other)} - {None}
    if len(places) > 1:
        raise WrongFields([FieldError("other", _("These two people belong to different organisations."), {})])
    return next(iter(places), None)


async def _complete(into: Any, other: Any, organisation: int | None) -> None:
    """What only the other record knew is not lost."""
    await execute(
        "UPDATE contact SET organisation = $2, position = $3, phone = $4 WHERE id = $1",
        into["id"], organisation, into["position"] or other["position"], into["phone"] or other["phone"],
    )  # fmt: skip


async def _hand_over_account(into: int, other: int) -> None:
    """One person has one account: his own if he has one, else that of the other record; its browsers are signed out."""
    await close_customer_sessions(other)
    await execute(
        "UPDATE customer_account SET contact = $1 WHERE contact = $2 "
        "AND NOT EXISTS (SELECT FROM customer_account WHERE contact = $1)",
        into, other,
    )  # fmt: skip
    await execute("DELETE FROM customer_account WHERE contact = $1", other)
    await execute("UPDATE account_link SET contact = $1 WHERE contact = $2", into, other)


async def _identify_open(into: int, other: int, organisation: int | None, *, by: Actor, at: datetime) -> list[UUID]:
    if organisation is None:
        return []
    rows = await fetch("SELECT id FROM ticket WHERE contact = $1 AND closed_at IS NULL ORDER BY id", other)
    tickets = [row["id"] for row in rows]
    return await identify_anew(tickets, organisation, into, by=by, at=at, cause=f"merge:{into}:{other}")


async def _leave(into: int, other: int) -> None:
    """The record stays for the closed tickets and the acts that name it, and for nothing else."""
    await execute("UPDATE contact SET merged_into = $1 WHERE merged_into = $2", into, other)
    await execute(
        "UPDATE contact SET merged_into = $1, full_name = '', position = '', phone = '' WHERE id = $2", into, other
    )


async def identify_anew(
    tickets: Sequence[UUID], organisation: int, contact: int | None, *, by: Actor, at: datetime, cause: str
) -> list[UUID]:
    """Tell open tickets, in their own journals, whose they are; those that took it. Joins the transaction.

    Without `contact` each keeps its own.
    """
    known = await customer_by_name(str(organisation), str(contact) if contact else "", at=at)
    told: list[UUID] = []
    for id in tickets:
        change, version, _number = await locked(id, at=at, cause=cause)
        if "identify" not in MACHINE.possible(change.facts, by=by.role):
            continue
        customer = msgspec.structs.replace(known, contact=contact or change.ticket.contact)
        await RULEBOOKS.know(version)
        given = {"organisation": str(organisation)}
        act(change, "identify", by=by, given=given, in_force=version, found=References(customer=customer))
        await change.write()
        told.append(id)
    return told
