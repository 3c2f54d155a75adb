"""The page of one ticket: what was said and done, where it stands, and exactly the moves possible now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast
from uuid import UUID, uuid4

from litestar import Response, get
from litestar.params import FromPath

from admin.desk import canned, reads, uploads
from admin.desk.coming import coming
from admin.desk.laid_out import frames_allowed
from admin.desk.move_forms import NOTHING, MoveForm, Offer, has_form, in_order, move_form
from admin.desk.presence import others
from admin.desk.rights import DESK
from admin.desk.rows import priority_badge, state_tone
from admin.desk.splits import SplitForm, split_forms, splits
from admin.desk.talk import LETTER_STATES, LETTER_TONES, VIEWS, Teller, View, talk
from admin.diagram_svg import upright_diagram
from admin.pages import Reading, render, url
from admin.reader import reading
from admin.reading import AnyRequest
from admin.time_bars import TimeBar, time_bar
from service import presence
from service.actors import Actor
from service.auth import actor_of, rules_of, wall_clock
from service.correspondence import REQUIRED_FIELDS
from service.journal import Entry
from service.passports import one_line
from service.possible import facts
from service.regulations import RULEBOOKS
from service.ticket import Ticket
from service.whole_numbers import INTEGER, whole_number
from service.words import translate
from workflow.definition import STAFF, Move
from workflow.errors import FieldError
from workflow.machine import CONDITIONS, MACHINE
from workflow.process import CHANNELS, PROCESS, RELATIONS, RELATIONS_BACK, SOLVED
from workflow.regulation import Rulebook
from workflow.sla import Period, deadline_or_none
from workflow.words import _

CLOCKS = {"registration": _("Registration"), "resolution": _("Resolution"), "auto_close": _("Closes by itself")}
EXPIRE = PROCESS.by_trigger["expire"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockShown:
    """One clock of the ticket: its bar, its deadline, and why it is what it is; or why it is `held`."""

    name: str
    bar: TimeBar | None = None
    due: Any = None
    promised: Any = None
    passport: str = ""
    held: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A move that did not go through, or asked to be shown first: what was typed, and what is to be said of it.

    `meant` are the organisations that a name nobody has may mean.
    """

    move: Move
    typed: Mapping[str, str]
    errors: Sequence[FieldError] = ()
    refusal: str = ""
    previews: Sequence[Mapping[str, Any]] | None = None
    meanwhile: Sequence[Entry] = field(default_factory=tuple)
    key: str = ""
    brought: uploads.Brought = NOTHING
    meant: Sequence[str] = ()


@get("/desk/tickets/{id:uuid}", guards=[DESK])
async def ticket_page(request: AnyRequest, id: FromPath[UUID]) -> Response[str]:
    """The ticket, as it stands now."""
    return await shown(request, await reads.ticket(id))


async def shown(
    request: AnyRequest, ticket: Ticket, *, tried: Tried | None = None, status_code: int = 200
) -> Response[str]:
    """The page of `ticket`; with a move that was `tried`, its form stands open and keeps what was typed."""
    path = f"/desk/tickets/{ticket.id}"
    actor = await actor_of(request)
    here = await _present(ticket, actor)
    reader = _reading_on(path, await reading(request), request, here)
    before = _before(request)
    entries = await reads.journal(ticket.id, before=before)
    first, last = (entries[0].seq, entries[-1].seq) if entries else (1, 0)
    messages = await reads.messages(ticket.id, first=first, last=last)
    beside = await reads.beside_the_talk(ticket.id, roles=sorted(STAFF))
    teller = _teller(ticket, beside, reader)
    in_force = await rules_of(request)
    return render(
        "desk/ticket.html",
        reader,
        status_code=status_code,
        headers=frames_allowed(),
        ticket=ticket,
        path=path,
        others=others(here.others, reader.language),
        **_head(ticket, beside, actor, reader),
        **_ways_through(path, _view(request), before=before, first=first, reader=reader),
        talk=talk(entries, messages, beside.files, beside.letters, view=_view(request), teller=teller),
        loose_files=[file for file in beside.files if file.message is None],
        **_moves(ticket, actor, messages, beside, reader, in_force=in_force, tried=tried),
        meanwhile=[teller.done(entry) for entry in tried.meanwhile] if tried else [],
        **_side(ticket, actor, beside, reader),
    )


def _reading_on(path: str, reader: Reading, request: AnyRequest, here: presence.Here) -> Reading:
    """Who opens the page has read its notices; the address of a form is no page to come back to."""
    if request.method == "POST":
        reader = replace(reader, path=path)
    return reader if reader.unread is None else replace(reader, unread=max(0, reader.unread - here.read))


def _teller(ticket: Ticket, beside: reads.Beside, reader: Reading) -> Teller:
    return Teller(
        RULEBOOKS[ticket.regulation_version], reader, people={str(one.id): one.name for one in beside.people},
        colleagues={one.email: one.name for one in beside.people},
        tickets={str(link.id): link.number for link in beside.links if link.number},
    )  # fmt: skip


