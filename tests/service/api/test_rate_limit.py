"""A program is told how much it may ask, and to wait when it asked for more."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from litestar import Litestar

from service.rate_limit import RateLimit
from tests.service.api.conftest import ClientFor
from workflow.definition import Role

AT = datetime(2026, 5, 4, 7, 0, 10, tzinfo=UTC)


@pytest.fixture
def limit(app: Litestar) -> Iterator[RateLimit]:
    """The limit of the application, to be lowered; nothing is spent yet."""
    limit: RateLimit = app.state.doors.requests
    usual = limit.per_minute
    limit.forget()
    yield limit
    limit.per_minute = usual


def test_each_program_has_its_own_minute() -> None:
    limit = RateLimit(per_minute=2)
    assert [limit.spend("a", at=AT).remaining for _ in range(3)] == [1, 0, 0]
    assert limit.spend("a", at=AT).exceeded
    assert not limit.spend("b", at=AT).exceeded
    assert limit.spend("b", at=AT).resets_in == 50
    assert limit.spend("a", at=AT + timedelta(seconds=50)).remaining == 1


async def test_answers_tell_what_is_left(operator: httpx.AsyncClient, limit: RateLimit) -> None:
    limit.per_minute = 600
    answer = await operator.get("/api/v1/tickets")
    assert answer.headers["ratelimit-policy"] == '"default";q=600;w=60'
    assert answer.headers["ratelimit"].startswith('"default";r=599;t=')
    assert answer.headers["x-ratelimit-limit"] == "600"


async def test_too_many_requests_are_a_problem_with_a_time_to_wait(client_for: ClientFor, limit: RateLimit) -> None:
    limit.per_minute = 2
    program, other = await client_for(Role.OPERATOR), await client_for(Role.OPERATOR)
    statuses = [(await program.get("/api/v1/tickets")).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = await program.get("/api/v1/tickets")
    assert refused.json()["code"] == "too_many_requests"
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert (await other.get("/api/v1/tickets")).status_code == 200


async def test_strangers_and_health_are_not_counted(stranger: httpx.AsyncClient) -> None:
    assert "ratelimit" not in (await stranger.get("/health/live")).headers
