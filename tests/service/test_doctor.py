"""The doctor tells what is wrong in plain words, and nothing when all is well."""

import base64
import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from service import alarms, audits, files
from service.change import File
from service.database import execute
from service.doctor import Finding, examine
from service.files import SHELF
from service.house import HOUSE
from service.settings import Settings
from service.tickets import carry_out
from tests.desk import MONDAY, OPERATOR, a_ticket, a_webhook
from tests.faults.stage import free_port


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, env="test", smtp_port=free_port())


async def told(settings: Settings, redis_url: str, at: datetime = MONDAY) -> dict[str, Finding]:
    real = datetime.now(UTC)
    return {found.about: found async for found in examine(settings, redis_url=redis_url, at=at, real=real)}


async def test_a_sound_system_gets_no_complaint(settings: Settings, redis_url: str, regulation: None) -> None:
    settings.key("links")
    await audits.run(at=MONDAY)
    found = await told(settings, redis_url)
    assert {about for about, one in found.items() if one.verdict == "wrong"} == set()
    assert found["worker"].sentence.startswith("One audited")
    assert found["mail in"].verdict == "beware"  # nobody listens in this test


async def test_a_secret_that_others_can_read_is_named_with_its_cure(
    settings: Settings, redis_url: str, regulation: None
) -> None:
    settings.key("links")
    (settings.home / "secret").chmod(0o644)
    found = (await told(settings, redis_url))["secret"]
    assert (found.verdict, "chmod 600" in found.sentence) == ("wrong", True)


async def test_a_worker_that_is_gone_is_missed(settings: Settings, redis_url: str, regulation: None) -> None:
    assert (await told(settings, redis_url))["worker"].verdict == "wrong"
    await audits.run(at=MONDAY)
    assert (await told(settings, redis_url, MONDAY + timedelta(minutes=10)))["worker"].verdict == "wrong"


async def test_a_missing_year_is_named(settings: Settings, redis_url: str, regulation: None) -> None:
    found = (await told(settings, redis_url, datetime(2090, 5, 1, tzinfo=UTC)))["calendar"]
    assert (found.verdict, "2090" in found.sentence) == ("wrong", True)


async def test_alarms_are_read_out(settings: Settings, redis_url: str, regulation: None) -> None:
    await alarms.sound("test", "a", "The roof leaks at {place}.", {"place": "the gate"}, at=MONDAY)
    found = (await told(settings, redis_url))["alarms"]
    assert (found.verdict, found.sentence) == ("beware", "1 stand: The roof leaks at the gate.")


async def test_servers_that_do_not_answer_are_named(tmp_path: Path, regulation: None) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    settings = Settings(home=tmp_path, smtp_url=f"smtp://{nobody}", imap_url=f"imap://{nobody}/INBOX")
    found = await told(settings, f"redis://{nobody}/0")
    assert found["mail out"].verdict == found["mailbox"].verdict == "wrong"
    assert nobody in found["mail out"].sentence
    assert found["redis"].verdict == "beware"  # only a second is lost


async def test_migrations_that_wait_are_named(settings: Settings, redis_url: str, regulation: None) -> None:
    names = "SELECT name FROM migration ORDER BY id DESC LIMIT 1"
    await execute(f"UPDATE migration SET name = name || ' aside' WHERE name = ({names})")
    try:
        assert "reglament migrate" in (await told(settings, redis_url))["database"].sentence
    finally:
        await execute("UPDATE migration SET name = replace(name, ' aside', '')")


async def test_a_database_without_tables_is_said_to_wait_not_to_be_away(
    settings: Settings, redis_url: str, regulation: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def every_migration() -> list[str]:
        return ["first", "second"]

    async def no_table() -> Finding:
        raise asyncpg.UndefinedTableError('relation "webhook" does not exist')

    monkeypatch.setattr("service.doctor.pending_migrations", every_migration)
    monkeypatch.setattr("service.doctor._seals", no_table)
    real = datetime.now(UTC)
    found = [one async for one in examine(settings, redis_url=redis_url, at=MONDAY, real=real)]
    about_database = [one.sentence for one in found if one.about == "database"]
    assert about_database == ["2 migrations wait: run `reglament migrate`."]
    assert found[-1].about == "clock"


# --- mail servers that want a password --------------------------------------------------------------------------------


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much of SMTP or IMAP as it takes to be signed in to; the password is `right`."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, session: type[socketserver.StreamRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), session)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, scheme: str, password: str) -> str:
        return f"{scheme}://desk%40example.org:{password}@127.0.0.1:{self.server_address[1]}/INBOX"


class Smtp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            match line.split()[0].upper():
                case b"EHLO":
                    self.wfile.write(b"250-here\r\n250 AUTH PLAIN\r\n")
                case b"AUTH":
                    known = base64.b64decode(line.split()[2]) == b"\0desk@example.org\0right"
                    self.wfile.write(b"235 welcome\r\n" if known else b"535 wrong name or password\r\n")
                case b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                case _:
                    self.wfile.write(b"250 fine\r\n")


class Imap(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"* OK here\r\n")
        while line := self.rfile.readline():
            tag, command, *rest = line.split()
            if command.upper() == b"CAPABILITY":
                self.wfile.write(b"* CAPABILITY IMAP4rev1\r\n")
            if command.upper() == b"LOGOUT":
                self.wfile.write(b"* BYE\r\n")
            refused = command.upper() == b"LOGIN" and b'"right"' not in rest
            self.wfile.write(tag + (b" NO wrong name or password\r\n" if refused else b" OK done\r\n"))


@pytest.fixture
def mail_servers() -> Iterator[tuple[MailServer, MailServer]]:
    servers = MailServer(Smtp), MailServer(Imap)
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


async def test_a_password_that_a_mail_server_refuses_is_named(
    tmp_path: Path, redis_url: str, regulation: None, mail_servers: tuple[MailServer, MailServer]
) -> None:
    smtp, imap = mail_servers
    for password, verdict in (("right", "well"), ("wrong", "wrong")):
        settings = Settings(home=tmp_path, smtp_url=smtp.url("smtp", password), imap_url=imap.url("imap", password))
        found = await told(settings, redis_url)
        assert (found["mail out"].verdict, found["mailbox"].verdict) == (verdict, verdict), found["mailbox"]
    assert "wrong name or password" in found["mail out"].sentence
    assert "REGLAMENT_IMAP_URL" in found["mailbox"].sentence


# --- what processes must share ----------------------------------------------------------------------------------------


async def test_another_secret_than_the_database_was_sealed_with_is_named(
    settings: Settings, redis_url: str, regulation: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HOUSE, "vault_key", settings.key("vault"))
    await a_webhook("https://crm.example.org/hook")
    assert (await told(settings, redis_url))["seals"].verdict == "well"
    monkeypatch.setattr(HOUSE, "vault_key", b"o" * 32)
    found = (await told(settings, redis_url))["seals"]
    assert (found.verdict, "REGLAMENT_SECRET" in found.sentence) == ("wrong", True)


async def test_a_folder_of_files_that_is_not_shared_is_named(
    settings: Settings, redis_url: str, regulation: None
) -> None:
    SHELF.furnish(settings.home)
    sha256 = files.keep(b"a photograph")
    ticket = await a_ticket()
    photo = File("a.png", "image/png", 12, sha256)
    await carry_out(ticket.id, "attach", by=OPERATOR, at=MONDAY, cause="test:1", files=[photo])
    assert (await told(settings, redis_url))["files"].verdict == "well"
    SHELF.place(sha256).unlink()
    assert (await told(settings, redis_url))["files"].verdict == "wrong"
