"""Header parameters as mail really writes them: RFC 2231 in pieces, RFC 2047 in quotes, raw bytes, no semicolons."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import msgspec

from notifications.mail.words import decode_words, unfolded
from service.charsets import decode

_NAME = re.compile(rb"([A-Za-z0-9_.-]+?)(?:\*([0-9]{1,3}))?(\*?)[ \t\r\n]*=[ \t\r\n]*")
_MEDIA = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")


class Parameters(msgspec.Struct):
    """Parameters of one header: each a list of (piece number, percent-encoded, value as bytes)."""

    pieces: dict[str, list[tuple[int, bool, bytes]]]

    def raw(self, name: str) -> bytes:
        """A parameter which is a plain token, such as a boundary."""
        if name not in self.pieces and f"{name}*" not in self.pieces:
            return b""
        found = self.pieces.get(f"{name}*") or self.pieces[name]
        return b"".join(_unquoted(value, quoted) for _, quoted, value in found)

    def token(self, name: str) -> str:
        return self.raw(name).decode("ascii", "replace").strip()

    def text(self, name: str, hint: str | None = None) -> str:
        """A parameter which people read: a file name. `hint` is the charset of the mail's text."""
        extended = self.pieces.get(f"{name}*")
        if extended:
            return _extended(sorted(extended, key=lambda piece: piece[0]), hint)
        plain = self.pieces.get(name)
        return _plain(plain[0][2], hint) if plain else ""


def parameters(value: bytes) -> Parameters:
    """Read what follows the first semicolon (or what looks like a parameter without one)."""
    value = value[:16_384]
    pieces: dict[str, list[tuple[int, bool, bytes]]] = {}
    position = value.find(b";")
    if position < 0:
        missing = re.search(rb"\s(?=(?:boundary|charset|name|filename)\*?=)", value, re.IGNORECASE)
        if not missing:
            return Parameters(pieces)
        position = missing.start()
    while position < len(value) and len(pieces) < 50:
        while position < len(value) and value[position] in b"; \t\r\n":
            position += 1
        match = _NAME.match(value, position)
        if not match:
            following = value.find(b";", position + 1)
            if following < 0:
                break
            position = following
            continue
        name = match[1].decode("ascii").lower()
        content, position = _value(value, match.end(), name)
        extended = bool(match[2] or match[3])
        known = pieces.setdefault(f"{name}*" if extended else name, [])
        known.append((int(match[2] or 0), bool(match[3]), content))
    return Parameters(pieces)


def media_type(value: bytes, default: str) -> str:
    """The media type in lower case; a broken one becomes the nearest sensible."""
    name = re.split(rb"[;\s]", value.strip(), maxsplit=1)[0].decode("ascii", "replace").lower().strip("\"'")
    if _MEDIA.fullmatch(name):
        return name
    if not name:
        return default
    if "html" in name:
        return "text/html"
    if name.startswith("multipart"):
        return "multipart/mixed"
    return "text/plain" if name.startswith(("text", "plain")) else "application/octet-stream"


def _value(header: bytes, start: int, name: str) -> tuple[bytes, int]:
    if header[start : start + 1] == b'"':
        return _quoted(header, start + 1)
    end = header.find(b";", start)
    end = len(header) if end < 0 else end
    content = header[start:end].strip()
    if name in ("charset", "boundary", "format", "method") and b"=" in content:
        # The semicolon before the next parameter is missing.
        token = re.match(rb"[^\s]+", content)
        following = re.search(rb"\s[A-Za-z-]+\*?=", content)
        if token and following:
            return token[0], start + following.start()
    return content.strip(b"'") if name in ("charset", "boundary") else content, end


def _quoted(header: bytes, start: int) -> tuple[bytes, int]:
    """A quoted string; backslashes that are part of a Windows path stay."""
    out = bytearray()
    position = start
    while position < len(header):
        character = header[position : position + 1]
        if character == b"\\" and header[position + 1 : position + 2] in (b'"', b"\\"):
            out += header[position + 1 : position + 2]
            position += 2
            continue
        if character == b'"':
            after = header[position + 1 :].lstrip()
            if not after or after.startswith(b";") or re.match(rb"[A-Za-z-]+\*?[0-9]*\*?=", after):
                return bytes(out), position + 1
            if b'"' not in after:
                return bytes(out), position + 1
        out += character
        position += 1
    return bytes(out), position


def _unquoted(value: bytes, encoded: bool) -> bytes:
    if not encoded:
        return value
    return unquote_to_bytes(value.split(b"'", 2)[-1] if value.count(b"'") >= 2 else value)


def _extended(pieces: list[tuple[int, bool, bytes]], hint: str | None) -> str:
    label: str | None = None
    data = bytearray()
    for index, (_, encoded, value) in enumerate(pieces):
        content = unfolded(value).replace(b" ", b"") if encoded else unfolded(value)
        if encoded:
            if index == 0 and content.count(b"'") >= 2:
                charset, _, content = content.split(b"'", 2)
                label = charset.decode("ascii", "replace")
            content = unquote_to_bytes(content)
        data += content
    if b"=?" in data:
        return decode_words(bytes(data), label or hint)
    return decode(bytes(data), label or hint).text


def _plain(value: bytes, hint: str | None) -> str:
    if b"=?" in value:
        return decode_words(value, hint)
    folded = unfolded(value)
    if re.search(rb"%[89A-Fa-f][0-9A-Fa-f]", folded):
        # Some web mailers percent-encode without saying so.
        opened = unquote_to_bytes(folded)
        try:
            return opened.decode("utf-8")
        except UnicodeDecodeError:
            pass  # a name with a percent sign in it
    return decode(folded, hint).text
