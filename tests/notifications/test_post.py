"""A post ends in time, reads little, follows nothing and says what happened, whatever the receiver does."""

import asyncio
import gzip
import ssl
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from notifications.post import HEAD_BYTES, Answer, Poster, PostError
from service.address_guard import AddressGuard

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
ServerTls = Callable[[str], tuple[ssl.SSLContext, ssl.SSLContext]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Receiver:
    """A server on the loopback that answers each connection with `talk`."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.connections = 0
        self.requests: list[bytes] = []
        self.sent = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, as it may
        finally:
            writer.close()

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        request = head + await reader.readexactly(int(length.split(b":")[1]))
        self.requests.append(request)
        return request


@asynccontextmanager
async def receiver(
    talk: Callable[[Receiver, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    *,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[tuple[Receiver, str]]:
    async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(one, reader, writer)

    one = Receiver(told)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield one, f"127.0.0.1:{port}"


def answering(*parts: bytes) -> Callable[[Receiver, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def talk(one: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await one.request(reader)
            for part in parts:
                writer.write(part)
                one.sent += len(part)
                await writer.drain()

    return talk


@asynccontextmanager
async def a_poster(*hosts: str, total: float = 2.0, connect: float = 1.0) -> AsyncIterator[Poster]:
    guard = AddressGuard(allowed_hosts=hosts)
    poster = Poster(guard=guard, connect_timeout=connect, total_timeout=total, now=lambda: NOW)
    yield poster
    await poster.aclose()


async def posted(host: str, *, total: float = 2.0, scheme: str = "http", path: str = "/in") -> Answer:
    async with a_poster(host, total=total) as poster:
        return await poster.post(f"{scheme}://{host}{path}", b'{"a": 1}', {"webhook-id": "evt_1"})


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def test_the_exact_bytes_and_headers_travel() -> None:
    async with receiver(answering(OK)) as (one, host):
        answer = await posted(host, path="/in?a=%20b")
    assert (answer.status, answer.head, answer.error, answer.detail) == (200, b"ok", None, "")
    assert answer.succeeded
    head, _, body = one.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert body == b'{"a": 1}'
    assert lines[0] == b"POST /in?a=%20b HTTP/1.1"
    assert f"host: {host}".encode() in lines
    assert b"webhook-id: evt_1" in lines
    assert b"accept-encoding: identity" in lines


async def test_posts_share_their_connections() -> None:
    async with receiver(answering(OK)) as (one, host), a_poster(host) as poster:
        for _ in range(20):
            assert (await poster.post(f"http://{host}/", b"{}", {})).succeeded
        assert (one.connections, len(one.requests)) == (1, 20)


async def test_a_204_is_complete_without_a_body() -> None:
    async with receiver(answering(b"HTTP/1.1 204 No Content\r\n\r\n")) as (_, host):
        answer = await posted(host)
    assert (answer.status, answer.head, answer.succeeded) == (204, b"", True)


async def silence(one: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await one.request(reader)
    await reader.read()


async def drip(one: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await one.request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_of_headers(one: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await one.request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"x: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def endless_continue(one: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await one.request(reader)
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def headers_only(one: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await one.request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")
    await reader.read()


@pytest.mark.parametrize("talk", [silence, drip, drip_of_headers, endless_continue, headers_only])
async def test_a_stalling_receiver_is_left_at_the_hard_total(
    talk: Callable[[Receiver, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> None:
    async with receiver(talk) as (_, host):
        answer = await posted(host, total=0.4)
    assert answer.error is PostError.TIMEOUT
    assert not answer.succeeded
    assert 380 <= answer.ms < 800
    assert "0.4 s" in answer.detail


async def test_a_status_before_the_stall_is_kept() -> None:
    async with receiver(drip) as (_, host):
        answer = await posted(host, total=0.3)
    assert answer.status == 200
    assert answer.head.startswith(b"..")


async def test_a_tls_handshake_that_stalls_ends_with_the_connect_timeout() -> None:
    async def stall(one: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass

    async with receiver(stall) as (_, host), a_poster(host, connect=0.3) as poster:
        answer = await poster.post(f"https://{host}/", b"{}", {})
    assert answer.error is PostError.TIMEOUT
    assert "TLS" in answer.detail
    assert answer.ms < 1000


async def test_a_server_that_speaks_no_tls_is_told() -> None:
    async def plain(one: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with receiver(plain) as (_, host):
        answer = await posted(host, scheme="https")
    assert answer.error is PostError.TLS


async def test_stalling_receivers_do_not_delay_the_others() -> None:
    async with (
        receiver(silence) as (_, slow),
        receiver(answering(OK)) as (_, quick),
        a_poster(slow, quick, total=1.5) as poster,
    ):
        stalled = [asyncio.create_task(poster.post(f"http://{slow}/", b"{}", {})) for _ in range(150)]
        await asyncio.sleep(0.3)
        answers = [await poster.post(f"http://{quick}/", b"{}", {}) for _ in range(20)]
        assert all(answer.succeeded for answer in answers)
        assert max(answer.ms for answer in answers) < 500
        assert {answer.error for answer in await asyncio.gather(*stalled)} == {PostError.TIMEOUT}


async def test_of_a_gibibyte_only_the_beginning_is_read() -> None:
    gibibyte = 1024**3

    async def flood(one: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await one.request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % gibibyte)
        chunk = b"x" * 65536
        while one.sent < gibibyte:
            writer.write(chunk)
            await writer.drain()
            one.sent += len(chunk)

    async with receiver(flood) as (one, host):
        tracemalloc.start()
        answer = await posted(host)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert answer.succeeded
    assert len(answer.head) == HEAD_BYTES
    assert peak < 5_000_000
    assert one.sent < 20_000_000  # what the kernel's buffers took before the connection closed


async def test_a_gzip_bomb_is_not_opened() -> None:
    bomb = gzip.compress(bytes(20_000_000), compresslevel=9)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb)
    async with receiver(answering(head + bomb)) as (_, host):
        answer = await posted(host)
    assert answer.succeeded
    assert answer.head == bomb[:HEAD_BYTES]


async def test_a_hundred_thousand_headers_are_cut_off() -> None:
    headers = b"".join(b"x-%d: y\r\n" % number for number in range(100_000))
    async with receiver(answering(b"HTTP/1.1 200 OK\r\n", headers, b"content-length: 0\r\n\r\n")) as (_, host):
        answer = await posted(host)
    assert answer.error is PostError.BROKEN
    assert not answer.succeeded


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(status: int) -> None:
    async with receiver(answering(OK)) as (trap, trap_host):
        redirect = f"HTTP/1.1 {status} Elsewhere\r\nlocation: http://{trap_host}/\r\ncontent-length: 0\r\n\r\n"
        async with receiver(answering(redirect.encode())) as (_, host), a_poster(host, trap_host) as poster:
            answer = await poster.post(f"http://{host}/", b"{}", {})
    assert (answer.status, answer.error, answer.succeeded) == (status, None, False)
    assert trap.connections == 0


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("Thu, 01 Jan 2026 12:05:00 GMT", timedelta(minutes=5)),
        ("soon", None),
        ("\xff", None),
    ],
)
async def test_retry_after_is_read(value: str, wait: timedelta | None) -> None:
    head = f"HTTP/1.1 429 Slow down\r\nRetry-After: {value}\r\ncontent-length: 0\r\n\r\n".encode("latin-1")
    async with receiver(answering(head)) as (_, host):
        answer = await posted(host)
    assert (answer.status, answer.retry_after) == (429, wait)


@pytest.mark.parametrize("talk", [answering(b"no http at all\r\n\r\n"), answering(b"HTTP/1.1 200 OK\r\nx")])
async def test_what_is_no_http_is_told(
    talk: Callable[[Receiver, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> None:
    async def once(one: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        speech = asyncio.ensure_future(talk(one, reader, writer))
        await asyncio.sleep(0.1)
        speech.cancel()

    async with receiver(once) as (_, host):
        answer = await posted(host)
    assert answer.error is PostError.BROKEN
    assert answer.detail


async def test_a_server_that_is_away_is_told() -> None:
    async with receiver(answering(OK)) as (_, host):
        pass
    answer = await posted(host)
    assert answer.error is PostError.CONNECT
    assert (answer.status, answer.head) == (None, b"")


async def test_a_connection_the_server_closed_meanwhile_is_not_used_again() -> None:
    async def once(one: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await one.request(reader)
        writer.write(OK)

    async with receiver(once) as (one, host), a_poster(host) as poster:
        for _ in range(3):
            assert (await poster.post(f"http://{host}/", b"{}", {})).succeeded
            await asyncio.sleep(0.05)
        assert one.connections == 3


async def test_cancelling_a_post_leaves_the_client_usable() -> None:
    async with (
        receiver(silence) as (_, slow),
        receiver(answering(OK)) as (_, quick),
        a_poster(slow, quick) as poster,
    ):
        stalled = asyncio.create_task(poster.post(f"http://{slow}/", b"{}", {}))
        await asyncio.sleep(0.1)
        stalled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stalled
        assert (await poster.post(f"http://{quick}/", b"{}", {})).succeeded


async def loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


async def test_over_tls_the_name_stays_in_the_host_header_and_in_the_handshake(tls_for: ServerTls) -> None:
    server, trust = tls_for("hooks.example.com")
    named: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: named.append(name)
    async with receiver(answering(OK), tls=server) as (one, host):
        port = host.rpartition(":")[2]
        guard = AddressGuard(allowed_hosts=[f"hooks.example.com:{port}"], resolve=loopback)
        poster = Poster(guard=guard, trust=trust, total_timeout=2)
        answer = await poster.post(f"https://hooks.example.com:{port}/", b"{}", {})
        await poster.aclose()
    assert answer.succeeded, answer
    assert named == ["hooks.example.com"]
    assert f"host: hooks.example.com:{port}".encode() in one.requests[0].split(b"\r\n")


@pytest.mark.parametrize("case", ["another name", "unknown authority"])
async def test_a_certificate_that_proves_nothing_ends_the_post_before_a_byte_is_sent(
    case: str, tls_for: ServerTls
) -> None:
    server, trust = tls_for("other.example.com" if case == "another name" else "hooks.example.com")
    async with receiver(answering(OK), tls=server) as (one, host):
        port = host.rpartition(":")[2]
        guard = AddressGuard(allowed_hosts=[f"hooks.example.com:{port}"], resolve=loopback)
        poster = Poster(guard=guard, trust=trust if case == "another name" else None, total_timeout=2)
        answer = await poster.post(f"https://hooks.example.com:{port}/", b"{}", {})
        await poster.aclose()
    assert answer.error is PostError.TLS
    assert "certificate" in answer.detail.lower()
    assert one.requests == []
