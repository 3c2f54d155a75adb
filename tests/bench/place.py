"""Where it is measured: durable servers of our own, web processes, and what the machine itself can do."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from service import bell, logs
from service.accounts import add_user
from service.clock import now
from service.database import DB, close_pool, migrate, start_pool
from service.embedded import EmbeddedPostgres, EmbeddedRedis
from service.files import SHELF
from service.house import HOUSE
from service.regulations import RULEBOOKS, publish_default
from service.settings import Settings
from workflow.definition import Role

ROOT = Path(__file__).parents[2]
QUIET = {"REGLAMENT_LOG_LEVEL": "error", "REGLAMENT_API_REQUESTS_PER_MINUTE": "10000000"}


@dataclass
class Place:
    """Two servers and a home."""

    home: Path
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis

    @property
    def environ(self) -> dict[str, str]:
        """For the parts of the system."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("REGLAMENT_")}
        return clean | QUIET | {
            "REGLAMENT_HOME": str(self.home),
            "REGLAMENT_DATABASE_URL": self.postgres.dsn,
            "REGLAMENT_REDIS_URL": self.redis.url,
        }  # fmt: skip

    @contextmanager
    def running(self, *parts: dict[str, str]) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Processes of `reglament`, each with its own environment; `part` names what it is."""
        started = [
            subprocess.Popen([sys.executable, "-m", "service.cli", one["part"]], env=self.environ | one, cwd=ROOT)
            for one in parts
        ]
        try:
            yield started
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(30)

    @contextmanager
    def webs(self, count: int) -> Iterator[list[int]]:
        """So many web processes, which answer; their ports."""
        ports = [free_port() for _n in range(count)]
        with self.running(*({"part": "web", "REGLAMENT_PORT": str(port)} for port in ports)):
            for port in ports:
                wait_for(port)
            yield ports


@asynccontextmanager
async def a_place(*, pool: int = 8) -> AsyncIterator[Place]:
    """A durable system with the default regulation and one operator; this process is connected to it."""
    logs.set_up(form="console", level="error")
    home = Path(tempfile.mkdtemp(prefix="rgl-bench-", dir="/tmp"))
    with ExitStack() as ending:
        ending.callback(shutil.rmtree, home, ignore_errors=True)
        postgres, redis = EmbeddedPostgres(home), EmbeddedRedis(home)
        ending.callback(shutil.rmtree, postgres.folder, ignore_errors=True)
        ending.enter_context(postgres)
        ending.enter_context(redis)
        DB.configure(postgres.dsn, pool_size=pool)
        await migrate()
        await start_pool()
        HOUSE.vault_key = Settings(home=home).key("vault")
        SHELF.furnish(home)
        RULEBOOKS.forget()
        bell.hang(bell.SilentBell())
        await publish_default(at=now())
        await add_user("op@example.org", name="Анна", role=Role.OPERATOR, at=now())
        try:
            yield Place(home, postgres, redis)
        finally:
            await close_pool()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, *, within: float = 60.0) -> None:
    """Until somebody answers on the port. Raises TimeoutError."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nobody answered on port {port} within {within:g} s")


async def pgbench(place: Place, script: str, *, clients: int, seconds: float) -> float:
    """Transactions of these statements a second, prepared."""
    file = place.home / "pgbench.sql"
    file.write_text(script)
    program = [
        str(place.postgres.programs / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "1",
        "-T", str(max(1, round(seconds))), "-f", str(file), place.postgres.dsn,
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(*program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    told = (await process.communicate())[0].decode()
    found = re.search(r"tps = ([\d.]+)", told)
    if found is None:
        raise RuntimeError(told)
    return float(found[1])
