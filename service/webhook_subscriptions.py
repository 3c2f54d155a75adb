"""Subscriptions of integrators: where events go, which ones, under which secret."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from service import alarms, bell, config_journal
from service.actors import Actor
from service.address_guard import UnsafeAddress, check_url
from service.conditions import Where, like
from service.database import DB, execute, fetch, fetchrow, retried
from service.event_catalogue import TRIGGERS, TYPES
from service.house import HOUSE
from service.identifiers import new_id
from service.paging import cursor_of, cut, place_of
from service.signatures import new_secret
from service.vault import seal
from workflow.definition import Role
from workflow.errors import FieldError, NotFound, Refusal, WrongFields, no_choice
from workflow.words import _

ALL = "*"
OLD_SECRET_SIGNS = timedelta(hours=24)  # after a rotation both secrets sign
ALARMS = ("webhook_disabled", "webhook_failing", "webhook_dead")
BY_HAND = _("It was switched off by hand.")
FILTERS = ("priority", "organisation", "trigger")
PLACE = msgspec.json.Decoder(tuple[datetime, UUID])

COLUMNS = (
    "id, url, event_types, filters, status, disabled_reason, failing_since, hold_until, old_secret_until, created_by, "
    "created_at"
)


class Disabled(Refusal):
    """The subscription is switched off, so nothing is sent to it."""

    code = "webhook_disabled"
    sentence = _("This subscription is disabled: enable it first.")


class Subscription(msgspec.Struct, frozen=True):
    """A subscription as its owner sees it; the secret is not among what is known."""

    id: UUID
    url: str
    event_types: list[str]
    filters: dict[str, list[str]]
    status: str
    disabled_reason: str
    failing_since: datetime | None
    hold_until: datetime | None
    old_secret_until: datetime | None
    created_by: str
    created_at: datetime


async def checked(url: str, event_types: Sequence[str], filters: Mapping[str, Sequence[str]]) -> None:
    """Raises WrongFields naming everything that does not do."""
    errors: list[FieldError] = []
    try:
        check_url(url, allowed_hosts=HOUSE.webhook_allowed_hosts)
    except UnsafeAddress as unsafe:
        errors.append(FieldError("url", unsafe.sentence, unsafe.params))
    if unknown := [type for type in event_types if type != ALL and type not in TYPES]:
        errors.append(no_choice("event_types", unknown, [ALL, *TYPES]))
    if not event_types:
        errors.append(FieldError("event_types", _("Please fill this in."), {}))
    errors += [wrong async for wrong in _wrong_filters(filters)]
    if errors:
        raise WrongFields(errors)


PRIORITIES = (
    "SELECT DISTINCT one ->> 'code' FROM regulation, jsonb_array_elements(document -> 'priorities') one ORDER BY 1"
)


async def _wrong_filters(filters: Mapping[str, Sequence[str]]) -> AsyncIterator[FieldError]:
    """A filter that lets nothing through is a slip; a priority may be one that was retired."""
    if strangers := [name for name in filters if name not in FILTERS]:
        yield no_choice("filters", strangers, FILTERS)
    if any("\x00" in value for values in filters.values() for value in values):
        yield FieldError("filters", _("A value holds a zero byte."), {})
    for name in (name for name in filters if not filters[name]):
        yield FieldError(
            "filters", _("“{name}” names nothing and would let nothing through: leave it out."), {"name": name}
        )
    if unknown := [trigger for trigger in filters.get("trigger", ()) if trigger not in TRIGGERS]:
        yield no_choice("filters", unknown, TRIGGERS)
    if wanted := filters.get("priority"):
        known = [row[0] for row in await fetch(PRIORITIES)]
        if unknown := [code for code in wanted if code not in known]:
            yield no_choice("filters", unknown, known)


@retried
async def subscribe(
    url: str, *, event_types: Sequence[str], filters: Mapping[str, Sequence[str]], by: Actor, at: datetime
) -> tuple[Subscription, str]:
    """The subscription and its secret, which is shown now and never again. Raises WrongFields."""
    await checked(url, event_types, filters)
    id, secret = new_id(at), new_secret()
    async with DB.transaction(allow_nested=False):
        row = await fetchrow(
            "INSERT INTO webhook (id, url, event_types, filters, secret, created_by, created_at, status, "
            "disabled_reason, breaker) VALUES ($1, $2, $3, $4, $5, $6, $7, 'enabled', '', '{}') "
            f"RETURNING {COLUMNS}",
            id, url, _json(list(dict.fromkeys(event_types))), _json({name: list(filters[name]) for name in filters}),
            _sealed(id, secret), by.principal, at,
        )  # fmt: skip
        await config_journal.note(by=by, at=at, act="webhook.subscribe", subject=f"webhook {id}", data={"url": url})
    return _read(row), secret


async def subscriptions(
    *, limit: int, cursor: str | None = None, q: str = "", status: str = ""
) -> tuple[list[Subscription], str | None]:
    """A page of subscriptions, the newest first: those whose address holds `q`, and that stand so."""
    where = Where()
    if place := place_of(cursor, PLACE):
        where.add("(created_at, id) < ({}, {})", *place)
    if q.strip():
        where.add("url ILIKE {}", like(q))
    if status:
        where.add("status = {}", status)
    rows = await fetch(
        f"SELECT {COLUMNS} FROM webhook {where.sql} ORDER BY created_at DESC, id DESC LIMIT {limit + 1}", *where.values
    )
    page, more = cut([_read(row) for row in rows], limit)
    return page, cursor_of(page[-1].created_at, page[-1].id) if more else None


async def subscription(id: UUID) -> Subscription:
    """Raises NotFound."""
    row = await fetchrow(f"SELECT {COLUMNS} FROM webhook WHERE id = $1", id)
    if row is None:
        raise NotFound(_("There is no such subscription."))
    return _read(row)


async def owned(id: UUID, *, by: Actor) -> Subscription:
    """The subscription, for its maker or an administrator; for others there is none. Raises NotFound."""
    found = await subscription(id)
    if by.role is not Role.ADMINISTRATOR and found.created_by != by.principal:
        raise NotFound(_("There is no such subscription."))
    return found


@retried
async def change(
    id: UUID,
    *,
    url: str | None = None,
    event_types: Sequence[str] | None = None,
    filters: Mapping[str, Sequence[str]] | None = None,
    by: Actor,
    at: datetime,
) -> Subscription:
    """Let it go elsewhere, or carry something else; what is None stays. Raises NotFound and WrongFields.

    What waits goes to the new address, which starts with a clean record.
    """
    async with DB.transaction(allow_nested=False):
        row = await fetchrow(f"SELECT {COLUMNS} FROM webhook WHERE id = $1 FOR NO KEY UPDATE", id)
        if row is None:
            raise NotFound(_("There is no such subscription."))
        was = _read(row)
        url = was.url if url is None else url
        event_types = was.event_types if event_types is None else list(dict.fromkeys(event_types))
        filters = was.filters if filters is None else {name: list(filters[name]) for name in filters}
        await checked(url, event_types, filters)
        fresh = ", failing_since = NULL, hold_until = NULL, breaker = '{}'" if url != was.url else ""
        row = await fetchrow(
            f"UPDATE webhook SET url = $2, event_types = $3, filters = $4{fresh} WHERE id = $1 RETURNING {COLUMNS}",
            id, url, _json(event_types), _json(filters),
        )  # fmt: skip
        told = {"url": url, "event_types": event_types, "filters": filters}
        await config_journal.note(by=by, at=at, act="webhook.change", subject=f"webhook {id}", data=told)
    return _read(row)


@retried
async def unsubscribe(id: UUID, *, by: Actor, at: datetime) -> None:
    """End a subscription; what still waits for it is cancelled."""
    async with DB.transaction(allow_nested=False):
        await execute("DELETE FROM webhook WHERE id = $1", id)
        await execute(
            "UPDATE outbox SET status = 'cancelled' "
            "WHERE channel = 'webhook' AND endpoint = $1 AND status IN ('pending', 'parked')",
            str(id),
        )
        await _clear_alarms(id, at=at)
        await config_journal.note(by=by, at=at, act="webhook.unsubscribe", subject=f"webhook {id}")


@retried
async def enable(id: UUID, *, by: Actor, at: datetime) -> Subscription:
    """Switch it on again with a clean record; what waited for it goes now."""
    async with DB.transaction(allow_nested=False):
        row = await fetchrow(
            "UPDATE webhook SET status = 'enabled', disabled_reason = '', failing_since = NULL, hold_until = NULL, "
            f"breaker = '{{}}' WHERE id = $1 RETURNING {COLUMNS}",
            id,
        )
        await execute(
            "UPDATE outbox SET next_at = $2 WHERE channel = 'webhook' AND endpoint = $1 AND status = 'pending'",
            str(id),
            at,
        )
        await _clear_alarms(id, at=at)
        await config_journal.note(by=by, at=at, act="webhook.enable", subject=f"webhook {id}")
    await bell.ring("send_webhooks")
    return _read(row)


@retried
async def disable(id: UUID, *, by: Actor, at: datetime) -> Subscription:
    """Switch it off: what waits stays where it is, what happens meanwhile is not kept for it. Raises NotFound."""
    async with DB.transaction(allow_nested=False):
        row = await fetchrow(
            "UPDATE webhook SET status = 'disabled', disabled_reason = $2 WHERE id = $1 AND status = 'enabled' "
            f"RETURNING {COLUMNS}",
            id,
            BY_HAND,
        )
        if row is not None:
            await config_journal.note(by=by, at=at, act="webhook.disable", subject=f"webhook {id}")
    return _read(row) if row else await subscription(id)


@retried
async def rotate(id: UUID, *, by: Actor, at: datetime) -> str:
    """A fresh secret, shown once. For a day the old one signs too, so that nobody misses an event."""
    secret = new_secret()
    async with DB.transaction(allow_nested=False):
        await execute(
            "UPDATE webhook SET old_secret = secret, old_secret_until = $2, secret = $3 WHERE id = $1",
            id, at + OLD_SECRET_SIGNS, _sealed(id, secret),
        )  # fmt: skip
        await config_journal.note(by=by, at=at, act="webhook.rotate", subject=f"webhook {id}")
    return secret


async def _clear_alarms(id: UUID, *, at: datetime) -> None:
    for kind in ALARMS:
        await alarms.clear(kind, str(id), at=at)


def _sealed(id: UUID, secret: str) -> bytes:
    return seal(HOUSE.vault_key, secret, bound_to=f"webhook:{id}")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _read(row: Any) -> Subscription:
    columns = dict(row)
    columns["event_types"] = msgspec.json.decode(columns["event_types"])
    columns["filters"] = msgspec.json.decode(columns["filters"])
    return Subscription(**columns)
