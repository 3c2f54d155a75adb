"""Real servers for the tests: started once a session (and once for each xdist worker), emptied between tests."""

import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from argon2 import PasswordHasher

from service import passwords
from service.database import DB, close_pool, migrate, start_pool
from service.embedded import EmbeddedPostgres, EmbeddedRedis

# The same suite runs against servers named here. Their database is emptied!
DATABASE_VARIABLE = "REGLAMENT_TEST_DATABASE_URL"
REDIS_VARIABLE = "REGLAMENT_TEST_REDIS_URL"


@pytest.fixture(scope="session")
def short_home() -> Iterator[Path]:
    """A folder whose path is short enough for unix sockets; pytest's `tmp_path` is not."""
    home = Path(tempfile.mkdtemp(prefix="rgl-", dir="/tmp"))
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(short_home: Path) -> Iterator[EmbeddedPostgres]:
    """The embedded PostgreSQL of this session, without fsync."""
    server = EmbeddedPostgres(short_home, durable=False)
    with server:
        yield server
    shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database_url(request: pytest.FixtureRequest) -> str:
    """Where this session's PostgreSQL is reached."""
    named = os.environ.get(DATABASE_VARIABLE)
    return named or str(request.getfixturevalue("postgres").dsn)


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest, short_home: Path) -> Iterator[str]:
    """Where this session's Redis is reached."""
    named = os.environ.get(REDIS_VARIABLE)
    if named:
        yield named
        return
    with EmbeddedRedis(short_home) as server:
        yield server.url


@pytest.fixture(scope="session")
async def migrated_pool(database_url: str) -> AsyncIterator[None]:
    """The pool of this process, on a database with all tables."""
    DB.configure(database_url, pool_size=10)
    await migrate()
    await start_pool()
    yield
    await close_pool()


@pytest.fixture
async def database(migrated_pool: None, database_url: str) -> None:
    """The real database, emptied before the test."""
    await _empty(database_url)


# Tables without rows are left alone: emptying all of them each time would take longer than most tests.
EMPTY = """
DO $$
DECLARE
    name text;
    filled text[] := '{}';
    found boolean;
BEGIN
    FOR name IN SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
                WHERE schemaname = 'public' AND tablename <> 'migration' LOOP
        EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO found;
        IF found THEN filled := filled || name; END IF;
    END LOOP;
    IF cardinality(filled) > 0 THEN
        EXECUTE 'TRUNCATE ' || array_to_string(filled, ', ') || ' RESTART IDENTITY CASCADE';
    END IF;
END $$
"""


async def _empty(url: str) -> None:
    """Empty every table but the list of migrations, whatever tables there are."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(EMPTY)
    finally:
        await connection.close()


@pytest.fixture(autouse=True, scope="session")
def _light_passwords() -> None:
    """Hashes that cost next to nothing: hundreds of tests sign in. What a real one costs is tested apart."""
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True, scope="session")
def _sockets_shut() -> Iterator[None]:
    """Nothing in a test reaches further than this machine."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(original: Any) -> Any:
        def inner(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _here(address[0]):
                raise PermissionError(f"a test tried to reach {address}")
            return original(self, address)

        return inner

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded(connect))
    patch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
    yield
    patch.undo()


def _here(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"
