"""Subscriptions with how they fare, one with everything that was sent to it, and the event catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.params import FromPath

from admin.integrations import reads
from admin.integrations.form import Typed, choices, typed_as
from admin.pages import Reading, render, url
from admin.reader import reading
from admin.reading import AnyRequest
from service import webhook_subscriptions as webhooks
from service.auth import actor_of, requires
from service.event_catalogue import TYPES, example_of, schema_of
from service.house import HOUSE
from service.webhook_deliveries import MOST_REPLAYED, deliveries, delivery
from service.webhook_subscriptions import Subscription
from service.whole_numbers import whole_number
from service.words import Language, translate
from workflow.definition import STAFF, Role
from workflow.errors import NotFound
from workflow.words import _

MANAGE: Final = requires(*STAFF, scope="webhooks:manage")
PAGE: Final = 50
STATES: Mapping[str, tuple[str, str]] = {
    "pending": (_("waits"), "warning"),
    "sending": (_("on its way"), "warning"),
    "delivered": (_("delivered"), "fine"),
    "dead": (_("given up"), "late"),
    "cancelled": (_("not sent"), "none"),
}
HEALTH: Mapping[str, tuple[str, str]] = {
    "disabled": (_("disabled"), "late"),
    "held": (_("held for a while"), "warning"),
    "failing": (_("failing"), "warning"),
    "fine": (_("works"), "fine"),
}


def health_of(found: Subscription, *, at: datetime) -> str:
    """One word for how it fares, the worst first."""
    if found.status != "enabled":
        return "disabled"
    if found.hold_until is not None and found.hold_until > at:
        return "held"
    return "failing" if found.failing_since is not None else "fine"


def tabs(language: Language, here: str) -> list[tuple[str, str, bool, None]]:
    """What stands at the top of these pages."""
    return [
        (translate(language, _("Subscriptions")), "/integrations", here == "subscriptions", None),
        (translate(language, _("Event catalogue")), "/integrations/events", here == "events", None),
        (translate(language, _("Description of the API")), "/api/v1/docs", False, None),
    ]


@get("/integrations", guards=[MANAGE])
async def integrations_page(request: AnyRequest) -> Response[str]:
    """All subscriptions, the newest first."""
    reader = await reading(request)
    by = await actor_of(request)
    found, onward = await webhooks.subscriptions(limit=PAGE, cursor=request.query_params.get("cursor"))
    return render(
        "integrations/list.html",
        reader,
        tabs=tabs(reader.language, "subscriptions"),
        found=found,
        fares=await reads.fares([one.id for one in found]),
        mine={one.id for one in found if by.role is Role.ADMINISTRATOR or one.created_by == by.principal},
        health={one.id: HEALTH[health_of(one, at=reader.at)] for one in found},
        next_href=url("/integrations", cursor=onward) if onward else "",
        first_href="/integrations" if "cursor" in request.query_params else "",
        allowed=sorted(HOUSE.webhook_allowed_hosts),
    )


@get("/integrations/new", guards=[MANAGE])
async def new_page(request: AnyRequest) -> Response[str]:
    """The form of a new subscription."""
    return await form_page(await reading(request), Typed())


async def form_page(
    reader: Reading,
    typed: Typed,
    *,
    found: Subscription | None = None,
    errors: Mapping[str, str] | None = None,
    status_code: int = 200,
) -> Response[str]:
    """The form with what was typed in it; of `found`, or of a new one."""
    return render(
        "integrations/form.html",
        reader,
        status_code=status_code,
        found=found,
        typed=typed,
        choices=await choices(reader, typed),
        errors=errors or {},
        action=f"/integrations/{found.id}" if found else "/integrations",
    )


@get("/integrations/events", guards=[MANAGE])
async def catalogue_page(request: AnyRequest) -> Response[str]:
    """Every type of event, with its schema and an example."""
    reader = await reading(request)
    shown = [(type, said, _pretty(schema_of(type)), _pretty(example_of(type))) for type, said in TYPES.items()]
    return render("integrations/events.html", reader, tabs=tabs(reader.language, "events"), types=shown)


@get("/integrations/{id:uuid}", guards=[MANAGE])
async def subscription_page(request: AnyRequest, id: FromPath[UUID]) -> Response[str]:
    """One subscription: how it fares, what can be done, and what was sent."""
    return await shown(request, await webhooks.owned(id, by=await actor_of(request)))


async def shown(
    request: AnyRequest,
    found: Subscription,
    *,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    status_code: int = 200,
) -> Response[str]:
    """The page of one subscription; after a refused replay with what was typed."""
    reader = await reading(request)
    here = f"/integrations/{found.id}"
    asked = request.query_params.get("status", "")
    status = asked if asked in STATES else None
    cursor = request.query_params.get("cursor")
    sent, onward = await deliveries(found.id, limit=PAGE, cursor=cursor, status=status)
    return render(
        "integrations/subscription.html",
        reader,
        status_code=status_code,
        found=found,
        here=here,
        fares=(await reads.fares([found.id]))[found.id],
        health=HEALTH[health_of(found, at=reader.at)],
        sent=sent,
        states=STATES,
        status=status,
        next_href=url(here, status=status, cursor=onward) if onward else "",
        first_href=url(here, status=status) if cursor else "",
        most=MOST_REPLAYED,
        typed=typed or {"what": "failed"},
        errors=errors or {},
    )


@get("/integrations/{id:uuid}/edit", guards=[MANAGE])
async def edit_page(request: AnyRequest, id: FromPath[UUID]) -> Response[str]:
    """The form of a subscription that is there."""
    found = await webhooks.owned(id, by=await actor_of(request))
    return await form_page(await reading(request), typed_as(found), found=found)


@get("/integrations/{id:uuid}/deliveries/{number:str}", guards=[MANAGE])
async def delivery_page(request: AnyRequest, id: FromPath[UUID], number: FromPath[str]) -> Response[str]:
    """One delivery: the request as it was sent, and each answer with its timing."""
    found = await webhooks.owned(id, by=await actor_of(request))
    sent = await delivery(found.id, delivery_number(number))
    return render(
        "integrations/delivery.html", await reading(request), found=found, here=f"/integrations/{found.id}", sent=sent,
        state=STATES.get(sent.status, (sent.status, "none")), body=_pretty_text(sent.body),
    )  # fmt: skip


def delivery_number(word: str) -> int:
    """Raises NotFound for what is no number of a delivery."""
    number = whole_number(word)
    if number is None:
        raise NotFound(_("There is no such delivery."))
    return number


def _pretty(document: Mapping[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _pretty_text(body: str) -> str:
    """Laid out for the eye; the bytes that were signed have no spaces."""
    return msgspec.json.format(body, indent=2)
