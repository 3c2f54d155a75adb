"""Two records of one person become one: the addresses, and what is open, go over to the one that stays."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from service import bell, config_journal
from service.actors import Actor
from service.customer_sessions import close_customer_sessions
from service.database import DB, execute, fetch, retried
from service.people import customer_by_name
from service.regulations import RULEBOOKS
from service.tickets import References, act, locked
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.machine import MACHINE
from workflow.words import _

CONTACTS = "SELECT id, organisation, full_name, position, phone FROM contact WHERE id = ANY($1) ORDER BY id FOR UPDATE"


@retried
async def merge_contacts(into: int, other: int, *, by: Actor, at: datetime) -> list[str]:
    """Make one person of two: `into` stays and gets every address of `other`; the addresses that went over.

    Open tickets of `other` are identified anew, each in its journal; closed ones are never rewritten, and `other` is
    kept, without an address, only for them. Raises NotFound, and WrongFields for people of different organisations.
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
        gone = await execute(
            "DELETE FROM contact WHERE id = $1 AND NOT EXISTS (SELECT FROM ticket WHERE contact = $1)", other
        )
        facts = {
            "other": other,
            "addresses": addresses,
            "tickets": [str(id) for id in tickets],
            "removed": bool(gone),
        }
        await config_journal.note(by=by, at=at, act="contact.merge", subject=f"contact {into}", data=facts)
    if tickets:
        await bell.ring("send_webhooks")
    return addresses


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


async def _identify_open(into: int, other: int, organisation: int | None, *, by: Actor, at: datetime) -> list[UUID]:
    """The open tickets of the other record, told in their own journals whose they are."""
    if organisation is None:
        return []
    customer = await customer_by_name(str(organisation), str(into), at=at)
    given = {"organisation": str(organisation), "contact": str(into)}
    told: list[UUID] = []
    for row in await fetch("SELECT id FROM ticket WHERE contact = $1 ORDER BY id", other):
        change, version, _number = await locked(row["id"], at=at, cause=f"merge:{into}:{other}")
        if "identify" not in MACHINE.possible(change.facts, by=by.role):
            continue
        await RULEBOOKS.know(version)
        act(change, "identify", by=by, given=given, in_force=version, found=References(customer=customer))
        await change.write()
        told.append(row["id"])
    return told
