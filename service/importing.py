"""Tickets of another desk, taken over with their history: the same machine, the original times, and no letters.

Each ticket is one transaction. Its journal is chained like any other and says `imported` in every entry; `verify`
replays it. What lies in the future when it arrives (a deadline, the auto-close) belongs to our clock from then on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal

import asyncpg
import msgspec

from service.actors import CLOCK, Actor
from service.change import Change, Spoken
from service.database import fetchval, retried
from service.identifiers import new_id
from service.intake import Request, checked
from service.people import Customer, customer_by_address
from service.regulations import in_force
from service.ticket import Ticket
from service.tickets import act, done_before, find_references, ring_for
from workflow.definition import Role
from workflow.errors import FieldError, Refusal, WrongFields
from workflow.process import PROCESS
from workflow.words import _

LONGEST_ID = 80
SENT = ("letter", "outbox", "signed_link")  # rows of what would go out


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One act of the history: what, when, by whom, and its fields."""

    at: datetime
    trigger: str
    kind: Literal["staff", "customer", "clock"] = "staff"
    name: str = ""
    given: Mapping[str, Any] = {}


class OldTicket(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket as another desk knew it; `external_id` is its name there."""

    external_id: str
    request: Request
    received_at: datetime
    history: Sequence[Step] = ()


@retried
async def take_over(old: OldTicket, *, by: Actor, at: datetime, tell: bool = False) -> tuple[Ticket, bool]:
    """The ticket made of an old one, and whether it is new: the same `external_id` is taken over once.

    With `tell` subscriptions get its events; letters never go. Raises every refusal of the machine, with the step in
    `errors` when fields are wrong.
    """
    cause = f"import:{by.principal}:{old.external_id}"
    if await fetchval("SELECT EXISTS (SELECT FROM journal WHERE cause = $1 AND seq = 1)", cause):
        return await done_before(None, cause), False
    _demand_order(old, at)
    with _faults_in("request"):
        request = checked(old.request)
    rules = await in_force(at=at)
    customer = await customer_by_address(request.email, at=at, rules=rules) if request.email else None
    change = Change(_ticket(old, request, customer, version=rules.version), now=old.received_at, cause=cause, new=True)
    change.marks = {"imported": True}
    _begin(change, old, request, by=by)
    for n, step in enumerate(old.history):
        await _repeat(change, n, step, by=by, in_force=rules.version)
    change.batch.spoken.append(old.external_id)
    _keep_quiet(change, events_too=not tell)
    try:
        ticket = await change.write()
    except asyncpg.UniqueViolationError:
        return await done_before(None, cause), False
    await ring_for(change)
    return ticket, True


def _demand_order(old: OldTicket, at: datetime) -> None:
    """Raises WrongFields for a history that runs backwards or into the future."""
    before = old.received_at
    for place, when in (
        ("received_at", old.received_at),
        *((f"history.{n}.at", s.at) for n, s in enumerate(old.history)),
    ):
        if when > at:
            raise WrongFields([FieldError(place, _("This must not lie in the future."), {})])
        if when < before:
            raise WrongFields([FieldError(place, _("This lies before the act before it."), {})])
        before = when


def _ticket(old: OldTicket, request: Request, customer: Customer | None, *, version: int) -> Ticket:
    known = customer or Customer()
    return Ticket(
        id=new_id(old.received_at),
        subject=request.subject or request.text[:120],
        text=request.text,
        channel=request.channel,
        product=request.product,
        language=request.language or known.language or "ru",
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
        received_at=old.received_at,
        regulation_version=version,
    )


def _begin(change: Change, old: OldTicket, request: Request, *, by: Actor) -> None:
    ticket = change.ticket
    ids = {"organisation": ticket.organisation, "contact": ticket.contact, "contract": ticket.contract}
    change.act(
        "receive",
        by=by,
        to_state=PROCESS.initial,
        data={
            "channel": ticket.channel,
            "received_at": ticket.received_at.isoformat(),
            "regulation_version": ticket.regulation_version,
            "service_level": ticket.service_level,
            "external_id": old.external_id,
        }
        | {name: str(id) for name, id in ids.items() if id is not None},
        spoken=Spoken(
            direction="in",
            author=ticket.full_name or ticket.email or by.name,
            text=request.text or ticket.subject,
            reply=request.text or ticket.subject,
            method=ticket.channel,
        ),
        types=("ticket.received",),
    )


async def _repeat(change: Change, n: int, step: Step, *, by: Actor, in_force: int) -> None:
    """One act again, at its own time. Raises the refusal, its fields named by the step."""
    change.now = step.at
    try:
        with _faults_in(f"history.{n}.fields"):
            found = await find_references(step.trigger, step.given, ticket=change.ticket.id, at=step.at)
            number = await fetchval("SELECT nextval('ticket_number')") if step.trigger == "register" else None
            act(
                change, step.trigger, by=_actor(step, by), given=step.given, found=found, in_force=in_force,
                number=number,
            )  # fmt: skip
    except WrongFields:
        raise
    except Refusal as refusal:
        raise WrongFields([FieldError(f"history.{n}.trigger", refusal.sentence, refusal.params)]) from None


@contextmanager
def _faults_in(place: str) -> Iterator[None]:
    """Wrong fields are named by where they stand in what was sent."""
    try:
        yield
    except WrongFields as wrong:
        raise WrongFields(
            [FieldError(f"{place}.{one.field}", one.sentence, one.params) for one in wrong.errors]
        ) from None


def _actor(step: Step, by: Actor) -> Actor:
    """Who acted then; the journal says by name whom the other desk named."""
    if step.kind == "clock":
        return CLOCK
    if step.kind == "customer":
        return Actor(kind="customer", id="", name=step.name, role=Role.CUSTOMER)
    return Actor(kind=by.kind, id=by.id, name=step.name or by.name, role=Role.OPERATOR)


def _keep_quiet(change: Change, *, events_too: bool) -> None:
    """What the acts would have sent was sent, or not, long ago."""
    for table in SENT:
        change.batch.rows.pop(table, None)
    change.thread = ()
    if events_too:
        change.batch.events.clear()
