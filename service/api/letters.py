"""Letters that did not arrive, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, QueryParameter

from service import clock, queries, sent_letters
from service.api.requests import DEFAULT, AnyRequest, Cursor, Limit
from service.auth import actor_of, requires
from service.schemas import LetterPage, LetterView
from service.sent_letters import SentLetter, Undelivered
from workflow.definition import STAFF
from workflow.errors import NotFound
from workflow.words import _

READ = requires(*STAFF, scope="tickets:read")
SEND = requires(*STAFF, scope="tickets:write")


@get("/", operation_id="listLetters", summary="Letters that did not arrive", guards=[READ])
async def list_letters(
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    status: Annotated[Undelivered | None, QueryParameter(description="Only letters that stand so.")] = None,
    q: Annotated[str, QueryParameter(description="What recipient, subject or number of the ticket holds.")] = "",
) -> LetterPage:
    """Letters still to be taken by the mail server, held back, given up, or come back; the newest first."""
    found, onward = await sent_letters.undelivered(limit=limit, cursor=cursor, status=status, q=q)
    return LetterPage([_view(one) for one in found], onward)


@get("/{letter:str}", operation_id="getLetter", summary="One letter", guards=[READ])
async def get_letter(letter: FromPath[str]) -> LetterView:
    """What became of it."""
    return _view(await sent_letters.letter(_id(letter)))


@post("/{letter:str}/resend", operation_id="resendLetter", summary="Send again", status_code=202, guards=[SEND])
async def resend_letter(request: AnyRequest, letter: FromPath[str]) -> LetterView:
    """The same bytes under the same Message-ID go out now; a letter that is held back is let go."""
    return _view(await sent_letters.resend(_id(letter), by=await actor_of(request), at=clock.now()))


def _id(given: str) -> UUID:
    id = queries.as_uuid(given)
    if id is None:
        raise NotFound(_("There is no such letter."))
    return id


def _view(found: SentLetter) -> LetterView:
    told: dict[str, Any] = msgspec.structs.asdict(found)
    message_id = told.pop("letter_id")
    ids = {"id": str(found.id), "ticket": str(found.ticket) if found.ticket else None}
    return LetterView(**(told | ids), message_id=message_id)


ROUTER = Router("/letters", route_handlers=[list_letters, get_letter, resend_letter], tags=["Letters"])
