"""Traces: what one request, mail, timer or delivery caused, statement by statement; nothing where nobody collects them.

Off, which is the default, OpenTelemetry is not even imported, and a place that would begin a span costs one comparison.
Names and attributes follow its semantic conventions. No span carries a text, a name or an address of a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal

from service.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

Kind = Literal["INTERNAL", "SERVER", "CLIENT", "CONSUMER"]
Fact = str | int | bool
PART = "reglament"  # begins the names of our own attributes
TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")  # W3C Trace Context, version 00
NOTHING: AbstractContextManager[None] = nullcontext()

_tracer: Tracer | None = None


@contextmanager
def collecting(settings: Settings, *, part: str, exporter: SpanExporter | None = None) -> Iterator[None]:
    """As long as the block lasts, spans of this process go to the collector of the settings; at its end all are sent.

    `exporter` stands in for the collector.
    """
    global _tracer
    if settings.traces_url is None and exporter is None:
        yield
        return
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased

    # A stranger's word that a trace is wanted decides nothing: the share does, by the trace's id, in every process.
    share = TraceIdRatioBased(settings.traces_percent / 100)
    provider = TracerProvider(
        sampler=ParentBased(share, remote_parent_sampled=share, remote_parent_not_sampled=ALWAYS_OFF),
        resource=Resource.create({"service.namespace": PART, "service.name": f"{PART}-{part}"}),
    )
    if exporter is not None:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.traces_url)))
    _tracer = provider.get_tracer(PART)
    try:
        yield
    finally:
        _tracer = None
        provider.shutdown()


def on() -> bool:
    """Whether this process makes spans."""
    return _tracer is not None


def trace(
    name: str, *, kind: Kind = "INTERNAL", parent: str = "", facts: Mapping[str, Fact] | None = None
) -> AbstractContextManager[Span | None]:
    """A span where something begins: a request, a delivery. `parent` is the traceparent it came with, if any."""
    if _tracer is None:
        return NOTHING
    return _span(_tracer, name, kind=kind, facts=facts or {}, within=_remote(parent))


def step(
    name: str, *, kind: Kind = "INTERNAL", facts: Mapping[str, Fact] | None = None
) -> AbstractContextManager[Span | None]:
    """A span inside the one we are in; none where none has begun: what workers look for all day is no story."""
    if _tracer is None or not traceparent():
        return NOTHING
    return _span(_tracer, name, kind=kind, facts=facts or {}, within=None)


def call(name: str, *, failed: bool) -> None:
    """Give the span we are in the name that is known only now, and say whether it failed."""
    if _tracer is not None:
        from opentelemetry.trace import StatusCode, get_current_span

        span = get_current_span()
        span.update_name(name)
        if failed:
            span.set_status(StatusCode.ERROR)


def tell(facts: Mapping[str, Fact]) -> None:
    """Add to the span we are in."""
    if _tracer is not None:
        from opentelemetry.trace import get_current_span

        get_current_span().set_attributes(facts)


def traceparent() -> str:
    """What whoever is called from here is told, as W3C Trace Context writes it; empty outside of a trace."""
    if _tracer is None:
        return ""
    from opentelemetry.trace import get_current_span

    found = get_current_span().get_span_context()
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}" if found.is_valid else ""


def name_in_log(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of the log: a line inside a trace names it."""
    if carried := traceparent():
        _version, event["trace_id"], event["span_id"], _flags = carried.split("-")
    return event


def statement(asked: Any) -> None:
    """What asyncpg tells of a statement it has carried out; the values are not looked at."""
    if _tracer is None or not traceparent():
        return
    from time import time_ns

    from opentelemetry.trace import SpanKind

    ended = time_ns()
    verb = asked.query.lstrip(" \n(;").split(maxsplit=1)[0].rstrip(";").upper() if asked.query.strip() else "?"
    span = _tracer.start_span(
        verb,
        kind=SpanKind.CLIENT,
        start_time=ended - int(asked.elapsed * 1e9),
        attributes={"db.system.name": "postgresql", "db.operation.name": verb, "db.query.text": asked.query},
    )
    if asked.exception is not None:
        _spoil(span, asked.exception)
    span.end(end_time=ended)


# --- the parts --------------------------------------------------------------------------------------------------------


@contextmanager
def _span(
    tracer: Tracer, name: str, *, kind: Kind, facts: Mapping[str, Fact], within: Context | None
) -> Iterator[Span]:
    from opentelemetry.trace import SpanKind

    # Not the library's own record of an exception: its words may be a customer's.
    with tracer.start_as_current_span(
        name, context=within, kind=SpanKind[kind], attributes=facts, record_exception=False,
        set_status_on_exception=False,
    ) as span:  # fmt: skip
        try:
            yield span
        except Exception as error:
            _spoil(span, error)
            raise


def _spoil(span: Span, error: BaseException) -> None:
    """A refusal is an answer; anything else is a fault."""
    from opentelemetry.trace import StatusCode

    from workflow.errors import Refusal

    span.set_attribute("error.type", type(error).__name__)
    if not isinstance(error, Refusal):
        span.set_status(StatusCode.ERROR)


def _remote(carried: str) -> Context | None:
    """The context a traceparent tells of; an empty one for none, or for what is none."""
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    if not TRACEPARENT.fullmatch(carried):
        return Context()
    _version, trace_id, span_id, flags = carried.split("-")
    told = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return set_span_in_context(NonRecordingSpan(told), Context())
