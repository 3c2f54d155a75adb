"""What can be done with a subscription from its page; each act is the API's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.integrations.form import typed_of
from admin.integrations.page import MANAGE, delivery_number, form_page, shown
from admin.pages import Reading, render
from admin.reader import Tone, flash, reading
from admin.reading import AnyRequest, typed_in
from admin.refused import beside
from service import webhook_deliveries
from service import webhook_subscriptions as webhooks
from service.actors import Actor
from service.auth import actor_of
from service.problems import told
from service.tickets import ticket_id
from service.webhook_deliveries import Delivery, Wanted, deliveries
from service.webhook_subscriptions import Disabled, Subscription
from service.words import ngettext, translate
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.words import _

PATIENCE = 5.0  # seconds a ping's page waits for its result
LOOKS_EVERY = 0.1  # seconds


@post("/integrations", guards=[MANAGE], status_code=200)
async def make(request: AnyRequest) -> Response[str]:
    """A new subscription; its secret is shown by this very answer and by no other."""
    reader, by = await reading(request), await actor_of(request)
    typed = typed_of(await request.form())
    try:
        found, secret = await webhooks.subscribe(
            typed.url, event_types=typed.event_types, filters=typed.filters, by=by, at=reader.at
        )
    except WrongFields as wrong:
        return await form_page(reader, typed, errors=beside(wrong, reader.language), status_code=422)
    return render("integrations/secret.html", reader, found=found, secret=secret, rotated=False)


@post("/integrations/{id:uuid}", guards=[MANAGE], status_code=303)
async def change(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
    """Another address, other types, other filters."""
    reader, by = await reading(request), await actor_of(request)
    found = await webhooks.owned(id, by=by)
    typed = typed_of(await request.form())
    try:
        await webhooks.change(
            id, url=typed.url, event_types=typed.event_types, filters=typed.filters, by=by, at=reader.at
        )
    except WrongFields as wrong:
        return await form_page(reader, typed, found=found, errors=beside(wrong, reader.language), status_code=422)
    flash(request, translate(reader.language, _("The subscription is changed.")))
    return Redirect(f"/integrations/{id}", status_code=303)


@post("/integrations/{id:uuid}/rotate", guards=[MANAGE], status_code=200)
async def rotate(request: AnyRequest, id: FromPath[UUID]) -> Response[str]:
    """A fresh secret, shown once."""
    reader, by = await reading(request), await actor_of(request)
    found = await webhooks.owned(id, by=by)
    secret = await webhooks.rotate(id, by=by, at=reader.at)
    return render("integrations/secret.html", reader, found=found, secret=secret, rotated=True)


@post("/integrations/{id:uuid}/replay", guards=[MANAGE], status_code=303)
async def replay(request: AnyRequest, id: FromPath[UUID]) -> Response[Any]:
    """Send again: one delivery, all of a ticket, of a time range, or all that failed."""
    reader, by = await reading(request), await actor_of(request)
    found = await webhooks.owned(id, by=by)
    typed = {name: word.strip() for name, word in (await typed_in(request, *WHAT_IS_TYPED)).items()}
    try:
        wanted = await _wanted(typed, reader)
        replayed = await webhook_deliveries.replay(id, wanted, by=by, at=reader.at)
    except WrongFields as wrong:
        return await shown(request, found, typed=typed, errors=beside(wrong, reader.language), status_code=422)
    said = ngettext(reader.language, "{n} event goes out again.", "{n} events go out again.", replayed.deliveries)
    if replayed.next_since:
        said += " " + translate(reader.language, _("There are more: send them again when these have gone."))
    flash(request, said, "done" if replayed.deliveries else "note")
    return Redirect(f"/integrations/{id}", status_code=303)


WHAT_IS_TYPED = ("what", "delivery", "ticket", "since", "until")


async def _wanted(typed: Mapping[str, str], reader: Reading) -> Wanted:
    """What the form asks for. Raises WrongFields."""
    match typed["what"]:
        case "delivery":
            return Wanted(deliveries=(delivery_number(typed["delivery"]),))
        case "ticket":
            return Wanted(ticket=await _ticket(typed["ticket"]))
        case "range":
            since, until = (_instant(typed[name], name, reader) for name in ("since", "until"))
            if since is None:
                raise WrongFields([FieldError("since", _("Please fill this in."), {})])
            return Wanted(since=since, until=until)
    return Wanted(failed=True)


async def _ticket(word: str) -> UUID:
    try:
        return await ticket_id(word)
    except NotFound as unknown:
        raise WrongFields([FieldError("ticket", unknown.sentence, dict(unknown.params))]) from None


def _instant(word: str, field: str, reader: Reading) -> datetime | None:
    """A moment as the form gives it, in the centre's zone."""
    if not word:
        return None
    try:
        return datetime.fromisoformat(word).replace(tzinfo=reader.zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise WrongFields([FieldError(field, _("Give a date and a time."), {})]) from None


@post("/integrations/{id:uuid}/{act:str}", guards=[MANAGE], status_code=303)
async def act(request: AnyRequest, id: FromPath[UUID], act: FromPath[str]) -> Redirect:
    """Test it, switch it on or off, or end it."""
    do = ACTS.get(act)
    if do is None:
        raise NotFound()
    reader, by = await reading(request), await actor_of(request)
    said, tone = await do(await webhooks.owned(id, by=by), by, reader)
    flash(request, said, tone)
    return Redirect("/integrations" if act == "delete" else f"/integrations/{id}", status_code=303)


async def _ping(found: Subscription, by: Actor, reader: Reading) -> tuple[str, Tone]:
    """Test it, and wait a moment for the answer: most endpoints answer at once."""
    try:
        event_id = await webhook_deliveries.ping(found, by=by, at=reader.at)
    except Disabled as disabled:
        return told(disabled, reader.language), "refused"
    sent = await _first_answer(found.id, event_id)
    if sent is None or not sent.attempts:
        return translate(reader.language, _("The ping is on its way: its result will stand below.")), "note"
    last = sent.attempts[-1]
    if sent.status == "delivered":
        answered = _("The endpoint answered the ping with {status} in {ms} ms.")
        return translate(reader.language, answered, status=last.http_status, ms=last.ms), "done"
    failed = _("The ping failed after {ms} ms: {error}")
    return translate(reader.language, failed, ms=last.ms, error=last.error), "refused"


async def _first_answer(id: UUID, event_id: str) -> Delivery | None:
    ends = time.monotonic() + PATIENCE
    while True:
        sent, _onward = await deliveries(id, limit=1, event_id=event_id)
        if (sent and sent[0].attempts) or time.monotonic() > ends:
            return sent[0] if sent else None
        await asyncio.sleep(LOOKS_EVERY)


async def _enable(found: Subscription, by: Actor, reader: Reading) -> tuple[str, Tone]:
    await webhooks.enable(found.id, by=by, at=reader.at)
    return translate(reader.language, _("Enabled: what waited for it goes now.")), "done"


async def _disable(found: Subscription, by: Actor, reader: Reading) -> tuple[str, Tone]:
    await webhooks.disable(found.id, by=by, at=reader.at)
    return translate(reader.language, _("Disabled: nothing more is sent to it.")), "done"


async def _delete(found: Subscription, by: Actor, reader: Reading) -> tuple[str, Tone]:
    await webhooks.unsubscribe(found.id, by=by, at=reader.at)
    return translate(reader.language, _("The subscription is gone.")), "done"


Act = Callable[[Subscription, Actor, Reading], Awaitable[tuple[str, Tone]]]
ACTS: Mapping[str, Act] = {"ping": _ping, "enable": _enable, "disable": _disable, "delete": _delete}
