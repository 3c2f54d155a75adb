"""Tickets: take one in, find them, look at one, move it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from service import clock, queries
from service.api.attachments import shown
from service.api.requests import DEFAULT, AnyRequest, Cursor, Limit, cause_of, expected_seq, key_of, with_zone
from service.auth import actor_of, requires
from service.intake import Request, receive
from service.journal import Entry
from service.passport_view import passport_view
from service.possible import possible_moves, refuse_data
from service.problems import language_of
from service.queries import Wanted
from service.regulations import RULEBOOKS, in_force
from service.schemas import (
    AttachmentPage,
    DeadlineView,
    EntryActor,
    JournalEntryView,
    JournalPage,
    MessagePage,
    MessageView,
    NewTicket,
    PossibleMoves,
    TicketPage,
)
from service.ticket import Ticket, TicketView, clock_view, view
from service.tickets import answer_to, carry_out
from workflow.definition import STAFF
from workflow.errors import FieldError, WrongFields
from workflow.words import _

READ = requires(*STAFF, scope="tickets:read")
WRITE = requires(*STAFF, scope="tickets:write")
Channel = Literal["portal", "email", "phone"]


@post("/", operation_id="createTicket", summary="Take in a request", guards=[WRITE])
async def create_ticket(request: AnyRequest, data: JSONBody[NewTicket]) -> Response[TicketView]:
    """A request becomes a ticket: its registration clock starts and its sender gets the acceptance letter."""
    by, at = await actor_of(request), clock.now()
    key = await key_of(request, by)
    ticket = await receive(Request(**msgspec.structs.asdict(data)), by=by, at=at, cause=cause_of(by, key), key=key)
    return _answer(request, ticket, answer_to(ticket, at=at), status=201)


@get("/", operation_id="listTickets", summary="Find tickets", guards=[READ])
async def list_tickets(
    request: AnyRequest,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    states: Annotated[list[str] | None, QueryParameter(name="state", description="One or more states.")] = None,
    priority: Annotated[list[str] | None, QueryParameter(description="One or more codes of priorities.")] = None,
    assignee: Annotated[str, QueryParameter(description="Id or address of a colleague, `me` or `none`.")] = "",
    team: Annotated[str, QueryParameter(description="Id or code of the team whose people have the ticket.")] = "",
    watcher: Annotated[str, QueryParameter(description="Id or address of who watches it, or `me`.")] = "",
    organisation: Annotated[str, QueryParameter(description="Id or name.")] = "",
    overdue: Annotated[bool | None, QueryParameter(description="Whether a deadline has passed.")] = None,
    channel: Annotated[Channel | None, QueryParameter(description="How the request came.")] = None,
    product: Annotated[str, QueryParameter(description="The whole name of a product.")] = "",
    contract: Annotated[str, QueryParameter(description="The number of a contract.")] = "",
    email: Annotated[str, QueryParameter(description="The whole address of the asker.")] = "",
    outcome: Annotated[str, QueryParameter(description="`solved`, or the code of a reason.")] = "",
    unidentified: Annotated[bool | None, QueryParameter(description="Whether the organisation is unknown.")] = None,
    received_from: Annotated[
        datetime | None, QueryParameter(description="The first instant of receipt, with its zone.")
    ] = None,
    received_until: Annotated[
        datetime | None, QueryParameter(description="The instant before which it was received.")
    ] = None,
    q: Annotated[str, QueryParameter(description="Words to be found in subject, texts, names or number.")] = "",
) -> TicketPage:
    """Tickets that fit every filter, the newest first."""
    at = clock.now()
    wanted = Wanted(
        state=states or (), priority=priority or (), assignee=assignee, team=team, watcher=watcher,
        organisation=organisation, overdue=overdue,
        channel=channel or "", product=product, contract=contract, email=email, outcome=outcome,
        unidentified=unidentified, received_from=with_zone("received_from", received_from),
        received_until=with_zone("received_until", received_until), q=q,
    )  # fmt: skip
    found, onward = await queries.tickets(wanted, by=await actor_of(request), at=at, limit=limit, cursor=cursor)
    return TicketPage([view(ticket, at=at) for ticket in found], onward)


@get("/{ticket:str}", operation_id="getTicket", summary="Look at one ticket", guards=[READ])
async def get_ticket(request: AnyRequest, ticket: FromPath[str]) -> Response[TicketView]:
    """The ticket with this id or number. `ETag` is its `seq`, for `If-Match`."""
    at = clock.now()
    found = await queries.ticket_named(ticket)
    return _answer(request, found, answer_to(found, at=at), status=200)


@get("/{ticket:str}/moves", operation_id="listMoves", summary="What may be done now", guards=[READ])
async def list_moves(request: AnyRequest, ticket: FromPath[str]) -> Response[PossibleMoves]:
    """The moves you may make now, with the fields each takes and what may be chosen, in the language you accept."""
    at = clock.now()
    found = await queries.ticket_named(ticket)
    moves = possible_moves(
        found,
        by=await actor_of(request),
        pinned=RULEBOOKS[found.regulation_version],
        in_force=await in_force(at=at),
        language=language_of(request),
    )
    return Response(moves, headers={"ETag": f'"{found.seq}"'})


@post("/{ticket:str}/moves", operation_id="makeMove", summary="Make a move", status_code=200, guards=[WRITE])
async def make_move(request: AnyRequest, ticket: FromPath[str], data: JSONBody[dict[str, Any]]) -> Response[TicketView]:
    """Carry out one trigger: all of it, or none of it. Role (403) and state (409) are checked before fields (422)."""
    by, at = await actor_of(request), clock.now()
    key = await key_of(request, by)
    given = dict(data)
    trigger = given.pop("trigger", None)
    if not isinstance(trigger, str) or not trigger:
        raise WrongFields([FieldError("trigger", _("Please fill this in."), {})])
    refuse_data(trigger, given)
    moved = await carry_out(
        await queries.id_named(ticket),
        trigger,
        by=by,
        at=at,
        cause=cause_of(by, key),
        given=given,
        expected_seq=expected_seq(request),
        key=key,
    )
    return _answer(request, moved, answer_to(moved, at=at), status=200)


@get("/{ticket:str}/journal", operation_id="getJournal", summary="The journal", guards=[READ])
async def get_journal(ticket: FromPath[str], limit: Limit = DEFAULT, cursor: Cursor = None) -> JournalPage:
    """Every act on the ticket, the oldest first, each linked to the one before by its hash."""
    entries, onward = await queries.journal(await queries.known_id(ticket), limit=limit, cursor=cursor)
    return JournalPage([_entry(entry) for entry in entries], onward)


@get("/{ticket:str}/messages", operation_id="getMessages", summary="What was said", guards=[READ])
async def get_messages(ticket: FromPath[str], limit: Limit = DEFAULT, cursor: Cursor = None) -> MessagePage:
    """What the customer said, what was said to them, and words among colleagues; the oldest first."""
    rows, onward = await queries.messages(await queries.known_id(ticket), limit=limit, cursor=cursor)
    return MessagePage([MessageView(**{**row, "id": str(row["id"])}) for row in rows], onward)


@get("/{ticket:str}/attachments", operation_id="getAttachments", summary="The files", guards=[READ])
async def get_attachments(ticket: FromPath[str], limit: Limit = DEFAULT, cursor: Cursor = None) -> AttachmentPage:
    """The files of the ticket, the refused ones too, with the reason; the oldest first."""
    rows, onward = await queries.attachments(await queries.known_id(ticket), limit=limit, cursor=cursor)
    return AttachmentPage([shown(row) for row in rows], onward)


@get("/{ticket:str}/deadline", operation_id="getDeadline", summary="The deadline and why", guards=[READ])
async def get_deadline(ticket: FromPath[str]) -> DeadlineView:
    """The deadline passport: what was counted, skipped and paused, and by which rule; its text in both languages."""
    found = await queries.ticket_named(ticket)
    return DeadlineView(
        registration_due_at=found.registration_due_at,
        due_at=found.due_at,
        promised_at=found.promised_at,
        clock=clock_view(found, at=clock.now()),
        registration=passport_view(found.clocks.registration),
        resolution=passport_view(found.clocks.resolution),
    )


def _answer(request: AnyRequest, ticket: Ticket, body: bytes, *, status: int) -> Response[TicketView]:
    """The bytes as they may be given again later; the type is what the documentation shows."""
    request.scope["state"]["ticket"] = ticket.number or str(ticket.id)
    headers = {"ETag": f'"{ticket.seq}"'}
    if status == 201:
        headers["Location"] = f"/api/v1/tickets/{ticket.id}"
    return Response[Any](body, status_code=status, media_type="application/json", headers=headers)


def _entry(entry: Entry) -> JournalEntryView:
    return JournalEntryView(
        seq=entry.seq, at=entry.at, kind=entry.kind, trigger=entry.trigger, from_state=entry.from_state,
        to_state=entry.to_state, actor=EntryActor(entry.actor_kind, entry.actor_name), cause=entry.cause,
        data=dict(entry.data), hash=entry.hash.hex(),
    )  # fmt: skip


ROUTER = Router(
    "/tickets",
    route_handlers=[
        create_ticket, list_tickets, get_ticket, list_moves, make_move, get_journal, get_messages, get_attachments,
        get_deadline,
    ],
    tags=["Tickets"],
)  # fmt: skip
