"""Customers as the centre knows them: organisations, their contracts, their people."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final, cast

import asyncpg
import msgspec

from service import config_journal
from service.accounts import AlreadyThere
from service.actors import Actor
from service.conditions import Where, like
from service.database import DB, execute, fetch, fetchrow, fetchval, retried
from workflow.errors import FieldError, WrongFields
from workflow.words import _

# {0} is the pattern of the words.
LIKE_AN_ORGANISATION = """
(o.name ILIKE {0}
 OR EXISTS (SELECT FROM jsonb_array_elements_text(o.domains) AS mail(domain) WHERE mail.domain ILIKE {0}))
"""


async def organisations(*, limit: int, after: int = 0, q: str = "", domain: str = "") -> list[dict[str, Any]]:
    """A page in the order of ids: those whose name or a mail domain holds `q`, and whose mail comes from `domain`."""
    where = Where()
    where.add("id > {} AND merged_into IS NULL", after)
    if q.strip():
        where.add(LIKE_AN_ORGANISATION, like(q))
    if domain := cleaned(domain):
        where.add("domains ? lower({})", domain)
    rows = await fetch(
        f"SELECT id, name, domains, created_at FROM organisation o {where.sql} ORDER BY id LIMIT {limit}", *where.values
    )
    return [dict(row) | {"domains": msgspec.json.decode(row["domains"])} for row in rows]


async def organisations_meant(words: str, *, most: int = 20) -> list[tuple[int, str]]:
    """Id and name of those that may be meant, by name; one that is called exactly so, or once was, stands alone."""
    words = cleaned(words)
    exactly = await fetch(
        "SELECT o.id, o.name FROM organisation named "
        "JOIN organisation o ON o.id = coalesce(named.merged_into, named.id) WHERE lower(named.name) = lower($1)",
        words,
    )
    rows = exactly or await fetch(
        f"SELECT o.id, o.name FROM organisation o WHERE o.merged_into IS NULL AND {LIKE_AN_ORGANISATION.format('$1')} "
        f"ORDER BY o.name, o.id LIMIT {most}",
        like(words),
    )
    return [(row["id"], row["name"]) for row in rows]


async def names_meant(words: str) -> list[str]:
    """The names of those that may be meant, to be suggested; none where nothing was typed."""
    return [name for _id, name in await organisations_meant(words)] if words else []


@retried
async def add_organisation(name: str, *, domains: Sequence[str], by: Actor, at: datetime) -> dict[str, Any]:
    """Raises AlreadyThere, WrongFields."""
    told = _each(
        lambda: line("name", name), lambda: [domain(given) for given in domains if given.strip()],
    )  # fmt: skip
    name, listed = cast("tuple[str, list[str]]", told)
    try:
        async with DB.transaction(allow_nested=False):
            row = await fetchrow(
                "INSERT INTO organisation (name, domains, created_at) VALUES ($1, $2, $3) "
                "RETURNING id, name, created_at",
                name, msgspec.json.encode(listed).decode(), at,
            )  # fmt: skip
            await config_journal.note(by=by, at=at, act="organisation.add", subject=name)
    except asyncpg.UniqueViolationError:
        raise AlreadyThere(value=name) from None
    return dict(row) | {"domains": listed}


async def organisation_id(value: str, *, field: str = "organisation") -> int:
    """The id behind an id or a name; a merged record leads to the one that stands for it.

    Raises WrongFields, which names `field`.
    """
    found: int | None = await fetchval(
        "SELECT coalesce(merged_into, id) FROM organisation WHERE id::text = $1 OR lower(name) = lower($1) "
        "ORDER BY (id::text = $1) DESC LIMIT 1",
        value.replace("\x00", "").strip(),
    )
    if found is None:
        raise WrongFields([FieldError(field, _("There is no organisation “{value}”."), {"value": value})])
    return found


CONTACTS = """
SELECT p.id, p.full_name, p.position, p.phone, p.language, o.name AS organisation,
       coalesce((SELECT array_agg(a.address ORDER BY a.id) FROM contact_address a WHERE a.contact = p.id), '{}')
       AS addresses
