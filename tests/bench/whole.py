"""The whole system as `reglament up` starts it: how soon the first page stands, and how much memory it takes."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.place import ROOT, free_port

CHAPTER = "The whole, on one machine"
SETTLED = 20.0  # seconds until everything that starts has started


async def measure(*, settled: float = SETTLED) -> AsyncIterator[Figure]:
    home = Path(tempfile.mkdtemp(prefix="rgl-whole-", dir="/tmp"))
    try:
        first = _started(home, settled=settled)
        again = _started(home, settled=0)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    yield Figure(chapter=CHAPTER, name="first start: servers, migrations, demo, first page", value=first[0], unit="s")
    yield Figure(
        chapter=CHAPTER, name="cold start with data, to the first page", value=again[0], unit="s", bar="≤ 3 s",
        kept=again[0] <= 3,
    )  # fmt: skip
    yield Figure(
        chapter=CHAPTER, name="memory, idle, demo data, all processes (proportional)", value=first[1], unit="MB",
        bar="≤ 350 MB", kept=first[1] <= 350,
    )  # fmt: skip


def _started(home: Path, *, settled: float) -> tuple[float, float]:
    """Seconds to the first page, and the memory in MB after it has settled."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("REGLAMENT_")}
    clean.pop("PYTHONDONTWRITEBYTECODE", None)  # the second start finds what the first has compiled, as anywhere
    environ = clean | {
        "REGLAMENT_HOME": str(home), "REGLAMENT_PORT": str(port), "REGLAMENT_SMTP_PORT": str(free_port()),
    }  # fmt: skip
    begun = time.perf_counter()
    system = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "up"], env=environ, cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        while not _answers(port):
            if time.perf_counter() - begun > 120 or system.poll() is not None:
                raise RuntimeError("the system did not start")
            time.sleep(0.02)
        seconds = time.perf_counter() - begun
        time.sleep(settled)
        return seconds, sum(_proportional(pid) for pid in _family(system.pid)) / 1024
    finally:
        system.send_signal(signal.SIGINT)
        system.wait(60)


def _answers(port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=5) as page:
        return bool(page.status == 200)
    return False


def _family(pid: int) -> list[int]:
    """A process and all it started."""
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *(one for child in children for one in _family(int(child)))]
    return []


def _proportional(pid: int) -> int:
    """Its share of the memory, in KB."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
