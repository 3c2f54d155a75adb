"""What operators and programs wait for, beside the limits of this machine: `bench_service.py [--tickets N]`.

Two web processes, PostgreSQL and the load on the same machine, durable. Prints pgbench with the statements of a
transition, then create, move, queue, ticket page and search at 1 and 8 clients. Bars: ratios of `pgbench`.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

from service.accounts import add_user
from service.clock import now
from service.database import DB, close_pool, execute, fetchval, migrate, start_pool
from service.embedded import EmbeddedPostgres, EmbeddedRedis
from service.regulations import publish_default
from service.sessions import open_session
from service.tokens import add_token
from workflow.definition import Role

ROOT = Path(__file__).parents[2]
SECONDS = 4.0

# The statements of one transition, as five prepared statements (bench.md): lock, update, journal, timer, outbox.
TRANSITION = """
\\set id random(1, 10000)
BEGIN;
SELECT seq FROM b_ticket WHERE id = :id FOR UPDATE;
UPDATE b_ticket SET seq = seq + 1, state = 'in_progress' WHERE id = :id;
INSERT INTO b_journal (ticket, body) VALUES (:id, repeat('x', 300));
INSERT INTO b_timer (ticket, due_at) VALUES (:id, now());
INSERT INTO b_outbox (ticket, body) VALUES (:id, repeat('x', 400));
COMMIT;
"""
SCENE = """
CREATE TABLE b_ticket (id int PRIMARY KEY, seq int DEFAULT 0, state text DEFAULT 'new',
    body text DEFAULT repeat('x', 500));
CREATE TABLE b_journal (id bigserial PRIMARY KEY, ticket int, body text);
CREATE TABLE b_timer (id bigserial PRIMARY KEY, ticket int, due_at timestamptz);
CREATE TABLE b_outbox (id bigserial PRIMARY KEY, ticket int, body text);
INSERT INTO b_ticket (id) SELECT generate_series(1, 10000);
"""

# A past of any size, made by the database: open tickets a tenth, the rest closed; twenty entries on the newest.
PAST = """
INSERT INTO ticket (id, number, state, state_since, priority, priority_rank, subject, text, channel, language,
    organisation_name, full_name, email, service_level, received_at, registered_at, registration_due_at, due_at,
    closed_at, seq, head, last_at, regulation_version, clocks, search)
SELECT gen_random_uuid(), 'B-' || n, CASE WHEN n % 10 = 0 THEN 'in_progress' ELSE 'closed' END, at, 'P' || (1 + n % 4),
    1 + n % 4, 'Не печатает накладная ' || n, 'После обновления печать молчит', 'email', 'ru',
    'ООО «Порт ' || n % 500 || '»',
    'Игорь', 'a' || n || '@example.com', 'standard', at, at, at + interval '3 hours', at + interval '8 hours',
    CASE WHEN n % 10 = 0 THEN NULL ELSE at + interval '1 day' END, 1, '', at, 1, '{"version": 1}',
    to_tsvector('russian', 'Не печатает накладная ' || n || ' порт' || n % 500)
