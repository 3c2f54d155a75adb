"""The rows of the queue as the templates draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from markupsafe import Markup

from admin.desk import listing
from admin.drawings import Drawings
from admin.pages import Reading, drawn_for_nobody, when
from admin.time_bars import TimeBar, time_bar
from service.acts_in_words import RECEIVED
from service.regulations import RULEBOOKS
from service.ticket import Ticket
from service.words import translate
from workflow.definition import OPERATORS
from workflow.process import PROCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityBadge:
    code: str
    rank: int
    colour: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """What desk/queue_row.html draws."""

    id: str
    href: str
    number: str | None
    priority: PriorityBadge | None
    subject: str
    organisation: str
    state: str
    state_tone: str
    who: str | None
    time: TimeBar | None
    last_act: str
    last_when: Markup
    unread: bool
    takes: bool  # whether the reader may take it


class Minute:
    """The rows of the queue as they were drawn in the minute that runs, for all who read them alike."""

    def __init__(self) -> None:
        self.forget()

    def forget(self, begins: datetime | None = None) -> None:
        """Begin a minute with nothing drawn."""
        self._begins = begins
        self._rows = Drawings()

    async def drawn(self, rows: Sequence[listing.Row], reader: Reading) -> Markup:
        """The rows in their order, their times told as they stood when each was first drawn in this minute.

        Their tones are those of the very moment: a row whose clock is about to change it is drawn each time.
        """
        begins = reader.at.replace(second=0, microsecond=0)
        if begins != self._begins:
            self.forget(begins)
        drawings, alike = self._rows, (reader.language, reader.zone.key, reader.role in OPERATORS)
        shown = {row.id: drawings.known((row, alike)) for row in rows}
        missing = [row for row in rows if shown[row.id] is None]
        whole = await listing.whole(missing)
        for row in missing:
            if (found := whole.get(row.id)) is None:
                continue
            ticket, last_trigger = found
            told = queue_row(ticket, last_trigger, reader)
            shown[row.id] = markup = drawn_for_nobody("desk/queue_row.html", reader.language, row=told)
            later = clock_bar(ticket, replace(reader, at=begins + MINUTE))
            if later is None or told.time is None or later.tone == told.time.tone:
                drawings.keep((row, alike), markup)
        return Markup("").join(markup for markup in shown.values() if markup is not None)


MINUTE = timedelta(minutes=1)
DRAWN = Minute()


def queue_row(ticket: Ticket, last_trigger: str, reader: Reading) -> QueueRow:
    move = PROCESS.by_trigger.get(last_trigger)
    return QueueRow(
        id=str(ticket.id),
        href=f"/desk/tickets/{ticket.id}",
        number=ticket.number,
        priority=priority_badge(ticket, reader),
        subject=ticket.subject,
        organisation=ticket.organisation_name or ticket.full_name or ticket.email,
        state=translate(reader.language, PROCESS.state(ticket.state).label),
        state_tone=state_tone(ticket.state),
        who=ticket.assignee_name,
        time=clock_bar(ticket, reader),
        last_act=translate(reader.language, move.in_journal if move else RECEIVED),
        last_when=when(reader, ticket.last_at or ticket.received_at),
        unread=ticket.answer_unread,
        takes=reader.role in OPERATORS,
    )


def priority_badge(ticket: Ticket, reader: Reading) -> PriorityBadge | None:
    """The priority with the colour and the name its own regulation gives it."""
    priority = RULEBOOKS[ticket.regulation_version].priorities.get(ticket.priority or "")
    if priority is None:
        return None
    return PriorityBadge(
        code=priority.code, rank=priority.rank, colour=priority.colour, name=priority.name.to(reader.language)
    )


def state_tone(state: str) -> str:
    """What the clock does there: runs, rests, or has ended."""
    known = PROCESS.state(state)
    return "ended" if known.final else "rests" if known.pauses else "runs"


def clock_bar(ticket: Ticket, reader: Reading) -> TimeBar | None:
    """The clock that speaks for the ticket now."""
    period = ticket.clock()
    if period is None:
        return None
    return time_bar(period, RULEBOOKS[period.version], at=reader.at, zone=reader.zone, language=reader.language)
