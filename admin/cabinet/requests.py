"""A new request of a signed-in customer: the six facts of clause 4.2 are filled from the profile."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

import msgspec
from litestar import Response, get, post
from litestar.response import Redirect

from admin.cabinet.policy import policy_said
from admin.cabinet.reader import CABINET, cabinet_reading
from admin.desk import uploads
from admin.form_keys import key_or_fresh
from admin.pages import Reading, render
from admin.reader import flash
from admin.reading import AnyRequest, typed_in
from admin.refused import beside
from service.customer_doors import count_act, signed_in
from service.intake import Arrival, Request, receive
from service.people import Customer, customer_of_contact
from service.regulations import in_force
from service.words import translate
from workflow.errors import FieldError, WrongFields
from workflow.words import _

OWN: Final = ("full_name", "position", "phone")  # of the six facts, those a person may tell anew in each request
ASKED: Final = ("subject", "text", "product", *OWN, "organisation")


@get("/cabinet/new", guards=[CABINET])
async def new_page(request: AnyRequest) -> Response[str]:
    """The form, filled with what is known."""
    session, reader = await signed_in(request), await cabinet_reading(request)
    known = await customer_of_contact(session.contact, at=reader.at)
    return await _form(reader, known, {name: getattr(known, name) for name in OWN})


@post("/cabinet/new", guards=[CABINET], status_code=303)
async def new_request(request: AnyRequest) -> Response[Any]:
    """Make the ticket once, however often the button is pressed, and lead to it."""
    session, reader = await signed_in(request), await cabinet_reading(request)
    await count_act(request, session)
    known = await customer_of_contact(session.contact, at=reader.at)
    form, typed = await typed_in(request), await typed_in(request, *ASKED)
    rules = await in_force(at=reader.at)
    brought = await uploads.brought(request, rules, owner=session.actor.principal)
    told_facts = typed | {"organisation": known.organisation_name or typed["organisation"]}
    wanted = Request(channel="portal", email=known.email, language=reader.language, **told_facts)
    try:
        brought.demand_all_taken(reader.language)
        _demand_facts(wanted, rules.regulation.required_fields)
        ticket = await receive(
            wanted, by=session.actor, at=reader.at, arrival=Arrival(files=brought.files),
            cause=f"cabinet:{session.contact}:{key_or_fresh(form.get('key', ''))}",
            signed_in=msgspec.structs.replace(known, **{name: typed[name] for name in OWN}),
        )  # fmt: skip
    except WrongFields as wrong:
        errors = beside(wrong, reader.language)
        return await _form(reader, known, typed, errors=errors, kept=brought.kept)
    flash(request, translate(reader.language, _("Thank you. We have your request; a letter says so too.")))
    return Redirect(f"/cabinet/tickets/{ticket.id}", status_code=303)


def _demand_facts(wanted: Request, required: tuple[str, ...]) -> None:
    """Here the required facts can be asked for at once. Raises WrongFields."""
    missing = [name for name in (*required, "text") if not getattr(wanted, name, "").strip()]
    if missing:
        raise WrongFields([FieldError(name, _("Please fill this in."), {}) for name in dict.fromkeys(missing)])


async def _form(
    reader: Reading,
    known: Customer,
    typed: dict[str, str],
    *,
    errors: dict[str, str] | None = None,
    kept: tuple[uploads.KeptFile, ...] = (),
) -> Response[str]:
    rules = await in_force(at=reader.at)
    return render(
        "cabinet/new.html", reader, status_code=422 if errors else 200, known=known, typed=typed, errors=errors or {},
        kept=kept, policy=policy_said(rules, reader.language), largest=rules.regulation.attachments.largest_bytes,
        key=uuid4().hex,
    )  # fmt: skip


REQUEST_PAGES: Final = (new_page, new_request)
