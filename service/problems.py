"""Refusals become RFC 9457 problems for programs and pages for people, in one table."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any, cast

import asyncpg
import msgspec
import structlog
from litestar import Response
from litestar.connection import Request
from litestar.exceptions import (
    ClientException,
    HTTPException,
    NotAuthorizedException,
    NotFoundException,
    SerializationException,
    ValidationException,
)
from litestar.response import Redirect
from litestar.serialization import decode_json
from litestar.status_codes import HTTP_201_CREATED, HTTP_303_SEE_OTHER

from service.accounts import AlreadyThere
from service.auth import Forged
from service.database import passing
from service.directory_edits import LastAdministrator
from service.idempotency import KeyReused, Repeated
from service.possible import sendable
from service.regulations import NotPublishable, SomebodyWasFaster
from service.whole_numbers import INTEGER
from service.words import LANGUAGES, Language, negotiate, translate
from service.wrong_shapes import WHOLE, Misread, Misshapen, Wrong, said, wrong_places
from workflow.definition import CLOCK_ONLY
from workflow.errors import (
    FieldError,
    NotFound,
    NotYours,
    Refusal,
    Stale,
    UnknownTrigger,
    WrongFields,
    WrongState,
)
from workflow.process import PROCESS
from workflow.words import _

log = structlog.get_logger(__name__)

AnyRequest = Request[Any, Any, Any]
MEDIA_TYPE = "application/problem+json"
SIGN_IN = "/sign-in"

STATUSES: Mapping[type[Refusal], int] = {
    NotYours: 403,
    NotFound: 404,
    WrongState: 409,
    SomebodyWasFaster: 409,
    AlreadyThere: 409,
    LastAdministrator: 409,
    Stale: 412,
    UnknownTrigger: 422,
    WrongFields: 422,
    KeyReused: 422,
    NotPublishable: 422,
}

# What HTTP itself refuses: code, and what the asker can do about it.
SENTENCES: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", _("The request cannot be read.")),
    401: ("not_signed_in", _("Sign in, or send a valid token as “Authorization: Bearer …”.")),
    403: ("not_allowed", _("Your role or your token does not allow this.")),
    404: ("not_found", _("There is nothing at this address.")),
    405: ("method_not_allowed", _("This address does not take this method.")),
    406: ("not_acceptable", _("This cannot be given in the form you ask for.")),
    409: ("conflict", _("This is not possible now.")),
    413: ("too_large", _("The request is too large.")),
    415: ("unsupported_media_type", _("Send the body as application/json.")),
    416: ("no_such_range", _("The file has no such range.")),
    422: ("wrong_fields", _("Some fields need attention.")),
    429: ("too_many_requests", _("Too many requests: wait a moment.")),
    500: ("failure", _("Something went wrong on our side. It has been noted under this request's id.")),
    503: ("unavailable", _("The database cannot be reached now. Try again in a few seconds.")),
}
TITLES: Mapping[int, str] = {
    400: _("The request cannot be read"),
    401: _("Please sign in"),
    403: _("Not allowed"),
    404: _("Not found"),
    405: _("Method not allowed"),
    406: _("Not acceptable"),
    409: _("Not possible now"),
    412: _("Changed meanwhile"),
    413: _("Too large"),
    415: _("Unsupported media type"),
    416: _("No such range"),
    422: _("Some fields need attention"),
    429: _("Too many requests"),
    500: _("Failure on our side"),
    503: _("Not available now"),
}
NOT_JSON = _("The body is not JSON. Check quotes, commas and the encoding (UTF-8).")
FORGED = _("This form is too old or did not come from our pages. Load the page again and repeat.")
SIGNED_OUT = _("You are not signed in any more, and nothing was carried out.")
BUSY = _("Somebody else is working on the same thing right now. Try again in a few seconds.")
SECONDS_TO_WAIT = "2"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error as RFC 9457 writes it. `errors` on 422, `possible` triggers on 409."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    code: str
    errors: list[Wrong] | None = None
    possible: list[str] | None = None


PageError = Callable[[AnyRequest, Problem], Response[Any]]


def refused(request: AnyRequest, refusal: Refusal) -> Response[Any]:
    """The answer to a move or a change that was not made."""
    status = next((status for kind, status in STATUSES.items() if isinstance(refusal, kind)), 409)
    language = language_of(request)
    return answered(
        request,
        _problem(
            request,
            status,
            code=refusal.code,
            detail=told(refusal, language),
            errors=_wrong_fields(refusal, language),
            possible=[one for one in refusal.possible if sendable(one)] if isinstance(refusal, WrongState) else None,
        ),
    )


def repeated(_request: AnyRequest, repetition: Repeated) -> Response[bytes]:
    """The very bytes that were answered before, under the same headers."""
    headers = {"Idempotency-Replayed": "true"}
    if (ticket := _ticket_in(repetition.response)) is not None:
        headers["ETag"] = f'"{ticket.seq}"'
        if repetition.status == HTTP_201_CREATED:
            headers["Location"] = f"/api/v1/tickets/{ticket.id}"
    return Response(repetition.response, status_code=repetition.status, media_type="application/json", headers=headers)


def http_error(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """What Litestar or a guard refuses."""
    if isinstance(error, ValidationException):
        return _invalid(request, error)
    signed_out = isinstance(error, NotAuthorizedException) and wants_page(request)
    if signed_out and request.method == "GET":
        return Redirect(SIGN_IN, status_code=HTTP_303_SEE_OTHER, query_params={"next": _address(request)})
    if error.status_code >= 500:
        return failure(request, error)
    code, sentence = SENTENCES.get(error.status_code, SENTENCES[400])
    if isinstance(error, Forged):
        code, sentence = "forged", FORGED
    elif signed_out:
        sentence = SIGNED_OUT
    elif isinstance(error, ClientException) and isinstance(error.__cause__, SerializationException):
        code, sentence = "not_json", NOT_JSON
    problem = _problem(request, error.status_code, code=code, detail=translate(language_of(request), sentence))
    return answered(request, problem, headers=error.headers)


def failure(request: AnyRequest, error: Exception) -> Response[Any]:
    """A fault of ours: told without details, logged with all of them; 503 when waiting may help."""
    if sentence := _waiting_helps(error):
        log.warning("unavailable", error=repr(error))
        problem = _problem(request, 503, code="unavailable", detail=translate(language_of(request), sentence))
        return answered(request, problem, headers={"Retry-After": SECONDS_TO_WAIT})
    if isinstance(error, (UnicodeDecodeError, RecursionError)) and _reading_the_body(error):
        problem = _problem(request, 400, code="not_json", detail=translate(language_of(request), NOT_JSON))
        return answered(request, problem)
    if isinstance(error, asyncpg.DataError):  # a zero byte, a text too long for its column, a number too big
        log.warning("the database cannot hold what was sent", exc_info=error)
        return http_error(request, NotFoundException() if _beyond_all_numbers(request) else ClientException())
    log.error("request failed", exc_info=error)
    code, sentence = SENTENCES[500]
    return answered(request, _problem(request, 500, code=code, detail=translate(language_of(request), sentence)))


def _beyond_all_numbers(request: AnyRequest) -> bool:
    """The address names something by a number that nothing can have."""
    return any(isinstance(part, int) and abs(part) > INTEGER for part in request.path_params.values())


def _reading_the_body(error: BaseException) -> bool:
    """Bytes inside a text that are no UTF-8, and a thousand brackets, escape Litestar's reading as they are."""
    frames = list(traceback.walk_tb(error.__traceback__))
    return bool(frames) and frames[-1][0].f_code is decode_json.__code__


