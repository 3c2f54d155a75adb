"""Where one person of a customer is told of: whole tickets, words in the tickets of others, letters, mails, files."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from service.database import fetch
from workflow.errors import NotFound


class Reach(msgspec.Struct):
    """Where a person is told of. `records` are the contact and those that were merged into it."""

    records: list[int]
    addresses: list[str]
    tickets: list[UUID] = []  # his own
    messages: list[UUID] = []  # what he wrote in the tickets of others
    elsewhere: list[UUID] = []  # those tickets
    addressed: list[UUID] = []  # tickets of others that were written under an address of his
    letters: list[UUID] = []
    deliveries: list[int] = []
    mails: list[UUID] = []
    files: list[str] = []
    message_ids: list[str] = []
    open: int = 0


RECORDS = "SELECT id FROM contact WHERE (id = $1 AND merged_into IS NULL) OR merged_into = $1 ORDER BY id FOR UPDATE"
OWN = """
SELECT id, lower(email) AS email, closed_at FROM ticket WHERE contact = ANY($1)
    OR (contact IS NULL AND lower(email) = ANY($2)) ORDER BY id FOR UPDATE
"""
# An address that somebody else has today is told of that person.
OTHERS = "SELECT address FROM contact_address WHERE address = ANY($1) AND contact <> ALL($2)"
WORDS = """
SELECT m.id, m.ticket, m.text, t.closed_at FROM message m JOIN ticket t ON t.id = m.ticket
WHERE m.ticket <> ALL($3) AND m.direction = 'in' AND m.id IN (
    SELECT s.id FROM journal j JOIN message s ON s.ticket = j.ticket AND s.seq = j.seq
    WHERE j.actor_kind = 'customer' AND j.actor_id <> '' AND j.actor_id = ANY($1)
    UNION SELECT s.id FROM mail x JOIN message s ON s.ticket = x.ticket AND s.mail = x.id
    WHERE x.sender <> '' AND lower(x.sender) = ANY($2))
"""
# A message that was split off stands in the new ticket once more.
SPLIT_OFF = """
SELECT m.id, m.ticket, t.closed_at
FROM ticket_link l JOIN message m ON m.ticket = l.ticket JOIN ticket t ON t.id = l.ticket
WHERE l.relation = 'split' AND l.other = ANY($1) AND l.ticket <> ALL($2) AND m.direction = 'in' AND m.text = ANY($3)
"""
ADDRESSED = "SELECT id, closed_at FROM ticket WHERE lower(email) = ANY($1) AND id <> ALL($2)"
LETTERS = "SELECT id, letter_id FROM letter WHERE ticket = ANY($1) OR lower(recipient) = ANY($2)"
# With the digests that carried notices of his tickets.
DELIVERIES = """
WITH own AS (SELECT id, digest FROM outbox WHERE channel = 'letter' AND (ticket = ANY($1) OR event_id = ANY($2)))
SELECT o.id, o.event_id FROM outbox o WHERE o.id IN (SELECT id FROM own UNION SELECT digest FROM own)
"""
MAILS = """
SELECT id, status FROM mail WHERE ticket = ANY($1) OR (sender <> '' AND lower(sender) = ANY($2))
    OR lower(envelope_from) = ANY($2)
"""
WAITING = ("stored", "held", "failed")
FILES = "SELECT DISTINCT sha256 FROM attachment WHERE (ticket = ANY($1) OR message = ANY($2)) AND sha256 <> ''"


async def reach_of(contact: int) -> Reach:
    """Everything that tells of the person, under the locks of his records and tickets. Raises NotFound."""
    records = [row["id"] for row in await fetch(RECORDS, contact)]
    if contact not in records:
        raise NotFound()
    known = await fetch("SELECT address FROM contact_address WHERE contact = ANY($1)", records)
    reach = Reach(records, [row["address"] for row in known])
    own = await fetch(OWN, reach.records, reach.addresses)
    reach.tickets = [row["id"] for row in own]
    reach.addresses = await _addresses(reach, [row["email"] for row in own])
    going_on = sum(row["closed_at"] is None for row in own)
    going_on += await _find_words(reach) + await _find_addressed(reach)
    await _find_letters(reach)
    mails = await fetch(MAILS, reach.tickets, reach.addresses)
    reach.mails = [row["id"] for row in mails]
    reach.open = going_on + sum(row["status"] in WAITING for row in mails)
    held = await fetch(FILES, reach.tickets, reach.messages)
    reach.files = [row["sha256"] for row in held]
    return reach


async def _addresses(reach: Reach, used: Sequence[str]) -> list[str]:
    """Those he has, and those he wrote under once."""
    wanted = {*reach.addresses, *used} - {""}
    others = await fetch(OTHERS, list(wanted), reach.records)
    return sorted(wanted - {row["address"] for row in others})


async def _find_words(reach: Reach) -> int:
    """What he wrote in the tickets of others; how many of them are open."""
    rows = await fetch(WORDS, [str(id) for id in reach.records], reach.addresses, reach.tickets)
    tickets = [row["ticket"] for row in rows]
    rows += await fetch(SPLIT_OFF, tickets, reach.tickets, [row["text"] for row in rows])
    reach.messages = [row["id"] for row in rows]
    reach.elsewhere = sorted({row["ticket"] for row in rows})
    return len({row["ticket"] for row in rows if row["closed_at"] is None})


async def _find_addressed(reach: Reach) -> int:
    rows = await fetch(ADDRESSED, reach.addresses, reach.tickets)
    reach.addressed = [row["id"] for row in rows]
    return sum(row["closed_at"] is None for row in rows)


async def _find_letters(reach: Reach) -> None:
    letters = await fetch(LETTERS, reach.tickets, reach.addresses)
    deliveries = await fetch(DELIVERIES, reach.tickets, [str(row["id"]) for row in letters])
    reach.deliveries = [row["id"] for row in deliveries]
    ids = [row["event_id"] for row in deliveries]
    carried = await fetch("SELECT id, letter_id FROM letter WHERE id::text = ANY($1)", ids)
    told = {row["id"]: row["letter_id"] for row in (*letters, *carried)}
    reach.letters, reach.message_ids = list(told), list(told.values())
