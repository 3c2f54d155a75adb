"""The ways out of the tray, each one click, one transaction and one journaled act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.desk.moves import MOVES
from admin.held.page import shown
from admin.reader import flash, reading
from admin.reading import AnyRequest, typed_in
from admin.refused import by_field
from service.actors import Actor
from service.auth import actor_of
from service.directory import names_meant
from service.people import customer_by_name
from service.problems import STATUSES, told
from service.tickets import ticket_id
from service.tray import ways_out
from service.words import translate
from workflow.errors import FieldError, NotFound, Refusal, WrongFields
from workflow.words import _

TRAY = "/desk/held"


@post("/desk/held/{id:uuid}/{way:str}", guards=[MOVES], status_code=303)
async def take_way(request: AnyRequest, id: FromPath[UUID], way: FromPath[str]) -> Response[Any]:
    """Let the mail go one way; or say, with what was typed kept, why it may not."""
    go = WAYS.get(way)
    if go is None:
        raise NotFound()
    typed = {name: value.strip()[:500] for name, value in (await typed_in(request)).items()}
    try:
        said, leads_to = await go(request, id, typed)
    except Refusal as refusal:
        return await _refused(request, id, way, typed, refusal)
    flash(request, translate((await reading(request)).language, said))
    return Redirect(leads_to, status_code=303)


async def _refused(
    request: AnyRequest, id: UUID, way: str, typed: Mapping[str, str], refusal: Refusal
) -> Response[Any]:
    language = (await reading(request)).language
    errors = by_field(refusal.errors if isinstance(refusal, WrongFields) else (), language)
    return await shown(
        request, id, tried=way, typed=typed, errors=errors,
        meant=await names_meant(typed.get("organisation", "")) if "organisation" in errors else (),
        refusal="" if errors else told(refusal, language), status_code=STATUSES.get(type(refusal), 409),
    )  # fmt: skip


async def _ticket(request: AnyRequest, id: UUID, typed: Mapping[str, str]) -> tuple[str, str]:
    by, at = await _acting(request)
    made = await ways_out().make_ticket(id, by=by, at=at)
    return _("The mail became this ticket."), f"/desk/tickets/{made}"


async def _join(request: AnyRequest, id: UUID, typed: Mapping[str, str]) -> tuple[str, str]:
    by, at = await _acting(request)
    number = typed.get("number", "")
    if not number:
        raise WrongFields([FieldError("number", _("Please fill this in."), {})])
    try:
        ticket = await ticket_id(number)
    except NotFound:
        wrong = FieldError("number", _("There is no ticket “{value}”."), {"value": number})
        raise WrongFields([wrong]) from None
    joined = await ways_out().join(id, ticket, by=by, at=at)
    return _("The mail was added to this ticket."), f"/desk/tickets/{joined}"


async def _spam(request: AnyRequest, id: UUID, typed: Mapping[str, str]) -> tuple[str, str]:
    by, at = await _acting(request)
    await ways_out().mark_spam(id, by=by, at=at)
    return _("Set aside as spam."), TRAY


async def _drop(request: AnyRequest, id: UUID, typed: Mapping[str, str]) -> tuple[str, str]:
    by, at = await _acting(request)
    await ways_out().drop(id, by=by, at=at)
    return _("Dropped."), TRAY


async def _learn(request: AnyRequest, id: UUID, typed: Mapping[str, str]) -> tuple[str, str]:
    by, at = await _acting(request)
    if not typed.get("organisation"):
        raise WrongFields([FieldError("organisation", _("Please fill this in."), {})])
    try:
        customer = await customer_by_name(typed["organisation"], typed.get("contact", ""), at=at)
    except NotFound as unknown:
        field = "contact" if typed.get("contact") else "organisation"
        raise WrongFields([FieldError(field, unknown.sentence, dict(unknown.params))]) from None
    assert customer.organisation is not None
    await ways_out().learn_sender(
        id, by=by, at=at, organisation=customer.organisation, contact=customer.contact,
        full_name=typed.get("full_name", ""),
    )  # fmt: skip
    return _("The sender is known from now on."), f"{TRAY}/{id}"


async def _read_again(request: AnyRequest, id: UUID, typed: Mapping[str, str]) -> tuple[str, str]:
    by, at = await _acting(request)
    await ways_out().read_again(id, by=by, at=at)
    return _("The mail will be read once more."), TRAY


async def _take_back(request: AnyRequest, id: UUID, typed: Mapping[str, str]) -> tuple[str, str]:
    by, at = await _acting(request)
    await ways_out().take_back(id, by=by, at=at)
    return _("The mail waits for a decision again."), f"{TRAY}/{id}"


async def _acting(request: AnyRequest) -> tuple[Actor, Any]:
    return await actor_of(request), (await reading(request)).at


WAYS = {
    "ticket": _ticket, "join": _join, "spam": _spam, "drop": _drop, "learn": _learn, "again": _read_again,
    "back": _take_back,
}  # fmt: skip
