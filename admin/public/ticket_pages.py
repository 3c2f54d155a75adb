"""The pages behind the links in letters: look at a ticket, confirm its solution, dispute it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.pages import Flash, Reading, render, url
from admin.public.endings import ending_said
from admin.public.passport_lines import PassportLines, passport_lines
from admin.reading import AnyRequest, language_of
from admin.refused import beside
from admin.time_bars import TimeBar, time_bar
from service import clock, satisfaction, signed_links
from service.correspondence import outside_hours
from service.house import HOUSE
from service.regulations import RULEBOOKS
from service.signed_links import LONGEST_NAME, LinkExpired, LinkGone, LinkRevoked, LinkUsed, SignedLink
from service.ticket import Ticket
from service.words import translate
from workflow.calendar import zone_named
from workflow.definition import State
from workflow.errors import NotFound, Refusal, WrongFields
from workflow.process import PROCESS, SCORES
from workflow.sla import closes_at
from workflow.words import _

# A link is a secret of its reader: no cache keeps the page, no search engine lists it, no other site hears its address.
PRIVATE: Final = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}

DONE: Final[Mapping[str, str]] = {
    "confirm": _("Thank you. The solution is confirmed and the ticket is closed."),
    "dispute": _("Thank you. Your reasons have been recorded and the work goes on."),
    "rate": _("Thank you for telling us."),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the holder of a link sees of a ticket: nothing of other people, nothing of the inner work."""

    number: str
    subject: str
    state: str
    tone: str
    next: str
    ticket: Ticket
    priority: str
    bar: TimeBar | None
    passport: PassportLines | None
    closes_at: datetime | None
    outside_hours: bool = False
    ending: str = ""


@get("/status/{token:str}")
async def status(request: AnyRequest, token: FromPath[str]) -> Response[str]:
    """Where a ticket stands; `after` names the act that led here."""
    try:
        ticket = await signed_links.ticket_of_status(token, at=clock.now())
    except (NotFound, LinkGone) as refusal:
        return gone(request, refusal)
    reading = reading_for(request, ticket)
    if done := DONE.get(request.query_params.get("after", "")):
        reading = replace(reading, flashes=(Flash(translate(reading.language, done)),))
    ending = ending_said(
        await signed_links.ending_of(ticket), reading.language, at=reading.at, zone=reading.zone, named=False
    )
    return render(
        "public/status.html", reading, headers=PRIVATE, shown=replace(shown(ticket, reading), ending=ending),
        rating=await rating_of(ticket, reading), rating_action=f"/rate/{satisfaction.rating_token(ticket)}",
    )  # fmt: skip


async def rating_of(ticket: Ticket, reading: Reading) -> tuple[tuple[str, str], ...]:
    """The answers to “how was it?”, with what stands on their buttons; none where nothing is asked (any more)."""
    if not await satisfaction.open_question(ticket, at=reading.at):
        return ()
    return tuple((code, translate(reading.language, label)) for code, label in SCORES)


@get("/confirm/{token:str}")
async def ask_to_confirm(request: AnyRequest, token: FromPath[str]) -> Response[str]:
    """Only the question: programs that read mail follow links, and must not answer for a person."""
    return await _ask(request, "confirm", token)


@get("/dispute/{token:str}")
async def ask_to_dispute(request: AnyRequest, token: FromPath[str]) -> Response[str]:
    """Only the form for the argument."""
    return await _ask(request, "dispute", token)


@post("/confirm/{token:str}")
async def confirm(request: AnyRequest, token: FromPath[str]) -> Response[str] | Redirect:
    """The solution is confirmed (4.9). The link alone is the right to do so; no cookie counts."""
    return await _act(request, "confirm", token, await request.form())


@post("/dispute/{token:str}")
async def dispute(request: AnyRequest, token: FromPath[str]) -> Response[str] | Redirect:
    """The solution is disputed with an argument (4.8)."""
    return await _act(request, "dispute", token, await request.form())


async def _ask(request: AnyRequest, act: str, token: str) -> Response[str]:
    try:
        link = await signed_links.look(act, token, at=clock.now())
    except (NotFound, LinkGone) as refusal:
        return gone(request, refusal)
    return _question(request, link, {}, {})


async def _act(request: AnyRequest, act: str, token: str, form: Mapping[str, object]) -> Response[str] | Redirect:
    at = clock.now()
    typed = {"who": str(form.get("who", ""))[:LONGEST_NAME], "text": str(form.get("text", ""))}
    given = {"text": typed["text"]} if act == "dispute" else {}
    try:
        ticket = await signed_links.use(act, token, at=at, given=given, who=typed["who"])
    except WrongFields as wrong:
        link = await signed_links.look(act, token, at=at)
        language = reading_for(request, link.ticket).language
        errors = beside(wrong, language)
        return _question(request, link, typed, errors)
    except Refusal as refusal:
        return gone(request, refusal)
    where = url(f"/status/{HOUSE.sign(signed_links.STATUS, ticket.id)}", after=act)
    return Redirect(where, status_code=303, headers=PRIVATE)


OTHER: Final[Mapping[str, str]] = {"confirm": "dispute", "dispute": "confirm"}


