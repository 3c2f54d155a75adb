"""Tickets of another desk over HTTP, with their history and its times."""

from __future__ import annotations

import msgspec
from litestar import Router, post
from litestar.params import JSONBody

from service import clock
from service.actors import Actor
from service.api.requests import AnyRequest
from service.auth import ADMINISTRATORS, actor_of, requires
from service.importing import OldTicket, Step, take_over
from service.intake import Request
from service.problems import language_of, told
from service.schemas import Import, ImportedTicket, ImportFault, ImportResult, ImportResults
from service.words import Language
from workflow.errors import Refusal, WrongFields

IMPORT = requires(*ADMINISTRATORS, scope="tickets:import")


@post("/imports/tickets", operation_id="importTickets", summary="Take over tickets of another desk", status_code=200,
      guards=[IMPORT])  # fmt: skip
async def import_tickets(request: AnyRequest, data: JSONBody[Import]) -> ImportResults:
    """Each ticket with its history at its original times, marked as imported; no letters go. Sending it again is safe:
    what was taken over already is known."""
    by, language = await actor_of(request), language_of(request)
    return ImportResults([await _one(one, data.tell, by=by, language=language) for one in data.tickets])


async def _one(given: ImportedTicket, tell: bool, *, by: Actor, language: Language) -> ImportResult:
    old = OldTicket(
        external_id=given.external_id,
        request=Request(**msgspec.structs.asdict(given.request)),
        received_at=given.received_at,
        history=[
            Step(at=step.at, trigger=step.trigger, kind=step.kind, name=step.name, given=step.fields)
            for step in given.history
        ],
    )
    try:
        ticket, new = await take_over(old, by=by, at=clock.now(), tell=tell)
    except WrongFields as wrong:
        faults = [ImportFault(one.field, told(one, language)) for one in wrong.errors]
        return ImportResult(given.external_id, "refused", None, None, faults)
    except Refusal as refusal:
        fault = ImportFault("ticket", told(refusal, language))
        return ImportResult(given.external_id, "refused", None, None, [fault])
    return ImportResult(given.external_id, "imported" if new else "known", str(ticket.id), ticket.number, [])


ROUTER = Router("/", route_handlers=[import_tickets], tags=["Tickets"])
