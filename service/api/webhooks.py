"""Subscriptions over HTTP, and the same events as a feed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from service import clock, queries
from service import webhook_deliveries as deliveries_of
from service import webhook_subscriptions as webhooks
from service.api.requests import DEFAULT, AnyRequest, Cursor, Limit
from service.auth import actor_of, requires
from service.directory_edits import number_of
from service.event_catalogue import TYPES, example_of, schema_of
from service.schemas import (
    AttemptView,
    DeliveryPage,
    DeliveryView,
    EventPage,
    EventTypePage,
    EventTypeView,
    EventView,
    NewWebhook,
    Ping,
    Replay,
    Replayed,
    WebhookChange,
    WebhookPage,
    WebhookSecret,
    WebhookView,
    WebhookWithSecret,
)
from service.tickets import ticket_id
from service.webhook_deliveries import Delivery, Wanted, deliveries, ping, replay
from service.webhook_subscriptions import Subscription
from service.whole_numbers import whole_number
from workflow.definition import STAFF
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.words import _

MANAGE = requires(*STAFF, scope="webhooks:manage")
DeliveryStatus = Literal["pending", "sending", "delivered", "dead", "cancelled"]
READ_EVENTS = requires(*STAFF, scope="events:read")


@post("/", operation_id="createWebhook", summary="Subscribe", guards=[MANAGE])
async def create_webhook(request: AnyRequest, data: JSONBody[NewWebhook]) -> WebhookWithSecret:
    """Every event of these types, signed as Standard Webhooks say. The secret is shown now and never again."""
    made, secret = await webhooks.subscribe(
        data.url, event_types=data.event_types, filters=_filters(data.filters), by=await actor_of(request),
        at=clock.now(),
    )  # fmt: skip
    return WebhookWithSecret(**_told(made), secret=secret)


@get("/", operation_id="listWebhooks", summary="All subscriptions", guards=[MANAGE])
async def list_webhooks(
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    q: Annotated[str, QueryParameter(description="What the address holds.")] = "",
    status: Annotated[Literal["enabled", "disabled"] | None, QueryParameter(description="Only these.")] = None,
) -> WebhookPage:
    """Subscriptions, the newest first."""
    found, onward = await webhooks.subscriptions(limit=limit, cursor=cursor, q=q, status=status or "")
    return WebhookPage([_view(one) for one in found], onward)


@get("/{webhook:str}", operation_id="getWebhook", summary="One subscription", guards=[MANAGE])
async def get_webhook(webhook: FromPath[str]) -> WebhookView:
    """Where it goes, what it gets, and how it fares."""
    return _view(await webhooks.subscription(queries.as_uuid(webhook) or _nothing()))


@patch("/{webhook:str}", operation_id="changeWebhook", summary="Change some of it", guards=[MANAGE])
async def change_webhook(request: AnyRequest, webhook: FromPath[str], data: JSONBody[WebhookChange]) -> WebhookView:
    """Another address, other types, other filters; a new address starts with a clean record."""
    found = await _owned(request, webhook)
    changed = await webhooks.change(
        found.id,
        url=data.url,
        event_types=data.event_types,
        filters=None if data.filters is None else _filters(data.filters),
        by=await actor_of(request),
        at=clock.now(),
    )
    return _view(changed)


@put("/{webhook:str}", operation_id="replaceWebhook", summary="Say all of it anew", guards=[MANAGE])
async def replace_webhook(request: AnyRequest, webhook: FromPath[str], data: JSONBody[NewWebhook]) -> WebhookView:
    """The whole subscription as it shall be; the secret and what was sent stay."""
    found = await _owned(request, webhook)
    changed = await webhooks.change(
        found.id, url=data.url, event_types=data.event_types, filters=_filters(data.filters),
        by=await actor_of(request), at=clock.now(),
    )  # fmt: skip
    return _view(changed)


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


@post("/{webhook:str}/disable", operation_id="disableWebhook", summary="Switch off", status_code=200, guards=[MANAGE])
async def disable_webhook(request: AnyRequest, webhook: FromPath[str]) -> WebhookView:
    """What waits stays where it is; what happens meanwhile is not kept for it, but can be replayed."""
    found = await _owned(request, webhook)
    return _view(await webhooks.disable(found.id, by=await actor_of(request), at=clock.now()))


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
    return Ping(await ping(found, by=await actor_of(request), at=clock.now()))


@post("/{webhook:str}/replay", operation_id="replayWebhook", summary="Send again", status_code=202, guards=[MANAGE])
async def replay_webhook(request: AnyRequest, webhook: FromPath[str], data: JSONBody[Replay]) -> Replayed:
    """New deliveries with the same ids and the same bytes, so that receivers see a repetition; at most 1,000 a call."""
    found = await _owned(request, webhook)
    wanted = Wanted(
        deliveries=None if data.deliveries is None else _delivery_ids(data.deliveries),
        events=None if data.events is None else tuple(one for one in data.events if "\x00" not in one),
        ticket=await ticket_id(data.ticket) if data.ticket else None,
        since=data.since,
        until=data.until,
        failed=data.failed,
    )
    replayed = await replay(found.id, wanted, by=await actor_of(request), at=clock.now())
    return Replayed(replayed.deliveries, replayed.next_since)


def _delivery_ids(given: list[str]) -> tuple[int, ...]:
    ids = tuple(id for id in map(whole_number, given) if id is not None)
    if len(ids) < len(given):
        raise WrongFields([FieldError("deliveries", _("There is no such delivery."), {})])
    return ids


@get("/{webhook:str}/deliveries", operation_id="listDeliveries", summary="What was sent", guards=[MANAGE])
async def list_deliveries(
    request: AnyRequest,
    webhook: FromPath[str],
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    status: Annotated[DeliveryStatus | None, QueryParameter(description="Only deliveries that stand so.")] = None,
) -> DeliveryPage:
    """Each delivery with its request, and each attempt with its answer and its timing; the newest first."""
    found = await _owned(request, webhook)
    sent, onward = await deliveries(found.id, limit=limit, cursor=cursor, status=status)
    return DeliveryPage([_delivery(one) for one in sent], onward)


@get("/{webhook:str}/deliveries/{delivery:str}", operation_id="getDelivery", summary="One delivery", guards=[MANAGE])
async def get_delivery(request: AnyRequest, webhook: FromPath[str], delivery: FromPath[str]) -> DeliveryView:
    """Its request, and each attempt with its answer and its timing."""
    found = await _owned(request, webhook)
    return _delivery(await deliveries_of.delivery(found.id, number_of(delivery)))


@get(
    "/event-types", operation_id="listEventTypes", summary="The event catalogue", tags=["Events"], guards=[READ_EVENTS]
)
async def list_event_types() -> EventTypePage:
    """Every type of event with its JSON Schema and an example."""
    items = [EventTypeView(type, said, schema_of(type), example_of(type)) for type, said in TYPES.items()]
    return EventTypePage(items, None)


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


def _filters(given: Mapping[str, str | list[str]]) -> dict[str, list[str]]:
    return {name: [value] if isinstance(value, str) else value for name, value in given.items()}


def _nothing() -> Any:
    raise NotFound(_("There is no such subscription."))


def _told(found: Subscription) -> dict[str, Any]:
    return msgspec.structs.asdict(found) | {"id": str(found.id)}


def _view(found: Subscription) -> WebhookView:
    return WebhookView(**_told(found))


def _delivery(sent: Delivery) -> DeliveryView:
    told = msgspec.structs.asdict(sent) | {
        "id": str(sent.id),
        "ticket": str(sent.ticket) if sent.ticket else None,
        "attempts": [
            AttemptView(**(msgspec.structs.asdict(one) | {"request_headers": dict(one.request_headers)}))
            for one in sent.attempts
        ],
    }
    return DeliveryView(**told)


def _event(row: Any) -> EventView:
    body = msgspec.json.decode(row["body"])
    timestamp = datetime.fromisoformat(body["timestamp"]).astimezone(UTC)
    return EventView(row["event_id"], body["type"], timestamp, body["data"])


ROUTER = Router(
    "/webhooks",
    route_handlers=[
        create_webhook, list_webhooks, get_webhook, change_webhook, replace_webhook, delete_webhook, enable_webhook,
        disable_webhook, rotate_webhook, ping_webhook, replay_webhook, list_deliveries, get_delivery,
    ],
    tags=["Webhooks"],
)  # fmt: skip
