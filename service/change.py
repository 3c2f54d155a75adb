"""One change of one ticket, from the decision to the rows: the only way a ticket gets another state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service import correspondence, events, notices, tracing
from service.actors import Actor
from service.enclosures import Enclosure, refuse_too_heavy
from service.identifiers import new_id
from service.journal import GENESIS, write_entry
from service.letters import PERSONAL, Draft, write
from service.notices import Reader
from service.people import Colleague, Customer
from service.regulations import RULEBOOKS
from service.ticket import Ticket
from service.writing import (
    ATTACHMENTS,
    JOURNAL,
    LETTERS,
    LINKS,
    LIVING,
    MESSAGES,
    NOTICES,
    OUTBOX,
    SATISFACTION,
    SIGNED_LINKS,
    TIMERS,
    Batch,
)
from workflow.calendar import CalendarOutOfRange
from workflow.errors import FieldError, WrongFields
from workflow.fields import Choices
from workflow.machine import MACHINE, Decision, TicketFacts
from workflow.position import Position, follow
from workflow.process import PROCESS
from workflow.regulation import Rulebook
from workflow.sla import wanted_timers
from workflow.words import _

MOST_THREAD = 10


class Spoken(msgspec.Struct, frozen=True):
    """A message that comes with an act. `mail` and `letter_id` tie it to the mail it came in.

    `asks`: whether a customer's message wants a reader; nothing waits for one that only says thanks.
    """

    direction: str
    author: str
    text: str
    method: str = ""
    minutes: int = 0
    reply: str = ""
    html: str = ""
    mail: UUID | None = None
    letter_id: str = ""
    asks: bool = True


class File(msgspec.Struct, frozen=True):
    """A file that comes with an act: stored under its hash already, or refused with a reason."""

    filename: str
    content_type: str
    size: int
    sha256: str = ""
    content_id: str = ""
    refused: str = ""


class Change:
    """What one verb does to one ticket. Acts are added in order; `write` writes all rows at once.

    `now` is the instant from the edge. An entry's own instant never lies before the entry before it, so that clock
    intervals never run backwards. `audience` are those who have the ticket or watch it: they are told of each act.
    """

    def __init__(
        self, ticket: Ticket, *, now: datetime, cause: str, new: bool = False, audience: Sequence[Reader] = ()
    ) -> None:
        self.ticket = ticket
        self.position = Position() if new else ticket.as_position()
        self.now = now
        self.cause = cause
        self.new = new
        self.audience = list(audience)
        self.acts = 0
        self.head = ticket.head or GENESIS
        self.thread = ticket.thread
        self.batch = Batch()
        self.fired: set[str] = set()
        self.refused: set[str] = set()  # timers the machine refused: consumed, and not armed anew by this change
        self.marks: dict[str, Any] = {}  # facts that stand in every entry of this change
        self._identity: dict[str, Any] = {}

    # --- deciding -----------------------------------------------------------------------------------------------

    @property
    def rules(self) -> Rulebook:
        """The regulation this ticket is pinned to."""
        return RULEBOOKS[self.position.regulation_version or self.ticket.regulation_version]

    @property
    def facts(self) -> TicketFacts:
        return TicketFacts(
            state=self.position.state,
            priority=self.position.priority,
            answer_unread=self.position.answer_unread,
            completion_bounced=self.position.completion_bounced,
        )

    def decide(
        self, trigger: str, *, by: Actor, given: Mapping[str, object], rules: Rulebook | None = None
    ) -> Decision:
        """What the machine says; nothing has happened yet. `rules` when the act pins another version."""
        return MACHINE.decide(
            self.facts, trigger, by=by.role, given=given, choices=choices(rules or self.rules, now=self.now)
        )

    # --- doing --------------------------------------------------------------------------------------------------

    def act(
        self,
        trigger: str,
        *,
        by: Actor,
        to_state: str,
        data: Mapping[str, Any],
        spoken: Spoken | None = None,
        files: Sequence[File] = (),
        letters: Sequence[str] = (),
        types: Sequence[str] = (),
        context: Mapping[str, Any] | None = None,
        told: Sequence[Reader] | None = None,
    ) -> None:
        """One journal entry with everything that belongs to it: message, files, letters to the customer, notices,
        events. `told` are those whom the regulation tells of it; what it writes to them is the caller's."""
        before = self.position
        carried = dict(data) | self.marks
        message = new_id(self.now) if spoken else None
        if spoken and message:
            carried |= {"message": str(message), "text_sha256": hashlib.sha256(spoken.text.encode()).hexdigest()}
        entry = write_entry(
            ticket=self.ticket.id,
            seq=before.seq + 1,
            at=max(self.now, before.last_at) if before.last_at else self.now,
            trigger=trigger,
            from_state=before.state or None,
            to_state=to_state,
            by=by,
            cause=self.cause,
            n=self.acts,
            data=carried,
            previous=self.head,
        )
        self.acts += 1
        self.head = entry.hash
        self.position = follow(before, entry, RULEBOOKS)
        self.batch.add(
            JOURNAL, self.ticket.id, entry.seq, entry.kind, trigger, entry.from_state, to_state, by.kind, by.id,
            by.name, self.cause, entry.n, entry.at, entry.body, entry.hash,
        )  # fmt: skip
        if spoken and message:
            self._say(message, spoken, at=entry.at)
        ids = sorted(new_id(self.now) for _file in files)  # they are read in the order of their ids
        for id, file in zip(ids, files, strict=True):
            self._attach(id, file, message=message, at=entry.at)
        for kind in letters:
            self._write_to_customer(kind, by=by, spoken=spoken, files=files, context=context or {})
        for reader in told or ():
            self.ring(reader, notices.DEADLINE, at=entry.at)
        self._tell_colleagues(before, trigger, by=by, spoken=spoken, told=told)
        self._tell_integrators(before, entry.trigger, entry.at, by=by, types=types)

    def _say(self, id: UUID, spoken: Spoken, *, at: datetime) -> None:
        self.batch.add(
            MESSAGES, id, self.ticket.id, self.position.seq, spoken.direction, spoken.author, spoken.text,
            spoken.reply, spoken.html, spoken.method, spoken.minutes, at, spoken.mail, spoken.letter_id,
        )  # fmt: skip
        self.batch.spoken.append(spoken.text)
        if spoken.letter_id:
            self._thread_on(spoken.letter_id)

    def _attach(self, id: UUID, file: File, *, message: UUID | None, at: datetime) -> None:
        self.batch.add(
            ATTACHMENTS, id, self.ticket.id, message, file.filename, file.content_type, file.size,
            file.sha256, file.content_id, file.refused, at,
        )  # fmt: skip

    def _thread_on(self, letter_id: str) -> None:
        self.thread = (*self.thread, letter_id)[-MOST_THREAD:]

    def link(self, other: UUID, relation: str) -> None:
        """Point at another ticket; the entry that says so is the caller's."""
        self.batch.add(LINKS, self.ticket.id, other, relation, self.now)

    def rate(self, score: str) -> None:
        """Count what the customer thought of the ticket; the entry that says so is the caller's."""
        if SATISFACTION.table in self.batch.rows:
            raise WrongFields([FieldError("score", _("The customer has said it already."), {})])
        self.batch.add(SATISFACTION, self.ticket.id, score, self.now)

    def identify(self, customer: Customer) -> None:
        """Take over what is now known of the customer; what the request itself said is kept where nothing is known."""
        known = {
            "organisation_name": customer.organisation_name,
            "full_name": customer.full_name or self.ticket.full_name,
            "position": customer.position or self.ticket.position,
            "phone": customer.phone or self.ticket.phone,
            "email": self.ticket.email or customer.email,
            "contract_number": customer.contract_number,
            "contract_expired": customer.contract_expired,
        }
        self._identity |= known

    def hand_to(self, *, email: str, name: str) -> None:
        """Whose address and name stand beside the new assignee's id."""
        self._identity |= {"assignee_email": email or None, "assignee_name": name or None}

    def hears(self, colleague: Colleague) -> None:
        """Whoever is to have the ticket is told of it from here on."""
        if all(reader.id != colleague.id for reader in self.audience):
            self.audience.append(Reader(colleague.id, colleague.email, colleague.language, colleague.ways))

    # --- telling people -----------------------------------------------------------------------------------------

    def _write_to_customer(
        self, kind: str, *, by: Actor, spoken: Spoken | None, files: Sequence[File], context: Mapping[str, Any]
    ) -> None:
        """A letter by the ticket's language; without an address there is nobody to write to.

        What a colleague wrote travels with its files. Raises WrongFields when they are too heavy for a letter.
        """
        ticket = self.after
        if not ticket.email or (kind == "closed" and by.kind == "customer" and not ticket.number):
            return
        draft = correspondence.to_customer(
            kind, ticket, self.rules, by=by, text=spoken.text if spoken else "", context=context, at=self.now
        )
        written = self.send(draft, files=_enclosures(files) if kind in PERSONAL else ())
        for link in correspondence.signed_links(kind, ticket, self.now):
            self.batch.add(SIGNED_LINKS, link.id, ticket.id, link.act, ticket.seq, ticket.email, link.expires_at)
        self._thread_on(written)

    def send(self, draft: Draft, *, files: Sequence[Enclosure] = (), not_before: datetime | None = None) -> str:
        """Put a letter into the outbox; its Message-ID."""
        id = new_id(self.now)
        letter = write(
            draft,
            self.rules.regulation.letters[draft.kind][draft.language],
            id=id,
            ticket=self.ticket.id,
            number=self.position.number,
            thread=self.thread if draft.recipient == self.ticket.email else (),
            at=self.now,
        )
        refuse_too_heavy(letter.original, files)
        seq = self.position.seq
        self.batch.add(
            LETTERS, id, self.ticket.id, seq, draft.kind, letter.letter_id, letter.recipient, letter.subject,
            letter.text, self.now,
        )  # fmt: skip
        self.batch.add(
            OUTBOX, str(id), "letter", "smtp", self.ticket.id, seq, draft.kind,
            msgspec.json.encode([letter.recipient]).decode(), letter.original, msgspec.json.encode(files).decode(),
            not_before or self.now, self.now, tracing.traceparent(),
        )  # fmt: skip
        return letter.letter_id

    def _tell_colleagues(
        self, before: Position, trigger: str, *, by: Actor, spoken: Spoken | None, told: Sequence[Reader] | None
    ) -> None:
        """A notice for each whom the act concerns, by the way they want it."""
        concerned = notices.concerned(
            trigger, self.audience, by=by, before=before.assignee, after=self.position.assignee, told=told
        )
        for reader, kind in concerned:
            self.ring(reader, kind, at=self.now)
            if reader.wants(kind, notices.MAIL):
                self.write_to_colleague(reader, trigger, by=by, spoken=spoken)

    def ring(self, reader: Reader, kind: str, *, at: datetime) -> None:
        """Put the last act under somebody's bell, where they want it."""
        if reader.id is not None and reader.wants(kind, notices.BELL):
            self.batch.add(NOTICES, reader.id, kind, self.ticket.id, self.position.seq, at)

    def write_to_colleague(self, reader: Reader, trigger: str, *, by: Actor, spoken: Spoken | None) -> None:
        """A letter to a colleague about one act; outside working hours it waits for the morning."""
        draft = correspondence.of_an_act(
            trigger, self.after, self.rules, recipient=reader.email, language=reader.language, by=by,
            text=spoken.text if spoken else "",
        )  # fmt: skip
        self.send(draft, not_before=self.opening())

    def opening(self) -> datetime | None:
        """Quiet hours: until when a notice to staff waits; None when it goes at once."""
        quiet = self.rules.regulation.quiet_hours
        if not quiet.enabled or self.position.priority in quiet.except_priorities:
            return None
        try:
            return self.rules.calendar.next_opening(self.now)
        except CalendarOutOfRange:
            return None

    def _tell_integrators(
        self, before: Position, trigger: str, at: datetime, *, by: Actor, types: Sequence[str]
    ) -> None:
        due_moved = self.position.due_at(RULEBOOKS) != before.due_at(RULEBOOKS)
        for n, type in enumerate(events.types_of(types, before, self.position, due_moved=due_moved)):
            event_id, body = events.write(
                type, self.after, trigger=trigger, from_state=before.state or None, by=by, at=at, n=n
            )
            self.batch.events.append((event_id, type, self.ticket.id, self.position.seq, body, at, trigger))

    # --- writing ------------------------------------------------------------------------------------------------

    @property
    def after(self) -> Ticket:
        """The ticket as it stands after the acts so far."""
        position = self.position
        return msgspec.structs.replace(
            self.ticket,
            **self._identity,
            number=position.number,
            state=position.state,
            state_since=position.state_since,
            priority=position.priority,
            service_level=position.service_level,
            assignee=_id(position.assignee),
            organisation=_id(position.organisation),
            contact=_id(position.contact),
            contract=_id(position.contract),
            registered_at=position.registered_at,
            accepted_at=position.accepted_at,
            registration_due_at=position.registration_due_at(RULEBOOKS),
            due_at=position.due_at(RULEBOOKS),
            late_from=position.late_from(RULEBOOKS),
            promised_at=position.promised_at,
            completed_at=position.completed_at,
            closed_at=position.closed_at,
            registration_result=position.registration_result,
            resolution_result=position.resolution_result,
            outcome=position.outcome,
            minutes_total=position.minutes_total,
            answer_unread=position.answer_unread,
            completion_bounced=position.completion_bounced,
            seq=position.seq,
            head=self.head,
            last_at=position.last_at,
            regulation_version=position.regulation_version,
            clocks=position.clocks,
            thread=self.thread,
        )

    async def write(self) -> Ticket:
        """Write all rows by one statement; the ticket as it stands now."""
        ticket = self._place()
        await self.batch.write()
        return ticket

    @staticmethod
    async def write_together(changes: Sequence[Change]) -> None:
        """Write the changes of several tickets, none of them new, by one statement."""
        batch = Batch()
        for change in changes:
            change._place()
            batch.join(change.batch)
        await batch.write()

    def _place(self) -> Ticket:
        """Put the ticket's own row beside the rows of its acts; the ticket as it stands then."""
        generations = self._set_timers()
        ticket = msgspec.structs.replace(self.after, generations=generations)
        born: tuple[Any, ...] = ()
        if self.new:
            self.batch.spoken += [ticket.subject, ticket.organisation_name, ticket.full_name, ticket.email]
            born = (
                ticket.subject, ticket.text, ticket.channel, ticket.product, ticket.language,
                ticket.received_at,
            )  # fmt: skip
        else:
            told = (ticket.number, ticket.organisation_name, ticket.full_name, ticket.email)
            known = (self.ticket.number, self.ticket.organisation_name, self.ticket.full_name, self.ticket.email)
            self.batch.spoken += [now for now, before in zip(told, known, strict=True) if now and now != before]
        audience = (ticket.priority or "", ticket.organisation_name)
        self.batch.place(ticket.id, living=_living(ticket, self.rules), audience=audience, born=born)
        return ticket

    def _set_timers(self) -> dict[str, tuple[int, datetime | None]]:
        """Arm what the clocks ask for, end what they no longer do. A timer that moves gets another generation."""
        wanted = wanted_timers(self.position.clocks, RULEBOOKS)
        generations = dict(self.ticket.generations)
        for kind, (generation, due) in self.ticket.generations.items():
            if due is None or (wanted.get(kind) == due and kind not in self.fired):
                continue
            if kind not in self.fired:
                self.batch.ended.append((self.ticket.id, kind, self._ending(kind, wanted), self.position.last_at))
            generations[kind] = (generation, None)
        for kind, due in wanted.items():
            generation, armed = generations.get(kind, (0, None))
            if armed is None and kind not in self.refused:
                generations[kind] = (generation + 1, due)
                self.batch.add(TIMERS, self.ticket.id, kind, generation + 1, due)
        return generations

    def _ending(self, kind: str, wanted: Mapping[str, datetime]) -> str:
        """A timer that moves, or a warning whose breach came first, is superseded; any other is cancelled."""
        clock, _colon, rest = kind.partition(":")
        breached = f"{clock}:due" in self.fired and rest.startswith("step")
        return "superseded" if kind in wanted or breached else "cancelled"


