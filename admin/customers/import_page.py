"""Customers from a table: the difference first, then the same difference carried out."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, get, post
from litestar.response import Redirect

from admin.customers.rights import ADMINISTER
from admin.pages import render
from admin.reader import flash, reading
from admin.reading import AnyRequest
from admin.refused import said
from service import customer_import
from service.auth import actor_of
from service.customer_import import COLUMNS, Import
from service.words import ngettext, translate
from workflow.errors import WrongFields
from workflow.words import _

LONGEST: Final = 2_000_000  # characters


@get("/customers/import", guards=[ADMINISTER])
async def import_page(request: AnyRequest) -> Response[str]:
    """The form for the table."""
    return await _page(request)


@post("/customers/import", guards=[ADMINISTER], status_code=303)
async def import_table(request: AnyRequest) -> Response[Any]:
    """Show what would change; with the name of exactly these changes, carry them out."""
    reader, form = await reading(request), await request.form()
    text = str(form.get("table", ""))
    upload: Any = form.get("file")
    if hasattr(upload, "read") and upload.filename:
        text = (await upload.read()).decode("utf-8", "replace")
    text = text[:LONGEST]
    try:
        if digest := str(form.get("digest", "")):
            done = await customer_import.accept(text, digest, by=await actor_of(request), at=reader.at)
            if done is not None:
                n = len(done.differences)
                flash(request, ngettext(reader.language, "{n} change made.", "{n} changes made.", n))
                return Redirect("/customers", status_code=303)
        found = await customer_import.preview(text)
    except WrongFields as wrong:
        return await _page(request, text=text, refusal=said(wrong, reader.language))
    stale = (
        translate(reader.language, _("Something changed meanwhile: look at the difference again.")) if digest else ""
    )
    return await _page(request, text=text, found=found, refusal=stale)


async def _page(
    request: AnyRequest, *, text: str = "", found: Import | None = None, refusal: str = ""
) -> Response[str]:
    reader = await reading(request)
    told = [translate(reader.language, one.sentence, **one.params) for one in found.differences] if found else []
    return render(
        "customers/import.html", reader, status_code=422 if refusal else 200, text=text, told=told, found=found,
        refusal=refusal, columns=",".join(COLUMNS),
    )  # fmt: skip


IMPORT_PAGES: Final = (import_page, import_table)
