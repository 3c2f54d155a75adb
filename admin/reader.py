"""The reader of a desk page: who they are, the centre's own zone, and what the last act has to say."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import replace
from typing import Final, Literal

import msgspec

from admin.pages import DEFAULT_ZONE, Flash, Reading
from admin.reading import AnyRequest, reading_of
from service.auth import doors, rules_of, set_cookie
from workflow.errors import NotFound

Tone = Literal["done", "refused", "note"]

FLASH_COOKIE: Final = "reglament_flash"
FLASH_LASTS: Final = 60  # seconds
_MOST_COOKIE: Final = 3_000  # characters: browsers refuse cookies above 4 KB


async def reading(request: AnyRequest) -> Reading:
    """Everything a page needs to know of its reader. What the last act had to say is said once."""
    known = await reading_of(request, flashes=_last_said(request))
    try:
        zone = (await rules_of(request)).calendar.zone
    except NotFound:
        zone = DEFAULT_ZONE
    return replace(known, path=address(request), zone=zone)


def address(request: AnyRequest) -> str:
    """The page itself, with its query: where a form or a sign-in leads back to."""
    query = request.scope.get("query_string", b"").decode("latin-1")
    path = request.url.path
    return f"{path}?{query}" if query and request.method == "GET" else path


def flash(request: AnyRequest, text: str, tone: Tone = "done", *, ticket: str = "") -> None:
    """Say something on the next page this browser is shown; of a `ticket`, which is not on it, with the way there."""
    said = base64.urlsafe_b64encode(msgspec.json.encode([text, tone, ticket])).decode()
    if len(said) <= _MOST_COOKIE:
        set_cookie(request, FLASH_COOKIE, f"{said}.{_seal(request, said)}", max_age=FLASH_LASTS)


def _last_said(request: AnyRequest) -> tuple[Flash, ...]:
    cookie = request.cookies.get(FLASH_COOKIE, "")
    if not cookie:
        return ()
    set_cookie(request, FLASH_COOKIE, "", max_age=0)
    said, _dot, seal = cookie.partition(".")
    if not hmac.compare_digest(seal.encode(), _seal(request, said).encode()):
        return ()
    try:
        text, tone, ticket = msgspec.json.decode(base64.urlsafe_b64decode(said), type=tuple[str, Tone, str])
    except (binascii.Error, msgspec.DecodeError):
        return ()
    return (Flash(text, tone, ticket),)


def _seal(request: AnyRequest, said: str) -> str:
    """Nobody else can put words on our pages."""
    return doors(request).seal(f"flash:{said}")
