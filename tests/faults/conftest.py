"""Real processes for the fault tests: workers that can be killed, and a receiver that keeps everything."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from service.house import HOUSE
from service.regulations import RULEBOOKS, publish_default
from service.settings import Settings
from tests.desk import MONDAY

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
async def regulation(database: None) -> AsyncIterator[None]:
    """The default regulation, published."""
    RULEBOOKS.forget()
    await publish_default(at=MONDAY)
    yield
    RULEBOOKS.forget()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of the workers; this process seals secrets with its key."""
    monkeypatch.setattr(HOUSE, "vault_key", Settings(home=tmp_path).key("vault"))
    return tmp_path


class Journal:
    """What the receiver got, in the order of arrival; it only grows."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.port = 0

    async def got_any(self) -> bool:
        return bool(self.got)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"


@pytest.fixture
def receiver() -> Iterator[Journal]:
    journal = Journal()

    class Keeper(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            journal.got.append((self.headers["webhook-id"], body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
    journal.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield journal
    server.shutdown()
    server.server_close()


@pytest.fixture
def start_worker(home: Path, database_url: str, redis_url: str, receiver: Journal) -> Iterator[Start]:
    """Starts `reglament worker` as a process of its own; all are gone at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*failpoints: str, redis: str = redis_url) -> "subprocess.Popen[bytes]":
        environ = {name: value for name, value in os.environ.items() if not name.startswith("REGLAMENT_")} | {
            "REGLAMENT_HOME": str(home),
            "REGLAMENT_ENV": "test",
            "REGLAMENT_DATABASE_URL": database_url,
            "REGLAMENT_REDIS_URL": redis,
            "REGLAMENT_WEBHOOK_ALLOWED_HOSTS": f"127.0.0.1:{receiver.port}",
            "REGLAMENT_FAILPOINTS": ",".join(failpoints),
        }
        log = (home / f"worker-{len(started)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", "worker"], env=environ, stdout=log, stderr=subprocess.STDOUT
        )
        log.close()
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        process.wait(30)
