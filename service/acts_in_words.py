"""Acts of the journal in words: what was done, by whom, and the facts it carried; the same on the desk and on paper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from service.words import Language, clock_time, day, ngettext, translate
from workflow.process import CHANNELS, DELIVERY_METHODS, PROCESS, RELATIONS, SCORES
from workflow.regulation import Rulebook
from workflow.words import _

RECEIVED = _("Received")


class ActTeller:
    """Tells acts in one language, by one regulation.

    `people` are the names of accounts by their ids, `tickets` the numbers of linked tickets by theirs.
    """

    def __init__(
        self,
        rules: Rulebook,
        language: Language,
        *,
        people: Mapping[str, str],
        tickets: Mapping[str, str] | None = None,
    ) -> None:
        self.rules = rules
        self.language = language
        self.people = people
        self.tickets = tickets or {}

    def t(self, msgid: str, **params: object) -> str:
        return translate(self.language, msgid, **params)

    def act(self, trigger: str) -> str:
        """What an act is called once it has been done."""
        move = PROCESS.by_trigger.get(trigger)
        return self.t(move.in_journal if move else RECEIVED)

    def who(self, actor_kind: str, name: str) -> str:
        """Who did it; the clock has a name of its own in each language, and one whose name was erased has none."""
        if actor_kind == "clock":
            return self.t(_("the clock"))
        return name or (self.t(_("the customer")) if actor_kind == "customer" else "")

    def way(self, cause: str) -> Iterator[str]:
        """What a reader should know of how it was done: whoever holds a letter may use its links."""
        if cause.startswith("link:"):
            yield self.t(_("by the link in our letter"))

    def state(self, from_state: str | None, to_state: str) -> str:
        """The state an act led to; '' for one that keeps it."""
        return self.t(PROCESS.state(to_state).label) if from_state != to_state else ""

    def how(self, direction: str, method: str) -> str:
        """Which way a message came or went."""
        if direction not in ("in", "out"):
            return self.t(_("for colleagues only"))
        names = dict(CHANNELS) | dict(DELIVERY_METHODS)
        return self.t(names[method]) if method in names else method

    def facts(self, data: Mapping[str, Any]) -> Iterator[str]:
        """The facts an act carried, each a few words."""
        if number := data.get("number"):
            yield str(number)
        if priority := data.get("priority"):
            yield self._priority(str(priority))
        if assignee := data.get("assignee"):
            yield self.t(_("assignee: {name}"), name=self.people.get(str(assignee), str(assignee)))
        if minutes := data.get("minutes"):
            yield self.t(_("{minutes} min"), minutes=minutes)
        if outcome := data.get("outcome"):
            yield self.reason(str(outcome))
        if (reason := data.get("reason")) and isinstance(reason, str):
            yield self.reason(reason)
        if relation := data.get("relation"):
            label = self.t(dict(RELATIONS).get(str(relation), str(relation)))
            yield f"{label} {self.tickets.get(str(data.get('ticket')), '')}".strip()
        if score := data.get("score"):
            yield self.t(dict(SCORES).get(str(score), str(score)))
        for name, sentence in _MOMENTS.items():
            if isinstance(moment := data.get(name), str):
                yield self.t(sentence, moment=self._moment(moment))
        if files := data.get("attachments"):
            yield ngettext(self.language, "{n} file", "{n} files", len(files))
        if clock := data.get("clock"):
            yield self.t(_CLOCKS.get(str(clock), str(clock)))
        if (mark := data.get("mark")) and mark != "due":
            yield str(mark).rpartition(":")[2]

    def reason(self, code: str) -> str:
        """A reason or an outcome by its name; what is no code stays as it was written."""
        names = self.rules.reason_names(self.language)
        fixed = {
            code: self.t(label)
            for move in PROCESS.moves
            for field in move.fields
            if field.name == "reason"
            for code, label in field.choices
        }
        return names.get(code) or fixed.get(code) or {"solved": self.t(_("Solved"))}.get(code, code)

    def _priority(self, code: str) -> str:
        priority = self.rules.priorities.get(code)
        return f"{code} · {priority.name.to(self.language)}" if priority else code

    def _moment(self, iso: str) -> str:
        moment = datetime.fromisoformat(iso)
        zone = self.rules.calendar.zone
        return f"{day(self.language, moment.astimezone(zone).date())} {clock_time(self.language, moment, zone=zone)}"


_MOMENTS = {"promised_at": _("promised by {moment}"), "until": _("until {moment}"), "due_at": _("due {moment}")}
_CLOCKS = {
    "registration": _("registration clock"),
    "resolution": _("resolution clock"),
    "auto_close": _("auto-close clock"),
}
