"""Named places where fault tests stop a process; each costs one look into an empty set unless a test names it."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection

# Where a process may be stopped, and what has happened there.
POINTS = {
    "ticket.written": "an act is written, before the commit",
    "ticket.committed": "an act is committed, before anybody hears of it",
    "timer.fired": "a timer is consumed and its act written, before the commit",
    "tickets.carried_over": "some tickets went over to another version, before the commit",
    "outbox.claimed": "deliveries are claimed, before the first byte is sent",
    "outbox.sent": "the receiver has answered, before that is recorded",
    "outbox.recorded": "the answer is recorded, before what follows from it",
}
STOPPED = ":stop"  # after a name: freeze (SIGSTOP) instead of kill

_armed: dict[str, signal.Signals] = {}


def arm(names: Collection[str], *, production: bool) -> None:
    """Say at which points this process ends: `outbox.sent` kills it, `outbox.sent:stop` freezes it, each once.

    Raises ValueError for an unknown name, and for any name in production.
    """
    if names and production:
        raise ValueError("failpoints are refused in production")
    armed = {name.removesuffix(STOPPED): signal.SIGSTOP if name.endswith(STOPPED) else signal.SIGKILL for name in names}
    if unknown := sorted(armed.keys() - POINTS.keys()):
        raise ValueError(f"unknown failpoints: {', '.join(unknown)}; there are {', '.join(POINTS)}")
    _armed.clear()
    _armed.update(armed)


def reach(name: str) -> None:
    """Here is the point `name`; the process ends when a test asked for it."""
    if _armed and (told := _armed.pop(name, None)):
        os.kill(os.getpid(), told)
