"""The process that reads mails for a worker: raw bytes in, `ParsedMail` out, until its standard input ends.

A mail that crashes, hangs or fills the memory takes this process with it, never the worker.
"""

from __future__ import annotations

import resource
import signal
import struct
import sys
from typing import BinaryIO

import msgspec

from notifications.mail.parse import parse_mail

FRAME = struct.Struct(">?Q")  # whether it was read, and how many bytes follow
MEMORY = 2 * 1024**3  # bytes of address space


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker; when it ends, our input does
    _limit_memory()
    serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Answer one mail after the other."""
    while len(head := asked.read(FRAME.size)) == FRAME.size:
        raw = asked.read(FRAME.unpack(head)[1])
        read, answer = _answer(raw)
        answers.write(FRAME.pack(read, len(answer)))
        answers.write(answer)
        answers.flush()


def _answer(raw: bytes) -> tuple[bool, bytes]:
    try:
        return True, msgspec.msgpack.encode(parse_mail(raw))
    except Exception as error:  # told to the worker, which keeps the mail for a person
        return False, f"{type(error).__name__}: {error}".encode("utf-8", "replace")


def _limit_memory() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))


if __name__ == "__main__":
    main()
