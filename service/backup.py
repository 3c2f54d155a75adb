"""Backups: one archive of database, files and secret, and the way back into an empty place."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

import asyncpg
import msgspec

from service.claims import attach
from service.database import APP, DB, close_pool, migrate, start_pool
from service.embedded import EmbeddedPostgres
from service.files import SHA256
from service.settings import Settings
from service.verify import Difference, verify
from service.wheels import postgres_programs

FORM = 1
MANIFEST, DUMP, SECRET, FILES = "manifest.json", "database.dump", "secret", "files"
PLACE_OF_FILE = re.compile(r"files/([0-9a-f]{2})/(\1[0-9a-f]{62})")
CHUNK = 1024 * 1024
AS_OURS = ("--no-owner", "--no-privileges", "--schema=public")
LINES_TOLD = 3  # of what a program of PostgreSQL says when it fails
KNOWS_ITS_OWN_DUMPS = 17  # the first PostgreSQL that has the setting which `pg_restore` names
NOT_KNOWN_BEFORE = b"SET transaction_timeout"
ASIDE = "before_restore"  # where the schema that is replaced stands until the other one is whole
TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND application_name LIKE $1"
)
PREAMBLE = 4096  # bytes of a script in which its settings stand


class BackupError(Exception):
    """Why a backup cannot be made or restored, and what to do."""


class Manifest(msgspec.Struct, frozen=True):
    """What an archive says of itself. `files` is how many it holds."""

    form: int
    made_at: datetime
    files: int


# --- making one -------------------------------------------------------------------------------------------------------


def back_up(settings: Settings, archive: Path, *, at: datetime) -> Manifest:
    """Write the archive; the system may go on working meanwhile. All of it stands under its name, or nothing does.

    The database is dumped first: files are only ever added, so whatever the dump names is there. Raises BackupError.
    """
    archive = archive.expanduser().resolve()
    if archive.exists():
        raise BackupError(f"{archive} is there already; choose another name.")
    unfinished = archive.with_name(archive.name + ".part")
    try:
        with _database(settings) as url, tempfile.TemporaryDirectory(dir=archive.parent) as folder:
            dump = Path(folder) / DUMP
            _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={dump}", database=url)
            made = _write(unfinished, settings, dump, at=at)
        os.replace(unfinished, archive)
    except OSError as error:
        raise BackupError(f"{archive} cannot be written: {error.strerror or error}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return made


def _write(archive: Path, settings: Settings, dump: Path, *, at: datetime) -> Manifest:
    kept = sorted(path for path in (settings.home / FILES).glob("??/*") if SHA256.fullmatch(path.name))
    manifest = Manifest(FORM, at.astimezone(UTC), len(kept))
    # Nobody else may read it: it holds the secret and what customers wrote.
    opened = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w") as tar:
            _add(tar, MANIFEST, msgspec.json.encode(manifest), at=at)
            _add(tar, SECRET, _secret(settings), at=at)
            tar.add(dump, arcname=DUMP)
            for path in kept:
                tar.add(path, arcname=f"{FILES}/{path.parent.name}/{path.name}", recursive=False)
        raw.flush()
        os.fsync(raw.fileno())
    return manifest


def _add(tar: tarfile.TarFile, name: str, data: bytes, *, at: datetime) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(data), 0o600, int(at.timestamp())
    tar.addfile(member, io.BytesIO(data))


def _secret(settings: Settings) -> bytes:
    """The secret in use, wherever it comes from: without it sealed secrets and links in letters are worth nothing."""
    settings.key("backup")  # makes the kept one on first use
    return settings.secret.encode() if settings.secret else (settings.home / SECRET).read_bytes().strip()


# --- and back ---------------------------------------------------------------------------------------------------------


async def restore(settings: Settings, archive: Path, *, force: bool = False) -> tuple[Manifest, list[Difference]]:
    """Put an archive into an empty home and database, bring the tables up to date, and replay every journal.

    `force` replaces the database and the secret; files that are there stay beside the restored ones. Nothing may run
    on either meanwhile. A damaged archive is refused before anything is touched, and what a restore that fails would
    have replaced stands where it stood. Raises BackupError.
    """
    if settings.database_url is None and attach(settings.home, redis=False) is not None:
        raise BackupError(f"Reglament runs in {settings.home}. Stop it first, then restore.")
    with _opened(archive) as tar:
        manifest = _manifest(tar)
        secret = _content(tar, SECRET).read()
        _demand_own_secret(settings, secret, force=force)
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        _demand_whole(tar, manifest, folder=settings.home)
        with _database(settings) as url:
            async with _room(settings, url, force=force) as server:
                _put_database(tar, url, server=server, folder=settings.home)
                _put_files(tar, settings.home)
            _put_secret(settings, secret)
            DB.configure(url, pool_size=2, prepared_statements=settings.prepared_statements)
            await migrate()
            return manifest, await _verified()


async def _verified() -> list[Difference]:
    await start_pool()
    try:
        return await verify()
    finally:
        await close_pool()


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{archive} is no backup of Reglament, or it is damaged: {error}.") from error
    except FileNotFoundError as error:
        raise BackupError(f"{error.filename} is not there.") from error


def _manifest(tar: tarfile.TarFile) -> Manifest:
    try:
        manifest = msgspec.json.decode(_content(tar, MANIFEST).read(), type=Manifest)
    except msgspec.MsgspecError as error:
        raise BackupError(f"The archive's manifest cannot be read: {error}.") from error
    if manifest.form > FORM:
        raise BackupError("A newer Reglament made this archive; restore it with that one.")
    return manifest


def _content(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        content = tar.extractfile(name)
    except KeyError:
        content = None
    if content is None:
        raise BackupError(f"The archive lacks {name}: it is no backup of Reglament, or it is damaged.")
    return content


def _demand_own_secret(settings: Settings, secret: bytes, *, force: bool) -> None:
    if settings.secret and settings.secret.encode() != secret and not force:
        raise BackupError(
            "REGLAMENT_SECRET is not the secret of the backup: webhooks' secrets and links in letters could not be "
            "read. Unset it or set the old one; --force goes on all the same."
        )


def _demand_whole(tar: tarfile.TarFile, manifest: Manifest, *, folder: Path) -> None:
    """Reads all of the archive, as restoring will. Raises BackupError when some of it is missing or damaged."""
    files = 0
    for member in tar:
        if place := _place_in(member):
            files += 1
            if _copy(_content(tar, member.name), None) != place:
                raise _spoiled(member)
    if files != manifest.files:
        raise BackupError(f"The archive is damaged: it holds {files} of its {manifest.files} files.")
    with _dump_in(tar, folder) as dump:
        try:
            _run("pg_restore", f"--file={os.devnull}", str(dump))
        except BackupError as error:
            raise BackupError(f"The archive is damaged: {error}") from error


def _spoiled(member: tarfile.TarInfo) -> BackupError:
    return BackupError(f"The archive is damaged: {member.name} has another content than its name says.")


def _place_in(member: tarfile.TarInfo) -> str | None:
    """The hash that a file of a ticket is kept under; None for the other parts. Raises BackupError for strangers."""
    if not member.name.startswith(FILES):
        return None
    place = PLACE_OF_FILE.fullmatch(member.name)
    if place is None or not member.isfile():
        raise BackupError(f"The archive holds {member.name!r}, which no backup has.")
    return place[2]


@contextmanager
def _dump_in(tar: tarfile.TarFile, folder: Path) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile(dir=folder, prefix="restore-") as dump:
        _copy(_content(tar, DUMP), dump)
        dump.flush()
        yield Path(dump.name)


@asynccontextmanager
async def _room(settings: Settings, url: str, *, force: bool) -> AsyncIterator[int]:
    """An empty schema to restore into; the server's major version. What stood there comes back if restoring fails.

    Raises BackupError when something is there that restoring would mix with, or somebody still works with it.
    """
    session = await asyncpg.connect(url)
    try:
        await _put_back(session)
        tables = await session.fetchval(TABLES)
        if tables and not force:
            raise BackupError("The database is not empty. Restore into an empty one, or say --force to replace it.")
        if any((settings.home / FILES).glob("??/*")) and not force:
            raise BackupError(f"{settings.home / FILES} is not empty. Restore into an empty home, or say --force.")
        if parts := await session.fetchval(OTHERS, f"{APP}%"):
            raise BackupError(f"Reglament still works with this database ({parts} connections). Stop all of it first.")
        await session.execute(f"ALTER SCHEMA public RENAME TO {ASIDE}; CREATE SCHEMA public")
        try:
            yield int(session.get_server_version().major)
        except BaseException:
            await session.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            await _put_back(session)
            raise
        await session.execute(f"DROP SCHEMA {ASIDE} CASCADE")
    finally:
        await session.close()


async def _put_back(session: asyncpg.Connection) -> None:
    """What a restore that did not come to its end has set aside; nothing when it had put everything in its place."""
    if not await session.fetchval("SELECT to_regnamespace($1) IS NOT NULL", ASIDE):
        return
    if await session.fetchval(TABLES):
        await session.execute(f"DROP SCHEMA {ASIDE} CASCADE")
    else:
        await session.execute(f"DROP SCHEMA public CASCADE; ALTER SCHEMA {ASIDE} RENAME TO public")


def _put_database(tar: tarfile.TarFile, url: str, *, server: int, folder: Path) -> None:
    with _dump_in(tar, folder) as dump:
        if server < KNOWS_ITS_OWN_DUMPS:
            _put_into_older(dump, url, folder=folder)
        else:
            _run("pg_restore", "--exit-on-error", "--single-transaction", *AS_OURS, str(dump), database=url)


def _put_into_older(dump: Path, url: str, *, folder: Path) -> None:
    """By a script without the setting that the server does not know."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix="restore-") as script:
        _run("pg_restore", *AS_OURS, f"--file={script.name}", str(dump))
        script.seek(script.read(PREAMBLE).index(NOT_KNOWN_BEFORE))
        script.write(b"--")  # a comment from here to the end of the line
        script.flush()
        _run(
            "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1",
            f"--file={script.name}", database=url,
        )  # fmt: skip


