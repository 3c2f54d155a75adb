"""Logs go to stderr, in the form asked for, and say what they are about."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from service import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_line_says_which_request_actor_and_ticket_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(form="json", level="info")
    log = structlog.get_logger("service.tickets")
    with logs.about(request_id="r-1", actor="anna"), logs.about(ticket="SD-7"):
        log.info("сохранено", minutes=5)
    log.info("later")
    out, err = capsys.readouterr()
    first, second = map(json.loads, err.splitlines())
    assert out == ""
    assert first | {"timestamp": ""} == {
        "event": "сохранено",
        "minutes": 5,
        "request_id": "r-1",
        "actor": "anna",
        "ticket": "SD-7",
        "level": "info",
        "logger": "service.tickets",
        "timestamp": "",
    }
    assert "request_id" not in second


def test_a_librarys_line_has_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(form="json", level="warning")
    logging.getLogger("uvicorn.error").warning("slow %s", "client")
    logging.getLogger("uvicorn.error").info("unseen")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "slow client"


def test_the_console_form_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(form="console", level="debug")
    structlog.get_logger("x").error("broken", part=3)
    line = capsys.readouterr().err
    assert "broken" in line
    assert "part=3" in line


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_traceback_tells_where_and_never_what_the_variables_held(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up(form=form)
    password = "hunter" + "2"
    try:
        raise RuntimeError(f"no luck with {len(password)} letters")
    except RuntimeError:
        structlog.get_logger("test").exception("failed")
    said = capsys.readouterr().err
    assert "no luck with 7 letters" in said
    assert "hunter2" not in said
