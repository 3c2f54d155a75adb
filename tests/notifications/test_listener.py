"""The listener says 250 only for what is stored, and takes what real mail brings."""

import asyncio
import smtplib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from notifications import smtp_session
from notifications.listener import Listener, listen

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
MAIL = b"From: a@example.com\r\nSubject: hello\r\n\r\nbody\r\n"


@dataclass(frozen=True)
class Taken:
    raw: bytes
    envelope_from: str
    recipients: list[str]
    peer: str
    received_at: datetime


@dataclass
class Store:
    """Keeps what was ingested; can be told to fail or to wait."""

    taken: list[Taken] = field(default_factory=list)
    error: Exception | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event | None = None

    async def __call__(
        self, raw: bytes, *, envelope_from: str, recipients: list[str], peer: str, received_at: datetime
    ) -> None:
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.taken.append(Taken(raw, envelope_from, recipients, peer, received_at))


@pytest.fixture
async def store() -> Store:
    return Store()


Opened = Callable[..., "asyncio.Future[Listener]"]


@pytest.fixture
async def opened(store: Store) -> AsyncIterator[Opened]:
    """Opens listeners on free ports and closes them afterwards."""
    listeners: list[Listener] = []

    async def one(**settings: object) -> Listener:
        listener = await listen(store, host="127.0.0.1", port=0, now=lambda: NOON, **settings)  # type: ignore[arg-type]
        listeners.append(listener)
        return listener

    yield one  # type: ignore[misc]
    for listener in listeners:
        await listener.aclose()


