"""Requests over kept connections, as light as they can be made: the load shares the machine with what it measures."""

import asyncio
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Make = Callable[[int], tuple[str, str, bytes]]  # the number of the client → method, path, body
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Pace:
    """Requests a second, and how long one took, in milliseconds."""

    per_second: float
    p50: float
    p99: float


class Load:
    """Clients that ask one request after the other, spread over the web processes."""

    def __init__(self, ports: list[int], headers: dict[str, str], *, seconds: float) -> None:
        self.ports = ports
        self.seconds = seconds
        self.head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    async def run(self, clients: int, make: Make) -> Pace:
        """Each process is warmed up first. Raises RuntimeError for an answer that is no success."""
        for n in range(len(self.ports)):
            await self._client(n, 0.0, make, [])
        taken: list[float] = []
        start = time.perf_counter()
        await asyncio.gather(*(self._client(n, start + self.seconds, make, taken) for n in range(clients)))
        seconds = time.perf_counter() - start
        return Pace(len(taken) / seconds, statistics.median(taken), percentile(taken, 0.99))

    async def _client(self, n: int, end: float, make: Make, taken: list[float]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ports[n % len(self.ports)], limit=2**22)
        while (began := time.perf_counter()) < end or not taken:
            method, path, body = make(n)
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{self.head}Content-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = LENGTH.search(answer)
            content = await reader.readexactly(int(length[1])) if length else b""
            if answer[9:10] != b"2":
                raise RuntimeError(f"{method} {path}: {answer[:40]!r} {content[:300]!r}")
            taken.append((time.perf_counter() - began) * 1000)
        writer.close()


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
