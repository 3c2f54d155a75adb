"""The web application: the composition root that puts API, pages and settings together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from litestar import Litestar, Request, Router
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.exceptions import NotFoundException
from litestar.types import ASGIApp, Receive, Scope, Send

import admin.routes
from admin.pages import security_headers
from notifications.mail import held
from service import tracing, tray
from service.api import (
    accounts,
    alarms,
    attachments,
    config_journal,
    contacts,
    customers,
    directory,
    dossiers,
    drafts,
    held_mails,
    imports,
    letters,
    me,
    openapi,
    process,
    records,
    regulations,
    reports,
    simulation,
    teams,
    tickets,
    views,
    watching,
    webhooks,
)
from service.api.once import begin, once
from service.api.requests import AnyRequest
from service.auth import Doors
from service.envelope import Envelope
from service.health import live, ready
from service.metrics import metrics
from service.neighbours import talking
from service.problems import HANDLERS, http_error, plain_page
from service.settings import Settings
from service.startup import connected, furnish

LARGEST_BODY = 30_000_000  # bytes: files come with requests


def create_app(settings: Settings) -> Litestar:
    """The application. Its lifespan opens the pool and hangs the bell; without it, whoever serves does that."""
    furnish(settings)
    tray.hang(held)
    api = Router(
        "/api/v1",
        route_handlers=[
            tickets.ROUTER, attachments.ROUTER, dossiers.ROUTER, records.ROUTER, imports.ROUTER, webhooks.ROUTER,
            webhooks.list_events, webhooks.list_event_types, letters.ROUTER, regulations.ROUTER, simulation.ROUTER,
            reports.ROUTER, directory.ROUTER, contacts.ROUTER, customers.ROUTER, accounts.ROUTER, held_mails.ROUTER,
            alarms.ROUTER, drafts.ROUTER, process.ROUTER, views.ROUTER, config_journal.ROUTER, me.ROUTER, teams.ROUTER,
            watching.ROUTER, openapi.ROUTER,
        ],
        before_request=begin,
        middleware=[once],
    )  # fmt: skip
    app = Litestar(
        route_handlers=[api, live, ready, metrics, *admin.routes.ROUTERS],
        exception_handlers=dict(HANDLERS),
        lifespan=[_connected(settings)],
        state=State(
            {
                "settings": settings,
                "doors": Doors.of(settings),
                "page_error": getattr(admin.routes, "page_error", plain_page),
            }
        ),
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )
    openapi.describe(app)
    app.asgi_handler = Envelope(
        _exact(app.asgi_handler), security_headers(), methods=_methods(app), proxies=settings.trusted_proxies
    )
    return app


def _exact(app: ASGIApp) -> ASGIApp:
    """Under /api an address that ends with a slash is nobody's, so that an empty id never acts on the whole list."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if scope["type"] != ScopeType.HTTP or not (path.startswith("/api/") and path.endswith("/")):
            await app(scope, receive, send)
            return
        request: AnyRequest = Request(scope, receive, send)
        refusal = http_error(request, NotFoundException()).to_asgi_response(None, request)
        await refusal(scope, receive, send)

    return answered


def _methods(app: Litestar) -> Mapping[str, str]:
    """Every address with all the methods it takes."""
    taken: dict[str, set[str]] = {}
    for route in app.routes:
        taken.setdefault(route.path_format, set()).update(getattr(route, "methods", ()))
    return {path: ", ".join(sorted(methods)) for path, methods in taken.items()}


def _connected(settings: Settings) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        doors, key = app.state.doors, settings.key("neighbours")
        # Traces begin before the pool, whose connections tell their statements, and end here and not around the
        # server: that one ends by the very signal that told it to, and what was not sent yet would be lost.
        with tracing.collecting(settings, part="web"):
            async with (
                connected(settings) as redis_url,
                talking(redis_url, key=key, limit=doors.requests, throttles=doors.throttles),
            ):
                yield

    return lifespan
