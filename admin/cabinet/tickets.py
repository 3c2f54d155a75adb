"""Tickets as their customer sees them: the list, and one of them with what he may do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID, uuid4

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from admin.cabinet.policy import policy_said
from admin.cabinet.reader import CABINET, cabinet_reading
from admin.desk import uploads
from admin.form_keys import key_or_fresh
from admin.pages import Reading, render, url
from admin.public.endings import ending_said
from admin.public.ticket_pages import DONE, HELD, rating_of, shown
from admin.reader import flash
from admin.reading import AnyRequest
from admin.refused import by_field
from service import satisfaction
from service.customer_doors import count_act, signed_in
from service.customer_tickets import PAGE, Show, file_of, talk_of, ticket_of, tickets_of, waiting_for
from service.database import fetchrow
from service.files import open_file
from service.paging import place_in
from service.possible import facts
from service.problems import STATUSES, told
from service.regulations import in_force
from service.signed_links import ending_of
from service.ticket import Ticket
from service.tickets import carry_out
from service.whole_numbers import INTEGER, whole_number
from service.words import translate
from workflow.definition import Role, State
from workflow.errors import NotFound, Refusal, WrongFields
from workflow.machine import MACHINE
from workflow.process import PROCESS
from workflow.words import _

LONGEST_WORDS: Final = 200
INLINE: Final = frozenset({"image/jpeg", "image/png", "image/gif"})
SANDBOX: Final = "default-src 'none'; sandbox"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a customer may do, in his words."""

    trigger: str
    label: str
    asks: str  # the label of the text; '' where none is asked for
    hint: str
    done: str
    takes_files: bool = False
    dangerous: bool = False


ACTS: Final = (
    Act("confirm", _("It is solved"), "", _("The ticket closes. Nothing more has to be done."),
        _("Thank you. The solution is confirmed and the ticket is closed.")),
    Act("dispute", _("It is not solved"), _("Why do you disagree?"),
        _("What does not work, and what you see instead. Your words go to the specialist of the ticket."),
        _("Thank you. Your reasons have been recorded and the work goes on."), takes_files=True),
    Act("resume", _("Answer the question"), _("Your answer"), _("The clock runs again as soon as you answer."),
        _("Thank you. The work goes on with your answer."), takes_files=True),
    Act("reply", _("Write to us"), _("Your message"), _("It goes to the specialist of the ticket."),
        _("Thank you. Your message has arrived."), takes_files=True),
    Act("withdraw", _("Withdraw the request"), _("Why is it not needed any more?"),
        _("The ticket closes for good; a new question gets a ticket of its own."),
        _("The request is withdrawn and the ticket is closed."), dangerous=True),
)  # fmt: skip
BY_TRIGGER: Final[Mapping[str, Act]] = {act.trigger: act for act in ACTS}


@dataclass(frozen=True, slots=True)
class Row:
    """One ticket of the list."""

    ticket: Ticket
    state: str
    tone: str
    due_at: datetime | None


# --- the list ---------------------------------------------------------------------------------------------------------


@get("/cabinet", guards=[CABINET])
async def my_tickets(
    request: AnyRequest, q: FromQuery[str] = "", show: FromQuery[str] = "", before: FromQuery[str] = ""
) -> Response[str]:
    """The newest first; found by number or by words of the talk. What waits for the customer is one click away."""
    session, reader = await signed_in(request), await cabinet_reading(request)
    asked = " ".join(q.replace("\x00", "").split())[:LONGEST_WORDS]
    shown: Show = "open" if show == "open" else "waiting" if show == "waiting" else "all"
    found = await tickets_of(session, q=asked, show=shown, before=place_in(before))
    page, last = found[:PAGE], found[PAGE - 1] if len(found) > PAGE else None
    kept = "" if shown == "all" else shown
    on = url("/cabinet", q=asked, show=kept, before=f"{last.received_at.isoformat()}~{last.id}") if last else ""
    return render(
        "cabinet/tickets.html", reader, rows=[_row(ticket, reader) for ticket in page], q=asked, show=kept,
        waiting=await waiting_for(session), next_href=on,
        first_href=url("/cabinet", q=asked, show=kept) if before else "", session=session,
    )  # fmt: skip


def _row(ticket: Ticket, reader: Reading) -> Row:
    state = PROCESS.state(ticket.state)
    due = None if state.pauses or state.final else ticket.due_at or ticket.registration_due_at
    return Row(ticket, translate(reader.language, state.customer_label), _tone(state), due)


def _tone(state: State) -> str:
    return "ended" if state.final else "rests" if state.pauses else "runs"


# --- one ticket -------------------------------------------------------------------------------------------------------


@get("/cabinet/tickets/{id:uuid}", guards=[CABINET])
async def one_ticket(request: AnyRequest, id: FromPath[UUID]) -> Response[str]:
    """What was said, where it stands, and what the customer may do now."""
    return await _page(request, await ticket_of(await signed_in(request), id))


@dataclass(frozen=True, slots=True)
class Tried:
    """An act that was refused: what was typed, and why it was not done."""

    trigger: str
    text: str
    refusal: str = ""
    error: str = ""
    files_error: str = ""
    kept: tuple[uploads.KeptFile, ...] = ()