def _head(ticket: Ticket, beside: reads.Beside, actor: Actor, reader: Reading) -> dict[str, Any]:
    """Where the ticket stands, and who watches it."""
    watching = [person for person in beside.people if person.watches]
    return {
        "watchers": [person.name for person in watching],
        "watches": any(str(person.id) == actor.user for person in watching),
        "badge": priority_badge(ticket, reader),
        "state": translate(reader.language, PROCESS.state(ticket.state).label),
        "tone": state_tone(ticket.state),
    }


def _ways_through(path: str, view: View, *, before: int | None, first: int, reader: Reading) -> dict[str, Any]:
    """What of the talk to show, and the ways to its older and newer entries."""
    return {
        "talk_views": [
            (translate(reader.language, label), url(path, view="" if name == "all" else name), name == view, None)
            for name, label in VIEWS.items()
        ],
        "earlier": url(path, view="" if view == "all" else view, before=first) if first > 1 else "",
        "latest": path if before else "",
    }


def _moves(
    ticket: Ticket,
    actor: Actor,
    messages: Sequence[reads.Message],
    beside: reads.Beside,
    reader: Reading,
    *,
    in_force: Rulebook,
    tried: Tried | None,
) -> dict[str, Any]:
    """The forms of what can be done, and what became of the move that was tried."""
    changing, keeping = _forms(ticket, actor, reader, beside, in_force=in_force, tried=tried)
    split = _split_forms(ticket, actor, messages, reader, tried=tried)
    forms: list[MoveForm | SplitForm] = [*changing, *keeping, *split.values()]
    placed = any(form.opened for form in forms)
    return {
        "changing": changing,
        "keeping": keeping,
        "split": split,
        "tried": tried,
        "lost": _lost(tried, placed=placed),
        "unplaced": tried.refusal if tried and not placed else "",
    }


def _side(ticket: Ticket, actor: Actor, beside: reads.Beside, reader: Reading) -> dict[str, Any]:
    """Its clocks, its place on the picture, the customer, the work, links and letters."""
    rules = RULEBOOKS[ticket.regulation_version]
    return {
        "clocks": _clocks(ticket, reader),
        "coming": coming(ticket, reader.language),
        "picture": upright_diagram(reader.language, here=ticket.state, possible=frozenset(_possible(ticket, actor))),
        "customer": _customer(ticket, rules, reader),
        "missing": [translate(reader.language, REQUIRED_FIELDS[name]) for name in _missing(ticket, rules)],
        "figures": _figures(ticket, rules, reader),
        "links": [_link(link, reader) for link in beside.links],
        "letters": beside.letters,
        "letter_states": LETTER_STATES,
        "letter_tones": LETTER_TONES,
    }


async def _present(ticket: Ticket, actor: Actor) -> presence.Here:
    """Who else is on this ticket; opening the page makes one present, also without script."""
    if not actor.user:
        return presence.Here()
    return await presence.be_present(ticket.id, int(actor.user), writing=False, at=wall_clock())


# --- the moves --------------------------------------------------------------------------------------------------------


def _forms(
    ticket: Ticket,
    actor: Actor,
    reader: Reading,
    beside: reads.Beside,
    *,
    in_force: Rulebook,
    tried: Tried | None,
) -> tuple[list[MoveForm], list[MoveForm]]:
    """The forms of exactly the moves possible now: those that change the state, and those that keep it."""
    moves = [move for move in MACHINE.moves(facts(ticket), by=actor.role) if has_form(move)]
    offered = Offer(
        ticket=ticket, rules=rules_for_moves(ticket, in_force), language=reader.language, zone=reader.zone,
        user=actor.user, canned=canned.offered(ticket, in_force, by=actor, language=reader.language),
        files=[file for file in beside.files if file.sha256], colleagues=beside.people,
        organisation=beside.organisation, meant=tried.meant if tried else (),
    )  # fmt: skip

    def form(move: Move) -> MoveForm:
        if tried is None or tried.move is not move:
            return move_form(move, offered, key=uuid4().hex)
        return move_form(
            move, offered, key=tried.key or uuid4().hex, typed=tried.typed, errors=tried.errors,
            refusal=tried.refusal, previews=tried.previews, brought=tried.brought,
        )  # fmt: skip

    changing, keeping = in_order(moves)
    return [form(move) for move in changing], [form(move) for move in keeping]


def rules_for_moves(ticket: Ticket, in_force: Rulebook) -> Rulebook:
    """What may be chosen: registering takes the version in force, everything later the ticket's own."""
    return in_force if ticket.registered_at is None else RULEBOOKS[ticket.regulation_version]


def _possible(ticket: Ticket, actor: Actor) -> tuple[str, ...]:
    return MACHINE.possible(facts(ticket), by=actor.role)


