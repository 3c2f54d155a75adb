"""Customers from a table: what it would change is shown first, and only that is then carried out."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Final

import msgspec

from service import config_journal
from service.actors import Actor
from service.database import DB, execute, fetchrow, fetchval, retried
from service.intake import like_an_address
from service.words import LANGUAGES
from workflow.errors import FieldError, WrongFields
from workflow.words import _

COLUMNS: Final = (
    "organisation", "domains", "contract", "products", "service_level", "starts_on", "ends_on", "full_name",
    "position", "phone", "email", "language",
)  # fmt: skip
MOST_ROWS: Final = 5_000
LONGEST_CELL: Final = 300

ADD_ORGANISATION = _("New organisation: {name}")
ADD_DOMAIN = _("{name}: mail domain {value}")
ADD_CONTRACT = _("{name}: new contract {value}")
CHANGE_CONTRACT = _("Contract {value}: {what}")
ADD_PERSON = _("{name}: new person {value}")
CHANGE_PERSON = _("Person {value}: {what}")


class Line(msgspec.Struct, frozen=True):
    """One row of the table; `n` is its line in the file."""

    n: int
    cells: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


class Difference(msgspec.Struct, frozen=True):
    """One thing that would change: an English msgid and its parameters."""

    sentence: str
    params: dict[str, str]


class Import(msgspec.Struct, frozen=True):
    """What a table would change; `digest` names exactly these changes."""

    differences: tuple[Difference, ...]
    digest: str


def read_table(text: str) -> list[Line]:
    """The rows of a CSV with a head, separated by commas or semicolons. Raises WrongFields naming every bad line."""
    text = text.lstrip("\ufeff").replace("\x00", "")
    head = text.partition("\n")[0]
    rows = list(csv.reader(io.StringIO(text), delimiter=";" if head.count(";") > head.count(",") else ","))
    names = [name.strip().lower() for name in rows[0]] if rows else []
    if "organisation" not in names or (unknown := set(names) - set(COLUMNS)):
        told = ", ".join(sorted(unknown)) if "organisation" in names else "—"
        sentence = _("The first line names the columns: {columns}. Not known: {unknown}.")
        raise WrongFields([FieldError("table", sentence, {"columns": ", ".join(COLUMNS), "unknown": told})])
    lines = [
        Line(n, {name: " ".join(cell.split()) for name, cell in zip(names, row, strict=False)})
        for n, row in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in row)
    ]
    errors = [error for line in lines for error in _faults(line)]
    if len(lines) > MOST_ROWS:
        errors.append(FieldError("table", _("At most {most} rows at once."), {"most": str(MOST_ROWS)}))
    if errors:
        raise WrongFields(errors[:20])
    return lines


def _faults(line: Line) -> Iterator[FieldError]:
    n = {"n": str(line.n)}
    if not line["organisation"]:
        yield FieldError("table", _("Line {n}: the organisation is missing."), n)
    if any(len(cell) > LONGEST_CELL for cell in line.cells.values()):
        yield FieldError("table", _("Line {n}: a value is too long."), n)
    if line["email"] and not like_an_address(line["email"]):
        yield FieldError("table", _("Line {n}: “{value}” is not a mail address."), n | {"value": line["email"]})
    if line["email"] and not line["full_name"]:
        yield FieldError("table", _("Line {n}: the person has no name."), n)
    if line["language"] not in ("", *LANGUAGES):
        yield FieldError("table", _("Line {n}: the language is ru or en."), n)
    for name in ("starts_on", "ends_on"):
        if line[name] and _day(line[name]) is None:
            yield FieldError(
                "table", _("Line {n}: “{value}” is not a date like 2026-05-18."), n | {"value": line[name]}
            )
    if line["contract"] and _day(line["starts_on"]) is None:
        yield FieldError("table", _("Line {n}: the contract has no first day."), n)


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        return None


async def preview(text: str) -> Import:
    """What the table would change; nothing is changed. Raises WrongFields."""
    lines = read_table(text)
    async with DB.transaction(allow_nested=False):
        found = [difference for line in lines for difference in await _apply(line, at=None)]
    unique = tuple({msgspec.json.encode(one): one for one in found}.values())
    return Import(unique, hashlib.sha256(msgspec.json.encode(unique)).hexdigest())


@retried
async def accept(text: str, digest: str, *, by: Actor, at: datetime) -> Import | None:
    """Carry out the changes that were shown; None when they would be others by now, and nothing is changed."""
    shown = await preview(text)
    if shown.digest != digest:
        return None
    async with DB.transaction(allow_nested=False):
        for line in read_table(text):
            await _apply(line, at=at)
        data = {"changes": len(shown.differences)}
        await config_journal.note(by=by, at=at, act="customers.import", subject="customers", data=data)
    return shown


async def _apply(line: Line, *, at: datetime | None) -> list[Difference]:
    """What one row changes; carried out when `at` is given."""
    name = line["organisation"]
    row = await fetchrow(
        "SELECT o.id, o.domains FROM organisation named "
        "JOIN organisation o ON o.id = coalesce(named.merged_into, named.id) WHERE lower(named.name) = lower($1)",
        name,
    )
    organisation: int | None = row["id"] if row else None
    found: list[Difference] = []
    if row is None:
        found.append(Difference(ADD_ORGANISATION, {"name": name}))
        if at:
            organisation = await fetchval(
                "INSERT INTO organisation (name, domains, created_at) VALUES ($1, '[]', $2) RETURNING id", name, at
            )
    found += await _domains(
        line, organisation, known=msgspec.json.decode(row["domains"]) if row else [], write=bool(at)
    )
    if line["contract"]:
        found += await _contract(line, organisation, write=bool(at))
    if line["email"]:
        found += await _person(line, organisation, at=at)
    return found


async def _domains(line: Line, organisation: int | None, *, known: list[str], write: bool) -> list[Difference]:
    wanted = [one.lower() for one in line["domains"].replace(",", " ").split() if one.lower() not in known]
    if wanted and write:
        await execute(
            "UPDATE organisation SET domains = $2 WHERE id = $1",
            organisation, msgspec.json.encode([*known, *wanted]).decode(),
        )  # fmt: skip
    return [Difference(ADD_DOMAIN, {"name": line["organisation"], "value": one}) for one in wanted]


async def _contract(line: Line, organisation: int | None, *, write: bool) -> list[Difference]:
    number, products = line["contract"], [one.strip() for one in line["products"].split(",") if one.strip()]
    facts = (line["service_level"], _day(line["starts_on"]), _day(line["ends_on"]), products)
    row = await fetchrow("SELECT * FROM contract WHERE number = $1", number)
    if row is None:
        if write:
            await execute(
                "INSERT INTO contract (organisation, number, service_level, starts_on, ends_on, products) "
                "VALUES ($1, $2, $3, $4, $5, $6)",
                organisation, number, *facts[:3], msgspec.json.encode(products).decode(),
            )  # fmt: skip
        return [Difference(ADD_CONTRACT, {"name": line["organisation"], "value": number})]
    before = (row["service_level"], row["starts_on"], row["ends_on"], msgspec.json.decode(row["products"]))
    if before == facts:
        return []
    if write:
        await execute(
            "UPDATE contract SET service_level = $2, starts_on = $3, ends_on = $4, products = $5 WHERE number = $1",
            number, *facts[:3], msgspec.json.encode(products).decode(),
        )  # fmt: skip
    return [Difference(CHANGE_CONTRACT, {"value": number, "what": _told(before, facts)})]


async def _person(line: Line, organisation: int | None, *, at: datetime | None) -> list[Difference]:
    address, name = line["email"].lower(), line["full_name"]
    facts = (name, line["position"], line["phone"], line["language"] or LANGUAGES[0])
    row = await fetchrow(
        "SELECT p.* FROM contact_address a JOIN contact p ON p.id = a.contact WHERE a.address = $1", address
    )
    if row is None:
        if at:
            contact = await fetchval(
                "INSERT INTO contact (organisation, full_name, position, phone, language, created_at) "
                "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
                organisation, *facts, at,
            )  # fmt: skip
            await execute("INSERT INTO contact_address (address, contact) VALUES ($1, $2)", address, contact)
        return [Difference(ADD_PERSON, {"name": line["organisation"], "value": f"{name} <{address}>"})]
    before = (row["full_name"], row["position"], row["phone"], row["language"])
    if before == facts:
        return []
    if at:  # to which organisation a known person belongs is never changed by a table
        await execute(
            "UPDATE contact SET full_name = $2, position = $3, phone = $4, language = $5 WHERE id = $1",
            row["id"], *facts,
        )  # fmt: skip
    return [Difference(CHANGE_PERSON, {"value": address, "what": _told(before, facts)})]


def _told(before: tuple[object, ...], after: tuple[object, ...]) -> str:
    changed = ((one, other) for one, other in zip(before, after, strict=True) if one != other)
    return "; ".join(f"{_word(one)} → {_word(other)}" for one, other in changed)


def _word(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "—")
