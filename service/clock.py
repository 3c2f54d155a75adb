"""The clock, asked at the edges only; in development a file can move it for every process at once."""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

FARTHEST = 100 * 365 * 86400.0  # seconds: a moved clock stays within what dates can hold


class _Offset:
    """Seconds read from the clock file at each use; while it says nothing usable the last value stands."""

    def __init__(self) -> None:
        self.file: Path | None = None
        self.last = 0.0
        self._complained_of: str | None = None

    def read(self) -> float:
        if self.file is None:
            return 0.0
        try:
            text = self.file.read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return self.last
        if text:
            self._take(text)
        return self.last

    def _take(self, text: str) -> None:
        try:
            seconds = float(text)
        except ValueError:
            seconds = math.nan
        if abs(seconds) <= FARTHEST:  # false for "nan" too
            self.last = seconds
        elif text != self._complained_of:  # once: the clock is read all the time
            self._complained_of = text
            log.warning("the clock file holds no usable number of seconds", file=str(self.file), text=text[:40])


_OFFSET = _Offset()


def configure(clock_file: Path | None) -> None:
    """Say which file moves the clock; None for the real one. `Settings` refuses a file in production."""
    _OFFSET.file = clock_file
    _OFFSET.last = 0.0


def now() -> datetime:
    """The moment it is, in UTC, moved by the clock file."""
    return datetime.now(UTC) + offset()


def offset() -> timedelta:
    """How far the clock is moved: zero unless a clock file is set."""
    return timedelta(seconds=_OFFSET.read())


def move(by: timedelta) -> datetime:
    """Move the clock of all processes that read the file; the moment it is afterwards.

    Raises `RuntimeError` without a clock file. The file changes in one step: no reader sees half a number.
    """
    if _OFFSET.file is None:
        raise RuntimeError("the clock cannot be moved: REGLAMENT_CLOCK_FILE is not set")
    seconds = (offset() + by).total_seconds()
    written = _OFFSET.file.with_name(_OFFSET.file.name + ".new")
    written.write_text(f"{seconds}\n", encoding="ascii")
    written.replace(_OFFSET.file)
    return now()
