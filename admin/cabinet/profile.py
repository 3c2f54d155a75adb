"""What the cabinet knows of its reader: name, position, telephone, language, and a new password."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, get, post
from litestar.response import Redirect

from admin.cabinet.entry import PRIVATE
from admin.cabinet.reader import CABINET, cabinet_reading
from admin.language import language_cookie
from admin.pages import render
from admin.reader import flash
from admin.reading import AnyRequest, typed_in
from admin.refused import beside
from service import customers
from service.customer_doors import count_act, let_in, signed_in
from service.customers import Redeemed
from service.people import customer_of_contact
from service.words import LANGUAGES, translate
from workflow.errors import WrongFields
from workflow.words import _

LANGUAGE_NAMES: Final = (("ru", "Русский"), ("en", "English"))


@get("/cabinet/me", guards=[CABINET])
async def profile_page(request: AnyRequest) -> Response[str]:
    """The form, filled."""
    session, reader = await signed_in(request), await cabinet_reading(request)
    known = await customer_of_contact(session.contact, at=reader.at)
    typed = {"full_name": known.full_name, "position": known.position, "phone": known.phone, "language": known.language}
    return render("cabinet/me.html", reader, known=known, typed=typed, errors={}, language_names=LANGUAGE_NAMES)


@post("/cabinet/me", guards=[CABINET], status_code=303)
async def change_profile(request: AnyRequest) -> Response[Any]:
    """Keep it; letters and pages follow the language from now on."""
    session, reader = await signed_in(request), await cabinet_reading(request)
    typed = await typed_in(request, "full_name", "position", "phone", "language")
    try:
        await customers.change_profile(session.contact, **typed, by=session.actor, at=reader.at)
    except WrongFields as wrong:
        known = await customer_of_contact(session.contact, at=reader.at)
        errors = beside(wrong, reader.language)
        return render(
            "cabinet/me.html", reader, status_code=422, known=known, typed=typed, errors=errors,
            language_names=LANGUAGE_NAMES,
        )  # fmt: skip
    chosen = next(one for one in LANGUAGES if one == typed["language"])
    flash(request, translate(chosen, _("Saved.")))
    return Redirect("/cabinet/me", status_code=303, cookies=[language_cookie(request, chosen)])


@post("/cabinet/me/password", guards=[CABINET], status_code=200)
async def new_password(request: AnyRequest) -> Response[str]:
    """A fresh password, shown once; every other browser is signed out."""
    session, reader = await signed_in(request), await cabinet_reading(request)
    await count_act(request, session)
    password = await customers.new_password(session.contact, by=session.actor, at=reader.at)
    await let_in(request, session.contact)
    redeemed = Redeemed(session.contact, session.actor.email, password, joined=session.organisation is not None)
    return render("cabinet/password.html", await cabinet_reading(request), headers=PRIVATE, redeemed=redeemed)


PROFILE_PAGES: Final = (profile_page, change_profile, new_password)
