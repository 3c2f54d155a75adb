"""The dossier of a ticket over HTTP: as sealed JSON, and as a PDF to be printed."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, Router, get
from litestar.params import FromPath, QueryParameter

from service import clock, dossier, queries, seals
from service.api.requests import AnyRequest
from service.auth import actor_of, requires
from service.dossier import Edition, SealedDossier
from service.dossier_pdf import PDF, pdf
from service.problems import language_of
from service.schemas import SealKey
from workflow.definition import STAFF

READ = requires(*STAFF, scope="tickets:read")

Which = Annotated[
    Edition,
    QueryParameter(name="edition", description="`customer` withholds what colleagues told one another."),
]


@get("/tickets/{ticket:str}/dossier", operation_id="getDossier", summary="The dossier, sealed", guards=[READ])
async def get_dossier(request: AnyRequest, ticket: FromPath[str], edition: Which = "whole") -> Response[SealedDossier]:
    """Everything said and done, the deadlines and the rules that applied, as one file that proves itself.

    The seal is over the bytes of `dossier` as they stand: keep the file as it comes.
    """
    by, at = await actor_of(request), clock.now()
    made = await dossier.make(await queries.known_id(ticket), edition=edition, by=by, at=at)
    file = dossier.written(made)
    await dossier.note_made(made, file, form="json", by=by, at=at)
    return Response[Any](file, media_type="application/json", headers=dossier.saved_as(made, suffix="json"))


@get("/tickets/{ticket:str}/dossier.pdf", operation_id="getDossierPdf", summary="The dossier on paper", guards=[READ],
     media_type=PDF)  # fmt: skip
async def get_dossier_pdf(request: AnyRequest, ticket: FromPath[str], edition: Which = "whole") -> Response[bytes]:
    """The same as pages, in the language you accept; the sealed JSON lies inside as an attachment."""
    by, at = await actor_of(request), clock.now()
    made = await dossier.make(await queries.known_id(ticket), edition=edition, by=by, at=at)
    file = await pdf(made, dossier.written(made), language=language_of(request))
    await dossier.note_made(made, file, form="pdf", by=by, at=at)
    return Response(file, media_type=PDF, headers=dossier.saved_as(made, suffix="pdf"))


@get("/seal-key", operation_id="getSealKey", summary="The key dossiers are sealed with", guards=[READ])
async def get_seal_key() -> SealKey:
    """The public half, in base64; the public page of the regulation shows it too."""
    return SealKey(seals.ALGORITHM, seals.public_key())


ROUTER = Router("/", route_handlers=[get_dossier, get_dossier_pdf, get_seal_key], tags=["Tickets"])
