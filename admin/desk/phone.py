"""A request taken by phone: who calls, the facts of clause 4.2, and the registration, on one page."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.response import Redirect

from admin.desk import callers, listing, reads, rows
from admin.desk.rights import DESK, MOVES
from admin.form_keys import key_or_fresh
from admin.pages import render
from admin.reader import flash, reading
from admin.reading import AnyRequest, typed_in
from admin.refused import beside
from service.actors import Actor
from service.auth import actor_of
from service.idempotency import Key, Repeated
from service.intake import Request, receive
from service.regulations import in_force
from service.ticket import Ticket
from service.tickets import carry_out
from service.whole_numbers import whole_number
from service.words import Language, translate
from workflow.errors import FieldError, NotYours, Refusal, WrongFields
from workflow.process import PROCESS
from workflow.words import _

CHANNEL = "phone"
REGISTER = next(move for move in PROCESS.moves_from(PROCESS.initial) if move.field("priority"))
FACTS: tuple[str, ...] = (
    "organisation", "full_name", "position", "phone", "email", "subject", "text", "product", "contract", "language",
)  # fmt: skip
SPACES = re.compile(r"\s+")


@get("/desk/phone", guards=[DESK])
async def phone_page(request: AnyRequest) -> Response[str]:
    """The empty form; with `lookup` the people it may be, with `contact` one of them written in."""
    at = (await reading(request)).at
    lookup = SPACES.sub(" ", request.query_params.get("lookup", "").replace("\x00", "")).strip()[:100]
    found = await callers.callers(lookup, at=at) if len(lookup) >= 2 else []
    caller = await _chosen(request.query_params.get("contact", ""), at=at)
    if caller is None and len(found) == 1:
        caller = found[0]
    return await _shown(request, typed=_known(caller), caller=caller, lookup=lookup, found=found)


@post("/desk/phone", guards=[MOVES], status_code=303)
async def take_call(request: AnyRequest) -> Response[Any]:
    """Make a ticket of the call, and register it when a priority was chosen."""
    typed = await typed_in(request)
    reader, actor = await reading(request), await actor_of(request)
    rules = await in_force(at=reader.at)
    priority = typed.get("priority", "")
    key = typed.get("key", "")
    cause = f"request:{actor.principal}:{key_or_fresh(key)}"
    if priority and actor.role not in REGISTER.who:
        raise NotYours(move=REGISTER.label)  # before anything is taken down
    try:
        if priority and priority not in rules.open_priorities:
            raise WrongFields([FieldError("priority", _("Choose one of the priorities."), {})])
        asked = Request(channel=CHANNEL, **{name: typed.get(name, "") for name in FACTS})
        ticket = await _taken(asked, by=actor, at=reader.at, cause=cause)
        if priority and ticket.number is None:
            ticket = await _registered(ticket.id, priority, by=actor, at=reader.at, cause=f"{cause}:register")
    except WrongFields as wrong:
        errors = beside(wrong, reader.language)
        caller = await _chosen(typed.get("contact", ""), at=reader.at)
        return await _shown(request, typed=typed, errors=errors, caller=caller, status_code=422)
    flash(request, _done(ticket, reader.language))
    return Redirect(f"/desk/tickets/{ticket.id}", status_code=303)


async def _chosen(contact: str, *, at: datetime) -> callers.Caller | None:
    """Who was chosen among those it may be."""
    id = whole_number(contact)
    return None if id is None else await callers.caller(id, at=at)


def _done(ticket: Ticket, language: Language) -> str:
    if ticket.number:
        return translate(language, _("Registered under the number {number}."), number=ticket.number)
    return translate(language, _("The request is taken down; it still has to be registered."))


async def _taken(asked: Request, *, by: Actor, at: datetime, cause: str) -> Ticket:
    """The ticket of this call: the second click of a double click gets the one the first made. Raises WrongFields."""
    key = Key(by.principal, cause, hashlib.sha256(cause.encode()).digest())
    try:
        return await receive(asked, by=by, at=at, cause=cause, key=key)
    except Repeated as repetition:
        return await reads.ticket(UUID(msgspec.json.decode(repetition.response)["id"]))


async def _registered(ticket: UUID, priority: str, *, by: Actor, at: datetime, cause: str) -> Ticket:
    """The ticket with its number, whichever click of a double click gave it."""
    try:
        return await carry_out(ticket, REGISTER.trigger, by=by, at=at, cause=cause, given={"priority": priority})
    except Refusal:
        if not await reads.acted(ticket, cause):
            raise
        return await reads.ticket(ticket)


async def _shown(
    request: AnyRequest,
    *,
    typed: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    caller: callers.Caller | None = None,
    lookup: str = "",
    found: Sequence[callers.Caller] = (),
    status_code: int = 200,
) -> Response[str]:
    reader = await reading(request)
    rules = await in_force(at=reader.at)
    open_tickets: list[rows.QueueRow] = []
    if caller is not None and caller.organisation is not None:
        listed = await listing.tickets(listing.Asked(organisation=str(caller.organisation)), at=reader.at, limit=20)
        whole = await listing.whole(listed.rows)
        open_tickets = [rows.queue_row(*whole[row.id], reader) for row in listed.rows if row.id in whole]
    level = rules.levels.get(caller.service_level) if caller else None
    return render(
        "desk/phone.html",
        reader,
        status_code=status_code,
        typed=typed,
        errors=errors or {},
        caller=caller,
        level=level.name.to(reader.language) if level else "",
        lookup=lookup,
        found=found,
        open_tickets=open_tickets,
        required=rules.regulation.required_fields,
        registers=reader.role in REGISTER.who,
        priorities=[(code, rules.priorities[code].name.to(reader.language)) for code in rules.open_priorities],
        definitions=[rules.priorities[code] for code in rules.open_priorities],
        tongues=[("ru", "Русский"), ("en", "English")],
        key=key_or_fresh(typed.get("key", "")),
    )


def _known(caller: callers.Caller | None) -> dict[str, str]:
    """What the form begins with."""
    if caller is None:
        return {}
    return {
        "organisation": caller.organisation_name, "full_name": caller.full_name, "position": caller.position,
        "phone": caller.phone, "email": caller.email, "contract": caller.contract_number, "language": caller.language,
    }  # fmt: skip
