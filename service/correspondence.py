"""What each letter says: the facts of the ticket in the words of its reader."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import msgspec

from service.actors import Actor
from service.acts_in_words import ActTeller
from service.house import HOUSE
from service.letters import Draft
from service.passports import one_line
from service.regulations import RULEBOOKS
from service.ticket import Ticket
from service.words import Language, clock_time, day, translate, zone_name
from workflow.calendar import CalendarOutOfRange, zone_named
from workflow.process import REJECT_REASONS, SOLVED
from workflow.regulation import Rulebook
from workflow.sla import Period, deadline_or_none
from workflow.words import _

NOTICE = "notice"  # the letter to a colleague about one act
LONGEST_QUOTE = 5_000  # characters of what was said; the rest stands on the page
RATE = "rate"  # the link that asks what the customer thought of it
LINKS_LAST = timedelta(days=90)  # far beyond any confirmation time; the completion they belong to ends them earlier

REQUIRED_FIELDS: Mapping[str, str] = {
    "organisation": _("full name of the organisation"),
    "full_name": _("full name"),
    "position": _("position"),
    "phone": _("phone"),
    "email": _("e-mail address"),
    "text": _("text of the request"),
    "product": _("product"),
    "contract": _("contract number"),
}


class LinkToSign(msgspec.Struct, frozen=True):
    """A single-use link that goes with a letter."""

    id: UUID
    act: str
    expires_at: datetime


def to_customer(
    kind: str, ticket: Ticket, rules: Rulebook, *, by: Actor, text: str, context: Mapping[str, Any], at: datetime
) -> Draft:
    """The draft of a letter to the person who asked."""
    language = cast(Language, ticket.language)
    facts = _facts(ticket, rules, language) | {
        "text": text,
        "operator": by.name if by.kind == "staff" else translate(language, _("Technical support")),
        "missing": [translate(language, REQUIRED_FIELDS[name]) for name in _missing(kind, ticket, rules)],
        "outside_hours": outside_hours(rules, ticket.received_at),
        "passport": _passport(ticket, rules, language),
        "status_url": HOUSE.link("status", ticket.id),
        "auto_close_at": _moment(deadline_or_none(ticket.clocks.auto_close, RULEBOOKS), rules, language),
    }
    facts |= _confirm_links(ticket) if kind == "completed" else {}
    facts |= {"rate_url": HOUSE.link(RATE, ticket.id)} if kind == "closed" else {}
    return Draft(kind, ticket.email, language, facts | _worded(context, rules, language), name=ticket.full_name)


def to_staff(
    kind: str, ticket: Ticket, rules: Rulebook, *, recipient: str, language: str, period: Period, step: str
) -> Draft:
    """The draft of a notice to a colleague: a deadline comes near, or has passed."""
    tongue = cast(Language, language)
    clock = _("registration") if period.clock == "registration" else _("resolution")
    facts = _facts(ticket, rules, tongue) | {
        "clock": translate(tongue, clock),
        "due_at": _moment(deadline_or_none(period, RULEBOOKS), rules, tongue),
        "step": step,
        "assignee": ticket.assignee_name or "",
        "extended": period.extended_at is not None,
        "desk_url": f"{HOUSE.public_url}/desk/tickets/{ticket.id}",
    }
    return Draft(kind, recipient, language, facts)


def of_an_act(
    trigger: str, ticket: Ticket, rules: Rulebook, *, recipient: str, language: str, by: Actor, text: str
) -> Draft:
    """The draft of a notice to a colleague: somebody did something on a ticket of theirs, or on one they watch."""
    tongue = cast(Language, language)
    teller = ActTeller(rules, tongue, people={})
    facts = _facts(ticket, rules, tongue) | {
        "act": teller.act(trigger),
        "operator": teller.who(by.kind, by.name),
        "text": text[:LONGEST_QUOTE],
        "assignee": ticket.assignee_name or "",
        "desk_url": f"{HOUSE.public_url}/desk/tickets/{ticket.id}",
    }
    return Draft(NOTICE, recipient, language, facts)


def signed_links(kind: str, ticket: Ticket, at: datetime) -> Iterator[LinkToSign]:
    """The links a letter carries, to be stored with it; the same ids stand in its text."""
    if kind == "completed":
        for act in ("confirm", "dispute"):
            yield LinkToSign(_link_id(ticket, act), act, at + LINKS_LAST)


def _confirm_links(ticket: Ticket) -> dict[str, str]:
    return {f"{act}_url": HOUSE.link(act, _link_id(ticket, act)) for act in ("confirm", "dispute")}


def _link_id(ticket: Ticket, act: str) -> UUID:
    """One id for one act on one completion: letter and table agree on it without telling each other."""
    return UUID(bytes=hmac.digest(HOUSE.link_key, f"{act}:{ticket.id}:{ticket.seq}".encode(), "sha256")[:16])


def _facts(ticket: Ticket, rules: Rulebook, language: Language) -> dict[str, Any]:
    priority = rules.priorities.get(ticket.priority or "")
    return {
        "ticket": {
            "number": ticket.number or "",
            "subject": ticket.subject,
            "priority": priority.name.to(language) if priority else "",
            "received_at": _moment(ticket.received_at, rules, language),
            "registration_due_at": _moment(ticket.registration_due_at, rules, language),
            "due_at": _moment(ticket.due_at, rules, language),
            "promised_at": _moment(ticket.promised_at, rules, language),
        },
        "contact": {"full_name": ticket.full_name, "organisation": ticket.organisation_name},
        "centre": translate(language, _("Technical support")),
    }


def _moment(at: datetime | None, rules: Rulebook, language: Language) -> str:
    """An instant as a letter says it, with its zone; '' for none."""
    if at is None:
        return ""
    zone = zone_named(rules.regulation.calendar.zone)
    local = at.astimezone(zone)
    return f"{day(language, local.date())}, {clock_time(language, at, zone=zone)} ({zone_name(language, zone)})"


def _missing(kind: str, ticket: Ticket, rules: Rulebook) -> tuple[str, ...]:
    return ticket.missing_fields(rules.regulation.required_fields) if kind == "accepted" else ()


def outside_hours(rules: Rulebook, at: datetime) -> bool:
    """Whether nobody works at this instant; false where the calendar does not reach."""
    try:
        return not rules.calendar.is_open(at)
    except CalendarOutOfRange:
        return False


def _passport(ticket: Ticket, rules: Rulebook, language: Language) -> str:
    period = ticket.clocks.resolution
    return one_line(period, rules, language) if period else ""


def _worded(context: Mapping[str, Any], rules: Rulebook, language: Language) -> dict[str, Any]:
    """Codes of reasons become the sentences a customer reads."""
    worded = dict(context)
    if reason := worded.get("reason"):
        names = rules.reason_names(language)
        names |= {code: translate(language, label) for code, label in REJECT_REASONS}
        worded["reason"] = names.get(str(reason), str(reason))
    if worded.get("outcome") == SOLVED:
        worded.pop("outcome")
    return {name: value for name, value in worded.items() if value is not None}
