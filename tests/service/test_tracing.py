"""Spans tell what a request caused, keep what is personal to themselves, and cost nothing where nobody collects."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import httpx
import pytest
import structlog
from litestar import Litestar
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from service import logs, tracing
from service.app import create_app
from service.database import close_pool, fetchval, start_pool
from service.settings import Settings
from tests.service.api.conftest import ORIGIN, ClientFor, client_for
from workflow.definition import Role

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{CALLER}-01"
Spans = Callable[[], Sequence[ReadableSpan]]

__all__ = ["client_for"]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Litestar:
    return create_app(Settings(home=tmp_path_factory.mktemp("home"), env="test", public_url=ORIGIN))


@pytest.fixture
async def spans(tmp_path: Path, database: None) -> AsyncIterator[Spans]:
    """What was collected so far. The connections of the pool are made anew: only then they tell their statements."""
    kept = InMemorySpanExporter()
    with tracing.collecting(Settings(home=tmp_path), part="test", exporter=kept):
        await close_pool()
        await start_pool()
        yield kept.get_finished_spans
    await close_pool()
    await start_pool()


@pytest.fixture
async def operator(client_for: ClientFor) -> httpx.AsyncClient:
    return await client_for(Role.OPERATOR)


def named(spans: Sequence[ReadableSpan], name: str) -> ReadableSpan:
    (found,) = [span for span in spans if span.name == name]
    return found


def parent_of(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


async def test_a_request_its_verb_and_its_statements_are_one_story(operator: httpx.AsyncClient, spans: Spans) -> None:
    for headers in ({}, {"traceparent": TRACEPARENT}):  # a connection asks for types once, with its first statements
        taken = await operator.post("/api/v1/tickets", json={"channel": "phone", "text": "It beeps."})
        moved = await operator.post(
            f"/api/v1/tickets/{taken.json()['id']}/moves",
            json={"trigger": "register", "priority": "P2"},
            headers=headers,
        )
        assert moved.status_code == 200
    story = [span for span in spans() if span.context and f"{span.context.trace_id:032x}" == TRACE]
    request = named(story, "POST /api/v1/tickets/{ticket}/moves")
    assert (request.kind, f"{parent_of(request):016x}") == (SpanKind.SERVER, CALLER)
    told = dict(request.attributes or {})
    assert told["http.response.status_code"] == 200
    assert told["reglament.ticket"] == moved.json()["number"]
    verb = named(story, "carry_out")
    assert parent_of(verb) == id_of(request)
    assert dict(verb.attributes or {})["reglament.trigger"] == "register"
    inside = [span for span in story if span.parent and parent_of(span) == id_of(verb)]
    assert [span.name for span in inside] == ["BEGIN", "SELECT", "WITH", "COMMIT"]
    assert all(span.kind is SpanKind.CLIENT for span in inside)


async def test_a_trace_tells_nothing_that_is_personal(operator: httpx.AsyncClient, spans: Spans) -> None:
    words = {"text": "Quietly said.", "full_name": "Anna Kim", "email": "anna@example.org", "phone": "+7 900 1"}
    taken = await operator.post("/api/v1/tickets", json={"channel": "phone"} | words)
    assert taken.status_code == 201
    await operator.get("/api/v1/tickets", params={"q": "Anna Kim"})
    everything = " ".join(span.to_json() for span in spans())
    assert [word for word in words.values() if word in everything] == []


async def test_the_secret_of_a_signed_link_stays_out_of_traces(client_for: ClientFor, spans: Spans) -> None:
    stranger = await client_for()
    await stranger.get("/rate/c2VjcmV0")
    assert "c2VjcmV0" not in " ".join(span.to_json() for span in spans())
    assert named(spans(), "GET /rate/{token}")


async def test_a_refusal_is_an_answer_and_a_fault_is_a_fault(operator: httpx.AsyncClient, spans: Spans) -> None:
    taken = await operator.post("/api/v1/tickets", json={"channel": "phone", "text": "It beeps."})
    await operator.post(f"/api/v1/tickets/{taken.json()['id']}/moves", json={"trigger": "confirm"})
    refused = named(spans(), "carry_out")
    assert dict(refused.attributes or {})["error.type"] == "WrongState"
    assert refused.status.status_code is StatusCode.UNSET
    with pytest.raises(ZeroDivisionError), tracing.trace("work"):
        1 / 0  # noqa: B018
    broken = named(spans(), "work")
    assert broken.status.status_code is StatusCode.ERROR
    assert broken.events == ()


async def test_what_workers_look_for_all_day_is_no_story(spans: Spans) -> None:
    await fetchval("SELECT 1")
    with tracing.step("sweep"):
        await fetchval("SELECT 2")
    assert list(spans()) == []


async def test_health_and_metrics_leave_no_spans(client_for: ClientFor, spans: Spans) -> None:
    stranger = await client_for()
    await stranger.get("/health/ready")
    assert list(spans()) == []


@pytest.mark.parametrize("carried", ["", "nonsense", f"ff-{TRACE}-{CALLER}-01", f"00-{'0' * 32}-{CALLER}-01"])
async def test_a_wrong_traceparent_begins_a_trace_of_our_own(
    operator: httpx.AsyncClient, spans: Spans, carried: str
) -> None:
    assert (await operator.get("/api/v1/events", headers={"traceparent": carried})).status_code == 200
    assert named(spans(), "GET /api/v1/events").parent is None


async def test_a_caller_who_wants_no_trace_gets_none(operator: httpx.AsyncClient, spans: Spans) -> None:
    await operator.get("/api/v1/events", headers={"traceparent": f"00-{TRACE}-{CALLER}-00"})
    assert list(spans()) == []


async def test_a_line_of_the_log_names_its_trace(spans: Spans, capsys: pytest.CaptureFixture[str]) -> None:
    usual = structlog.get_config()
    logs.set_up(form="json")
    try:
        with tracing.trace("work", parent=TRACEPARENT):
            structlog.get_logger("test").info("inside")
    finally:
        structlog.configure(**usual)
    assert f'"trace_id": "{TRACE}"' in capsys.readouterr().err


def test_the_share_decides_for_a_trace_wherever_it_passes(tmp_path: Path) -> None:
    kept = InMemorySpanExporter()
    made: list[set[int]] = []
    ids = [f"{n:032x}" for n in range(1, 2**128, 2**128 // 100)]
    for _process in range(2):
        with tracing.collecting(Settings(home=tmp_path, traces_percent=25), part="test", exporter=kept):
            for id in ids:
                with tracing.trace("work", parent=f"00-{id}-{CALLER}-01"):
                    pass
            made.append({span.context.trace_id for span in kept.get_finished_spans() if span.context})
        kept = InMemorySpanExporter()
    assert made[0] == made[1]
    assert 0 < len(made[0]) < len(ids)


PROGRAM = """
import sys
from pathlib import Path
import notifications.worker
from service import tracing
from service.app import create_app
from service.settings import Settings

create_app(Settings(home=Path(sys.argv[1]), env="test"))
with tracing.collecting(Settings(), part="web"), tracing.trace("a") as a, tracing.step("b") as b:
    assert a is b is None
print(*(name for name in ("opentelemetry.sdk", "opentelemetry.trace", "google.protobuf") if name in sys.modules))
"""


def test_where_nobody_collects_nothing_is_loaded(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
