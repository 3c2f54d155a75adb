"""Builders: a regulation with a few settings changed, and tickets that live by journal entries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from workflow.position import Position, follow
from workflow.process import PROCESS
from workflow.regulation import Priority, Regulation, Rulebook, default_regulation
from workflow.sla import Period, wanted_timers
from workflow.working_calendar import Target

MOSCOW = ZoneInfo("Europe/Moscow")
DEFAULT = default_regulation()


@dataclass(frozen=True)
class Entry:
    """A journal entry as the clocks read it."""

    at: datetime
    trigger: str
    from_state: str | None
    to_state: str
    by: str = "Ivanova"
    data: Mapping[str, Any] = field(default_factory=dict)


def moscow(text: str) -> datetime:
    """The UTC instant of "02-03 10:00" in Moscow, 2026 unless a year is named. 2 February 2026 is a Monday."""
    text = text if text.count("-") == 2 else f"2026-{text}"
    return datetime.fromisoformat(text).replace(tzinfo=MOSCOW).astimezone(UTC)


def minutes(amount: int) -> Target:
    return Target("working_minutes", amount)


def a_regulation(
    *, targets: Mapping[str, Target] | None = None, steps: Mapping[str, Any] | None = None, **changes: Any
) -> Regulation:
    """The default regulation with other targets or steps by priority, and other settings by name."""
    resolution = {name: changes.pop(name) for name in msgspec.structs.asdict(DEFAULT.resolution) if name in changes}

    def changed(priority: Priority) -> Priority:
        return msgspec.structs.replace(
            priority,
            target=(targets or {}).get(priority.code, priority.target),
            steps=(steps or {}).get(priority.code, priority.steps),
        )

    return msgspec.structs.replace(
        DEFAULT,
        priorities=tuple(changed(priority) for priority in DEFAULT.priorities),
        resolution=msgspec.structs.replace(DEFAULT.resolution, **resolution),
        **changes,
    )


class Life:
    """One ticket from its receipt on. Each act is told by its trigger and its Moscow time."""

    def __init__(self, *versions: Regulation, received: str = "02-02 09:00") -> None:
        self.rulebooks = {number: Rulebook(number, one) for number, one in enumerate(versions or (DEFAULT,), start=1)}
        self.position = Position()
        self.entries: list[Entry] = []
        self.do("receive", received, received_at=moscow(received).isoformat(), regulation_version=1)

    def do(self, trigger: str, at: str | datetime, **data: Any) -> "Life":
        move = PROCESS.by_trigger.get(trigger)
        before = self.position.state or None
        to_state = (move.to if move else PROCESS.initial) or self.position.state
        instant = moscow(at) if isinstance(at, str) else at
        entry = Entry(instant, trigger, before, to_state, data=data)
        self.entries.append(entry)
        self.position = follow(self.position, entry, self.rulebooks)
        return self

    def register(self, at: str, priority: str = "P2", *, version: int = 1, level: str = "standard") -> "Life":
        return self.do("register", at, priority=priority, service_level=level, number="1", regulation_version=version)

    def complete(self, at: str) -> "Life":
        return self.do("complete", at, outcome="solved", minutes=30)

    def extend(self, at: str, *, promised: str) -> "Life":
        return self.do("extend", at, reason="needs_development", promised_at=moscow(promised).isoformat())

    def breach(self, at: str, mark: str = "due", *, clock: str = "resolution") -> "Life":
        return self.do("breach", at, clock=clock, mark=mark)

    def repin(self, at: str, version: int, count: str) -> "Life":
        return self.do("repin", at, regulation_version=version, count=count)

    @property
    def due(self) -> datetime | None:
        return self.position.due_at(self.rulebooks)

    @property
    def resolution(self) -> Period:
        assert self.position.clocks.resolution is not None
        return self.position.clocks.resolution

    @property
    def result(self) -> str | None:
        return self.position.resolution_result

    @property
    def wanted(self) -> dict[str, datetime]:
        return wanted_timers(self.position.clocks, self.rulebooks)


@pytest.fixture(scope="session")
def life() -> type[Life]:
    """`life(regulation, …)` is a ticket just received on Monday 2 February 2026 at 09:00."""
    return Life


@pytest.fixture(scope="session")
def regulation() -> Any:
    """`regulation(on_dispute="restarts")` is the default one with that changed."""
    return a_regulation


@pytest.fixture(scope="session")
def at() -> Any:
    """`at("02-03 10:00")` is that Moscow time of 2026 in UTC."""
    return moscow
