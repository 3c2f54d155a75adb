"""Who is asking, whether they may, and whether the form they send is ours."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from http.cookies import SimpleCookie
from typing import Any, cast

from litestar.connection import ASGIConnection, Request
from litestar.datastructures import FormMultiDict
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException, TooManyRequestsException
from litestar.handlers import BaseRouteHandler

from service import clock, config_journal
from service.accounts import account_for, user_id
from service.actors import Actor, customer
from service.rate_limit import RateLimit
from service.regulations import RULEBOOKS, in_force
from service.sessions import close_session, open_session, session
from service.settings import Settings
from service.throttle import Throttle
from service.tokens import Bearer, bearer
from workflow.definition import STAFF, Role
from workflow.regulation import Rulebook

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]

READERS = STAFF | {Role.PROCESS_OWNER}
EVERYBODY_INSIDE = READERS
OWNERS = frozenset({Role.PROCESS_OWNER, Role.ADMINISTRATOR})
ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})

ANY_SCOPE = ""  # for what any token may ask, whatever its scopes

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FOR_PEOPLE = "for_people"  # a mark of routes: pages, which take signed-in sessions only
CSRF_FIELDS = ("_csrf", "_csrf_token")
CSRF_HEADER = "x-csrf-token"


@dataclass(frozen=True)
class Doors:
    """What sign-in and forms need of the settings."""

    csrf_key: bytes
    secure: bool  # the pages are reached by https
    requests: RateLimit = field(default_factory=lambda: RateLimit(per_minute=600))
    metrics_from_loopback: bool = False
    from_one_place: Throttle = field(default_factory=lambda: Throttle(most=10))
    of_one_place: Throttle = field(default_factory=lambda: Throttle(most=100))  # many people may share an address
    from_anywhere: Throttle = field(default_factory=lambda: Throttle(most=50))  # nobody is locked out by one stranger

    # Public forms that make us write a letter: each sending counts.
    forms_from_one_place: Throttle = field(default_factory=lambda: Throttle(most=20))
    forms_for_one_address: Throttle = field(default_factory=lambda: Throttle(most=3))
    acts_of_one_customer: Throttle = field(
        default_factory=lambda: Throttle(most=60)
    )  # whoever they are, people are slow

    @classmethod
    def of(cls, settings: Settings) -> Doors:
        return cls(
            csrf_key=settings.key("csrf"),
            secure=settings.public_url.startswith("https://"),
            requests=RateLimit(per_minute=settings.api_requests_per_minute),
            metrics_from_loopback=settings.metrics_from_loopback,
        )

    @property
    def throttles(self) -> Mapping[str, Throttle]:
        """By name, for the other web processes."""
        return {each.name: kept for each in fields(self) if isinstance(kept := getattr(self, each.name), Throttle)}

    @property
    def session_cookie(self) -> str:
        return self._named("reglament_session")

    @property
    def cabinet_cookie(self) -> str:
        return self._named("reglament_cabinet")

    @property
    def visit_cookie(self) -> str:
        return self._named("reglament_visit")

    def _named(self, name: str) -> str:
        # Browsers take a __Host- cookie only from us and only over https: no neighbour can plant one.
        return f"__Host-{name}" if self.secure else name

    def seal(self, text: str) -> str:
        return hmac.digest(self.csrf_key, text.encode(), "sha256").hex()


@dataclass(frozen=True)
class Visitor:
    """Who is behind a request: a program with a token, or a person with a session."""

    actor: Actor
    bearer: Bearer | None = None
    session: str | None = None
    unread: int = 0  # notices under the bell
    in_force: int | None = None  # the version of the regulation, where it was read with the session

    def reaches(self, scope: str) -> bool:
        return scope == ANY_SCOPE or self.bearer is None or self.bearer.reaches(scope)


class Forged(PermissionDeniedException):
    """A form that did not come from our pages, or from a page that is too old."""


# --- rights -----------------------------------------------------------------------------------------------------------


def requires(*roles: Role, scope: str) -> Guard:
    """A guard: one of `roles`, and for a program `scope`. Strangers get 401, others 403; forms are checked.

    A token opens no page: what pages show goes beyond any scope.
    """
    allowed = frozenset(roles)

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        visitor = await visitor_of(connection)
        if visitor is None:
            if handler.opt.get(FOR_PEOPLE) and connection.scope.get("method", "GET") not in SAFE:
                await keep_words(connection)
            raise NotAuthorizedException(headers={"WWW-Authenticate": "Bearer"})
        if visitor.bearer is not None and handler.opt.get(FOR_PEOPLE):
            raise PermissionDeniedException
        if visitor.bearer is not None:
            demand_measure(connection, visitor.actor)
        if visitor.actor.role not in allowed or not visitor.reaches(scope):
            raise PermissionDeniedException
        if visitor.session is not None:
            await demand_own_form(connection)

    guard.__dict__["rights"] = (allowed, scope)
    return guard


def demand_measure(connection: Connection, by: Actor) -> None:
    """Count a program's request; its answer tells what is left. Raises TooManyRequestsException."""
    left = doors(connection).requests.spend(by.principal, at=wall_clock())
    connection.scope["state"]["extra_headers"] = left.headers()
    if left.exceeded:
        raise TooManyRequestsException(headers={"Retry-After": str(left.resets_in)})


