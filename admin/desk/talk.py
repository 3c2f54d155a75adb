"""What was said and what was done on a ticket, as one list: messages in full, entries of the journal in small print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from markupsafe import Markup

from admin.desk import reads
from admin.drawings import Drawings
from admin.pages import Reading, drawn_for_nobody, when
from service.acts_in_words import ActTeller
from service.journal import Entry
from service.words import Language
from workflow.regulation import Rulebook
from workflow.words import _

View = Literal["all", "talk", "system"]
VIEWS: Mapping[str, str] = {"all": _("Everything"), "talk": _("Talk"), "system": _("System")}
LETTER_STATES = {
    "pending": _("on its way"),
    "sending": _("on its way"),
    "delivered": _("taken by the mail server"),
    "dead": _("not delivered: the mail server refused it"),
    "parked": _("held back"),
    "cancelled": _("not sent"),
}
LETTER_TONES = {"pending": "warning", "sending": "warning", "delivered": "fine", "dead": "late"}
INLINE_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message. `text` is the author's own part; `whole` is everything, where there was more.

    `html` is the address of the message as its sender laid it out.
    """

    id: str
    tone: str
    author: str
    text: str
    whole: str
    html: str
    how: str
    minutes: int
    when: Markup
    files: tuple[reads.Attachment, ...]
    images: tuple[reads.Attachment, ...]
    letter: reads.SentLetter | None
    language: Language

    @property
    def body(self) -> Markup:
        """What stands in the message, but for the form that splits it off."""
        return DRAWN.of(self, partial(_draw, self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An act in small print: what, by whom, and the facts it carried."""

    seq: int
    what: str
    who: str
    state: str
    facts: tuple[str, ...]
    when: Markup
    language: Language

    @property
    def body(self) -> Markup:
        """The whole line."""
        return DRAWN.of(self, partial(_draw, self))


def _draw(one: Said | Done) -> Markup:
    template = "desk/said.html" if isinstance(one, Said) else "desk/done.html"
    return drawn_for_nobody(template, one.language, one=one, letter_states=LETTER_STATES, letter_tones=LETTER_TONES)


DRAWN = Drawings()  # a talk is read again and again, and seldom looks different


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


class Teller(ActTeller):
    """Tells entries and messages as the page of a ticket draws them; `colleagues` are names by address."""

    def __init__(
        self,
        rules: Rulebook,
        reader: Reading,
        *,
        people: Mapping[str, str],
        colleagues: Mapping[str, str],
        tickets: Mapping[str, str],
    ) -> None:
        super().__init__(rules, reader.language, people=people, tickets=tickets)
        self.reader = reader
        self.colleagues = colleagues

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
            html=f"/desk/messages/{message.id}/html" if message.html else "",
            how=self.how(message.direction, message.method),
            minutes=message.minutes,
            when=when(self.reader, message.at),
            files=files,
            images=tuple(file for file in files if file.sha256 and file.content_type in INLINE_IMAGES),
            letter=letter if message.direction == "out" else None,
            language=self.language,
        )

    def done(self, entry: Entry) -> Done:
        return Done(
            seq=entry.seq,
            what=self.act(entry.trigger),
            who=self.who(entry.actor_kind, entry.actor_name),
            state=self.state(entry.from_state, entry.to_state),
            facts=(*self.facts(entry.data), *self._told(entry.data), *self.way(entry.cause)),
            when=when(self.reader, entry.at),
            language=self.language,
        )

    def _told(self, data: Mapping[str, Any]) -> Iterator[str]:
        """Who of us was told of it."""
        if told := data.get("notified"):
            yield self.t(_("told: {names}"), names=", ".join(self.colleagues.get(one, str(one)) for one in told))


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()
