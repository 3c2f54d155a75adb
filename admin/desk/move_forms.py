"""The forms of the moves, generated from the process table and the regulation: one form a move, one input a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from admin.desk import reads, uploads
from admin.desk.canned import Canned, takes_canned
from admin.drawings import Drawings
from admin.pages import drawn_for_nobody
from admin.refused import by_field
from service.possible import choices_of
from service.ticket import Ticket
from service.words import Language, translate, zone_name
from workflow.definition import OPERATORS, Field, Kind, Move, Role
from workflow.errors import FieldError
from workflow.process import PROCESS, SOLVED
from workflow.regulation import Rulebook
from workflow.words import _

SELECTS = frozenset({Kind.PRIORITY, Kind.USER, Kind.DELIVERY, Kind.OUTCOME, Kind.REASON, Kind.RELATION})
# What no input stands for: facts of the system itself, and a message, which is split off where it stands in the talk.
BEYOND_FORMS = frozenset({Kind.DATA, Kind.MESSAGE})
ORGANISATION_HINT = _("A part of the name or of the mail domain finds it.")
NOTHING = uploads.Brought()
SHORT_WORDS = frozenset({Kind.TICKET, Kind.WORD})
LOOKED_UP = {Kind.ORGANISATION: "organisations", Kind.CONTACT: "contacts"}  # by the lists of the API


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One input: `widget` is text, line, select, lookup, minutes, instant or files.

    `among` is the list in which a lookup finds its words, `found` those that may be meant by what was typed.
    `kept` are files that came already; `along` are those of the ticket that may go with the letter, each with whether
    it does.
    """

    name: str
    label: str
    widget: str
    required: bool
    value: str = ""
    options: tuple[tuple[str, str], ...] = ()
    nothing: str | None = None
    among: str = ""
    found: tuple[str, ...] = ()
    hint: str = ""
    error: str = ""
    least: int = 0
    largest: int = 0
    kept: tuple[uploads.KeptFile, ...] = ()
    along: tuple[tuple[reads.Attachment, bool], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveForm:
    """One move as it stands on the page. `opened` when it was just refused or previewed.

    `previews` are the letters it would send, None where nobody asked for them.
    """

    trigger: str
    label: str
    look: str
    language: Language
    fields: tuple[FormField, ...]
    consequences: tuple[str, ...]
    writes: bool
    key: str
    takes_files: bool = False
    canned: tuple[Canned, ...] = ()
    opened: bool = False
    refusal: str = ""
    previews: tuple[Mapping[str, Any], ...] | None = None

    @property
    def body(self) -> Markup:
        """What stands between its hidden inputs and its end. Untouched, most look the same on every ticket."""
        if self.opened:
            return _draw(self)
        untouched = replace(self, key="")
        return DRAWN.of(untouched, partial(_draw, untouched))


def _draw(form: MoveForm) -> Markup:
    return drawn_for_nobody("desk/move_body.html", form.language, form=form)


DRAWN = Drawings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the fields may offer on this ticket: people, rules, the reader's language.

    `organisation` is the name of the one it is identified as; `meant` are those that a name tried before may mean.
    """

    ticket: Ticket
    rules: Rulebook
    language: Language
    zone: ZoneInfo
    colleagues: Sequence[reads.Person]
    organisation: str
    user: str
    meant: Sequence[str] = ()
    canned: Sequence[Canned] = ()
    files: Sequence[reads.Attachment] = ()

    def t(self, msgid: str, **params: object) -> str:
        return translate(self.language, msgid, **params)


def move_form(
    move: Move,
    offered: Offer,
    *,
    key: str,
    typed: Mapping[str, str] | None = None,
    errors: Sequence[FieldError] = (),
    refusal: str = "",
    previews: Sequence[Mapping[str, Any]] | None = None,
    brought: uploads.Brought = NOTHING,
) -> MoveForm:
    """The form of one move; with what was `typed`, what is wrong with it, and the letters it would send."""
    wrong = by_field(errors, offered.language)
    fields = tuple(
        _files_field(field, offered, error=wrong.get(field.name, ""), brought=brought, sends=bool(move.letters))
        if field.kind is Kind.FILES
        else _form_field(field, offered, typed=typed, error=wrong.get(field.name, ""))
        for field in move.fields
        if field.kind not in BEYOND_FORMS
    )
    shown = {field.name for field in fields}
    unplaced = [sentence for name, sentence in wrong.items() if name not in shown]
    return MoveForm(
        trigger=move.trigger,
        label=offered.t(move.label),
        look="danger" if move.dangerous else "plain",
        language=offered.language,
        fields=fields,
        consequences=consequences(move, offered),
        writes=bool(move.letters and offered.ticket.email),
        key=key,
        takes_files=any(field.kind is Kind.FILES for field in move.fields),
        canned=tuple(offered.canned) if takes_canned(move) else (),
        opened=typed is not None,
        refusal=" ".join(filter(None, [refusal, *unplaced])),
        previews=None if previews is None else tuple(previews),
    )


def consequences(move: Move, offered: Offer) -> tuple[str, ...]:
    """What carrying the move out will do, before it is done."""
    said = []
    if move.to is not None and PROCESS.state(move.to).final:
        said.append(offered.t(_("The ticket closes for good: nothing can be done on it afterwards.")))
    if move.letters and offered.ticket.email:
        said.append(offered.t(_("A letter goes to {address}."), address=offered.ticket.email))
    elif move.letters:
        said.append(offered.t(_("No letter goes out: the customer's address is not known.")))
    return tuple(said)


def has_form(move: Move) -> bool:
    """Whether a form can carry everything the move must carry."""
    return not any(field.required and field.kind in BEYOND_FORMS for field in move.fields)


def in_order(moves: Sequence[Move]) -> tuple[tuple[Move, ...], tuple[Move, ...]]:
    """Moves that change the state, and those that keep it; the dangerous ones last among their own."""
    changing = sorted((move for move in moves if not move.keeps_state), key=lambda move: move.dangerous)
    keeping = sorted((move for move in moves if move.keeps_state), key=lambda move: move.dangerous)
    return tuple(changing), tuple(keeping)


# --- one field --------------------------------------------------------------------------------------------------------


def _form_field(field: Field, offered: Offer, *, typed: Mapping[str, str] | None, error: str) -> FormField:
    label = offered.t(field.label)
    value = typed.get(field.name, "") if typed is not None else _first_value(field, offered)
    if field.kind in SELECTS or field.choices:
        options = _options(field, offered)
        nothing = offered.t(_("Choose…")) if field.required else _nothing(field, offered)
        return FormField(
            name=field.name, label=label, widget="select", required=field.required, value=value, options=options,
            nothing=nothing, error=error,
        )  # fmt: skip
    if field.kind in LOOKED_UP:
        found = tuple(offered.meant) if field.kind is Kind.ORGANISATION and error else ()
        return FormField(
            name=field.name, label=label, widget="lookup", required=field.required, value=value, found=found,
            error=error, hint=_hint(field, offered), among=LOOKED_UP[field.kind],
        )  # fmt: skip
    widget = _WIDGETS.get(field.kind, "line" if field.kind in SHORT_WORDS else "text")
    return FormField(
        name=field.name, label=label, widget=widget, required=field.required, value=value, error=error,
        hint=_hint(field, offered), least=offered.rules.regulation.minimum_minutes,
    )  # fmt: skip


def _files_field(field: Field, offered: Offer, *, error: str, brought: uploads.Brought, sends: bool) -> FormField:
    """Files to bring; where a letter goes out, also those that lie on the ticket and may go along."""
    policy = offered.rules.regulation.attachments
    names = ", ".join(media.rpartition("/")[2].rpartition(".")[2].upper() for media in policy.allowed)
    inside = ", ".join(media.rpartition("/")[2].upper() for media in policy.in_archives)
    packed = ", ".join(media.rpartition("/")[2].rpartition(".")[2].upper() for media in policy.archives)
    hint = offered.t(
        _("{kinds}; {packed} with these or {inside} inside; judged by content (clause 7.6)."),
        kinds=names, packed=packed, inside=inside or "—",
    )  # fmt: skip
    return FormField(
        name=field.name, label=offered.t(field.label), widget="files", hint=hint, error=error,
        largest=policy.largest_bytes,
        required=field.required and not brought.kept, kept=brought.kept,
        along=tuple((one, str(one.id) in brought.along) for one in offered.files) if sends else (),
    )  # fmt: skip


_WIDGETS = {Kind.TEXT: "text", Kind.MINUTES: "minutes", Kind.INSTANT: "instant"}


def _first_value(field: Field, offered: Offer) -> str:
    """What stands in an untouched form: the least minutes, the priority and the assignee as they are, oneself."""
    if field.kind is Kind.MINUTES:
        return str(offered.rules.regulation.minimum_minutes)
    if field.kind is Kind.PRIORITY:
        return offered.ticket.priority or ""
    if field.kind is Kind.OUTCOME:
        return SOLVED
    if field.kind is Kind.DELIVERY:
        return "email" if offered.ticket.email else ""
    if field.kind is Kind.ORGANISATION:
        return offered.organisation
    return ""


def _hint(field: Field, offered: Offer) -> str:
    if field.kind is Kind.MINUTES:
        least = offered.rules.regulation.minimum_minutes
        return offered.t(_("Whole minutes; less than {least} counts as {least} (clause 5.2)."), least=least)
    if field.kind is Kind.INSTANT:
        zone = zone_name(offered.language, offered.zone)
        return offered.t(_("By the clock of the support centre: {zone}."), zone=zone)
    if field.kind is Kind.TICKET:
        return offered.t(_("The number of the other ticket."))
    if field.kind is Kind.ORGANISATION:
        return offered.t(ORGANISATION_HINT)
    if field.kind is Kind.CONTACT:
        return offered.t(_("The mail address of the person, if they are known."))
    return ""


def _nothing(field: Field, offered: Offer) -> str:
    if field.kind is Kind.USER:
        return offered.t(_("Leave as it is"))
    return "—"


def _options(field: Field, offered: Offer) -> tuple[tuple[str, str], ...]:
    match field.kind:
        case Kind.USER:
            return tuple((person.email, person.name) for person in _who(offered))
        case _:
            return tuple(choices_of(field, offered.rules, offered.language))


def _who(offered: Offer) -> list[reads.Person]:
    """Oneself first, then those who work on tickets."""
    able = [person for person in offered.colleagues if Role(person.role) in OPERATORS]
    return sorted(able, key=lambda person: str(person.id) != offered.user)


# --- what came back ---------------------------------------------------------------------------------------------------


def given(move: Move, typed: Mapping[str, str], *, zone: ZoneInfo, along: Sequence[str] = ()) -> dict[str, object]:
    """What was typed, as the verb takes it: empty fields left out, local moments with their zone.

    `along` are the files of the ticket that were ticked; those that were brought go another way.
    """
    values: dict[str, object] = {}
    for field in move.fields:
        value = typed.get(field.name, "")
        if field.kind is Kind.FILES:
            values |= {field.name: list(along)} if along else {}
            continue
        if not value.strip():
            continue
        values[field.name] = _moment(value, zone) if field.kind is Kind.INSTANT else value
    return values


def _moment(value: str, zone: ZoneInfo) -> str:
    """`datetime-local` names no zone: it is the centre's. What is no moment goes on as it is, to be refused."""
    try:
        local = datetime.fromisoformat(value.strip())
    except ValueError:
        return value
    return (local if local.tzinfo else local.replace(tzinfo=zone)).isoformat()