async def own_form(connection: Connection, _handler: BaseRouteHandler) -> None:
    """A guard for public forms: whoever sends one must have been shown it by us."""
    await demand_own_form(connection)


async def visitor_of(connection: Connection) -> Visitor | None:
    """Who is asking; None for a stranger. A token that is not valid is no stranger but 401."""
    known = connection.scope["state"]
    if "visitor" not in known:
        known["visitor"] = await _recognised(connection)
    return cast("Visitor | None", known["visitor"])


async def actor_of(connection: Connection) -> Actor:
    """Who is asking, behind a guard."""
    visitor = await visitor_of(connection)
    if visitor is None:
        raise NotAuthorizedException
    return visitor.actor


async def _recognised(connection: Connection) -> Visitor | None:
    scheme, _space, credentials = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        known = await bearer(credentials.strip(), at=wall_clock())
        if known is None:
            raise NotAuthorizedException(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return Visitor(known.actor, bearer=known)
    id = connection.cookies.get(doors(connection).session_cookie)
    found = await session(id, at=wall_clock(), desk_at=clock.now()) if id else None
    if found is None:
        return None
    return Visitor(found.actor, session=found.id, unread=found.unread, in_force=found.in_force)


async def rules_of(connection: Connection) -> Rulebook:
    """The regulation in force for a request. Raises NotFound before the first version was published."""
    visitor = await visitor_of(connection)
    if visitor is not None and visitor.in_force is not None:
        return await RULEBOOKS.know(visitor.in_force)
    return await in_force(at=clock.now())


def wall_clock() -> datetime:
    """The real time: moving the clock of the desk signs nobody in or out."""
    return clock.now() - clock.offset()


def doors(connection: Connection) -> Doors:
    return cast(Doors, connection.app.state.doors)


# --- signing in and out -----------------------------------------------------------------------------------------------


async def sign_in(request: Connection, email: str, password: str) -> Actor | None:
    """Open a session under a fresh id; None when address and password do not belong together.

    Raises TooManyRequestsException for who failed too often, before any work is done.
    """
    at = wall_clock()
    demand_patience(request, email, at)
    user = await account_for(email, password)
    note_attempt(request, email, at, succeeded=user is not None)
    if user is None:
        await _note_refusal(request, email, at)
        return None
    cookie = doors(request).session_cookie
    browser = request.headers.get("user-agent", "")
    id = await open_session(user, at=at, instead_of=request.cookies.get(cookie), browser=browser, place=_place(request))
    set_cookie(request, cookie, id)
    opened = await session(id, at=at)
    if opened is None:  # signed out by somebody else between two statements
        return None
    request.scope["state"]["visitor"] = Visitor(opened.actor, session=id)
    await config_journal.note(
        by=opened.actor, at=at, act="session.open", subject=opened.actor.email, data={"from": _place(request)}
    )
    return opened.actor


UNKNOWN = "an address without an account"


async def _note_refusal(request: Connection, email: str, at: datetime) -> None:
    """The address is written down only when it is an account's: people type passwords into the wrong field."""
    known = await user_id(email) is not None
    subject = email.strip().lower() if known else UNKNOWN
    stranger = customer(id="", name="")
    await config_journal.note(
        by=stranger, at=at, act="session.refused", subject=subject, data={"from": _place(request)}
    )


def _place(request: Connection) -> str:
    return request.client.host if request.client else ""


def _attempts(request: Connection, email: str) -> tuple[tuple[Throttle, str], ...]:
    account, place, kept = email.strip().lower(), _place(request), doors(request)
    return (kept.from_one_place, f"{place} {account}"), (kept.from_anywhere, account), (kept.of_one_place, place)


def demand_patience(request: Connection, email: str, at: datetime) -> None:
    """Raises TooManyRequestsException for who failed too often."""
    for throttle, key in _attempts(request, email):
        if wait := throttle.wait(key, at=at):
            raise TooManyRequestsException(headers={"Retry-After": str(int(wait.total_seconds()) + 1)})


def note_attempt(request: Connection, email: str, at: datetime, *, succeeded: bool) -> None:
    """Remember how an attempt to sign in ended."""
    for throttle, key in _attempts(request, email):
        if not succeeded:
            throttle.failed(key, at=at)
        elif throttle is not doors(request).of_one_place:  # one account of one's own buys no guesses at others
            throttle.succeeded(key)


async def sign_out(request: Connection) -> None:
    """End the session and forget the cookie."""
    cookie = doors(request).session_cookie
    visitor = await visitor_of(request)
    if id := request.cookies.get(cookie):
        await close_session(id)
    if visitor is not None and visitor.session is not None:
        await config_journal.note(by=visitor.actor, at=wall_clock(), act="session.close", subject=visitor.actor.email)
    set_cookie(request, cookie, "", max_age=0)
    request.scope["state"]["visitor"] = None


def set_cookie(connection: Connection, name: str, value: str, *, max_age: int | None = None) -> None:
    """Send a cookie with whatever answer follows; `max_age` in seconds, None until the browser closes."""
    jar: SimpleCookie = SimpleCookie()
    jar[name] = value
    jar[name]["path"] = "/"
    jar[name]["httponly"] = True
    jar[name]["samesite"] = "Lax"
    jar[name]["secure"] = doors(connection).secure
    if max_age is not None:
        jar[name]["max-age"] = str(max_age)
    connection.scope["state"].setdefault("cookies", {})[name] = jar[name].OutputString()


# --- forms ------------------------------------------------------------------------------------------------------------


async def csrf_token(request: Connection) -> str:
    """What a form of this reader carries: bound to the session, or for a stranger to a signed cookie of the visit."""
    visitor = await visitor_of(request)
    if visitor is not None and visitor.session is not None:
        return doors(request).seal(f"session:{visitor.session}")
    return doors(request).seal(f"visit:{_visit(request) or _new_visit(request)}")


async def demand_own_form(connection: Connection) -> None:
    """Raises Forged when an unsafe request by cookie lacks the token its reader was given. Bearer needs none."""
    if connection.scope.get("method", "GET") in SAFE:
        return
    visitor = await visitor_of(connection)
    if visitor is not None and visitor.bearer is not None:
        return
    if visitor is not None:
        expected = doors(connection).seal(f"session:{visitor.session}")
    elif visit := _visit(connection):
        expected = doors(connection).seal(f"visit:{visit}")
    else:
        await keep_words(connection)
        raise Forged
    await demand_token(connection, expected)


async def demand_token(connection: Connection, expected: str) -> None:
    """Raises Forged unless the form, or the header of a script, carries this token."""
    given = await _given_token(cast("Request[Any, Any, Any]", connection))
    if not hmac.compare_digest(given.encode(), expected.encode()):
        await keep_words(connection)
        raise Forged


async def _given_token(request: Request[Any, Any, Any]) -> str:
    if header := request.headers.get(CSRF_HEADER):
        return header
    form = await _sent(request)
    return next((str(form[name]) for name in CSRF_FIELDS if name in form), "")


async def keep_words(connection: Connection) -> None:
    """Before a form is refused unread: the page that says so gives its text back. Its files are let go."""
    form = await _sent(cast("Request[Any, Any, Any]", connection))
    connection.scope["state"]["words"] = form.get("text", "")
    await form.close()


async def _sent(request: Request[Any, Any, Any]) -> FormMultiDict:
    """What a form sent; nothing for a body of any other kind."""
    if request.content_type[0] not in (RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART):
        return FormMultiDict()
    return await request.form()


def _visit(connection: Connection) -> str | None:
    """The id of a stranger's visit, when its cookie bears our seal; a stale or foreign one is replaced."""
    if fresh := connection.scope["state"].get("visit"):
        return cast(str, fresh)
    visit, _dot, seal = connection.cookies.get(doors(connection).visit_cookie, "").partition(".")
    ours = hmac.compare_digest(seal.encode(), doors(connection).seal(f"cookie:{visit}").encode())
    return visit if visit and ours else None


def _new_visit(connection: Connection) -> str:
    visit = secrets.token_urlsafe(16)
    connection.scope["state"]["visit"] = visit
    set_cookie(connection, doors(connection).visit_cookie, f"{visit}.{doors(connection).seal(f'cookie:{visit}')}")
    return visit
