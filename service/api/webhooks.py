"""Subscriptions over HTTP, and the same events as a feed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from service import clock, queries
from service import webhook_subscriptions as webhooks
from service.api.requests import DEFAULT, AnyRequest, Cursor, Limit
from service.auth import actor_of, requires
from service.schemas import (
    AttemptView,
    DeliveryPage,
    DeliveryView,
    EventPage,
    EventView,
    NewWebhook,
    Ping,
    Replay,
    Replayed,
    WebhookPage,
    WebhookSecret,
    WebhookView,
    WebhookWithSecret,
)
from service.webhook_subscriptions import Subscription
from workflow.definition import STAFF
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.words import _

MANAGE = requires(*STAFF, scope="webhooks:manage")
READ_EVENTS = requires(*STAFF, scope="events:read")


@post("/", operation_id="createWebhook", summary="Subscribe", guards=[MANAGE])
async def create_webhook(request: AnyRequest, data: JSONBody[NewWebhook]) -> WebhookWithSecret:
    """Every event of these types, signed as Standard Webhooks say. The secret is shown now and never again."""
    filters = {name: [value] if isinstance(value, str) else value for name, value in data.filters.items()}
    made, secret = await webhooks.subscribe(
        data.url, event_types=data.event_types, filters=filters, by=await actor_of(request), at=clock.now()
    )
    return WebhookWithSecret(**_told(made), secret=secret)


@get("/", operation_id="listWebhooks", summary="All subscriptions", guards=[MANAGE])
async def list_webhooks(limit: Limit = DEFAULT, cursor: Cursor = None) -> WebhookPage:
    """Subscriptions, the newest first."""
    found, onward = await webhooks.subscriptions(limit=limit, cursor=cursor)
    return WebhookPage([_view(one) for one in found], onward)


@get("/{webhook:str}", operation_id="getWebhook", summary="One subscription", guards=[MANAGE])
async def get_webhook(webhook: FromPath[str]) -> WebhookView:
    """Where it goes, what it gets, and how it fares."""
    return _view(await webhooks.subscription(queries.as_uuid(webhook) or _nothing()))


@delete("/{webhook:str}", operation_id="deleteWebhook", summary="Unsubscribe", guards=[MANAGE])
async def delete_webhook(request: AnyRequest, webhook: FromPath[str]) -> None:
    """Nothing more is sent; what still waited is cancelled."""
    found = await _owned(request, webhook)
    await webhooks.unsubscribe(found.id, by=await actor_of(request), at=clock.now())


@post("/{webhook:str}/enable", operation_id="enableWebhook", summary="Switch on", status_code=200, guards=[MANAGE])
async def enable_webhook(request: AnyRequest, webhook: FromPath[str]) -> WebhookView:
    """A disabled subscription starts with a clean record, and what waited for it goes now."""
    found = await _owned(request, webhook)
    return _view(await webhooks.enable(found.id, by=await actor_of(request), at=clock.now()))


@post("/{webhook:str}/rotate", operation_id="rotateWebhook", summary="A fresh secret", status_code=200, guards=[MANAGE])
async def rotate_webhook(request: AnyRequest, webhook: FromPath[str]) -> WebhookSecret:
    """For 24 hours the old secret signs too."""
    found, at = await _owned(request, webhook), clock.now()
    secret = await webhooks.rotate(found.id, by=await actor_of(request), at=at)
    return WebhookSecret(secret, old_secret_until=at + webhooks.OLD_SECRET_SIGNS)


@post("/{webhook:str}/ping", operation_id="pingWebhook", summary="Send a test event", status_code=202, guards=[MANAGE])
async def ping_webhook(request: AnyRequest, webhook: FromPath[str]) -> Ping:
    """A `webhook.ping` goes to this subscription, whatever types it asked for."""
    found = await _owned(request, webhook)
    return Ping(await webhooks.ping(found, by=await actor_of(request), at=clock.now()))


@post("/{webhook:str}/replay", operation_id="replayWebhook", summary="Send again", status_code=202, guards=[MANAGE])
async def replay_webhook(request: AnyRequest, webhook: FromPath[str], data: JSONBody[Replay]) -> Replayed:
    """The named deliveries, or everything given up since an instant; the ids stay, so receivers see a repetition."""
    found = await _owned(request, webhook)
    ids = [int(id) for id in data.deliveries if id.isascii() and id.isdigit() and len(id) < 19]
    if len(ids) < len(data.deliveries):
        raise WrongFields([FieldError("deliveries", _("There is no such delivery."), {})])
    return Replayed(await webhooks.replay(found.id, deliveries=ids, since=data.since, at=clock.now()))


@get("/{webhook:str}/deliveries", operation_id="listDeliveries", summary="What was sent", guards=[MANAGE])
async def list_deliveries(
    request: AnyRequest, webhook: FromPath[str], limit: Limit = DEFAULT, cursor: Cursor = None
) -> DeliveryPage:
    """Each delivery with its attempts, the newest first."""
    found = await _owned(request, webhook)
    rows, onward = await webhooks.deliveries(found.id, limit=limit, cursor=cursor)
    return DeliveryPage([_delivery(row) for row in rows], onward)


@get("/events", operation_id="listEvents", summary="The events as a feed", tags=["Events"], guards=[READ_EVENTS])
async def list_events(
    limit: Limit = DEFAULT,
    after: Annotated[
        str | None, QueryParameter(description="`next_cursor` of the page before, or the id of an event.")
    ] = None,
) -> EventPage:
    """The same events as webhooks carry, in an order in which a reader who goes on never misses one."""
    rows, onward = await queries.events(after=after, limit=limit)
    return EventPage([_event(row) for row in rows], onward)


async def _owned(request: AnyRequest, webhook: str) -> Subscription:
    return await webhooks.owned(queries.as_uuid(webhook) or _nothing(), by=await actor_of(request))


def _nothing() -> Any:
    raise NotFound(_("There is no such subscription."))


def _told(found: Subscription) -> dict[str, Any]:
    return msgspec.structs.asdict(found) | {"id": str(found.id)}


def _view(found: Subscription) -> WebhookView:
    return WebhookView(**_told(found))


def _delivery(row: Any) -> DeliveryView:
    told = dict(row) | {"id": str(row["id"]), "attempts": msgspec.json.decode(row["attempts"], type=list[AttemptView])}
    return DeliveryView(**told)


def _event(row: Any) -> EventView:
    body = msgspec.json.decode(row["body"])
    timestamp = datetime.fromisoformat(body["timestamp"]).astimezone(UTC)
    return EventView(row["event_id"], body["type"], timestamp, body["data"])


ROUTER = Router(
    "/webhooks",
    route_handlers=[
        create_webhook, list_webhooks, get_webhook, delete_webhook, enable_webhook, rotate_webhook, ping_webhook,
        replay_webhook, list_deliveries,
    ],
    tags=["Webhooks"],
)  # fmt: skip
