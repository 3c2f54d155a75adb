"""Every route asks for rights or stands in the short list of public ones."""

import re
from collections.abc import Iterator

import httpx
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from service.auth import own_form

# Design, Security: public are only sign-in, the portal form, the regulation, the pages behind signed links, health.
# What serves those pages is as public as they are: the stylesheet, the switch of the language.
PUBLIC = {
    "GET /",  # leads a stranger to the sign-in
    "GET /sign-in",
    "POST /sign-in",
    "POST /sign-out",
    "POST /language",
    "GET /static/{digest}/{name}",
    "GET /portal",
    "POST /portal",
    "GET /cabinet/sign-in",
    "POST /cabinet/sign-in",
    "GET /cabinet/register",
    "POST /cabinet/register",
    "GET /cabinet/forgotten",
    "POST /cabinet/forgotten",
    "GET /cabinet/letter-sent",
    "GET /cabinet/account/{token}",
    "POST /cabinet/account/{token}",
    "GET /rate/{token}",
    "POST /rate/{token}",
    "GET /regulation/public",
    "GET /regulation/public/{version}",
    "GET /status/{token}",
    "GET /confirm/{token}",
    "POST /confirm/{token}",
    "GET /dispute/{token}",
    "POST /dispute/{token}",
    "GET /health/live",
    "GET /health/ready",
}


def handlers(app: Litestar) -> Iterator[tuple[str, HTTPRouteHandler]]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                yield f"{method} {route.path_format}", handler


def guarded(handler: HTTPRouteHandler) -> bool:
    return any(hasattr(guard, "rights") for guard in handler.resolve_guards())


def test_every_route_has_a_guard_or_is_public_by_design(app: Litestar) -> None:
    known = dict(handlers(app))
    open_routes = {name for name, handler in known.items() if not guarded(handler)}
    assert open_routes <= PUBLIC
    assert len(known) > 40


def test_public_forms_are_protected_against_other_sites(app: Litestar) -> None:
    for name, handler in handlers(app):
        # Whoever posts to a signed link knows its secret; the language harms nobody.
        if name.startswith("POST") and name in PUBLIC and "{token}" not in name and name != "POST /language":
            assert own_form in handler.resolve_guards(), name


async def test_a_stranger_gets_nowhere(app: Litestar, stranger: httpx.AsyncClient) -> None:
    for name, handler in handlers(app):
        if not guarded(handler):
            continue
        method, path = name.split(" ")
        path = re.sub(r"{[^}]+}", "1", path)
        answer = await stranger.request(method, path, json={})
        assert answer.status_code in (401, 403, 404), f"{name}: {answer.status_code}"
        page = await stranger.request(method, path, json={}, headers={"Accept": "text/html"})
        led = page.status_code == 303 and page.headers["location"].startswith("/sign-in")
        assert led or page.status_code in (401, 403, 404), f"{name}: {page.status_code}"


def test_operation_ids_are_stable_and_single(app: Litestar) -> None:
    ids = [handler.operation_id for _name, handler in handlers(app) if handler.resolve_include_in_schema()]
    assert all(isinstance(id, str) and id for id in ids)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_health_is_told_to_everybody(stranger: httpx.AsyncClient, path: str) -> None:
    assert (await stranger.get(path)).status_code == 200