async def talk(port: int, *lines: bytes, greeting: bytes = b"EHLO me") -> list[bytes]:
    """The last line of each answer, the greeting's first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    try:
        for line in (None, greeting, *lines):
            if line is not None:
                writer.write(line + b"\r\n")
            while True:
                answer = await asyncio.wait_for(reader.readline(), 5)
                if answer[3:4] != b"-":
                    break
            answers.append(answer.strip())
    finally:
        writer.close()
    await writer.wait_closed()
    return answers


async def test_a_real_client_delivers_and_the_transports_facts_are_kept(opened: Opened, store: Store) -> None:
    listener = await opened()

    def deliver() -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", listener.port, local_hostname="me", timeout=5) as client:
            return client.sendmail("a@example.com", ["support@example.org", "b@example.org"], MAIL)

    assert await asyncio.to_thread(deliver) == {}
    assert store.taken == [Taken(MAIL, "a@example.com", ["support@example.org", "b@example.org"], "127.0.0.1", NOON)]


async def test_what_is_announced(opened: Opened) -> None:
    listener = await opened(size_limit=1234)

    def features() -> dict[str, str]:
        with smtplib.SMTP("127.0.0.1", listener.port, local_hostname="me", timeout=5) as client:
            client.ehlo()
            return client.esmtp_features

    announced = await asyncio.to_thread(features)
    assert announced["size"] == "1234"
    assert {"8bitmime", "smtputf8"} <= announced.keys()
    assert "auth" not in announced
    assert "starttls" not in announced


async def test_nothing_is_answered_before_the_mail_is_stored(opened: Opened, store: Store) -> None:
    store.gate = asyncio.Event()
    listener = await opened()
    conversation = asyncio.create_task(
        talk(listener.port, b"MAIL FROM:<a@example.com>", b"RCPT TO:<s@example.org>", b"DATA", b"x\r\n.")
    )
    await asyncio.wait_for(store.entered.wait(), 5)
    await asyncio.sleep(0.1)
    assert not conversation.done()
    store.gate.set()
    assert (await conversation)[-1].startswith(b"250")


async def test_when_storing_fails_the_sender_keeps_the_mail(opened: Opened, store: Store) -> None:
    store.error = ConnectionError("the database is away")
    listener = await opened()
    answers = await talk(listener.port, b"MAIL FROM:<a@example.com>", b"RCPT TO:<s@example.org>", b"DATA", b"x\r\n.")
    assert answers[-1].startswith(b"451")
    assert b"database" not in answers[-1]


async def test_a_client_that_leaves_early_does_not_stop_the_storing(opened: Opened, store: Store) -> None:
    store.gate = asyncio.Event()
    listener = await opened()
    conversation = asyncio.create_task(
        talk(listener.port, b"MAIL FROM:<a@example.com>", b"RCPT TO:<s@example.org>", b"DATA", b"x\r\n.")
    )
    await asyncio.wait_for(store.entered.wait(), 5)
    conversation.cancel()
    await asyncio.wait([conversation])
    await asyncio.sleep(0.1)
    store.gate.set()
    await listener.aclose()
    assert [taken.raw for taken in store.taken] == [b"x\r\n"]


async def test_a_mail_cut_off_in_the_middle_is_not_taken(opened: Opened, store: Store) -> None:
    listener = await opened()
    await talk(listener.port, b"MAIL FROM:<a@example.com>", b"RCPT TO:<s@example.org>", b"DATA\r\nhalf a mail")
    await asyncio.sleep(0.1)
    assert store.taken == []


async def test_closing_ends_open_conversations(opened: Opened) -> None:
    listener = await opened()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    await reader.readline()
    await asyncio.wait_for(listener.aclose(), 5)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


@pytest.mark.parametrize(
    ("address", "code"),
    [
        (b"support@example.org", b"250"),
        (b"SUPPORT@Example.ORG", b"250"),
        (b"support+t1.o2@example.org", b"250"),
        (b"anyone@help.example.org", b"250"),
        (b"other@example.org", b"550"),
        (b"support@example.com", b"550"),
        (b"support", b"550"),
    ],
)
async def test_named_addresses_close_the_door_to_others(address: bytes, code: bytes, opened: Opened) -> None:
    listener = await opened(addresses=["support@example.org", "@help.example.org"])
    answers = await talk(listener.port, b"MAIL FROM:<a@example.com>", b"RCPT TO:<" + address + b">")
    assert answers[-1].startswith(code)


async def test_without_names_every_recipient_is_taken(opened: Opened) -> None:
    listener = await opened()
    answers = await talk(listener.port, b"MAIL FROM:<a@example.com>", b"RCPT TO:<whoever@anywhere.example>")
    assert answers[-1].startswith(b"250")


async def test_a_bounce_has_an_empty_sender(opened: Opened, store: Store) -> None:
    listener = await opened()
    await talk(listener.port, b"MAIL FROM:<> SIZE=10", b"RCPT TO:<s@example.org>", b"DATA", b"x\r\n.")
    assert store.taken[0].envelope_from == ""


@pytest.mark.parametrize(
    ("sender", "kept"),
    [
        ("пётр@example.com".encode(), "пётр@example.com"),
        (b"a..b@example.com", "a..b@example.com"),
        (b"\xef\xf2@example.com", "��@example.com"),  # cp1251, no UTF-8
    ],
)
async def test_odd_senders_are_taken_as_text_a_database_can_hold(
    sender: bytes, kept: str, opened: Opened, store: Store
) -> None:
    listener = await opened()
    await talk(listener.port, b"MAIL FROM:<" + sender + b"> SMTPUTF8", b"RCPT TO:<s@example.org>", b"DATA", b".")
    assert store.taken[0].envelope_from == kept


async def test_lmtp_takes_one_recipient_at_a_time(opened: Opened, store: Store) -> None:
    listener = await opened()
    answers = await talk(
        listener.port,
        b"MAIL FROM:<a@example.com>",
        b"RCPT TO:<one@example.org>",
        b"RCPT TO:<two@example.org>",
        b"DATA",
        b"x\r\n.",
        greeting=b"LHLO me",
    )
    assert [answer[:3] for answer in answers[2:]] == [b"250", b"250", b"452", b"354", b"250"]
    assert store.taken[0].recipients == ["one@example.org"]


async def test_a_real_lmtp_client_delivers(opened: Opened, store: Store) -> None:
    listener = await opened()

    def deliver() -> None:
        with smtplib.LMTP("127.0.0.1", listener.port, local_hostname="me") as client:
            client.sendmail("a@example.com", ["support@example.org"], MAIL)

    await asyncio.to_thread(deliver)
    assert store.taken[0].raw == MAIL


async def test_a_mail_too_big_is_refused_by_its_announced_size(opened: Opened) -> None:
    listener = await opened(size_limit=1000)
    answers = await talk(listener.port, b"MAIL FROM:<a@example.com> SIZE=1001")
    assert answers[-1].startswith(b"552")


async def test_a_mail_too_big_is_read_to_its_end_and_the_next_is_taken(opened: Opened, store: Store) -> None:
    listener = await opened(size_limit=1000)
    envelope = (b"MAIL FROM:<a@example.com>", b"RCPT TO:<s@example.org>", b"DATA")
    answers = await talk(listener.port, *envelope, b"x" * 1_000_000 + b"\r\n.", *envelope, b"y" * 998 + b"\r\n.")
    assert [answer[:3] for answer in answers if answer[:3] not in (b"220", b"354")] == [
        b"250",
        b"250",
        b"250",
        b"552",
        b"250",
        b"250",
        b"250",
    ]
    assert [taken.raw for taken in store.taken] == [b"y" * 998 + b"\r\n"]


LONG = b"x" * 3_000_000


@pytest.mark.parametrize(
    ("wire", "mail"),
    [
        (b".", b""),
        (b"\r\n.", b"\r\n"),
        (b"x\r\n.", b"x\r\n"),
        (b"..\r\n.", b".\r\n"),
        (b"...x\r\n..\r\n.", b"..x\r\n.\r\n"),
        (b"a\r\n..b\r\n.", b"a\r\n.b\r\n"),
        (b"a\n.\nb\r\n.", b"a\n.\nb\r\n"),  # bare line feeds end nothing
        (b"a\r.\r\nb\r\n.", b"a\r.\r\nb\r\n"),
        (b"a\n.\r\nb\r\n.", b"a\n.\r\nb\r\n"),
        (b"\xcf\xf0\xe8\xe2\xe5\xf2\x00\r\n.", b"\xcf\xf0\xe8\xe2\xe5\xf2\x00\r\n"),
        (LONG + b"\r\n..\r\n" + LONG + b"\r\n.", LONG + b"\r\n.\r\n" + LONG + b"\r\n"),
        (b"\r\n" * 200_000 + b".", b"\r\n" * 200_000),
    ],
    ids=range(12),
)
async def test_the_bytes_arrive_exactly_as_they_were(wire: bytes, mail: bytes, opened: Opened, store: Store) -> None:
    listener = await opened()
    answers = await talk(
        listener.port, b"MAIL FROM:<a@example.com>", b"RCPT TO:<s@example.org>", b"DATA", wire, b"NOOP"
    )
    assert answers[-1].startswith(b"250")
    assert store.taken[0].raw == mail


async def test_the_end_mark_is_found_wherever_the_stream_is_cut(
    opened: Opened, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_session.SmtpSession, "line_length_limit", 64)
    listener = await opened()
    for length in range(50, 80):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer.write(b"EHLO me\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<s@example.org>\r\nDATA\r\n")
        writer.write(b"x" * length + b"\r\n.\r")
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.write(b"\nQUIT\r\n")
        await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert store.taken[-1].raw == b"x" * length + b"\r\n"
    assert len(store.taken) == 30


async def test_a_crowd_is_asked_to_come_later(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_session, "MOST_SESSIONS", 1)
    listener = await opened()
    _, first = await asyncio.open_connection("127.0.0.1", listener.port)
    await asyncio.sleep(0.05)
    reader, second = await asyncio.open_connection("127.0.0.1", listener.port)
    assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"421")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    first.close()
    second.close()
    await asyncio.sleep(0.05)
    assert len(await talk(listener.port)) == 2


async def test_commands_out_of_order_are_told(opened: Opened) -> None:
    listener = await opened()
    answers = await talk(listener.port, b"DATA", b"MAIL FROM:<a@example.com>", b"DATA", b"DATA now", b"MAIL FROM:")
    assert [answer[:3] for answer in answers[2:]] == [b"503", b"250", b"503", b"501", b"553"]
