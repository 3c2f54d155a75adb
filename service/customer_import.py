"""Customers from a table: what it would change is shown first, and only that is then carried out."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any

import msgspec

from service import bell, config_journal
from service.actors import Actor
from service.customer_records import take_in
from service.customer_table import Line, day_of, domains_of, products_of, read_table
from service.database import DB, execute, fetchrow, fetchval, retried
from service.regulations import in_force
from service.words import LANGUAGES
from workflow.errors import Refusal
from workflow.words import _

ADD_ORGANISATION = _("New organisation: {name}")
ADD_DOMAIN = _("{name}: mail domain {value}")
ADD_CONTRACT = _("{name}: new contract {value}")
CHANGE_CONTRACT = _("Contract {value}: {what}")
ADD_PERSON = _("{name}: new person {value}")
CHANGE_PERSON = _("Person {value}: {what}")
JOIN_PERSON = _("Person {value} is joined to {name}")
OTHERS_CONTRACT = _("Line {n}: contract {value} belongs to {name} and stays as it is.")
OTHERS_PERSON = _("Line {n}: {value} belongs to {name} and stays there.")


class ImportOvertaken(Refusal):
    """What the table would change now is not what was shown."""

    code = "import_overtaken"
    sentence = _("Something changed meanwhile: look at the difference again.")


class Difference(msgspec.Struct, frozen=True):
    """One thing that would change, or one that would not: an English msgid and its parameters."""

    sentence: str
    params: dict[str, str]


class Import(msgspec.Struct, frozen=True):
    """What a table would change, and what it says in vain; `digest` names exactly these changes."""

    differences: tuple[Difference, ...]
    notes: tuple[Difference, ...]
    digest: str


class _Found:
    """What the rows change, and what they say in vain."""

    def __init__(self) -> None:
        self.differences: dict[bytes, Difference] = {}
        self.notes: dict[bytes, Difference] = {}

    def change(self, sentence: str, **params: str) -> None:
        self._add(self.differences, sentence, params)

    def note(self, sentence: str, **params: str) -> None:
        self._add(self.notes, sentence, params)

    def _add(self, to: dict[bytes, Difference], sentence: str, params: dict[str, str]) -> None:
        one = Difference(sentence, params)
        to[msgspec.json.encode(one)] = one

    def told(self) -> Import:
        differences = tuple(self.differences.values())
        digest = hashlib.sha256(msgspec.json.encode(differences)).hexdigest()
        return Import(differences, tuple(self.notes.values()), digest)


class _Hand(msgspec.Struct, frozen=True):
    """Who carries the changes out, and when."""

    by: Actor
    at: datetime


async def preview(text: str, *, at: datetime) -> Import:
    """What the table would change; nothing is changed. Raises WrongFields."""
    lines = await _read(text, at=at)
    found = _Found()
    async with DB.transaction(allow_nested=False):
        for line in lines:
            await _apply(line, found, hand=None)
    return found.told()


@retried
async def accept(text: str, digest: str, *, by: Actor, at: datetime) -> Import:
    """Carry out the changes that were shown under `digest`. Raises WrongFields, and ImportOvertaken for others."""
    lines = await _read(text, at=at)
    shown = await preview(text, at=at)
    if shown.digest != digest:
        raise ImportOvertaken()
    async with DB.transaction(allow_nested=False):
        for line in lines:
            await _apply(line, _Found(), hand=_Hand(by, at))
        data = {"changes": len(shown.differences)}
        await config_journal.note(by=by, at=at, act="customers.import", subject="customers", data=data)
    await bell.ring("send_letters")
    await bell.ring("send_webhooks")
    return shown


async def _read(text: str, *, at: datetime) -> list[Line]:
    rules = await in_force(at=at)
    return read_table(text, levels=rules.levels.keys())


async def _apply(line: Line, found: _Found, *, hand: _Hand | None) -> None:
    """What one row changes; carried out by `hand`, if there is one."""
    name = line["organisation"]
    row = await fetchrow(
        "SELECT o.id, o.domains FROM organisation named "
        "JOIN organisation o ON o.id = coalesce(named.merged_into, named.id) WHERE lower(named.name) = lower($1)",
        name,
    )
    organisation: int | None = row["id"] if row else None
    if row is None:
        found.change(ADD_ORGANISATION, name=name)
        if hand:
            organisation = await fetchval(
                "INSERT INTO organisation (name, domains, created_at) VALUES ($1, '[]', $2) RETURNING id", name, hand.at
            )
    known = msgspec.json.decode(row["domains"], type=list[str]) if row else []
    await _add_domains(line, organisation, known, found, hand=hand)
    if line["contract"]:
        await _contract(line, organisation, found, hand=hand)
    if line["email"]:
        await _person(line, organisation, found, hand=hand)


async def _add_domains(
    line: Line, organisation: int | None, known: list[str], found: _Found, *, hand: _Hand | None
) -> None:
    wanted = [one for one in dict.fromkeys(domains_of(line)) if one not in known]
    for one in wanted:
        found.change(ADD_DOMAIN, name=line["organisation"], value=one)
    if wanted and hand:
        await execute(
            "UPDATE organisation SET domains = $2 WHERE id = $1",
            organisation, msgspec.json.encode([*known, *wanted]).decode(),
        )  # fmt: skip


async def _contract(line: Line, organisation: int | None, found: _Found, *, hand: _Hand | None) -> None:
    number = line["contract"]
    row = await fetchrow(
        "SELECT c.*, o.name FROM contract c JOIN organisation o ON o.id = c.organisation WHERE c.number = $1", number
    )
    if row and row["organisation"] != organisation:
        found.note(OTHERS_CONTRACT, n=str(line.n), value=number, name=row["name"])
        return
    before = (
        (row["service_level"], row["starts_on"], row["ends_on"], msgspec.json.decode(row["products"])) if row else None
    )
    after = _terms(line, before)
    if before is None:
        found.change(ADD_CONTRACT, name=line["organisation"], value=number)
    elif before != after:
        found.change(CHANGE_CONTRACT, value=number, what=_told(before, after))
    else:
        return
    if hand:
        await execute(
            "INSERT INTO contract (organisation, number, service_level, starts_on, ends_on, products) "
            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (number) DO UPDATE "
            "SET service_level = excluded.service_level, starts_on = excluded.starts_on, "
            "ends_on = excluded.ends_on, products = excluded.products",
            organisation, number, *after[:3], msgspec.json.encode(after[3]).decode(),
        )  # fmt: skip


Terms = tuple[str, date | None, date | None, list[str]]


def _terms(line: Line, before: Terms | None) -> Terms:
    """Level, first day, last day and products; what the row does not say stays."""
    level, starts_on, ends_on, products = before or ("", None, None, [])
    return (
        line["service_level"] or level, day_of(line["starts_on"]) or starts_on, day_of(line["ends_on"]) or ends_on,
        products_of(line) or products,
    )  # fmt: skip


async def _person(line: Line, organisation: int | None, found: _Found, *, hand: _Hand | None) -> None:
    address = line["email"].lower()
    row = await fetchrow(
        "SELECT p.*, coalesce(o.name, '') AS place FROM contact_address a JOIN contact p ON p.id = a.contact "
        "LEFT JOIN organisation o ON o.id = p.organisation WHERE a.address = $1",
        address,
    )
    if row is None:
        await _add_person(line, address, organisation, found, hand=hand)
        return
    if row["organisation"] is None:
        found.change(JOIN_PERSON, value=address, name=line["organisation"])
    elif row["organisation"] != organisation:
        found.note(OTHERS_PERSON, n=str(line.n), value=address, name=row["place"])
        return
    before = (row["full_name"], row["position"], row["phone"], row["language"])
    after = _facts(line, before)
    if before != after:
        found.change(CHANGE_PERSON, value=address, what=_told(before, after))
    if hand and before != after:
        await execute(
            "UPDATE contact SET full_name = $2, position = $3, phone = $4, language = $5 WHERE id = $1",
            row["id"], *after,
        )  # fmt: skip
    if hand and organisation and row["organisation"] is None:
        await take_in(row["id"], organisation, by=hand.by, at=hand.at)


async def _add_person(line: Line, address: str, organisation: int | None, found: _Found, *, hand: _Hand | None) -> None:
    found.change(ADD_PERSON, name=line["organisation"], value=f"{line['full_name']} <{address}>")
    if hand:
        contact = await fetchval(
            "INSERT INTO contact (organisation, full_name, position, phone, language, created_at) "
            "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
            organisation, *_facts(line, ("", "", "", LANGUAGES[0])), hand.at,
        )  # fmt: skip
        await execute("INSERT INTO contact_address (address, contact) VALUES ($1, $2)", address, contact)


def _facts(line: Line, before: tuple[str, str, str, str]) -> tuple[str, str, str, str]:
    """Name, position, telephone and language; what the row does not say stays."""
    told = (line["full_name"], line["position"], line["phone"], line["language"].lower())
    full_name, position, phone, language = (now or then for now, then in zip(told, before, strict=True))
    return full_name, position, phone, language


def _told(before: tuple[Any, ...], after: tuple[Any, ...]) -> str:
    changed = ((one, other) for one, other in zip(before, after, strict=True) if one != other)
    return "; ".join(f"{_word(one)} → {_word(other)}" for one, other in changed)


def _word(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "—")
