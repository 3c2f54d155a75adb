"""Which ticket a mail goes on with, and whether its sender belongs there (clause 7.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

import msgspec

from notifications.mail.parsed import ParsedMail
from service.database import fetch, fetchrow
from service.house import HOUSE
from service.people import Customer

Row = Mapping[str, Any]
How = Literal["letter", "message", "number"]

# «Заявка#2026-00001», also with a blank of any kind, with №, or with nothing between.
TOKEN = re.compile(r"(?i)(?<!\w)(?:заявк[аиуе]|ticket)\s{0,5}[#№]?\s{0,5}([A-Z0-9][A-Z0-9-]{0,59})(?!\w)")
MOST_IDS = 50
MOST_TOKENS = 5


class Thread(msgspec.Struct, frozen=True):
    """A ticket a mail points at, what pointed there, and whether the sender has anything to do with it."""

    ticket: UUID
    how: How
    belongs: bool


async def find_thread(mail: ParsedMail, *, sender: str, customer: Customer | None) -> Thread | None:
    """The ticket this mail goes on with: by a Message-ID of ours, by one we know, by the number in the subject.

    A Message-ID of ours cannot be guessed, so it is its own proof; the other two let in only who belongs to the ticket.
    One that is shaped as ours under a seal that is not is a stranger's, unless something else lets its sender in.
    """
    ids = _ids(mail)
    if ours := await _by_our_letters(ids):
        return Thread(ours, "letter", belongs=True)
    known: Thread | None = None
    pointers: tuple[tuple[How, list[Row]], ...] = (
        ("letter", await _by_claims(ids)),
        ("message", await _by_messages(ids)),
        ("number", await _by_numbers(mail.subject)),
    )
    for how, rows in pointers:
        for row in rows:
            found = Thread(row["id"], how, _belongs(row, sender, customer))
            if found.belongs:
                return found
            known = known or found
    return known


async def thread_of_letter(letter: UUID | None) -> Thread | None:
    """The ticket of a letter of ours whose bounce address a mail came to: nobody can guess such an address."""
    row = await fetchrow("SELECT ticket FROM letter WHERE id = $1 AND ticket IS NOT NULL", letter) if letter else None
    return Thread(row["ticket"], "letter", belongs=True) if row else None


def _ids(mail: ParsedMail) -> list[str]:
    """What the mail answers, the nearest first."""
    return list(dict.fromkeys((*mail.in_reply_to, *reversed(mail.references))))[:MOST_IDS]


async def _by_our_letters(ids: list[str]) -> UUID | None:
    for id in ids:
        ticket = HOUSE.ticket_of_message_id(id)
        if ticket and await fetchrow("SELECT id FROM ticket WHERE id = $1", ticket):
            return ticket
    return None


WHO = "SELECT t.id, t.email, t.contact, t.organisation FROM ticket t"


async def _by_claims(ids: list[str]) -> list[Row]:
    """The tickets that Message-IDs speak of which look like ours and bear no seal of ours."""
    claimed = [ticket for id in ids if (ticket := HOUSE.ticket_claimed_by(id))]
    return await fetch(f"{WHO} WHERE t.id = ANY($1) ORDER BY array_position($1, t.id)", claimed) if claimed else []


async def _by_messages(ids: list[str]) -> list[Row]:
    if not ids:
        return []
    return await fetch(
        f"{WHO} JOIN message m ON m.ticket = t.id WHERE m.letter_id = ANY($1) AND m.letter_id <> '' "
        "ORDER BY array_position($1, m.letter_id), m.at DESC LIMIT 10",
        ids,
    )


async def _by_numbers(subject: str) -> list[Row]:
    """Only numbers that were given count: a customer's own system has numbers of its own."""
    numbers = [found.upper().rstrip("-") for found in TOKEN.findall(subject)][:MOST_TOKENS]
    if not numbers:
        return []
    return await fetch(f"{WHO} WHERE t.number = ANY($1) ORDER BY array_position($1, t.number)", numbers)


def _belongs(row: Row, sender: str, customer: Customer | None) -> bool:
    """The ticket's own address, its contact, or anybody of its organisation."""
    if sender and sender.lower() == row["email"].lower():
        return True
    if customer is None:
        return False
    same_person = customer.contact is not None and customer.contact == row["contact"]
    same_house = customer.organisation is not None and customer.organisation == row["organisation"]
    return same_person or same_house
