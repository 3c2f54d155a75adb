"""Files of tickets over HTTP: sent as a form, judged by content, fetched whole or in ranges."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from litestar import Response, Router, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import Stream

from service import clock, files, queries
from service.api.requests import AnyRequest, cause_of, expected_seq, key_of
from service.auth import actor_of, requires
from service.change import File
from service.file_content import REFUSED, AttachmentPolicy, judge, policy_of
from service.idempotency import KeyReused
from service.regulations import RULEBOOKS
from service.schemas import AttachmentPage, AttachmentView
from service.tickets import carry_out
from workflow.definition import STAFF
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.words import _

READ = requires(*STAFF, scope="tickets:read")
WRITE = requires(*STAFF, scope="tickets:write")

BLOCK = 64 * 1024  # bytes
RANGE = re.compile(r"bytes=(?=-?\d)(\d{0,18})-(\d{0,18})")
# Whatever the file holds, it reaches nothing: no script, no form, no other address.
SANDBOX = "default-src 'none'; sandbox"


@post("/tickets/{ticket:str}/attachments", operation_id="addAttachments", summary="Send files", guards=[WRITE])
async def add_attachments(request: AnyRequest, ticket: FromPath[str]) -> Response[AttachmentPage]:
    """Keep the files of a multipart form, all of them or none: one that clause 7.6 does not take is named (422)."""
    by, at = await actor_of(request), clock.now()
    key = await key_of(request, by)
    found = await queries.ticket_named(ticket)
    policy = policy_of(RULEBOOKS[found.regulation_version].regulation.attachments)
    given = await _kept(await _uploads(request), policy)
    cause = cause_of(by, key)
    after = await carry_out(
        found.id, "attach", by=by, at=at, cause=cause, files=given, expected_seq=expected_seq(request)
    )
    rows = await queries.attachments_of(found.id, cause=cause)
    if sorted((row["filename"], row["sha256"]) for row in rows) != sorted((one.filename, one.sha256) for one in given):
        raise KeyReused()
    order = [one.filename for one in given]
    rows.sort(key=lambda row: order.index(row["filename"]))
    return Response(
        AttachmentPage([shown(row) for row in rows], None), status_code=201, headers={"ETag": f'"{after.seq}"'}
    )


@get("/attachments/{attachment:str}", operation_id="downloadAttachment", summary="Fetch a file", guards=[READ])
async def download_attachment(request: AnyRequest, attachment: FromPath[str]) -> Stream:
    """The content of a file, or with `Range: bytes=…` a part of it; always as a download."""
    row = await queries.attachment(attachment)
    if not row["sha256"]:
        raise NotFound()
    size, tag = row["size"], f'"{row["sha256"]}"'
    first, end = 0, size
    wanted = request.headers.get("range")
    part = _range(wanted) if wanted and request.headers.get("if-range", tag) == tag else None
    if part:
        first, end = _span(*part, size)
    opened = await asyncio.to_thread(files.open_file, row["sha256"])
    headers = {
        "Content-Disposition": files.disposition("attachment", row["filename"]),
        "Content-Length": str(end - first),
        "Content-Security-Policy": SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Cache-Control": "private, max-age=3600",
    }
    if part:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    return Stream(
        _blocks(opened, first, end - first),
        status_code=206 if part else 200,
        media_type="application/octet-stream",
        headers=headers,
    )


def shown(row: Any) -> AttachmentView:
    """A file as the API tells of it."""
    message = None if row["message"] is None else str(row["message"])
    return AttachmentView(**{**row, "id": str(row["id"]), "message": message})


# --- coming in --------------------------------------------------------------------------------------------------------


async def _uploads(request: AnyRequest) -> list[Any]:
    """The files of the form, under whatever name. Raises WrongFields when there are none, or too many."""
    form = await request.form()
    found = [one for one in form.values() if hasattr(one, "read") and one.filename]
    if not found:
        raise WrongFields([FieldError("file", _("Send at least one file, as multipart/form-data."), {})])
    if len(found) > files.MOST_AT_ONCE:
        most = {"most": str(files.MOST_AT_ONCE)}
        raise WrongFields([FieldError("file", _("At most {most} files go with one request."), most)])
    return found


async def _kept(uploads: Sequence[Any], policy: AttachmentPolicy) -> list[File]:
    """The files, judged and kept. Raises WrongFields naming each that is not taken, before any is kept."""
    judged: list[tuple[str, bytes, str]] = []
    errors: list[FieldError] = []
    for upload in uploads:
        data: bytes = await upload.read()
        name = files.plain_name(upload.filename)
        verdict = await asyncio.to_thread(judge, data, name, policy)
        if verdict.reason:
            errors.append(FieldError(name, REFUSED[verdict.reason], {}))
        judged.append((name, data, verdict.content_type))
    if errors:
        raise WrongFields(errors)
    return [
        File(name, content_type, len(data), await asyncio.to_thread(files.keep, data))
        for name, data, content_type in judged
    ]


# --- going out --------------------------------------------------------------------------------------------------------


def _range(wanted: str) -> tuple[str, str] | None:
    """First and last byte as they were asked for, either perhaps empty; None for what is no range and goes unheard."""
    found = RANGE.fullmatch(wanted)
    if not found or (found[1] and found[2] and int(found[1]) > int(found[2])):
        return None
    return found[1], found[2]


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    """Where a range begins and ends (RFC 9110, 14.1.2). Raises 416 when nothing of it is there."""
    if first:
        begin, end = int(first), min(int(last) + 1, size) if last else size
    else:
        begin, end = max(0, size - int(last or 0)), size
    if begin >= end:
        raise HTTPException(status_code=416, headers={"Content-Range": f"bytes */{size}"})
    return begin, end


def _blocks(opened: BinaryIO, first: int, length: int) -> Iterator[bytes]:
    with opened:
        opened.seek(first)
        while length > 0 and (block := opened.read(min(BLOCK, length))):
            length -= len(block)
            yield block


ROUTER = Router("/", route_handlers=[add_attachments, download_attachment], tags=["Tickets"])
