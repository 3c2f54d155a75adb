"""Every POST of the API may carry an Idempotency-Key: looked up before the handler runs, answered from store again."""

from __future__ import annotations

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from service import clock
from service.api.requests import AnyRequest, strict_body, told_key
from service.auth import visitor_of
from service.idempotency import Asked, asking, keep_answer, refuse_repetition, remember


async def begin(request: AnyRequest) -> None:
    """Before a handler runs. Raises what a body or a key is refused with, and Repeated."""
    await strict_body(request)
    visitor = await visitor_of(request) if request.method == "POST" else None
    if visitor is None:
        return
    if key := await told_key(request, visitor.actor):
        await refuse_repetition(key)
        remember(key)


def once(app: ASGIApp) -> ASGIApp:
    """Middleware: the answer to a request with a key is kept before it is sent."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "POST":
            await app(scope, receive, send)
            return
        with asking() as asked:
            await app(scope, receive, _keeping(asked, send))

    return answered


def _keeping(asked: Asked, send: Send) -> Send:
    """Holds the answer back until it is kept; a refusal is no answer: whoever mended the request may send it again."""
    held: list[Message] = []

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start" and asked.key is not None and message["status"] < 400:
            held.append(message)
            return
        if not held:
            await send(message)
            return
        held.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            await _kept(asked, held)
            for one in held:
                await send(one)

    return keep


async def _kept(asked: Asked, answer: list[Message]) -> None:
    status = next(one["status"] for one in answer if one["type"] == "http.response.start")
    body = b"".join(one["body"] for one in answer if one["type"] == "http.response.body")
    await keep_answer(asked, status=status, response=body, at=clock.now())
