"""What will happen to a ticket by itself: its next warning or escalation, and the reminders."""

from __future__ import annotations

from datetime import datetime

from service.regulations import RULEBOOKS
from service.ticket import Ticket
from service.words import Language, translate
from workflow.sla import Clocks, mark_of, steps, wanted_timers
from workflow.words import _

MOST = 3


def coming(ticket: Ticket, language: Language) -> list[tuple[datetime, str]]:
    """When and what, the nearest first. Deadlines are not among it: they stand at their clocks."""
    if not ticket.open:
        return []
    said = [
        (at, words) for kind, at in wanted_timers(ticket.clocks, RULEBOOKS).items()
        if (words := _words(kind, ticket.clocks))
    ]  # fmt: skip
    return [(at, translate(language, words)) for at, words in sorted(said)[:MOST]]


def _words(kind: str, clocks: Clocks) -> str:
    if kind == "snooze":
        return _("The reminder that was asked for")
    if kind == "reminder":
        return _("A reminder to the customer")
    clock, _is_step, mark = kind.partition(":step:")
    period = clocks.registration if clock == "registration" else clocks.resolution
    if not mark or period is None:
        return ""
    warns = any(step.warns_only for step in steps(period, RULEBOOKS[period.version]) if mark_of(period, step) == mark)
    return _("A warning to colleagues") if warns else _("An escalation")
