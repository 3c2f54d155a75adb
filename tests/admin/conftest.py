"""Browsers in front of the real application on the real database, without a network between."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from html import unescape
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from service import clock
from service.accounts import add_user
from service.app import create_app
from service.regulations import RULEBOOKS, publish_default
from service.settings import Settings
from workflow.definition import Role

SITE = "http://desk.example.org"


class Browser:
    """Keeps cookies, follows no redirects, and sends forms with the hidden fields the page gave them."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path, headers={"Accept": "text/html"})

    async def send(self, path: str, *, on: str, **typed: str) -> httpx.Response:
        """Fill in and send the form that goes to `path`, as it stands on the page `on`."""
        return await self.client.post(
            path, data=hidden_fields((await self.get(on)).text, path) | typed, headers={"Accept": "text/html"}
        )


def hidden_fields(html: str, action: str) -> dict[str, str]:
    """The hidden inputs of the form with this action."""
    form = re.search(
        rf'<form[^>]*method="post" action="{re.escape(action)}(?:#[^"]*)?"[^>]*>.*?</form>', html, re.DOTALL
    )
    assert form, f"no form goes to {action}"
    return {
        name: unescape(value) for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
    }


def words(page: httpx.Response) -> str:
    """The text of a page, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Litestar:
    """The whole application; its home is a folder of its own."""
    return create_app(Settings(home=tmp_path_factory.mktemp("home"), env="test", public_url=SITE))


@pytest.fixture
def home(site: Litestar) -> Path:
    settings: Settings = site.state.settings
    return settings.home


@pytest.fixture
async def stranger(site: Litestar, database: None) -> AsyncIterator[Browser]:
    """A browser that nobody has signed in with; the default regulation is in force."""
    RULEBOOKS.forget()
    await publish_default(at=clock.now())
    transport = httpx.ASGITransport(app=site, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=SITE, cookies={"language": "en"}) as client:
        yield Browser(client)
    RULEBOOKS.forget()


Signs = Callable[..., Awaitable[Browser]]


@pytest.fixture
async def signs_in(site: Litestar, stranger: Browser) -> AsyncIterator[Signs]:
    """Makes an account and signs it in: a browser of its own for each."""
    async with AsyncExitStack() as stack:

        async def made(role: Role = Role.OPERATOR, *, name: str = "Olga") -> Browser:
            email = f"{name.lower()}@example.org"
            password = await add_user(email, name=name, role=role, language="en", at=clock.now())
            transport = httpx.ASGITransport(app=site, raise_app_exceptions=False)
            client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=SITE))
            browser = Browser(client)
            answer = await browser.send("/sign-in", on="/sign-in", email=email, password=password)
            assert answer.status_code == 303
            return browser

        yield made


@pytest.fixture
async def operator(signs_in: Signs) -> Browser:
    return await signs_in(Role.OPERATOR)
