"""Real processes for the fault tests: parts that can be killed, and a receiver that keeps everything."""

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service import bell
from service.embedded import EmbeddedPostgres, EmbeddedRedis
from service.house import HOUSE
from service.regulations import RULEBOOKS, publish_default
from service.settings import Settings
from tests.conftest import DATABASE_VARIABLE
from tests.desk import MONDAY
from tests.faults.stage import Journal, Process, Stage

Start = Callable[..., Process]
long = pytest.mark.long


@pytest.fixture
async def regulation(database: None) -> AsyncIterator[None]:
    """The default regulation, published."""
    RULEBOOKS.forget()
    await publish_default(at=MONDAY)
    yield
    RULEBOOKS.forget()


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home of the parts; this process seals secrets with its key."""
    folder = Path(tempfile.mkdtemp(prefix="rgl-fault-", dir="/tmp"))
    monkeypatch.setattr(HOUSE, "vault_key", Settings(home=folder).key("vault"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def receiver(home: Path) -> Iterator[Journal]:
    journal = Journal(home / "received.log")
    yield journal
    journal.close()


@pytest.fixture
def stage(home: Path, database_url: str, redis_url: str, receiver: Journal) -> Iterator[Stage]:
    """Starts the parts as processes of their own; all are gone at the end."""
    parts = Stage(home, database_url, redis_url, f"127.0.0.1:{receiver.port}")
    yield parts
    parts.clear()


@pytest.fixture
def start_worker(stage: Stage) -> Start:
    """Starts `reglament worker`."""

    def start(*failpoints: str, **given: Any) -> Process:
        return stage.start("worker", *failpoints, **given)

    return start


@pytest.fixture
def mortal_redis() -> Iterator[EmbeddedRedis]:
    """A Redis of this test alone, which it may kill."""
    folder = Path(tempfile.mkdtemp(prefix="rgl-redis-", dir="/tmp"))
    server = EmbeddedRedis(folder)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def ringing(mortal_redis: EmbeddedRedis) -> AsyncIterator[EmbeddedRedis]:
    """This process rings the mortal Redis."""
    bell.hang(bell.RedisBell(mortal_redis.url))
    yield mortal_redis
    await bell.take_down()
    bell.hang(bell.SilentBell())


class MortalPostgres:
    """The PostgreSQL of the session, which may be restarted, crashed and frozen: it always comes back with its data."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server

    def restart(self) -> None:
        self.server.restart()

    def crash(self) -> None:
        """What `pg_ctl stop -m immediate` does; the next start recovers from the log."""
        assert self.server.pid is not None
        os.kill(self.server.pid, signal.SIGQUIT)
        self.server.stop()

    def start(self) -> None:
        self.server.start()

    def signal_all(self, number: int) -> None:
        """To the server and every process of its sessions."""
        assert self.server.pid is not None
        for pid in (self.server.pid, *children(self.server.pid)):
            os.kill(pid, number)


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in listed]


@pytest.fixture
def mortal_postgres(request: pytest.FixtureRequest) -> MortalPostgres:
    if os.environ.get(DATABASE_VARIABLE):
        pytest.skip(f"{DATABASE_VARIABLE} names a server that is not ours to crash")
    return MortalPostgres(request.getfixturevalue("postgres"))