def _put_files(tar: tarfile.TarFile, home: Path) -> None:
    """Only what its own content vouches for, and only where such files lie."""
    for member in tar:
        if (place := _place_in(member)) is None:
            continue
        target = home / member.name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix="new-", delete=False) as made:
            digest = _copy(_content(tar, member.name), made)
            made.flush()
            os.fsync(made.fileno())
        if digest != place:
            Path(made.name).unlink()
            raise _spoiled(member)
        os.replace(made.name, target)


def _copy(source: IO[bytes], target: IO[bytes] | None) -> str:
    """Copy everything, or only read it; its SHA-256."""
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        if target is not None:
            target.write(chunk)
    return digest.hexdigest()


def _put_secret(settings: Settings, secret: bytes) -> None:
    """Into the home, unless the settings bring it."""
    if settings.secret:
        return
    with tempfile.NamedTemporaryFile(dir=settings.home, prefix="secret-", delete=False) as made:
        made.write(secret)
        made.flush()
        os.fsync(made.fileno())
    os.replace(made.name, settings.home / SECRET)


# --- the database, wherever it is -------------------------------------------------------------------------------------


@contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """The address of the database: named, running in the home, or started there for as long as this takes."""
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if settings.database_url:
        yield settings.database_url
    elif running := attach(settings.home, redis=False):
        yield running.database_url
    else:
        with EmbeddedPostgres(settings.home) as server:
            yield server.dsn


def _run(program: str, *arguments: str, database: str | None = None) -> None:
    place = postgres_programs(reachable_by_others=False) / program
    url, secret = _without_password(database) if database else ("", {})
    command = [str(place), *([f"--dbname={url}"] if url else []), *arguments]
    done = subprocess.run(command, env=os.environ | secret, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        first = next((n for n, line in enumerate(said) if "error:" in line), 0)
        told = " ".join(said[first : first + LINES_TOLD]) or "it said nothing."
        raise BackupError(f"{program} failed: {told.removeprefix(f'{program}: error: ')}")


def _without_password(url: str) -> tuple[str, dict[str, str]]:
    """The address as everybody on the machine may read it in the list of processes, and the rest for libpq alone."""
    account = urlsplit(url).netloc.rpartition("@")[0]
    user, colon, password = account.partition(":")
    if not colon:
        return url, {}
    return url.replace(f"//{account}@", f"//{user}@", 1), {"PGPASSWORD": unquote(password)}
