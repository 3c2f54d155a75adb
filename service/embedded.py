"""PostgreSQL and Valkey from wheels, started on unix sockets of the home and ended with their starter."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from service.claims import (
    POSTGRES,
    VALKEY,
    EmbeddedError,
    Running,
    alive,
    announce,
    attach,
    claim_of,
    forget,
    left_behind,
)
from service.wheels import demand_room, major, postgres_programs, roots_folder, system_user, valkey_program

__all__ = ["EmbeddedError", "EmbeddedPostgres", "EmbeddedRedis", "Running", "attach"]

LONGEST_SOCKET_PATH = 107  # bytes; sockaddr_un holds 108 with the closing zero
LONGEST_LOG = 10 * 1024 * 1024  # bytes; a longer log begins anew at the next start
DATABASE = USER = "reglament"

# What every start passes on, so that a cluster made by an older release obeys too. Made for one small machine;
# durability is never traded away.
POSTGRES_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "512MB",
    "synchronous_commit": "on",
    "wal_level": "minimal",  # nobody replicates an embedded server; backups are dumps
    "max_wal_senders": "0",
    "max_wal_size": "512MB",
    "random_page_cost": "1.1",
    "max_parallel_workers_per_gather": "0",
    "max_worker_processes": "2",
    "max_logical_replication_workers": "0",
    "io_method": "sync",  # spares three processes
    "dynamic_shared_memory_type": "mmap",  # containers have 64 MB of /dev/shm
    "huge_pages": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}


class EmbeddedServer:
    """One server of one home: claimed by a lock, launched, waited for, stopped."""

    name: str
    folder: Path  # of its data and socket; its command line names it
    farewell: signal.Signals  # asks for a clean and quick end

    def __init__(self, home: Path) -> None:
        self.home = home.expanduser().resolve()
        self._process: subprocess.Popen[bytes] | None = None
        self._claim: IO[str] | None = None

    @property
    def url(self) -> str:
        raise NotImplementedError

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended by itself."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start and wait until it answers; `EmbeddedError` says why it cannot."""
        if self._process is not None:
            return self
        self._make_home()
        self._claim = claim_of(self.home, self.name)
        try:
            self._wait_for_a_predecessor(self._claim)
            self._prepare()
            self._process = self._launched()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        announce(self._claim, pid=self._process.pid, url=self.url)
        atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """End it cleanly; harmless when it does not run."""
        atexit.unregister(self.stop)
        if self._process is not None:
            self._end(self._process)
            self._process = None
        if self._claim is not None:
            forget(self._claim)
            self._claim.close()
            self._claim = None

    def restart(self) -> None:
        """At the same address, whether it still runs or not."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _make_home(self) -> None:
        try:
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise EmbeddedError(f"The home {self.home} cannot be made: {error.strerror}.") from error
        demand_room(self.home)

    def _wait_for_a_predecessor(self, claim: IO[str]) -> None:
        """After a kill of its starter the old server still needs a moment to shut down, and removes its socket then."""
        pid = left_behind(claim)
        forget(claim)  # nobody shall attach to it any more
        end = time.monotonic() + 30
        while pid is not None and alive(pid, self.folder):
            if time.monotonic() > end:
                raise EmbeddedError(f"An older {self.name} (process {pid}) still runs for {self.home}; stop it first.")
            time.sleep(0.02)

    def _prepare(self) -> None:
        raise NotImplementedError

    def _launched(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _wait_until_ready(self) -> None:
        raise NotImplementedError

    def _spawn(self, program: list[str], *, log: Path, user: tuple[int, int], folder: Path) -> subprocess.Popen[bytes]:
        """Launch from the thread that lives as long as the process: a child dies with the *thread* that made it."""
        launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launched.py"))]
        how = [str(int(self.farewell)), str(os.getpid()), *map(str, user)]
        with _log(log) as output:
            return _LAUNCHER.submit(
                subprocess.Popen[bytes],
                [*launcher, *how, *program],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                start_new_session=True,  # a Ctrl-C in the terminal is for us, who stop the server last
                env={"LC_ALL": "C", "PATH": os.defpath},
            ).result()

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        for how, seconds in ((self.farewell, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
            with suppress(ProcessLookupError):
                process.send_signal(how)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            return

    def _attempts(self, log: Path, *, seconds: float) -> Iterator[None]:
        """Tick every few milliseconds while the server comes up; raise when it ended or takes too long."""
        assert self._process is not None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise EmbeddedError(_why_it_ended(self.name, log))
            yield
            time.sleep(0.005)
        raise EmbeddedError(f"{self.name} did not answer within {seconds:.0f} seconds; its log is {log}.")


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL 18 with the database `reglament`."""

    name = POSTGRES
    farewell = signal.SIGINT  # "fast shutdown": sessions end, everything is written

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        """`durable=False` skips fsync: for tests that can lose their data with the machine."""
        super().__init__(home)
        self.durable = durable
        self._as_root = os.geteuid() == 0
        self.folder = roots_folder(self.home) if self._as_root else self.home / "postgres"
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"
        self._made = self.data / "reglament.made"
        self._socket = self.folder / ".s.PGSQL.5432"

    @property
    def dsn(self) -> str:
        return f"postgresql://{USER}@/{DATABASE}?host={quote(str(self.folder), safe='/')}&port=5432"

    @property
    def url(self) -> str:
        return self.dsn

    @property
    def programs(self) -> Path:
        """The folder of `postgres`, `pg_dump`, `pg_restore`, `pgbench`, …, reachable by the cluster's user."""
        return postgres_programs(reachable_by_others=self._as_root)

    def _prepare(self) -> None:
        _demand_short(self._socket)
        self._user = self._choose_user()
        self._own(self.folder)
        demand_room(self.folder)
        if self.data.exists():
            self._demand_our_version()
        else:
            self._initialise()

    def _choose_user(self) -> tuple[int, int]:
        """Who runs the server: ourselves, or for root the owner of the cluster, or an existing system user."""
        if not self._as_root:
            return os.geteuid(), os.getegid()
        if self.data.exists():
            owner = self.data.stat()
            return owner.st_uid, owner.st_gid
        return system_user()

    def _own(self, folder: Path) -> None:
        """The folder exists and is the server's alone; the folders above it are never changed."""
        folder.mkdir(parents=True, exist_ok=True)
        if self._as_root:
            os.chown(folder, *self._user)
        folder.chmod(0o700)

    def _demand_our_version(self) -> None:
        theirs = (self.data / "PG_VERSION").read_text().strip() if (self.data / "PG_VERSION").exists() else "unknown"
        ours = major(self.programs)
        if theirs != ours:
            raise EmbeddedError(
                f"The data in {self.data} was written by PostgreSQL {theirs}, this release runs PostgreSQL {ours}. "
                "Restore a backup into an empty home, or go back to the release that wrote it."
            )

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there whole, so that an interrupted start leaves nothing."""
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._run(
            "initdb",
            f"--pgdata={unfinished}",
            f"--username={USER}",
            "--auth=trust",  # the folder of the socket is closed to everybody else
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",  # knows Cyrillic upper and lower case, the same on every machine
            "--no-instructions",
        )
        unfinished.rename(self.data)

    def _launched(self) -> subprocess.Popen[bytes]:
        options = POSTGRES_OPTIONS | {"unix_socket_directories": str(self.folder)}
        if not self.durable:
            options |= {"fsync": "off", "full_page_writes": "off"}
        program = [str(self.programs / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            program += ["-c", f"{name}={value}"]
        return self._spawn(program, log=self.log, user=self._user, folder=self.folder)

    def _wait_until_ready(self) -> None:
        for _ in self._attempts(self.log, seconds=120):  # recovery after a crash may take its time
            if _postmaster_status(self.data / "postmaster.pid", pid=self.pid) == "ready":
                break
        if not self._made.exists():  # asked once in the life of a cluster
            listed = self._run("psql", "-d", "postgres", "-Atc", "SELECT datname FROM pg_database")
            if DATABASE not in listed.splitlines():
                self._run("createdb", DATABASE)
            self._made.touch()

    def _run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs to its end as the cluster's user."""
        answer = subprocess.run(  # noqa: S603  no shell, and the path is our own
            [str(self.programs / program), *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            user=self._user[0] if self._as_root else None,
            group=self._user[1] if self._as_root else None,
            extra_groups=[] if self._as_root else None,
            env={"LC_ALL": "C", "PATH": os.defpath, "PGHOST": str(self.folder), "PGUSER": USER},
        )
        if answer.returncode:
            raise EmbeddedError(f"{program} failed: {_reason(answer.stderr or answer.stdout)}")
        return answer.stdout


class EmbeddedRedis(EmbeddedServer):
    """Valkey, which speaks Redis; it holds no information, so that little is asked of it."""

    name = VALKEY
    farewell = signal.SIGTERM

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.folder = self.home / "redis"
        self.log = self.folder / "valkey.log"
        self.socket_path = self.folder / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket_path}"

    def _prepare(self) -> None:
        _demand_short(self.socket_path)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self.socket_path.unlink(missing_ok=True)

    def _launched(self) -> subprocess.Popen[bytes]:
        program = [
            str(valkey_program()),
            "--port",
            "0",
            "--unixsocket",
            str(self.socket_path),
            "--unixsocketperm",
            "700",
        ]
        program += ["--dir", str(self.folder), "--daemonize", "no", "--loglevel", "warning"]
        program += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        program += ["--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]
        return self._spawn(program, log=self.log, user=(os.geteuid(), os.getegid()), folder=self.folder)

    def _wait_until_ready(self) -> None:
        for _ in self._attempts(self.log, seconds=30):
            if _answers_ping(self.socket_path):
                return


# One thread for all launches, alive until the process ends.
_LAUNCHER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="launcher")


