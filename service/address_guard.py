"""Webhooks never reach inside the house: addresses are vetted when written down and again when connected to."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from workflow.words import _

DEFAULT_PORTS = {"https": 443, "http": 80}
LONGEST_URL = 2000

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# `ipaddress.is_global` alone passes addresses that lead inside (NAT64, 6to4) on some versions, hence lists of our own:
# the special-purpose registries of RFC 6890.
CLOSED_IPV4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
OPEN_IPV6 = ipaddress.IPv6Network("2000::/3")
CLOSED_IPV6 = tuple(
    map(
        ipaddress.IPv6Network,
        ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)

LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# What old parsers take for an IPv4 address: a last label of digits only, or hexadecimal.
NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")


class UnsafeAddress(ValueError):
    """The address leads where webhooks must not go; `sentence`, an English msgid, says why to a person."""

    def __init__(self, sentence: str, **params: object) -> None:
        super().__init__(sentence.format(**params) if params else sentence)
        self.sentence = sentence
        self.params = {name: str(value) for name, value in params.items()}


class NameNotFound(Exception):
    """The host's name has no address now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A vetted URL in parts, so that whoever connects need not parse it a second time, and differently."""

    scheme: str
    host: str  # lower case, without the brackets of IPv6
    port: int
    target: str  # path and query

    @property
    def authority(self) -> str:
        """The value of the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


def public(address: IPAddress) -> bool:
    """Whether webhooks may go to the address."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in CLOSED_IPV4)
    return address in OPEN_IPV6 and not any(address in network for network in CLOSED_IPV6)


def key(host: str, port: int) -> str:
    """How the administrator's list of allowed hosts writes an address: `host:port`, IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_url(url: str, *, allowed_hosts: Collection[str]) -> None:
    """Refuse a URL that a webhook must not have; `allowed_hosts` are `host:port` in lower case.

    Raises `UnsafeAddress` with a sentence for its author. A name is not looked up here: it is vetted at each connect.
    """
    destination(url, allowed_hosts=allowed_hosts)


def destination(url: str, *, allowed_hosts: Collection[str]) -> Destination:
    """The parts of a URL that `check_url` accepts."""
    parts = _parsed(url)
    host = (parts.hostname or "").lower()
    port = _port(parts)
    if key(host, port) not in allowed_hosts:
        _check_scheme(parts.scheme, port)
        _check_host(host)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(scheme=parts.scheme, host=host, port=port, target=target)


class AddressGuard:
    """Resolves a name once, vets every address it has, and gives back those to connect to."""

    def __init__(self, *, allowed_hosts: Collection[str], resolve: Resolve | None = None) -> None:
        self.allowed_hosts = frozenset(allowed_hosts)
        # A pool of its own: a dead name server must not stop the other threads of the process.
        self._threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="resolve")
        self._resolve = resolve or self._look_up

    def destination(self, url: str) -> Destination:
        """The parts of a URL that webhooks may have; raises `UnsafeAddress`."""
        return destination(url, allowed_hosts=self.allowed_hosts)

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses to connect to; raises `UnsafeAddress` if one of them is not public, and `NameNotFound`."""
        found = await self._resolve(host, port)
        if not found:
            raise NameNotFound(f"The name {host} has no address.")
        if key(host, port) not in self.allowed_hosts:
            _check_all(host, found)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        """Let the look-up threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _look_up(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _getaddrinfo, host, port)


def _getaddrinfo(host: str, port: int) -> list[str]:
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise NameNotFound(f"The name {host} could not be resolved: {error}.") from error
    return [_text(answer[4][0]) for answer in answers]


def _text(address: object) -> str:
    return address.decode("ascii") if isinstance(address, bytes) else str(address)


def _check_all(host: str, addresses: Iterable[str]) -> None:
    for text in addresses:
        try:
            address = ipaddress.ip_address(text)
        except ValueError as error:
            raise UnsafeAddress(
                _("The name {host} leads to {address}, which is no address."), host=host, address=repr(text)
            ) from error
        if not public(address):
            raise UnsafeAddress(
                _("The name {host} leads to {address}, which is not a public address."), host=host, address=address
            )


def _parsed(url: str) -> SplitResult:
    if len(url) > LONGEST_URL:
        raise UnsafeAddress(_("The address is longer than {most} characters."), most=LONGEST_URL)
    if not url.isascii():
        raise UnsafeAddress(
            _("The address has letters outside ASCII; write the host in its xn-- form and the rest in %XX.")
        )
    if any(character <= " " or character in "\\\x7f" for character in url):
        raise UnsafeAddress(_("The address has spaces, backslashes or control characters."))
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is the check
    except ValueError as error:
        raise UnsafeAddress(_("The address cannot be read: {error}."), error=error) from error
    if parts.scheme not in DEFAULT_PORTS:
        raise UnsafeAddress(_("The address must begin with https://."))
    if not parts.hostname:
        raise UnsafeAddress(_("The address has no host."))
    if "@" in parts.netloc:
        raise UnsafeAddress(_("The address must not carry a user name or a password."))
    if "%" in parts.netloc:
        raise UnsafeAddress(_("The host must be written plainly, without % signs."))
    if "#" in url:
        raise UnsafeAddress(_("The address must not have a fragment (#…): it would never be sent."))
    return parts


def _port(parts: SplitResult) -> int:
    return DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port


def _check_scheme(scheme: str, port: int) -> None:
    if scheme != "https":
        raise UnsafeAddress(_("The address must begin with https://; the administrator can allow this host and port."))
    if port != DEFAULT_PORTS["https"]:
        raise UnsafeAddress(
            _("Port {port} is not allowed, only 443; the administrator can allow this host and port."), port=port
        )


def _check_host(host: str) -> None:
    address = _literal(host)
    if address is not None:
        if not public(address):
            raise UnsafeAddress(_("{address} is not a public address."), address=address)
        return
    labels = host.split(".")
    if NUMERIC_LABEL.fullmatch(labels[-1]) or (labels[-1] == "" and NUMERIC_LABEL.fullmatch(labels[-2])):
        raise UnsafeAddress(
            _("The host {host} is a number in disguise; write an address as four decimal numbers."), host=host
        )
    if host.endswith("."):
        raise UnsafeAddress(_("The host must not end with a dot."))
    if len(host) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise UnsafeAddress(_("{host} is not the name of a host."), host=host)
    if len(labels) == 1 or labels[-1] == "localhost":
        raise UnsafeAddress(
            _("{host} is a name inside the house; the administrator can allow this host and port."), host=host
        )


def _literal(host: str) -> IPAddress | None:
    """The address a host is written as; only the one canonical form of IPv4 counts."""
    try:
        return ipaddress.ip_address(host)
    except ValueError as error:
        if ":" in host:
            raise UnsafeAddress(_("[{host}] is not an IPv6 address."), host=host) from error
        return None
