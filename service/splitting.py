"""One ticket, one problem (clause 4.3): a message that asks something else becomes a linked ticket of its own."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from service.actors import Actor
from service.change import Change, Spoken
from service.database import fetchrow
from service.identifiers import new_id
from service.ticket import Ticket
from workflow.errors import NotFound
from workflow.process import PROCESS
from workflow.sla import Clocks
from workflow.words import _

SPLIT = "split"


class SplitMessage(msgspec.Struct, frozen=True):
    """The customer's message that a new ticket is made of."""

    id: UUID
    author: str
    text: str
    reply: str
    html: str
    method: str
    at: datetime


async def message_of(ticket: UUID, id: str) -> SplitMessage:
    """A message the customer sent to this ticket. Raises NotFound."""
    row = await fetchrow(
        "SELECT id, author, text, reply, html, method, at FROM message "
        "WHERE ticket = $1 AND id::text = $2 AND direction = 'in'",
        ticket,
        id.lower(),
    )
    if row is None:
        raise NotFound(_("The customer wrote no such message to this ticket."))
    return SplitMessage(**row)


def split_off(change: Change, message: SplitMessage, *, subject: str, by: Actor) -> Change:
    """The new ticket, to be written in the same transaction: same customer, linked both ways.

    Its registration clock runs from the arrival of the message (6.3).
    """
    parent = change.after
    ticket = Ticket(
        id=new_id(change.now), subject=" ".join(subject.split()), text=message.reply or message.text,
        channel=parent.channel, product=parent.product, language=parent.language, organisation=parent.organisation,
        organisation_name=parent.organisation_name, contact=parent.contact, full_name=parent.full_name,
        position=parent.position, phone=parent.phone, email=parent.email, contract=parent.contract,
        contract_number=parent.contract_number, contract_expired=parent.contract_expired,
        service_level=parent.service_level, received_at=message.at, regulation_version=parent.regulation_version,
        clocks=Clocks(),
    )  # fmt: skip
    born = Change(ticket, now=change.now, cause=change.cause, new=True)
    born.act(
        "receive",
        by=by,
        to_state=PROCESS.initial,
        data=_facts(ticket, parent),
        spoken=Spoken("in", message.author, message.text, message.method, reply=message.reply, html=message.html),
        letters=("accepted",),
        types=("ticket.received",),
    )
    born.link(parent.id, SPLIT)
    return born


def _facts(ticket: Ticket, parent: Ticket) -> dict[str, object]:
    ids = (("organisation", ticket.organisation), ("contact", ticket.contact), ("contract", ticket.contract))
    return {
        "channel": ticket.channel,
        "received_at": ticket.received_at.isoformat(),
        "regulation_version": ticket.regulation_version,
        "service_level": ticket.service_level,
        "split_from": str(parent.id),
    } | {name: str(id) for name, id in ids if id is not None}
