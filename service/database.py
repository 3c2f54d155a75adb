"""The database: one engine, one door for transactions, and the same door for statements written in SQL."""

import asyncio
import functools
import importlib
import os
import pkgutil
import random
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import redirect_stdout
from contextvars import Token
from io import StringIO
from types import ModuleType, TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

import asyncpg
import structlog
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

from service import tracing

log = structlog.get_logger(__name__)

T = TypeVar("T")
P = ParamSpec("P")

APP = "reglament"
MIGRATIONS = "service.piccolo_migrations"

# Milliseconds. A move waits for its ticket's lock at most this long; a statement that takes longer is a fault.
SESSION_SETTINGS = {
    "timezone": "UTC",
    "lock_timeout": "5000",
    "statement_timeout": "30000",
    "idle_in_transaction_session_timeout": "30000",
}
COMMAND_TIMEOUT = 60.0  # seconds: the client's own end for a server that went silent
ATTEMPTS = 6
OLDEST_SERVER = 150000  # as server_version_num


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that costs no round trip when it goes back to the pool: nobody changes its session."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        if tracing.on():
            self.add_query_logger(tracing.statement)

    def get_reset_query(self) -> str:
        return ""


class Transaction(PostgresTransaction):
    """Piccolo's transaction, mended: however it ends, the connection goes back and the context is clean.

    As shipped (1.38) a failing COMMIT and a cancelled task both keep the connection for ever.
    """

    engine: "Engine"
    context: Token[Any]

    async def __aenter__(self) -> Self:
        if self._parent is not None:
            return cast(Self, self._parent)
        self.connection = await self.get_connection()  # type: ignore[no-untyped-call]
        try:
            self.transaction = self.connection.transaction()
            await self.begin()
        except BaseException:
            await _to_its_end(self._give_back())
            raise
        self.context = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._parent is None:
            self.engine.current_transaction.reset(self.context)
            await _to_its_end(self._finish(error))
        return False

    async def begin(self) -> None:
        await self.transaction.start()
        if self.engine.settings_in_transaction:
            await self.connection.execute(self.engine.settings_in_transaction)

    async def _finish(self, error: BaseException | None) -> None:
        try:
            if self._rolled_back or self._committed:
                return  # by hand, inside
            if error is None:
                await self.commit()  # type: ignore[no-untyped-call]
            else:
                await self._roll_back_after(error)
        finally:
            await self._give_back()

    async def _roll_back_after(self, error: BaseException) -> None:
        """Roll back; when even that fails the server rolls back by itself, and `error` is what the caller must see."""
        try:
            await self.rollback()  # type: ignore[no-untyped-call]
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as failure:
            log.warning("rollback failed", failure=str(failure), after=repr(error))

    async def _give_back(self) -> None:
        if self.engine.pool:
            await self.engine.pool.release(self.connection)
        else:
            await self.connection.close()


class Engine(PostgresEngine):
    """Piccolo's engine with the mended transaction; configured at the composition root, before its pool starts."""

    def __init__(self) -> None:
        super().__init__(config={})
        self.settings_in_transaction = ""
        self.pool_size = 10

    def configure(self, dsn: str, *, pool_size: int = 10, prepared_statements: bool = True) -> None:
        """Say which database this process speaks to.

        Without prepared statements (behind a pooler that changes connections between transactions) the session
        settings cannot live in the session: each transaction sets them for itself.
        """
        self.config = {"dsn": dsn, "connection_class": Connection, "command_timeout": COMMAND_TIMEOUT}
        self.pool_size = pool_size
        if prepared_statements:
            self.settings_in_transaction = ""
            self.config["server_settings"] = {**SESSION_SETTINGS, "application_name": APP}
        else:
            self.settings_in_transaction = "".join(
                f"SET LOCAL {name} = '{value}';" for name, value in SESSION_SETTINGS.items()
            )
            self.config["statement_cache_size"] = 0

    async def check_version(self) -> None:
        """Nothing is asked while the module is imported; `start_pool` looks at the version."""

    def transaction(self, allow_nested: bool = True) -> Transaction:
        return Transaction(engine=self, allow_nested=allow_nested)


DB = Engine()


async def start_pool() -> None:
    """Open the pool of this process, inside its event loop."""
    if not DB.config:
        raise RuntimeError("DB.configure() comes before start_pool()")
    await DB.start_connection_pool(min_size=1, max_size=DB.pool_size)
    if await fetchval("SELECT current_setting('server_version_num')::int") < OLDEST_SERVER:
        await close_pool()
        raise RuntimeError(f"PostgreSQL {OLDEST_SERVER // 10000} or newer is needed")


async def close_pool() -> None:
    """Close the pool after its connections came back; after ten seconds without waiting for them."""
    if DB.pool is None:
        return
    try:
        async with asyncio.timeout(10):
            await DB.pool.close()
    except TimeoutError:
        log.warning("connections were still in use when the pool closed")
    DB.pool = None


def connection() -> Any:
    """The asyncpg connection of the transaction we are in; `RuntimeError` outside of one."""
    current = DB.current_transaction.get()
    if current is None:
        raise RuntimeError("no transaction is open here")
    return current.connection


async def fetch(sql: str, *values: object) -> list[Any]:
    """The rows of a statement, in the transaction we are in or on a connection of the pool."""
    return cast(list[Any], await _run("fetch", sql, values))


async def fetchrow(sql: str, *values: object) -> Any:
    """The first row of a statement, or None."""
    return await _run("fetchrow", sql, values)


async def fetchval(sql: str, *values: object) -> Any:
    """The first value of the first row, or None."""
    return await _run("fetchval", sql, values)


