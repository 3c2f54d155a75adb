"""Who reads a page, told from the request."""

from __future__ import annotations

from typing import Any

from litestar import Request

from admin.pages import DEFAULT_ZONE, Flash, Reading
from service import clock
from service.auth import csrf_token, visitor_of
from service.words import LANGUAGE_COOKIE, LANGUAGES, Language, negotiate
from workflow.definition import STAFF

AnyRequest = Request[Any, Any, Any]


async def reading_of(request: AnyRequest, *, flashes: tuple[Flash, ...] = ()) -> Reading:
    """The reader as the layout wants him: name, role, language, zone, the moment, and the token of his forms.

    The language is the one chosen by the switch, else that of the account, else what the browser asks for.
    """
    visitor = await visitor_of(request)
    actor = visitor.actor if visitor else None
    return Reading(
        at=clock.now(),
        path=request.url.path,
        language=language_of(request, otherwise=actor.language if actor else None),
        zone=DEFAULT_ZONE,
        name=actor.name if actor else "",
        role=actor.role if actor else None,
        csrf_token=await csrf_token(request),
        flashes=flashes,
        unread=visitor.unread if visitor and visitor.session and visitor.actor.role in STAFF else None,
    )


def language_of(request: AnyRequest, *, otherwise: str | None = None) -> Language:
    """The language the reader chose; without a choice `otherwise`, where that is a language of ours."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen not in LANGUAGES and otherwise in LANGUAGES:
        return otherwise
    return negotiate(cookie=chosen, accept_language=request.headers.get("accept-language"))


async def typed_in(request: AnyRequest, *names: str) -> dict[str, str]:
    """What was typed into the form: lines ending as ours do, without the NUL that no text of the database holds.

    Of several values the last; files are left out. With `names` these alone, empty where nothing was sent.
    """
    sent = (await request.form()).items()
    typed = {name: value.replace("\r\n", "\n").replace("\x00", "") for name, value in sent if isinstance(value, str)}
    return {name: typed.get(name, "") for name in names} if names else typed
