"""Mail from a mailbox, against a small server that speaks the protocol."""

import asyncio
import re
import socketserver
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from notifications.mail import imap
from notifications.mail.imap import TAKEN, TOO_BIG, Place, fetch_mail, place_of, take_new
from notifications.mail.reading import read_stored
from service.database import fetch, fetchval


class Server(socketserver.ThreadingTCPServer):
    """One account with folders of (uid, mail); keeps every command it was sent."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, capabilities: str) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.capabilities = capabilities
        self.folders: dict[str, dict[int, bytes]] = {"INBOX": {}}
        self.next_uid = 7
        self.commands: list[str] = []
        self.came = threading.Event()

    def put(self, raw: bytes) -> int:
        uid = self.next_uid
        self.folders["INBOX"][uid] = raw
        self.next_uid += 1
        self.came.set()
        return uid


class Session(socketserver.StreamRequestHandler):
    server: Server

    def say(self, line: bytes | str) -> None:
        self.wfile.write((line if isinstance(line, bytes) else line.encode()) + b"\r\n")

    def handle(self) -> None:
        self.say("* OK ready")
        deleted: set[int] = set()
        while line := self.rfile.readline().decode():
            tag, command, *rest = line.strip().split(" ", 2)
            given = rest[0] if rest else ""
            self.server.commands.append(f"{command} {given}")
            if command == "UID":
                command, _, given = given.partition(" ")
            inbox = self.server.folders["INBOX"]
            match command.upper():
                case "CAPABILITY":
                    self.say(f"* CAPABILITY IMAP4rev1 {self.server.capabilities}")
                case "LIST":
                    name = re.findall(r'"([^"]*)"', given)[-1]
                    if name in self.server.folders:
                        self.say(f'* LIST () "/" "{name}"')
                case "CREATE":
                    self.server.folders[given.strip('"')] = {}
                case "SELECT":
                    self.say(f"* {len(inbox)} EXISTS")
                    self.say("* OK [UIDVALIDITY 99] ok")
                case "STATUS":
                    self.say("* STATUS INBOX (UIDVALIDITY 99)")
                case "SEARCH":
                    self.say("* SEARCH " + " ".join(map(str, inbox)))
                case "FETCH":
                    self._fetch(given, inbox)
                case "MOVE" | "COPY":
                    uid, _, folder = given.partition(" ")
                    moved = inbox[int(uid)]
                    self.server.folders[folder.strip('"')][int(uid)] = moved
                    if command == "MOVE":
                        del inbox[int(uid)]
                case "STORE":
                    deleted.add(int(given.split(" ")[0]))
                case "EXPUNGE":
                    for uid in deleted:
                        inbox.pop(uid, None)
                case "IDLE":
                    self.say("+ idling")
                    self.server.came.wait(5)
                    self.say(f"* {len(inbox)} EXISTS")
                    self.rfile.readline()  # DONE
                case "LOGOUT":
                    self.say("* BYE")
            self.say(f"{tag} OK done")

    def _fetch(self, given: str, inbox: dict[int, bytes]) -> None:
        uids, _, parts = given.partition(" ")
        for number, uid in enumerate(map(int, uids.split(",")), 1):
            if uid not in inbox:
                continue
            if "BODY" in parts:
                raw = inbox[uid]
                self.say(f"* {number} FETCH (UID {uid} BODY[] {{{len(raw)}}}".encode() + b"\r\n" + raw + b")")
            else:
                self.say(f"* {number} FETCH (UID {uid} RFC822.SIZE {len(inbox[uid])})")


@pytest.fixture(params=["MOVE", "UIDPLUS"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with Server(request.param) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def place(server: Server) -> Place:
    return place_of(f"imap://support%40example.org:p%40ss@127.0.0.1:{server.server_address[1]}/INBOX")


@pytest.fixture
def box(server: Server) -> Iterator[object]:
    opened = imap._open(place(server))
    yield opened
    imap._leave(opened)


def test_an_address_of_a_mailbox_is_read():
    found = place_of("imaps://support%40example.org:p%40ss@mail.example.org/INBOX")
    assert (found.user, found.password, found.port) == ("support@example.org", "p@ss", 993)
    assert (found.folder, found.encrypted) == ("INBOX", True)


async def test_mail_is_stored_byte_for_byte_and_moved_aside_unseen(centre, a_mail, server, box, look, at):
    raws = [a_mail(message_id=f"<{n}@x.example.com>", subject=f"Тема {n}", text=f"{n} в поле") for n in "123"]
    for raw in raws:
        server.put(raw)
    assert await take_new(box, place(server), at=at) == 3
    assert [bytes(row["original"]) for row in await fetch("SELECT original FROM mail ORDER BY source")] == raws
    assert server.folders["INBOX"] == {}
    assert list(server.folders[TAKEN]) == [7, 8, 9]
    assert not [command for command in server.commands if "Seen" in command or "BODY[]" in command]
    await read_stored(at)
    assert len(await look.tickets()) == 3


async def test_a_mail_that_was_stored_but_not_moved_is_stored_once(
    centre, a_mail, server, box, at, monkeypatch: pytest.MonkeyPatch
):
    server.put(a_mail())

    def dies(*_args: object) -> None:
        raise ConnectionResetError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(imap, "_move", dies)
        with pytest.raises(ConnectionResetError):
            await take_new(box, place(server), at=at)
    await read_stored(at)
    assert await take_new(box, place(server), at=at + timedelta(minutes=1)) == 1
    assert await fetchval("SELECT count(*) FROM mail") == 1
    assert server.folders["INBOX"] == {}


async def test_a_mail_that_is_too_big_is_never_fetched(
    centre, a_mail, server, box, at, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(imap, "SIZE_LIMIT", 300)
    server.put(a_mail(text="x" * 1000))
    await take_new(box, place(server), at=at)
    assert await fetchval("SELECT count(*) FROM mail") == 0
    assert list(server.folders[TOO_BIG]) == [7]
    assert await fetchval("SELECT count(*) FROM alarm WHERE kind = 'mail_too_big'") == 1
    assert not [command for command in server.commands if "BODY" in command]


async def test_the_loop_survives_a_server_that_is_away(centre, a_mail, server, at, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(imap, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(imap, "IDLE", 0.05)
    opened = imap._open
    failures = iter([ConnectionRefusedError("away"), ConnectionRefusedError("away")])

    def sometimes(where: Place) -> object:
        for failure in failures:
            raise failure
        return opened(where)

    monkeypatch.setattr(imap, "_open", sometimes)
    server.put(a_mail())
    stop = asyncio.Event()
    url = f"imap://u:p@127.0.0.1:{server.server_address[1]}/INBOX"
    running = asyncio.create_task(fetch_mail(url, now=lambda: at, stop=stop))
    async with asyncio.timeout(10):
        while not await fetchval("SELECT count(*) FROM mail"):  # noqa: ASYNC110  only the database knows
            await asyncio.sleep(0.02)
    stop.set()
    await running
    assert list(server.folders[TAKEN]) == [7]


async def test_the_loop_hears_of_new_mail_while_it_waits(centre, a_mail, at):
    with Server("MOVE IDLE") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        stop = asyncio.Event()
        url = f"imap://u:p@127.0.0.1:{server.server_address[1]}/INBOX"
        running = asyncio.create_task(fetch_mail(url, now=lambda: at, stop=stop))
        async with asyncio.timeout(10):
            while "IDLE " not in server.commands:  # noqa: ASYNC110  the server runs in a thread
                await asyncio.sleep(0.02)
            server.put(a_mail())
            while not await fetchval("SELECT count(*) FROM mail"):  # noqa: ASYNC110  only the database knows
                await asyncio.sleep(0.02)
        stop.set()
        await running
        server.shutdown()
        thread.join()
    assert list(server.folders[TAKEN]) == [7]
