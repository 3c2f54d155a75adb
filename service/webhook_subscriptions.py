"""Subscriptions of integrators: where events go, which ones, under which secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from service import bell, config_journal
from service.actors import Actor
from service.address_guard import UnsafeAddress, check_url
from service.database import DB, execute, fetch, fetchrow, retried
from service.event_catalogue import PING, TYPES, envelope
from service.house import HOUSE
from service.identifiers import new_id
from service.paging import cursor_of, cut, place_of
from service.signatures import new_secret
from service.vault import seal
from workflow.definition import Role
from workflow.errors import FieldError, NotFound, Refusal, WrongFields
from workflow.words import _

ALL = "*"
OLD_SECRET_SIGNS = timedelta(hours=24)  # after a rotation both secrets sign
FILTERS = ("priority", "organisation", "trigger")
ENDED = ("delivered", "dead", "parked", "cancelled")
ID = msgspec.json.Decoder(tuple[int])
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


def checked(url: str, event_types: Sequence[str], filters: Mapping[str, Sequence[str]]) -> None:
    """Raises WrongFields naming everything that does not do."""
    errors: list[FieldError] = []
    try:
        check_url(url, allowed_hosts=HOUSE.webhook_allowed_hosts)
    except UnsafeAddress as unsafe:
        errors.append(FieldError("url", _("This address cannot be used: {reason}"), {"reason": str(unsafe)}))
    choice = _("“{value}” is not among the choices: {choices}.")
    if unknown := [type for type in event_types if type != ALL and type not in TYPES]:
        known = {"value": ", ".join(unknown), "choices": ", ".join([ALL, *TYPES])}
        errors.append(FieldError("event_types", choice, known))
    if not event_types:
        errors.append(FieldError("event_types", _("Please fill this in."), {}))
    if strangers := [name for name in filters if name not in FILTERS]:
        known = {"value": ", ".join(strangers), "choices": ", ".join(FILTERS)}
        errors.append(FieldError("filters", choice, known))
    if any("\x00" in value for values in filters.values() for value in values):
        errors.append(FieldError("filters", _("A value holds a zero byte."), {}))
    if errors:
        raise WrongFields(errors)


@retried
async def subscribe(
    url: str, *, event_types: Sequence[str], filters: Mapping[str, Sequence[str]], by: Actor, at: datetime
) -> tuple[Subscription, str]:
    """The subscription and its secret, which is shown now and never again. Raises WrongFields."""
    checked(url, event_types, filters)
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


async def subscriptions(*, limit: int, cursor: str | None = None) -> tuple[list[Subscription], str | None]:
    """A page of subscriptions, the newest first."""
    place = place_of(cursor, PLACE) or (None, None)
    rows = await fetch(
        f"SELECT {COLUMNS} FROM webhook WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1, $2) "
        "ORDER BY created_at DESC, id DESC LIMIT $3",
        *place,
        limit + 1,
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
async def unsubscribe(id: UUID, *, by: Actor, at: datetime) -> None:
    """End a subscription; what still waits for it is cancelled."""
    async with DB.transaction(allow_nested=False):
        await execute("DELETE FROM webhook WHERE id = $1", id)
        await execute(
            "UPDATE outbox SET status = 'cancelled' "
            "WHERE channel = 'webhook' AND endpoint = $1 AND status IN ('pending', 'parked')",
            str(id),
        )
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
        await config_journal.note(by=by, at=at, act="webhook.enable", subject=f"webhook {id}")
    await bell.ring("send_webhooks")
    return _read(row)


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


@retried
async def ping(found: Subscription, *, by: Actor, at: datetime) -> str:
    """Send a test event to one subscription; the event's id. Raises Disabled."""
    if found.status != "enabled":
        raise Disabled()
    event_id = f"evt_ping_{uuid4().hex}"
    await execute(
        "INSERT INTO outbox (event_id, channel, endpoint, seq, type, recipients, body, next_at, created_at, status, "
        "attempt, crash_count, last_error) VALUES ($1, 'webhook', $2, 0, $3, '[]', $4, $5, $5, 'pending', 0, 0, '')",
        event_id, str(found.id), PING, envelope(PING, _pinged(found, by), at=at), at,
    )  # fmt: skip
    await bell.ring("send_webhooks")
    return event_id


@retried
async def replay(id: UUID, *, deliveries: Sequence[int], since: datetime | None, at: datetime) -> int:
    """Send again, under the same ids: the named deliveries, and those given up since an instant; how many."""
    count = await execute(
        "UPDATE outbox SET status = 'pending', attempt = 0, crash_count = 0, next_at = $5, delivered_at = NULL "
        "WHERE channel = 'webhook' AND endpoint = $1 AND ((id = ANY($2) AND status = ANY($3)) "
        "OR (created_at >= $4::timestamptz AND status IN ('dead', 'parked')))",
        str(id), list(deliveries), list(ENDED), since, at,
    )  # fmt: skip
    if count:
        await bell.ring("send_webhooks")
    return count


DELIVERIES = """
SELECT o.id, o.event_id, o.type, o.status, o.attempt, o.next_at, o.last_error, o.created_at, o.delivered_at,
       coalesce((SELECT jsonb_agg(jsonb_build_object('n', a.n, 'started_at', a.started_at, 'ms', a.ms,
                 'http_status', a.http_status, 'error', a.error) ORDER BY a.n, a.id)
                 FROM attempt a WHERE a.outbox = o.id), '[]') AS attempts
FROM outbox o WHERE o.channel = 'webhook' AND o.endpoint = $1 AND o.id < $2 ORDER BY o.id DESC LIMIT $3
"""


async def deliveries(id: UUID, *, limit: int, cursor: str | None = None) -> tuple[list[Any], str | None]:
    """A page of deliveries with their attempts, the newest first."""
    place = place_of(cursor, ID)
    rows = await fetch(DELIVERIES, str(id), min(place[0], 2**63 - 1) if place else 2**63 - 1, limit + 1)
    page, more = cut(rows, limit)
    return page, cursor_of(page[-1]["id"]) if more else None


def _pinged(found: Subscription, by: Actor) -> dict[str, Any]:
    return {"ticket_id": None, "seq": 0, "webhook_id": str(found.id), "actor": by.kind}


def _sealed(id: UUID, secret: str) -> bytes:
    return seal(HOUSE.vault_key, secret, bound_to=f"webhook:{id}")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _read(row: Any) -> Subscription:
    columns = dict(row)
    columns["event_types"] = msgspec.json.decode(columns["event_types"])
    columns["filters"] = msgspec.json.decode(columns["filters"])
    return Subscription(**columns)
