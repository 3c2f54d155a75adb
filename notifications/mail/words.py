"""Encoded words of RFC 2047, also those that break its rules: split characters, glued, quoted, cut, with spaces."""

from __future__ import annotations

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64

from service.charsets import decode

_OPEN = re.compile(rb"=\?([^?\s=]{0,60})\?([bBqQ])\?")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_FOLD = re.compile(rb"(?<![ \t\r])[ \t]*\r*\n[ \t]*")  # tried once a run of blanks: linear

# One run of bytes in one charset; `None` stands for raw bytes of the header itself.
_Run = tuple[str | None, bytes]


def decode_words(value: bytes, hint: str | None = None) -> str:
    """The text of a header value; raw 8-bit bytes are read in `hint`, the charset of the body, first."""
    runs: list[_Run] = []
    position = 0
    after_word = False
    while position < len(value):
        start = _OPEN.search(value, position)
        word = _word(value, start) if start else None
        if not start or not word:
            _add(runs, None, unfolded(value[position:]))
            break
        between = value[position : start.start()]
        if not after_word or between.strip():
            _add(runs, None, unfolded(between))
        label, content, position = word
        _add(runs, label, content)
        after_word = True
    return "".join(decode(data, hint if label is None else label).text for label, data in runs)


def _add(runs: list[_Run], label: str | None, data: bytes) -> None:
    """Neighbours in one charset are read together, for clients split words inside a character."""
    if runs and label is not None and runs[-1][0] == label:
        runs[-1] = (label, runs[-1][1] + data)
    elif data:
        runs.append((label, data))


def _word(value: bytes, start: re.Match[bytes]) -> tuple[str, bytes, int] | None:
    """Charset, bytes and end of the encoded word that begins at `start`; one that never ends takes the rest."""
    quoted = start[2] in b"qQ"
    end = value.find(b"?=", start.end())
    while quoted and end >= 0 and _HEX.match(value, end + 1) and not _closed(value, end + 2):
        end = value.find(b"?=", end + 1)
    content = value[start.end() :] if end < 0 else value[start.end() : end]
    stop = len(value) if end < 0 else end + 2
    label = start[1].decode("ascii", "replace").partition("*")[0].lower()
    content = _FOLD.sub(b" ", content)
    if quoted:
        data = _HEX.sub(lambda match: bytes((int(match[1], 16),)), content.replace(b"_", b" "))
        return label, data, stop
    opened = _base64(content)
    return label, content if opened is None else opened, stop


def _closed(value: bytes, position: int) -> bool:
    """Whether what follows `?=` shows that the word ended there although two hex digits come next."""
    return value[position : position + 2].lower() not in (b"d0", b"d1") and b"?=" not in value[position : position + 80]


def _base64(content: bytes) -> bytes | None:
    cleaned = re.sub(rb"[^A-Za-z0-9+/]", b"", content)
    if len(cleaned) % 4 == 1:
        cleaned = cleaned[:-1]
    try:
        return a2b_base64(cleaned + b"=" * (-len(cleaned) % 4))
    except BinasciiError:
        return None


def unfolded(raw: bytes) -> bytes:
    """The bytes of a header on one line."""
    return _FOLD.sub(b" ", raw)
