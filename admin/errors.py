"""Error pages in the style of the house: what happened in one sentence, and where to go from here."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from litestar import Response
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.response import Redirect

from admin.language import own_page
from admin.pages import Reading, render
from admin.reader import address
from admin.reading import AnyRequest, language_of
from service import clock
from service.auth import Visitor, doors
from service.customer_doors import cabinet_token
from service.customer_sessions import CustomerSession
from service.house import HOUSE
from service.problems import Problem
from workflow.definition import Role
from workflow.words import _

ADVICE: Final[Mapping[int, str]] = {
    401: _("Sign in, then open the page again."),
    403: _("If you need this for your work, ask your administrator for another role."),
    404: _("The address is wrong, or what was here has gone."),
    409: _("Look at how things stand now, then decide again."),
    412: _("Look at how things stand now, then decide again."),
    422: _("Go back, mend what is wrong and try again: what you typed is still there."),
    500: _("Nothing was carried out. Try again; if it happens again, tell the administrator the number below."),
    503: _("Nothing is lost: try again in a few seconds."),
}


def page_error(request: AnyRequest, problem: Problem) -> Response[Any]:
    """The problem as a page; it asks no database, so that it shows even when there is none.

    An address that takes forms only is opened by itself when the language is switched or the address reloaded on the
    answer to one: that leads back to the page the form stood on.
    """
    if problem.status == 405 and request.method == "GET":
        return Redirect(_page_above(request), status_code=303)
    return render(
        "error.html",
        _reader(request),
        status_code=problem.status,
        problem=problem,
        advice="" if problem.code == "forged" else ADVICE.get(problem.status, ""),
        door="/cabinet/sign-in" if problem.instance.startswith("/cabinet") else "/sign-in",
        typed=_typed(request),
    )


def _page_above(request: AnyRequest) -> str:
    """The nearest address above this one that is a page."""
    path = str(request.scope["path"])
    while path := path.rpartition("/")[0]:
        with suppress(NotFoundException, MethodNotAllowedException):
            request.app.asgi_router.handle_routing(path=path, method="GET")
            return own_page(path)
    return "/"


def _typed(request: AnyRequest) -> str:
    """The words of a form that was refused as a whole; '' from other sites, who could put their own on our page."""
    headers = request.headers
    ours = headers.get("sec-fetch-site") == "same-origin" or headers.get("origin") == HOUSE.public_url
    text = request.scope["state"].get("words")
    return text.strip() if ours and isinstance(text, str) else ""


def _reader(request: AnyRequest) -> Reading:
    """The reader, as far as the request has been recognised before it failed."""
    customer: CustomerSession | None = request.scope["state"].get("customer")
    if customer is not None:
        return Reading(
            at=clock.now(), path=address(request), language=language_of(request, otherwise=customer.actor.language),
            name=customer.actor.name, role=Role.CUSTOMER, csrf_token=cabinet_token(request, customer),
        )  # fmt: skip
    visitor: Visitor | None = request.scope["state"].get("visitor")
    actor = visitor.actor if visitor else None
    return Reading(
        at=clock.now(),
        path=address(request),
        language=language_of(request, otherwise=actor.language if actor else None),
        name=actor.name if actor else "",
        role=actor.role if actor else None,
        # The same token as `csrf_token` gives a session: without it the way out in the menu would not work here.
        csrf_token=doors(request).seal(f"session:{visitor.session}") if visitor and visitor.session else "",
    )
