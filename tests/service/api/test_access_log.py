"""The access log tells what was asked, and nothing that lets its reader act."""

from uuid import UUID

import httpx
import pytest
import structlog

from service.house import HOUSE


@pytest.mark.parametrize("purpose", ["status", "confirm", "dispute"])
async def test_the_tokens_of_signed_links_stay_out_of_the_log(stranger: httpx.AsyncClient, purpose: str) -> None:
    token = HOUSE.sign(purpose, UUID(int=7))
    with structlog.testing.capture_logs() as lines:
        await stranger.get(f"/{purpose}/{token}")
    assert [line["path"] for line in lines if line["event"] == "request"] == [f"/{purpose}/…"]
    assert token not in str(lines)
