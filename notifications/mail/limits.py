"""How much of one mail is read: beyond these the rest is left in the raw bytes, and the mail is marked."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds for one mail: bytes, counts and seconds of reading. Nothing raises; what is over is noted as a defect."""

    size: int = 30 * 1024 * 1024
    header_bytes: int = 256 * 1024
    header_lines: int = 2_000
    value_bytes: int = 32 * 1024
    parts: int = 500
    nesting: int = 20
    lines: int = 100_000
    text_bytes: int = 2 * 1024 * 1024
    html_bytes: int = 1024 * 1024
    attachments: int = 100
    seconds: float = 10.0


DEFAULT_LIMITS = Limits()
