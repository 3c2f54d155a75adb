"""An integrator's endpoint in a process of its own: keeps every request in an append-only log, then answers.

`python tests/faults/receiver.py LOG` prints its port. `/hook` answers 200, `/status/500` answers 500,
`/slow/0.5` answers 200 after half a second, `/until/FILE` answers 200 once FILE (in the log's folder) is there.
"""

import asyncio
import base64
import json
import os
import sys
import time
from pathlib import Path

import uvloop

LONGEST_HEAD = 64 * 1024  # bytes


class Receiver:
    """Writes down, then answers: what is not in the log was never answered."""

    def __init__(self, log: Path) -> None:
        self._folder = log.parent
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers["content-length"]))
                path = first.split(" ")[1]
                self._keep(path, headers, body)
                status = await self._judge(path)
                writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the sender left, or was killed
        finally:
            writer.close()

    def _keep(self, path: str, headers: dict[str, str], body: bytes) -> None:
        line = {"at": time.time(), "path": path, "headers": headers, "body": base64.b64encode(body).decode()}
        os.write(self._log, json.dumps(line).encode() + b"\n")

    async def _judge(self, path: str) -> int:
        _, kind, *rest = path.split("/")
        if kind == "slow":
            await asyncio.sleep(float(rest[0]))
        if kind == "until":
            return 200 if (self._folder / rest[0]).exists() else 500
        return int(rest[0]) if kind == "status" else 200


async def main(log: Path) -> None:
    receiver = Receiver(log)
    server = await asyncio.start_server(receiver.converse, "127.0.0.1", 0, limit=LONGEST_HEAD)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1])))
