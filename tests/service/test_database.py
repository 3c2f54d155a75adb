"""However a transaction ends, its connection goes back, and its statements count entirely or not at all."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from piccolo.engine.exceptions import TransactionError

from service import database as door
from service.database import DB


@pytest.fixture
async def counter(database: None) -> AsyncIterator[None]:
    """A table of this test's own, with a rule that is only checked at COMMIT."""
    await door.execute("DROP TABLE IF EXISTS counter")
    await door.execute("CREATE TABLE counter (n int NOT NULL, UNIQUE (n) DEFERRABLE INITIALLY DEFERRED)")
    yield
    await door.execute("DROP TABLE counter")


async def whole_pool_is_free() -> bool:
    """All connections the pool may have can be taken at once."""
    assert DB.pool is not None
    async with asyncio.timeout(5):
        taken = [await DB.pool.acquire() for _ in range(DB.pool_size)]
    for connection in taken:
        await DB.pool.release(connection)
    return True


async def test_what_a_transaction_writes_counts_at_its_end(counter: None) -> None:
    async with DB.transaction(allow_nested=False):
        assert await door.execute("INSERT INTO counter VALUES (1), (2)") == 2
        assert door.connection().is_in_transaction()
    assert await door.fetchval("SELECT count(*) FROM counter") == 2


async def test_an_error_takes_everything_back(counter: None) -> None:
    async def fail() -> None:
        async with DB.transaction(allow_nested=False):
            await door.execute("INSERT INTO counter VALUES (1)")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await door.fetch("SELECT * FROM counter") == []


async def test_a_failing_commit_leaks_neither_connection_nor_context(counter: None) -> None:
    for _ in range(DB.pool_size + 5):
        with pytest.raises(asyncpg.UniqueViolationError):
            async with DB.transaction(allow_nested=False):
                await door.execute("INSERT INTO counter VALUES (1), (1)")
        assert DB.current_transaction.get() is None
    assert await whole_pool_is_free()
    assert await door.fetchval("SELECT count(*) FROM counter") == 0


