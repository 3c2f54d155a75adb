"""A letter of the draft as a real ticket would make it: rendered, sent to nobody, without a link that works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from service.actors import Actor
from service.correspondence import to_customer, to_staff
from service.database import fetchrow
from service.house import HOUSE
from service.letters import SUBJECT_TOKEN, BadTemplate, render
from service.queries import ticket_named
from service.ticket import FROM, SELECT, Ticket, read_ticket
from service.tickets import know_rules
from service.words import Language, translate
from workflow.errors import NotFound
from workflow.process import PROCESS, REJECT_REASONS
from workflow.regulation import LETTERS, Letter, Regulation, Rulebook
from workflow.words import _

TO_STAFF: Final = LETTERS - {"accepted", *PROCESS.letters()}
BEFORE_REGISTRATION: Final = frozenset({"accepted", "refused"})
NEWEST: Final = f"{SELECT} {FROM} WHERE $1 OR t.number IS NOT NULL ORDER BY t.received_at DESC LIMIT 1"

TYPED: Final = _("Here stands what the colleague types.")
ASKED: Final = _("Which version do you use?")
FILE_REFUSED: Final = _("files of this type are not taken")


@dataclass(frozen=True, slots=True)
class Preview:
    """The letter as it would go out; `refusal` instead where it cannot."""

    subject: str = ""
    text: str = ""
    refusal: str = ""


async def sample_ticket(kind: str, number: str) -> Ticket | None:
    """The ticket of this number, or the newest that fits the letter; None where there is none. Raises NotFound."""
    if number.strip():
        return await ticket_named(number.strip())
    row = await fetchrow(NEWEST, kind in BEFORE_REGISTRATION)
    if row is None:
        return None
    ticket = read_ticket(row)
    await know_rules(ticket)
    return ticket


def preview(
    kind: str, letter: Letter, ticket: Ticket, regulation: Regulation, language: Language, *, by: Actor, at: datetime
) -> Preview:
    """What `letter` says about `ticket` in `language`."""
    try:
        subject, text = render(letter, _context(kind, ticket, Rulebook(0, regulation), language, by=by, at=at))
    except (BadTemplate, NotFound) as wrong:
        return Preview(refusal=translate(language, wrong.sentence, **wrong.params))
    numbered = ticket.number and kind not in {"accepted", "digest"}
    return Preview(f"{SUBJECT_TOKEN}{ticket.number} {subject}" if numbered else subject, text)


def _context(
    kind: str, ticket: Ticket, rules: Rulebook, language: Language, *, by: Actor, at: datetime
) -> Mapping[str, Any]:
    if kind not in TO_STAFF:
        return _to_customer(kind, ticket, rules, language, by=by, at=at)
    period = ticket.clock()
    if period is None:
        raise NotFound(_("This ticket has no clock to tell of."))
    told = to_staff(kind, ticket, rules, recipient=by.name, language=language, period=period, step="75%").context
    line = {"kind": "warning", "subject": told["ticket"]["subject"], "text": told["due_at"]}
    return {**told, "notices": [line, line]}


def _to_customer(
    kind: str, ticket: Ticket, rules: Rulebook, language: Language, *, by: Actor, at: datetime
) -> Mapping[str, Any]:
    reasons = [code for code, _label in REJECT_REASONS] if kind == "refused" else list(rules.reasons)
    told = {
        "question": translate(language, ASKED),
        "reason": reasons[0] if reasons else "",
        "refused_files": [{"name": "photo.tiff", "reason": translate(language, FILE_REFUSED)}],
    }
    spoken = "" if kind in BEFORE_REGISTRATION else translate(language, TYPED)
    read = msgspec.structs.replace(ticket, language=language)
    draft = to_customer(kind, read, rules, by=by, text=spoken, context=told, at=at)
    # The links of a real ticket would work: nobody but its customer is to see them.
    paths = [name.removesuffix("_url") for name in draft.context if name.endswith("_url")]
    return {**draft.context, **{f"{path}_url": f"{HOUSE.public_url}/{path}/…" for path in paths}}
