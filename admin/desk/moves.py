"""Moves made on the page: the form comes in, the one door decides, and the page says what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.desk import canned, reads, uploads
from admin.desk.move_forms import given
from admin.desk.previews import letters_of
from admin.desk.rights import DESK
from admin.desk.rights import MOVES as MOVES
from admin.desk.ticket import Tried, rules_for_moves, shown
from admin.form_keys import given_key, key_or_fresh
from admin.reader import flash, reading
from admin.reading import AnyRequest, typed_in
from service import clock
from service.auth import actor_of, rules_of
from service.directory import names_meant
from service.problems import STATUSES, told
from service.regulations import in_force
from service.ticket import Ticket
from service.tickets import carry_out
from service.whole_numbers import INTEGER, whole_number
from service.words import Language, translate
from workflow.definition import Kind, Move
from workflow.errors import FieldError, Refusal, Stale, UnknownTrigger, WrongFields
from workflow.process import PROCESS
from workflow.words import _


@get("/desk/tickets/{id:uuid}/moves/{trigger:str}", guards=[DESK])
async def reloaded(id: FromPath[UUID], trigger: FromPath[str]) -> Redirect:
    """Whoever reloads the answer to a form comes back to the ticket."""
    return Redirect(f"/desk/tickets/{id}#move-{quote(trigger)}", status_code=303)


@post("/desk/tickets/{id:uuid}/moves/{trigger:str}", guards=[MOVES], status_code=303)
async def make_move(request: AnyRequest, id: FromPath[UUID], trigger: FromPath[str]) -> Response[Any]:
    """Carry out a move and come back to the ticket; or show the letter it would send; or say why it may not be."""
    move = PROCESS.by_trigger.get(trigger)
    if move is None:
        raise UnknownTrigger(trigger=trigger)
    typed = await typed_in(request)
    ticket = await reads.ticket(id)
    files = await uploads.brought(request, await in_force(at=clock.now()))
    if "insert" in typed:
        return await _insert(request, ticket, move, typed, files)
    if "preview" in typed:
        return await _preview(request, ticket, move, typed, files)
    return await _carry_out(request, id, move, typed, files)


async def _carry_out(
    request: AnyRequest, id: UUID, move: Move, typed: Mapping[str, str], files: uploads.Brought
) -> Response[Any]:
    reader, actor = await reading(request), await actor_of(request)
    cause = f"request:{actor.principal}:{key_or_fresh(typed.get('key', ''))}"
    try:
        files.demand_all_taken(reader.language)
        after = await carry_out(
            id, move.trigger, by=actor, at=reader.at, cause=cause, files=files.files,
            given=given(move, typed, zone=reader.zone, along=files.along), seen_seq=_seq(typed),
        )  # fmt: skip
    except Refusal as refusal:
        if not await reads.acted(id, cause):
            return await _refused(request, id, move, typed, files, refusal)
        after = await reads.ticket(id)  # the second click of a double click: the first one did it
    flash(request, _done(move, after, language=reader.language))
    return Redirect(f"/desk/tickets/{id}", status_code=303)


async def _refused(
    request: AnyRequest, id: UUID, move: Move, typed: Mapping[str, str], files: uploads.Brought, refusal: Refusal
) -> Response[Any]:
    """The page again, the form open, everything that was typed in it."""
    reader = await reading(request)
    ticket = await reads.ticket(id)
    stale = isinstance(refusal, Stale)
    errors = refusal.errors if isinstance(refusal, WrongFields) else ()
    tried = Tried(
        move=move,
        typed=typed,
        brought=files,
        errors=errors,
        meant=await _meant(move, typed, errors),
        refusal="" if stale else told(refusal, reader.language),
        meanwhile=await reads.entries_since(id, _seq(typed) or ticket.seq) if stale else (),
    )
    return await shown(request, ticket, tried=tried, status_code=STATUSES.get(type(refusal), 409))


async def _meant(move: Move, typed: Mapping[str, str], errors: Sequence[FieldError]) -> list[str]:
    """The organisations that may be meant by the name that is not known."""
    wrong = {error.field for error in errors}
    named = (one.name for one in move.fields if one.kind is Kind.ORGANISATION and one.name in wrong)
    return await names_meant(typed.get(next(named, ""), ""))


async def _preview(
    request: AnyRequest, ticket: Ticket, move: Move, typed: Mapping[str, str], files: uploads.Brought
) -> Response[Any]:
    """The letter as it would go out now; nothing is carried out."""
    reader, actor = await reading(request), await actor_of(request)
    try:
        files.demand_all_taken(reader.language)
        letters = await letters_of(
            ticket, move, by=actor, at=reader.at, given=given(move, typed, zone=reader.zone, along=files.along),
            rules=rules_for_moves(ticket, await rules_of(request)), files=files.files,
        )  # fmt: skip
    except Refusal as refusal:
        return await _refused(request, ticket.id, move, typed, files, refusal)
    tried = Tried(move=move, typed=typed, previews=letters, key=given_key(typed.get("key", "")), brought=files)
    return await shown(request, ticket, tried=tried, status_code=200)


async def _insert(
    request: AnyRequest, ticket: Ticket, move: Move, typed: Mapping[str, str], files: uploads.Brought
) -> Response[Any]:
    """The form again, with the standard answer in it that was chosen: without script, what a script does at once."""
    actor = await actor_of(request)
    answer = canned.named(typed.get(canned.FIELD, ""), await in_force(at=clock.now()))
    text = typed.get("text", "")
    if answer is not None:
        text = canned.inserted(text, canned.filled(answer, ticket, by=actor))
    filled = {**typed, "text": text}
    return await shown(
        request,
        ticket,
        tried=Tried(move=move, typed=filled, key=given_key(typed.get("key", "")), brought=files),
        status_code=200,
    )


def _seq(typed: Mapping[str, str]) -> int | None:
    return whole_number(typed.get("seq", ""), most=INTEGER)


def _done(move: Move, after: Ticket, *, language: Language) -> str:
    """What was done, and what went out with it."""
    parts = [translate(language, _("Done: {move}."), move=translate(language, move.label))]
    if move.field("priority") and move.to is not None and after.number:
        parts = [translate(language, _("Registered under the number {number}."), number=after.number)]
    if move.letters and after.email:
        parts.append(translate(language, _("A letter goes to {address}."), address=after.email))
    return " ".join(parts)
