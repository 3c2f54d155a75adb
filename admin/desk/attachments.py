"""Files of tickets: saved, never opened by the browser; pictures may be shown where they were sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import BinaryIO, Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream

from admin.desk import reads
from admin.desk.rights import DESK
from admin.desk.talk import INLINE_IMAGES
from admin.reading import AnyRequest
from service.files import disposition, open_file
from service.thumbnails import thumbnail
from workflow.errors import NotFound

BLOCK: Final = 64 * 1024  # bytes
# Whatever the file holds, it reaches nothing: no script, no form, no other address.
SANDBOX: Final = "default-src 'none'; sandbox"


@get("/desk/attachments/{id:uuid}", guards=[DESK])
async def download(request: AnyRequest, id: FromPath[UUID]) -> Stream:
    """The file under its own name; `?inline=1` shows it in place when it is a picture."""
    file = await reads.attachment(id)
    if not file.sha256:
        raise NotFound()
    opened = await asyncio.to_thread(open_file, file.sha256)
    inline = request.query_params.get("inline") == "1" and file.content_type in INLINE_IMAGES
    return Stream(
        _blocks(opened),
        media_type=file.content_type if inline else "application/octet-stream",
        headers={
            "Content-Disposition": disposition("inline" if inline else "attachment", file.filename),
            "Content-Length": str(file.size),
            "Content-Security-Policy": SANDBOX,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, max-age=3600",
        },
    )


@get("/desk/attachments/{id:uuid}/thumbnail", guards=[DESK])
async def small_picture(id: FromPath[UUID]) -> Response[bytes]:
    """The picture, small. Raises NotFound for what is none, is damaged, or is too large to open."""
    file = await reads.attachment(id)
    if not file.sha256 or file.content_type not in INLINE_IMAGES:
        raise NotFound()
    opened = await asyncio.to_thread(open_file, file.sha256)
    drawn = await asyncio.to_thread(thumbnail, opened)
    if drawn is None:
        raise NotFound()
    headers = {"Content-Security-Policy": SANDBOX, "Cache-Control": "private, max-age=86400, immutable"}
    return Response(drawn, media_type="image/png", headers=headers)


def _blocks(opened: BinaryIO) -> Iterator[bytes]:
    with opened:
        while block := opened.read(BLOCK):
            yield block
