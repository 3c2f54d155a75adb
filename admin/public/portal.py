"""The form for those without an account: a request by the portal, with brakes that only robots feel."""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from litestar import Response, get, post
from litestar.response import Redirect

from admin.pages import Reading, render
from admin.reader import flash, reading
from admin.reading import AnyRequest, typed_in
from admin.refused import beside
from service import clock
from service.actors import customer
from service.auth import doors, own_form, wall_clock
from service.correspondence import outside_hours
from service.customer_doors import count_form
from service.intake import Request, checked, receive
from service.regulations import RULEBOOKS, in_force
from service.ticket import Ticket
from service.words import relative, translate
from workflow.errors import FieldError, WrongFields
from workflow.words import _

ASKED: Final = ("organisation", "full_name", "position", "phone", "email", "subject", "text", "product")
HONEYPOT: Final = "second_address"  # nobody sees it, no browser fills it in by itself
SOONEST, LATEST = timedelta(seconds=2), timedelta(hours=24)  # nobody tells six facts faster
TOO_FAST: Final = _("This came faster than a person writes. Nothing is lost: please send it again.")
TOO_OLD: Final = _("The form was open for more than a day. Nothing is lost: please send it again.")
OUTSIDE_HOURS: Final = _("You wrote outside working hours; we register the request and answer by {moment}.")
NOT_EMPTY: Final = _("A hidden field was filled in, as robots do. Nothing is lost: please send it again.")


@get("/portal")
async def portal(request: AnyRequest) -> Response[str]:
    """The form, or the thanks after it."""
    reader = await reading(request)
    if reader.flashes and "sent" in request.query_params:
        return render("public/portal_sent.html", reader)
    return _form(request, reader, {})


@post("/portal", guards=[own_form], status_code=303)
async def sent(request: AnyRequest) -> Response[Any]:
    """Make the ticket, once a form; whatever is wrong is said beside the field, and nothing typed is lost."""
    reader = await reading(request)
    form, typed = await typed_in(request), await typed_in(request, *ASKED)
    wanted = Request(channel="portal", language=reader.language, **typed)
    begun = form.get("begun", "")
    if sentence := _suspicion(request, begun, form.get(HONEYPOT, "")):
        return _form(request, reader, typed, refusal=translate(reader.language, sentence))
    try:
        await _demand_facts(wanted)
        await count_form(request, wanted.email)
        by = customer(id="", name=" ".join(wanted.full_name.split()), language=reader.language)
        ticket = await receive(wanted, by=by, at=clock.now(), cause=f"portal:{begun.split('.')[1]}")
    except WrongFields as wrong:
        errors = beside(wrong, reader.language)
        return _form(request, reader, typed, errors=errors)
    flash(request, _thanks(ticket, reader))
    return Redirect("/portal?sent=1", status_code=303)


def _thanks(ticket: Ticket, reader: Reading) -> str:
    """Where the letter goes; to who wrote outside working hours also by when we answer (7.3)."""
    thanks = translate(reader.language, _("A letter goes to {address}."), address=ticket.email)
    if ticket.registration_due_at is None or not outside_hours(
        RULEBOOKS[ticket.regulation_version], ticket.received_at
    ):
        return thanks
    due = relative(reader.language, ticket.registration_due_at, at=reader.at, zone=reader.zone)
    return f"{thanks} {translate(reader.language, OUTSIDE_HOURS, moment=due)}"


async def _demand_facts(wanted: Request) -> None:
    """The facts that the regulation in force requires; the address in any case. Raises WrongFields, for all at once."""
    errors: list[FieldError] = []
    try:
        checked(wanted)
    except WrongFields as wrong:
        errors += wrong.errors
    required = (await in_force(at=clock.now())).regulation.required_fields
    missing = [name for name in dict.fromkeys((*required, "email", "text")) if not getattr(wanted, name, "").strip()]
    known = {error.field for error in errors}
    errors += [FieldError(name, _("Please fill this in."), {}) for name in missing if name not in known]
    if errors:
        raise WrongFields(errors)


def _form(
    request: AnyRequest,
    reader: Reading,
    typed: dict[str, str],
    *,
    errors: dict[str, str] | None = None,
    refusal: str = "",
) -> Response[str]:
    return render(
        "public/portal.html", reader, status_code=422 if errors or refusal else 200, typed=typed, errors=errors or {},
        refusal=refusal, begun=_begun(request), honeypot=HONEYPOT,
    )  # fmt: skip


# --- brakes -----------------------------------------------------------------------------------------------------------


def _begun(request: AnyRequest) -> str:
    """When this form was shown, once and by us: the moment, a name of its own, our seal."""
    told_at = f"{int(wall_clock().timestamp() * 1000)}.{secrets.token_hex(16)}"
    return f"{told_at}.{doors(request).seal(f'portal:{told_at}')}"


def _suspicion(request: AnyRequest, begun: str, honeypot: str) -> str:
    """Why a robot may have sent this; '' as a rule. A person who is suspected only sends it again."""
    told_at, _dot, seal = begun.rpartition(".")
    ours = hmac.compare_digest(seal.encode(), doors(request).seal(f"portal:{told_at}").encode())
    if not ours:
        return TOO_OLD
    shown_at = datetime.fromtimestamp(int(told_at.partition(".")[0]) / 1000, UTC)
    if wall_clock() - shown_at < SOONEST:
        return TOO_FAST
    if wall_clock() - shown_at > LATEST:
        return TOO_OLD
    return NOT_EMPTY if honeypot else ""


PORTAL_PAGES: Final = (portal, sent)
