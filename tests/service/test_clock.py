"""The clock file moves the clock of a running process, and nothing half-written in it does harm."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service import clock

CLOSE = timedelta(seconds=2)


@pytest.fixture
def clock_file(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "clock"
    clock.configure(file)
    yield file
    clock.configure(None)


def near(moment: datetime, moved: timedelta) -> bool:
    return abs(moment - datetime.now(UTC) - moved) < CLOSE


def test_without_a_file_it_is_the_real_clock_in_utc() -> None:
    clock.configure(None)
    assert clock.now().utcoffset() == timedelta(0)
    assert near(clock.now(), timedelta(0))


def test_the_file_is_read_at_each_use(clock_file: Path) -> None:
    assert near(clock.now(), timedelta(0))
    clock_file.write_text("3600")
    assert near(clock.now(), timedelta(hours=1))
    clock_file.write_text("-86400.5\n")
    assert clock.offset() == timedelta(seconds=-86400.5)


@pytest.mark.parametrize("text", ["", "  \n", "soon", "nan", "inf", "1e300"])
def test_a_file_without_a_usable_number_keeps_the_last_value(clock_file: Path, text: str) -> None:
    clock_file.write_text("60")
    assert clock.offset() == timedelta(seconds=60)
    clock_file.write_text(text)
    assert clock.offset() == timedelta(seconds=60)
    clock_file.unlink()
    assert clock.offset() == timedelta(seconds=60)


def test_moving_adds_to_what_was_moved_before(clock_file: Path) -> None:
    clock.move(timedelta(hours=1))
    assert near(clock.move(timedelta(hours=2)), timedelta(hours=3))
    assert float(clock_file.read_text()) == 3 * 3600


def test_the_real_clock_cannot_be_moved() -> None:
    clock.configure(None)
    with pytest.raises(RuntimeError, match="REGLAMENT_CLOCK_FILE"):
        clock.move(timedelta(hours=1))
