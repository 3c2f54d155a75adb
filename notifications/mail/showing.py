"""A held mail as a person reads it before deciding: its text, its harmless HTML, its files by name."""

from __future__ import annotations

import asyncio
import base64
import re
from uuid import UUID

from notifications.mail.html import sanitise
from notifications.mail.parsed import Attachment, ParsedMail
from notifications.mail.reader import READER, NotRead, ReaderDied
from notifications.mail.stored import SELECT, read_row, sender_of
from service.database import fetchrow
from service.file_content import REFUSED, AttachmentPolicy, judge, policy_of
from service.regulations import in_force
from service.tray import ShownFile, ShownMail
from workflow.errors import NotFound

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif"})
LARGEST_PICTURE = 2 * 1024 * 1024  # bytes; a bigger one is named among the files only
CID = re.compile(r'(?i)\bsrc="cid:([^"]{1,300})"')


async def show(mail: UUID, *, remote: bool = False) -> ShownMail | None:
    """What a mail says, read anew; None for one that cannot be read. Raises NotFound."""
    row = await fetchrow(f"{SELECT} WHERE id = $1", mail)
    if row is None:
        raise NotFound()
    stored = read_row(row)
    policy = policy_of((await in_force(at=stored.received_at)).regulation.attachments)
    try:
        parsed = await READER.read(stored.original)
    except (NotRead, ReaderDied):  # why is told by the row of the mail
        return None
    name = parsed.from_.name if parsed.from_ else ""
    address = sender_of(stored, parsed)
    files, html = await asyncio.to_thread(_looked_at, parsed, policy, remote)
    return ShownMail(
        sender=f"{name} <{address}>" if name and name != address else address,
        recipients=tuple(to.address for to in (*parsed.to, *parsed.cc)),
        subject=parsed.subject,
        text=parsed.text,
        reply=parsed.reply,
        html=html,
        remote_images=parsed.remote_images,
        files=files,
    )


def _looked_at(parsed: ParsedMail, policy: AttachmentPolicy, remote: bool) -> tuple[tuple[ShownFile, ...], str]:
    files = tuple(_named(one, policy) for one in parsed.attachments)
    return files, _with_pictures(sanitise(parsed.html_source or "", remote=remote), parsed)


def _named(attachment: Attachment, policy: AttachmentPolicy) -> ShownFile:
    verdict = judge(attachment.data, attachment.filename, policy)
    return ShownFile(
        filename=attachment.filename,
        content_type=verdict.content_type,
        size=attachment.size,
        refused=REFUSED[verdict.reason] if verdict.reason else "",
    )


def _with_pictures(html: str, parsed: ParsedMail) -> str:
    """Pictures that came with the mail stand where the sender put them."""
    sent = {
        one.content_id: one
        for one in parsed.attachments
        if one.content_id and one.content_type in PICTURES and one.size <= LARGEST_PICTURE
    }

    def put(found: re.Match[str]) -> str:
        one = sent.get(found[1])
        return f'src="data:{one.content_type};base64,{base64.b64encode(one.data).decode()}"' if one else found[0]

    return CID.sub(put, html)
