"""What was said and what was done on a ticket, as one list: messages in full, entries of the journal in small print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from admin.desk import reads
from service.journal import Entry
from service.words import Language, clock_time, day, translate
from workflow.process import CHANNELS, DELIVERY_METHODS, PROCESS
from workflow.regulation import Rulebook
from workflow.words import _

View = Literal["all", "talk", "system"]
VIEWS: Mapping[str, str] = {"all": _("Everything"), "talk": _("Talk"), "system": _("System")}
INLINE_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif"})
RECEIVED = _("Received")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message. `text` is the author's own part; `whole` is everything, where there was more."""

    id: str
    tone: str
    author: str
    text: str
    whole: str
    how: str
    minutes: int
    at: datetime
    files: tuple[reads.Attachment, ...]
    images: tuple[reads.Attachment, ...]
    letter: reads.SentLetter | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An act in small print: what, by whom, and the facts it carried."""

    seq: int
    what: str
    who: str
    state: str
    facts: tuple[str, ...]
    at: datetime


def talk(
    entries: Sequence[Entry],
    messages: Sequence[reads.Message],
    attachments: Sequence[reads.Attachment],
    letters: Sequence[reads.SentLetter],
    *,
    view: View,
    teller: Teller,
) -> list[Said | Done]:
    """Everything in its order: each entry, and below it what was said with it."""
    said: dict[int, list[reads.Message]] = {}
    for message in messages:
        said.setdefault(message.seq, []).append(message)
    by_seq = {letter.seq: letter for letter in letters}
    shown: list[Said | Done] = []
    for entry in entries:
        if view != "talk":
            shown.append(teller.done(entry))
        if view != "system":
            shown += [teller.said(one, attachments, by_seq.get(entry.seq)) for one in said.get(entry.seq, [])]
    return shown


class Teller:
    """Tells entries and messages in one language, by one regulation."""

    def __init__(self, rules: Rulebook, language: Language, *, people: Mapping[str, str]) -> None:
        self.rules = rules
        self.language = language
        self.people = people

    def t(self, msgid: str, **params: object) -> str:
        return translate(self.language, msgid, **params)

    def said(
        self, message: reads.Message, attachments: Sequence[reads.Attachment], letter: reads.SentLetter | None
    ) -> Said:
        files = tuple(file for file in attachments if file.message == message.id)
        own = (message.reply or message.text).strip()
        return Said(
            id=str(message.id),
            tone={"in": "in", "out": "out"}.get(message.direction, "inner"),
            author=message.author or self.t(_("Unknown")),
            text=own,
            whole="" if _same(own, message.text) else message.text.strip(),
            how=self._how(message),
            minutes=message.minutes,
            at=message.at,
            files=files,
            images=tuple(file for file in files if file.sha256 and file.content_type in INLINE_IMAGES),
            letter=letter if message.direction == "out" else None,
        )

    def _how(self, message: reads.Message) -> str:
        if message.direction not in ("in", "out"):
            return self.t(_("for colleagues only"))
        names = dict(CHANNELS) | dict(DELIVERY_METHODS)
        return self.t(names[message.method]) if message.method in names else message.method

    def done(self, entry: Entry) -> Done:
        moved = entry.from_state != entry.to_state
        return Done(
            seq=entry.seq,
            what=self.act(entry.trigger),
            who=self.who(entry),
            state=self.t(PROCESS.state(entry.to_state).label) if moved else "",
            facts=tuple(self._facts(entry)),
            at=entry.at,
        )

    def act(self, trigger: str) -> str:
        """What an act is called."""
        move = PROCESS.by_trigger.get(trigger)
        return self.t(move.label if move else RECEIVED)

    def who(self, entry: Entry) -> str:
        """Who did it; the clock has a name of its own in each language."""
        return self.t(_("the clock")) if entry.actor_kind == "clock" else entry.actor_name

    def _facts(self, entry: Entry) -> Iterable[str]:
        data = entry.data
        if number := data.get("number"):
            yield str(number)
        if priority := data.get("priority"):
            yield self._priority(str(priority))
        if assignee := data.get("assignee"):
            yield self.t(_("assignee: {name}"), name=self.people.get(str(assignee), str(assignee)))
        if minutes := data.get("minutes"):
            yield self.t(_("{minutes} min"), minutes=minutes)
        if outcome := data.get("outcome"):
            yield self._reason(str(outcome))
        if (reason := data.get("reason")) and isinstance(reason, str):
            yield self._reason(reason)
        for name, sentence in _MOMENTS.items():
            if isinstance(moment := data.get(name), str):
                yield self.t(sentence, moment=self._moment(moment))
        if clock := data.get("clock"):
            yield self.t(_CLOCKS.get(str(clock), str(clock)))
        if (mark := data.get("mark")) and mark != "due":
            yield str(mark).rpartition(":")[2]

    def _priority(self, code: str) -> str:
        priority = self.rules.priorities.get(code)
        return f"{code} · {priority.name.to(self.language)}" if priority else code

    def _reason(self, code: str) -> str:
        names = {one.code: one.name.to(self.language) for one in self.rules.regulation.postponement_reasons}
        fixed = {
            code: self.t(label)
            for move in PROCESS.moves
            for field in move.fields
            if field.name == "reason"
            for code, label in field.choices
        }
        return names.get(code) or fixed.get(code) or {"solved": self.t(_("Solved"))}.get(code, code)

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


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()
