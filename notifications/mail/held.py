"""The tray of held mail: what waits for a person, and the ways out, one call each, every one journaled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from notifications.mail.reading import parsed_of
from notifications.mail.showing import show
from notifications.mail.stored import SELECT, Outcome, StoredMail, read_row, sender_of, settle
from notifications.mail.taking import go_on, judged, take_in, writer
from service import bell, config_journal
from service.actors import Actor
from service.database import DB, execute, fetch, fetchrow, fetchval, retried
from service.people import customer_by_address
from service.regulations import RULEBOOKS, in_force
from service.tickets import References, act, locked
from workflow.errors import NotFound, Refusal
from workflow.words import _

__all__ = [
    "AlreadySettled", "HeldMail", "KnownSender", "TakesNoMore", "drop", "join", "learn_sender", "list_held",
    "make_ticket", "mark_spam", "read_again", "show", "take_back",
]  # fmt: skip

FOLLOW_UP = "follow_up"  # both what a mail was taken for, and the relation of the ticket that comes of it
LEAVABLE = ("held", "failed", "spam", "dropped")  # set aside, by us or by a person, and not yet a part of a ticket


class AlreadySettled(Refusal):
    """Somebody was faster, or it never waited."""

    code = "mail_settled"
    sentence = _("This mail does not wait any more: it is “{status}”.")


class TakesNoMore(Refusal):
    """A closed ticket is final (4.3)."""

    code = "ticket_takes_no_more"
    sentence = _("The ticket takes no more messages from you: make a linked ticket of the mail.")


class KnownSender(Refusal):
    """An address belongs to one person."""

    code = "known_sender"
    sentence = _("“{address}” belongs to a contact already.")


class HeldMail(msgspec.Struct, frozen=True):
    """A mail in the tray. `ticket` is what it points at, if anything; `due_at` when somebody is told that it waits."""

    id: UUID
    received_at: datetime
    sender: str
    subject: str
    status: str
    kind: str
    reason: str
    ticket: UUID | None
    number: str | None
    due_at: datetime | None


async def list_held(*, statuses: tuple[str, ...] = ("held", "failed"), limit: int = 200) -> list[HeldMail]:
    """What waits, the oldest first."""
    rows = await fetch(
        "SELECT m.id, m.received_at, m.sender, m.subject, m.status, m.kind, m.reason, m.ticket, t.number, w.due_at "
        "FROM mail m LEFT JOIN ticket t ON t.id = m.ticket "
        "LEFT JOIN timer w ON w.subject = m.id AND w.status = 'armed' "
        "WHERE m.status = ANY($1) ORDER BY m.received_at, m.id LIMIT $2",
        list(statuses),
        limit,
    )
    return [HeldMail(**row) for row in rows]


@retried
async def make_ticket(mail: UUID, *, by: Actor, at: datetime) -> UUID:
    """Make a ticket of a held mail, with its acceptance letter; its clock runs from the mail's arrival (6.3).

    A mail to a closed ticket becomes a linked follow-up. Raises NotFound, AlreadySettled and the intake's refusals.
    """
    async with DB.transaction(allow_nested=False):
        held = await _locked(mail)
        parsed = await parsed_of(held)
        known = await customer_by_address(sender_of(held, parsed), at=at)
        taken = await judged(parsed, await in_force(at=at))
        ticket, _wait = await take_in(held, parsed, known, taken, by=by, at=at)
        if held.kind == FOLLOW_UP and held.ticket is not None:
            await _link(ticket.id, held.ticket, held, by=by, at=at)
        await settle(held, Outcome(status="done", kind=held.kind, reason=held.reason, ticket=ticket.id), at=at)
        await _note("mail.ticket", held, {"ticket": str(ticket.id)}, by=by, at=at)
    await _ring()
    return ticket.id


@retried
async def join(mail: UUID, ticket: UUID, *, by: Actor, at: datetime) -> UUID:
    """Add a held mail to a ticket as what its customer said. Raises NotFound, AlreadySettled, TakesNoMore."""
    async with DB.transaction(allow_nested=False):
        held = await _locked(mail)
        parsed = await parsed_of(held)
        known = await customer_by_address(sender_of(held, parsed), at=at)
        taken = await judged(parsed, await in_force(at=at))
        author = writer(held, parsed, known).name
        outcome = await go_on(held, parsed, ticket, taken, by=by, author=author, at=at)
        if outcome is None:
            raise TakesNoMore()
        await settle(held, outcome, at=at)
        await _note("mail.join", held, {"ticket": str(ticket)}, by=by, at=at)
    await _ring()
    return ticket


async def mark_spam(mail: UUID, *, by: Actor, at: datetime) -> None:
    """Set a mail aside as spam; no letter, and it can be taken out again. Raises NotFound, AlreadySettled."""
    await _set_aside(mail, "spam", by=by, at=at)


async def drop(mail: UUID, *, by: Actor, at: datetime) -> None:
    """Set a mail aside as nobody's business; its bytes are kept. Raises NotFound, AlreadySettled."""
    await _set_aside(mail, "dropped", by=by, at=at)


