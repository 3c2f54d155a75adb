"""A mail as bytes (RFC 5322, 2045–2047): the few forms our letters need, written without building a tree for each.

The standard library's `EmailMessage` takes four milliseconds a letter, most of a transition; this takes a tenth of one.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

LONGEST_LINE = 76  # signs of a header line that holds encoded words (RFC 2047, 2)
LONGEST_BODY_LINE = 990  # signs; servers may cut longer ones (RFC 5321, 4.5.3.1.6)
LONGEST_WORD = 45  # bytes that fit into one encoded word of such a line
FIRST_WORD = 30  # the name of the header stands before it
LONGEST_PIECE = 60  # signs of one piece of a file's name (RFC 2231, 3)
AROUND_A_FILE = 600  # bytes: the boundary and the headers of an attachment with a name of usual length
ATOMS = frozenset("!#$%&'*+-/=?^_`{|}~ ")


def mail_bytes(headers: Sequence[tuple[str, str]], *, text: str, html: str, boundary: str) -> bytes:
    """Headers as given (values already in wire form), the text first, the same as HTML beside it.

    `boundary` must not occur in a part; base64 and our own markup never hold it.
    """
    head = [f"{name}: {value}" for name, value in headers]
    head += ["MIME-Version: 1.0", f'Content-Type: multipart/alternative; boundary="{boundary}"', ""]
    body: list[str] = []
    for subtype, content in (("plain", text), ("html", html)):
        body += [f"--{boundary}", *_part(subtype, content)]
    return "\r\n".join([*head, *body, f"--{boundary}--", ""]).encode()


def _part(subtype: str, content: str) -> Iterator[str]:
    yield f'Content-Type: text/{subtype}; charset="utf-8"'
    lines = content.split("\n")
    if content.isascii() and all(len(line) < LONGEST_BODY_LINE for line in lines):
        yield from ("Content-Transfer-Encoding: 7bit", "", *lines)
        return
    encoded = base64.b64encode("\r\n".join(lines).encode("utf-8", "replace")).decode()
    yield from ("Content-Transfer-Encoding: base64", "")
    yield from (encoded[at : at + LONGEST_LINE] for at in range(0, len(encoded), LONGEST_LINE))
    yield ""


# --- files ------------------------------------------------------------------------------------------------------------


def with_attachments(mail: bytes, files: Iterable[tuple[str, str, bytes]], *, boundary: str) -> bytes:
    """A mail of `mail_bytes` with files behind its text: the name, the media type and the content of each.

    `boundary` is another one than the mail's own, and neither begins with the other.
    """
    head, _blank, body = mail.partition(b"\r\n\r\n")
    headers, _name, own_type = head.rpartition(b"\r\nContent-Type: ")  # `mail_bytes` writes it last
    mark = f"--{boundary}".encode()
    mixed = f'Content-Type: multipart/mixed; boundary="{boundary}"'.encode()
    pieces = [headers, mixed, b"", mark, b"Content-Type: " + own_type, b"", body]
    for name, media_type, content in files:
        pieces += [mark, "\r\n".join(_file_headers(name, media_type)).encode(), b""]
        pieces.append(base64.encodebytes(content).replace(b"\n", b"\r\n"))
    return b"\r\n".join([*pieces, mark + b"--", b""])


def attachment_size(size: int) -> int:
    """About how many bytes a file of `size` bytes adds to a mail."""
    encoded = -(-size // 3) * 4
    return encoded + 2 * -(-encoded // LONGEST_LINE) + AROUND_A_FILE


def _file_headers(name: str, media_type: str) -> Iterator[str]:
    """The name twice: as the standard has it (RFC 2231), and as old programs look for it."""
    name = _one_line(name) or "file"
    nested = media_type.startswith(("message/", "multipart/"))  # which may not be encoded (RFC 2046, 5)
    simple = _plain(name) and not set(name) & set('"\\') and len(name) <= LONGEST_PIECE
    yield f"Content-Type: {'application/octet-stream' if nested else media_type};"
    yield f' name="{name if simple else line_of(_quotable(name))}"'
    yield "Content-Transfer-Encoding: base64"
    if simple:
        yield f'Content-Disposition: attachment; filename="{name}"'
        return
    yield "Content-Disposition: attachment;"
    pieces = list(_percent_pieces(name))
    for n, piece in enumerate(pieces):
        charset = "UTF-8''" if n == 0 else ""
        yield f" filename*{n}*={charset}{piece}{'' if n == len(pieces) - 1 else ';'}"


def _quotable(name: str) -> str:
    return name.replace("\\", "_").replace('"', "_")


def _percent_pieces(name: str) -> Iterator[str]:
    """The name percent-encoded, cut between characters."""
    piece = ""
    for sign in name:
        encoded = quote(sign.encode("utf-8", "replace"), safe="")
        if len(piece) + len(encoded) > LONGEST_PIECE:
            yield piece
            piece = ""
        piece += encoded
    yield piece


# --- header values ----------------------------------------------------------------------------------------------------


def line_of(text: str) -> str:
    """A text as the value of a header: one logical line, folded, encoded where ASCII does not hold it."""
    words = _one_line(text)
    return _folded(words) if _plain(words) else "\r\n ".join(_encoded(words))


def mailbox(address: str, *, name: str = "") -> str:
    """One recipient, whatever the name holds: `Щукин, Пётр` is one person."""
    name = _one_line(name)
    spec = f"<{''.join(address.split())}>"
    if not name:
        return spec[1:-1]
    if not _plain(name):
        return "\r\n ".join([*_encoded(name), spec])
    if all(sign.isalnum() or sign in ATOMS for sign in name):
        return f"{name} {spec}"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" {spec}'


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _plain(words: str) -> bool:
    """Whether the words may stand as they are; what looks like an encoded word would be taken for one."""
    return words.isascii() and words.isprintable() and "=?" not in words


def _folded(words: str) -> str:
    lines, line = [], ""
    for word in words.split(" "):
        if line and len(line) + 1 + len(word) > LONGEST_LINE - 20:  # the header's name stands in the first line
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\r\n ".join([*lines, line])


def _encoded(words: str) -> Iterator[str]:
    """Encoded words of whole characters, cut between words where that fits."""
    room, chunk = FIRST_WORD, ""
    for piece in _pieces(words):
        if chunk and len((chunk + piece).encode("utf-8", "replace")) > room:
            yield _encoded_word(chunk)
            room, chunk = LONGEST_WORD, piece
        else:
            chunk += piece
    if chunk:
        yield _encoded_word(chunk)


def _pieces(words: str) -> Iterator[str]:
    """The words with the blank before them; one too long for a line is cut between characters."""
    for at, word in enumerate(words.split(" ")):
        piece = f" {word}" if at else word
        if len(piece.encode("utf-8", "replace")) <= FIRST_WORD:
            yield piece
        else:
            yield from (piece[start : start + 7] for start in range(0, len(piece), 7))


def _encoded_word(chunk: str) -> str:
    return f"=?utf-8?b?{base64.b64encode(chunk.encode('utf-8', 'replace')).decode()}?="
