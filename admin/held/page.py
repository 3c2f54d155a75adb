"""The tray of held mail and one mail of it: why it waits, what it says, and the ways out with their consequences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from admin.desk.laid_out import laid_out
from admin.desk.move_forms import ORGANISATION_HINT
from admin.desk.queue import DESK
from admin.pages import render
from admin.reader import reading
from admin.reading import AnyRequest
from service import held_mails as reads
from service.judgements import in_words
from service.tray import ShownMail, ways_out, why
from service.words import Language, translate
from workflow.process import PROCESS
from workflow.words import _

FOLDERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "": (_("Waiting"), reads.WAITING),
    "spam": (_("Spam"), ("spam",)),
    "dropped": (_("Dropped"), ("dropped",)),
}
SETTLED: Mapping[str, str] = {
    "stored": _("It is about to be read."),
    "done": _("It belongs to a ticket already."),
    "duplicate": _("It is the same as another mail."),
    "spam": _("It was set aside as spam."),
    "dropped": _("It was dropped."),
}


@get("/desk/held", guards=[DESK])
async def tray_page(request: AnyRequest) -> Response[str]:
    """What waits, and what was set aside."""
    reader = await reading(request)
    asked = request.query_params.get("folder", "")
    folder = asked if asked in FOLDERS else ""
    counts = await reads.counts()
    return render(
        "held/tray.html",
        reader,
        folder=folder,
        mails=await reads.mails(FOLDERS[folder][1]),
        why=why,
        folders=[
            (translate(reader.language, label), f"/desk/held?folder={name}" if name else "/desk/held", name == folder,
             sum(counts[status] for status in statuses))
            for name, (label, statuses) in FOLDERS.items()
        ],
    )  # fmt: skip


@get("/desk/held/{id:uuid}", guards=[DESK])
async def mail_page(request: AnyRequest, id: FromPath[UUID]) -> Response[str]:
    """One mail, and what may become of it."""
    return await shown(request, id)


async def shown(
    request: AnyRequest,
    id: UUID,
    *,
    tried: str = "",
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    meant: Sequence[str] = (),
    refusal: str = "",
    status_code: int = 200,
) -> Response[str]:
    """The page of one mail; after a refusal with the form of `tried` open and what was typed in it.

    `meant` are the organisations that the typed name may mean.
    """
    reader = await reading(request)
    mail = await reads.mail(id)
    said = await ways_out().show(id)
    state = PROCESS.state(mail.state) if mail.state else None
    return render(
        "held/mail.html",
        reader,
        status_code=status_code,
        mail=mail,
        said=said,
        quoted=_quotes_more(said),
        why=translate(reader.language, why(mail.status, mail.kind)) if mail.waits else "",
        settled=translate(reader.language, SETTLED.get(mail.status, "")) if not mail.waits else "",
        leaves=mail.waits or mail.status in ("spam", "dropped"),
        state_label=translate(reader.language, state.label) if state else "",
        takes_more=state is not None and not state.final,
        known=await reads.known_sender(mail.sender),
        organisation_hint=translate(reader.language, ORGANISATION_HINT),
        tried=tried,
        judged=in_words(mail.reason, reader.language),
        came=_came(mail.source, reader.language),
        typed=typed or {},
        errors=errors or {},
        meant=meant,
        refusal=refusal,
    )


SOURCES: Mapping[str, str] = {
    "smtp": _("It came to the mail server of the desk from {place}."),
    "imap": _("It was fetched from the mailbox {place}."),
    "pipe": _("It was handed over by a program of this machine."),
}


def _came(source: str, language: Language) -> str:
    """Which way a mail came."""
    way, _space, place = source.partition(" ")
    return translate(language, SOURCES[way], place=place) if way in SOURCES else source


def _quotes_more(said: ShownMail | None) -> bool:
    """Whether the whole text holds more than the sender's own part."""
    return said is not None and said.text.split() != (said.reply or said.text).split()


@get("/desk/held/{id:uuid}/html", guards=[DESK])
async def html_page(request: AnyRequest, id: FromPath[UUID]) -> Response[str]:
    """The mail as its sender laid it out, made harmless; `?remote=1` fetches its remote pictures."""
    reader = await reading(request)
    remote = request.query_params.get("remote") == "1"
    said = await ways_out().show(id, remote=remote)
    return laid_out(said.html if said else "", said.subject if said else "", reader, remote=remote)


@get("/desk/held/{id:uuid}/original", guards=[DESK])
async def original(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
    """The bytes as they came, to be saved as text."""
    return Response(
        await reads.original(id),
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{re.sub("[^0-9a-f-]", "", str(id))}.eml.txt"'},
    )
