"""The whole system, started as its user starts it, with a clock that can be moved, a receiver and a browser."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.system import CHROMIUM_FLAGS, CHROMIUMS, MONDAY, Receiver, System, eventually, free_port


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    kept: list[tuple[dict[str, str], bytes]] = []

    class Keeper(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Receiver(server.server_port, kept)
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def system(receiver: Receiver) -> Iterator[System]:
    """`reglament up` on a home of its own, on the Monday of the tests."""
    home = Path(tempfile.mkdtemp(prefix="rgl-e2e-", dir="/tmp"))
    port, smtp_port = free_port(), free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("REGLAMENT_")} | {
        "REGLAMENT_HOME": str(home),
        "REGLAMENT_PORT": str(port),
        "REGLAMENT_SMTP_PORT": str(smtp_port),
        "REGLAMENT_CLOCK_FILE": str(home / "clock"),
        "REGLAMENT_WEBHOOK_ALLOWED_HOSTS": f"127.0.0.1:{receiver.port}",
    }
    (home / "clock").write_text(f"{(MONDAY - datetime.now(UTC)).total_seconds()}\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "up", "--no-demo"],
        env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    running = System(home, port, smtp_port, environ, process)
    reading = threading.Thread(target=_listen, args=(running,), daemon=True)
    reading.start()
    try:
        eventually(
            lambda: any("Ctrl-C stops" in line for line in running.said) or process.poll() is not None,
            "a start",
            within=120,
        )
        assert process.poll() is None, "".join(running.said)
        yield running
    finally:
        process.terminate()
        ended = process.wait(60)
        reading.join(5)
        assert process.stdout is not None
        process.stdout.close()
        shutil.rmtree(home, ignore_errors=True)
    assert ended == 0, "".join(running.said[-30:])


def _listen(running: System) -> None:
    assert running.process.stdout is not None
    for line in running.process.stdout:
        running.said.append(line)


@pytest.fixture(scope="module")
def api(request: pytest.FixtureRequest, system: System) -> Iterator[httpx.Client]:
    """A program that may do everything; each module of tests has its own."""
    name = request.module.__name__.rpartition(".")[2]
    with system.client(system.prints("token", "add", name, "--role", "administrator")) as client:
        yield client


@pytest.fixture(scope="module")
def passwords(request: pytest.FixtureRequest, system: System) -> dict[str, str]:
    """Addresses with the passwords the command printed, for the PEOPLE of the module: role, short name, full name."""
    addresses = {f"{name}@reglament.example.org": (full, role) for role, name, full in request.module.PEOPLE}
    return {
        address: system.prints("user", "add", address, "--name", full, "--role", role)
        for address, (full, role) in addresses.items()
    }


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where a Chromium is; without one the browser tests are skipped aloud, and with CI=true they fail."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must have a Chromium: .ci/run installs it.")
        pytest.skip("no Chromium: set CHROMIUM or install one to run the browser tests")
    return found


@pytest.fixture
def browser(chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield opened
        opened.close()