async def test_a_failing_begin_gives_the_connection_back(counter: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(self: door.Transaction) -> None:
        raise asyncpg.CannotConnectNowError("no")

    with monkeypatch.context() as patch:
        patch.setattr(door.Transaction, "begin", refuse)
        for _ in range(DB.pool_size + 5):
            with pytest.raises(asyncpg.CannotConnectNowError):
                async with DB.transaction():
                    pytest.fail("begun")
    assert await whole_pool_is_free()


async def test_two_hundred_random_cancellations_leave_the_pool_whole(counter: None) -> None:
    async def write(n: int) -> None:
        async with DB.transaction(allow_nested=False):
            await door.execute("INSERT INTO counter VALUES ($1)", n)
            await door.execute("SELECT pg_sleep(0.002)")

    chance = random.Random(20260101)
    cancelled = 0
    for n in range(200):
        task = asyncio.create_task(write(n))
        await asyncio.sleep(chance.uniform(0, 0.006))
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            cancelled += 1
    assert cancelled > 50
    assert await whole_pool_is_free()
    rows = await door.fetchval("SELECT count(*) FROM counter")
    assert rows >= 200 - cancelled  # cancelled during COMMIT: written, although the task was cancelled
    assert await door.fetchval("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'") == 0


async def test_a_transaction_inside_another_is_an_error(counter: None) -> None:
    async with DB.transaction(allow_nested=False):
        with pytest.raises(TransactionError):
            DB.transaction(allow_nested=False)


async def test_the_session_is_set_up_and_costs_no_query_between_uses(counter: None) -> None:
    wanted = {"TimeZone": "UTC", "lock_timeout": "5s", "statement_timeout": "30s", "synchronous_commit": "on"}
    for name, value in wanted.items():
        assert await door.fetchval("SELECT current_setting($1)", name) == value
    sent: list[str] = []
    assert DB.pool is not None
    async with DB.pool.acquire() as connection:
        connection.add_query_logger(lambda record: sent.append(record.query))
    async with DB.pool.acquire() as connection:
        await connection.fetchval("SELECT 1")
    assert sent == ["SELECT 1"]
    await DB.pool.expire_connections()


async def test_behind_a_pooler_each_transaction_sets_its_own_limits(database: None, database_url: str) -> None:
    behind = door.Engine()
    behind.configure(database_url, prepared_statements=False)
    assert "server_settings" not in behind.config
    assert behind.config["statement_cache_size"] == 0
    async with behind.transaction() as transaction:
        assert await transaction.connection.fetchval("SHOW lock_timeout") == "5s"


async def test_a_deadlock_is_tried_again_as_a_whole(counter: None) -> None:
    await door.execute("INSERT INTO counter VALUES (1), (2)")
    both_hold_one = asyncio.Barrier(2)
    runs = 0

    async def swap(first: int, second: int, *, by: int) -> None:
        nonlocal runs
        runs += 1
        async with DB.transaction(allow_nested=False):
            await door.execute("UPDATE counter SET n = n + $2 WHERE n = $1", first, by)
            if runs <= 2:
                await both_hold_one.wait()
            await door.execute("UPDATE counter SET n = n + $2 WHERE n = $1", second, by)

    await asyncio.gather(
        door.retrying(lambda: swap(1, 2, by=0)),
        door.retrying(lambda: swap(2, 1, by=0)),
    )
    assert runs == 3


async def test_a_lost_connection_is_tried_again(counter: None, database_url: str) -> None:
    runs = 0

    async def write() -> None:
        nonlocal runs
        runs += 1
        async with DB.transaction(allow_nested=False):
            await door.execute("INSERT INTO counter VALUES (7)")
            if runs == 1:
                await _end_backend(await door.fetchval("SELECT pg_backend_pid()"), database_url)
                await asyncio.sleep(0.05)
            await door.fetchval("SELECT 1")

    await door.retrying(write)
    assert runs == 2
    assert await door.fetchval("SELECT count(*) FROM counter") == 1
    assert await whole_pool_is_free()


async def _end_backend(pid: int, url: str) -> None:
    other = await asyncpg.connect(url)
    await other.execute("SELECT pg_terminate_backend($1)", pid)
    await other.close()


async def test_a_mistake_is_not_tried_again(counter: None) -> None:
    runs = 0

    async def wrong() -> None:
        nonlocal runs
        runs += 1
        await door.execute("SELECT * FROM nowhere")

    with pytest.raises(asyncpg.UndefinedTableError):
        await door.retrying(wrong)
    assert runs == 1


async def test_retries_are_bounded() -> None:
    runs = 0

    @door.retried
    async def unlucky() -> None:
        nonlocal runs
        runs += 1
        raise asyncpg.SerializationError("again")

    with pytest.raises(asyncpg.SerializationError):
        await unlucky()
    assert runs == door.ATTEMPTS


def test_without_a_pool_a_statement_says_so() -> None:
    with pytest.raises(RuntimeError, match="no transaction"):
        door.connection()


MIGRATION = """
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from service.database import execute

ID = "{id}"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="{app}", description="")

    async def run():
        await execute("{ddl}")

    manager.add_raw(run)
    return manager
"""


@pytest.fixture
def throw_away_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of migrations of this test's own, on the path as `throw_away`."""
    folder = tmp_path / "throw_away"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "throw_away"]:
        del sys.modules[name]


async def forget_throw_away() -> None:
    await door.execute("DROP TABLE IF EXISTS thrown")
    await door.execute("DELETE FROM migration WHERE app_name = 'throw_away'")


async def test_two_migrations_at_once_wait_for_each_other(database: None, throw_away_migrations: Path) -> None:
    ddl = "SELECT pg_sleep(0.2); CREATE TABLE thrown (n int)"
    (throw_away_migrations / "first.py").write_text(
        MIGRATION.format(id="2026-01-01T00:00:00", app="throw_away", ddl=ddl)
    )
    await forget_throw_away()
    ran = await asyncio.gather(*(door.migrate("throw_away", app="throw_away") for _ in range(3)))
    assert sorted(ran) == [[], [], ["2026-01-01T00:00:00"]]
    assert await door.migrate("throw_away", app="throw_away") == []
    await forget_throw_away()


async def test_a_failing_migration_leaves_neither_table_nor_record(database: None, throw_away_migrations: Path) -> None:
    ddl = "CREATE TABLE thrown (n int); SELECT 1 / 0"
    (throw_away_migrations / "first.py").write_text(
        MIGRATION.format(id="2026-01-01T00:00:00", app="throw_away", ddl=ddl)
    )
    await forget_throw_away()
    with pytest.raises(asyncpg.DivisionByZeroError):
        await door.migrate("throw_away", app="throw_away")
    assert await door.fetchval("SELECT to_regclass('thrown')") is None
    assert await door.fetchval("SELECT count(*) FROM migration WHERE app_name = 'throw_away'") == 0
