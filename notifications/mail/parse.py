"""Raw bytes become a `ParsedMail`, whatever the bytes are; what could not be read is named, not raised."""

from __future__ import annotations

import re
from html import escape

import msgspec

from notifications.mail import structure
from notifications.mail.headers import addresses, date, message_id, message_ids, one_line, safe_file_name
from notifications.mail.html import remote_images, sanitise, text_of
from notifications.mail.limits import DEFAULT_LIMITS, Limits
from notifications.mail.parsed import Attachment, ParsedMail, Report
from notifications.mail.quotes import reply_of
from notifications.mail.reports import report_of
from notifications.mail.structure import Part, Stopwatch, Tree, decoded_body
from notifications.mail.tnef import opened as opened_tnef
from service.charsets import CYRILLIC, canonical, clean, decode
from service.file_content import MEDIA, kind_of, named

_BODY = frozenset({"text/plain", "text/html", "text/enriched", "text/richtext"})
_IGNORED = frozenset({"text/x-amp-html", "text/watch-html"})
_STUB = re.compile(
    r"(?i)(?:does(?:n't| not) support html|html[- ](?:capable|compatible|enabled)|view (?:this|the) (?:message"
    r"|e-?mail) in html"
    r"|не поддерживает (?:просмотр )?html|в формате html|html-верси)"
)
_EXTENSIONS = {
    "text": "txt",
    "rar4": "rar",
    "rar5": "rar",
    "calendar": "ics",
    "unknown": "bin",
    "empty": "bin",
    "tnef": "dat",
    "ole": "bin",
    "script": "txt",
}


def parse_mail(raw: bytes, *, limits: Limits = DEFAULT_LIMITS) -> ParsedMail:
    """Read a mail of any kind within `limits`; never raises. The caller keeps the raw bytes."""
    stopwatch = Stopwatch(limits.seconds)
    tree = structure.read(raw, limits=limits, stopwatch=stopwatch)
    return _Reading(tree, limits, stopwatch).mail(size=len(raw))


class _Block(msgspec.Struct):
    """A stretch of the body: as plain text, as HTML, or both when the sender gave both."""

    plain: str = ""
    html: str = ""


