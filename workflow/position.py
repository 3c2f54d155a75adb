"""Where a ticket stands is what its journal says: `follow` takes one entry at a time, for living and for replaying."""

from __future__ import annotations

from datetime import datetime

import msgspec

from workflow.process import PROCESS
from workflow.sla import Clocks, Entry, Rulebooks, advance, deadline_or_none, late_from

# Facts that ride in an entry's data under their own name, whichever move sets them.
FACTS = (
    "number",
    "priority",
    "service_level",
    "assignee",
    "organisation",
    "contact",
    "contract",
    "regulation_version",
    "outcome",
)
# After these the customer's message has been seen to.
SEEN_TO = frozenset({"answer", "dismiss_reply"})


class Position(msgspec.Struct, frozen=True):
    """Everything of a ticket that follows from its journal. Ids of people and organisations are texts; '' is nobody."""

    state: str = ""
    state_since: datetime | None = None
    seq: int = 0
    last_at: datetime | None = None
    number: str | None = None
    priority: str | None = None
    service_level: str = ""
    assignee: str = ""
    organisation: str = ""
    contact: str = ""
    contract: str = ""
    regulation_version: int = 0
    received_at: datetime | None = None
    registered_at: datetime | None = None
    accepted_at: datetime | None = None
    completed_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: str | None = None
    minutes_total: int = 0
    answer_unread: bool = False
    completion_bounced: bool = False
    clocks: Clocks = Clocks()

    def registration_due_at(self, rulebooks: Rulebooks) -> datetime | None:
        return deadline_or_none(self.clocks.registration, rulebooks)

    def due_at(self, rulebooks: Rulebooks) -> datetime | None:
        return deadline_or_none(self.clocks.resolution, rulebooks)

    def late_from(self, rulebooks: Rulebooks) -> datetime | None:
        return late_from(self.clocks, rulebooks)

    @property
    def promised_at(self) -> datetime | None:
        return self.clocks.resolution.promised_at if self.clocks.resolution else None

    @property
    def registration_result(self) -> str | None:
        return self.clocks.registration.result if self.clocks.registration else None

    @property
    def resolution_result(self) -> str | None:
        return self.clocks.resolution.result if self.clocks.resolution else None


def follow(position: Position, entry: Entry, rulebooks: Rulebooks) -> Position:
    """The position after `entry`, which must be the next one of the same journal."""
    data = entry.data
    changed: dict[str, object] = {
        "seq": position.seq + 1,
        "last_at": entry.at,
        "clocks": advance(position.clocks, entry, rulebooks),
        "minutes_total": position.minutes_total + _number(data.get("minutes")),
    }
    changed |= {name: data[name] for name in FACTS if name in data}
    if entry.from_state != entry.to_state:
        changed |= _state_facts(position, entry)
    if entry.trigger in SEEN_TO:
        changed |= {"answer_unread": False, "completion_bounced": False}
    if data.get("unread"):
        changed["answer_unread"] = True
    if entry.trigger == "bounce" and data.get("completion"):
        changed["completion_bounced"] = True
    if entry.trigger == "accept":
        changed["accepted_at"] = entry.at
    return msgspec.structs.replace(position, **changed)


def _state_facts(position: Position, entry: Entry) -> dict[str, object]:
    state = PROCESS.state(entry.to_state)
    facts: dict[str, object] = {
        "state": entry.to_state,
        "state_since": entry.at,
        "answer_unread": False,
        "completion_bounced": False,
    }
    if entry.from_state is None:
        facts["received_at"] = datetime.fromisoformat(str(entry.data["received_at"]))
    if position.number is None and "number" in entry.data:
        facts["registered_at"] = entry.at
    if state.runs == "auto_close":
        facts["completed_at"] = entry.at
    elif state.final:
        facts["closed_at"] = entry.at
    else:
        facts["completed_at"] = None
        facts["outcome"] = None
    return facts


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
