"""Many tickets at once: each is moved by itself through the one door, and the page reports what became of each."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, post
from litestar.response import Redirect

from admin.desk import canned, reads
from admin.desk.rights import MOVES
from admin.form_keys import key_or_fresh
from admin.language import own_page
from admin.pages import Reading, render
from admin.reader import flash, reading
from admin.reading import AnyRequest, typed_in
from admin.refused import said
from service.actors import Actor
from service.auth import actor_of
from service.possible import facts
from service.queries import as_uuid
from service.regulations import in_force
from service.ticket import Ticket
from service.tickets import carry_out
from service.words import translate
from workflow.errors import NotFound, Refusal
from workflow.machine import MACHINE
from workflow.process import PROCESS
from workflow.regulation import Rulebook
from workflow.words import _

MOST: Final = 100  # tickets at once
# The move that begins work and asks for nothing.
BEGINS: Final = next(
    move.trigger for move in PROCESS.moves if move.assigns and not any(field.required for field in move.fields)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of one ticket: done, or refused and why; or, before it is done, the letter that would go out."""

    id: str
    number: str
    subject: str
    done: bool
    said: str
    letter: str = ""


class Asked(msgspec.Struct, frozen=True):
    """A move for many tickets, with what it carries."""

    trigger: str
    given: Mapping[str, object]
    answer: str = ""  # the code of a standard answer, whose text is filled for each ticket


Work = Callable[[Ticket, Asked, Mapping[str, str], Reading, Actor], Awaitable[Report]]


@post("/desk/bulk", guards=[MOVES], status_code=200)
async def bulk(request: AnyRequest) -> Response[Any]:
    """Carry out one move on each of the chosen tickets; letters are counted and shown before they go."""
    form, typed = await request.form(), await typed_in(request)
    back = own_page(typed.get("back", "/desk"))
    reader, actor = await reading(request), await actor_of(request)
    if taken := as_uuid(typed.get("take", "")):
        flash(request, *await _take(taken, typed, reader, actor), ticket=str(taken))
        return Redirect(back, status_code=303)
    ids = [id for one in dict.fromkeys(form.getall("ticket", [])) if (id := as_uuid(str(one)))][:MOST]
    asked = _asked(typed, reader)
    if not ids or asked is None:
        flash(request, translate(reader.language, _("Choose tickets, and what is to be done with them.")), "refused")
        return Redirect(back, status_code=303)
    sure = asked.trigger != "answer" or typed.get("sure") == "1"
    work = _carry_out if sure else _show
    reports = [await _reported(work, id, asked, typed, reader, actor) for id in ids]
    return render(
        "desk/bulk.html",
        reader,
        reports=reports,
        sure=sure,
        move=translate(reader.language, PROCESS.by_trigger[asked.trigger].label),
        typed=typed,
        key=key_or_fresh(typed.get("key", "")),
        back=back,
        addressed=sum(bool(one.letter) for one in reports),
        least=_least(await in_force(at=reader.at)),
        done=sum(one.done for one in reports),
    )


def _asked(typed: Mapping[str, str], reader: Reading) -> Asked | None:
    """The move the pressed button stands for, with its field; None when the field was left empty."""
    match typed.get("act"):
        case "assign" if typed.get("assignee"):
            return Asked("assign", {"assignee": typed["assignee"]})
        case "change_priority" if typed.get("priority"):
            reason = typed.get("reason", "").strip() or translate(reader.language, _("Changed for several tickets"))
            return Asked("change_priority", {"priority": typed["priority"], "reason": reason})
        case "answer" if typed.get("canned"):
            return Asked("answer", {"delivery_method": "email"}, answer=typed["canned"])
    return None


# --- one ticket -------------------------------------------------------------------------------------------------------


async def _reported(
    work: Work, id: UUID, asked: Asked, typed: Mapping[str, str], reader: Reading, actor: Actor
) -> Report:
    try:
        ticket = await reads.ticket(id)
    except NotFound as gone:
        return Report(id=str(id), number="", subject="", done=False, said=said(gone, reader.language))
    return await work(ticket, asked, typed, reader, actor)


