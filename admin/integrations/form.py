"""The form of a subscription: address, types, filters; what was typed, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from admin.pages import Reading
from service.event_catalogue import PING, TRIGGERS, TYPES
from service.regulations import in_force
from service.webhook_subscriptions import ALL, Subscription
from service.words import translate
from workflow.definition import CLOCK_ONLY
from workflow.process import PROCESS
from workflow.words import _

RECEIVED = _("A request comes in")


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the form."""

    url: str = ""
    event_types: tuple[str, ...] = (ALL,)
    priority: tuple[str, ...] = ()
    organisation: tuple[str, ...] = ()
    trigger: tuple[str, ...] = ()

    @property
    def filters(self) -> dict[str, Sequence[str]]:
        """Only those that narrow something: an empty filter would let nothing through."""
        named = {"priority": self.priority, "organisation": self.organisation, "trigger": self.trigger}
        return {name: values for name, values in named.items() if values}


def typed_of(form: Any) -> Typed:
    """What was sent. Organisations stand one a line."""
    lines = str(form.get("organisation", "")).splitlines()
    return Typed(
        url=str(form.get("url", "")).strip(),
        event_types=tuple(str(one) for one in form.getall("event_types", [])),
        priority=tuple(str(one) for one in form.getall("priority", [])),
        organisation=tuple(line.strip() for line in lines if line.strip()),
        trigger=tuple(str(one) for one in form.getall("trigger", [])),
    )


def typed_as(found: Subscription) -> Typed:
    """The subscription as its form shows it."""
    return Typed(
        found.url,
        tuple(found.event_types),
        *(tuple(found.filters.get(name, ())) for name in ("priority", "organisation", "trigger")),
    )


async def choices(reader: Reading, typed: Typed) -> Mapping[str, Sequence[tuple[str, str]]]:
    """What may be ticked, with its words: codes that are ticked already stay, whatever became of them."""
    language = reader.language
    rules = await in_force(at=reader.at)
    priorities = [(one.code, f"{one.code}: {one.name.to(language)}") for one in rules.regulation.priorities]
    telling = [move for move in PROCESS.moves if move.trigger in TRIGGERS]
    moves = [(move.trigger, translate(language, move.label)) for move in telling if move.who != CLOCK_ONLY]
    by_clock = [(move.trigger, translate(language, move.label)) for move in telling if move.who == CLOCK_ONLY]
    offered = {
        "event_types": [(type, f"{type}: {translate(language, said)}") for type, said in TYPES.items() if type != PING],
        "priority": priorities,
        "trigger": [("receive", translate(language, RECEIVED)), *moves, *by_clock],
    }
    for name, ticked in (("priority", typed.priority), ("trigger", typed.trigger)):
        known = {code for code, _said in offered[name]}
        offered[name] += [(code, code) for code in ticked if code not in known]
    return offered
