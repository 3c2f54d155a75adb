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
from admin.refused import beside, said
from service import customer_records, customers, directory, directory_edits, erasure
from service.accounts import AlreadyThere
from service.auth import ADMINISTRATORS, actor_of
from service.contacts import merge_contacts, other_record
from service.erasure import StillOpen
from service.words import LANGUAGES, ngettext, translate
from workflow.errors import NotFound, WrongFields
from workflow.words import _

FACTS: Final = ("full_name", "position", "phone", "language", "addresses")


@get("/customers/people/{contact:int}", guards=[READ])
async def person_page(request: AnyRequest, contact: FromPath[int]) -> Response[str]:
    """Who it is, and what may be done."""
    return await _page(request, contact)


async def _page(
    request: AnyRequest,
    contact: int,
    *,
    form: str = "",
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response[str]:
    """`form` names the form that was refused: `person`, `join`, `rights` or `merge`."""
    reader = await reading(request)
    person = await customer_records.person(contact)
    known = {name: str(getattr(person, name)) for name in FACTS[:-1]} | {"addresses": " ".join(person.addresses)}
    sights = [(code, translate(reader.language, label)) for code, label in customers.SIGHTS]
    return render(
        "customers/person.html", reader, status_code=422 if errors else 200, person=person, sights=sights,
        known=known, form=form, typed=typed or {}, errors=errors or {}, administers=reader.role in ADMINISTRATORS,
        names=[] if person.organisation else await customer_records.names(), language_names=LANGUAGE_NAMES,
        others=await customer_records.addresses_beside(person), invited=await customers.pending_invitation(contact),
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
        errors = beside(refusal, reader.language, otherwise="addresses")
        return await _page(request, contact, form="person", typed=typed, errors=errors)
    flash(request, translate(reader.language, _("Saved.")))
    return Redirect(f"/customers/people/{contact}", status_code=303)


@post("/customers/people/{contact:int}/invite", guards=[WRITE], status_code=303)
async def invite(request: AnyRequest, contact: FromPath[int]) -> Redirect:
    """Send the letter with the link to a password."""
    reader, typed = await reading(request), await typed_in(request, "sees")
    try:
        address = await customers.invite(contact, sees=typed["sees"], by=await actor_of(request), at=reader.at)
    except WrongFields as refusal:
        flash(request, said(refusal, reader.language), "refused")
    else:
        flash(request, translate(reader.language, _("A letter goes to {address}."), address=address))
    return Redirect(f"/customers/people/{contact}", status_code=303)


@post("/customers/people/{contact:int}/take-back", guards=[WRITE], status_code=303)
async def take_back(request: AnyRequest, contact: FromPath[int]) -> Redirect:
    """The invitation that waits gives nothing any more."""
    reader = await reading(request)
    try:
        await customers.take_back(contact, by=await actor_of(request), at=reader.at)
    except NotFound:  # used, or taken back by somebody else meanwhile: the page shows which
        flash(request, translate(reader.language, _("No invitation waits any more.")), "note")
    else:
        flash(request, translate(reader.language, _("The invitation is taken back.")))
    return Redirect(f"/customers/people/{contact}", status_code=303)


@post("/customers/people/{contact:int}/rights", guards=[WRITE], status_code=303)
async def change_rights(request: AnyRequest, contact: FromPath[int]) -> Response[Any]:
    """What the account sees, and whether it may sign in."""
    reader, typed = await reading(request), await typed_in(request, "sees", "active")
    try:
        await customers.change_rights(
            contact, sees=typed["sees"], active=bool(typed["active"]), by=await actor_of(request), at=reader.at
        )
    except WrongFields as refusal:
        errors = beside(refusal, reader.language)
        return await _page(request, contact, form="rights", typed=typed, errors=errors)
    flash(request, translate(reader.language, _("Saved.")))
    return Redirect(f"/customers/people/{contact}", status_code=303)


@post("/customers/people/{contact:int}/merge", guards=[WRITE], status_code=303)
async def merge(request: AnyRequest, contact: FromPath[int]) -> Response[Any]:
    """Two records of one person become this one."""
    reader, typed = await reading(request), await typed_in(request, "other")
    try:
        other = await other_record(contact, typed["other"])
        await merge_contacts(contact, other, by=await actor_of(request), at=reader.at)
    except WrongFields as refusal:
        return await _page(request, contact, form="merge", typed=typed, errors=beside(refusal, reader.language))
    flash(request, translate(reader.language, _("Two records are one now.")))
    return Redirect(f"/customers/people/{contact}", status_code=303)


@post("/customers/people/{contact:int}/join", guards=[WRITE], status_code=303)
async def join(request: AnyRequest, contact: FromPath[int]) -> Response[Any]:
    """Say where a person belongs who has registered by himself."""
    reader, typed = await reading(request), await typed_in(request, "organisation")
    try:
        organisation = await directory.organisation_id(directory.line("organisation", typed["organisation"]))
        await customer_records.join(contact, organisation, by=await actor_of(request), at=reader.at)
    except WrongFields as refusal:
        return await _page(request, contact, form="join", typed=typed, errors=beside(refusal, reader.language))
    flash(request, translate(reader.language, _("Saved.")))
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


PEOPLE_PAGES: Final = (person_page, change, invite, take_back, change_rights, merge, join, erase)