async def take_back(mail: UUID, *, by: Actor, at: datetime) -> None:
    """Let a mail that was set aside wait for a decision again. Raises NotFound, AlreadySettled."""
    await _set_aside(mail, "held", by=by, at=at)


@retried
async def _set_aside(mail: UUID, status: str, *, by: Actor, at: datetime) -> None:
    async with DB.transaction(allow_nested=False):
        held = await _locked(mail)
        await settle(held, Outcome(status=status, kind=held.kind, reason=held.reason, ticket=held.ticket), at=at)
        await _note(f"mail.{status}", held, {}, by=by, at=at)


@retried
async def learn_sender(
    mail: UUID, *, by: Actor, at: datetime, organisation: int, contact: int | None = None, full_name: str = ""
) -> int:
    """Know this sender from now on: one more address of a contact, or a new contact; the contact's id.

    The mail stays where it is. Raises NotFound, KnownSender.
    """
    async with DB.transaction(allow_nested=False):
        row = await fetchrow(f"{SELECT} WHERE id = $1", mail)
        if row is None:
            raise NotFound()
        address = read_row(row).sender.lower()
        if not address or await fetchrow("SELECT id FROM contact_address WHERE address = $1", address):
            raise KnownSender(address=address)
        person = await _contact(contact, organisation, full_name or address, at=at)
        await execute("INSERT INTO contact_address (address, contact) VALUES ($1, $2)", address, person)
        facts = {"contact": str(person), "organisation": str(organisation)}
        await _note("mail.learn_sender", read_row(row), facts, by=by, at=at)
    return person


async def _contact(contact: int | None, organisation: int, full_name: str, *, at: datetime) -> int:
    if await fetchrow("SELECT id FROM organisation WHERE id = $1 AND merged_into IS NULL", organisation) is None:
        raise NotFound()
    if contact is None:
        made: int = await fetchval(
            "INSERT INTO contact (organisation, full_name, position, phone, language, created_at) "
            "VALUES ($1, $2, '', '', 'ru', $3) RETURNING id",
            organisation, full_name[:500], at,
        )  # fmt: skip
        return made
    if await fetchrow("SELECT id FROM contact WHERE id = $1 AND organisation = $2", contact, organisation) is None:
        raise NotFound()
    return contact


@retried
async def read_again(mail: UUID, *, by: Actor, at: datetime) -> None:
    """Let the job read a failed mail once more. Raises NotFound, AlreadySettled."""
    async with DB.transaction(allow_nested=False):
        held = await _locked(mail)
        await settle(held, Outcome(status="stored", kind=""), at=at)
        await execute("UPDATE mail SET attempts = 0 WHERE id = $1", mail)
        await _note("mail.read_again", held, {}, by=by, at=at)
    await bell.ring("ingest_mail")


async def _locked(mail: UUID) -> StoredMail:
    """The mail under its lock, still waiting: of two who click one comes first."""
    row = await fetchrow(f"{SELECT} WHERE id = $1 FOR NO KEY UPDATE", mail)
    if row is None:
        raise NotFound()
    held = read_row(row)
    if held.status not in LEAVABLE:
        raise AlreadySettled(status=held.status)
    return held


async def _link(ticket: UUID, other: UUID, held: StoredMail, *, by: Actor, at: datetime) -> None:
    change, version, _number = await locked(ticket, at=at, cause=f"{held.cause}:link")
    await RULEBOOKS.know(version)
    given = {"ticket": str(other), "relation": FOLLOW_UP}
    act(change, "link", by=by, given=given, in_force=version, found=References(other=other))
    await change.write()


async def _note(what: str, held: StoredMail, data: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    facts = {"kind": held.kind, "was": held.status, **data}
    await config_journal.note(by=by, at=at, act=what, subject=f"mail {held.id}", data=facts)


async def _ring() -> None:
    await bell.ring("send_letters")
    await bell.ring("send_webhooks")
