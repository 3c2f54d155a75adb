"""A collector gets the whole story of a request, from a caller's trace to the webhook that another process sent."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from service import clock
from service.regulations import RULEBOOKS, publish_default
from service.tokens import add_token
from tests.desk import MONDAY, eventually
from tests.e2e.system import Receiver
from tests.faults.stage import Stage, free_port
from workflow.definition import Role

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@dataclass
class Collector:
    """What an OTLP collector was sent: each span with the name of the part that made it."""

    port: int = 0
    spans: list[tuple[str, Any]] = field(default_factory=list)

    def of(self, trace: str) -> dict[str, tuple[str, Any]]:
        return {span.name: (part, span) for part, span in list(self.spans) if span.trace_id.hex() == trace}


@pytest.fixture
def collector() -> Iterator[Collector]:
    kept = Collector()

    class Keeper(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = ExportTraceServiceRequest.FromString(self._body())
            for resource in sent.resource_spans:
                (part,) = (one.value.string_value for one in resource.resource.attributes if one.key == "service.name")
                kept.spans += [(part, span) for scope in resource.scope_spans for span in scope.spans]
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _body(self) -> bytes:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

        def log_message(self, *_words: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
    kept.port = server.server_port
    Thread(target=server.serve_forever, daemon=True).start()
    yield kept
    server.shutdown()
    server.server_close()


@pytest.fixture
async def regulation(database: None) -> AsyncIterator[None]:
    RULEBOOKS.forget()
    await publish_default(at=MONDAY)
    yield
    RULEBOOKS.forget()


@pytest.fixture
def stage(tmp_path: Path, database_url: str, redis_url: str, receiver: Receiver) -> Iterator[Stage]:
    made = Stage(tmp_path, database_url, redis_url, f"127.0.0.1:{receiver.port}")
    yield made
    made.clear()


async def test_a_trace_goes_from_the_caller_through_two_processes_to_the_webhook(
    stage: Stage, collector: Collector, receiver: Receiver, regulation: None
) -> None:
    port, token = free_port(), await add_token("traced", role=Role.OPERATOR, at=clock.now())
    more = {
        "REGLAMENT_PORT": str(port),
        "REGLAMENT_TRACES_URL": f"http://127.0.0.1:{collector.port}/v1/traces",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    stage.start("web", more=more)
    stage.start("worker", more=more)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as program:
        await eventually(lambda: _ready(program), within=120)
        hook = {"url": receiver.url, "event_types": ["ticket.received"]}
        assert (await program.post("/api/v1/webhooks", json=hook)).status_code == 201
        carried = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        taken = await program.post("/api/v1/tickets", json={"channel": "phone", "text": "It beeps."}, headers=carried)
        assert taken.status_code == 201

    async def whole() -> bool:
        names = {"POST /api/v1/tickets", "receive", "WITH", "deliver webhook", "POST"}
        return names <= set(collector.of(TRACE))

    await eventually(whole, within=60)
    story = collector.of(TRACE)
    request, delivery, post = story["POST /api/v1/tickets"], story["deliver webhook"], story["POST"]
    assert (request[0], delivery[0]) == ("reglament-web", "reglament-worker")
    assert request[1].parent_span_id.hex() == CALLER
    assert delivery[1].parent_span_id == story["receive"][1].span_id
    assert post[1].parent_span_id == delivery[1].span_id
    (got,) = [sent["traceparent"] for sent, _body in receiver.requests if TRACE in sent.get("traceparent", "")]
    assert got == f"00-{TRACE}-{post[1].span_id.hex()}-01"
    assert story["WITH"][0] == "reglament-web"


async def _ready(program: httpx.AsyncClient) -> bool:
    try:
        return (await program.get("/health/ready")).status_code == 200
    except httpx.TransportError:
        await asyncio.sleep(0.1)
        return False


async def test_the_last_request_before_the_end_is_collected_too(
    stage: Stage, collector: Collector, regulation: None
) -> None:
    port = free_port()
    more = {
        "REGLAMENT_PORT": str(port),
        "REGLAMENT_TRACES_URL": f"http://127.0.0.1:{collector.port}/v1/traces",
        "OTEL_BSP_SCHEDULE_DELAY": "60000",
    }
    web = stage.start("web", more=more)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as browser:
        await eventually(lambda: _ready(browser), within=120)
        assert (await browser.get("/sign-in")).status_code == 200
    assert collector.spans == []
    web.terminate()
    await asyncio.to_thread(web.wait, 30)
    assert "GET /sign-in" in {span.name for _part, span in collector.spans}
