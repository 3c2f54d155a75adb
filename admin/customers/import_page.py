"""Customers from a table: the difference first, then the same difference carried out."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, get, post
from litestar.response import Redirect

from admin.customers.rights import ADMINISTER
from admin.pages import render
from admin.reader import flash, reading
from admin.reading import AnyRequest
from admin.refused import beside, said
from service import customer_import
from service.auth import actor_of
from service.charsets import decode
from service.customer_import import Difference, Import, ImportOvertaken
from service.customer_table import COLUMNS
from service.words import Language, ngettext, translate
from workflow.errors import WrongFields

LONGEST: Final = 4_000_000  # bytes


@get("/customers/import", guards=[ADMINISTER])
async def import_page(request: AnyRequest) -> Response[str]:
    """The form for the table."""
    return await _page(request)


@post("/customers/import", guards=[ADMINISTER], status_code=303)
async def import_table(request: AnyRequest) -> Response[Any]:
    """Show what would change; with the name of exactly these changes, carry them out."""
    reader, form = await reading(request), await request.form()
    text, overtaken = str(form.get("table", "")), ""
    upload: Any = form.get("file")
    if hasattr(upload, "read") and upload.filename:
        text = _text_of((await upload.read())[:LONGEST])
    try:
        if digest := str(form.get("digest", "")):
            try:
                done = await customer_import.accept(text, digest, by=await actor_of(request), at=reader.at)
            except ImportOvertaken as refusal:
                overtaken = said(refusal, reader.language)
            else:
                n = len(done.differences)
                flash(request, ngettext(reader.language, "{n} change made.", "{n} changes made.", n))
                return Redirect("/customers", status_code=303)
        found = await customer_import.preview(text, at=reader.at)
    except WrongFields as wrong:
        return await _page(request, text=text, error="\n".join(beside(wrong, reader.language).values()))
    return await _page(request, text=text, found=found, overtaken=overtaken)


def _text_of(data: bytes) -> str:
    """Spreadsheets in Russia write cp1251, and “Unicode text” is UTF-16 to them."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return decode(data).text


async def _page(
    request: AnyRequest, *, text: str = "", found: Import | None = None, overtaken: str = "", error: str = ""
) -> Response[str]:
    reader = await reading(request)
    return render(
        "customers/import.html", reader, status_code=422 if overtaken or error else 200, text=text, found=found,
        overtaken=overtaken, error=error,
        told=_said(found.differences if found else (), reader.language), columns=", ".join(COLUMNS),
        notes=_said(found.notes if found else (), reader.language),
    )  # fmt: skip


def _said(differences: tuple[Difference, ...], language: Language) -> list[str]:
    return [translate(language, one.sentence, **one.params) for one in differences]


IMPORT_PAGES: Final = (import_page, import_table)
