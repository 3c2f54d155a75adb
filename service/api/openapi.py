"""The description of the API: OpenAPI 3.1 with problems, examples and security, and a page that needs no internet."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Response, Router, get
from litestar._openapi.plugin import OpenAPIPlugin
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import License, Server
from litestar.params import FromPath

from service.api.examples import EXAMPLES, PROBLEM
from service.api.requests import AnyRequest
from service.auth import EVERYBODY_INSIDE, requires
from service.event_catalogue import TYPES, example_of, schema_of
from service.files import MOST_AT_ONCE
from service.possible import open_fields, sendable
from service.problems import MEDIA_TYPE, TITLES, Problem
from service.schemas import Incoming
from workflow.definition import CLOCK_ONLY, CUSTOMER_ONLY, Field, Kind, Move
from workflow.errors import NotFound
from workflow.process import PROCESS

READ = requires(*EVERYBODY_INSIDE, scope="tickets:read")
PUBLIC_OPERATIONS = ("live", "ready")
MAY_BE_NONE = ("getDraft", "beginDraft", "saveDraft", "rebaseDraft", "publishDraft", "discardDraft")
MAY_CONFLICT = (
    "pingWebhook", "discardDraft", "deleteView", "eraseContact", "resendLetter", "watchTicket", "stopWatching",
    "getMyAbsence", "listMyNotices", "getMyNoticeWays", "listMySessions", "endMySessions", "endMySession",
)  # fmt: skip
MOVES_BODY = "MoveRequest"

CONFIG = OpenAPIConfig(
    title="Reglament",
    version="1",
    summary="A support desk whose regulation is data in force.",
    description=(
        "Tickets, their moves and journals, the events they cause, and the regulation they obey. Errors are RFC 9457 "
        "problems; lists are keyset pages; a POST may carry `Idempotency-Key`, a move `If-Match` with the ticket's "
        "`seq`. Times are RFC 3339, in UTC in answers."
    ),
    license=License(name="MIT", identifier="MIT"),
    servers=[Server(url="/")],
    use_handler_docstrings=True,
)


def describe(app: Litestar) -> None:
    """Let the application describe itself without mounting the framework's own pages, which load from elsewhere."""
    app.plugins.get(OpenAPIPlugin)._openapi_config = CONFIG


