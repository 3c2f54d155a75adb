"""Schemathesis puts the running service to the test: every operation, every check, good and bad requests."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service import clock
from service.intake import Request, receive
from service.tokens import add_token
from tests.desk import OPERATOR
from tests.faults.stage import free_port
from workflow.definition import Role

ROOT = Path(__file__).parents[3]
CONFIG = ROOT / "schemathesis.toml"


@pytest.fixture
def address(database_url: str, redis_url: str, tmp_path: Path, regulation: None) -> Iterator[str]:
    """`reglament web` on the database of the tests."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("REGLAMENT_")}
    environ = clean | {
        "REGLAMENT_HOME": str(tmp_path), "REGLAMENT_ENV": "test", "REGLAMENT_PORT": str(port),
        "REGLAMENT_DATABASE_URL": database_url, "REGLAMENT_REDIS_URL": redis_url,
        "REGLAMENT_API_REQUESTS_PER_MINUTE": "1000000", "REGLAMENT_POOL_SIZE": "4",
    }  # fmt: skip
    with (tmp_path / "web.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "service.cli", "web"], env=environ, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/health/ready", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 120  # a busy machine starts slowly
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the service did not start")


async def _put_to_the_test(address: str, folder: Path, *options: str) -> None:
    """Run schemathesis with all checks; its findings fail the test."""
    at = clock.now()
    token = await add_token("schemathesis", role=Role.ADMINISTRATOR, at=at)
    for n in range(3):  # something to find from the first request on
        await receive(Request(channel="phone", text=f"It beeps {n}."), by=OPERATOR, at=at, cause=f"fuzz:{n}")
    done = await asyncio.to_thread(
        subprocess.run,
        [str(Path(sys.executable).with_name("st")), "--config-file", str(CONFIG), "run",
         f"{address}/api/v1/openapi.json", "--header", f"Authorization: Bearer {token}",
         "--continue-on-failure", "--no-color", "--generation-database", "none", "--warnings", "off", *options],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    faults = [line for line in (folder / "web.log").read_text().splitlines() if " [info " not in line]
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:] + "\n".join(faults)[:20000]


async def test_no_request_finds_a_fault(address: str, tmp_path: Path) -> None:
    await _put_to_the_test(address, tmp_path, "--max-examples", "2", "--max-time", "25", "--seed", "1")


@pytest.mark.long
async def test_no_request_of_thousands_finds_a_fault(address: str, tmp_path: Path) -> None:
    await _put_to_the_test(address, tmp_path, "--max-examples", "500", "--max-time", "1500")
