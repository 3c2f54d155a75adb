"""A backup brings everything back into an empty place, and goes nowhere else."""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from service import backup
from service.database import fetch
from service.embedded import EmbeddedPostgres
from service.files import Shelf
from service.settings import Settings
from service.wheels import system_user
from tests.desk import a_ticket, completed

JOURNALS = "SELECT id, seq, head FROM ticket ORDER BY id"


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty folder with a path short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="rgl-b-", dir="/tmp"))
    yield folder
    shutil.rmtree(EmbeddedPostgres(folder / "new").folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def reglament(home: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("REGLAMENT_")}
    environ = clean | {"REGLAMENT_HOME": str(home)} | {f"REGLAMENT_{name}": value for name, value in settings.items()}
    program = [sys.executable, "-m", "service.cli", *words]
    return subprocess.run(program, env=environ, capture_output=True, text=True, check=False)


def a_file(home: Path, content: bytes) -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    shelf = Shelf()
    shelf.furnish(home)
    shelf.place(sha256).parent.mkdir(parents=True)
    shelf.place(sha256).write_bytes(content)
    return sha256


async def rows(url: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(JOURNALS)]
    finally:
        await connection.close()


async def test_a_backup_is_restored_into_an_empty_place_and_verified(
    place: Path, database_url: str, regulation: None
) -> None:
    await a_ticket()
    await completed()
    old, new, archive = place / "old", place / "new", place / "backup.tar"
    sha256 = a_file(old, b"a photograph")

    made = reglament(old, "backup", str(archive), DATABASE_URL=database_url)
    assert made.returncode == 0, made.stderr
    assert "1 files" in made.stdout
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    again = reglament(old, "backup", str(archive), DATABASE_URL=database_url)
    assert (again.returncode, "is there already" in again.stderr) == (1, True)

    restored = reglament(new, "restore", str(archive))
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert "Every journal says what its ticket shows." in restored.stdout
    with EmbeddedPostgres(new) as server:
        assert await rows(server.dsn) == [tuple(row) for row in await fetch(JOURNALS)]
    assert (new / "secret").read_bytes() == (old / "secret").read_bytes()
    assert stat.S_IMODE((new / "secret").stat().st_mode) == 0o600
    assert (new / "files" / sha256[:2] / sha256).read_bytes() == b"a photograph"

    # What is there is not mixed with what comes, unless that is asked for.
    refused = reglament(new, "restore", str(archive))
    assert (refused.returncode, "not empty" in refused.stderr) == (1, True)
    forced = reglament(new, "restore", "--force", str(archive))
    assert forced.returncode == 0, forced.stderr


async def test_nobody_restores_over_a_running_system(place: Path, database_url: str, regulation: None) -> None:
    archive = place / "backup.tar"
    assert reglament(place / "old", "backup", str(archive), DATABASE_URL=database_url).returncode == 0
    with EmbeddedPostgres(place / "new"):
        refused = reglament(place / "new", "restore", "--force", str(archive))
    assert (refused.returncode, "Stop it first" in refused.stderr) == (1, True)


async def test_nobody_restores_into_a_database_that_the_system_works_with(
    place: Path, database_url: str, regulation: None
) -> None:
    archive = place / "backup.tar"
    assert reglament(place / "old", "backup", str(archive), DATABASE_URL=database_url).returncode == 0
    refused = reglament(place / "new", "restore", "--force", str(archive), DATABASE_URL=database_url)
    assert (refused.returncode, "still works with this database" in refused.stderr) == (1, True)
    assert await fetch("SELECT version FROM regulation")


async def test_a_restore_that_fails_leaves_what_stood_there(
    place: Path, database_url: str, regulation: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_ticket()
    archive = place / "backup.tar"
    assert reglament(place / "old", "backup", str(archive), DATABASE_URL=database_url).returncode == 0
    with EmbeddedPostgres(place / "new") as server:
        settings = Settings(home=place / "newer", database_url=server.dsn)
        standing = await asyncpg.connect(server.dsn)
        await standing.execute("CREATE TABLE ticket (id int, seq int, head bytea); INSERT INTO ticket VALUES (7)")

        def full(*_given: object) -> None:
            raise backup.BackupError("the disk is full")

        monkeypatch.setattr(backup, "_put_files", full)
        with pytest.raises(backup.BackupError, match="full"):
            await backup.restore(settings, archive, force=True)
        assert await rows(server.dsn) == [(7, None, None)]
        await standing.execute("ALTER SCHEMA public RENAME TO before_restore; CREATE SCHEMA public")  # killed half-way
        with pytest.raises(backup.BackupError, match="not empty"):
            await backup.restore(settings, archive)
        assert await rows(server.dsn) == [(7, None, None)]
        await standing.close()


async def test_another_secret_is_not_accepted_in_silence(place: Path, database_url: str, regulation: None) -> None:
    archive = place / "backup.tar"
    assert reglament(place / "old", "backup", str(archive), DATABASE_URL=database_url).returncode == 0
    refused = reglament(place / "new", "restore", str(archive), SECRET="x" * 40)
    assert (refused.returncode, "not the secret of the backup" in refused.stderr) == (1, True)


@pytest.mark.parametrize("name", ["files/../../outside", "files/aa/" + "b" * 64, "files/ab/" + "ab" * 32])
async def test_an_archive_cannot_write_elsewhere_or_lie_about_a_file(
    place: Path, database_url: str, regulation: None, name: str
) -> None:
    archive, spoiled = place / "backup.tar", place / "spoiled.tar"
    assert reglament(place / "old", "backup", str(archive), DATABASE_URL=database_url).returncode == 0
    shutil.copy(archive, spoiled)
    content = place / "content"
    content.write_bytes(b"harm")
    with tarfile.open(spoiled, "a") as tar:
        tar.add(content, arcname=name)
    refused = reglament(place / "new", "restore", str(spoiled))
    assert refused.returncode == 1
    assert "which no backup has" in refused.stderr or "another content" in refused.stderr
    assert not (place / "outside").exists()


def cut_short(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])


def without_a_file(archive: Path) -> None:
    whole = archive.rename(archive.with_suffix(".whole"))
    with tarfile.open(whole) as old, tarfile.open(archive, "w") as new:
        for member in old:
            if not member.name.startswith("files/"):
                new.addfile(member, old.extractfile(member))


def with_a_spoiled_dump(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        dump = tar.getmember("database.dump")
    with archive.open("r+b") as raw:
        raw.seek(dump.offset_data + dump.size * 9 // 10)
        raw.write(b"harm" * 40)


@pytest.mark.parametrize("spoil", [cut_short, without_a_file, with_a_spoiled_dump])
async def test_a_damaged_archive_is_refused_before_anything_is_lost(
    place: Path, database_url: str, regulation: None, spoil: Callable[[Path], None]
) -> None:
    await a_ticket()
    old, new, archive = place / "old", place / "new", place / "backup.tar"
    a_file(old, os.urandom(4096))
    assert reglament(old, "backup", str(archive), DATABASE_URL=database_url).returncode == 0
    assert reglament(new, "restore", str(archive)).returncode == 0
    spoil(archive)
    refused = reglament(new, "restore", "--force", str(archive))
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: ")
    assert "damaged" in refused.stderr
    with EmbeddedPostgres(new) as server:
        assert await rows(server.dsn) == [tuple(row) for row in await fetch(JOURNALS)]


def test_a_database_that_is_away_is_said_whole(place: Path) -> None:
    told = reglament(place, "backup", str(place / "all.tar"), DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert told.returncode == 1
    assert "pg_dump failed: connection to server at" in told.stderr
    assert "127.0.0.1" in told.stderr
    assert "Traceback" not in told.stderr
    assert not (place / "all.tar").exists()


def test_what_is_no_backup_is_said_so(place: Path) -> None:
    stranger = place / "stranger.tar"
    stranger.write_bytes(b"not an archive")
    refused = reglament(place / "new", "restore", str(stranger))
    assert (refused.returncode, "no backup of Reglament" in refused.stderr) == (1, True)


OLDER = sorted(Path("/usr/lib/postgresql").glob("1[56]/bin/postgres"))


@pytest.fixture
def older_server(place: Path) -> Iterator[str]:
    """An empty database of a PostgreSQL that this machine has besides ours."""
    programs, folder = OLDER[0].parent, place / "older"
    place.chmod(0o711)
    folder.mkdir()
    owner: dict[str, int] = {}
    if os.getuid() == 0:
        owner = dict(zip(("user", "group"), system_user(), strict=True))
        os.chown(folder, *system_user())
    data, options = str(folder / "data"), f"-c listen_addresses= -k {folder}"

    def run(program: str, *words: str) -> None:
        subprocess.run([programs / program, "-D", data, *words], check=True, stdout=subprocess.DEVNULL, **owner)

    run("initdb", "--username=reglament", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
    run("pg_ctl", "-o", options, "-l", str(folder / "log"), "-w", "start")
    yield f"postgresql://reglament@/postgres?host={folder}"
    run("pg_ctl", "-m", "immediate", "-w", "stop")


@pytest.mark.skipif(not OLDER, reason="no older PostgreSQL on this machine")
async def test_a_backup_is_restored_into_the_oldest_server_that_is_promised(
    place: Path, database_url: str, regulation: None, older_server: str
) -> None:
    await completed()
    archive = place / "backup.tar"
    assert reglament(place / "old", "backup", str(archive), DATABASE_URL=database_url).returncode == 0
    restored = reglament(place / "new", "restore", str(archive), DATABASE_URL=older_server)
    assert restored.returncode == 0, restored.stdout + restored.stderr
    assert await rows(older_server) == [tuple(row) for row in await fetch(JOURNALS)]
    again = reglament(place / "new", "backup", str(place / "again.tar"), DATABASE_URL=older_server)
    assert again.returncode == 0, again.stderr


def test_no_list_of_processes_shows_the_password(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = place / "told"
    program = place / "pg_dump"
    program.write_text(f'#!/bin/sh\necho "$@" "$PGPASSWORD" > {told}\n')
    program.chmod(0o700)
    monkeypatch.setattr(backup, "postgres_programs", lambda **_: place)
    backup._run("pg_dump", "--format=custom", database="postgresql://reglament:p%40ss@db:5432,other:5432/reglament")
    assert told.read_text() == "--dbname=postgresql://reglament@db:5432,other:5432/reglament --format=custom p@ss\n"
