"""What was sent to a subscription, with request, answer and timing; and what is sent to it once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from service import bell, config_journal
from service.actors import Actor
from service.database import DB, execute, fetch, fetchrow, retried
from service.event_catalogue import PING, envelope
from service.paging import cursor_of, cut, place_of
from service.webhook_subscriptions import Disabled, Subscription
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.words import _

STATUSES = ("pending", "sending", "delivered", "dead", "cancelled")
MOST_REPLAYED = 1_000  # events of one replay; the rest is asked for with the instant it names
LONGEST_HEAD = 2_000  # characters of an answer that are shown
ID = msgspec.json.Decoder(tuple[int])


class Attempt(msgspec.Struct, frozen=True):
    """One try. `request_headers` are what was signed and sent; `response_head` is the beginning of the answer."""

    n: int
    started_at: datetime
    ms: int
    http_status: int | None
    error: str
    request_headers: Mapping[str, str]
    response_head: str


class Delivery(msgspec.Struct, frozen=True):
    """One event on its way to one subscription, and every try so far. `body` is what was sent, byte for byte."""

    id: int
    event_id: str
    type: str
    ticket: UUID | None
    seq: int
    status: str
    attempt: int
    next_at: datetime
    last_error: str
    created_at: datetime
    delivered_at: datetime | None
    body: str
    attempts: Sequence[Attempt] = ()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are sent again. Every part that is given narrows the others; nothing at all is refused."""

    deliveries: tuple[int, ...] | None = None
    events: tuple[str, ...] | None = None
    ticket: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    failed: bool = False

    @property
    def empty(self) -> bool:
        return self == Wanted()


class Replayed(msgspec.Struct, frozen=True):
    """How many events go out again; `next_since` when there are more, from which to go on."""

    deliveries: int
    next_since: datetime | None


# --- sending ----------------------------------------------------------------------------------------------------------


@retried
async def ping(found: Subscription, *, by: Actor, at: datetime) -> str:
    """Send a test event to one subscription; the event's id. Raises Disabled."""
    if found.status != "enabled":
        raise Disabled()
    event_id = f"evt_ping_{uuid4().hex}"
    data = {"ticket_id": None, "seq": 0, "webhook_id": str(found.id), "actor": by.kind}
    await execute(
        "INSERT INTO outbox (event_id, channel, endpoint, seq, type, recipients, body, next_at, created_at, status, "
        "attempt, crash_count, last_error) VALUES ($1, 'webhook', $2, 0, $3, '[]', $4, $5, $5, 'pending', 0, 0, '')",
        event_id, str(found.id), PING, envelope(PING, data, at=at), at,
    )  # fmt: skip
    await bell.ring("send_webhooks")
    return event_id


# What was sent already and has ended: for deliveries by name, and for those given up and not sent since.
SENT = """
SELECT DISTINCT ON (o.event_id) o.event_id, o.ticket, o.seq, o.type, o.body, o.id AS place,
       coalesce(e.at, o.created_at) AS at
FROM outbox o LEFT JOIN event e ON e.event_id = o.event_id
WHERE o.channel = 'webhook' AND o.endpoint = $1::text AND o.status NOT IN ('pending', 'sending')
  AND ($2::int8[] IS NULL OR o.id = ANY($2))
  AND (NOT $3 OR (o.status = 'dead' AND NOT EXISTS (
      SELECT FROM outbox later WHERE later.event_id = o.event_id AND later.channel = 'webhook'
         AND later.endpoint = o.endpoint AND later.id > o.id)))
ORDER BY o.event_id, o.id
"""
# Everything that happened, sent to this subscription before or not.
HAPPENED = """
SELECT e.event_id, e.ticket, e.seq, e.type, e.body, e.position AS place, e.at FROM event e
WHERE $2::int8[] IS NULL AND NOT $3
"""
# Only what the subscription asks for, and what is not on its way to it anyhow. Its organisation is the ticket's of now.
REPLAY = """
WITH candidate AS ({source}),
chosen AS (
    SELECT c.* FROM candidate c JOIN webhook w ON w.id = $1::text::uuid LEFT JOIN ticket t ON t.id = c.ticket
    WHERE ($4::text[] IS NULL OR c.event_id = ANY($4)) AND ($5::uuid IS NULL OR c.ticket = $5)
      AND ($6::timestamptz IS NULL OR c.at >= $6) AND ($7::timestamptz IS NULL OR c.at <= $7)
      AND (c.type = '{ping}' OR w.event_types ? '*' OR w.event_types ? c.type)
      AND (c.ticket IS NULL OR w.filters = '{{}}' OR (
          (w.filters -> 'priority' IS NULL
           OR w.filters -> 'priority' ? coalesce(convert_from(c.body, 'UTF8')::jsonb #>> '{{data,priority}}', ''))
          AND (w.filters -> 'trigger' IS NULL
           OR w.filters -> 'trigger' ? (convert_from(c.body, 'UTF8')::jsonb #>> '{{data,trigger}}'))
          AND (w.filters -> 'organisation' IS NULL OR w.filters -> 'organisation' ? t.organisation_name)))
      AND NOT EXISTS (
          SELECT FROM outbox o WHERE o.event_id = c.event_id AND o.channel = 'webhook' AND o.endpoint = $1::text
             AND o.status IN ('pending', 'sending'))
    ORDER BY c.at, c.place LIMIT {most} + 1
),
sent AS (
    INSERT INTO outbox (event_id, channel, endpoint, ticket, seq, type, recipients, body, next_at, created_at)
    SELECT event_id, 'webhook', $1::text, ticket, seq, type, '[]', body, $8, $8
    FROM (SELECT * FROM chosen ORDER BY at, place LIMIT {most}) AS bounded ORDER BY at, place
    RETURNING id
)
SELECT (SELECT count(*) FROM sent) AS deliveries,
       (SELECT at FROM chosen ORDER BY at, place OFFSET {most} LIMIT 1) AS next_since
"""


