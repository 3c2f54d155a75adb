"""Letters that did not arrive: which, why, when they are tried next, and one click to send one again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.language import own_page
from admin.pages import render, url
from admin.process.letter_names import LETTER_NAMES
from admin.reader import flash, reading
from admin.reading import AnyRequest
from service import sent_letters
from service.auth import actor_of, requires
from service.problems import told
from service.sent_letters import Undelivered
from service.words import translate
from workflow.definition import STAFF
from workflow.errors import NotFound, Refusal
from workflow.words import _

LOOK: Final = requires(*STAFF, scope="tickets:read")
SEND: Final = requires(*STAFF, scope="tickets:write")
HERE: Final = "/letters"
PAGE: Final = 50

FOLDERS: Mapping[str, str] = {
    "": _("All"),
    "pending": _("On their way"),
    "parked": _("Held back"),
    "dead": _("Given up"),
    "bounced": _("Came back"),
}
NAMES: Mapping[str, str] = {**LETTER_NAMES, "webhook_notice": _("To the owner of a subscription")}
STATES: Mapping[str, tuple[str, str]] = {
    "pending": (_("waits for its next try"), "warning"),
    "parked": (_("held back until a person lets it go"), "warning"),
    "dead": (_("given up"), "late"),
    "bounced": (_("came back"), "late"),
}


@get(HERE, guards=[LOOK])
async def letters_page(request: AnyRequest) -> Response[str]:
    """What nobody has taken yet, and what came back; the newest first."""
    reader = await reading(request)
    asked = request.query_params.get("status", "")
    status = cast("Undelivered", asked) if asked in STATES else None
    cursor = request.query_params.get("cursor")
    found, onward = await sent_letters.undelivered(limit=PAGE, status=status, cursor=cursor)
    return render(
        "letters/list.html",
        reader,
        found=found,
        status=status,
        tabs=[
            (translate(reader.language, label), url(HERE, status=name), name == (status or ""), None)
            for name, label in FOLDERS.items()
        ],
        states=STATES,
        names=NAMES,
        back=url(HERE, status=status),
        next_href=url(HERE, status=status, cursor=onward) if onward else "",
        first_href=url(HERE, status=status) if cursor else "",
    )


@post("/letters/{id:uuid}/resend", guards=[SEND], status_code=303)
async def resend(request: AnyRequest, id: FromPath[UUID]) -> Redirect:
    """Send one again, or let one go that is held back; back to where the button stood."""
    reader, form = await reading(request), await request.form()
    try:
        sent = await sent_letters.resend(id, by=await actor_of(request), at=reader.at)
    except NotFound:
        raise
    except Refusal as refusal:
        flash(request, told(refusal, reader.language), "refused")
    else:
        said = _("The letter to {recipient} goes out again, under its own Message-ID.")
        flash(request, translate(reader.language, said, recipient=sent.recipient))
    return Redirect(own_page(str(form.get("back", HERE))), status_code=303)