def description(app: Litestar) -> dict[str, Any]:
    """The whole document. What the framework cannot know is added: problems, moves, headers, examples, security."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(app.openapi_schema.to_schema()))
    components = document["components"]
    components["schemas"] |= _problem_schemas() | _move_schemas() | {"Files": FILES_SCHEMA}
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token: `reglament token add`."},
        "session": {
            "type": "apiKey", "in": "cookie", "name": "reglament_session",
            "description": "A signed-in browser; unsafe methods also need `X-CSRF-Token`.",
        },
    }  # fmt: skip
    components["responses"] = {str(status): _problem_response(status) for status in TITLES}
    document["webhooks"] = {type: _webhook(type) for type in TYPES}
    document["security"] = [{"bearer": []}, {"session": []}]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if isinstance(operation, dict) and "operationId" in operation:
                _complete(operation, method, path)
                _show_answers(operation, components["schemas"])
    for name in _request_bodies():
        if name in components["schemas"]:
            components["schemas"][name]["additionalProperties"] = False
    return document


def _request_bodies() -> set[str]:
    """The names of what comes in; unknown fields are refused there."""
    return {kind.__name__ for kind in Incoming.__subclasses__()}


def _complete(operation: dict[str, Any], method: str, path: str) -> None:
    name = operation["operationId"]
    for parameter in operation.get("parameters", []):
        parameter["schema"] = _without_null(parameter["schema"])
        if parameter["in"] == "path" and parameter["schema"].get("type") == "string":
            parameter["schema"]["minLength"] = 1  # without it the address is that of the list
    responses = operation["responses"]
    responses.pop("400", None)  # the framework's own idea of a problem
    for status in _problem_statuses(name, method, path, operation):
        responses.setdefault(status, {"$ref": f"#/components/responses/{status}"})
    if name in PUBLIC_OPERATIONS:
        operation["security"] = []
    if method == "post":
        operation.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    if name == "makeMove":
        operation["parameters"].append(IF_MATCH)
        operation["requestBody"]["content"] = {
            "application/json": {"schema": {"$ref": f"#/components/schemas/{MOVES_BODY}"}}
        }
    for media in operation.get("requestBody", {}).get("content", {}).values():
        if name in EXAMPLES.requests:
            media["examples"] = {key: {"value": value} for key, value in EXAMPLES.requests[name].items()}
    if name == "addAttachments":
        operation["requestBody"] = FORM_OF_FILES
        operation["parameters"] += [IF_MATCH]
        for status in ("400", "409", "412", "413", "422"):
            responses[status] = {"$ref": f"#/components/responses/{status}"}
    if name == "downloadAttachment":
        operation["parameters"].append(RANGE)
        responses["200"]["content"] = BYTES
        responses["206"] = {"description": "The part that was asked for", "content": BYTES}
        responses["416"] = {"$ref": "#/components/responses/416"}
    if name in TEXTS:
        media, example = TEXTS[name]
        responses["200"]["content"] = {media: {"schema": {"type": "string"}, "example": example}}
    for media, content in responses.get("200", {}).get("content", {}).items():
        if not media.startswith(("application/json", "text/")):
            content["schema"] = BINARY | {"contentMediaType": media}
    if name in ("getTicket", "createTicket", "makeMove", "listMoves", "addAttachments"):
        _answer_of(responses).setdefault("headers", {})["ETag"] = ETAG
    if name == "createTicket":
        responses["201"]["headers"]["Location"] = LOCATION


def _answer_of(responses: dict[str, Any]) -> dict[str, Any]:
    """The one that says it went well."""
    answer: dict[str, Any] = next(one for status, one in responses.items() if status.startswith("2"))
    return answer


def _show_answers(operation: dict[str, Any], schemas: Mapping[str, Any]) -> None:
    """An example beside every answer that is JSON."""
    for status, answer in operation["responses"].items():
        if not status.startswith("2"):
            continue
        for media, content in answer.get("content", {}).items():
            name = str(content["schema"].get("$ref", "")).rpartition("/")[2]
            if media == "application/json" and (example := _example_of(name, schemas)) is not None:
                content["example"] = example


def _example_of(schema: str, schemas: Mapping[str, Any]) -> Any:
    """What stands among the examples, or a page made of one of its items."""
    if schema in EXAMPLES.answers:
        return EXAMPLES.answers[schema]
    parts = schemas.get(schema, {}).get("properties", {})
    item = str(parts.get("items", {}).get("items", {}).get("$ref", "")).rpartition("/")[2]
    if set(parts) != {"items", "next_cursor"} or item not in EXAMPLES.answers:
        return None
    return {"items": [EXAMPLES.answers[item]], "next_cursor": None}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter of an address is there or not; it is never null."""
    kinds: list[dict[str, Any]] = [kind for kind in schema.get("oneOf", []) if kind.get("type") != "null"]
    if len(kinds) == 1:
        return {key: value for key, value in schema.items() if key != "oneOf"} | kinds[0]
    return schema


def _problem_statuses(name: str, method: str, path: str, operation: Mapping[str, Any]) -> list[str]:
    if name == "live":
        return ["500"]
    statuses = ["503", "500"]
    if name == "ready":
        return statuses
    statuses += ["401", "403", "429"]
    if "{" in path or name in MAY_BE_NONE:
        statuses.append("404")
    if operation.get("requestBody"):
        statuses += ["400", "413"]
    if operation.get("parameters") or operation.get("requestBody"):
        statuses.append("422")
    if (method in ("post", "patch", "put") and "requestBody" in operation) or name in MAY_CONFLICT:
        statuses.append("409")
    if name == "makeMove":
        statuses.append("412")
    return statuses