def _waiting_helps(error: BaseException) -> str | None:
    if isinstance(error, (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError, asyncpg.DeadlockDetectedError)):
        return BUSY
    away = isinstance(error, (OSError, asyncpg.TooManyConnectionsError, asyncpg.InsufficientResourcesError))
    no_pool = isinstance(error, RuntimeError) and "start_pool" in str(error)
    return SENTENCES[503][1] if away or no_pool or passing(error) else None


HANDLERS: Mapping[int | type[Exception], Callable[[AnyRequest, Any], Response[Any]]] = {
    Refusal: refused,
    Repeated: repeated,
    HTTPException: http_error,
    Exception: failure,
}


# --- the parts --------------------------------------------------------------------------------------------------------


class _Answered(msgspec.Struct):
    id: str
    seq: int


def _ticket_in(response: bytes) -> _Answered | None:
    """Tickets alone carry a version."""
    try:
        return msgspec.json.decode(response, type=_Answered)
    except msgspec.DecodeError:
        return None


def _problem(
    request: AnyRequest,
    status: int,
    *,
    code: str,
    detail: str,
    errors: list[Wrong] | None = None,
    possible: list[str] | None = None,
) -> Problem:
    return Problem(
        type=f"urn:reglament:problem:{code}",
        title=translate(language_of(request), TITLES.get(status, TITLES[400])),
        status=status,
        detail=detail,
        instance=_path(request),
        request_id=str(request.scope["state"].get("request_id", "")),
        code=code,
        errors=errors,
        possible=possible,
    )


