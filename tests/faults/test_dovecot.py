"""Mail fetched from a real IMAP server: Dovecot, started for these tests where it is installed."""

import asyncio
import imaplib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from notifications.mail import imap
from notifications.mail.imap import TAKEN, TOO_BIG, fetch_mail, place_of, take_new
from service import bell
from service.database import fetch, fetchval
from tests.desk import MONDAY, eventually

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("regulation")]

NOBODY = 65534
CONFIGURATION = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
protocols = imap
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
mail_location = maildir:{home}/mail/%u
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""


@dataclass
class Dovecot:
    home: Path
    port: int

    def url(self, folder: str = "INBOX") -> str:
        return f"imap://support:secret@127.0.0.1:{self.port}/{folder}"

    @contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        """Another reader of the same mailbox, a person's mail program."""
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=10)
        try:
            client.login("support", "secret")
            yield client
            client.logout()
        except BaseException:
            client.shutdown()
            raise

    def put(self, raw: bytes, folder: str = "INBOX") -> None:
        with self.client() as client:
            assert client.append(f'"{folder}"', "", None, raw)[0] == "OK"

    def flags(self, folder: str) -> list[bytes]:
        """The flags of each mail in a folder."""
        with self.client() as client:
            if client.select(f'"{folder}"', readonly=True)[1] == [b"0"]:
                return []
            _status, told = client.fetch("1:*", "(FLAGS)")
            return [line for line in told if isinstance(line, bytes)]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    program = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
    if program is None:
        pytest.skip("no Dovecot: install dovecot-imapd to try the mailbox against a real server")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    if not version.startswith("2.3."):
        pytest.skip(f"these tests configure Dovecot 2.3, not {version.strip()}")
    home = Path(tempfile.mkdtemp(prefix="rgl-imap-", dir="/tmp"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = os.geteuid() == 0
    me = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    (home / "mail").mkdir()
    if root:
        home.chmod(0o755)
        os.chown(home / "mail", NOBODY, NOBODY)
    configuration = home / "dovecot.conf"
    configuration.write_text(
        CONFIGURATION.format(
            home=home, port=port, uid=NOBODY if root else os.getuid(), gid=NOBODY if root else os.getgid(),
            internal="dovecot" if root else me, internal_group="dovecot" if root else me,
            login="dovenull" if root else me,
        )
    )  # fmt: skip
    process = subprocess.Popen([program, "-F", "-c", str(configuration)], stderr=subprocess.PIPE)
    server = Dovecot(home, port)
    try:
        _wait_for(server, process)
        yield server
    finally:
        process.terminate()
        process.wait(20)
        assert process.stderr is not None
        process.stderr.close()
        shutil.rmtree(home, ignore_errors=True)


def _wait_for(server: Dovecot, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 15
    while time.monotonic() < end:
        try:
            with server.client():
                return
        except OSError:
            if process.poll() is not None:
                assert process.stderr is not None
                raise AssertionError(process.stderr.read().decode()) from None
            time.sleep(0.1)
    log = server.home / "dovecot.log"
    raise AssertionError(log.read_text() if log.exists() else "Dovecot did not start")


@pytest.fixture(autouse=True)
async def _empty(dovecot: Dovecot) -> AsyncIterator[None]:
    bell.hang(bell.SilentBell())
    yield
    with dovecot.client() as client:
        for folder in ("INBOX", "Support", TAKEN, TOO_BIG):
            status, count = client.select(f'"{folder}"')
            if status == "OK" and count != [b"0"]:
                client.store("1:*", "+FLAGS", "\\Deleted")
                client.expunge()
        client.select("INBOX")
        for folder in ("Support", TAKEN, TOO_BIG):
            client.delete(f'"{folder}"')


def a_mail(word: str = "one", size: int = 0) -> bytes:
    return (
        f"From: ivan@example.com\r\nSubject: {word}\r\nMessage-ID: <{word}@example.com>\r\n\r\nIt does not start.\r\n"
        + "x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * (size // 72)
    ).encode()  # fmt: skip


async def taken(dovecot: Dovecot, folder: str = "INBOX") -> int:
    place = place_of(dovecot.url(folder))
    box = await asyncio.to_thread(imap._open, place)
    try:
        return await take_new(box, place, at=MONDAY)
    finally:
        await asyncio.to_thread(imap._leave, box)


async def test_mail_is_stored_byte_for_byte_and_moved_to_our_own_folder_unseen(dovecot: Dovecot) -> None:
    raws = [a_mail(word) for word in ("one", "two", "three")]
    for raw in raws:
        dovecot.put(raw)
    assert await taken(dovecot) == 3
    assert [bytes(row["original"]) for row in await fetch("SELECT original FROM mail ORDER BY source")] == raws
    assert dovecot.flags("INBOX") == []
    flags = dovecot.flags(TAKEN)
    assert len(flags) == 3
    assert not [flag for flag in flags if b"Seen" in flag]
    assert await taken(dovecot) == 0


async def test_a_mail_left_between_store_and_move_is_found_again_and_stored_once(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovecot.put(a_mail())

    def dies(*_args: object) -> None:
        raise ConnectionResetError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(imap, "_move", dies)
        with pytest.raises(ConnectionResetError):
            await taken(dovecot)
    assert len(dovecot.flags("INBOX")) == 1
    assert b"Seen" not in dovecot.flags("INBOX")[0]
    assert await taken(dovecot) == 1
    assert await fetchval("SELECT count(*) FROM mail") == 1


async def test_another_life_of_the_folder_has_other_mails_under_the_same_uids(dovecot: Dovecot) -> None:
    for n in range(2):
        with dovecot.client() as client:
            client.create("Support")
        dovecot.put(a_mail(), "Support")
        assert await taken(dovecot, "Support") == 1
        with dovecot.client() as client:
            client.delete("Support")
        await asyncio.sleep(1.1 * (1 - n))  # UIDVALIDITY is a second of the clock
    sources = [row["source"].split(" ")[-2:] for row in await fetch("SELECT source FROM mail ORDER BY id")]
    (one, first), (other, second) = sources
    assert first == second == "1"
    assert one != other
    assert await fetchval("SELECT count(DISTINCT sha256) FROM mail") == 1


async def test_a_mail_that_is_too_big_is_asked_for_its_size_only(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap, "SIZE_LIMIT", 10_000)
    fetched: list[str] = []
    original = imap._raw
    monkeypatch.setattr(imap, "_raw", lambda box, uid: fetched.append(uid) or original(box, uid))
    dovecot.put(a_mail("big", size=20_000))
    dovecot.put(a_mail("small"))
    assert await taken(dovecot) == 2
    assert fetched == ["2"] or len(fetched) == 1
    assert await fetchval("SELECT count(*) FROM mail") == 1
    assert len(dovecot.flags(TOO_BIG)) == 1


async def test_new_mail_is_heard_of_at_once_by_idle(dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "IDLE", 20.0)
    waits = 0
    wait = imap._wait

    def counted(box: imap.BaseMailBox) -> None:
        nonlocal waits
        waits += 1
        wait(box)

    monkeypatch.setattr(imap, "_wait", counted)
    stop = asyncio.Event()
    running = asyncio.create_task(fetch_mail(dovecot.url(), now=lambda: MONDAY, stop=stop))

    async def idles() -> bool:
        return waits == 1

    async def came() -> bool:
        return bool(await fetchval("SELECT count(*) FROM mail"))

    await eventually(idles)
    await asyncio.sleep(0.3)
    began = time.monotonic()
    await asyncio.to_thread(dovecot.put, a_mail())
    await eventually(came)
    assert time.monotonic() - began < 5
    stop.set()
    await asyncio.to_thread(dovecot.put, a_mail("wakes it"))
    await asyncio.wait_for(running, 30)
