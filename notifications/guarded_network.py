"""The network under the webhook client: it connects to vetted addresses only and takes answers in small bites."""

import asyncio
import select
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

from service.address_guard import AddressGuard, NameNotFound, UnsafeAddress

BITE = 16 * 1024  # bytes taken from a socket at once: what nobody will look at is never fetched
FIRST_TRY_SHARE = 0.5  # of the time left, while another address waits for its turn


class UnsafeConnect(httpcore.ConnectError):
    """The guard refused the address."""


class NoSuchName(httpcore.ConnectError):
    """The name has no address."""


class TlsError(httpcore.ConnectError):
    """The connection stands, but no trust."""


class TlsTimeout(httpcore.ConnectTimeout):
    """The other side did not finish the TLS handshake in time."""


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves once, vets all addresses, connects to one of them; the name stays in `Host` and in TLS."""

    def __init__(self, guard: AddressGuard, *, inner: httpcore.AsyncNetworkBackend | None = None) -> None:
        self._guard = guard
        self._inner = inner or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises `UnsafeConnect`, `NoSuchName`, and httpcore's `ConnectError` and `ConnectTimeout`."""
        try:
            async with asyncio.timeout(timeout) as clock:
                addresses = await self._vetted(host, port)
                return await self._first_that_answers(addresses, port, until=clock.when())
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} did not answer within {timeout} s.") from error

    async def _vetted(self, host: str, port: int) -> list[str]:
        try:
            return await self._guard.addresses(host, port)
        except UnsafeAddress as error:
            raise UnsafeConnect(str(error)) from error
        except NameNotFound as error:
            raise NoSuchName(str(error)) from error

    async def _first_that_answers(
        self, addresses: list[str], port: int, *, until: float | None
    ) -> httpcore.AsyncNetworkStream:
        for address in addresses[:-1]:
            try:
                stream = await self._inner.connect_tcp(address, port, timeout=_share_of_time(until))
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # the last address gives the reason
            return BitingStream(stream)
        return BitingStream(await self._inner.connect_tcp(addresses[-1], port))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class BitingStream(httpcore.AsyncNetworkStream):
    """A connection that reads at most a bite at a time and tells TLS trouble from the rest."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        # The pool asks every idle connection before each request; looking the socket up takes longer than asking it.
        self._incoming = select.poll()
        self._incoming.register(stream.get_extra_info("socket"), select.POLLIN)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(min(max_bytes, BITE), timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Raises `TlsError` and `TlsTimeout`."""
        try:
            return BitingStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))
        except httpcore.ConnectTimeout as error:
            raise TlsTimeout("The TLS handshake was not finished in time.") from error
        except httpcore.ConnectError as error:
            raise TlsError(str(error) or "The TLS handshake was cut off.") from error

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # on an idle connection: the other side has closed it
            return bool(self._incoming.poll(0))
        return self._stream.get_extra_info(info)


def _share_of_time(until: float | None) -> float | None:
    return None if until is None else (until - asyncio.get_running_loop().time()) * FIRST_TRY_SHARE
