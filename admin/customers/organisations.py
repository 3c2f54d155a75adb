"""Organisations: the list, one with its contracts and people, and what may be changed on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from admin.customers.rights import ADMINISTER, READ, WRITE
from admin.pages import render, url
from admin.reader import flash, reading
from admin.reading import AnyRequest, typed_in
from admin.refused import beside
from service import customer_records, directory, directory_edits
from service.accounts import AlreadyThere
from service.auth import ADMINISTRATORS, actor_of
from service.customer_records import PAGE
from service.organisations import merge_organisations
from service.regulations import in_force
from service.words import translate
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.words import _

LANGUAGE_NAMES: Final = (("ru", "Русский"), ("en", "English"))
MOST_PEOPLE: Final = 20  # of those who are looked for


@get("/customers", guards=[READ])
async def list_page(
    request: AnyRequest, q: FromQuery[str] = "", after: FromQuery[str] = "", waiting: FromQuery[str] = ""
) -> Response[str]:
    """Organisations by name, the people who belong to none yet, and whoever is looked for."""
    asked = " ".join(q.replace("\x00", "").split())[:200]
    return await _list(request, q=asked, after=after.replace("\x00", ""), waiting=waiting)


async def _list(
    request: AnyRequest,
    *,
    q: str = "",
    after: str = "",
    waiting: str = "",
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response[str]:
    reader = await reading(request)
    found = await customer_records.organisations(q=q, after=after)
    on = url("/customers", q=q, after=found[PAGE - 1].name) if len(found) > PAGE else ""
    unplaced, onward = await customer_records.waiting_people(cursor=waiting)
    people = await directory.contacts(limit=MOST_PEOPLE + 1, q=q) if q and not after else []
    return render(
        "customers/list.html", reader, status_code=422 if errors else 200, organisations=found[:PAGE], q=q,
        next_href=on, first_href="/customers" if after else "", waiting=unplaced,
        waiting_next=url("/customers", waiting=onward) if onward else "", waiting_first="/customers" if waiting else "",
        names=await customer_records.names(), today=reader.at.astimezone(reader.zone).date(), typed=typed or {},
        errors=errors or {}, administers=reader.role in ADMINISTRATORS, people=people[:MOST_PEOPLE],
        most_people=MOST_PEOPLE if len(people) > MOST_PEOPLE else 0,
    )  # fmt: skip


@post("/customers", guards=[ADMINISTER], status_code=303)
async def add_organisation(request: AnyRequest) -> Response[Any]:
    """A new organisation, and on to its page."""
    reader, typed = await reading(request), await typed_in(request, "name", "domains")
    try:
        made = await directory.add_organisation(
            typed["name"], domains=typed["domains"].split(), by=await actor_of(request), at=reader.at
        )
    except (AlreadyThere, WrongFields) as refusal:
        return await _list(request, typed=typed, errors=beside(refusal, reader.language, otherwise="name"))
    return Redirect(f"/customers/{made['id']}", status_code=303)


@get("/customers/{id:int}", guards=[READ])
async def organisation_page(request: AnyRequest, id: FromPath[int], people: FromQuery[str] = "") -> Response[str]:
    """Domains, contracts with their marks, people."""
    return await _page(request, id, people=people)


async def _page(
    request: AnyRequest,
    id: int,
    *,
    people: str = "",
    form: str = "",
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response[str]:
    """`form` names the form that was refused: `organisation`, `person`, `merge`, `contract`, or `contract-7` for one
    that is."""
    reader = await reading(request)
    name, domains = await customer_records.organisation(id)
    today = reader.at.astimezone(reader.zone).date()
    rules = await in_force(at=reader.at)
    levels = [(level.code, level.name.to(reader.language)) for level in rules.regulation.service_levels]
    page, onward = await customer_records.people_of(id, cursor=people)
    here = f"/customers/{id}"
    return render(
        "customers/organisation.html", reader, status_code=422 if errors else 200, id=id, name=name,
        domains="\n".join(domains), contracts=await customer_records.contracts_of(id, on=today),
        people=page, levels=levels, form=form, typed=typed or {}, errors=errors or {},
        administers=reader.role in ADMINISTRATORS, language_names=LANGUAGE_NAMES, today=today,
        people_next=f"{url(here, people=onward)}#people" if onward else "",
        people_first=f"{here}#people" if people else "",
        others=[one for one in await customer_records.names() if one != name],
    )  # fmt: skip


@post("/customers/{id:int}", guards=[ADMINISTER], status_code=303)
async def change_organisation(request: AnyRequest, id: FromPath[int]) -> Response[Any]:
    """Another name, other domains."""
    reader, typed = await reading(request), await typed_in(request, "name", "domains")
    try:
        await directory_edits.change_organisation(
            str(id), {"name": typed["name"], "domains": typed["domains"].split()}, by=await actor_of(request),
            at=reader.at,
        )  # fmt: skip
    except (AlreadyThere, WrongFields) as refusal:
        errors = beside(refusal, reader.language, otherwise="name")
        return await _page(request, id, form="organisation", typed=typed, errors=errors)
    flash(request, translate(reader.language, _("Saved.")))
    return Redirect(f"/customers/{id}", status_code=303)


@post("/customers/{id:int}/contracts", guards=[ADMINISTER], status_code=303)
async def add_contract(request: AnyRequest, id: FromPath[int]) -> Response[Any]:
    """A new contract: number, products, level, term."""
    reader, typed = await reading(request), await _terms_typed(request)
    try:
        terms = _terms(typed)
        await directory.add_contract(str(id), **terms, by=await actor_of(request), at=reader.at)
    except (AlreadyThere, WrongFields) as refusal:
        errors = beside(refusal, reader.language, otherwise="number")
        return await _page(request, id, form="contract", typed=typed, errors=errors)
    flash(request, translate(reader.language, _("Saved.")))
    return Redirect(f"/customers/{id}", status_code=303)


@post("/customers/{id:int}/contracts/{contract:int}", guards=[ADMINISTER], status_code=303)
async def change_contract(request: AnyRequest, id: FromPath[int], contract: FromPath[int]) -> Response[Any]:
    """Other terms; tickets keep what the contract said when they came."""
    reader, typed = await reading(request), await _terms_typed(request)
    today = reader.at.astimezone(reader.zone).date()
    if contract not in {one.id for one in await customer_records.contracts_of(id, on=today)}:
        raise NotFound()
    try:
        await directory_edits.change_contract(str(contract), _terms(typed), by=await actor_of(request), at=reader.at)
    except (AlreadyThere, WrongFields) as refusal:
        errors = beside(refusal, reader.language, otherwise="number")
        return await _page(request, id, form=f"contract-{contract}", typed=typed, errors=errors)
    flash(request, translate(reader.language, _("Saved.")))
    return Redirect(f"/customers/{id}", status_code=303)


TERMS: Final = ("number", "products", "service_level", "starts_on", "ends_on")


async def _terms_typed(request: AnyRequest) -> dict[str, str]:
    return {name: word.strip() for name, word in (await typed_in(request, *TERMS)).items()}


def _terms(typed: Mapping[str, str]) -> dict[str, Any]:
    """What the form says. Raises WrongFields."""
    starts_on, ends_on = _day("starts_on", typed), _day("ends_on", typed)
    if starts_on is None:
        raise WrongFields([FieldError("starts_on", _("The contract has no first day."), {})])
    products = [one.strip() for one in typed["products"].split(",") if one.strip()]
    told = {"number": typed["number"], "service_level": typed["service_level"], "products": products}
    return told | {"starts_on": starts_on, "ends_on": ends_on}


@post("/customers/{id:int}/merge", guards=[ADMINISTER], status_code=303)
async def merge(request: AnyRequest, id: FromPath[int]) -> Response[Any]:
    """Two records of one organisation become this one."""
    reader, typed = await reading(request), await typed_in(request, "other")
    try:
        other = await directory.organisation_id(directory.line("other", typed["other"]), field="other")
        await merge_organisations(id, other, by=await actor_of(request), at=reader.at)
    except WrongFields as refusal:
        return await _page(request, id, form="merge", typed=typed, errors=beside(refusal, reader.language))
    flash(request, translate(reader.language, _("Two records are one now.")))
    return Redirect(f"/customers/{id}", status_code=303)


def _day(name: str, typed: Mapping[str, str]) -> date | None:
    try:
        return date.fromisoformat(typed[name]) if typed[name] else None
    except ValueError:
        sentence = _("“{value}” is not a date like 2026-05-18.")
        raise WrongFields([FieldError(name, sentence, {"value": typed[name]})]) from None


@post("/customers/{id:int}/people", guards=[WRITE], status_code=303)
async def add_person(request: AnyRequest, id: FromPath[int]) -> Response[Any]:
    """A new person with one or more addresses."""
    reader = await reading(request)
    typed = await typed_in(request, "full_name", "addresses", "position", "phone", "language")
    try:
        contact = await directory.add_contact(
            typed["full_name"], addresses=addresses_in(typed["addresses"]), organisation=str(id),
            position=typed["position"], phone=typed["phone"],
            language=typed["language"] if typed["language"] == "en" else "ru", by=await actor_of(request), at=reader.at,
        )  # fmt: skip
    except (AlreadyThere, WrongFields) as refusal:
        errors = beside(refusal, reader.language, otherwise="addresses")
        return await _page(request, id, form="person", typed=typed, errors=errors)
    return Redirect(f"/customers/people/{contact}", status_code=303)


def addresses_in(typed: str) -> list[str]:
    """Several addresses in one line, however people separate them."""
    return typed.replace(",", " ").replace(";", " ").split()


ORGANISATION_PAGES: Final = (
    list_page, add_organisation, organisation_page, change_organisation, add_contract, change_contract, merge,
    add_person,
)  # fmt: skip
