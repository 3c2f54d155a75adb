"""Pages are for people: a token, whatever it may do, opens none of them."""

import re

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from service import clock
from service.tokens import add_token
from tests.admin.conftest import SITE
from workflow.definition import Role

NOBODY = "00000000-0000-7000-8000-000000000000"


def guarded_pages(site: Litestar) -> list[tuple[str, str]]:
    """Method and address of each route outside the API that asks for rights."""
    return sorted(
        (method, route.path_format)
        for route in site.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith(("/api/", "/metrics"))
        for handler in route.route_handlers
        if any("rights" in guard.__dict__ for guard in handler.resolve_guards())
        for method in handler.http_methods
        if method != "OPTIONS"
    )


@pytest.mark.usefixtures("stranger")
@pytest.mark.parametrize("scopes", [("tickets:read",), ("*",)])
async def test_a_token_opens_no_page_of_the_staff(site: Litestar, scopes: tuple[str, ...]) -> None:
    token = await add_token("robot", role=Role.ADMINISTRATOR, scopes=scopes, at=clock.now())
    pages = guarded_pages(site)
    assert ("GET", "/mailbox") in pages
    assert len(pages) > 40
    transport = httpx.ASGITransport(app=site, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/html"}
    async with httpx.AsyncClient(transport=transport, base_url=SITE, headers=headers) as program:
        for method, path in pages:
            answers = [await program.request(method, re.sub(r"{[^}]*}", value, path)) for value in ("1", NOBODY)]
            answer = next(one for one in answers if one.status_code != 404)  # one of the two is an id of its kind
            led_away = answer.status_code == 303 and "/sign-in" in answer.headers["location"]
            assert answer.status_code in (401, 403) or led_away, (method, path)
