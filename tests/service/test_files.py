"""Files under the hash of their content."""

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import files
from service.files import SHELF, keep, open_file
from workflow.errors import NotFound


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path) -> Iterator[Path]:
    before = SHELF.folder
    SHELF.furnish(tmp_path)
    yield tmp_path / "files"
    SHELF.folder = before


def test_what_was_kept_is_read_back_byte_for_byte():
    sha256 = keep(b"a picture")
    assert sha256 == hashlib.sha256(b"a picture").hexdigest()
    with open_file(sha256) as opened:
        assert opened.read() == b"a picture"


def test_the_same_logo_is_stored_once_and_nobody_else_may_read_it(shelf: Path):
    assert keep(b"logo") == keep(b"logo")
    [stored] = [path for path in shelf.rglob("*") if path.is_file()]
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600


def test_a_file_that_was_cut_is_written_anew():
    sha256 = keep(b"whole content")
    SHELF.place(sha256).write_bytes(b"whole")
    keep(b"whole content")
    with open_file(sha256) as opened:
        assert opened.read() == b"whole content"


def test_a_full_disk_leaves_nothing_half_written(shelf: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        keep(b"too much")
    assert [path for path in shelf.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["", "../../secret", "a" * 63, "A" * 64, "0" * 64 + "\n", "0" * 64])
def test_nothing_but_a_known_hash_is_opened(name: str):
    with pytest.raises(NotFound):
        open_file(name)