def _question(
    request: AnyRequest, link: SignedLink, typed: Mapping[str, str], errors: Mapping[str, str]
) -> Response[str]:
    """Who confirms has read what he confirms, knows in whose name, and finds the other way beside it."""
    reading, other = reading_for(request, link.ticket), OTHER[link.act]
    return render(
        f"public/{link.act}.html",
        reading,
        status_code=422 if errors else 200,
        headers=PRIVATE,
        shown=shown(link.ticket, reading),
        solution=link.solution,
        other_href=f"/{other}/{HOUSE.sign(other, link.other)}" if link.other else "",
        typed=typed,
        errors=errors,
    )


# --- links that no longer work ----------------------------------------------------------------------------------------

HELP: Final[Mapping[type[Refusal], str]] = {
    LinkUsed: _("Nothing more has to be done. To add something, reply to any of our letters about this ticket."),
    LinkExpired: _("Reply to any of our letters about this ticket, and we shall answer you."),
    LinkRevoked: _("Look for a newer letter of ours: its links work. Or reply to any letter about this ticket."),
    NotFound: _(
        "Mail programs sometimes break long addresses. Copy the whole address from the letter, "
        "or simply reply to the letter."
    ),
}


def gone(request: AnyRequest, refusal: Refusal) -> Response[str]:
    """Why the link does nothing, and what to do instead: 410 for one that worked once, 404 for one that never did."""
    ticket, answer = (refusal.ticket, refusal.answer) if isinstance(refusal, LinkGone) else (None, None)
    reading = reading_for(request, ticket)
    sentence = refusal.sentence if ticket else _("This link is not one of ours, or a part of it is missing.")
    if not isinstance(refusal, LinkGone | NotFound):
        sentence = _("This is not possible any more: the ticket has changed meanwhile.")
    status_code = 410 if ticket else 404 if isinstance(refusal, NotFound) else 409
    # An expired status link would only lead to itself again.
    leads_on = ticket is not None and not (ticket.closed_at and isinstance(refusal, LinkExpired))
    return render(
        "public/gone.html",
        reading,
        status_code=status_code,
        headers=PRIVATE,
        sentence=translate(reading.language, sentence),
        ending=ending_said(answer, reading.language, at=reading.at, zone=reading.zone),
        help=translate(reading.language, HELP.get(type(refusal), HELP[LinkRevoked])),
        shown=shown(ticket, reading) if ticket and leads_on else None,
        status_href=f"/status/{HOUSE.sign(signed_links.STATUS, ticket.id)}" if ticket else "",
    )


# --- what is shown ----------------------------------------------------------------------------------------------------


def reading_for(request: AnyRequest, ticket: Ticket | None) -> Reading:
    """A reader without a name or a session, in the language of the letter unless he chose another."""
    language = language_of(request, otherwise=ticket.language if ticket else None)
    # The address holds the token: it is not repeated in forms that leave the page.
    reading = Reading(at=clock.now(), path=request.url.path, language=language)
    if ticket is None:
        return reading
    return replace(reading, zone=zone_named(RULEBOOKS[ticket.regulation_version].regulation.calendar.zone))


def shown(ticket: Ticket, reading: Reading) -> Shown:
    """The ticket in the customer's words."""
    state, rules = PROCESS.state(ticket.state), RULEBOOKS[ticket.regulation_version]
    period = ticket.clock() if ticket.open else None
    priority = rules.priorities.get(ticket.priority or "")
    obeyed = RULEBOOKS[period.version] if period else rules
    return Shown(
        number=ticket.number or "",
        subject=ticket.subject,
        state=translate(reading.language, state.customer_label),
        tone=_tone(state),
        next=translate(reading.language, _next(ticket, state)),
        ticket=ticket,
        priority=priority.name.to(reading.language) if priority else "",
        bar=time_bar(period, obeyed, at=reading.at, zone=reading.zone, language=reading.language) if period else None,
        passport=passport_lines(period, obeyed, reading.language) if period else None,
        closes_at=closes_at(ticket.clocks, RULEBOOKS),
        outside_hours=state.runs == "registration" and outside_hours(rules, ticket.received_at),
    )


def _tone(state: State) -> str:
    return "ended" if state.final else "rests" if state.pauses else "runs"


# An unread message of the customer, or a completion letter that came back.
HELD: Final = _(
    "The ticket does not close by itself now: our specialist looks at it first. You may still say whether it is solved."
)


def _next(ticket: Ticket, state: State) -> str:
    """What happens next, and whose turn it is, told from what the clocks do in the state."""
    if state.final:
        return _("Nothing more has to be done. A new question gets a ticket of its own: write to us.")
    if state.runs == "registration":
        return _("We shall register your request and send you its number, priority and deadline.")
    if state.runs == "auto_close" and ticket.clocks.held:
        return HELD
    if state.runs == "auto_close":
        return _("Please confirm the solution or disagree with it: both links are in our last letter.")
    if state.pauses:
        return _("We need your answer to go on: please reply to our last letter. Until then the clock rests.")
    return _("We are working on it. There is nothing you have to do.")


TICKET_PAGES: Final = (status, ask_to_confirm, ask_to_dispute, confirm, dispute)
