"""Logs: one line an event, with the request, the actor and the ticket it belongs to."""

import json
import logging
import sys
from contextlib import AbstractContextManager

import structlog
from structlog.contextvars import bound_contextvars
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

from service import tracing

# Libraries that tell everything they do at a level where we say what matters.
TALKATIVE = ("transitions", "httpx", "httpcore", "mail.log", "asyncio", "arq", "markdown_it", "uvicorn.access")


def set_up(*, form: str = "console", level: str = "info") -> None:
    """Send all logs, ours and the libraries', to stderr: stdout belongs to what a command answers.

    `form` is console (for people) or json (for collectors); called once, by the composition root.
    """
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        tracing.name_in_log,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(form)],
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def about(
    *, request_id: str | None = None, actor: str | None = None, ticket: str | None = None
) -> AbstractContextManager[None]:
    """Everything logged inside says which request, actor and ticket it is about; what is None stays as it was."""
    named = {"request_id": request_id, "actor": actor, "ticket": ticket}
    return bound_contextvars(**{name: value for name, value in named.items() if value is not None})


def _rendering(form: str) -> list[Processor]:
    """Tracebacks without the values of variables: those hold passwords, tokens and letters."""
    if form == "json":
        tracebacks = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
        return [tracebacks, structlog.processors.JSONRenderer(serializer=_json)]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def _json(event: object, **_: object) -> str:
    return json.dumps(event, ensure_ascii=False, default=str)
