"""Thumbnails show pictures small, and give way before what is no picture or would fill the memory."""

import io
import struct
import zlib

import pytest
from PIL import Image

from service.thumbnails import thumbnail


def a_picture(form: str, size: tuple[int, int] = (1600, 900), mode: str = "RGB") -> io.BytesIO:
    made = io.BytesIO()
    Image.new(mode, size, 120).save(made, form)
    made.seek(0)
    return made


def a_bomb(side: int = 30_000) -> io.BytesIO:
    """A PNG of a few hundred bytes that claims nine hundred million pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return io.BytesIO(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF"])
def test_a_picture_becomes_a_small_png_in_its_proportions(form: str) -> None:
    drawn = thumbnail(a_picture(form))
    assert drawn is not None
    with Image.open(io.BytesIO(drawn)) as small:
        assert (small.format, small.size) == ("PNG", (480, 270))


def test_transparency_is_kept() -> None:
    drawn = thumbnail(a_picture("PNG", mode="LA"))
    assert drawn is not None
    with Image.open(io.BytesIO(drawn)) as small:
        assert small.mode == "RGBA"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"<svg/>",
        b"\x89PNG\r\n\x1a\n broken",
        a_picture("PNG").getvalue()[:200],
        a_picture("BMP").getvalue(),
    ],
)
def test_what_is_no_picture_of_the_policy_gives_none(data: bytes) -> None:
    assert thumbnail(io.BytesIO(data)) is None


def test_a_bomb_is_not_opened() -> None:
    assert thumbnail(a_bomb()) is None
