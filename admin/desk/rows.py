"""The rows, figures and chips of the queue as the templates draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from markupsafe import Markup

from admin.desk import listing, reads
from admin.desk.asked import SWITCHES
from admin.pages import NO_MOMENT, Reading, drawn_for_nobody, url, when
from admin.time_bars import TimeBar, time_bar
from service.acts_in_words import RECEIVED
from service.regulations import RULEBOOKS
from service.ticket import Ticket
from service.words import relative, translate
from workflow.definition import OPERATORS, Role
from workflow.process import PROCESS
from workflow.regulation import Rulebook
from workflow.words import _

PATH = "/desk"


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
        self._begins = NO_MOMENT
        self._rows: dict[tuple[object, ...], Markup] = {}

    async def drawn(self, row: listing.Row, reader: Reading) -> Markup:
        """The row, its times told as they stood when it was first drawn in this minute.

        Its tone is that of the very moment: a row whose clock is about to change it is drawn each time.
        """
        begins = reader.at.replace(second=0, microsecond=0)
        if begins != self._begins:
            self._begins, self._rows = begins, {}
        key = (*row.mark, reader.language, reader.zone.key, reader.role in OPERATORS)
        known = self._rows.get(key)
        if known is not None:
            return known
        ticket = await row.ticket()
        shown = queue_row(ticket, row.last_trigger, reader)
        markup = drawn_for_nobody("desk/queue_row.html", reader.language, row=shown)
        later = clock_bar(ticket, replace(reader, at=begins + MINUTE))
        if later is None or shown.time is None or later.tone == shown.time.tone:
            self._rows[key] = markup
        return markup


MINUTE = timedelta(minutes=1)
DRAWN = Minute()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One count of the strip, and the address of what it counts."""

    count: int  # no further than COUNTED + 1
    label: str
    href: str
    tone: str
    note: str = ""
    on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A filter: on, with the address without it; or off, with the address with it."""

    label: str
    href: str
    on: bool


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


# --- the strip and the chips ------------------------------------------------------------------------------------------


def figures(strip: listing.Strip, asked: listing.Asked, reader: Reading) -> list[Figure]:
    """What needs eyes now, each figure a link to its tickets."""

    def t(msgid: str, **params: object) -> str:
        return translate(reader.language, msgid, **params)

    oldest = strip.oldest and relative(reader.language, strip.oldest, at=reader.at, zone=reader.zone)
    waiting = set(asked.states) == set(listing.WAITING)
    unregistered_tone = "warning" if strip.unregistered else "plain"
    return [
        Figure(count=strip.unregistered, label=t(_("Not registered yet")), tone=unregistered_tone,
               href=url(PATH, unregistered="1"), on=asked.unregistered,
               note=t(_("the oldest: {moment}"), moment=oldest) if oldest else ""),
        Figure(count=strip.soon, label=t(_("Due within the hour")), tone="warning",
               href=url(PATH, soon="1"), on=asked.soon),
        Figure(count=strip.overdue, label=t(_("Deadline missed")), tone="late",
               href=url(PATH, overdue="1"), on=asked.overdue),
        Figure(count=strip.waiting, label=t(_("Awaiting the customer")), tone="paused",
               href=url(PATH, state=listing.WAITING), on=waiting),
        Figure(count=strip.unread, label=t(_("Completed, answer unread")), tone="warning",
               href=url(PATH, unread="1"), on=asked.unread),
        Figure(count=strip.held, label=t(_("Held mail")), tone="warning", href="/desk/held"),
    ]  # fmt: skip


def chips(
    asked: listing.Asked,
    reader: Reading,
    rules: Rulebook,
    *,
    user: str,
    people: Sequence[reads.Person],
    organisation: str,
) -> list[list[Chip]]:
    """The filters in groups; those that are on come out again by a click.

    `organisation` is the name of the one that is asked for.
    """
    language = reader.language
    states = [state for state in PROCESS.states if not state.final]
    groups = [
        [
            _chip(translate(language, state.label), asked, "state", state.name, on=state.name in asked.states)
            for state in states
        ],
        [
            _chip(code, asked, "priority", code, on=code in asked.priorities)
            for code in rules.open_priorities
        ],
        [
            _chip(translate(language, _("Mine")), asked, "assignee", user, on=asked.assignee == user),
            _chip(translate(language, _("Nobody's")), asked, "assignee", "nobody", on=asked.assignee == "nobody"),
            _chip(translate(language, _("I watch")), asked, "watcher", user, on=asked.watcher == user),
        ],
        [
            _chip(translate(language, _("Late")), asked, "overdue", "1", on=asked.overdue),
            _chip(translate(language, _("Closed")), asked, "closed", "1", on=asked.closed),
        ],
    ]  # fmt: skip
    names = {str(person.id): person.name for person in people}
    if asked.assignee not in ("", "nobody", user):
        groups[2].append(_chip(names.get(asked.assignee, asked.assignee), asked, "assignee", asked.assignee, on=True))
    if asked.watcher not in ("", user):
        said = translate(language, _("watched by {name}"), name=names.get(asked.watcher, asked.watcher))
        groups[2].append(_chip(said, asked, "watcher", asked.watcher, on=True))
    if asked.team:
        called = dict(teams(people)).get(asked.team, asked.team)
        groups[2].append(_chip(translate(language, _("team {name}"), name=called), asked, "team", asked.team, on=True))
    for name, label in (
        ("unregistered", _("Not registered yet")),
        ("soon", _("Due within the hour")),
        ("unread", _("An unread answer")),
    ):
        if getattr(asked, name):
            groups[3].append(_chip(translate(language, label), asked, name, "1", on=True))
    if asked.organisation:
        groups[3].append(_chip(organisation or asked.organisation, asked, "organisation", asked.organisation, on=True))
    if asked.q:
        groups[3].append(_chip(f"«{asked.q}»", asked, "q", asked.q, on=True))
    return groups


def orders(asked: listing.Asked, reader: Reading) -> list[Chip]:
    """How the open tickets may stand."""
    now = query(asked)
    return [
        Chip(label=translate(reader.language, _("by priority")), href=url(PATH, **(now | {"nearest": ""})),
             on=not asked.nearest),
        Chip(label=translate(reader.language, _("by the nearest deadline")), href=url(PATH, **(now | {"nearest": "1"})),
             on=asked.nearest),
    ]  # fmt: skip


def query(asked: listing.Asked) -> dict[str, str | list[str]]:
    """The filters as they stand in the address."""
    switches = {name: "1" if getattr(asked, name) else "" for name in SWITCHES}
    return {
        "state": list(asked.states), "priority": list(asked.priorities), "assignee": asked.assignee,
        "team": asked.team, "watcher": asked.watcher, "organisation": asked.organisation, "q": asked.q, **switches,
    }  # fmt: skip


def _chip(label: str, asked: listing.Asked, name: str, value: str, *, on: bool) -> Chip:
    """Several states or priorities may be on at once; of everything else one."""
    now = query(asked)
    chosen = now[name]
    if isinstance(chosen, list):
        now[name] = [one for one in chosen if one != value] if on else [*chosen, value]
    else:
        now[name] = "" if on else value
    return Chip(label=label, href=url(PATH, **now), on=on)


def teams(people: Sequence[reads.Person]) -> list[tuple[str, str]]:
    """The teams these people belong to, by name."""
    named = {str(id): name for person in people for id, name in person.teams}
    return sorted(named.items(), key=lambda team: team[1].lower())


def workers(people: Sequence[reads.Person]) -> list[reads.Person]:
    """Those who work on tickets."""
    return [person for person in people if Role(person.role) in OPERATORS]
