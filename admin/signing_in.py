"""The way in and the way out."""

from __future__ import annotations

from typing import Any, TypedDict
from urllib.parse import urlsplit

from litestar import Response, get, post
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect

from admin.language import own_page
from admin.page_router import page_router
from admin.pages import render, url
from admin.reader import flash, reading
from admin.reading import AnyRequest
from service.auth import own_form, sign_in, sign_out, visitor_of
from service.customer_doors import customer_of
from service.words import translate
from workflow.definition import STAFF
from workflow.words import _

WRONG = _("The address and the password do not belong together. Check both and try again.")


class Credentials(TypedDict, total=False):
    """What the form sends; `next` is the page to come back to."""

    email: str
    password: str
    next: str


@get("/")
async def first_page(request: AnyRequest) -> Redirect:
    """The page a person works on: the queue for staff, the regulation for its owner, the sign-in for strangers."""
    visitor = await visitor_of(request)
    if visitor is None and await customer_of(request):
        return Redirect("/cabinet", status_code=303)
    if visitor is None:
        return Redirect(url("/sign-in", next="/"), status_code=303)
    return Redirect("/desk" if visitor.actor.role in STAFF else "/regulation", status_code=303)


@get("/sign-in")
async def sign_in_page(request: AnyRequest, next: FromQuery[str] = "/") -> Response[Any]:
    """The form; whoever has signed in already may sign in as somebody else. Customers have a door of their own."""
    if urlsplit(next).path.split("/")[1:2] == ["cabinet"]:
        return Redirect(url("/cabinet/sign-in", next=_own(next)), status_code=303)
    return render("sign_in.html", await reading(request), next=_own(next), email="", refusal="")


@post("/sign-in", guards=[own_form], status_code=303)
async def signing_in(request: AnyRequest, data: URLEncodedBody[Credentials]) -> Response[Any]:
    """Open a session and lead on; a refusal never says which of the two was wrong."""
    email, next = data.get("email", ""), _own(data.get("next", "/"))
    actor = await sign_in(request, email, data.get("password", ""))
    if actor is None:
        reader = await reading(request)
        refusal = translate(reader.language, WRONG)
        return render("sign_in.html", reader, status_code=401, next=next, email=email, refusal=refusal)
    return Redirect(next, status_code=303)


@post("/sign-out", guards=[own_form], status_code=303)
async def signing_out(request: AnyRequest) -> Redirect:
    """End the session."""
    reader = await reading(request)
    await sign_out(request)
    flash(request, translate(reader.language, _("You have signed out.")))
    return Redirect("/sign-in", status_code=303)


def _own(page: str) -> str:
    """Only pages of ours, and never back to signing in."""
    local = own_page(page)
    return "/" if urlsplit(local).path in ("/sign-in", "/sign-out") else local


router = page_router([first_page, sign_in_page, signing_in, signing_out])
