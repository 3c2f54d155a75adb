"""A person's data is blanked when he asks for it; what was done stays in the journal, and its chain stays valid."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec

from service import config_journal, mailbox
from service.actors import Actor
from service.database import DB, execute, fetch, fetchval, retried
from service.files import SHELF
from service.personal_reach import Reach, reach_of
from workflow.errors import Refusal
from workflow.words import _

ERASED = _("erased on request")


class StillOpen(Refusal):
    """Work that goes on needs the person."""

    code = "still_open"
    sentence = _(
        "Work that goes on still needs this person: open tickets of theirs, open tickets in which they wrote, or mail "
        "that waits in the tray ({count}). Finish it first."
    )


class Erased(msgspec.Struct, frozen=True):
    """How much was blanked: whole tickets, and messages in them and in the tickets of colleagues."""

    tickets: int
    messages: int


@retried
async def erase(contact: int, *, by: Actor, at: datetime) -> Erased:
    """Blank a person everywhere: all of it, or none of it. What colleagues wrote on his tickets goes too.

    Raises NotFound, and StillOpen while something that goes on needs the person.
    """
    async with DB.transaction(allow_nested=False):
        reach = await reach_of(contact)
        if reach.open:
            raise StillOpen(count=str(reach.open))
        messages = await _blank_tickets(reach) + await _blank_words_elsewhere(reach)
        await _blank_letters(reach)
        await _blank_mails(reach)
        await _forget_answers(reach)
        await _forget_person(reach)
        erased = Erased(len(reach.tickets), messages)
        data = msgspec.to_builtins(erased)
        await config_journal.note(by=by, at=at, act="contact.erase", subject=f"contact {contact}", data=data)
    await _remove_files(reach.files)
    await asyncio.to_thread(mailbox.remove, SHELF.mailbox, frozenset(reach.message_ids))
    return erased


# --- blanking: numbers, states, instants and hashes stay ------------------------------------------------------------

OF_OWN_TICKETS = (
    "UPDATE ticket SET subject = '', text = '', full_name = '', position = '', phone = '', email = '', thread = '[]', "
    "organisation_name = CASE WHEN organisation IS NULL THEN '' ELSE organisation_name END WHERE id = ANY($1)",
    "UPDATE journal SET actor_name = '' WHERE ticket = ANY($1) AND actor_kind = 'customer' AND actor_name <> ''",
)
NAMELESS = f"UPDATE attachment SET filename = '', sha256 = '', refused = '{ERASED}'"
WORDLESS = "UPDATE message SET author = '', text = '', reply = '', html = '', letter_id = ''"
# What the search finds is made anew from what is left.
SEARCH = """
UPDATE ticket t SET search = to_tsvector('russian', left(concat_ws(E'\\n', t.number, t.subject, t.organisation_name,
    t.full_name, t.email, (SELECT string_agg(m.text, E'\\n') FROM message m WHERE m.ticket = t.id)), 200000))
WHERE t.id = ANY($1)
"""


async def _blank_tickets(reach: Reach) -> int:
    messages = await execute(f"{WORDLESS} WHERE ticket = ANY($1)", reach.tickets)
    await execute(f"{NAMELESS} WHERE ticket = ANY($1)", reach.tickets)
    for statement in OF_OWN_TICKETS:
        await execute(statement, reach.tickets)
    await execute(SEARCH, reach.tickets)
    return messages


async def _blank_words_elsewhere(reach: Reach) -> int:
    spoken = await fetch("SELECT text, letter_id FROM message WHERE id = ANY($1)", reach.messages)
    threads = [row["letter_id"] for row in spoken if row["letter_id"]]
    messages = await execute(f"{WORDLESS} WHERE id = ANY($1)", reach.messages)
    await execute(f"{NAMELESS} WHERE message = ANY($1)", reach.messages)
    await execute(
        "UPDATE ticket SET thread = thread - $2::text[], text = CASE WHEN text = ANY($3) THEN '' ELSE text END "
        "WHERE id = ANY($1)",
        reach.elsewhere, threads, [row["text"] for row in spoken],
    )  # fmt: skip
    await execute("UPDATE ticket SET email = '' WHERE id = ANY($1)", reach.addressed)
    await execute(SEARCH, [*reach.elsewhere, *reach.addressed])
    await execute(
        "UPDATE journal SET actor_name = '' WHERE actor_kind = 'customer' AND actor_id = ANY($1) AND actor_name <> ''",
        [str(id) for id in reach.records],
    )
    return messages


async def _blank_letters(reach: Reach) -> None:
    await execute(
        "UPDATE letter SET recipient = '', subject = '', text = '', "
        "bounced = CASE WHEN bounced = '' THEN '' ELSE 'undeliverable' END WHERE id = ANY($1)",
        reach.letters,
    )
    await execute(
        "UPDATE outbox SET body = '', recipients = '[]', files = '[]', last_error = '', status = CASE WHEN status IN "
        "('delivered', 'merged') THEN status ELSE 'cancelled' END WHERE id = ANY($1)",
        reach.deliveries,
    )
    await execute("UPDATE attempt SET error = '', response_head = '' WHERE outbox = ANY($1)", reach.deliveries)
    await execute(
        "UPDATE signed_link SET recipient = '' WHERE ticket = ANY($1) OR lower(recipient) = ANY($2)",
        reach.tickets, reach.addresses,
    )  # fmt: skip


async def _blank_mails(reach: Reach) -> None:
    await execute(
        "UPDATE mail SET original = '', sender = '', subject = '', envelope_from = '', recipients = '[]', reason = '', "
        "message_id = '' WHERE id = ANY($1)",
        reach.mails,
    )
    keys = [str(id) for id in (*reach.mails, *reach.letters)]
    await execute(
        "UPDATE alarm SET params = $2, cleared_at = coalesce(cleared_at, at) WHERE key = ANY($1)",
        keys, '{"subject": "", "why": ""}',
    )  # fmt: skip


async def _forget_answers(reach: Reach) -> None:
    """What programs were answered under a key, and could be answered again."""
    told = [str(id) for id in (*reach.tickets, *reach.elsewhere, *reach.addressed)] + reach.addresses
    await execute(
        "DELETE FROM idem WHERE EXISTS (SELECT FROM unnest($1::text[]) AS told "
        "WHERE position(convert_to(told, 'UTF8') IN response) > 0)",
        told,
    )


async def _forget_person(reach: Reach) -> None:
    """The record itself stays without a name, because closed tickets point at it."""
    for statement in (
        "DELETE FROM app_session WHERE contact = ANY($1)",
        "DELETE FROM customer_account WHERE contact = ANY($1)",
        "DELETE FROM account_link WHERE contact = ANY($1)",
        "DELETE FROM contact_address WHERE contact = ANY($1)",
        "UPDATE contact SET full_name = '', position = '', phone = '' WHERE id = ANY($1)",
    ):
        await execute(statement, reach.records)
    await execute("DELETE FROM account_link WHERE address = ANY($1)", reach.addresses)


async def _remove_files(held: Sequence[str]) -> None:
    """Take from the shelf what no other ticket shows: the same picture may have been sent by somebody else."""
    for sha256 in held:
        if not await fetchval("SELECT EXISTS (SELECT FROM attachment WHERE sha256 = $1)", sha256):
            await asyncio.to_thread(SHELF.place(sha256).unlink, missing_ok=True)
