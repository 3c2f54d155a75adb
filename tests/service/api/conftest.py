"""The application on the real database, and clients that stand for people and programs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from service import clock
from service.app import create_app
from service.settings import Settings
from service.tokens import add_token
from workflow.definition import Role

ClientFor = Callable[..., Awaitable[httpx.AsyncClient]]
ORIGIN = "http://desk.example.org"


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Litestar:
    """The application as it is served, but for its lifespan: the pool is the tests' own."""
    home: Path = tmp_path_factory.mktemp("home")
    return create_app(Settings(home=home, env="test", public_url=ORIGIN, api_requests_per_minute=1_000_000))


@pytest.fixture
async def client_for(app: Litestar, regulation: None) -> AsyncIterator[ClientFor]:
    """Clients with a token of a role, or without any."""
    async with AsyncExitStack() as stack:

        async def made(role: Role | None = None, *, scopes: tuple[str, ...] = ()) -> httpx.AsyncClient:
            headers = {}
            if role is not None:
                token = await add_token(f"{role.value} program", role=role, scopes=scopes, at=clock.now())
                headers["Authorization"] = f"Bearer {token}"
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers)
            return await stack.enter_async_context(client)

        yield made


@pytest.fixture
async def operator(client_for: ClientFor) -> httpx.AsyncClient:
    return await client_for(Role.OPERATOR)


@pytest.fixture
async def supervisor(client_for: ClientFor) -> httpx.AsyncClient:
    return await client_for(Role.SUPERVISOR)


@pytest.fixture
async def administrator(client_for: ClientFor) -> httpx.AsyncClient:
    return await client_for(Role.ADMINISTRATOR)


@pytest.fixture
async def stranger(client_for: ClientFor) -> httpx.AsyncClient:
    return await client_for()
