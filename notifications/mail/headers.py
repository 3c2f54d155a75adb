"""The header layer: subjects of one line, addresses that are addresses, message ids, dates and safe file names."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

from notifications.mail.words import decode_words

_SPACES = re.compile(r"[\s\x00-\x1f\x7f\u2028\u2029]+")
_ATOM = r"[^\s@<>()\[\]\\,;:\"\x00-\x20\x7f-\xa0]+"
_ADDRESS = re.compile(
    rf"({_ATOM}|\"[^\"@\x00-\x1f]{{1,60}}\")@([^\s@<>()\[\]\\,;:\"\x00-\x20\x7f-\xa0']+|\[[0-9a-fA-F.:]+\])"
)
_LABEL = re.compile(r"[\w](?:[\w-]{0,61}[\w])?")
_ID = re.compile(r"<([^<>]{1,990})>")
# Controls, and the marks that turn `gnp.exe` round on the screen.
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffc]")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
NAME_LENGTH = 120


class Address(msgspec.Struct, frozen=True):
    """One address: `address` is usable as it stands, `name` may be empty."""

    address: str
    name: str


def one_line(value: bytes, hint: str | None = None, *, length: int = 1000) -> str:
    """A header value as one line of text."""
    return _SPACES.sub(" ", decode_words(value, hint)).strip()[:length]


def addresses(value: bytes, hint: str | None = None) -> tuple[Address, ...]:
    """The usable addresses of a header, at most 200. What is ambiguous or has something left over is not one.

    `email.utils.getaddresses` is strict only in later releases (CVE-2023-27043), so nothing here relies on it.
    """
    found: list[Address] = []
    nameless = ""
    for piece in _split_list(value[:32_768]):
        address = _mailbox(piece, hint)
        if address is None:
            # `Щукин, Пётр <p@example.org>` without quotes is one recipient.
            words = "" if b"@" in piece else one_line(piece, hint).strip('"')
            nameless = f"{nameless}, {words}".strip(", ") if words else ""
            continue
        if nameless and address.name:
            address = Address(address.address, f"{nameless}, {address.name}")
        nameless = ""
        found.append(address)
        if len(found) >= 200:
            break
    if not found and b"=?" in value:
        return _wholly_encoded(value, hint)
    return tuple(found)


def usable(address: str) -> bool:
    """One `@`, a domain with a dot or a literal, and nothing that could break out of an envelope."""
    match = _ADDRESS.fullmatch(address) if len(address) <= 254 else None
    if not match or len(match[1]) > 64:
        return False
    local, domain = match[1], match[2]
    if local.startswith(".") or local.endswith(".") or (".." in local and not local.startswith('"')):
        return False
    if domain.startswith("["):
        return True
    labels = domain.split(".")
    return len(labels) >= 2 and all(_LABEL.fullmatch(label) for label in labels)


def message_id(value: bytes) -> str | None:
    """The id without its angle brackets; `None` when there is none."""
    text = one_line(value)
    match = _ID.search(text)
    found = re.sub(r"\s+", "", match[1] if match else text.split(" ")[0].strip("<>"))
    return found[:990] or None


def message_ids(value: bytes) -> tuple[str, ...]:
    """The ids of References or In-Reply-To in their order, without brackets and repetitions, at most 200."""
    text = _SPACES.sub(" ", decode_words(value))
    found = [re.sub(r"\s+", "", match) for match in _ID.findall(text)]
    if not found:
        found = [
            word.strip("<>,;") for word in text.split() if re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", word.strip("<>,;"))
        ]
    return tuple(dict.fromkeys(identity for identity in found if identity))[-200:]


def date(value: bytes) -> datetime | None:
    """The moment in UTC; `None` for what is no date."""
    try:
        parsed = parsedate_to_datetime(one_line(value, length=100))
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=UTC)
        return parsed.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def safe_file_name(name: str) -> str:
    """The base name only, visible characters only, cut to 120 characters keeping the extension; may be empty."""
    name = _SPACES.sub(" ", _INVISIBLE.sub("", re.sub(r"[\r\n\t]+", " ", name[:8192])))
    name = re.split(r"[\\/]", name)[-1]
    name = _FORBIDDEN.sub("_", name).strip(" ").rstrip(". ")
    if name.strip("._ ") == "":
        return ""
    if len(name) <= NAME_LENGTH:
        return name
    stem, dot, extension = name.rpartition(".")
    if dot and 0 < len(extension) <= 12:
        return stem[: NAME_LENGTH - len(extension) - 1].rstrip() + "." + extension
    return name[:NAME_LENGTH].rstrip()


def _split_list(value: bytes) -> list[bytes]:
    """Cut at commas and semicolons outside quotes, comments and angle brackets; groups give their members."""
    pieces: list[bytes] = []
    start = position = depth = 0
    quoted = angled = False
    while position < len(value):
        character = value[position : position + 1]
        if character == b"\\" and (quoted or depth):
            position += 1
        elif quoted:
            quoted = character != b'"'
        elif character == b'"' and not depth:
            quoted = value.find(b'"', position + 1) >= 0
        elif character == b"(":
            depth += 1
        elif character == b")":
            depth = max(depth - 1, 0)
        elif not depth and character in b"<>":
            angled = character == b"<" and value.find(b">", position) >= 0
        elif not depth and not angled and character in b",;":
            pieces.append(value[start:position])
            start = position + 1
        elif not depth and not angled and character == b":" and b"@" not in value[start:position]:
            start = position + 1  # the name of a group; `mailto:` goes the same way
        position += 1
    pieces.append(value[start:])
    return [piece.strip() for piece in pieces if piece.strip()][:1000]


def _mailbox(piece: bytes, hint: str | None) -> Address | None:
    """One mailbox, or `None` when it is none or could be read in two ways."""
    bare, comment = _without_comments(piece)
    if bare is None:
        return None
    quoted_away = re.sub(rb'"(?:[^"\\]|\\.)*"', lambda match: b" " * len(match[0]), bare)
    opening, closing = quoted_away.rfind(b"<"), quoted_away.rfind(b">")
    if opening < 0 and closing < 0:
        return _without_brackets(bare, comment, hint)
    name, inner, left_over = bare[:opening], bare[opening + 1 : closing], bare[closing + 1 :]
    if opening < 0 or closing < opening or left_over.strip() or b">" in quoted_away[:opening]:
        return None
    if re.search(rb"<[^<>@]*@", quoted_away[:opening]):
        return None
    address = _spelt(inner)
    if address is None:
        return None
    return Address(address, _display(name, hint) or one_line(comment, hint, length=200))


def _without_brackets(bare: bytes, comment: bytes, hint: str | None) -> Address | None:
    address = _spelt(bare)
    if address:
        return Address(address, one_line(comment, hint, length=200))
    words = bare.split()
    marked = [word for word in words if b"@" in word]
    if len(marked) != 1 or len(words) < 2 or marked[0] not in (words[0], words[-1]):
        return None
    address = _spelt(marked[0])
    rest = b" ".join(word for word in words if word is not marked[0])
    return Address(address, _display(rest, hint)) if address else None


def _spelt(raw: bytes) -> str | None:
    """The address spelt plainly: without `mailto:`, an obsolete route, quotes or spaces around it."""
    if len(raw) > 1000:
        return None
    try:
        text = raw.strip().decode("utf-8")
    except UnicodeDecodeError:
        return None
    text = re.sub(r"(?i)^mailto:", "", text.strip(" '\t\r\n"))
    if text.startswith("@") and ":" in text:
        text = text.rpartition(":")[2]
    text = re.sub(r"\s*([@.])\s*", r"\1", text.strip()).rstrip(".")
    if text.startswith('"') and text.endswith('"') and usable(text[1:-1]):
        text = text[1:-1]
    return text if usable(text) else None


def _display(raw: bytes, hint: str | None) -> str:
    text = one_line(raw, hint, length=400).strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    elif '"' in text:
        text = re.sub(r'"((?:[^"\\]|\\.)*)"', lambda match: re.sub(r"\\(.)", r"\1", match[1]), text)
    return text.strip().strip('"')[:200]


def _without_comments(piece: bytes) -> tuple[bytes | None, bytes]:
    """The mailbox without its comments, and the last comment; `None` when parentheses do not match."""
    out = bytearray()
    comment = bytearray()
    depth, quoted, position = 0, False, 0
    while position < len(piece):
        character = piece[position : position + 1]
        if character == b"\\" and position + 1 < len(piece):
            (comment if depth else out).extend(piece[position : position + 2])
            position += 2
            continue
        if character == b'"' and not depth:
            quoted = not quoted
        if not quoted and character == b"(":
            depth += 1
            if depth == 1:
                comment.clear()
        elif not quoted and character == b")":
            depth -= 1
            if depth < 0:
                return None, b""
        else:
            (comment if depth else out).extend(character)
        position += 1
    if depth or quoted:
        # An odd quote or parenthesis in a name is common; one beside the address is not to be trusted.
        plain = re.sub(rb'["()]', b"", piece)
        return (plain, b"") if re.search(rb"<[^<>\s\"()]+>\s*$", piece) and piece.count(b"@") == 1 else (None, b"")
    return bytes(out), bytes(comment)


def _wholly_encoded(value: bytes, hint: str | None) -> tuple[Address, ...]:
    """Some writers encode the address together with the name."""
    text = one_line(value, hint)
    if "=?" in text:
        return ()
    match = re.fullmatch(r'\s*"?([^<>"]*?)"?\s*<([^<>]+)>\s*', text)
    name, address = (match[1], match[2]) if match else ("", text)
    address = address.strip()
    return (Address(address, name.strip()[:200]),) if usable(address) else ()