async def _page(
    request: AnyRequest, ticket: Ticket, tried: Tried | None = None, *, status_code: int = 200
) -> Response[str]:
    reader = await cabinet_reading(request)
    possible = MACHINE.possible(facts(ticket), by=Role.CUSTOMER)
    acts = [act for act in ACTS if act.trigger in possible]
    lost = tried if tried and tried.trigger not in possible else None
    ending = ending_said(await ending_of(ticket), reader.language, at=reader.at, zone=reader.zone)
    state, rules = PROCESS.state(ticket.state), await in_force(at=reader.at)
    return render(
        "cabinet/ticket.html", reader, status_code=status_code, ticket=ticket, acts=acts,
        shown=replace(shown(ticket, reader), ending=ending), turn=translate(reader.language, _turn(ticket, state)),
        his_turn=state.pauses and not state.final, talk=await talk_of(ticket), tried=tried, lost=lost, key=uuid4().hex,
        inline=INLINE, rating=await rating_of(ticket, reader),
        policy=policy_said(rules, reader.language), largest=rules.regulation.attachments.largest_bytes,
    )  # fmt: skip


def _turn(ticket: Ticket, state: State) -> str:
    """Whose turn it is, told from what the clocks do in the state."""
    if state.final:
        return _("Nothing more has to be done. A new question gets a ticket of its own.")
    if state.runs == "registration":
        return _("We shall register your request and tell you its number, priority and deadline.")
    if state.runs == "auto_close" and ticket.clocks.held:
        return HELD
    if state.runs == "auto_close":
        return _("Please say whether it is solved. Silence counts as a yes, at the time told below.")
    if state.pauses:
        return _("We need your answer to go on. Until then the clock rests.")
    return _("We are working on it. There is nothing you have to do.")


@post("/cabinet/tickets/{id:uuid}/{trigger:str}", guards=[CABINET], status_code=303)
async def act(request: AnyRequest, id: FromPath[UUID], trigger: FromPath[str]) -> Response[Any]:
    """Do it in the person's name, once, and come back to the ticket; or say beside the form why not."""
    session, reader = await signed_in(request), await cabinet_reading(request)
    ticket, wanted = await ticket_of(session, id), BY_TRIGGER.get(trigger)
    if wanted is None:
        raise NotFound()
    await count_act(request, session)
    form = await request.form()
    text = str(form.get("text", "")).replace("\r\n", "\n")
    brought = uploads.Brought()
    if wanted.takes_files:
        brought = await uploads.brought(request, await in_force(at=reader.at), owner=session.actor.principal)
    cause = f"request:{session.actor.principal}:{key_or_fresh(str(form.get('key', '')))}"
    try:
        brought.demand_all_taken(reader.language)
        await carry_out(
            ticket.id, trigger, by=session.actor, at=reader.at, cause=cause, files=brought.files,
            given={"text": text} if wanted.asks else {}, seen_seq=whole_number(str(form.get("seq", "")), most=INTEGER),
        )  # fmt: skip
    except Refusal as refusal:
        if not await _acted(ticket.id, cause):  # else the second click of a double click: the first one did it
            tried = _tried(trigger, text, brought, refusal, reader)
            now = await ticket_of(session, id)
            return await _page(request, now, tried, status_code=STATUSES.get(type(refusal), 409))
    flash(request, translate(reader.language, wanted.done))
    return Redirect(f"/cabinet/tickets/{ticket.id}", status_code=303)


@get("/cabinet/tickets/{id:uuid}/{trigger:str}", guards=[CABINET])
async def reloaded(id: FromPath[UUID], trigger: FromPath[str]) -> Redirect:
    """Whoever reloads the answer to a form comes back to the ticket."""
    return Redirect(f"/cabinet/tickets/{id}", status_code=303)


async def _acted(ticket: UUID, cause: str) -> bool:
    return await fetchrow("SELECT FROM journal WHERE ticket = $1 AND cause = $2 LIMIT 1", ticket, cause) is not None


def _tried(trigger: str, text: str, brought: uploads.Brought, refusal: Refusal, reader: Reading) -> Tried:
    if not isinstance(refusal, WrongFields):
        return Tried(trigger, text, refusal=told(refusal, reader.language), kept=brought.kept)
    said = by_field(refusal.errors, reader.language)
    return Tried(trigger, text, error=said.get("text", ""), files_error=said.get(uploads.FIELD, ""), kept=brought.kept)


@post("/cabinet/tickets/{id:uuid}/rate", guards=[CABINET], status_code=303)
async def rate(request: AnyRequest, id: FromPath[UUID]) -> Redirect:
    """How it was, by one click; the first answer counts, and whoever presses nothing of ours changes nothing."""
    session, reader = await signed_in(request), await cabinet_reading(request)
    ticket, score = await ticket_of(session, id), str((await request.form()).get("score", ""))
    await count_act(request, session)
    cause = f"request:{session.actor.principal}:rate"
    try:
        await satisfaction.rate(ticket.id, score, by=session.actor, at=reader.at, cause=cause)
    except Refusal as refusal:
        flash(request, told(refusal, reader.language), "refused")
    else:
        flash(request, translate(reader.language, DONE["rate"]))
    return Redirect(f"/cabinet/tickets/{ticket.id}", status_code=303)


# --- files ------------------------------------------------------------------------------------------------------------


@get("/cabinet/files/{id:uuid}", guards=[CABINET])
async def download(request: AnyRequest, id: FromPath[UUID]) -> Response[bytes]:
    """The file under its own name; `?inline=1` shows it in place when it is a picture."""
    file = await file_of(await signed_in(request), id)
    data = await asyncio.to_thread(_read, file.sha256)
    inline = request.query_params.get("inline") == "1" and file.content_type in INLINE
    how = "inline" if inline else "attachment"
    return Response(
        data,
        media_type=file.content_type if inline else "application/octet-stream",
        headers={
            "Content-Disposition": f"{how}; filename*=UTF-8''{quote(file.filename, safe='')}",
            "Content-Security-Policy": SANDBOX,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=3600",
        },
    )


def _read(sha256: str) -> bytes:
    with open_file(sha256) as opened:
        return opened.read()


TICKET_PAGES: Final = (my_tickets, one_ticket, act, rate, reloaded, download)
