"""A letter is accepted, tried later or given up, by what the server says."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from notifications.smtp import (
    Accepted,
    BadSmtpUrl,
    PermanentFailure,
    Refused,
    Result,
    SmtpServer,
    TemporaryFailure,
    parse_smtp_url,
    send_letter,
)

ServerTls = Callable[[str], tuple[ssl.SSLContext, ssl.SSLContext]]
LETTER = b"Subject: hello\r\n\r\nbody\r\n"


class Post:
    """An SMTP server that says what it is told, by the beginning of the command."""

    def __init__(self, says: dict[str, str]) -> None:
        self.says = {
            "": "220 ready",
            "EHLO": "250-me\r\n250-SIZE 100000\r\n250-AUTH PLAIN\r\n250-8BITMIME\r\n250 SMTPUTF8",
            "MAIL": "250 ok",
            "RCPT": "250 ok",
            "DATA": "354 go on",
            ".": "250 taken as 1",
            "AUTH": "235 welcome",
        } | says
        self.heard: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._say(writer, "")
        in_data = False
        while line := await reader.readline():
            text = line.decode().strip()
            if in_data and text != ".":
                continue
            self.heard.append(text)
            in_data = text == "DATA" and self.says["DATA"].startswith("354")
            if text == "QUIT":
                break
            await self._say(writer, max((key for key in self.says if text.startswith(key)), key=len))
        writer.close()

    async def _say(self, writer: asyncio.StreamWriter, key: str) -> None:
        if self.says[key] == "silence":
            return
        if self.says[key] == "hang up":
            writer.close()
            return
        writer.write(self.says[key].encode() + b"\r\n")
        await writer.drain()


@asynccontextmanager
async def a_post(*, tls: ssl.SSLContext | None = None, **says: str) -> AsyncIterator[tuple[Post, int]]:
    post = Post({key.replace("greeting", "").replace("end", "."): value for key, value in says.items()})
    server = await asyncio.start_server(post.serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield post, server.sockets[0].getsockname()[1]


async def sent(server: SmtpServer, *, recipients: tuple[str, ...] = ("client@example.com",), **given: object) -> Result:
    settings = {"envelope_from": "bounces@example.org", "step_timeout": 2.0, "total_timeout": 4.0} | given
    return await send_letter(LETTER, recipients=recipients, server=server, **settings)  # type: ignore[arg-type]


def at(port: int, **given: object) -> SmtpServer:
    return SmtpServer(host="127.0.0.1", port=port, **given)  # type: ignore[arg-type]


async def test_an_accepted_letter_brings_the_servers_words() -> None:
    async with a_post() as (post, port):
        result = await sent(at(port, user="me", password="secret"))
        await asyncio.sleep(0.05)
    assert result == Accepted(text="taken as 1")
    assert [heard.split()[0] for heard in post.heard] == ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", ".", "QUIT"]


@pytest.mark.parametrize(
    ("says", "result"),
    [
        ({"RCPT": "550 5.1.1 No such user"}, PermanentFailure(code=550, text="5.1.1 No such user")),
        ({"RCPT": "450 4.2.1 Greylisted"}, TemporaryFailure(code=450, text="4.2.1 Greylisted")),
        ({"MAIL": "553 5.1.8 Bad sender"}, PermanentFailure(code=553, text="5.1.8 Bad sender")),
        ({"MAIL": "452 4.3.1 Full"}, TemporaryFailure(code=452, text="4.3.1 Full")),
        ({"MAIL": "530 5.7.0 Sign in first"}, TemporaryFailure(code=530, text="5.7.0 Sign in first")),
        ({"DATA": "554 5.5.1 No"}, PermanentFailure(code=554, text="5.5.1 No")),
        ({"end": "554 5.7.1 Spam"}, PermanentFailure(code=554, text="5.7.1 Spam")),
        ({"end": "451 4.3.0 Later"}, TemporaryFailure(code=451, text="4.3.0 Later")),
        ({"AUTH": "535 5.7.8 Wrong password"}, TemporaryFailure(code=535, text="5.7.8 Wrong password")),
        ({"greeting": "554 go away"}, TemporaryFailure(code=554, text="go away")),
        ({"greeting": "421 busy"}, TemporaryFailure(code=421, text="busy")),
    ],
)
async def test_the_servers_word_decides(says: dict[str, str], result: Result) -> None:
    async with a_post(**says) as (_, port):
        assert await sent(at(port, user="me", password="secret")) == result


async def test_one_refused_recipient_of_two_is_named() -> None:
    async with a_post(**{"RCPT TO:<gone@": "550 5.1.1 No such user"}) as (_, port):
        result = await sent(at(port), recipients=("gone@example.com", "client@example.com"))
    assert result == Accepted(
        text="taken as 1", refused=(Refused(address="gone@example.com", code=550, text="5.1.1 No such user"),)
    )


async def test_two_refusals_are_temporary_as_long_as_one_is() -> None:
    async with a_post(**{"RCPT": "550 5.1.1 No such user", "RCPT TO:<busy@": "450 4.2.1 Busy"}) as (_, port):
        result = await sent(at(port), recipients=("gone@example.com", "busy@example.com"))
    assert result == TemporaryFailure(code=450, text="4.2.1 Busy")


async def test_a_server_that_is_away_is_temporary() -> None:
    async with a_post() as (_, port):
        pass
    result = await sent(at(port))
    assert isinstance(result, TemporaryFailure)
    assert result.code is None
    assert result.text


@pytest.mark.parametrize("step", ["greeting", "MAIL", "end"])
@pytest.mark.parametrize("trouble", ["hang up", "silence"])
async def test_a_broken_or_silent_conversation_is_temporary(step: str, trouble: str) -> None:
    async with a_post(**{step: trouble}) as (_, port):
        result = await sent(at(port), step_timeout=0.2)
    assert isinstance(result, TemporaryFailure)
    assert result.code is None
    assert result.text


async def test_the_whole_letter_has_a_hard_limit() -> None:
    async with a_post(end="silence") as (_, port):
        began = time.monotonic()
        result = await sent(at(port), step_timeout=30.0, total_timeout=0.3)
    assert result == TemporaryFailure(code=None, text="No end within 0.3 s.")
    assert time.monotonic() - began < 1.5


async def test_a_server_without_starttls_gets_no_letter_in_the_clear() -> None:
    async with a_post() as (post, port):
        result = await sent(at(port, security="starttls", user="me", password="secret"))
    assert isinstance(result, TemporaryFailure)
    assert not any(heard.startswith(("AUTH", "MAIL")) for heard in post.heard)


async def test_tls_checks_the_name(tls_for: ServerTls) -> None:
    server, trust = tls_for("localhost")
    async with a_post(tls=server) as (_, port):
        good = await sent(SmtpServer(host="localhost", port=port, security="tls", trust=trust))
        bad = await sent(SmtpServer(host="127.0.0.1", port=port, security="tls", trust=trust))
    assert good == Accepted(text="taken as 1")
    assert isinstance(bad, TemporaryFailure)
    assert "certificate" in bad.text.lower()


async def test_addresses_outside_ascii_need_a_server_that_takes_them() -> None:
    async with a_post() as (post, port):
        assert await sent(at(port), recipients=("пётр@example.com",)) == Accepted(text="taken as 1")
        assert any("SMTPUTF8" in heard for heard in post.heard)
    async with a_post(EHLO="250 me") as (_, port):
        result = await sent(at(port), recipients=("пётр@example.com",))
    assert isinstance(result, PermanentFailure)


async def test_an_empty_envelope_sender_is_possible() -> None:
    async with a_post() as (post, port):
        assert await sent(at(port), envelope_from="") == Accepted(text="taken as 1")
    assert any(heard.startswith("MAIL FROM:<>") for heard in post.heard)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.org", SmtpServer(host="mail.example.org", port=25)),
        ("smtp://127.0.0.1:1025/", SmtpServer(host="127.0.0.1", port=1025)),
        ("smtps://mail.example.org", SmtpServer(host="mail.example.org", port=465, security="tls")),
        (
            "smtp+starttls://me%40example.org:p%2Fw%3A@mail.example.org",
            SmtpServer(host="mail.example.org", port=587, security="starttls", user="me@example.org", password="p/w:"),
        ),
        ("smtp://[::1]:25", SmtpServer(host="::1", port=25)),
    ],
)
def test_the_address_of_the_server_is_read(url: str, server: SmtpServer) -> None:
    assert parse_smtp_url(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtp://mail.example.org:99999",
        "smtp://mail.example.org:port",
        "smtp://me@mail.example.org",
        "smtp://me:sec/ret@mail.example.org",
        "smtp://mail.example.org/path",
        "smtp://mail.example.org?a=b",
    ],
)
def test_a_malformed_address_is_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(BadSmtpUrl) as refusal:
        parse_smtp_url(url)
    assert "sec" not in str(refusal.value)


def test_the_password_stays_out_of_logs() -> None:
    assert "secret" not in repr(parse_smtp_url("smtp://me:secret@mail.example.org"))
