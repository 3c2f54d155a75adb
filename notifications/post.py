"""One POST to a stranger's server: bounded in time, in bytes and in trust, it always comes back with an answer."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import httpcore
import httpx

from notifications.guarded_network import GuardedNetwork, NoSuchName, TlsError, TlsTimeout, UnsafeConnect
from notifications.retry import parse_retry_after
from service.address_guard import AddressGuard, Destination, UnsafeAddress

CONNECT_TIMEOUT = 5.0  # seconds, for the connection and for TLS each
TOTAL_TIMEOUT = 15.0  # seconds, hard, from the look-up of the name to the last byte
HEAD_BYTES = 16 * 1024
KEEP_ALIVE = 4.0  # seconds; servers commonly close after five, and we want to be first


class PostError(StrEnum):
    UNSAFE_ADDRESS = "unsafe_address"
    NO_SUCH_NAME = "no_such_name"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    BROKEN = "broken"  # the connection broke, or what came was no HTTP


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. `status` may be set beside an `error`: the rest of the answer never came."""

    status: int | None
    ms: int
    head: bytes  # of the body, raw, at most 16 KiB, never decompressed
    error: PostError | None
    detail: str  # the error in a sentence; empty without one
    retry_after: timedelta | None

    @property
    def complete(self) -> bool:
        """The answer arrived, as far as it is looked at, and in time."""
        return self.error is None

    @property
    def succeeded(self) -> bool:
        return self.complete and self.status is not None and 200 <= self.status < 300


@dataclass(slots=True)
class _Arrived:
    """What has come so far; it survives the timeout."""

    status: int | None = None
    head: bytes = b""
    retry_after: timedelta | None = None


class Poster:
    """The one client all posts share: it pools connections, follows nothing and reads no environment."""

    def __init__(
        self,
        *,
        guard: AddressGuard,
        connect_timeout: float = CONNECT_TIMEOUT,
        total_timeout: float = TOTAL_TIMEOUT,
        trust: ssl.SSLContext | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        """`trust` holds the certificate authorities, by default the public ones; `now` dates `Retry-After`."""
        self._guard = guard
        self._connect_timeout = connect_timeout
        self._total_timeout = total_timeout
        self._now = now
        # No limit of its own: a pool full of silent servers would delay the others. Callers limit what is in flight.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trust or httpx.create_ssl_context(trust_env=False),
            max_connections=None,
            max_keepalive_connections=100,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=GuardedNetwork(guard, inner=network),
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post the exact bytes once. Never raises for anything the other side, the network or the URL does."""
        began = time.monotonic()
        arrived = _Arrived()
        error, detail = await self._attempt(url, body, headers, arrived)
        return Answer(
            status=arrived.status,
            ms=round((time.monotonic() - began) * 1000),
            head=arrived.head,
            error=error,
            detail=detail,
            retry_after=arrived.retry_after,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()
        self._guard.close()

    async def _attempt(
        self, url: str, body: bytes, headers: Mapping[str, str], arrived: _Arrived
    ) -> tuple[PostError | None, str]:
        try:
            async with asyncio.timeout(self._total_timeout):
                await self._exchange(self._guard.destination(url), body, headers, arrived)
        except (UnsafeAddress, UnsafeConnect) as error:
            return PostError.UNSAFE_ADDRESS, str(error)
        except NoSuchName as error:
            return PostError.NO_SUCH_NAME, str(error)
        except TimeoutError:
            return PostError.TIMEOUT, f"No whole answer within {self._total_timeout:g} s."
        except httpcore.TimeoutException as error:
            reason = str(error) if isinstance(error, TlsTimeout) else "The server could not be reached in time."
            return PostError.TIMEOUT, reason
        except TlsError as error:
            return PostError.TLS, f"No trusted connection: {error}"
        except httpcore.ConnectError as error:
            return PostError.CONNECT, f"No connection: {error}"
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            return PostError.BROKEN, f"The connection broke: {error or type(error).__name__}"
        return None, ""

    async def _exchange(self, to: Destination, body: bytes, headers: Mapping[str, str], arrived: _Arrived) -> None:
        url = httpcore.URL(scheme=to.scheme, host=to.host, port=to.port, target=to.target)
        request = self._pool.stream(
            "POST",
            url,
            headers=_request_headers(to, headers),
            content=body,
            extensions={"timeout": {"connect": self._connect_timeout}},
        )
        async with request as response:
            arrived.status = response.status
            arrived.retry_after = parse_retry_after(_header(response, b"retry-after"), at=self._now())
            async for chunk in response.aiter_stream():
                arrived.head = (arrived.head + chunk)[:HEAD_BYTES]
                if len(arrived.head) == HEAD_BYTES:
                    break  # enough seen; leaving closes the connection instead of reading on


def _request_headers(to: Destination, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [("host", to.authority), ("accept", "*/*"), ("accept-encoding", "identity"), *headers.items()]


def _header(response: httpcore.Response, name: bytes) -> str | None:
    values = (value for key, value in response.headers if key.lower() == name)
    return next((value.decode("latin-1") for value in values), None)