def _split_forms(
    ticket: Ticket, actor: Actor, messages: Sequence[reads.Message], reader: Reading, *, tried: Tried | None
) -> dict[str, SplitForm]:
    """The forms at the messages, where splitting is possible now."""
    move = next((one for one in MACHINE.moves(facts(ticket), by=actor.role) if splits(one)), None)
    if move is None:
        return {}
    label = translate(reader.language, move.label)
    if tried is None or tried.move is not move:
        return split_forms(move, messages, language=reader.language, label=label, typed={})
    return split_forms(
        move, messages, language=reader.language, label=label, typed=tried.typed, errors=tried.errors,
        refusal=tried.refusal,
    )  # fmt: skip


def _lost(tried: Tried | None, *, placed: bool) -> list[str]:
    """What was typed for a move that is not possible any more: it is shown, so that nothing is lost."""
    if tried is None or placed:
        return []
    names = [field.name for field in tried.move.fields]
    return [text for name in names if (text := tried.typed.get(name, "").strip())]


# --- what stands at the side ------------------------------------------------------------------------------------------


def _clocks(ticket: Ticket, reader: Reading) -> list[ClockShown]:
    clocks = ticket.clocks
    periods = [clocks.registration, *clocks.finished, clocks.resolution]
    shown = [_clock(period, reader) for period in periods if period is not None]
    if clocks.auto_close and clocks.auto_close.running and ticket.open:
        shown.append(_held(ticket, reader) if clocks.held else _clock(clocks.auto_close, reader))
    return shown


def _held(ticket: Ticket, reader: Reading) -> ClockShown:
    """What keeps silence from closing the ticket."""
    known = facts(ticket)
    reasons = [reason for name in EXPIRE.conditions if (reason := CONDITIONS[name](known))]
    said = " ".join(translate(reader.language, reason) for reason in reasons)
    return ClockShown(name=translate(reader.language, CLOCKS["auto_close"]), held=said)


def _clock(period: Period, reader: Reading) -> ClockShown:
    rules = RULEBOOKS[period.version]
    return ClockShown(
        name=translate(reader.language, CLOCKS[period.clock]),
        bar=time_bar(period, rules, at=reader.at, zone=reader.zone, language=reader.language),
        due=deadline_or_none(period, RULEBOOKS),
        promised=period.promised_at,
        passport=one_line(period, rules, reader.language),
    )


def _missing(ticket: Ticket, rules: Rulebook) -> tuple[str, ...]:
    return ticket.missing_fields(rules.regulation.required_fields)


def _customer(ticket: Ticket, rules: Rulebook, reader: Reading) -> list[tuple[str, str]]:
    def t(msgid: str) -> str:
        return translate(reader.language, msgid)

    level = rules.levels.get(ticket.service_level)
    contract = ticket.contract_number
    if contract and ticket.contract_expired:
        contract = translate(reader.language, _("{contract} (expired)"), contract=contract)
    return [
        (t(_("Organisation")), ticket.organisation_name),
        (t(_("Contact")), ", ".join(filter(None, [ticket.full_name, ticket.position]))),
        (t(_("Phone")), ticket.phone),
        (t(_("E-mail")), ticket.email),
        (t(_("Contract")), contract),
        (t(_("Service level")), level.name.to(reader.language) if level else ticket.service_level),
        (t(_("Product")), ticket.product),
    ]


def _figures(ticket: Ticket, rules: Rulebook, reader: Reading) -> list[tuple[str, str]]:
    def t(msgid: str, **params: object) -> str:
        return translate(reader.language, msgid, **params)

    shown = [
        (t(_("Who")), ticket.assignee_name or t(_("nobody"))),
        (t(_("Channel")), t(dict(CHANNELS).get(ticket.channel, ticket.channel))),
        (t(_("Minutes booked")), str(ticket.minutes_total)),
    ]
    if ticket.outcome:
        names = rules.reason_names(reader.language)
        names[SOLVED] = t(_("Solved"))
        shown.append((t(_("Outcome")), names.get(ticket.outcome, ticket.outcome)))
    shown.append((t(_("Regulation")), t(_("version {version}"), version=ticket.regulation_version)))
    return shown


def _link(link: reads.Link, reader: Reading) -> dict[str, str]:
    relation = dict(RELATIONS if link.outward else RELATIONS_BACK).get(link.relation, link.relation)
    return {
        "href": f"/desk/tickets/{link.id}",
        "number": link.number or translate(reader.language, _("no number")),
        "subject": link.subject,
        "relation": translate(reader.language, relation),
        "state": translate(reader.language, PROCESS.state(link.state).label),
        "tone": state_tone(link.state),
    }


# --- the address ------------------------------------------------------------------------------------------------------


def _view(request: AnyRequest) -> View:
    asked = request.query_params.get("view", "all")
    return cast(View, asked) if asked in VIEWS else "all"


def _before(request: AnyRequest) -> int | None:
    return whole_number(request.query_params.get("before", ""), most=INTEGER)
