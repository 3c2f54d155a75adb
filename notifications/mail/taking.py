"""What a person wrote by mail becomes a ticket, or goes on with one."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from typing import cast
from uuid import UUID

import msgspec

from notifications.mail import brakes
from notifications.mail.parsed import Attachment, ParsedMail
from notifications.mail.stored import Outcome, StoredMail, letter_id_of, sender_of
from notifications.mail.thanks import only_thanks
from service import files, intake
from service.actors import Actor, customer
from service.change import Change, File, Spoken
from service.correspondence import to_customer
from service.database import fetchrow
from service.file_content import REFUSED, AttachmentPolicy, judge, policy_of
from service.house import HOUSE
from service.intake import LONGEST_LINE, Arrival, Request
from service.people import Customer
from service.regulations import RULEBOOKS, in_force
from service.ticket import Ticket
from service.tickets import act, locked
from service.words import Language, translate
from workflow.fields import LONGEST_TEXT
from workflow.machine import MACHINE
from workflow.process import PROCESS
from workflow.regulation import Rulebook

# What a customer's mail may do by itself, the first that is possible.
ANSWERS = ("resume", "reply")
LINKS_AGAIN = 2  # letters with the links of one completion, the first included
CYRILLIC = re.compile("[а-яА-ЯёЁ]")
ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]\\@]+@[^\s<>,;:\"()\[\]\\@]+")  # others are legal, but nobody has them
LATIN = re.compile("[a-zA-Z]")


class NotKept(Exception):
    """The disk did not take a file."""


def writer(mail: StoredMail, parsed: ParsedMail, known: Customer | None) -> Actor:
    """The person behind the mail, as far as known."""
    address = sender_of(mail, parsed)
    told = parsed.from_.name if parsed.from_ else ""
    return customer(
        id="" if known is None or known.contact is None else str(known.contact),
        name=((known.full_name if known else "") or told or address)[:LONGEST_LINE],
        language=(known.language if known else "") or language_of(parsed),
    )


def language_of(parsed: ParsedMail) -> str:
    """The language to answer a stranger in: that of the mail."""
    text = f"{parsed.subject} {parsed.text[:2_000]}"
    if CYRILLIC.search(text):
        return "ru"
    return "en" if LATIN.search(text) else HOUSE.language


def says_nothing(parsed: ParsedMail, taken: list[File]) -> bool:
    """Neither subject nor text nor a file that may be kept."""
    return not parsed.subject.strip() and not parsed.text.strip() and all(file.refused for file in taken)


async def judged(parsed: ParsedMail, rules: Rulebook) -> list[File]:
    """The files of a mail by the policy of clause 7.6: kept when taken, else named with why. Raises NotKept."""
    policy = policy_of(rules.regulation.attachments)
    try:
        return await asyncio.to_thread(lambda: [_judged(one, policy) for one in parsed.attachments])
    except OSError as error:
        raise NotKept(str(error)) from error


def _judged(attachment: Attachment, policy: AttachmentPolicy) -> File:
    verdict = judge(attachment.data, attachment.filename, policy)
    return File(
        filename=attachment.filename[:300],
        content_type=verdict.content_type,
        size=attachment.size,
        sha256=files.keep(attachment.data) if verdict.allowed else "",
        content_id=(attachment.content_id or "")[:300],
        refused=REFUSED[verdict.reason] if verdict.reason else "",
    )


# --- a new request ----------------------------------------------------------------------------------------------------


async def take_in(
    mail: StoredMail, parsed: ParsedMail, known: Customer | None, taken: list[File], *, by: Actor, at: datetime
) -> tuple[Ticket, str]:
    """The ticket of a new request, and why its acceptance letter waits ('' when it goes). Raises WrongFields."""
    rules = await in_force(at=at)
    address = sender_of(mail, parsed)
    person = by.kind == "customer"
    wait = await brakes.why_wait(address, parsed.subject, rules.regulation.brakes, at=at) if person else ""
    told = parsed.from_.name if parsed.from_ and not (known and known.full_name) else ""
    language = cast(Language, (known.language if known else "") or language_of(parsed))
    ticket = await intake.receive(
        Request(
            channel="email",
            subject=parsed.subject[:LONGEST_LINE],
            text=_text(parsed, taken),
            full_name=told[:LONGEST_LINE],
            email=address if ADDRESS.fullmatch(address) else "",
            language=language,
        ),
        by=by,
        at=at,
        cause=mail.cause,
        received_at=mail.received_at,
        arrival=Arrival(
            mail=mail.id,
            letter_id=letter_id_of(parsed),
            reply=_cut(parsed.reply),
            html=parsed.html or "",
            files=tuple(taken),
            refused_files=tuple((file.filename, translate(language, file.refused)) for file in taken if file.refused),
        ),
    )
    if wait:
        await brakes.park_letter(ticket.id, wait)
    return ticket, wait


def _text(parsed: ParsedMail, taken: list[File]) -> str:
    """What was written; a mail that is nothing but a picture is told by the picture's name."""
    return _cut(parsed.text) or parsed.subject or ", ".join(file.filename for file in taken)


