"""Held mail over HTTP: what waits in the tray, what it says, and the ways out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from service import clock, queries
from service import held_mails as mails
from service.actors import Actor
from service.api.requests import DEFAULT, AnyRequest, Cursor, Limit
from service.auth import actor_of, requires
from service.held_mails import WAITING, HeldMail
from service.paging import cursor_of, cut, place_of
from service.people import customer_by_name
from service.problems import language_of
from service.schemas import Incoming
from service.tickets import ticket_id
from service.tray import ways_out, why
from service.words import Language, translate
from workflow.definition import STAFF
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.words import _

READ = requires(*STAFF, scope="tickets:read")
DECIDE = requires(*STAFF, scope="tickets:write")
FOLDERS = {"waiting": WAITING, "spam": ("spam",), "dropped": ("dropped",)}
Folder = Literal["waiting", "spam", "dropped"]
Way = Literal["ticket", "join", "spam", "drop", "learn", "again", "back"]
PLACE = msgspec.json.Decoder(tuple[datetime, UUID])


class HeldMailView(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that became no ticket by itself. `due_at` is when its registration is due, counted from its arrival."""

    id: str
    status: str
    kind: str
    why: str
    reason: str
    sender: str
    subject: str
    received_at: datetime
    source: str
    ticket: str | None
    number: str | None
    due_at: datetime | None
    overdue: bool


class HeldFile(msgspec.Struct, frozen=True):
    """A file of a held mail. `refused` says why it would not be taken."""

    filename: str
    content_type: str
    size: int
    refused: str


class HeldMailRecord(HeldMailView, frozen=True, kw_only=True):
    """The same with what it says: `reply` is the sender's own part of `text`."""

    recipients: list[str]
    text: str
    reply: str
    files: list[HeldFile]


class HeldMailPage(msgspec.Struct, frozen=True):
    items: list[HeldMailView]
    next_cursor: str | None


class WayOut(Incoming, frozen=True, kw_only=True):
    """What becomes of it. `join` needs a `ticket` (id or number); `learn` an `organisation`, and a `contact` or a name.

    `ticket` makes one; `spam` and `drop` set it aside, `back` takes it from there; `again` reads it once more.
    """

    way: Way
    ticket: Annotated[str, msgspec.Meta(max_length=60)] = ""
    organisation: Annotated[str, msgspec.Meta(max_length=500)] = ""
    contact: Annotated[str, msgspec.Meta(max_length=320)] = ""
    full_name: Annotated[str, msgspec.Meta(max_length=500)] = ""


@get("/", operation_id="listHeldMails", summary="Mail that waits", guards=[READ])
async def list_held_mails(
    request: AnyRequest,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    folder: Annotated[Folder, QueryParameter(description="What waits, or what was set aside.")] = "waiting",
) -> HeldMailPage:
    """What waits for a decision, the oldest first; what was set aside, the newest first."""
    language = language_of(request)
    rows = await mails.mails(FOLDERS[folder], limit=limit + 1, after=place_of(cursor, PLACE))
    page, more = cut(rows, limit)
    onward = cursor_of(page[-1].received_at, page[-1].id) if more else None
    return HeldMailPage([HeldMailView(**_told(one, language)) for one in page], onward)


@get("/{mail:str}", operation_id="getHeldMail", summary="One mail", guards=[READ])
async def get_held_mail(request: AnyRequest, mail: FromPath[str]) -> HeldMailRecord:
    """Why it waits, what it says and which files it brought."""
    id = _id(mail)
    found = await mails.mail(id)
    said = await ways_out().show(id)
    return HeldMailRecord(
        **_told(found, language_of(request)),
        recipients=list(said.recipients) if said else [],
        text=said.text if said else "",
        reply=said.reply if said else "",
        files=[HeldFile(one.filename, one.content_type, one.size, one.refused) for one in said.files] if said else [],
    )


@get("/{mail:str}/original", operation_id="getHeldMailOriginal", summary="Its bytes", guards=[READ],
     media_type="application/octet-stream")  # fmt: skip
async def get_original(mail: FromPath[str]) -> Response[bytes]:
    """The mail as it came; always as a download."""
    id = _id(mail)
    headers = {"Content-Disposition": f'attachment; filename="{id}.eml.txt"', "Cache-Control": "no-store"}
    return Response(await mails.original(id), media_type="application/octet-stream", headers=headers)


@post("/{mail:str}/ways", operation_id="decideHeldMail", summary="Decide", status_code=200, guards=[DECIDE])
async def decide(request: AnyRequest, mail: FromPath[str], data: JSONBody[WayOut]) -> HeldMailView:
    """Let it go one way: one transaction and one journaled act. 409 when somebody was faster."""
    id, by, at = _id(mail), await actor_of(request), clock.now()
    await mails.mail(id)
    await _go(id, data, by=by, at=at)
    return HeldMailView(**_told(await mails.mail(id), language_of(request)))


async def _go(mail: UUID, data: WayOut, *, by: Actor, at: datetime) -> None:
    ways = ways_out()
    match data.way:
        case "ticket":
            await ways.make_ticket(mail, by=by, at=at)
        case "join":
            await ways.join(mail, await _ticket(data.ticket), by=by, at=at)
        case "spam":
            await ways.mark_spam(mail, by=by, at=at)
        case "drop":
            await ways.drop(mail, by=by, at=at)
        case "learn":
            await _learn(mail, data, by=by, at=at)
        case "again":
            await ways.read_again(mail, by=by, at=at)
        case "back":
            await ways.take_back(mail, by=by, at=at)


async def _ticket(named: str) -> UUID:
    if not named.strip():
        raise WrongFields([FieldError("ticket", _("Please fill this in."), {})])
    try:
        return await ticket_id(named.strip())
    except NotFound:
        wrong = FieldError("ticket", _("There is no ticket “{value}”."), {"value": named})
        raise WrongFields([wrong]) from None


async def _learn(mail: UUID, data: WayOut, *, by: Actor, at: datetime) -> None:
    """Whose address this is: of a known person, or of a new one of the organisation."""
    if not data.organisation.strip():
        raise WrongFields([FieldError("organisation", _("Please fill this in."), {})])
    try:
        customer = await customer_by_name(data.organisation, data.contact, at=at)
    except NotFound as unknown:
        field = "contact" if data.contact else "organisation"
        raise WrongFields([FieldError(field, unknown.sentence, dict(unknown.params))]) from None
    if customer.organisation is None:
        raise WrongFields([FieldError("organisation", _("Choose an organisation."), {})])
    await ways_out().learn_sender(
        mail, by=by, at=at, organisation=customer.organisation, contact=customer.contact, full_name=data.full_name
    )


def _id(given: str) -> UUID:
    id = queries.as_uuid(given)
    if id is None:
        raise NotFound()
    return id


def _told(mail: HeldMail, language: Language) -> dict[str, Any]:
    told = msgspec.structs.asdict(mail)
    shown = {name: told[name] for name in HeldMailView.__struct_fields__ if name in told}
    return shown | {
        "id": str(mail.id),
        "ticket": str(mail.ticket) if mail.ticket else None,
        "why": translate(language, why(mail.status, mail.kind)) if mail.waits else "",
    }


ROUTER = Router(
    "/held-mails", route_handlers=[list_held_mails, get_held_mail, get_original, decide], tags=["Held mail"]
)
