"""What stands around a started system: its clock, its mailbox, its commands, and an integrator's endpoint."""

import json
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx

MONDAY = datetime(2026, 5, 18, 7, 0, tzinfo=UTC)  # 10:00 in Moscow, a plain working week ahead
PATIENCE = 30.0  # seconds for anything that happens by itself
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def eventually(found: Callable[[], Any], what: str, *, within: float = PATIENCE) -> Any:
    """What `found` gives once it gives something."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {within:.0f} s")


@dataclass
class System:
    """A running Reglament."""

    home: Path
    port: int
    smtp_port: int
    environ: dict[str, str]
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *words: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "service.cli", *words],
            env=self.environ,
            input=stdin,
            capture_output=True,
            check=False,
        )

    def prints(self, *words: str) -> str:
        done = self.command(*words)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float((self.home / "clock").read_text()))

    def set_clock(self, instant: datetime) -> None:
        """Move every process of the system to this instant, in one step."""
        new = self.home / "clock.new"
        new.write_text(f"{(instant - datetime.now(UTC)).total_seconds()}\n")
        new.replace(self.home / "clock")

    def send(self, mail: EmailMessage | bytes, *, sender: str, to: str = "support@reglament.example.org") -> None:
        raw = mail.as_bytes() if isinstance(mail, EmailMessage) else mail
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=10) as smtp:
            smtp.sendmail(sender, [to], raw)

    def letters(self, to: str) -> list[EmailMessage]:
        """The letters in the local mailbox to this person, the oldest first."""
        found = []
        for path in sorted((self.home / "mailbox").glob("*.eml")):
            letter = message_from_bytes(path.read_bytes(), policy=policy.default)
            if to in str(letter["To"]):
                found.append(letter)
        return found

    def letter(self, to: str, *words: str) -> EmailMessage:
        """The newest letter to this person whose subject or text holds all the words; waited for."""

        def look() -> EmailMessage | None:
            for letter in reversed(self.letters(to)):
                whole = f"{letter['Subject']}\n{text_of(letter)}"
                if all(word in whole for word in words):
                    return letter
            return None

        return eventually(look, f"a letter to {to} with {words}")

    def client(self, token: str) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=20)


def text_of(letter: EmailMessage) -> str:
    """What a letter says as text."""
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Receiver:
    """An integrator's endpoint: keeps every request as it came."""

    port: int
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _headers, body in list(self.requests)]