SIGNED_HEADERS = {
    "webhook-id": "The event's id, the same on every retry and replay.",
    "webhook-timestamp": "When this attempt was made, in whole seconds since 1970.",
    "webhook-signature": "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; several, by spaces.",
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": (
        "The same key gives the same answer again and acts once; a secret, token or password is not said a second "
        "time: an empty text stands in its place."
    ),
    "schema": {"type": "string", "pattern": "^[ -~]{1,120}$"},
}  # fmt: skip
IF_MATCH = {
    "name": "If-Match", "in": "header", "required": False,
    "description": "The `seq` of the ticket you looked at; 412 says who did what meanwhile.",
    "schema": {"type": "string", "pattern": '^([*]|(W/)?"[0-9]{1,9}")$'}, "example": '"3"',
}  # fmt: skip


ETAG = {"schema": {"type": "string"}, "description": "The ticket's `seq`, for `If-Match`.", "example": '"2"'}
LOCATION = {"schema": {"type": "string"}, "description": "The address of the ticket."}
LEFT = {
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": "Requests (`q`) in seconds (`w`)."},
    "RateLimit": {"schema": {"type": "string"}, "description": "What remains (`r`), and the seconds until more (`t`)."},
}
TEXTS = {
    "metrics": ("text/plain", 'reglament_tickets{state="new"} 3.0\n'),
    "getJournalCsv": ("text/csv", "Number,Received,Customer,…\n2026-00042,04.05.2026 10:00,Romashka LLC,…\n"),
}
# OpenAPI 3.1 asks for the media type alone; most generators of clients still look for the format.
BINARY = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
BYTES = {"application/octet-stream": {"schema": BINARY}}
RANGE = {
    "name": "Range", "in": "header", "required": False, "description": "One range of bytes (RFC 9110).",
    "schema": {"type": "string", "pattern": "^bytes=[0-9]{0,18}-[0-9]{0,18}$"}, "example": "bytes=0-1023",
}  # fmt: skip
FILES_SCHEMA = {
    "type": "object",
    "description": "Files, each judged by its content (clause 7.6); the names of the parts do not matter.",
    "properties": {
        "file": {
            "type": "array", "minItems": 1, "maxItems": 20,
            "items": BINARY,
        }
    },
    "required": ["file"],
}  # fmt: skip
FORM_OF_FILES = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {"$ref": "#/components/schemas/Files"},
        }
    },
}


def _problem_schemas() -> dict[str, Any]:
    _names, schemas = msgspec.json.schema_components((Problem,), ref_template="#/components/schemas/{name}")
    return dict(schemas)


def _problem_response(status: int) -> dict[str, Any]:
    example = PROBLEM | {"status": status, "title": TITLES[status]}
    answer: dict[str, Any] = {
        "description": TITLES[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
    }
    if status in (429, 503):
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    if status == 429:
        answer["headers"] |= LEFT
    return answer


# --- events, from their catalogue -------------------------------------------------------------------------------------


def _webhook(type: str) -> dict[str, Any]:
    """What a subscriber's server is sent (OpenAPI 3.1, 4.8.1), signed as Standard Webhooks 1.0.0 say."""
    content = {"schema": schema_of(type), "example": example_of(type)}
    return {
        "post": {
            "summary": type,
            "description": TYPES[type],
            "tags": ["Events"],
            "parameters": [
                {"name": name, "in": "header", "required": True, "description": said, "schema": {"type": "string"}}
                for name, said in SIGNED_HEADERS.items()
            ],
            "requestBody": {"required": True, "content": {"application/json": content}},
            "responses": {"2XX": {"description": "Taken. Anything else is tried again."}},
            "security": [],
        }
    }


# --- moves, from the process table ------------------------------------------------------------------------------------


def _move_schemas() -> dict[str, Any]:
    peoples = [move for move in PROCESS.moves if move.who not in (CLOCK_ONLY, CUSTOMER_ONLY) and sendable(move.trigger)]
    schemas = {_schema_name(move): _move_schema(move) for move in peoples}
    refs = {move.trigger: f"#/components/schemas/{_schema_name(move)}" for move in peoples}
    schemas[MOVES_BODY] = {
        "description": "One move with its fields; `GET …/moves` says which are possible now.",
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "trigger", "mapping": refs},
    }
    return schemas


