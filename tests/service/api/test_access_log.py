"""The access log tells what was asked, and nothing that lets its reader act."""

from uuid import UUID

import httpx
import pytest
import structlog
from litestar import Litestar

from service.house import HOUSE
from service.route_table import handlers, rights_of


def paths_said(lines: object) -> list[str]:
    assert isinstance(lines, list)
    return [line["path"] for line in lines if line["event"] == "request"]


@pytest.mark.parametrize("purpose", ["status", "confirm", "dispute"])
async def test_the_tokens_of_signed_links_stay_out_of_the_log(stranger: httpx.AsyncClient, purpose: str) -> None:
    token = HOUSE.sign(purpose, UUID(int=7))
    with structlog.testing.capture_logs() as lines:
        await stranger.get(f"/{purpose}/{token}")
    assert paths_said(lines) == [f"/{purpose}/…"]
    assert token not in str(lines)


async def test_no_public_route_lets_its_secret_into_the_log(app: Litestar, stranger: httpx.AsyncClient) -> None:
    secret, tried = "c2VjcmV0c2VjcmV0", 0
    for name, handler in handlers(app):
        method, path = name.split(" ")
        if rights_of(handler) is not None or "{token}" not in path:
            continue
        for asked in (path, f"{path}/more"):
            with structlog.testing.capture_logs() as lines:
                await stranger.request(method, asked.replace("{token}", secret))
            assert secret not in str(lines), name
            assert paths_said(lines)[0].endswith("/…")
        tried += 1
    assert tried > 5
