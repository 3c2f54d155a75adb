"""Error pages in the style of the house: what happened in one sentence, and where to go from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import structlog
from litestar import Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from admin.pages import Reading, render, security_headers
from admin.reader import address, reading
from admin.reading import AnyRequest, language_of
from admin.refusals import reason
from service import clock
from service.auth import Forged
from service.database import passing
from workflow.errors import NotFound, NotYours, Refusal, Stale, UnknownTrigger, WrongFields
from workflow.words import _

log = structlog.get_logger(__name__)

TITLES: Final[Mapping[int, str]] = {
    400: _("The request could not be understood"),
    401: _("Please sign in"),
    403: _("This is not for you"),
    404: _("There is nothing here"),
    405: _("This cannot be done here"),
    409: _("This is not possible now"),
    412: _("Somebody was faster"),
    413: _("This is too large"),
    422: _("Some fields need attention"),
    429: _("Too many attempts"),
    500: _("Something broke"),
    503: _("Not available for the moment"),
}
SENTENCES: Final[Mapping[int, str]] = {
    400: _("Go back and try again; if it happens again, tell the administrator."),
    401: _("This page is for people of the support centre."),
    403: _("Your role does not open this page. Ask your administrator if it should."),
    404: _("The address is wrong, or what was here has gone."),
    405: _("The page was reached in a way it does not know. Go back and use its buttons."),
    409: _("The state of things does not allow this now."),
    412: _("Somebody changed this meanwhile. Look again before you go on."),
    413: _("A file or a text is larger than we take. Make it smaller and try again."),
    422: _("Go back, mend what is wrong and try again."),
    429: _("Wait a minute, then try again."),
    500: _("The fault is ours and has been written down. What you did last was not carried out."),
    503: _("The database does not answer. Nothing is lost; try again in a minute."),
}
FORGED: Final = _("The form was too old or did not come from our page, so nothing was done. Open the page again and repeat.")
REFUSALS: Final[tuple[tuple[type[Refusal], int], ...]] = (
    (NotYours, 403),
    (NotFound, 404),
    (UnknownTrigger, 422),
    (WrongFields, 422),
    (Stale, 412),
)


async def error_page(request: AnyRequest, error: Exception) -> Response[Any]:
    """The page for any exception: no page of the house ends in a bare message."""
    status = status_of(error)
    if status >= 500 and status != 503:
        log.error("page failed", path=request.url.path, exc_info=error)
    reader = await _reader(request)
    if status == 401:
        return render("sign_in.html", reader, status_code=401, next=_own_next(request), email="", refusal="", lead=True,
                      headers=security_headers())  # fmt: skip
    sentence = reason(error, reader.language) if isinstance(error, Refusal) else ""
    return render(
        "error.html",
        reader,
        status_code=status,
        headers=security_headers(),
        status=status,
        title=TITLES.get(status, TITLES[500]),
        sentence=sentence,
        advice=FORGED if isinstance(error, Forged) else SENTENCES.get(status, SENTENCES[500]),
    )


def status_of(error: Exception) -> int:
    """The status a page answers this exception with."""
    if isinstance(error, HTTPException):
        return error.status_code if error.status_code in TITLES else 500 if error.status_code >= 500 else 400
    if isinstance(error, Refusal):
        return next((status for kind, status in REFUSALS if isinstance(error, kind)), 409)
    return 503 if passing(error) else 500


async def _reader(request: AnyRequest) -> Reading:
    """The reader, or as much of them as can be told when the database is away."""
    try:
        return await reading(request)
    except Exception as failure:  # whatever fails here must not hide what failed first
        log.warning("reader not told", failure=repr(failure))
        return Reading(at=clock.now(), path=address(request), language=language_of(request))


def _own_next(request: AnyRequest) -> str:
    return address(request) if request.method == "GET" else "/"


def page_errors() -> ExceptionHandlersMap:
    """What routers of pages answer exceptions with."""
    return {Exception: error_page, HTTPException: error_page, Refusal: error_page}
