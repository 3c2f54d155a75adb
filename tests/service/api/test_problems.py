"""Errors say what is wrong in one form, whatever went wrong."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody

from service.auth import Doors
from service.envelope import Envelope
from service.problems import HANDLERS, plain_page
from workflow.errors import NotYours


class Order(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    amount: int
    colours: list[str] = []


FAULTS: dict[str, Exception] = {
    "failure": ZeroDivisionError("secret detail"),
    "away": ConnectionRefusedError("no server"),
    "gone": asyncpg.PostgresConnectionError("gone"),
    "busy": asyncpg.LockNotAvailableError("lock"),
    "unstarted": RuntimeError("start_pool() comes before the first statement"),
    "not-yours": NotYours(move="Complete"),
}


@get("/faults/{name:str}")
async def fault(name: FromPath[str]) -> None:
    raise FAULTS[name]


@post("/orders")
async def order(data: JSONBody[Order]) -> str:
    return data.name


@pytest.fixture
def small() -> Litestar:
    app = Litestar(
        [fault, order],
        exception_handlers=dict(HANDLERS),
        state=State({"doors": Doors(csrf_key=b"k", secure=False), "page_error": plain_page}),
        openapi_config=None,
        logging_config=None,
    )
    app.asgi_handler = Envelope(app.asgi_handler, {"X-Frame-Options": "DENY"})
    return app


@pytest.fixture
async def client(small: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=small, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example.org") as client:
        yield client


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    told: dict[str, Any] = answer.json()
    assert answer.status_code == told["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance", "request_id"} <= set(told)
    assert told["type"] == f"urn:reglament:problem:{told['code']}"
    assert told["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-frame-options"] == "DENY"
    return told


async def test_what_is_not_there_and_what_is_not_done(client: httpx.AsyncClient) -> None:
    assert problem(await client.get("/nowhere"), 404)["instance"] == "/nowhere"
    answer = await client.get("/orders")
    problem(answer, 405)
    assert "POST" in answer.headers["allow"]


async def test_a_fault_of_ours_tells_no_details(client: httpx.AsyncClient) -> None:
    answer = await client.get("/faults/failure")
    problem(answer, 500)
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("name", ["away", "gone", "busy", "unstarted"])
async def test_when_waiting_helps_it_says_how_long(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/faults/{name}")
    problem(answer, 503)
    assert int(answer.headers["retry-after"]) > 0


async def test_every_wrong_field_is_named_at_once(client: httpx.AsyncClient) -> None:
    told = problem(await client.post("/orders", json={"amount": "many", "colours": [1], "size": 3}), 422)
    assert {error["field"] for error in told["errors"]} == {"name", "amount", "colours.0", "size"}


async def test_misfits_are_told_in_the_language_asked_for(client: httpx.AsyncClient) -> None:
    answer = await client.post("/orders", json={"name": "x", "amount": "many"}, headers={"Accept-Language": "ru"})
    assert problem(answer, 422)["errors"] == [{"field": "amount", "message": "Здесь ожидается: целое число."}]


@pytest.mark.parametrize("body", [b"[1]", b'"x"', b"5", b"null", b""])
async def test_a_body_that_is_no_object_is_told(client: httpx.AsyncClient, body: bytes) -> None:
    told = problem(await client.post("/orders", content=body, headers={"Content-Type": "application/json"}), 422)
    assert told["errors"][0]["field"] == "body"


NO_JSON = [b"{", b"\xff\xfe", b'{"name": "\\ud800"}', b'{"name": "\xff"}', b"[" * 100_000, b'{"name":' * 50_000]


@pytest.mark.parametrize("body", NO_JSON, ids=[body[:12].decode("latin-1") for body in NO_JSON])
async def test_what_is_no_json_is_told_how_to_mend(client: httpx.AsyncClient, body: bytes) -> None:
    told = problem(await client.post("/orders", content=body, headers={"Content-Type": "application/json"}), 400)
    assert "JSON" in told["detail"]


async def test_programs_read_english_unless_they_ask_for_russian(client: httpx.AsyncClient) -> None:
    english = await client.get("/faults/not-yours")
    russian = await client.get("/faults/not-yours", headers={"Accept-Language": "ru-RU, en;q=0.5"})
    assert problem(english, 403)["detail"] == "Your role does not allow “Complete”."
    assert "Выполнить" in problem(russian, 403)["detail"] or "роль" in problem(russian, 403)["detail"]


async def test_a_browser_gets_a_page(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere", headers={"Accept": "text/html", "Accept-Language": "en"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")
    assert "Not found" in answer.text


async def test_under_api_even_a_browser_gets_a_problem(client: httpx.AsyncClient) -> None:
    problem(await client.get("/api/v1/nowhere", headers={"Accept": "text/html"}), 404)


async def test_the_callers_own_request_id_is_kept_when_it_is_harmless(client: httpx.AsyncClient) -> None:
    kept = await client.get("/nowhere", headers={"X-Request-ID": "order-7.b"})
    assert kept.headers["x-request-id"] == "order-7.b"
    for bad in ("a b", "x" * 81, "<script>"):
        replaced = await client.get("/nowhere", headers={"X-Request-ID": bad})
        assert len(replaced.headers["x-request-id"]) == 32
