"""Standard answers (clause 7.8): offered for the ticket's product, in the customer's language, their fields filled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from service.actors import Actor
from service.correspondence import to_customer
from service.letters import BadTemplate, render
from service.regulations import RULEBOOKS
from service.ticket import Ticket
from workflow.definition import Kind, Move
from workflow.regulation import CannedAnswer, Letter, Rulebook

FIELD: Final = "canned"


class Canned(msgspec.Struct, frozen=True):
    """A standard answer as it would stand in the letter."""

    code: str
    title: str
    text: str


def takes_canned(move: Move) -> bool:
    """Answers and questions, which book minutes and go out as a letter (5.2)."""
    return bool(move.letters) and any(field.kind is Kind.MINUTES for field in move.fields)


def offered(ticket: Ticket, in_force: Rulebook, *, by: Actor, language: str) -> list[Canned]:
    """The answers in force for this ticket's product and for all products; titles in the reader's language."""
    answers = [one for one in in_force.regulation.canned_answers if fits(one, ticket)]
    return [Canned(one.code, one.title.to(language), filled(one, ticket, by=by)) for one in answers]


def fits(answer: CannedAnswer, ticket: Ticket) -> bool:
    """Whether the answer is for the ticket's product, or for all of them."""
    return answer.product in ("", ticket.product)


def named(code: str, in_force: Rulebook) -> CannedAnswer | None:
    """The answer with this code, if it is still in force."""
    return next((one for one in in_force.regulation.canned_answers if one.code == code), None)


def filled(answer: CannedAnswer, ticket: Ticket, *, by: Actor) -> str:
    """The text with the facts of the ticket; one that names a field nobody knows stays as it was written."""
    rules = RULEBOOKS[ticket.regulation_version]
    at = ticket.last_at or ticket.received_at
    facts: Mapping[str, object] = to_customer("answer", ticket, rules, by=by, text="", context={}, at=at).context
    written = answer.text.to(ticket.language)
    try:
        return render(Letter(subject="", body=written), facts)[1].strip()
    except BadTemplate:
        return written


def inserted(text: str, answer: str) -> str:
    """What was typed, and below it the standard answer."""
    return f"{text.rstrip()}\n\n{answer}" if text.strip() else answer