def _schema_name(move: Move) -> str:
    return "Move" + "".join(word.capitalize() for word in move.trigger.split("_"))


def _move_schema(move: Move) -> dict[str, Any]:
    fields = {
        field.name: _field_schema(field) if field.required else _or_null(_field_schema(field))
        for field in open_fields(move)
    }
    return {
        "type": "object",
        "title": _schema_name(move),
        "description": move.label,
        "properties": {"trigger": {"const": move.trigger}} | fields,
        "required": ["trigger", *(field.name for field in open_fields(move) if field.required)],
        "additionalProperties": False,
    }


def _field_schema(field: Field) -> dict[str, Any]:
    schema: dict[str, Any] = {"description": field.label}
    if field.kind is Kind.MINUTES:
        return schema | {"type": "integer", "minimum": 0, "maximum": 1440}
    if field.kind is Kind.INSTANT:
        return schema | {"type": "string", "format": "date-time"}
    if field.kind is Kind.FILES:
        said = "Ids of files on this ticket; they go with the letter, where one is sent."
        one = {"type": "string", "format": "uuid"}
        return {"description": said, "type": "array", "items": one, "minItems": 1, "maxItems": MOST_AT_ONCE}
    if field.choices:
        return schema | {"type": "string", "enum": [code for code, _label in field.choices]}
    return schema | {"type": "string"}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Null is as good as nothing where nothing must be given."""
    choices = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | choices | {"type": [schema["type"], "null"]}


# --- the page ---------------------------------------------------------------------------------------------------------

FILES = {
    "swagger_bundle.js": "text/javascript",
    "swagger_preset.js": "text/javascript",
    "swagger_style.css": "text/css",
}
# Swagger UI sets styles of its own; nothing else is opened, and only on this page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>API · Reglament</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="/api/v1/docs/swagger_style.css">
  <script src="/api/v1/docs/swagger_bundle.js" defer></script>
  <script src="/api/v1/docs/swagger_preset.js" defer></script>
  <script src="/api/v1/docs/start.js" defer></script>
</head>
<body><main id="api"></main></body>
</html>
"""
START = """window.ui = SwaggerUIBundle({
  url: "/api/v1/openapi.json", dom_id: "#api", deepLinking: true, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset], layout: "BaseLayout",
});
"""


@get("/openapi.json", include_in_schema=False, guards=[READ])
async def openapi_json(request: AnyRequest) -> Response[bytes]:
    """The document, made once."""
    known = request.app.state
    if "openapi_document" not in known:
        known["openapi_document"] = msgspec.json.format(msgspec.json.encode(description(request.app)), indent=1)
    return Response(known["openapi_document"], media_type="application/json")


@get("/docs", include_in_schema=False, guards=[READ])
async def docs() -> Response[str]:
    """The API as a page to read and to try."""
    return Response(PAGE, media_type="text/html", headers={"Content-Security-Policy": POLICY})


@get("/docs/{name:str}", include_in_schema=False, guards=[READ])
async def docs_file(name: FromPath[str]) -> Response[bytes]:
    """What the page is made of, from the package that ships it."""
    headers = {"Cache-Control": "private, max-age=3600"}
    if name == "start.js":
        return Response(START.encode(), media_type="text/javascript", headers=headers)
    if name not in FILES:
        raise NotFound()
    return Response((_folder() / name).read_bytes(), media_type=FILES[name], headers=headers)


def _folder() -> Path:
    """Found, not imported: importing the package would read ten megabytes into memory."""
    spec = find_spec("offapi")
    if spec is None or spec.origin is None:
        raise NotFound()
    return Path(spec.origin).parent


ROUTER = Router("/", route_handlers=[openapi_json, docs, docs_file])