FROM (SELECT n, now() - n * interval '20 seconds' AS at FROM generate_series(1, $1::int) AS n) AS past
"""


class Load:
    """Requests over kept connections, spread over the web processes."""

    def __init__(self, ports: list[int], headers: dict[str, str]) -> None:
        self.ports = ports
        self.head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    async def run(self, clients: int, make: Callable[[int], tuple[str, str, bytes]]) -> tuple[float, float, float]:
        """Requests per second, p50 and p99 in milliseconds, of `clients` that ask one after the other."""
        taken: list[float] = []
        end = time.perf_counter() + SECONDS
        start = time.perf_counter()
        await asyncio.gather(*(self._client(n, end, make, taken) for n in range(clients)))
        seconds = time.perf_counter() - start
        ordered = sorted(taken)
        return len(taken) / seconds, statistics.median(ordered), ordered[int(len(ordered) * 0.99)]

    async def _client(
        self, n: int, end: float, make: Callable[[int], tuple[str, str, bytes]], taken: list[float]
    ) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ports[n % len(self.ports)])
        while (began := time.perf_counter()) < end:
            method, path, body = make(n)
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{self.head}Content-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
            content = await reader.readexactly(int(length[1])) if length else b""
            if answer[9:10] != b"2":
                raise RuntimeError(f"{method} {path}: {answer[:40]!r} {content[:300]!r}")
            taken.append((time.perf_counter() - began) * 1000)
        writer.close()


def a_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pgbench(server: EmbeddedPostgres, home: Path, clients: int) -> float:
    """Transitions per second of the bare statements."""
    script = home / "transition.sql"
    script.write_text(TRANSITION)
    script.chmod(0o644)
    home.chmod(0o755)
    done = subprocess.run(
        [str(server.programs / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "1",
         "-T", str(int(SECONDS)), "-f", str(script), server.dsn],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout + done.stderr)
    return float(found[1])


async def measure(tickets: int) -> dict[str, object]:
    home = Path(tempfile.mkdtemp(prefix="rgl-bench-", dir="/tmp"))
    figures: dict[str, object] = {"tickets": tickets, "cores": os.cpu_count()}
    with ExitStack() as running:
        postgres = running.enter_context(EmbeddedPostgres(home))
        redis = running.enter_context(EmbeddedRedis(home))
        running.callback(shutil.rmtree, home, True)
        DB.configure(postgres.dsn, pool_size=4)
        await migrate()
        await start_pool()
        await publish_default(at=now())
        await execute(SCENE)
        for clients in (1, 8):
            figures[f"pgbench {clients}"] = round(await asyncio.to_thread(pgbench, postgres, home, clients))
        token = await add_token("bench", role=Role.ADMINISTRATOR, at=now())
        await add_user("op@example.org", name="Анна", role=Role.OPERATOR, at=now())
        session = await open_session(await fetchval("SELECT id FROM app_user"), at=now())
        await execute(PAST, tickets)
        await execute("ANALYZE")
        await execute(
            "INSERT INTO webhook (id, url, secret, created_by) "
            "VALUES (gen_random_uuid(), 'https://example.org/', '', '')"
        )
        ports = [a_port(), a_port()]
        for port in ports:
            environ = {**os.environ, "REGLAMENT_HOME": str(home), "REGLAMENT_PORT": str(port),
                       "REGLAMENT_DATABASE_URL": postgres.dsn, "REGLAMENT_REDIS_URL": redis.url,
                       "REGLAMENT_LOG_LEVEL": "warning", "REGLAMENT_API_REQUESTS_PER_MINUTE": "1000000"}  # fmt: skip
            running.callback(_stop, _web(environ))
        await asyncio.gather(*(answering(port) for port in ports))
        await scenes(figures, ports, token, session)
        await close_pool()
    return figures


def _web(environ: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "service.cli", "web"], env=environ, cwd=ROOT)


def _stop(web: subprocess.Popen[bytes]) -> None:
    web.terminate()
    web.wait()


async def answering(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.close()
        return
    raise RuntimeError("the web server did not answer within 30 s")


async def scenes(figures: dict[str, object], ports: list[int], token: str, session: str) -> None:
    api = Load(ports, {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    desk = Load(ports, {"Cookie": f"reglament_session={session}", "Accept": "text/html", "Accept-Language": "ru"})
    request = json.dumps(
        {
            "channel": "portal",
            "subject": "Не печатает",
            "text": "После обновления печать молчит.",
            "email": "a@example.com",
        }
    ).encode()
    bare = Load(ports, {})
    await show(figures, "bare route", lambda c: bare.run(c, lambda _n: ("GET", "/health/live", b"")))
    await show(figures, "create", lambda c: api.run(c, lambda _n: ("POST", "/api/v1/tickets", request)))
    newest = await moves(figures, api)
    await show(figures, "queue page", lambda c: desk.run(c, lambda _n: ("GET", "/desk", b"")))
    await show(figures, "ticket page", lambda c: desk.run(c, lambda _n: ("GET", f"/desk/tickets/{newest}", b"")))
    search = "/desk?q=%D0%BF%D0%BE%D1%80%D1%82499"
    await show(figures, "search", lambda c: desk.run(c, lambda _n: ("GET", search, b"")))


async def moves(figures: dict[str, object], api: Load) -> str:
    """A letter and a webhook are queued by each: a question to the customer, then the answer, in turns."""
    ids = await _made(200)
    turn: dict[int, int] = {}

    def make(n: int) -> tuple[str, str, bytes]:
        turn[n] = turn.get(n, -1) + 1
        id = ids[(n * 25 + turn[n] // 2 % 25) % len(ids)]
        asks = turn[n] % 2 == 0
        body = {"trigger": "request_info", "text": "Какая версия?", "minutes": 30} if asks else {
            "trigger": "resume", "text": "Версия 7.1"}  # fmt: skip
        return "POST", f"/api/v1/tickets/{id}/moves", json.dumps(body).encode()

    async def after() -> None:
        turn.clear()
        await _settle()

    await show(figures, "move", lambda c: api.run(c, make), after=after)
    return ids[0]


async def _made(count: int) -> list[str]:
    from service.actors import Actor, customer
    from service.intake import Request, receive
    from service.tickets import carry_out

    anna = Actor("staff", "1", "Анна", Role.OPERATOR, user="1", email="op@example.org")
    ids = []
    for n in range(count):
        request = Request(channel="email", text="Не печатает", email="a@example.com")
        ticket = await receive(request, by=customer(id="", name="a"), at=now(), cause=f"bench:{n}")
        await carry_out(ticket.id, "register", by=anna, at=now(), cause=f"bench:r{n}", given={"priority": "P2"})
        ids.append(str(ticket.id))
    return ids


async def _settle() -> None:
    """Whatever state the last client left a ticket in, the next one begins with a question."""
    from service.actors import Actor
    from service.database import fetch
    from service.tickets import carry_out

    anna = Actor("staff", "1", "Анна", Role.OPERATOR, user="1", email="op@example.org")
    for row in await fetch("SELECT id FROM ticket WHERE state = 'awaiting_customer'"):
        await carry_out(row["id"], "resume", by=anna, at=now(), cause=f"settle:{row['id']}:{time.time_ns()}",
                        given={"text": "дальше"})  # fmt: skip


async def show(
    figures: dict[str, object],
    name: str,
    run: Callable[[int], Awaitable[tuple[float, float, float]]],
    *,
    after: Callable[[], Awaitable[None]] | None = None,
) -> None:
    for clients in (1, 8):
        rate, p50, p99 = await run(clients)
        if after:
            await after()
        figures[f"{name} {clients}"] = {"per_second": round(rate), "p50_ms": round(p50, 1), "p99_ms": round(p99, 1)}
        print(f"{name:12} {clients} clients  {rate:8.0f} /s   p50 {p50:6.1f} ms   p99 {p99:6.1f} ms", flush=True)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--tickets", type=int, default=10_000)
    figures = asyncio.run(measure(asked.parse_args().tickets))
    limit = figures["pgbench 8"]
    print(f"pgbench      8 clients  {limit:8} /s   1 client {figures['pgbench 1']} /s")
    move, create = figures["move 8"], figures["create 8"]
    if isinstance(limit, int) and isinstance(move, dict) and isinstance(create, dict):
        print(f"move / pgbench {move['per_second'] / limit:.0%} (bar 25 %)")
        print(f"create / pgbench {create['per_second'] / limit:.0%} (bar 20 %)")
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main()
