"""The description of the API is complete, and its page needs nothing from elsewhere."""

from typing import Any

import httpx
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from service.schemas import NewTicket, NewWebhook
from workflow.definition import CLOCK_ONLY
from workflow.process import PROCESS


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
    by_json = {move.trigger for move in PROCESS.moves if move.who != CLOCK_ONLY} - {"attach"}  # files are uploaded
    assert described == by_json


def test_bodies_are_named_and_explained(document: dict[str, Any]) -> None:
    for operation in operations(document):
        assert operation["summary"]
        assert operation["tags"]
        for media in operation.get("requestBody", {}).get("content", {}).values():
            assert "$ref" in media["schema"], operation["operationId"]


def test_examples_are_what_the_api_takes(document: dict[str, Any]) -> None:
    paths = document["paths"]
    ticket = paths["/api/v1/tickets"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    hook = paths["/api/v1/webhooks"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    for example in ticket.values():
        msgspec.convert(example["value"], NewTicket)
    for example in hook.values():
        msgspec.convert(example["value"], NewWebhook)


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
