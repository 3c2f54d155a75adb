"""The audit of the dependencies finds what a database of faults knows, and never stays silent without one."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.faults.stage import free_port

ROOT = Path(__file__).parents[1]
LOCK = "jinja2==3.1.6 --hash=sha256:" + "0" * 64 + "\n"
FAULT = {
    "id": "TEST-2026-1", "summary": "It opens the door to strangers.", "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "jinja2", "ecosystem": "PyPI"}, "versions": ["3.1.6"],
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.7"}]}],
        }
    ],
}  # fmt: skip


class Database:
    """A database of faults that knows what it is told, and counts who was asked for."""

    def __init__(self) -> None:
        self.faulty: set[str] = set()
        self.asked: list[str] = []
        known = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                name = query["package"]["name"]
                known.asked.append(name)
                body = json.dumps({"vulns": [FAULT]} if name in known.faulty else {}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: object) -> None:
                """Tests read the output."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1/query"


@pytest.fixture
def database() -> Iterator[Database]:
    made = Database()
    serving = Thread(target=made.server.serve_forever, daemon=True)
    serving.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    serving.join()


def audited(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "tests" / "audit.py"), *words], capture_output=True, text=True, check=False
    )


def test_a_known_fault_fails_the_audit_by_name(database: Database, tmp_path: Path) -> None:
    (tmp_path / "a.lock").write_text(LOCK)
    database.faulty = {"jinja2"}
    done = audited("--database", database.url, "--lock", str(tmp_path / "a.lock"))
    assert done.returncode == 1, done.stderr
    assert "TEST-2026-1" in done.stdout
    assert "SKIPPED" not in done.stderr


def test_every_locked_package_is_asked_for(database: Database) -> None:
    done = audited("--database", database.url)
    assert done.returncode == 0, done.stderr
    assert {"litestar", "asyncpg", "cryptography", "pytest"} <= set(database.asked)
    assert len(set(database.asked)) > 100


def test_a_database_out_of_reach_is_said_aloud() -> None:
    done = audited("--database", f"http://127.0.0.1:{free_port()}/v1/query")
    assert done.returncode == 0
    assert "SKIPPED" in done.stderr
    assert "out of reach" in done.stderr


def test_make_calls_it() -> None:
    planned = subprocess.run(["make", "--dry-run", "audit"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "tests/audit.py" in planned.stdout
