"""The description of the API is complete, and its page needs nothing from elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from service.api.examples import EXAMPLES
from workflow.definition import CLOCK_ONLY, CUSTOMER_ONLY
from workflow.process import PROCESS

PROMISED = Path(__file__).with_name("promised_operations.txt")


def into_document(schema: Any) -> Any:
    """The schema with references into the document."""
    if isinstance(schema, dict):
        return {key: f"urn:api{value}" if key == "$ref" else into_document(value) for key, value in schema.items()}
    return [into_document(one) for one in schema] if isinstance(schema, list) else schema


@pytest.fixture
async def document(operator: httpx.AsyncClient) -> dict[str, Any]:
    answer = await operator.get("/api/v1/openapi.json")
    assert answer.status_code == 200, answer.text
    described: dict[str, Any] = answer.json()
    return described


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        operation
        for item in document["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "operationId" in operation
    ]


def test_it_is_valid_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_errors_are_described_as_problems(document: dict[str, Any]) -> None:
    for response in document["components"]["responses"].values():
        assert list(response["content"]) == ["application/problem+json"]
    for operation in operations(document):
        if operation.get("security") != []:
            assert {"401", "403"} <= set(operation["responses"]), operation["operationId"]


def test_every_move_a_person_may_make_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    described = {schemas[ref["$ref"].rpartition("/")[2]]["properties"]["trigger"]["const"]
                 for ref in schemas["MoveRequest"]["oneOf"]}  # fmt: skip
    by_json = {move.trigger for move in PROCESS.moves if move.who not in (CLOCK_ONLY, CUSTOMER_ONLY)} - {
        "attach"
    }  # files are uploaded
    assert described == by_json


def test_null_is_as_good_as_nothing_where_a_move_needs_nothing(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["MoveRemind"]["properties"]["text"]["type"] == ["string", "null"]
    assert schemas["MoveAnswer"]["properties"]["text"]["type"] == "string"
    given = schemas["MoveReject"]["properties"]
    assert (given["text"]["type"], "null" in given["reason"]["type"]) == (["string", "null"], False)


def test_bodies_are_named_and_explained(document: dict[str, Any]) -> None:
    for operation in operations(document):
        assert operation["summary"]
        assert operation["tags"]
        for media in operation.get("requestBody", {}).get("content", {}).values():
            assert "$ref" in media["schema"], operation["operationId"]


def examples(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every example of a body or an answer, with its schema and whose it is."""
    for operation in operations(document):
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [answer.get("content", {}) for answer in operation["responses"].values()]
        for media in (media for content in contents for media in content.values()):
            shown = [one["value"] for one in media.get("examples", {}).values()]
            for value in [*shown, *([media["example"]] if "example" in media else [])]:
                yield operation["operationId"], media["schema"], value


def test_every_operation_shows_what_it_takes_and_what_it_answers(document: dict[str, Any]) -> None:
    for operation in operations(document):
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [one.get("content", {}) for status, one in operation["responses"].items() if status[0] == "2"]
        for type, media in (media for content in contents for media in content.items()):
            shown = "example" in media or "examples" in media
            assert shown or not type.startswith(("application/json", "text/")), (
                f"{operation['operationId']}: service/api/examples.py has nothing for {media['schema']}"
            )


def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    registry: Registry[Any] = Registry().with_resource(
        "urn:api", Resource.from_contents(document, default_specification=DRAFT202012)
    )
    tried = 0
    for name, schema, value in examples(document):
        validator = OAS31Validator(into_document(schema), registry=registry, format_checker=oas31_format_checker)
        wrong = [f"{'.'.join(map(str, one.absolute_path))}: {one.message}" for one in validator.iter_errors(value)]
        assert wrong == [], name
        tried += 1
    assert tried > 120


def test_examples_are_whole(document: dict[str, Any]) -> None:
    """An answer shows every field there is: who reads the example knows the answer."""
    schemas = document["components"]["schemas"]
    for name, value in EXAMPLES.answers.items():
        assert set(value) == set(schemas[name]["properties"]), name


def test_answers_are_named(document: dict[str, Any]) -> None:
    """A generated client makes a type of each; what has no name would be called by a number."""
    for operation in operations(document):
        for status, answer in operation["responses"].items():
            for media, content in answer.get("content", {}).items():
                assert media != "application/json" or "$ref" in content["schema"], (operation["operationId"], status)


def test_what_was_promised_is_still_there(document: dict[str, Any]) -> None:
    """Programs stand on these: an operation may be added, never renamed or taken away within `/api/v1`."""
    there = {
        f"{operation['operationId']} {method.upper()} {path}"
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict) and "operationId" in operation
    }
    promised = set(PROMISED.read_text("utf-8").split("\n")) - {""}
    assert sorted(promised - there) == []
    assert sorted(there - promised) == [], f"promise the new ones in {PROMISED.name}"


async def test_the_page_loads_nothing_from_elsewhere(operator: httpx.AsyncClient) -> None:
    page = await operator.get("/api/v1/docs")
    assert page.status_code == 200
    assert "://" not in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]
    for name in ("swagger_bundle.js", "swagger_preset.js", "swagger_style.css", "start.js"):
        assert f"/api/v1/docs/{name}" in page.text
        assert (await operator.get(f"/api/v1/docs/{name}")).status_code == 200
    assert (await operator.get("/api/v1/docs/__init__.py")).status_code == 404


async def test_figures_for_prometheus_tell_how_the_desk_stands(operator: httpx.AsyncClient) -> None:
    taken = await operator.post("/api/v1/tickets", json={"channel": "phone", "text": "It beeps."})
    await operator.post(f"/api/v1/tickets/{taken.json()['id']}/moves", json={"trigger": "register", "priority": "P1"})
    answer = await operator.get("/metrics")
    assert answer.headers["content-type"].count("charset") == 1
    text = answer.text
    assert f'reglament_tickets{{state="{PROCESS.initial}"}} 0.0' in text
    assert 'reglament_nearest_breach_seconds{priority="P1"}' in text
    for name in ("outbox_backlog", "timer_lateness_seconds", "oldest_unregistered_seconds", "alarms"):
        assert f"\nreglament_{name} " in text
