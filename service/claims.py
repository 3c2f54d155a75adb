"""Who runs the servers of a home: one holder at a time, found by everybody else."""

import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

POSTGRES, VALKEY = "PostgreSQL", "Valkey"


class EmbeddedError(Exception):
    """An embedded server cannot run; the message says why and what to do."""


@dataclass(frozen=True)
class Running:
    """Where the servers of a running home are reached."""

    database_url: str
    redis_url: str


def attach(home: Path, *, database: bool = True, redis: bool = True, wait: float = 10.0) -> Running | None:
    """Where the servers of this home are reached if another process runs them; None if nobody does.

    Waits up to `wait` seconds for servers that are still starting. Whoever has one of them elsewhere does not ask
    for it, and its address is empty.
    """
    end = time.monotonic() + wait
    home = home.expanduser().resolve()
    asked = {POSTGRES: database, VALKEY: redis}
    while True:
        states = {name: _announced(home, name) for name, wanted in asked.items() if wanted}
        if all(state is None for state in states.values()):
            return None
        urls = {name: state["url"] for name, state in states.items() if state}
        if len(urls) == len(states):
            return Running(database_url=urls.get(POSTGRES, ""), redis_url=urls.get(VALKEY, ""))
        if time.monotonic() > end:
            return None
        time.sleep(0.02)


def claim_of(home: Path, name: str) -> IO[str]:
    """Hold the home's file of this server; the kernel lets go of it however the holder ends."""
    claim = _state_file(home, name).open("a+")
    end = time.monotonic() + 2  # someone who attaches, or a holder that is ending, needs a moment
    while True:
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                claim.close()
                raise EmbeddedError(f"Another Reglament already runs {name} in {home}.") from None
            time.sleep(0.02)
        else:
            return claim


def announce(claim: IO[str], *, pid: int, url: str) -> None:
    claim.write(json.dumps({"pid": pid, "url": url}))
    claim.flush()


def forget(claim: IO[str]) -> None:
    claim.seek(0)
    claim.truncate()


def left_behind(claim: IO[str]) -> int | None:
    """The process that the last holder started and, killed, could not stop itself."""
    claim.seek(0)
    try:
        return int(json.loads(claim.read())["pid"])
    except (ValueError, KeyError, TypeError):
        return None


def _announced(home: Path, name: str) -> dict[str, str] | None:
    """What the holder of the claim wrote: empty while its server starts, None when nobody holds it."""
    try:
        claim = _state_file(home, name).open()
    except FileNotFoundError:
        return None
    with claim:
        try:
            fcntl.flock(claim, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = claim.read()
            try:
                state: dict[str, str] = json.loads(text) if text else {}
            except json.JSONDecodeError:  # read in the middle of writing
                return {}
            return state
    return None  # left behind by a process that is gone


def _state_file(home: Path, name: str) -> Path:
    return home / f"{name.lower()}.running"


def alive(pid: int, folder: Path) -> bool:
    """Whether the process is still the server of this folder; another program may have its number by now."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, so not one of ours
        return False
    command = Path(f"/proc/{pid}/cmdline")
    try:
        return os.fsencode(folder) in command.read_bytes()
    except OSError:
        return not Path("/proc").exists()  # no such list on this system: believe the number