def _enclosures(files: Sequence[File]) -> tuple[Enclosure, ...]:
    """Those that were kept; a refused one is named on the ticket only."""
    return tuple(Enclosure(one.filename, one.content_type, one.size, one.sha256) for one in files if one.sha256)


def choices(rules: Rulebook, *, now: datetime) -> Choices:
    """What may be chosen under these rules."""
    return Choices(
        priorities=rules.open_priorities,
        reasons=rules.reasons,
        outcomes=rules.outcomes,
        minimum_minutes=rules.regulation.minimum_minutes,
        now=now,
    )


def _id(word: str) -> int | None:
    return int(word) if word else None


def _living(ticket: Ticket, rules: Rulebook) -> list[Any]:
    """The values of the columns a change writes, in their order."""
    computed: dict[str, Any] = {
        "priority_rank": _rank(ticket, rules),
        "clocks": msgspec.json.encode(ticket.clocks).decode(),
        "thread": msgspec.json.encode(ticket.thread).decode(),
        "generations": msgspec.json.encode(ticket.generations).decode(),
    }
    return [computed[name] if name in computed else getattr(ticket, name) for name, _type in LIVING]


def _rank(ticket: Ticket, rules: Rulebook) -> int:
    """What is not registered yet comes before everything: it has a deadline of its own (6.3)."""
    if PROCESS.state(ticket.state).runs == "registration" or ticket.priority is None:
        return 0
    priority = rules.priorities.get(ticket.priority)
    return priority.rank if priority else 0
