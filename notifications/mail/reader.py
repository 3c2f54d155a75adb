"""Mails are read in a process beside the worker: one that crashes or hangs costs that process, and is counted."""

from __future__ import annotations

import asyncio
import atexit
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from notifications.mail.parsed import ParsedMail
from notifications.mail.reader_process import FRAME

SECONDS = 20.0  # for one mail; the reader's own limit is ten
PROGRAM = (sys.executable, "-m", "notifications.mail.reader_process")


class NotRead(Exception):
    """The reader met an error in itself; the same mail will meet it again."""


class ReaderDied(Exception):
    """The reading process ended, or had to be ended, over a mail."""


class Reader:
    """A process that reads mails one after the other; started when first needed, and again after it died."""

    def __init__(self, program: Sequence[str] = PROGRAM, *, seconds: float = SECONDS) -> None:
        self._program = tuple(program)
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    async def read(self, raw: bytes) -> ParsedMail:
        """What the mail says; the event loop goes on meanwhile. Raises NotRead, ReaderDied."""
        return await asyncio.to_thread(self._read, raw)

    def close(self) -> None:
        """End the process; the next mail starts another."""
        with self._turn:
            self._end()

    def _read(self, raw: bytes) -> ParsedMail:
        with self._turn:
            try:
                process = self._running()
            except OSError as wrong:
                raise ReaderDied(f"the reading process did not start: {wrong}") from wrong
            overdue = threading.Timer(self._seconds, process.kill)
            overdue.start()
            try:
                read, answer = _exchange(process, raw)
            except (OSError, EOFError) as broken:
                self._end()
                raise ReaderDied(f"the reading process ended with {process.returncode}") from broken
            finally:
                overdue.cancel()
                overdue.join()
        if not read:
            raise NotRead(answer.decode("utf-8", "replace"))
        return msgspec.msgpack.decode(answer, type=ParsedMail)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(  # noqa: S603  our own program, and no shell
                self._program, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
        if process.stdin is not None:
            with suppress(BrokenPipeError):  # what was still to be sent has no reader any more
                process.stdin.close()


def _exchange(process: subprocess.Popen[bytes], raw: bytes) -> tuple[bool, bytes]:
    """One mail to the process and its answer back. Raises OSError or EOFError when the process ends meanwhile."""
    asked, answers = process.stdin, process.stdout
    if asked is None or answers is None:
        raise EOFError
    asked.write(FRAME.pack(True, len(raw)))
    asked.write(raw)
    asked.flush()
    head = answers.read(FRAME.size)
    if len(head) < FRAME.size:
        raise EOFError
    read, size = FRAME.unpack(head)
    answer = answers.read(size)
    if len(answer) < size:
        raise EOFError
    return read, answer


READER = Reader()
atexit.register(READER.close)