async def execute(sql: str, *values: object) -> int:
    """Run a statement for its effect; the number of rows it touched."""
    status = str(await _run("execute", sql, values))  # "UPDATE 3", "INSERT 0 1", "CREATE TABLE"
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


async def _run(method: str, sql: str, values: Sequence[object]) -> Any:
    current = DB.current_transaction.get()
    if current is not None:
        return await getattr(current.connection, method)(sql, *values)
    if DB.pool is None:
        raise RuntimeError("start_pool() comes before the first statement")
    if DB.settings_in_transaction:
        async with DB.transaction():
            return await getattr(connection(), method)(sql, *values)
    async with DB.pool.acquire() as taken:
        return await getattr(taken, method)(sql, *values)


def passing(error: BaseException) -> bool:
    """Whether the whole transaction may be tried again: a conflict with another one, or a lost connection."""
    if isinstance(error, asyncpg.InterfaceError):
        # The other messages of this class are mistakes of the program; the pool takes a dead connection back itself.
        return any(words in str(error) for words in ("is closed", "was closed", "released back to the pool"))
    return isinstance(
        error,
        (
            asyncpg.SerializationError,
            asyncpg.DeadlockDetectedError,
            asyncpg.PostgresConnectionError,
            asyncpg.AdminShutdownError,
            asyncpg.CrashShutdownError,
            asyncpg.CannotConnectNowError,
            ConnectionError,
            FileNotFoundError,  # the unix socket of a server that restarts
        ),
    )


async def retrying(work: Callable[[], Awaitable[T]], *, attempts: int = ATTEMPTS) -> T:
    """Carry out a whole transaction, again after a conflict or a lost connection: some 1.5 s in all.

    A connection lost during COMMIT leaves open whether it was carried out; `work` must bear being run twice
    (the journal's UNIQUE cause sees to it).
    """
    for attempt in range(1, attempts):
        try:
            return await work()
        except Exception as error:
            if not passing(error) or DB.current_transaction.get() is not None:
                raise
            log.warning("transaction tried again", attempt=attempt, error=repr(error))
        await asyncio.sleep(random.uniform(0.5, 1.5) * 0.05 * 2 ** (attempt - 1))  # noqa: S311  jitter, no secret
    return await work()


def retried(verb: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """`retrying` as a decorator of a verb that opens its own transaction."""

    @functools.wraps(verb)
    async def carried_out(*args: P.args, **given: P.kwargs) -> T:
        with tracing.step(verb.__name__.strip("_")):
            return await retrying(lambda: verb(*args, **given))

    return carried_out


async def migrate(package: str = MIGRATIONS, *, app: str = APP) -> list[str]:
    """Bring the tables up to date; the ids of the migrations carried out now, in their order.

    Each migration and its record are one transaction. Any number of processes may call this at once: they wait
    for each other. Behind a pooler this needs the database's own address (the lock lives in the session).
    """
    os.environ.setdefault("PICCOLO_CONF", "service.piccolo_conf")  # Piccolo's own tables look for their engine there
    migrations = _migrations(package)
    config = {key: value for key, value in DB.config.items() if key not in ("server_settings", "command_timeout")}
    session = await asyncpg.connect(**config, server_settings={"timezone": "UTC", "application_name": f"{APP} migrate"})
    try:
        await session.execute("SELECT pg_advisory_lock($1)", zlib.crc32(f"migrate {app}".encode()))
        await session.execute(
            "CREATE TABLE IF NOT EXISTS migration (id serial PRIMARY KEY, name varchar(200) NOT NULL DEFAULT '', "
            "app_name varchar(200) NOT NULL DEFAULT '', ran_on timestamp NOT NULL DEFAULT current_timestamp)"
        )
        done = {row["name"] for row in await session.fetch("SELECT name FROM migration WHERE app_name = $1", app)}
        due = [name for name in sorted(migrations) if name not in done]
        for name in due:
            await _carry_out(migrations[name], name, app=app, session=session)
            log.info("migration carried out", migration=name)
        return due
    finally:
        await _to_its_end(session.close())  # lets go of the lock too


async def pending_migrations(package: str = MIGRATIONS, *, app: str = APP) -> list[str]:
    """The ids of the migrations that this release brings and the database has not seen."""
    known = await fetchval("SELECT to_regclass('migration') IS NOT NULL")
    rows = await fetch("SELECT name FROM migration WHERE app_name = $1", app) if known else []
    return sorted(set(_migrations(package)) - {row["name"] for row in rows})


class _OnThisSession(Transaction):
    """A transaction on a connection that somebody else opened and closes."""

    def __init__(self, session: Any) -> None:
        super().__init__(engine=DB, allow_nested=False)
        self._session = session

    async def get_connection(self) -> Any:
        return self._session

    async def _give_back(self) -> None:
        """It is not ours."""


async def _carry_out(module: ModuleType, name: str, *, app: str, session: Any) -> None:
    async with _OnThisSession(session):
        manager = await module.forwards()
        if isinstance(manager, MigrationManager):
            with redirect_stdout(StringIO()):  # it prints its progress; we log ours
                await manager.run()
        await session.execute("INSERT INTO migration (name, app_name) VALUES ($1, $2)", name, app)


def _migrations(package: str) -> dict[str, ModuleType]:
    """The migration modules of a package by their ids."""
    folder = importlib.import_module(package)
    modules = (importlib.import_module(f"{package}.{found.name}") for found in pkgutil.iter_modules(folder.__path__))
    return {module.ID: module for module in modules if hasattr(module, "ID")}


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Wait for the work to end even when we are cancelled meanwhile; then let the cancellation go on."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as cancellation:
            cancelled = cancellation
    if cancelled is None:
        task.result()
    elif task.exception() is not None:
        raise cancelled from task.exception()
    else:
        raise cancelled