def _postmaster_status(held: Path, *, pid: int | None) -> str:
    """The last line of postmaster.pid, by which pg_ctl knows that connections are welcome; nothing in another's file.

    A server that was killed leaves its file behind, and that says "ready" while the next one still recovers.
    """
    try:
        lines = held.read_text().splitlines()
    except FileNotFoundError:
        return ""
    return lines[7].strip() if len(lines) > 7 and lines[0].strip() == str(pid) else ""


def _answers_ping(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _log(path: Path) -> IO[bytes]:
    """The server's log, opened to append; what it inherits it may write, whoever owns the folder."""
    if path.exists() and path.stat().st_size > LONGEST_LOG:
        path.unlink()
    return path.open("ab")


def _why_it_ended(name: str, log: Path) -> str:
    return f"{name} ended while starting: {_reason(log.read_text(errors='replace'))} Its log is {log}."


def _reason(output: str) -> str:
    """The last telling line of a server's output."""
    if "No space left on device" in output:
        return "there is no room left on the disk."
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "error", "ERROR"))]
    return (telling or lines or ["it said nothing."])[-1]


def _demand_short(path: Path) -> None:
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise EmbeddedError(
            f"The path {path} is too long for a unix socket ({len(os.fsencode(path))} bytes, at most "
            f"{LONGEST_SOCKET_PATH}). Choose a shorter REGLAMENT_HOME."
        )
