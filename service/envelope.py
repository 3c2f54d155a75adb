"""What goes around every answer: the request's id, security headers, cookies, one line in the log."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from service import logs, tracing
from service.house import SIGNED
from service.places import networks, place_of

log = structlog.get_logger("service.access")

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,80}")
QUIET = (
    "/health/live",
    "/health/ready",
    "/static/",
    "/metrics",
)  # asked every few seconds; only their failures are logged
ENDLESS = ("/desk/stream",)


class Envelope:
    """Stands outside of routing, so that a 404 carries the same headers as everything else."""

    def __init__(
        self,
        app: ASGIApp,
        headers: Mapping[str, str],
        *,
        methods: Mapping[str, str] | None = None,
        proxies: Sequence[str] = (),
    ) -> None:
        """`methods`: what each path template takes, as `Allow` writes it; Litestar's own answer forgets some.

        `proxies`: whose word about the asker's address is believed.
        """
        self.app = app
        self.proxies = networks(proxies)
        self.methods = methods or {}
        self.headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["state"]["request_id"] = request_id
        if self.proxies and scope["client"]:
            host, port = scope["client"]
            scope["client"] = (place_of(host, _forwarded(scope), proxies=self.proxies), port)
        started = time.perf_counter()
        status = 0
        bare = scope["method"] == "HEAD"
        if bare:
            scope["method"] = "GET"  # RFC 9110, 9.3.2: the same answer, without its content

        async def send_wrapped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = self._completed(message["headers"], scope, request_id)
            elif bare and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        with logs.about(request_id=request_id), _traced(scope, request_id):
            try:
                await self.app(scope, receive, send_wrapped)
            finally:
                _tell_trace(scope, status)
                _log(scope, status, time.perf_counter() - started)

    def _completed(
        self, headers: Iterable[tuple[bytes, bytes]], scope: Scope, request_id: str
    ) -> list[tuple[bytes, bytes]]:
        """The answer's own headers go before ours: the API's page needs a policy of its own."""
        given = list(headers)
        if scope.get("method") == "OPTIONS" and (methods := self.methods.get(str(scope.get("path_template")))):
            given = [(name, value) for name, value in given if name.lower() != b"allow"]
            given.append((b"allow", methods.encode()))
        present = {name.lower() for name, _value in given}
        given += [(name, value) for name, value in self.headers if name not in present]
        given.append((b"x-request-id", request_id.encode()))
        told = scope["state"].get("extra_headers", {})
        given += [(name.lower().encode(), value.encode()) for name, value in told.items()]
        cookies = scope["state"].get("cookies", {})
        given += [(b"set-cookie", cookie.encode()) for cookie in cookies.values()]
        return given


# Who has such an address may act by it: it stays out of the log and of traces.
SECRET_PATHS = re.compile(rf"^/({SIGNED})/.+")


def _told_path(scope: Scope) -> str:
    return SECRET_PATHS.sub(r"/\1/…", str(scope["path"]))


def _traced(scope: Scope, request_id: str) -> AbstractContextManager[Any]:
    """The span of a request; what is asked every few seconds, and streams that last for minutes, have none."""
    path = _told_path(scope)
    if not tracing.on() or path.startswith((*QUIET, *ENDLESS)):
        return tracing.NOTHING
    carried = next((value for name, value in scope["headers"] if name == b"traceparent"), b"").decode("latin-1")
    facts = {
        "http.request.method": str(scope.get("method")),
        "url.path": path,
        "url.scheme": str(scope.get("scheme", "")),
        "reglament.request_id": request_id,
    }
    return tracing.trace(str(scope.get("method")), kind="SERVER", parent=carried, facts=facts)


def _tell_trace(scope: Scope, status: int) -> None:
    """What is known of a request only after it: its route, who asked, and how it ended."""
    if not tracing.on():
        return
    visitor = scope["state"].get("visitor")
    facts = {
        "http.route": str(scope.get("path_template") or ""),
        "http.response.status_code": status,
        "reglament.actor": visitor.actor.principal if visitor else "",
        "reglament.ticket": str(scope["state"].get("ticket", "")),
    }
    tracing.call(f"{scope.get('method')} {facts['http.route']}".strip(), failed=status >= 500)
    tracing.tell({name: value for name, value in facts.items() if value != ""})


def _request_id(scope: Scope) -> str:
    """The caller's own id when it is harmless in logs, else a fresh one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            asked = value.decode("latin-1")
            if REQUEST_ID.fullmatch(asked):
                return asked
    return uuid4().hex


def _forwarded(scope: Scope) -> str:
    return ", ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for")


def _log(scope: Scope, status: int, seconds: float) -> None:
    path = _told_path(scope)
    if path.startswith(QUIET) and status < 400:
        return
    visitor = scope["state"].get("visitor")
    log.info(
        "request",
        method=scope.get("method"),
        path=path,
        status=status,
        ms=round(seconds * 1000, 1),
        place=scope["client"][0] if scope["client"] else None,
        actor=visitor.actor.principal if visitor else None,
        ticket=scope["state"].get("ticket"),
    )