async def _carry_out(
    ticket: Ticket,
    asked: Asked,
    typed: Mapping[str, str],
    reader: Reading,
    actor: Actor,
    *,
    seen_seq: int | None = None,
) -> Report:
    cause = _cause(asked, typed, actor)
    try:
        given = await _given(asked, ticket, reader, actor)
        await carry_out(
            ticket.id, asked.trigger, by=actor, at=reader.at, cause=cause, given=given, seen_seq=seen_seq
        )  # fmt: skip
    except Refusal as refusal:
        if not await reads.acted(ticket.id, cause):
            return _report(ticket, done=False, said=said(refusal, reader.language))
    return _report(ticket, done=True, said=translate(reader.language, _("Done")))


def _cause(asked: Asked, typed: Mapping[str, str], actor: Actor) -> str:
    """The same button pressed twice acts once; another button of the same page is another act."""
    told = hashlib.sha256(msgspec.json.encode([asked.trigger, asked.given, asked.answer])).hexdigest()[:16]
    return f"request:{actor.principal}:{key_or_fresh(typed.get('key', ''))}:{told}"


async def _show(ticket: Ticket, asked: Asked, _typed: Mapping[str, str], reader: Reading, actor: Actor) -> Report:
    """What would be done, for the look before letters go out."""
    try:
        given = await _given(asked, ticket, reader, actor)
    except Refusal as refusal:
        return _report(ticket, done=False, said=said(refusal, reader.language))
    possible = asked.trigger in MACHINE.possible(facts(ticket), by=actor.role)
    if not possible:
        return _report(ticket, done=False, said=translate(reader.language, _("Not possible in its state")))
    if not ticket.email:
        nobody = translate(reader.language, _("No letter goes out: the customer's address is not known."))
        return _report(ticket, done=False, said=nobody)
    to = translate(reader.language, _("A letter goes to {address}."), address=ticket.email)
    return _report(ticket, done=False, said=to, letter=str(given["text"]))


async def _given(asked: Asked, ticket: Ticket, reader: Reading, actor: Actor) -> dict[str, object]:
    if not asked.answer:
        return dict(asked.given)
    rules = await in_force(at=reader.at)
    answer = canned.named(asked.answer, rules)
    if answer is None:
        raise NotFound(_("There is no standard answer “{value}”."), value=asked.answer)
    if not canned.fits(answer, ticket):
        raise NotFound(
            _("The standard answer “{value}” is for another product."), value=answer.title.to(reader.language)
        )
    text, least = canned.filled(answer, ticket, by=actor), _least(rules)
    return {**asked.given, "text": text, "minutes": least}


def _least(rules: Rulebook) -> str:
    return str(rules.regulation.minimum_minutes)


async def _take(id: UUID, typed: Mapping[str, str], reader: Reading, actor: Actor) -> Sequence[Any]:
    """Take a ticket into work, or where that is not possible just have it: what the flash says of it.

    The list may be old: what a colleague has taken meanwhile stays theirs.
    """
    ticket = await reads.ticket(id)
    name = ticket.number or ticket.subject
    yours = translate(reader.language, _("{ticket} is yours."), ticket=name)
    if ticket.assignee is not None and str(ticket.assignee) != actor.user:
        taken = _("{ticket} is with {colleague} already.")
        return translate(reader.language, taken, ticket=name, colleague=ticket.assignee_name), "refused"
    if ticket.assignee is not None:
        return (yours,)
    begins = BEGINS in MACHINE.possible(facts(ticket), by=actor.role)
    asked = Asked(BEGINS, {}) if begins else Asked("assign", {"assignee": actor.email})
    report = await _carry_out(ticket, asked, typed, reader, actor, seen_seq=ticket.seq)
    return (yours,) if report.done else (report.said, "refused")


def _report(ticket: Ticket, *, done: bool, said: str, letter: str = "") -> Report:
    return Report(
        id=str(ticket.id), number=ticket.number or "", subject=ticket.subject, done=done, said=said, letter=letter
    )
