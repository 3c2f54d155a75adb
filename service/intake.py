"""A new request, whatever the channel: it becomes a ticket, its clock runs, and the sender hears of it (4.1, 7.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from service.actors import Actor
from service.change import Change, File, Spoken
from service.database import retried
from service.directory import like_an_address
from service.idempotency import Key, refuse_repetition
from service.identifiers import new_id
from service.people import Customer, customer_by_address
from service.regulations import in_force
from service.ticket import Ticket
from service.tickets import done_before, ring_for, write_with_key
from workflow.errors import FieldError, WrongFields, no_choice
from workflow.process import CHANNELS, PROCESS
from workflow.regulation import Rulebook
from workflow.words import _

LONGEST_TEXT = 200_000
LONGEST_LINE = 500


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender told (clause 4.2); everything but the text may be missing and is then asked for."""

    channel: str
    text: str
    subject: str = ""
    organisation: str = ""
    full_name: str = ""
    position: str = ""
    phone: str = ""
    email: str = ""
    product: str = ""
    contract: str = ""
    language: str = ""


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """How a mail brought the request: its own parts, its files, and whether a letter may answer it by itself."""

    mail: UUID | None = None
    letter_id: str = ""
    reply: str = ""
    html: str = ""
    files: tuple[File, ...] = ()
    answered: bool = True
    refused_files: tuple[tuple[str, str], ...] = ()


@retried
async def receive(
    request: Request,
    *,
    by: Actor,
    at: datetime,
    cause: str,
    received_at: datetime | None = None,
    arrival: Arrival | None = None,
    key: Key | None = None,
    signed_in: Customer | None = None,
) -> Ticket:
    """Make a ticket of a request: ticket, first journal entry, registration timer, acceptance letter, events.

    `received_at` is when the request reached us, when that was earlier than now (held mail). `signed_in` is the person
    of the cabinet, who needs no address to be known. A stranger's request is taken too and marked (3.1). Raises
    WrongFields, Repeated and KeyReused; the same `cause` gives the same ticket.
    """
    request = checked(request)
    await refuse_repetition(key)
    rules = await in_force(at=at)
    customer = signed_in
    if request.email and not signed_in:
        customer = await customer_by_address(request.email, at=at, rules=rules)
    if customer and not signed_in and _level_needs_the_cabinet(request, rules, by=by):
        customer = msgspec.structs.replace(customer, service_level="")
    change = _arrived(request, customer, rules, by=by, at=at, received_at=received_at or at, cause=cause)
    _begin(change, request, arrival or Arrival(), by=by)
    try:
        ticket = await write_with_key(change, key, status=201)
    except asyncpg.UniqueViolationError:
        return await done_before(key, cause)
    await ring_for(change)
    return ticket


def checked(request: Request) -> Request:
    """The request with one-line facts on one line. Raises WrongFields naming everything that does not do."""
    errors: list[FieldError] = []
    cleaned: dict[str, str] = {}
    for name in request.__struct_fields__:
        told = getattr(request, name)
        value = told.replace("\x00", "\N{REPLACEMENT CHARACTER}").strip() if told.strip("\x00 \t\r\n") else ""
        value = value.replace("\r\n", "\n") if name == "text" else " ".join(value.split())
        most = LONGEST_TEXT if name == "text" else LONGEST_LINE
        if len(value) > most:
            errors.append(FieldError(name, _("This is too long: at most {most} characters."), {"most": str(most)}))
        cleaned[name] = value
    if cleaned["channel"] not in dict(CHANNELS):
        errors.append(no_choice("channel", cleaned["channel"], dict(CHANNELS)))
    if not cleaned["text"] and not cleaned["subject"]:
        errors.append(FieldError("text", _("Please say what happened."), {}))
    if cleaned["email"] and not like_an_address(cleaned["email"]):
        errors.append(FieldError("email", _("This is not a mail address."), {}))
    if errors:
        raise WrongFields(errors)
    return Request(**cleaned)


def _level_needs_the_cabinet(request: Request, rules: Rulebook, *, by: Actor) -> bool:
    """Clause 7.7, last sentence: an address alone, in a mail or typed into the form, may not give the level."""
    by_address = request.channel == "email" or (request.channel == "portal" and by.kind == "customer")
    return by_address and not rules.regulation.level_by_address


def _arrived(
    request: Request,
    customer: Customer | None,
    rules: Rulebook,
    *,
    by: Actor,
    at: datetime,
    received_at: datetime,
    cause: str,
) -> Change:
    """The ticket to be: what the sender told, completed by what is known of the address."""
    known = customer or Customer()
    ticket = Ticket(
        id=new_id(at),
        subject=request.subject or _first_line(request.text),
        text=request.text,
        channel=request.channel,
        product=request.product,
        language=known.language or request.language or by.language,  # of two the one the person chose
        organisation=known.organisation,
        organisation_name=known.organisation_name or request.organisation,
        contact=known.contact,
        full_name=request.full_name or known.full_name,
        position=request.position or known.position,
        phone=request.phone or known.phone,
        email=request.email,
        contract=known.contract,
        contract_number=known.contract_number or request.contract,
        contract_expired=known.contract_expired,
        service_level=known.service_level,
        received_at=received_at,
        regulation_version=rules.version,
    )
    return Change(ticket, now=at, cause=cause, new=True)


def _begin(change: Change, request: Request, arrival: Arrival, *, by: Actor) -> None:
    ticket = change.ticket
    change.act(
        "receive",
        by=by,
        to_state=PROCESS.initial,
        data=_facts(ticket),
        spoken=Spoken(
            direction="in",
            author=ticket.full_name or ticket.email or by.name,
            text=request.text or ticket.subject,
            reply=arrival.reply or request.text or ticket.subject,
            html=arrival.html,
            method=ticket.channel,
            mail=arrival.mail,
            letter_id=arrival.letter_id,
        ),
        files=arrival.files,
        letters=("accepted",) if arrival.answered else (),
        types=("ticket.received",),
        context={"refused_files": [{"name": name, "reason": why} for name, why in arrival.refused_files]},
    )


def _facts(ticket: Ticket) -> dict[str, Any]:
    ids: Sequence[tuple[str, int | None]] = (
        ("organisation", ticket.organisation),
        ("contact", ticket.contact),
        ("contract", ticket.contract),
    )
    return {
        "channel": ticket.channel,
        "received_at": ticket.received_at.isoformat(),
        "regulation_version": ticket.regulation_version,
        "service_level": ticket.service_level,
    } | {name: str(id) for name, id in ids if id is not None}


def _first_line(text: str) -> str:
    """A request without a subject is called by its first words."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= 120 else line[:117].rsplit(" ", 1)[0] + "…"
