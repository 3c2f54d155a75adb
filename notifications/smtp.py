"""A letter leaves by SMTP, and the server's word decides: taken, try later, or never."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import unquote, urlsplit

import aiosmtplib

STEP_TIMEOUT = 20.0  # seconds for one command
TOTAL_TIMEOUT = 60.0  # seconds, hard, for the whole letter
TEXT_LIMIT = 500  # characters of a server's words that are kept

Security = Literal["plain", "tls", "starttls"]
SCHEMES: dict[str, tuple[Security, int]] = {
    "smtp": ("plain", 25),
    "smtps": ("tls", 465),
    "smtp+starttls": ("starttls", 587),
}


class BadSmtpUrl(ValueError):
    """The address of the SMTP server cannot be used; the message says why and never shows the password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    host: str
    port: int
    security: Security = "plain"
    user: str | None = None
    password: str | None = None
    trust: ssl.SSLContext | None = None  # by default the system's certificate authorities

    def __repr__(self) -> str:
        """Without the password: this ends up in logs."""
        return f"SmtpServer({self.host}:{self.port}, {self.security}, user={self.user!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    address: str
    code: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The server answers for the letter now; `refused` are recipients it will not serve."""

    text: str
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryFailure:
    """Nothing was taken; the same letter may be sent again. `code` is None when the server never said one."""

    code: int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PermanentFailure:
    """The server will never take this letter."""

    code: int | None
    text: str


Result = Accepted | TemporaryFailure | PermanentFailure


def parse_smtp_url(url: str) -> SmtpServer:
    """`smtp://`, `smtps://` or `smtp+starttls://`, then `[user:password@]host[:port]`; raises `BadSmtpUrl`.

    User and password are percent-encoded where needed.
    """
    try:
        parts = urlsplit(url)
        given_port = parts.port
    except ValueError as error:
        raise BadSmtpUrl("The SMTP address has a malformed host or port.") from error
    if parts.scheme not in SCHEMES:
        raise BadSmtpUrl(f"The SMTP address must begin with one of: {', '.join(f'{name}://' for name in SCHEMES)}.")
    if not parts.hostname:
        raise BadSmtpUrl("The SMTP address has no host.")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise BadSmtpUrl("The SMTP address has something after the port; a / in the password is written %2F.")
    if (parts.username is None) != (parts.password is None):
        raise BadSmtpUrl("The SMTP address needs both a user and a password, or neither.")
    security, port = SCHEMES[parts.scheme]
    return SmtpServer(
        host=parts.hostname,
        port=given_port or port,
        security=security,
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )


async def send_letter(
    raw: bytes,
    *,
    envelope_from: str,
    recipients: Sequence[str],
    server: SmtpServer,
    step_timeout: float = STEP_TIMEOUT,
    total_timeout: float = TOTAL_TIMEOUT,
) -> Result:
    """Hand one letter over, in one connection; `envelope_from` may be empty.

    Never raises for the server or the network; raises `ValueError` for an address that is none. Trouble that is not
    this letter's (sign-in, TLS, greeting, a server that is away) is temporary: a wrong password must not bounce every
    letter of the house.
    """
    if not recipients:
        raise ValueError("A letter needs a recipient.")
    try:
        async with asyncio.timeout(total_timeout):
            return await _hand_over(raw, envelope_from, recipients, server, step_timeout)
    except aiosmtplib.SMTPRecipientsRefused as error:
        return _all_refused(error.recipients)
    except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
        return _failure(error.code, error.message)
    except aiosmtplib.SMTPResponseException as error:
        return TemporaryFailure(code=error.code, text=_short(error.message))
    except TimeoutError as error:
        return TemporaryFailure(code=None, text=_short(str(error) or f"No end within {total_timeout:g} s."))
    except (aiosmtplib.SMTPException, OSError) as error:
        return TemporaryFailure(code=None, text=_short(str(error) or type(error).__name__))


async def _hand_over(
    raw: bytes, envelope_from: str, recipients: Sequence[str], server: SmtpServer, step_timeout: float
) -> Accepted | PermanentFailure:
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user,
        password=server.password,
        use_tls=server.security == "tls",
        start_tls=server.security == "starttls",
        tls_context=server.trust,
        local_hostname=socket.gethostname(),  # never getfqdn, which may wait for a name server
        timeout=step_timeout,
    )
    try:
        await client.connect()
        await _greet(client)
        international = not (envelope_from + "".join(recipients)).isascii()
        if international and not client.supports_extension("smtputf8"):
            return PermanentFailure(code=None, text="The SMTP server takes no addresses outside ASCII (SMTPUTF8).")
        options = ["SMTPUTF8"] if international else []
        if not raw.isascii() and client.supports_extension("8bitmime"):
            options.append("BODY=8BITMIME")
        refused, text = await client.sendmail(envelope_from, recipients, raw, mail_options=options)
        # The letter's fate is sealed: QUIT is said without waiting for its answer, which could only take it back.
        cast(asyncio.WriteTransport, client.transport).write(b"QUIT\r\n")
    finally:
        client.close()
    return Accepted(
        text=_short(text),
        refused=tuple(
            Refused(address=address, code=response.code, text=_short(response.message))
            for address, response in refused.items()
        ),
    )


async def _greet(client: aiosmtplib.SMTP) -> None:
    """Learn what the server can do; connecting alone asks only when it has to sign in."""
    if not client.is_ehlo_or_helo_needed:
        return
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        await client.helo()


def _all_refused(refusals: Sequence[aiosmtplib.SMTPRecipientRefused]) -> TemporaryFailure | PermanentFailure:
    """A later try may reach somebody as long as one refusal is temporary."""
    worst = min(refusals, key=lambda refusal: refusal.code)
    return _failure(worst.code, worst.message)


def _failure(code: int, text: str) -> TemporaryFailure | PermanentFailure:
    # 530 and 538 ask for a sign-in or for TLS: that is our setting, not this letter.
    if code >= 500 and code not in (530, 538):
        return PermanentFailure(code=code, text=_short(text))
    return TemporaryFailure(code=code, text=_short(text))


def _short(text: str) -> str:
    return " ".join(text.split())[:TEXT_LIMIT]
