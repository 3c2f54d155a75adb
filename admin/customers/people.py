"""One person of a customer: the account, an invitation, another record of the same person, erasure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.customers.organisations import LANGUAGE_NAMES, addresses_in
from admin.customers.rights import ADMINISTER, READ, WRITE
from admin.pages import render
from admin.reader import flash, reading
from admin.reading import AnyRequest, typed_in
from admin.refused import said
from service import customer_records, customers, directory_edits, erasure
from service.accounts import AlreadyThere
from service.auth import ADMINISTRATORS, actor_of
from service.contacts import merge_contacts
from service.erasure import StillOpen
from service.whole_numbers import whole_number
from service.words import LANGUAGES, ngettext, translate
from workflow.errors import WrongFields
from workflow.words import _

FACTS: Final = ("full_name", "position", "phone", "language", "addresses")


@get("/customers/people/{contact:int}", guards=[READ])
async def person_page(request: AnyRequest, contact: FromPath[int]) -> Response[str]:
    """Who it is, and what may be done."""
    return await _page(request, contact)


async def _page(
    request: AnyRequest, contact: int, *, typed: Mapping[str, str] | None = None, refusal: str = ""
) -> Response[str]:
    reader = await reading(request)
    person = await customer_records.person(contact)
    nowhere = person.organisation is None
    others = (
        await customer_records.waiting_people()
        if nowhere
        else await customer_records.people_of(person.organisation or 0)
    )
    known = {name: str(getattr(person, name)) for name in FACTS[:-1]} | {"addresses": " ".join(person.addresses)}
    sights = [(code, translate(reader.language, label)) for code, label in customers.SIGHTS]
    return render(
        "customers/person.html", reader, status_code=422 if refusal else 200, person=person, sights=sights,
        others=[one for one in others if one.id != contact], administers=reader.role in ADMINISTRATORS,
        names=await customer_records.names() if nowhere else [], typed=typed or known, refusal=refusal,
        language_names=LANGUAGE_NAMES,
    )  # fmt: skip


@post("/customers/people/{contact:int}", guards=[WRITE], status_code=303)
async def change(request: AnyRequest, contact: FromPath[int]) -> Response[Any]:
    """Name, position, telephone, language, addresses."""
    reader, typed = await reading(request), await typed_in(request, *FACTS)
    given = typed | {
        "addresses": addresses_in(typed["addresses"]),
        "language": typed["language"] if typed["language"] in LANGUAGES else LANGUAGES[0],
    }
    try:
        await directory_edits.change_contact(str(contact), given, by=await actor_of(request), at=reader.at)
    except (AlreadyThere, WrongFields) as refusal:
        return await _page(request, contact, typed=typed, refusal=said(refusal, reader.language))
    flash(request, translate(reader.language, _("Saved.")))
    return Redirect(f"/customers/people/{contact}", status_code=303)


@post("/customers/people/{contact:int}/invite", guards=[WRITE], status_code=303)
async def invite(request: AnyRequest, contact: FromPath[int]) -> Redirect:
    """Send the letter with the link to a password."""
    reader, form = await reading(request), await request.form()
    try:
        address = await customers.invite(
            contact, sees=str(form.get("sees", "own")), by=await actor_of(request), at=reader.at
        )
    except WrongFields as refusal:
        flash(request, said(refusal, reader.language), "refused")
    else:
        flash(request, translate(reader.language, _("A letter goes to {address}."), address=address))
    return Redirect(f"/customers/people/{contact}", status_code=303)


@post("/customers/people/{contact:int}/rights", guards=[WRITE], status_code=303)
async def change_rights(request: AnyRequest, contact: FromPath[int]) -> Redirect:
    """What the account sees, and whether it may sign in."""
    reader, form = await reading(request), await request.form()
    try:
        await customers.change_rights(
            contact, sees=str(form.get("sees", "own")), active="active" in form, by=await actor_of(request),
            at=reader.at,
        )  # fmt: skip
    except WrongFields as refusal:
        flash(request, said(refusal, reader.language), "refused")
    else:
        flash(request, translate(reader.language, _("Saved.")))
    return Redirect(f"/customers/people/{contact}", status_code=303)


@post("/customers/people/{contact:int}/merge", guards=[WRITE], status_code=303)
async def merge(request: AnyRequest, contact: FromPath[int]) -> Redirect:
    """Two records of one person become this one."""
    reader, form = await reading(request), await request.form()
    other = whole_number(str(form.get("other", "")))
    try:
        await merge_contacts(contact, contact if other is None else other, by=await actor_of(request), at=reader.at)
    except WrongFields as refusal:
        flash(request, said(refusal, reader.language), "refused")
    else:
        flash(request, translate(reader.language, _("Two records are one now.")))
    return Redirect(f"/customers/people/{contact}", status_code=303)


@post("/customers/people/{contact:int}/erase", guards=[ADMINISTER], status_code=303)
async def erase(request: AnyRequest, contact: FromPath[int]) -> Redirect:
    """Blank the person's data; the journal stays valid."""
    reader = await reading(request)
    try:
        erased = await erasure.erase(contact, by=await actor_of(request), at=reader.at)
    except StillOpen as refusal:
        flash(request, said(refusal, reader.language), "refused")
        return Redirect(f"/customers/people/{contact}", status_code=303)
    flash(request, ngettext(reader.language, "Erased, with {n} ticket.", "Erased, with {n} tickets.", erased.tickets))
    return Redirect("/customers", status_code=303)


PEOPLE_PAGES: Final = (person_page, change, invite, change_rights, merge, erase)
