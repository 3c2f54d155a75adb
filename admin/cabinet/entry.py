"""The ways into the cabinet: signing in, registering, a forgotten password, and the link that shows one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypedDict

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from admin.cabinet.reader import CABINET, cabinet_reading
from admin.language import own_page
from admin.pages import render
from admin.reader import flash, reading
from admin.reading import AnyRequest, typed_in
from admin.refused import beside
from service import clock, customers
from service.auth import own_form
from service.customer_doors import count_form, let_in, let_out, same_time, sign_in_customer
from service.customers import AccountLinkGone, Registration
from service.words import translate
from workflow.errors import NotFound, WrongFields
from workflow.words import _

# The page behind a link is a secret of its reader, and so is the password on it.
PRIVATE: Final = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}
WRONG: Final = _("The address and the password do not belong together. Check both and try again.")
PURPOSES: Final[Mapping[str, str]] = {
    "invitation": _("You are invited to the cabinet. One button, and you have a password."),
    "registration": _("Confirm that this address is yours. One button, and you have a password."),
    "reset": _("One button, and you have a new password; the old one ends, and every browser is signed out."),
}


class Credentials(TypedDict, total=False):
    """What the form of the sign-in sends; `next` is the page to come back to."""

    email: str
    password: str
    next: str


@get("/cabinet/sign-in")
async def sign_in_page(request: AnyRequest, next: FromQuery[str] = "/cabinet") -> Response[str]:
    """The form."""
    return render("cabinet/sign_in.html", await reading(request), next=_own(next), email="", refusal="")


@post("/cabinet/sign-in", guards=[own_form], status_code=303)
async def sign_in(request: AnyRequest, data: URLEncodedBody[Credentials]) -> Response[Any]:
    """Open a session and lead on; a refusal never says which of the two was wrong."""
    email, next = data.get("email", ""), _own(data.get("next", "/cabinet"))
    if await sign_in_customer(request, email, data.get("password", "")):
        return Redirect(next, status_code=303)
    reader = await reading(request)
    refusal = translate(reader.language, WRONG)
    return render("cabinet/sign_in.html", reader, status_code=401, next=next, email=email, refusal=refusal)


@post("/cabinet/sign-out", guards=[CABINET], status_code=303)
async def sign_out(request: AnyRequest) -> Redirect:
    """End the session."""
    reader = await cabinet_reading(request)
    await let_out(request)
    flash(request, translate(reader.language, _("You have signed out.")))
    return Redirect("/cabinet/sign-in", status_code=303)


# --- asking for a link ------------------------------------------------------------------------------------------------


@get("/cabinet/register")
async def register_page(request: AnyRequest) -> Response[str]:
    """The form; the text of a request is not asked for here."""
    return render("cabinet/register.html", await reading(request), typed={}, errors={})


@post("/cabinet/register", guards=[own_form], status_code=303)
async def register(request: AnyRequest) -> Response[Any]:
    """Send the letter that proves the address; the page is the same whether the address is known or not."""
    reader = await reading(request)
    typed = await typed_in(request, "email", "full_name", "organisation", "position", "phone")
    await count_form(request, typed["email"])
    try:
        async with same_time():
            await customers.register(Registration(**typed, language=reader.language), at=reader.at)
    except WrongFields as wrong:
        errors = beside(wrong, reader.language)
        return render("cabinet/register.html", reader, status_code=422, typed=typed, errors=errors)
    return Redirect("/cabinet/letter-sent", status_code=303)


@get("/cabinet/forgotten")
async def forgotten_page(request: AnyRequest) -> Response[str]:
    """The form for the address."""
    return render("cabinet/forgotten.html", await reading(request))


@post("/cabinet/forgotten", guards=[own_form], status_code=303)
async def forgotten(request: AnyRequest) -> Redirect:
    """Send the letter if there is an account; the page is the same if there is none."""
    address = (await typed_in(request, "email"))["email"]
    await count_form(request, address)
    async with same_time():
        await customers.ask_for_reset(address, at=clock.now())
    return Redirect("/cabinet/letter-sent", status_code=303)


@get("/cabinet/letter-sent")
async def letter_sent(request: AnyRequest) -> Response[str]:
    """Where both forms lead."""
    return render("cabinet/letter_sent.html", await reading(request))


# --- the link ---------------------------------------------------------------------------------------------------------


@get("/cabinet/account/{token:str}")
async def account_page(request: AnyRequest, token: FromPath[str]) -> Response[str]:
    """Only the button: programs that read mail follow links, and must not use one up."""
    try:
        link = await customers.look(token, at=clock.now())
    except (NotFound, AccountLinkGone) as refusal:
        return await _gone(request, refusal)
    reader = await reading(request)
    purpose = translate(reader.language, PURPOSES[link.kind])
    return render("cabinet/account.html", reader, headers=PRIVATE, link=link, purpose=purpose)


@post("/cabinet/account/{token:str}", guards=[own_form], status_code=200)
async def open_account(request: AnyRequest, token: FromPath[str]) -> Response[str]:
    """The password, shown once; this browser is signed in with it."""
    try:
        redeemed = await customers.redeem(token, at=clock.now())
    except (NotFound, AccountLinkGone) as refusal:
        return await _gone(request, refusal)
    await let_in(request, redeemed.contact)
    return render("cabinet/password.html", await cabinet_reading(request), headers=PRIVATE, redeemed=redeemed)


async def _gone(request: AnyRequest, refusal: NotFound | AccountLinkGone) -> Response[str]:
    """Why the link does nothing, and what to do instead."""
    reader = await reading(request)
    known = isinstance(refusal, AccountLinkGone)
    sentence = refusal.sentence if known else _("This link is not one of ours, or a part of it is missing.")
    return render(
        "cabinet/link_gone.html", reader, status_code=410 if known else 404, headers=PRIVATE,
        sentence=translate(reader.language, sentence),
    )  # fmt: skip


def _own(page: str) -> str:
    """Only pages of the cabinet, and never back to its door."""
    local = own_page(page)
    inside = local == "/cabinet" or local.startswith(("/cabinet?", "/cabinet/tickets/", "/cabinet/new", "/cabinet/me"))
    return local if inside else "/cabinet"


ENTRY_PAGES: Final = (
    sign_in_page, sign_in, sign_out, register_page, register, forgotten_page, forgotten, letter_sent, account_page,
    open_account,
)  # fmt: skip
