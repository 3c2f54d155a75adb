"""Two whole systems that mail each other over real SMTP, through a gateway that may lose every mark of a machine."""

import os
import shutil
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.e2e.system import System, eventually, free_port

pytestmark = pytest.mark.long

ONE, TWO = "support@one.example.org", "support@two.example.org"
MARKS = ("Auto-Submitted", "X-Auto-Response-Suppress", "In-Reply-To", "References")
SILENCE = 8.0  # seconds without a letter: they have stopped
MOST_LETTERS = 2  # of each


@dataclass
class Gateway:
    """Carries letters to one system, counts them, and loses their marks when told to."""

    to: int
    careless: bool = False
    carried: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        raw = envelope.original_content
        if self.careless:
            mail = message_from_bytes(raw, policy=policy.default)
            for name in MARKS:
                del mail[name]
            raw = mail.as_bytes()
        with smtplib.SMTP("127.0.0.1", self.to, local_hostname="gateway", timeout=10) as smtp:
            smtp.sendmail(envelope.mail_from, envelope.rcpt_tos, raw)
        self.carried.append(raw)
        return "250 OK"


@contextmanager
def running(address: str, smtp_port: int, letters_to: int) -> Iterator[System]:
    """`reglament up` on a home of its own, under its own address."""
    home = Path(tempfile.mkdtemp(prefix="rgl-two-", dir="/tmp"))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("REGLAMENT_")} | {
        "REGLAMENT_HOME": str(home),
        "REGLAMENT_PORT": str(free_port()),
        "REGLAMENT_SMTP_PORT": str(smtp_port),
        "REGLAMENT_SMTP_URL": f"smtp://127.0.0.1:{letters_to}",
        "REGLAMENT_MAIL_FROM": address,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "up", "--no-demo"],
        env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    system = System(home, int(environ["REGLAMENT_PORT"]), smtp_port, environ, process)

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            system.said.append(line)

    reading = threading.Thread(target=listen, daemon=True)
    reading.start()
    try:
        eventually(lambda: any("Ctrl-C stops" in line for line in system.said) or process.poll() is not None, "a start")
        assert process.poll() is None, "".join(system.said)
        yield system
    finally:
        process.terminate()
        process.wait(60)
        reading.join(5)
        assert process.stdout is not None
        process.stdout.close()
        shutil.rmtree(home, ignore_errors=True)


@dataclass
class Pair:
    one: System
    two: System
    gateways: tuple[Gateway, Gateway]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    ports = free_port(), free_port()
    gateways = Gateway(to=ports[1]), Gateway(to=ports[0])  # the first carries the letters of one to two
    with ExitStack() as stack:
        doors = [Controller(gateway, hostname="127.0.0.1", port=free_port()) for gateway in gateways]
        for door in doors:
            door.start()
            stack.callback(door.stop)
        one = stack.enter_context(running(ONE, ports[0], doors[0].port))
        two = stack.enter_context(running(TWO, ports[1], doors[1].port))
        yield Pair(one, two, gateways)


def until_silence(count: Callable[[], int]) -> None:
    """Wait until nothing more was carried for a while; fails when they never fall silent."""
    end, last, since = time.monotonic() + 60, -1, time.monotonic()
    while time.monotonic() - since < SILENCE:
        if count() != last:
            last, since = count(), time.monotonic()
        assert time.monotonic() < end, "they never fell silent"
        time.sleep(0.2)


@pytest.mark.parametrize("careless", [False, True], ids=["marks kept", "marks lost"])
def test_they_fall_silent_after_at_most_two_letters_each(pair: Pair, careless: bool) -> None:
    for gateway in pair.gateways:
        gateway.careless = careless
        gateway.carried.clear()
    mail = EmailMessage()
    mail["From"], mail["To"] = TWO, ONE
    mail["Subject"] = "Не работает печать" if careless else "Не открывается отчёт"
    mail["Message-ID"] = f"<{careless}@two.example.org>"
    mail.set_content("Здравствуйте! Помогите.")
    pair.one.send(mail, sender=TWO, to=ONE)
    eventually(lambda: pair.gateways[0].carried, "the acceptance letter")
    until_silence(lambda: sum(len(gateway.carried) for gateway in pair.gateways))
    letters = Counter({ONE: len(pair.gateways[0].carried), TWO: len(pair.gateways[1].carried)})
    assert letters[ONE] >= 1
    assert max(letters.values()) <= MOST_LETTERS, letters
