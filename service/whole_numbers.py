"""Whole numbers as people and programs type them."""

from __future__ import annotations

from typing import Final

INTEGER: Final = 2**31 - 1  # PostgreSQL's integer: versions, places in a journal
BIGINT: Final = 2**63 - 1  # PostgreSQL's bigint: ids


def whole_number(text: str, *, most: int = BIGINT) -> int | None:
    """What the ASCII digits say; None for anything else, and for more than `most` (which has at most 19 digits)."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(BIGINT))):
        return None
    number = int(text)
    return number if number <= most else None
