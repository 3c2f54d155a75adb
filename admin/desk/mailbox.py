"""The local mailbox in the browser: what customers would have got, where no mail server of the house takes letters."""

from __future__ import annotations

import asyncio
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import cast

from litestar import Response, get
from litestar.params import FromPath

from admin.desk.attachments import SANDBOX
from admin.desk.rights import DESK
from admin.pages import render
from admin.reader import reading
from admin.reading import AnyRequest
from service.files import disposition
from service.mailbox import NoSuchLetter, letters, read
from service.settings import Settings
from workflow.errors import NotFound

SHOWN = ("From", "To", "Date", "Message-ID", "In-Reply-To")


@get("/mailbox", guards=[DESK])
async def mailbox_page(request: AnyRequest) -> Response[str]:
    """The newest letters first."""
    kept = await asyncio.to_thread(letters, _folder(request))
    return render("desk/mailbox.html", await reading(request), letters=kept)


@get("/mailbox/{name:str}", guards=[DESK])
async def letter_page(request: AnyRequest, name: FromPath[str]) -> Response[str]:
    """One letter as its recipient reads it."""
    mail = await _letter(request, name)
    body = mail.get_body(("plain",))
    return render(
        "desk/letter.html",
        await reading(request),
        subject=str(mail["Subject"] or "—"),
        lines=[(header, str(mail[header])) for header in SHOWN if mail[header]],
        text=str(body.get_content()) if body is not None else "",
        name=name,
        files=[(_name(part), len(_content(part))) for part in mail.iter_attachments()],
    )


@get("/mailbox/{name:str}/files/{n:int}", guards=[DESK])
async def letter_file(request: AnyRequest, name: FromPath[str], n: FromPath[int]) -> Response[bytes]:
    """A file that came with a letter, to be saved; they are counted from nought."""
    parts = list((await _letter(request, name)).iter_attachments())
    if not 0 <= n < len(parts):
        raise NotFound()
    headers = {
        "Content-Disposition": disposition("attachment", _name(parts[n])),
        "Content-Security-Policy": SANDBOX,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(_content(parts[n]), media_type="application/octet-stream", headers=headers)


async def _letter(request: AnyRequest, name: str) -> EmailMessage:
    """The letter of this name. Raises NotFound."""
    try:
        raw = await asyncio.to_thread(read, _folder(request), name)
    except NoSuchLetter:
        raise NotFound() from None
    return BytesParser(policy=policy.default).parsebytes(raw)


def _name(part: EmailMessage) -> str:
    return part.get_filename() or "file"


def _content(part: EmailMessage) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _folder(request: AnyRequest) -> Path:
    return cast(Settings, request.app.state.settings).home / "mailbox"
