"""A message as its sender laid it out: harmless HTML that stands alone, and fetches from elsewhere only when asked."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from admin.desk.rights import DESK
from admin.pages import Reading, render, security_headers
from admin.reader import reading
from admin.reading import AnyRequest
from service.database import fetchrow
from service.tray import ways_out
from workflow.errors import NotFound

# It may show the pictures it brought and nothing else, runs nothing, and reaches nothing of ours.
ALONE: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:{remote}; frame-ancestors 'self'; sandbox "
REMOTE: Final = " http: https:"
MAY: Final = "allow-popups allow-popups-to-escape-sandbox"  # links lead out, into a window of their own


def frames_allowed() -> dict[str, str]:
    """The headers of a page that shows such a message in a frame."""
    policy = security_headers()["Content-Security-Policy"]
    return {"Content-Security-Policy": f"{policy}; frame-src 'self'"}


def laid_out(html: str, subject: str, reader: Reading, *, remote: bool) -> Response[str]:
    """The page of one message's HTML."""
    headers = {
        "Content-Security-Policy": ALONE.format(remote=REMOTE if remote else "") + MAY,
        "X-Frame-Options": "SAMEORIGIN",
        "Referrer-Policy": "no-referrer",
    }
    return render("desk/laid_out.html", reader, headers=headers, html=html, subject=subject)


@get("/desk/messages/{id:uuid}/html", guards=[DESK])
async def message_html(request: AnyRequest, id: FromPath[UUID]) -> Response[str]:
    """A customer's message; `?remote=1` fetches its remote pictures, and its sender sees that it was read."""
    reader = await reading(request)
    remote = request.query_params.get("remote") == "1"
    row = await fetchrow(
        "SELECT m.mail, m.html, t.subject FROM message m JOIN ticket t ON t.id = m.ticket WHERE m.id = $1 "
        "AND m.html <> ''",
        id,
    )
    if row is None:
        raise NotFound()
    shown = await ways_out().show(row["mail"], remote=remote) if row["mail"] else None
    return laid_out(shown.html if shown and shown.html else row["html"], row["subject"], reader, remote=remote)