class _Reading:
    """One walk over the parts of one mail."""

    def __init__(self, tree: Tree, limits: Limits, stopwatch: Stopwatch) -> None:
        self._root = tree.root
        self._limits = limits
        self._stopwatch = stopwatch
        self._defects = tree.defects
        self._attachments: list[Attachment] = []
        self._charset: str | None = None
        self._calendar: str | None = None
        self._report: Report | None = None
        self._text_left = limits.text_bytes
        self._html_left = limits.html_bytes

    def mail(self, *, size: int) -> ParsedMail:
        self._hint = self._charset_hint()
        blocks = self._blocks(self._root, inside="")
        text = self._text(blocks)
        source = self._html_source(blocks)
        hint = self._hint
        root = self._root
        subject = one_line(root.header("subject"), hint)
        in_reply_to = message_ids(root.header("in-reply-to"))
        references = message_ids(root.header("references"))
        senders = addresses(root.header("from"), hint)
        if not senders:
            self._defects.append("from")
        return ParsedMail(
            from_=senders[0] if senders else None,
            sender=next(iter(addresses(root.header("sender"), hint)), None),
            reply_to=addresses(root.header("reply-to"), hint),
            to=addresses(root.header("to"), hint),
            cc=addresses(root.header("cc"), hint),
            from_text=one_line(root.header("from"), hint, length=400),
            subject=subject,
            text=text,
            reply=reply_of(text, subject=subject, answer=bool(in_reply_to or references)),
            html=sanitise(source) if source else None,
            html_source=source or None,
            remote_images=remote_images(source),
            attachments=tuple(self._attachments),
            message_id=message_id(root.header("message-id")),
            in_reply_to=in_reply_to,
            references=references,
            date=date(root.header("date")),
            headers=self._headers(),
            media=root.media,
            calendar_method=self._calendar,
            report=self._report,
            size=size,
            defects=tuple(dict.fromkeys(self._defects)),
        )

    def _charset_hint(self) -> str | None:
        """The charset in which raw 8-bit headers are read: the label of the text, else what all of them look like."""
        part: Part | None = self._root
        while part and part.children:
            part = part.children[0]
        label = canonical(part.parameters.token("charset")) if part else "unknown"
        if label in CYRILLIC or label == "koi8-u":
            return label
        together = b"\n".join(value for _, value in self._root.headers if not value.isascii())
        if together:
            return decode(together, label).charset
        return None if label in ("unknown", "ascii") else label

    def _headers(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, one_line(value, self._hint)) for name, value in self._root.headers[:400])

    def _blocks(self, part: Part, *, inside: str) -> list[_Block]:
        """The body text under `part`; everything else becomes an attachment on the way."""
        if self._stopwatch.over():
            self._defects.append("seconds")
            return []
        if part.media == "multipart/report" and self._report is None:
            self._report = report_of(part, self._limits)
        if part.media == "multipart/alternative" and part.children:
            return self._alternative(part)
        if part.children:
            blocks: list[_Block] = []
            for child in part.children:
                blocks += self._blocks(child, inside=part.media)
            return blocks
        if part.media.startswith("multipart/"):
            return []
        if self._is_body(part, inside):
            return [self._body(part)]
        self._attach(part, inside)
        return []

    def _alternative(self, part: Part) -> list[_Block]:
        """Versions of one text: the plain one and the HTML one, wherever they are nested."""
        versions = [self._blocks(child, inside=part.media) for child in part.children]
        plain = next(
            (text for text in ("\n".join(b.plain for b in v if b.plain) for v in versions) if text.strip()), ""
        )
        html = next((text for text in ("\n".join(b.html for b in v if b.html) for v in versions) if text.strip()), "")
        return [_Block(plain=plain, html=html)]

    def _is_body(self, part: Part, inside: str) -> bool:
        if part.media in _IGNORED:
            return True
        if part is self._root:
            return part.media in _BODY and part.disposition != "attachment"
        if part.media not in _BODY or part.disposition == "attachment":
            return False
        if part.disposition_parameters.text("filename"):
            return False
        return inside == "multipart/alternative" or not part.parameters.text("name")

    def _body(self, part: Part) -> _Block:
        if part.media in _IGNORED:
            return _Block()
        html = part.media == "text/html"
        left = self._html_left if html else self._text_left
        data = decoded_body(part, self._defects, max(left, 0))
        if len(data) > left:
            self._defects.append("text")
            data = data[: max(left, 0)]
        label = part.parameters.token("charset")
        if html and canonical(label) in ("unknown", "ascii", "latin-1", "iso8859-1"):
            label = _label_in(data) or label
        decoded = decode(data, label)
        text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
        text = self._within_lines(text)
        if html or _looks_like_html(text):
            self._html_left -= len(data)
            return _Block(html=text)
        self._text_left -= len(data)
        if part.media in ("text/enriched", "text/richtext"):
            text = re.sub(r"<[^<>]{0,100}>", "", text)
        if part.parameters.token("format").lower() == "flowed":
            text = _unflowed(text, delete_space=part.parameters.token("delsp").lower() == "yes")
        return _Block(plain=self._without_uuencoded(text))

    def _within_lines(self, text: str) -> str:
        if text.count("\n") <= self._limits.lines:
            return text
        self._defects.append("lines")
        return "\n".join(text.split("\n", self._limits.lines)[: self._limits.lines])

    def _text(self, blocks: list[_Block]) -> str:
        pieces: list[str] = []
        for block in blocks:
            plain = block.plain
            if block.html and (not plain.strip() or (len(plain) < 400 and _STUB.search(plain))):
                plain = text_of(block.html) or plain
            if plain.strip():
                pieces.append(plain.strip("\n").rstrip())
        return "\n\n".join(pieces)

    def _html_source(self, blocks: list[_Block]) -> str:
        if not any(block.html for block in blocks):
            return ""
        return "\n".join(block.html or f"<p>{escape(block.plain)}</p>".replace("\n", "<br>") for block in blocks)

    def _attach(self, part: Part, inside: str) -> None:
        if len(self._attachments) >= self._limits.attachments:
            self._defects.append("attachments")
            return
        if inside == "multipart/report" and part.media in _REPORT_PARTS:
            return
        data = decoded_body(part, self._defects)
        name = part.disposition_parameters.text("filename", self._hint) or part.parameters.text("name", self._hint)
        if part.media == "text/calendar":
            self._calendar = self._calendar or _calendar_method(part, data)
        if part.media in ("message/rfc822", "message/global") and not name:
            name = self._subject_of(data)
        content_id = one_line(part.header("content-id"), length=300).strip("<> ") or None
        if kind_of(data) == "tnef":
            self._open_tnef(data)
        if not data and not name and not content_id:
            return
        inline = part.disposition != "attachment" and (content_id is not None or part.disposition == "inline")
        self._add(name, data, declared=part.media, content_id=content_id, inline=inline)

    def _add(self, name: str, data: bytes, *, declared: str, content_id: str | None, inline: bool) -> None:
        name = clean(safe_file_name(name))
        kind = named(kind_of(data), name)
        if declared in ("message/rfc822", "message/global") and kind == "text":
            kind = "eml"
        if not name:
            name = f"attachment-{len(self._attachments) + 1}.{_EXTENSIONS.get(kind, kind)}"
        self._attachments.append(
            Attachment(
                filename=name,
                content_type=MEDIA[kind],
                declared_type=declared,
                kind=kind,
                size=len(data),
                data=data,
                content_id=content_id,
                inline=inline,
            )
        )

    def _subject_of(self, data: bytes) -> str:
        inner = structure.nested_headers(data[: self._limits.header_bytes], self._limits)
        subject = next((value for name, value in inner if name == "subject"), b"")
        title = one_line(subject, self._hint, length=80).replace("/", "_").replace("\\", "_")
        return f"{title or 'message'}.eml"

    def _open_tnef(self, data: bytes) -> None:
        contents = opened_tnef(data, most=self._limits.attachments - len(self._attachments))
        if contents is None:
            self._defects.append("tnef")
            return
        for name, inner in contents:
            self._add(name, inner, declared="application/octet-stream", content_id=None, inline=False)

    def _without_uuencoded(self, text: str) -> str:
        """Old clients put files into the text itself."""
        if "\nend" not in text:
            return text
        lines = text.split("\n")
        kept: list[str] = []
        i = 0
        while i < len(lines):
            begin = re.match(r"begin [0-7]{3,4} (\S.{0,200})$", lines[i])
            end = _end_of_uuencoded(lines, i) if begin else None
            if begin and end:
                data = structure.from_uuencode("\n".join(lines[i : end + 1]).encode("latin-1", "replace"))
                self._add(begin[1], data, declared="application/octet-stream", content_id=None, inline=False)
                i = end + 1
                continue
            kept.append(lines[i])
            i += 1
        return "\n".join(kept)


