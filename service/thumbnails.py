"""Small pictures of pictures: read within limits, drawn anew, so that nothing of the sender's file is passed on."""

from __future__ import annotations

import io
import warnings
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "GIF")  # clause 7.6; nothing else is even tried
MOST_PIXELS = 40_000_000  # a screenshot of four large screens; a bomb has more
SIZE = (480, 480)


def thumbnail(opened: BinaryIO) -> bytes | None:
    """A PNG of at most 480 by 480 pixels; None for what is no picture, is damaged, or is too large to open.

    It takes processor time: call it from a thread.
    """
    with opened, warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(opened, formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    return None
                picture.draft("RGB", SIZE)
                small = picture.convert("RGBA" if picture.mode in ("RGBA", "LA", "P") else "RGB")
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError, Warning):
            return None
        small.thumbnail(SIZE)
        drawn = io.BytesIO()
        small.save(drawn, "PNG", optimize=False)
        return drawn.getvalue()
