"""Raw bytes become a tree of MIME parts: without recursion into what the sender nests, and whatever is broken in it.

The parser of the standard library descends one generator per level and stops reading headers at the first broken line;
500 nested mails exhaust its stack. Here each body is cut at its boundary lines, top down, within limits.
"""

from __future__ import annotations

import re
import time
from binascii import Error as BinasciiError
from binascii import a2b_base64, a2b_qp, a2b_uu
from collections.abc import Callable, Iterator

import msgspec

from notifications.mail.limits import Limits
from notifications.mail.parameters import Parameters, media_type, parameters

RawHeaders = tuple[tuple[str, bytes], ...]

_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
_KNOWN = re.compile(
    rb"(?i)(?:from|to|cc|bcc|subject|date|sender|reply-to|message-id|in-reply-to|references|mime-version|return-path"
    rb"|received|delivered-to|user-agent"
    rb"|content-[a-z-]+|x-[a-z0-9-]+|list-[a-z-]+|dkim-signature|auto-submitted"
    rb"|precedence|importance|authentication-results|thread-[a-z]+|organization|errors-to|disposition-[a-z-]+)[ \t]*:"
)
# Looked for even behind 300 KB of other fields.
_NEEDED = re.compile(
    rb"(?i)(?:from|to|subject|date|message-id|in-reply-to|references|auto-submitted|mime-version"
    rb"|content-[a-z-]+)[ \t]*:"
)
_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]")


class Part(msgspec.Struct, kw_only=True):
    """One MIME part: its headers as they came, its still encoded body, its parts if it is a multipart."""

    headers: RawHeaders
    media: str
    parameters: Parameters
    disposition: str
    disposition_parameters: Parameters
    body: bytes
    children: list[Part] = msgspec.field(default_factory=list)

    def header(self, name: str) -> bytes:
        """The first non-empty value of a header, or nothing."""
        return next((value for key, value in self.headers if key == name and value.strip()), b"")


class Tree(msgspec.Struct, kw_only=True):
    root: Part
    defects: list[str]


