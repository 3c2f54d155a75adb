"""Two records of one organisation become one: contracts, people, domains and what is open go to the one that stays."""

from __future__ import annotations

from datetime import datetime

import msgspec

from service import bell, config_journal
from service.actors import Actor
from service.contacts import identify_anew
from service.database import DB, execute, fetch, retried
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.words import _

BOTH = "SELECT id, name, domains FROM organisation WHERE id = ANY($1) AND merged_into IS NULL ORDER BY id FOR UPDATE"


class Merged(msgspec.Struct, frozen=True):
    """How much went over."""

    people: int
    contracts: int
    tickets: int


@retried
async def merge_organisations(into: int, other: int, *, by: Actor, at: datetime) -> Merged:
    """Make one organisation of two: all of it, or none of it.

    Open tickets of `other` are identified anew, each in its journal, with the contract and level that hold now; closed
    ones are never rewritten, and whoever sees the tickets of `into` sees them too. The name of `other` leads to `into`
    from now on. Raises NotFound, WrongFields.
    """
    if into == other:
        raise WrongFields([FieldError("other", _("An organisation cannot be merged with itself."), {})])
    async with DB.transaction(allow_nested=False):
        found = {row["id"]: row for row in await fetch(BOTH, [into, other])}
        if len(found) < 2:
            raise NotFound()
        domains = [one for id in (into, other) for one in msgspec.json.decode(found[id]["domains"], type=list[str])]
        await execute(
            "UPDATE organisation SET domains = $2 WHERE id = $1",
            into, msgspec.json.encode(list(dict.fromkeys(domains))).decode(),
        )  # fmt: skip
        contracts = await execute("UPDATE contract SET organisation = $1 WHERE organisation = $2", into, other)
        people = await execute("UPDATE contact SET organisation = $1 WHERE organisation = $2", into, other)
        await execute("UPDATE organisation SET merged_into = $1 WHERE merged_into = $2", into, other)
        await execute("UPDATE organisation SET merged_into = $1, domains = '[]' WHERE id = $2", into, other)
        rows = await fetch("SELECT id FROM ticket WHERE organisation = $1 AND closed_at IS NULL ORDER BY id", other)
        tickets = await identify_anew(
            [row["id"] for row in rows], into, None, by=by, at=at, cause=f"organisations:{into}:{other}"
        )
        merged = Merged(people, contracts, len(tickets))
        facts = {"other": other, "name": found[other]["name"], **msgspec.structs.asdict(merged)}
        await config_journal.note(by=by, at=at, act="organisation.merge", subject=str(found[into]["name"]), data=facts)
    if tickets:
        await bell.ring("send_webhooks")
    return merged