def answered(request: AnyRequest, problem: Problem, *, headers: Mapping[str, str] | None = None) -> Response[Any]:
    """A problem for a program, a page for a browser; neither is kept by a cache."""
    kept = {"Cache-Control": "no-store", **(headers or {})}
    page_error = cast("PageError | None", request.app.state.get("page_error"))
    if page_error is not None and wants_page(request):
        page = page_error(request, problem)
        page.headers.update(kept)
        return page
    return Response(msgspec.json.encode(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=kept)


def plain_page(request: AnyRequest, problem: Problem) -> Response[Any]:
    """The problem as the simplest page there is: for when nobody else writes a better one."""
    return Response(
        f"{problem.title}\n\n{problem.detail}\n", status_code=problem.status, media_type="text/plain; charset=utf-8"
    )


def wants_page(request: AnyRequest) -> bool:
    """A browser on a page; programs and everything under /api get problems."""
    return not request.scope["path"].startswith("/api/") and "text/html" in request.headers.get("accept", "")


def language_of(request: AnyRequest) -> Language:
    """What the asker wants to read: programs get English unless they ask for Russian."""
    accepted = request.headers.get("accept-language", "")
    if wants_page(request):
        cookie = request.cookies.get("language")
        known = request.scope["state"].get("visitor") or request.scope["state"].get("customer")
        own = known.actor.language if known else None  # the account's own, where no other was chosen
        return negotiate(cookie=cookie if cookie in LANGUAGES else own, accept_language=accepted)
    return negotiate(cookie=None, accept_language=accepted) if "ru" in accepted.lower() else "en"


def _path(request: AnyRequest) -> str:
    return str(request.scope["path"])


def _address(request: AnyRequest) -> str:
    """The very page, with what was asked of it."""
    query = request.scope.get("query_string", b"").decode("latin-1")
    return f"{_path(request)}?{query}" if query else _path(request)


LABELS = ("move", "in_state")  # parameters that are msgids themselves


def told(refusal: Refusal | FieldError, language: Language) -> str:
    """The sentence of a refusal in the reader's language."""
    if isinstance(refusal, NotPublishable):
        named = {"problems": " ".join(translate(language, one.sentence, **one.params) for one in refusal.problems)}
    else:
        named = {
            name: translate(language, value) if name in LABELS else value for name, value in refusal.params.items()
        }
    return translate(language, refusal.sentence, **named)


def _wrong_fields(refusal: Refusal, language: Language) -> list[Wrong] | None:
    if isinstance(refusal, Misshapen):
        return refusal.places(language)
    if isinstance(refusal, WrongFields):
        misfits = refusal.misfits(language) if isinstance(refusal, Misread) else []
        return [*misfits, *(Wrong(error.field, told(error, language)) for error in refusal.errors)]
    if isinstance(refusal, NotPublishable):
        return [Wrong(one.place, translate(language, one.sentence, **one.params)) for one in refusal.problems]
    if isinstance(refusal, UnknownTrigger):
        known = ", ".join(name for name, move in PROCESS.by_trigger.items() if move.who != CLOCK_ONLY)
        return [Wrong("trigger", translate(language, _("Among the moves are: {triggers}."), triggers=known))]
    return None


# --- bodies and queries that do not fit their types -------------------------------------------------------------------


def _invalid(request: AnyRequest, error: ValidationException) -> Response[Any]:
    """Every wrong field at once: Litestar stops at the first one of a body, so the body is looked through again."""
    language = language_of(request)
    given = error.extra if isinstance(error.extra, list) else []
    errors = [
        Wrong(str(one.get("key", WHOLE)), said(str(one["message"]), language))
        for one in given
        if one.get("source") != "body"
    ]
    if len(errors) < len(given):
        errors += _wrong_in_body(request, language)
    if not errors:
        errors = [Wrong(WHOLE, error.detail)]
    code, sentence = SENTENCES[422]
    return answered(request, _problem(request, 422, code=code, detail=translate(language, sentence), errors=errors))


def _wrong_in_body(request: AnyRequest, language: Language) -> list[Wrong]:
    wanted = request.route_handler.parsed_data_field
    raw = request._connection_state.json  # what Litestar read already
    if wanted is None or not isinstance(raw, dict):
        return [Wrong(WHOLE, translate(language, _("The body must be a JSON object.")))]
    return wrong_places(wanted.annotation, raw, language)