def _cut(text: str) -> str:
    """As much as a message holds; the whole stays in the mail's own bytes."""
    text = text.strip()
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


# --- a reply ----------------------------------------------------------------------------------------------------------


async def go_on(
    mail: StoredMail, parsed: ParsedMail, ticket: UUID, taken: list[File], *, by: Actor, author: str, at: datetime
) -> Outcome | None:
    """Add a mail to its ticket, in the transaction we are in; None when the ticket no longer takes any.

    A question that waited is answered by it; else it is a message that somebody must read: whatever it says, it
    confirms nothing and disputes nothing by itself. Thanks are kept with the talk where it goes on, and change nothing.
    """
    thanks = by.kind == "customer" and only_thanks(parsed)
    change, version, _number = await locked(ticket, at=at, cause=mail.cause)
    await RULEBOOKS.know(version)
    possible = MACHINE.possible(change.facts, by=by.role)
    trigger = next((one for one in (ANSWERS[1:] if thanks else ANSWERS) if one in possible), None)
    if trigger is None:
        return Outcome(status="done", kind="thanks", reason="nothing but thanks", ticket=ticket) if thanks else None
    text = _text(parsed, taken) or mail.cause
    act(
        change,
        trigger,
        by=by,
        given={"text": text},
        in_force=version,
        spoken=Spoken(
            direction="in",
            author=author,
            text=text,
            reply=_cut(parsed.reply) or text,
            html=parsed.html or "",
            method="email",
            mail=mail.id,
            letter_id=letter_id_of(parsed),
            asks=not thanks,
        ),
        files=taken,
    )
    if by.kind == "customer" and not thanks and PROCESS.state(change.position.state).runs == "auto_close":
        await _send_links_again(change, by=by, at=at)
    await change.write()
    kind = "thanks" if thanks else trigger
    return Outcome(status="done", kind=kind, reason=f"reply: {trigger}", ticket=ticket)


COMPLETION = """
SELECT k.seq, m.text,
       (SELECT count(*) FROM letter l WHERE l.ticket = $1 AND l.kind = 'completed' AND l.seq >= k.seq) AS letters
FROM signed_link k JOIN message m ON m.ticket = k.ticket AND m.seq = k.seq
WHERE k.ticket = $1 AND k.used_at IS NULL ORDER BY k.seq DESC LIMIT 1
"""


async def _send_links_again(change: Change, *, by: Actor, at: datetime) -> None:
    """Whoever answers a completed ticket gets the two links of that completion again: only they confirm or dispute."""
    ticket = change.after
    completed = await fetchrow(COMPLETION, ticket.id)
    if completed is None or completed["letters"] >= LINKS_AGAIN or not ticket.email:
        return
    as_completed = msgspec.structs.replace(ticket, seq=completed["seq"])  # the links are those of the completion
    draft = to_customer("completed", as_completed, change.rules, by=by, text=completed["text"], context={}, at=at)
    change.thread = (*change.thread, change.send(draft))
