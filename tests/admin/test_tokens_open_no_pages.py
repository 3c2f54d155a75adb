"""Pages are for people: a token, whatever it may do, opens none of them."""

from uuid import uuid4

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from service import clock
from service.tokens import add_token
from tests.admin.conftest import SITE
from workflow.definition import Role


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
            names = [piece.strip("{}").partition(":") for piece in path.split("/") if piece.startswith("{")]
            address = path
            for name, _colon, kind in names:
                value = "1" if kind == "int" else str(uuid4())
                address = address.replace("{" + name + (f":{kind}" if kind else "") + "}", value)
            answer = await program.request(method, address)
            led_away = answer.status_code == 303 and "/sign-in" in answer.headers["location"]
            assert answer.status_code in (401, 403) or led_away, (method, path)