class Stopwatch:
    """Tells when the time for one mail is over; measures, and never asks what time it is."""

    def __init__(self, seconds: float, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._end = now() + seconds

    def over(self) -> bool:
        return self._now() >= self._end


def read(raw: bytes, *, limits: Limits, stopwatch: Stopwatch) -> Tree:
    """The tree of parts of one mail."""
    defects: list[str] = []
    if len(raw) > limits.size:
        defects.append("size")
        raw = raw[: limits.size]
    if b"\n" not in raw[:65536] and b"\r" in raw[:65536]:
        raw = raw.replace(b"\r", b"\n")
    headers, body = _split(_without_envelope_line(raw), limits, defects, top=True)
    root = _part(headers, body, "text/plain")
    _grow(root, limits, defects, stopwatch)
    return Tree(root=root, defects=list(dict.fromkeys(defects)))


def decoded_body(part: Part, defects: list[str], limit: int | None = None) -> bytes:
    """The body without its transfer encoding, as far as it can be read; at most about `limit` bytes."""
    body = part.body
    if limit is not None and len(body) > 4 * limit:
        defects.append("text")
        body = body[: 4 * limit]
    encoding = part.header("content-transfer-encoding").decode("ascii", "replace").strip().lower().strip("\"'; ")
    if "base64" in encoding:
        return _from_base64(body, defects)
    if "quoted" in encoding:
        return a2b_qp(body)
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return from_uuencode(body)
    return body


def nested_headers(data: bytes, limits: Limits) -> RawHeaders:
    """The headers of a mail (or a list of fields) carried inside another one."""
    return _split(_without_envelope_line(data), limits, [], top=True)[0]


def _without_envelope_line(raw: bytes) -> bytes:
    start = re.match(rb"[\r\n]*", raw)
    raw = raw[start.end() :] if start else raw
    if raw.startswith((b"From ", b">From ")):
        return raw.partition(b"\n")[2]
    return raw


def _split(raw: bytes, limits: Limits, defects: list[str], *, top: bool = False) -> tuple[RawHeaders, bytes]:
    lines, rest = _header_lines(raw, limits, defects)
    fields, leftover = _fields(lines, limits, defects)
    if top and rest and not any(name in ("from", "subject") for name, _ in fields):
        more, further = _header_lines(rest.lstrip(b"\r\n"), limits, [])
        if more and all(_FIELD.match(line) or line[:1] in b" \t" for line in more):
            extra, _ = _fields(more, limits, [])
            if {"from", "subject"} & {name for name, _ in extra}:
                defects.append("header")
                return fields + extra, further
    return fields, leftover + rest


def _header_lines(raw: bytes, limits: Limits, defects: list[str]) -> tuple[list[bytes], bytes]:
    """The lines down to the first empty one, and what follows it."""
    lines: list[bytes] = []
    position = used = 0
    spare = 100
    while position < len(raw):
        end = raw.find(b"\n", position)
        end = len(raw) if end < 0 else end
        line = raw[position:end].rstrip(b"\r")
        position = end + 1
        if not line or (not line.strip() and not _field_follows(raw, position)):
            return lines, raw[position:]
        used += len(line)
        if used > limits.header_bytes or len(lines) >= limits.header_lines:
            defects.append("header size")
            if _NEEDED.match(line) and spare:
                spare -= 1
                lines.append(line[:2000])
            continue
        lines.append(line)
    return lines, b""


def _field_follows(raw: bytes, position: int) -> bool:
    return bool(_KNOWN.match(raw, position))


def _fields(lines: list[bytes], limits: Limits, defects: list[str]) -> tuple[RawHeaders, bytes]:
    """Name and value of each field. Broken lines among fields are dropped; broken lines after the last are the body."""
    last = max((i for i, line in enumerate(lines) if _KNOWN.match(line)), default=-1)
    fields: list[tuple[str, list[bytes]]] = []
    for number, line in enumerate(lines):
        match = _FIELD.match(line)
        if line[:1] in (b" ", b"\t"):
            if fields:
                fields[-1][1].append(line)
        elif match:
            fields.append((match[1].decode("ascii").lower(), [line[match.end() :]]))
        elif number < last:
            defects.append("header")
            fields.append(("", []))  # what continues a broken line belongs to it, not to the field above
        else:
            defects.append("header")
            body = b"\n".join(lines[number:]) + b"\n\n"
            return _joined(fields, limits), body
    return _joined(fields, limits), b""


def _joined(fields: list[tuple[str, list[bytes]]], limits: Limits) -> RawHeaders:
    return tuple((name, b"\n".join(lines)[: limits.value_bytes].strip()) for name, lines in fields if name)


def _part(headers: RawHeaders, body: bytes, default: str) -> Part:
    found: dict[str, bytes] = {}
    for name, value in headers:
        if value:
            found.setdefault(name, value)
    kind = found.get("content-type", b"")
    disposition = found.get("content-disposition", b"")
    return Part(
        headers=headers,
        media=media_type(kind, default),
        parameters=parameters(kind),
        disposition=disposition.split(b";")[0].strip().lower().decode("ascii", "replace"),
        disposition_parameters=parameters(disposition),
        body=body,
    )


def _grow(root: Part, limits: Limits, defects: list[str], stopwatch: Stopwatch) -> None:
    waiting = [(root, 0)]
    count = 1
    while waiting:
        part, depth = waiting.pop()
        if not part.media.startswith("multipart/"):
            continue
        if depth >= limits.nesting:
            defects.append("nesting")
            continue
        if stopwatch.over():
            defects.append("seconds")
            return
        default = "message/rfc822" if part.media == "multipart/digest" else "text/plain"
        for piece in _pieces(part, defects, limits.parts - count):
            headers, body = _split(piece, limits, defects)
            part.children.append(_part(headers, body, default))
        count += len(part.children)
        if count >= limits.parts:
            defects.append("parts")
        waiting.extend((child, depth + 1) for child in part.children)


def _pieces(part: Part, defects: list[str], room: int) -> list[bytes]:
    """The bodies between the boundary lines; a multipart without any is one text part."""
    if part.header("content-transfer-encoding").strip().lower() in (b"base64", b"quoted-printable"):
        opened = decoded_body(part, defects)
        if b"\n--" in opened or opened.startswith(b"--"):
            part.body = opened
    boundary = part.parameters.raw("boundary").strip()
    pieces = _cut(part.body, boundary, room, defects) if boundary else []
    if not pieces:
        defects.append("boundary")
        guessed = _guessed_boundary(part.body)
        pieces = _cut(part.body, guessed, room, defects) if guessed else []
    if not pieces and part.body.strip():
        html = re.search(rb"(?i)<(?:html|body|div|p)\b", part.body[:2000])
        kind = b"text/html" if html else b"text/plain"
        return [b"Content-Type: " + kind + b"\n\n" + part.body]
    return pieces


def _cut(body: bytes, boundary: bytes, room: int, defects: list[str]) -> list[bytes]:
    pieces: list[bytes] = []
    start: int | None = None
    closed = False
    for begin, end, closing in _boundary_lines(body, boundary):
        if start is not None:
            pieces.append(_trimmed(body[start:begin]))
        start = None if closing else end
        closed = closing
        if len(pieces) >= room:
            defects.append("parts")
            return pieces[: max(room, 0)]
    if start is not None and start < len(body):
        pieces.append(body[start:])
    if pieces and not closed:
        defects.append("cut")
    return pieces


def _boundary_lines(body: bytes, boundary: bytes) -> Iterator[tuple[int, int, bool]]:
    """Begin, end and "is it the closing one" of each boundary line."""
    marker = b"--" + boundary
    begin = body.find(marker)
    while begin >= 0:
        end = body.find(b"\n", begin)
        end = len(body) if end < 0 else end + 1
        rest = body[begin + len(marker) : end].rstrip()
        if rest in (b"", b"--") and (begin == 0 or body[begin - 1 : begin] == b"\n"):
            yield begin, end, rest == b"--"
        begin = body.find(marker, begin + len(marker))


def _trimmed(piece: bytes) -> bytes:
    """The line break before a boundary belongs to the boundary."""
    if piece.endswith(b"\n"):
        return piece[:-1].rstrip(b"\r")
    return piece


def _guessed_boundary(body: bytes) -> bytes:
    found = re.search(rb"(?mi)^--([^\s-][^\r\n]{0,99}?|-[^\r\n]{5,99}?)[ \t]*\r*\n(?:content-[a-z-]+:|\r*\n)", body)
    return found[1] if found else b""


def _from_base64(body: bytes, defects: list[str]) -> bytes:
    """What base64 there is: foreign characters are skipped, padding in the middle starts a new piece."""
    if not _BASE64.search(body.replace(b"\r", b"").replace(b"\n", b"")) and b"=" not in body.rstrip(b"=\r\n"):
        try:
            return a2b_base64(body)
        except (BinasciiError, ValueError):
            pass  # cut or foreign characters: mended below
    stripped = _BASE64.sub(b"", body)
    spoken = body.strip().count(b" ") * 20 > len(body)
    if spoken or len(stripped) < (len(body) - body.count(b"\r") - body.count(b"\n")) * 0.7:
        defects.append("base64")
        return body  # no base64 at all, the label lies
    pieces = [piece for piece in re.split(rb"=+", stripped) if piece]
    out = bytearray()
    for piece in pieces:
        usable = piece if len(piece) % 4 != 1 else piece[:-1]
        if usable != piece:
            defects.append("base64")
        out += a2b_base64(usable + b"=" * (-len(usable) % 4))
    return bytes(out)


def from_uuencode(body: bytes) -> bytes:
    """The file between `begin` and `end`; damaged lines are left out."""
    out = bytearray()
    inside = False
    for line in body.splitlines():
        if line.startswith(b"begin "):
            inside = True
        elif line.strip() == b"end":
            break
        elif inside and line:
            try:
                out += a2b_uu(line)
            except BinasciiError:
                # Some writers pad the line wrongly; its first byte says how much of it counts.
                size = (((line[0] - 32) & 63) * 4 + 5) // 3
                try:
                    out += a2b_uu(line[:size])
                except BinasciiError:
                    continue  # a damaged line: the rest may still be whole
    return bytes(out)
