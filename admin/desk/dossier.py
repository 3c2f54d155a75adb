"""The dossier of a ticket from its page: saved as a PDF or as sealed JSON, whole or for the customer."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from admin.desk.rights import DESK
from admin.reader import reading
from admin.reading import AnyRequest
from service import dossier
from service.auth import actor_of
from service.dossier import Edition
from service.dossier_pdf import PDF, pdf

Form = Annotated[Literal["pdf", "json"], QueryParameter(name="form")]
Which = Annotated[Edition, QueryParameter(name="edition")]


@get("/desk/tickets/{id:uuid}/dossier", guards=[DESK])
async def save_dossier(
    request: AnyRequest, id: FromPath[UUID], form: Form = "pdf", edition: Which = "whole"
) -> Response[Any]:
    """The file, in the reader's language; who took it stands in the configuration journal."""
    reader, by = await reading(request), await actor_of(request)
    made = await dossier.make(id, edition=edition, by=by, at=reader.at)
    file = dossier.written(made)
    if form == "pdf":
        file = await pdf(made, file, language=reader.language)
    await dossier.note_made(made, file, form=form, by=by, at=reader.at)
    return Response(
        file, media_type=PDF if form == "pdf" else "application/json",
        headers=dossier.saved_as(made, suffix=form),
    )  # fmt: skip