@retried
async def replay(id: UUID, wanted: Wanted, *, by: Actor, at: datetime) -> Replayed:
    """Send events again: new deliveries with the same ids and the same bytes. Raises WrongFields when none is named.

    Bounded; only what the subscription's types and filters let through; journaled. For a disabled subscription they
    wait until it is enabled.
    """
    if wanted.empty:
        sentence = _("Say what to send again: deliveries, events, a ticket, a time range, or all that failed.")
        raise WrongFields([FieldError("deliveries", sentence, {})])
    by_delivery = wanted.deliveries is not None or wanted.failed
    sql = REPLAY.format(source=SENT if by_delivery else HAPPENED, ping=PING, most=MOST_REPLAYED)
    async with DB.transaction(allow_nested=False):
        row = await fetchrow(
            sql, str(id), _list(wanted.deliveries), wanted.failed, _list(wanted.events), wanted.ticket, wanted.since,
            wanted.until, at,
        )  # fmt: skip
        replayed = Replayed(row["deliveries"], row["next_since"])
        asked = {name: part for name, part in msgspec.structs.asdict(wanted).items() if part}
        told = asked | {"replayed": replayed.deliveries}
        await config_journal.note(by=by, at=at, act="webhook.replay", subject=f"webhook {id}", data=told)
    if replayed.deliveries:
        await bell.ring("send_webhooks")
    return replayed


def _list(values: Sequence[Any] | None) -> list[Any] | None:
    return None if values is None else list(values)


# --- reading ----------------------------------------------------------------------------------------------------------

DELIVERIES = """
SELECT id, event_id, type, ticket, seq, status, attempt, next_at, last_error, created_at, delivered_at, body
FROM outbox
WHERE channel = 'webhook' AND endpoint = $1 AND id < $2 AND ($3::text IS NULL OR status = $3)
  AND ($4::text IS NULL OR event_id = $4)
ORDER BY id DESC LIMIT $5
"""
ONE = """
SELECT id, event_id, type, ticket, seq, status, attempt, next_at, last_error, created_at, delivered_at, body
FROM outbox WHERE channel = 'webhook' AND endpoint = $1 AND id = $2
"""
ATTEMPTS = """
SELECT outbox, n, started_at, ms, http_status, error, request_head, response_head
FROM attempt WHERE outbox = ANY($1) ORDER BY id
"""


async def deliveries(
    id: UUID, *, limit: int, cursor: str | None = None, status: str | None = None, event_id: str | None = None
) -> tuple[list[Delivery], str | None]:
    """A page of deliveries with their attempts, the newest first."""
    place = place_of(cursor, ID)
    before = min(place[0], 2**63 - 1) if place else 2**63 - 1
    page, more = cut(await fetch(DELIVERIES, str(id), before, status, event_id, limit + 1), limit)
    attempts = await _attempts([row["id"] for row in page])
    found = [_delivery(row, attempts.get(row["id"], [])) for row in page]
    return found, cursor_of(found[-1].id) if more else None


async def delivery(id: UUID, number: int) -> Delivery:
    """One delivery of this subscription. Raises NotFound."""
    row = await fetchrow(ONE, str(id), number)
    if row is None:
        raise NotFound(_("There is no such delivery."))
    return _delivery(row, (await _attempts([number])).get(number, []))


async def _attempts(deliveries: list[int]) -> dict[int, list[Attempt]]:
    found: dict[int, list[Attempt]] = {}
    for row in await fetch(ATTEMPTS, deliveries):
        headers = msgspec.json.decode(row["request_head"], type=dict[str, str])
        attempt = Attempt(
            row["n"], row["started_at"], row["ms"], row["http_status"], row["error"], headers,
            _text(row["response_head"])[:LONGEST_HEAD],
        )  # fmt: skip
        found.setdefault(row["outbox"], []).append(attempt)
    return found


def _delivery(row: Any, attempts: Sequence[Attempt]) -> Delivery:
    return Delivery(**(dict(row) | {"body": _text(row["body"]), "attempts": attempts}))


def _text(raw: bytes) -> str:
    """What a stranger's server answered, whatever its bytes are."""
    return bytes(raw).decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
