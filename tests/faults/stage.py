"""What stands around a fault: real processes that can be killed, and a receiver whose log is the judge."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from service.database import fetchval

HERE = Path(__file__).parent
Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Arrival:
    """One request as the receiver wrote it down."""

    at: float  # Unix time
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.body)["data"]
        return data


class Journal:
    """What the receiver got, in the order of arrival; it only grows."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._process = subprocess.Popen([sys.executable, str(HERE / "receiver.py"), str(log)], stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    @property
    def url(self) -> str:
        return self.at("hook")

    def at(self, path: str) -> str:
        """An endpoint that behaves as the path says."""
        return f"http://127.0.0.1:{self.port}/{path}"

    @property
    def arrivals(self) -> list[Arrival]:
        lines = self.log.read_bytes().splitlines() if self.log.exists() else []
        read = [json.loads(line) for line in lines]
        return [Arrival(one["at"], one["path"], one["headers"], base64.b64decode(one["body"])) for one in read]

    @property
    def got(self) -> list[tuple[str, bytes]]:
        return [(one.id, one.body) for one in self.arrivals]

    async def got_any(self) -> bool:
        return bool(self.got)

    def duplicates(self) -> int:
        """Requests beyond the first of each event. Raises AssertionError when two of one id differ in a byte."""
        bodies: dict[tuple[str, str], bytes] = {}
        for one in self.arrivals:
            assert bodies.setdefault((one.path, one.id), one.body) == one.body, f"{one.id} came with two bodies"
        return len(self.arrivals) - len(bodies)

    def order_errors(self) -> int:
        """First arrivals of one ticket's events, at one endpoint, that came after a later one."""
        highest: Counter[tuple[str, str]] = Counter()
        seen: set[tuple[str, str]] = set()
        errors = 0
        for one in self.arrivals:
            if (one.path, one.id) in seen:
                continue
            seen.add((one.path, one.id))
            ticket = (one.path, one.data["ticket_id"])
            errors += one.data["seq"] < highest[ticket]
            highest[ticket] = max(highest[ticket], one.data["seq"])
        return errors

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


@dataclass
class Stage:
    """The parts of the system as processes, on servers somebody else started; all are gone after `clear`."""

    home: Path
    database_url: str
    redis_url: str
    allowed_hosts: str = ""
    started: list[Process] = field(default_factory=list)

    def start(
        self,
        part: str,
        *failpoints: str,
        redis: str = "",
        through: str = "",
        more: Mapping[str, str] | None = None,
    ) -> Process:
        """Start `reglament part`; `through` is a script beside this file that spoils something first."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("REGLAMENT_")}
        environ = clean | {
            "REGLAMENT_HOME": str(self.home),
            "REGLAMENT_ENV": "test",
            "REGLAMENT_DATABASE_URL": self.database_url,
            "REGLAMENT_REDIS_URL": redis or self.redis_url,
            "REGLAMENT_WEBHOOK_ALLOWED_HOSTS": self.allowed_hosts,
            "REGLAMENT_API_REQUESTS_PER_MINUTE": "1000000",
            "REGLAMENT_FAILPOINTS": ",".join(failpoints),
            **(more or {}),
        }
        program = [str(HERE / through)] if through else ["-m", "service.cli"]
        with (self.home / f"{part}-{len(self.started)}.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, *program, part], env=environ, stdout=log, stderr=log)
        self.started.append(process)
        return process

    def logs(self) -> str:
        """What all parts said so far."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.home.glob("*-*.log")))

    def clear(self) -> None:
        """End everything that was started."""
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.started:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def at_work() -> bool:
    """Whether some worker has begun to look into the database."""
    return bool(
        await fetchval("SELECT count(*) > 0 FROM pg_stat_activity WHERE ltrim(query, E'\\n') LIKE 'WITH clock AS%'")
    )


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def set_clock(file: Path, to: datetime) -> None:
    """Move the clock of every process that reads this file, in one step."""
    new = file.with_name(file.name + ".new")
    new.write_text(f"{(to - datetime.now(UTC)).total_seconds()}\n")
    new.replace(file)
