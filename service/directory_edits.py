"""Changes to one record of customers or colleagues, each noted in the configuration journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from service import bell, config_journal, directory
from service.accounts import ACCOUNT_ROLES, AlreadyThere, users
from service.actors import Actor
from service.customer_records import take_in
from service.database import DB, execute, fetchrow, retried
from service.whole_numbers import whole_number
from service.words import LANGUAGES
from workflow.definition import Role
from workflow.errors import FieldError, NotFound, Refusal, WrongFields
from workflow.words import _


class LastAdministrator(Refusal):
    """Somebody must be able to give rights."""

    code = "last_administrator"
    sentence = _("This is the last active administrator. Make another one first.")


async def one(read: Any, id: str) -> dict[str, Any]:
    """The record with this id from one of the lists. Raises NotFound."""
    number = number_of(id)
    rows = await read(limit=1, after=number - 1)
    if not rows or rows[0]["id"] != number:
        raise NotFound()
    return dict(rows[0]) | {"id": id}


def number_of(id: str) -> int:
    """The id as a number. Raises NotFound for anything else."""
    number = whole_number(id)
    if not number or str(number) != id:
        raise NotFound()
    return number


@retried
async def change_organisation(id: str, given: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """`name`, `domains`. Raises NotFound, AlreadyThere, WrongFields."""
    columns = dict(given)
    if "name" in columns:
        columns["name"] = directory.line("name", columns["name"])
    if "domains" in columns:
        domains = [directory.domain(given) for given in columns["domains"] if given.strip()]
        columns["domains"] = msgspec.json.encode(domains).decode()
    await _write("organisation", id, columns, by=by, at=at)


@retried
async def change_contract(id: str, given: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """`number`, `products`, `service_level`, `starts_on`, `ends_on`. Raises NotFound, AlreadyThere, WrongFields."""
    columns = dict(given)
    if "number" in columns:
        columns["number"] = directory.line("number", columns["number"])
    if "service_level" in columns:
        columns["service_level"] = directory.line("service_level", columns["service_level"], required=False)
    if "products" in columns:
        columns["products"] = _listed("products", columns["products"])
    known = await one(directory.contracts, id)
    _demand_order(columns.get("starts_on", known["starts_on"]), columns.get("ends_on", known["ends_on"]))
    await _write("contract", id, columns, by=by, at=at)


def _demand_order(starts_on: date, ends_on: date | None) -> None:
    if ends_on is not None and ends_on < starts_on:
        raise WrongFields([FieldError("ends_on", _("The contract ends before it begins."), {})])


def _listed(field: str, values: Sequence[str]) -> str:
    cleaned = [directory.line(field, value, required=False) for value in values]
    return msgspec.json.encode([value for value in cleaned if value]).decode()


@retried
async def change_contact(id: str, given: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """`full_name`, `organisation`, `position`, `phone`, `language`, `addresses`. Raises NotFound, AlreadyThere,
    WrongFields."""
    columns = dict(given)
    addresses = columns.pop("addresses", None)
    listed = None if addresses is None else directory.addresses_of(addresses)
    if "full_name" in columns:
        columns["full_name"] = directory.line("full_name", columns["full_name"])
    for name in ("position", "phone"):
        if name in columns:
            columns[name] = directory.line(name, columns[name], required=False)
    if "organisation" in columns:
        named = columns["organisation"]
        columns["organisation"] = await directory.organisation_id(named) if named else None
    joined = columns.get("organisation")
    await _write("contact", id, columns, by=by, at=at, addresses=listed, joined=joined)
    if joined:
        await bell.ring("send_letters")
        await bell.ring("send_webhooks")


@retried
async def change_user(id: str, given: Mapping[str, Any], *, by: Actor, at: datetime) -> None:
    """`name`, `role`, `language`, `active`. Who is switched off is signed out at once, and so is whose role changes.

    Raises NotFound, WrongFields (nobody takes their own rights away by mistake), and LastAdministrator rather than
    leave nobody who may give rights.
    """
    columns = dict(given)
    if "name" in columns:
        columns["name"] = directory.line("name", columns["name"])
        if len(columns["name"]) > 200:
            raise WrongFields([FieldError("name", _("This is too long: at most {most} characters."), {"most": "200"})])
    if columns.get("role", ACCOUNT_ROLES[0]) not in ACCOUNT_ROLES:
        raise WrongFields([FieldError("role", _("Choose one of the roles."), {})])
    if columns.get("language", LANGUAGES[0]) not in LANGUAGES:
        raise WrongFields([FieldError("language", _("Choose one of the languages."), {})])
    if by.user == id and (columns.get("active") is False or columns.get("role", by.role) != by.role):
        raise WrongFields([FieldError("role", _("Your own role and access another administrator must change."), {})])
    await _write("app_user", id, columns, by=by, at=at)


async def account(id: str) -> dict[str, Any]:
    """One account. Raises NotFound."""
    return await one(users, id)


# --- writing ----------------------------------------------------------------------------------------------------------


async def _write(
    table: str,
    id: str,
    columns: Mapping[str, Any],
    *,
    by: Actor,
    at: datetime,
    addresses: list[str] | None = None,
    joined: int | None = None,
) -> None:
    """Change the given columns and note what they were before; all of it, or none of it.

    `joined` is the organisation a contact gets; with the first one come open tickets and a letter.
    """
    number = number_of(id)
    names = sorted(columns)
    read = sorted({*names, SUBJECTS[table], *JUDGED.get(table, ())})
    try:
        async with DB.transaction(allow_nested=False):
            before = await fetchrow(f"SELECT {', '.join(read)} FROM {table} WHERE id = $1 FOR NO KEY UPDATE", number)
            if before is None:
                raise NotFound()
            if joined and before["organisation"] is None:
                await take_in(number, joined, by=by, at=at)
            if names:
                sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(names, start=2))
                await execute(f"UPDATE {table} SET {sets} WHERE id = $1", number, *(columns[name] for name in names))
            if addresses is not None:
                await _replace_addresses(number, addresses)
            if table == "app_user":
                await _follow_rights(number, before, columns)
            was = {name: _told(name, before[name]) for name in names}
            now = {name: _told(name, columns[name]) for name in names}
            await config_journal.note(
                by=by, at=at, act=f"{ACTS[table]}.change", subject=str(before[SUBJECTS[table]]),
                data={"id": number, "before": was, "after": now}
                | ({} if addresses is None else {"addresses": len(addresses)}),
            )  # fmt: skip
    except asyncpg.UniqueViolationError:
        raise AlreadyThere(value=", ".join(addresses or [str(columns.get("name") or columns.get("number"))])) from None


ACTS = {"organisation": "organisation", "contract": "contract", "contact": "contact", "app_user": "user"}
# How the journal names a record; a contact by its id, because people may ask to be forgotten.
SUBJECTS = {"organisation": "name", "contract": "number", "contact": "id", "app_user": "email"}
# What is looked at besides what changes.
JUDGED = {"contact": ("organisation",), "app_user": ("active", "role")}
PERSONAL = frozenset({"full_name", "position", "phone"})


def _told(name: str, value: object) -> object:
    """A value as the configuration journal keeps it for good; what people may ask to be forgotten stays out."""
    if name in PERSONAL:
        return "…"
    return value.isoformat() if isinstance(value, date) else value


async def _replace_addresses(contact: int, addresses: list[str]) -> None:
    await execute("DELETE FROM contact_address WHERE contact = $1 AND address <> ALL($2)", contact, addresses)
    await execute(
        "INSERT INTO contact_address (address, contact) SELECT given, $2 FROM unnest($1::text[]) AS given "
        "WHERE NOT EXISTS (SELECT FROM contact_address WHERE address = given AND contact = $2)",
        addresses, contact,
    )  # fmt: skip


async def _follow_rights(user: int, before: Any, columns: Mapping[str, Any]) -> None:
    """Rights that are taken away are gone at once, not when the session ends."""
    if columns.get("role", before["role"]) == before["role"] and columns.get("active", before["active"]):
        return
    await execute('DELETE FROM app_session WHERE "user" = $1', user)
    if not (before["active"] and before["role"] == Role.ADMINISTRATOR.value):
        return
    left = await fetchrow("SELECT FROM app_user WHERE active AND role = $1 LIMIT 1", Role.ADMINISTRATOR.value)
    if left is None:
        raise LastAdministrator()
