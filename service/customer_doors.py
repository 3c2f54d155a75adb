"""The customers' own door: a cookie, a guard and forms of their own, so that no session opens the other house."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast

from litestar.exceptions import NotAuthorizedException, TooManyRequestsException
from litestar.handlers import BaseRouteHandler

from service.auth import (
    SAFE,
    Connection,
    Guard,
    demand_patience,
    demand_token,
    doors,
    keep_words,
    note_attempt,
    set_cookie,
    wall_clock,
)
from service.customer_sessions import CustomerSession, customer_session, open_customer_session
from service.customers import account_for
from service.sessions import close_session
from service.throttle import Throttle
from workflow.definition import Role

SAME_TIME: Final = 0.4  # seconds: longer than any of the ways behind a form that must not tell who is known


def customers_only() -> Guard:
    """A guard: a signed-in customer, and only his own forms. A colleague's session is a stranger's here."""

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        session, changes = await customer_of(connection), connection.scope.get("method", "GET") not in SAFE
        if session is None:
            if changes:
                await keep_words(connection)
            raise NotAuthorizedException
        if changes:
            await demand_token(connection, cabinet_token(connection, session))

    guard.__dict__["rights"] = (frozenset({Role.CUSTOMER}), "cabinet")
    return guard


async def customer_of(connection: Connection) -> CustomerSession | None:
    """The customer who has signed in with this browser; None for everybody else."""
    known = connection.scope["state"]
    if "customer" not in known:
        id = connection.cookies.get(doors(connection).cabinet_cookie)
        known["customer"] = await customer_session(id, at=wall_clock()) if id else None
    return cast("CustomerSession | None", known["customer"])


async def signed_in(connection: Connection) -> CustomerSession:
    """The customer, behind the guard."""
    session = await customer_of(connection)
    if session is None:
        raise NotAuthorizedException
    return session


def cabinet_token(connection: Connection, session: CustomerSession) -> str:
    """What the forms of the cabinet carry."""
    return doors(connection).seal(f"cabinet:{session.id}")


async def sign_in_customer(request: Connection, email: str, password: str) -> bool:
    """Open a session; False when address and password do not belong together, whatever the reason.

    Raises TooManyRequestsException for who failed too often, before any work is done.
    """
    at, who = wall_clock(), f"cabinet {email}"  # failures here lock no colleague out
    demand_patience(request, who, at)
    contact = await account_for(email, password)
    note_attempt(request, who, at, succeeded=contact is not None)
    if contact is None:
        return False
    await let_in(request, contact)
    return True


async def let_in(request: Connection, contact: int) -> None:
    """Give this browser a session of the contact under a fresh id."""
    cookie = doors(request).cabinet_cookie
    id = await open_customer_session(contact, at=wall_clock(), instead_of=request.cookies.get(cookie))
    set_cookie(request, cookie, id)
    request.scope["state"]["customer"] = await customer_session(id, at=wall_clock())


async def let_out(request: Connection) -> None:
    """End the session and forget the cookie."""
    cookie = doors(request).cabinet_cookie
    if id := request.cookies.get(cookie):
        await close_session(id)
    set_cookie(request, cookie, "", max_age=0)
    request.scope["state"]["customer"] = None


# --- public forms -----------------------------------------------------------------------------------------------------


async def count_form(request: Connection, address: str) -> None:
    """Count a public form that makes us write to `address`. Raises TooManyRequestsException beyond the measure."""
    place = request.client.host if request.client else ""
    known = address.replace("\x00", "").strip().lower()[:320]  # as it is looked up
    await _count(request, ((doors(request).forms_from_one_place, place), (doors(request).forms_for_one_address, known)))


async def count_act(request: Connection, session: CustomerSession) -> None:
    """Count an act of a signed-in customer. Raises TooManyRequestsException for what only a program does."""
    await _count(request, ((doors(request).acts_of_one_customer, str(session.contact)),))


async def _count(request: Connection, keys: tuple[tuple[Throttle, str], ...]) -> None:
    at = wall_clock()
    if wait := max(throttle.wait(key, at=at) for throttle, key in keys):
        await keep_words(request)
        raise TooManyRequestsException(headers={"Retry-After": str(int(wait.total_seconds()) + 1)})
    for throttle, key in keys:
        throttle.failed(key, at=at)


@asynccontextmanager
async def same_time() -> AsyncIterator[None]:
    """Whatever is done inside takes the same time for a known address and for an unknown one."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + SAME_TIME
    try:
        yield
    finally:
        await asyncio.sleep(max(0.0, ends - loop.time()))