_REPORT_PARTS = frozenset(
    {
        "message/delivery-status",
        "message/global-delivery-status",
        "message/disposition-notification",
        "text/rfc822-headers",
    }
)


def _end_of_uuencoded(lines: list[str], start: int) -> int | None:
    for i in range(start + 1, len(lines)):
        if lines[i] == "end":
            return i
        if len(lines[i]) > 64 or (lines[i] and not " " <= lines[i][0] <= "`"):
            return None
    return None


def _label_in(html: bytes) -> str:
    found = re.search(rb"(?i)<meta\b[^<>]{0,200}?charset\s{0,5}=\s{0,5}[\"']?\s{0,5}([\w-]{2,40})", html[:8192])
    return found[1].decode("ascii", "replace") if found else ""


def _looks_like_html(text: str) -> bool:
    return bool(re.match(r"(?i)\s{0,200}<(?:!doctype\s+html|html)\b", text))


def _calendar_method(part: Part, data: bytes) -> str:
    stated = part.parameters.token("method") or ""
    found = re.search(rb"(?mi)^METHOD:([A-Za-z]{1,20})", data[:65536])
    return (stated or (found[1].decode("ascii") if found else "PUBLISH")).upper()


def _unflowed(text: str, *, delete_space: bool) -> str:
    """Lines of `format=flowed` joined to paragraphs (RFC 3676)."""
    out: list[str] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        content = line[depth:].removeprefix(" ")
        flowing = content.endswith(" ") and content != "-- "
        joined = content[:-1] if flowing and delete_space else content
        if open_depth == depth and content != "-- ":
            out[-1] += joined
        else:
            out.append(">" * depth + (" " if depth and joined else "") + joined)
        open_depth = depth if flowing else None
    return "\n".join(out)
