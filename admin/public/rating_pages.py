"""The page that asks what the customer thought of a closed ticket: one click, and the click is a form."""

from __future__ import annotations

from typing import Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.pages import render
from admin.public.ticket_pages import PRIVATE, gone, reading_for, shown
from admin.reading import AnyRequest
from service import clock, satisfaction
from service.house import HOUSE
from service.signed_links import STATUS, LinkGone
from service.words import translate
from workflow.errors import NotFound, WrongFields
from workflow.process import SCORES


@get("/rate/{token:str}")
async def ask(request: AnyRequest, token: FromPath[str]) -> Response[str]:
    """Only the question: programs that read mail follow links, and must not answer for a person."""
    try:
        ticket = await satisfaction.asked(token, at=clock.now())
    except (NotFound, LinkGone) as refusal:
        return gone(request, refusal)
    reader = reading_for(request, ticket)
    choices = [(code, translate(reader.language, label)) for code, label in SCORES]
    return render("public/rate.html", reader, headers=PRIVATE, shown=shown(ticket, reader), choices=choices)


@post("/rate/{token:str}")
async def answer(request: AnyRequest, token: FromPath[str]) -> Response[str] | Redirect:
    """Keep the answer. The link alone is the right to give it; no cookie counts."""
    score = str((await request.form()).get("score", ""))
    try:
        ticket = await satisfaction.rate_by_link(token, score, at=clock.now())
    except WrongFields:
        return Redirect(request.url.path, status_code=303, headers=PRIVATE)
    except (NotFound, LinkGone) as refusal:
        return gone(request, refusal)
    where = f"/status/{HOUSE.sign(STATUS, ticket.id)}?after=rate"
    return Redirect(where, status_code=303, headers=PRIVATE)


RATING_PAGES: Final = (ask, answer)
