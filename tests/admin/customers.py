"""Customers in front of their pages: organisations, people, accounts, and the letters that open them."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from email import message_from_bytes, policy

import httpx
from litestar import Litestar

from service import clock
from service.actors import Actor
from service.customers import invite, redeem
from service.database import execute, fetchrow, fetchval
from service.directory import add_contact, add_organisation
from tests.admin.conftest import SITE, Browser
from workflow.definition import Role

ADMIN = Actor(kind="staff", id="1", name="Anna", role=Role.ADMINISTRATOR)


async def an_organisation(name: str = "Port", domain: str = "port.example.com") -> int:
    made = await add_organisation(name, domains=[domain], by=ADMIN, at=clock.now())
    return int(made["id"])


async def a_contact(name: str, email: str, organisation: int | str = "") -> int:
    return await add_contact(
        name, addresses=[email], organisation=str(organisation), position="Engineer", phone="+7 000 1", language="en",
        by=ADMIN, at=clock.now(),
    )  # fmt: skip


async def the_letter(kind: str) -> str:
    """The text of the newest letter of a kind, as it leaves."""
    body = await fetchval("SELECT body FROM outbox WHERE type = $1 ORDER BY id DESC LIMIT 1", kind)
    assert body is not None, f"no letter {kind}"
    part = message_from_bytes(bytes(body), policy=policy.default).get_body(("plain",))  # type: ignore[arg-type]
    return str(part.get_content())  # type: ignore[union-attr]


async def the_link(kind: str) -> str:
    """The path of the link in the newest letter of a kind."""
    found = re.search(rf"{re.escape(SITE)}(/cabinet/account/\S+)", await the_letter(kind))
    assert found, "no link in the letter"
    return found[1]


async def forget_brakes(site: Litestar) -> None:
    """Forms sent by other tests do not count in this one."""
    site.state.doors.forms_from_one_place._failures.clear()
    site.state.doors.forms_for_one_address._failures.clear()
    site.state.doors.acts_of_one_customer._failures.clear()


class Cabinet(Browser):
    """A customer's browser, signed in; `contact` is who it is."""

    def __init__(self, client: httpx.AsyncClient, contact: int, password: str) -> None:
        super().__init__(client)
        self.contact = contact
        self.password = password


async def a_customer(
    site: Litestar,
    stack: AsyncExitStack,
    name: str,
    email: str,
    *,
    organisation: int | str = "",
    sees: str = "own",
) -> Cabinet:
    """A contact with an account, signed in with its password."""
    contact = await a_contact(name, email, organisation)
    await invite(contact, sees=sees, by=ADMIN, at=clock.now())
    token = (await the_link("invitation")).rpartition("/")[2]
    redeemed = await redeem(token, at=clock.now())
    transport = httpx.ASGITransport(app=site, raise_app_exceptions=False)
    client = await stack.enter_async_context(
        httpx.AsyncClient(transport=transport, base_url=SITE, cookies={"language": "en"})
    )
    browser = Cabinet(client, contact, redeemed.password)
    answer = await browser.send("/cabinet/sign-in", on="/cabinet/sign-in", email=email, password=redeemed.password)
    assert answer.status_code == 303, answer.text
    return browser


async def everything() -> tuple[int, ...]:
    """How much there is of what an act would leave behind."""
    row = await fetchrow(
        "SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM message), (SELECT count(*) FROM outbox), "
        "(SELECT count(*) FROM account_link WHERE ended_at IS NOT NULL), (SELECT count(*) FROM satisfaction), "
        "(SELECT count(*) FROM signed_link WHERE used_at IS NOT NULL), (SELECT count(*) FROM app_session), "
        "(SELECT count(*) FROM customer_account)"
    )
    return tuple(row)


__all__ = ["ADMIN", "Cabinet", "a_contact", "a_customer", "an_organisation", "everything", "execute", "the_link"]
