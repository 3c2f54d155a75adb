"""What this machine can do at all: the disk, PostgreSQL with the statements of a transition, a bare route."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from service.database import execute
from tests.bench.figures import Figure
from tests.bench.load import Load
from tests.bench.place import ROOT, Place, free_port, pgbench, wait_for

CHAPTER = "The limits of the machine"

# The rows of one transition as five prepared statements: lock, update, journal, timer, outbox.
FIVE = """
\\set id random(1, 10000)
BEGIN;
SELECT seq FROM b_ticket WHERE id = :id FOR UPDATE;
UPDATE b_ticket SET seq = seq + 1, state = 'in_progress' WHERE id = :id;
INSERT INTO b_journal (ticket, body) VALUES (:id, repeat('x', 300));
INSERT INTO b_timer (ticket, due_at) VALUES (:id, now());
INSERT INTO b_outbox (ticket, body) VALUES (:id, repeat('x', 400));
COMMIT;
"""
ONE = """
\\set id random(1, 10000)
WITH t AS (UPDATE b_ticket SET seq = seq + 1, state = 'in_progress' WHERE id = :id RETURNING id),
j AS (INSERT INTO b_journal (ticket, body) SELECT id, repeat('x', 300) FROM t),
m AS (INSERT INTO b_timer (ticket, due_at) SELECT id, now() FROM t)
INSERT INTO b_outbox (ticket, body) SELECT id, repeat('x', 400) FROM t;
"""
TABLES = """
CREATE TABLE b_ticket (id int PRIMARY KEY, seq int DEFAULT 0, state text DEFAULT 'new',
    body text DEFAULT repeat('x', 500));
CREATE TABLE b_journal (id bigserial PRIMARY KEY, ticket int, body text);
CREATE TABLE b_timer (id bigserial PRIMARY KEY, ticket int, due_at timestamptz);
CREATE TABLE b_outbox (id bigserial PRIMARY KEY, ticket int, body text);
INSERT INTO b_ticket (id) SELECT generate_series(1, 10000);
"""
BARE = """
import sys
import uvicorn
from litestar import Litestar, get

@get("/")
async def bare() -> dict[str, str]:
    return {"said": "nothing"}

uvicorn.run(Litestar([bare], openapi_config=None, logging_config=None), port=int(sys.argv[1]), log_config=None,
            access_log=False)
"""


async def measure(place: Place, *, seconds: float) -> AsyncIterator[Figure]:
    yield Figure(chapter=CHAPTER, name="fdatasync of a page", value=syncs(place.home, seconds), unit="/s")
    await execute(TABLES)
    for name, script in (("five prepared statements", FIVE), ("one statement", ONE)):
        for clients in (1, 8):
            rate = await pgbench(place, script, clients=clients, seconds=seconds)
            yield Figure(chapter=CHAPTER, name=f"pgbench, {name}, {_clients(clients)}", value=rate, unit="/s")
    with _bare_route() as port:
        for clients in (1, 8):
            pace = await Load([port], {}, seconds=seconds).run(clients, lambda _n: ("GET", "/", b""))
            yield Figure(chapter=CHAPTER, name=f"bare Litestar route, {_clients(clients)}", value=pace.per_second,
                         unit="/s")  # fmt: skip


@contextmanager
def _bare_route() -> Iterator[int]:
    """The port of an application that does nothing."""
    port = free_port()
    bare = subprocess.Popen([sys.executable, "-c", BARE, str(port)], cwd=ROOT)
    try:
        wait_for(port)
        yield port
    finally:
        bare.terminate()
        bare.wait()


def _clients(count: int) -> str:
    return f"{count} client{'s' * (count > 1)}"


def syncs(home: Path, seconds: float) -> float:
    """How often a second a page reaches the disk."""
    with tempfile.NamedTemporaryFile(dir=home) as file:
        begun, done = time.perf_counter(), 0
        while time.perf_counter() - begun < min(seconds, 2):
            os.pwrite(file.fileno(), b"x" * 8192, 0)
            os.fdatasync(file.fileno())
            done += 1
        return done / (time.perf_counter() - begun)