FROM contact p LEFT JOIN organisation o ON o.id = p.organisation
"""
# {0} is the pattern of the words, {1} the digits among them, for a telephone number written in any way.
LIKE_A_PERSON = f"""
(p.full_name ILIKE {{0}} OR {LIKE_AN_ORGANISATION}
 OR EXISTS (SELECT FROM contact_address a WHERE a.contact = p.id AND a.address ILIKE {{0}})
 OR (length({{1}}) >= 3 AND regexp_replace(p.phone, '[^0-9]', '', 'g') LIKE '%' || {{1}} || '%'))
"""
OF_ORGANISATION = "o.id = (SELECT id FROM organisation WHERE id::text = {0} OR lower(name) = lower({0}) LIMIT 1)"


async def contacts(
    *, limit: int, after: int = 0, q: str = "", organisation: int | None = None, email: str = ""
) -> list[dict[str, Any]]:
    """A page in the order of ids; whoever was erased or merged is nobody any more.

    `q` is looked for in name, organisation, addresses and phone; `organisation` 0: who has none; `email` is whole.
    """
    where = Where()
    where.add("p.id > {} AND p.full_name <> '' AND p.merged_into IS NULL", after)
    if q.strip():
        where.add(LIKE_A_PERSON, like(q), digits_of(q))
    if organisation is not None:
        where.add("coalesce(p.organisation, 0) = {}", organisation)
    if email := cleaned(email):
        where.add("p.id = (SELECT contact FROM contact_address WHERE address = lower({}))", email)
    rows = await fetch(f"{CONTACTS} {where.sql} ORDER BY p.id LIMIT {limit}", *where.values)
    return [dict(row) for row in rows]


def digits_of(words: str) -> str:
    """The digits of a telephone number, however it is written."""
    return "".join(sign for sign in words if sign.isascii() and sign.isdigit())


def cleaned(word: str) -> str:
    """A word of an address that a database can look for."""
    return word.replace("\x00", "").strip()


@retried
async def add_contact(
    full_name: str,
    *,
    addresses: Sequence[str],
    organisation: str,
    position: str,
    phone: str,
    language: str,
    by: Actor,
    at: datetime,
) -> int:
    """The id of a new contact; an address belongs to one person. Raises AlreadyThere, WrongFields."""
    place, errors = await _place(organisation)
    told = _each(
        lambda: line("full_name", full_name), lambda: addresses_of(addresses), errors=errors,
    )  # fmt: skip
    full_name, listed = cast("tuple[str, list[str]]", told)
    position, phone = line("position", position, required=False), line("phone", phone, required=False)
    try:
        async with DB.transaction(allow_nested=False):
            id: int = await fetchval(
                "INSERT INTO contact (organisation, full_name, position, phone, language, created_at) "
                "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
                place, full_name, position, phone, language, at,
            )  # fmt: skip
            await execute("INSERT INTO contact_address (address, contact) SELECT unnest($1::text[]), $2", listed, id)
            await config_journal.note(by=by, at=at, act="contact.add", subject=f"contact {id}")
    except asyncpg.UniqueViolationError:
        raise AlreadyThere(value=", ".join(listed)) from None
    return id


CONTRACTS = """
SELECT c.id, o.name AS organisation, c.number, c.products, c.service_level, c.starts_on, c.ends_on
FROM contract c JOIN organisation o ON o.id = c.organisation
"""


async def contracts(
    *, limit: int, after: int = 0, q: str = "", organisation: str = "", on: date | None = None
) -> list[dict[str, Any]]:
    """A page in the order of ids: those whose number or a product holds `q`, and that are in force `on` a day."""
    where = Where()
    where.add("c.id > {}", after)
    if q.strip():
        where.add("(c.number ILIKE {0} OR c.products::text ILIKE {0})", like(q))
    if organisation := cleaned(organisation):
        where.add(OF_ORGANISATION, organisation)
    if on is not None:
        where.add("c.starts_on <= {0} AND (c.ends_on IS NULL OR c.ends_on >= {0})", on)
    rows = await fetch(f"{CONTRACTS} {where.sql} ORDER BY c.id LIMIT {limit}", *where.values)
    return [dict(row) | {"products": msgspec.json.decode(row["products"])} for row in rows]


@retried
async def add_contract(
    organisation: str,
    *,
    number: str,
    products: Sequence[str],
    service_level: str,
    starts_on: date,
    ends_on: date | None,
    by: Actor,
    at: datetime,
) -> int:
    """The id of a new contract. Raises AlreadyThere, WrongFields."""
    number = line("number", number)
    service_level = line("service_level", service_level, required=False)
    if ends_on is not None and ends_on < starts_on:
        raise WrongFields([FieldError("ends_on", _("The contract ends before it begins."), {})])
    if any("\x00" in product for product in products):
        raise WrongFields([FieldError("products", _("A value holds a zero byte."), {})])
    place = await organisation_id(organisation)
    try:
        async with DB.transaction(allow_nested=False):
            id: int = await fetchval(
                "INSERT INTO contract (organisation, number, products, service_level, starts_on, ends_on) "
                "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
                place, number, msgspec.json.encode(list(products)).decode(), service_level, starts_on, ends_on,
            )  # fmt: skip
            await config_journal.note(by=by, at=at, act="contract.add", subject=number)
    except asyncpg.UniqueViolationError:
        raise AlreadyThere(value=number) from None
    return id


async def _place(organisation: str) -> tuple[int | None, Sequence[FieldError]]:
    try:
        return (await organisation_id(organisation) if organisation else None), ()
    except WrongFields as wrong:
        return None, wrong.errors


def _each(*facts: Callable[[], object], errors: Sequence[FieldError] = ()) -> tuple[object, ...]:
    """All the facts, or what is wrong with each of them. Raises WrongFields."""
    told: list[object] = []
    wrong: list[FieldError] = []
    for fact in facts:
        try:
            told.append(fact())
        except WrongFields as refused:
            wrong += refused.errors
    if wrong or errors:
        raise WrongFields([*wrong, *errors])
    return tuple(told)


def addresses_of(given: Sequence[str]) -> list[str]:
    """At least one: a person is known by it, and reached. Raises WrongFields."""
    if not given:
        raise WrongFields([FieldError("addresses", _("Please fill this in."), {})])
    return [address(one) for one in given]


DOMAIN = re.compile(r"(?=.{4,253}\Z)([^\W_]([\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]")


# Where anybody may have an address: an organisation that claimed one of these would be joined by the whole world.
# fmt: off
OF_EVERYBODY: Final = frozenset({
    "aol.com", "bk.ru", "fastmail.com", "gmail.com", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com",
    "icloud.com", "inbox.ru", "internet.ru", "list.ru", "live.com", "mail.com", "mail.ru", "me.com", "msn.com",
    "narod.ru", "outlook.com", "pm.me", "proton.me", "protonmail.com", "rambler.ru", "ukr.net", "vk.com", "web.de",
    "ya.ru", "yahoo.com", "yandex.by", "yandex.com", "yandex.kz", "yandex.ru", "zoho.com",
})
# fmt: on


def domain(value: str) -> str:
    """The part of mail addresses that an organisation has for itself. Raises WrongFields."""
    told = value.strip().lower().removeprefix("@")
    named = {"value": value[:100]}
    if not DOMAIN.fullmatch(told):
        raise WrongFields([FieldError("domains", _("“{value}” is not a domain."), named)])
    if told in OF_EVERYBODY:
        sentence = _("Anybody may have an address at “{value}”: everybody would be joined to this organisation.")
        raise WrongFields([FieldError("domains", sentence, named)])
    return told


LONGEST: Final = {"phone": 100, "number": 200, "service_level": 60}  # characters; anything else as much as a name
LONGEST_NAME: Final = 500


def line(field: str, value: str, *, required: bool = True) -> str:
    """A fact on one line. Raises WrongFields for one that is missing or longer than its column."""
    told = " ".join(value.replace("\x00", " ").split())
    if required and not told:
        raise WrongFields([FieldError(field, _("Please fill this in."), {})])
    if len(told) > (most := LONGEST.get(field, LONGEST_NAME)):
        raise WrongFields([FieldError(field, _("This is too long: at most {most} characters."), {"most": str(most)})])
    return told


def like_an_address(value: str) -> bool:
    """Whether a letter could go there: one `@`, nothing that only headers have."""
    local, at, domain = value.partition("@")
    plain = not any(sign.isspace() or sign in '<>,;:"()[]\\' for sign in value)
    return bool(local and at and domain and "@" not in domain and plain and len(value) <= 320)


def address(value: str) -> str:
    """A mail address as it is compared. Raises WrongFields."""
    told = value.strip().lower()
    if not like_an_address(told) or not told.isprintable():
        raise WrongFields([FieldError("addresses", _("This is not a mail address."), {})])
    return told
