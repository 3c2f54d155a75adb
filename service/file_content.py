"""Files are judged by what they are, not by name or label, against the policy of clause 7.6."""

from __future__ import annotations

import re
import struct

import msgspec

from service.archives import Listing, listing
from workflow.regulation import AttachmentPolicy as Policy
from workflow.words import _

# Kind → media type. The kinds are what a policy names.
MEDIA = {
    "jpg": "image/jpeg",
    "gif": "image/gif",
    "png": "image/png",
    "bmp": "image/bmp",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "ico": "image/vnd.microsoft.icon",
    "heic": "image/heic",
    "svg": "image/svg+xml",
    "psd": "image/vnd.adobe.photoshop",
    "pdf": "application/pdf",
    "zip": "application/zip",
    "rar4": "application/vnd.rar",
    "rar5": "application/vnd.rar",
    "7z": "application/x-7z-compressed",
    "gz": "application/gzip",
    "bz2": "application/x-bzip2",
    "xz": "application/x-xz",
    "tar": "application/x-tar",
    "cab": "application/vnd.ms-cab-compressed",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odf": "application/vnd.oasis.opendocument.text",
    "jar": "application/java-archive",
    "ole": "application/x-ole-storage",
    "rtf": "application/rtf",
    "exe": "application/vnd.microsoft.portable-executable",
    "elf": "application/x-executable",
    "lnk": "application/x-ms-shortcut",
    "script": "text/x-script",
    "html": "text/html",
    "xml": "application/xml",
    "eml": "message/rfc822",
    "calendar": "text/calendar",
    "tnef": "application/ms-tnef",
    "mp4": "video/mp4",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "sqlite": "application/vnd.sqlite3",
    "text": "text/plain",
    "empty": "application/x-empty",
    "unknown": "application/octet-stream",
}

_MAGIC = (
    (b"\xff\xd8\xff", "jpg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"8BPS", "psd"),
    (b"%PDF-", "pdf"),
    (b"Rar!\x1a\x07\x00", "rar4"),
    (b"Rar!\x1a\x07\x01\x00", "rar5"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gz"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"MSCF", "cab"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"{\\rtf", "rtf"),
    (b"MZ", "exe"),
    (b"\x7fELF", "elf"),
    (b"\xcf\xfa\xed\xfe", "elf"),
    (b"\xca\xfe\xba\xbe", "elf"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "lnk"),
    (b"\x78\x9f\x3e\x22", "tnef"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"#!", "script"),
    (b"\x00\x00\x01\x00", "ico"),
)
_ZIP_FAMILY = (
    ("word/", "docx"),
    ("xl/", "xlsx"),
    ("ppt/", "pptx"),
    ("META-INF/manifest.xml", "odf"),
    ("META-INF/MANIFEST.MF", "jar"),
    ("AndroidManifest.xml", "jar"),
)
_HTML = re.compile(rb"(?i)<(?:!doctype\s+html|html|head|body|script|iframe|meta|table|div|svg:script)\b")
_MAIL = re.compile(rb"(?:[A-Za-z-]{2,40}:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*){2}")
_ARCHIVES = ("zip", "rar4", "rar5")
_NESTED = frozenset({"zip", "rar", "7z", "gz", "bz2", "xz", "tar", "cab", "arj", "iso", "jar"})
_BOMB_RATIO = 200
_BOMB_SIZE = 200 * 1024 * 1024

# Why a file is not kept, as the customer and the desk read it (at most 60 characters: the column holds the sentence).
REFUSED = {
    "empty": _("The file is empty"),
    "too_big": _("The file is too big"),
    "type_not_allowed": _("Files of this kind are not taken"),
    "bmp_outside_archive": _("BMP is taken only inside ZIP or RAR"),
    "archive_damaged": _("The archive is damaged"),
    "archive_encrypted": _("The archive is encrypted"),
    "archive_too_many_files": _("The archive holds too many files"),
    "archive_bomb": _("The archive would unpack to far too much"),
    "archive_nested": _("The archive holds other archives"),
    "archive_type_not_allowed": _("The archive holds files that are not taken"),
    "archive_empty": _("The archive holds no files"),
}


class AttachmentPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Clause 7.6: kinds accepted alone, kinds accepted inside an archive, and bytes one file may have."""

    allowed: frozenset[str] = frozenset({"jpg", "gif", "png"})
    archives: frozenset[str] = frozenset({"zip", "rar"})
    inside_archives: frozenset[str] = frozenset({"bmp", "jpg", "gif", "png"})
    size: int = 20 * 1024 * 1024


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a file is, whether policy takes it, and if not the code of the reason.

    Reasons: `empty`, `too_big`, `type_not_allowed`, `bmp_outside_archive`, `archive_damaged`, `archive_encrypted`,
    `archive_too_many_files`, `archive_bomb`, `archive_nested`, `archive_type_not_allowed`, `archive_empty`.
    """

    allowed: bool
    kind: str
    content_type: str
    reason: str | None = None
    names: tuple[str, ...] = ()


def policy_of(policy: Policy) -> AttachmentPolicy:
    """The regulation's policy, which speaks of media types, in the kinds by which content is told apart."""
    return AttachmentPolicy(
        allowed=_kinds(policy.allowed),
        archives=frozenset(kind.rstrip("45") for kind in _kinds(policy.archives)),
        inside_archives=_kinds(policy.allowed) | _kinds(policy.in_archives),
        size=policy.largest_bytes,
    )


def _kinds(media: tuple[str, ...]) -> frozenset[str]:
    return frozenset(kind for kind, type in MEDIA.items() if type in media)


def kind_of(data: bytes) -> str:
    """The kind of a file by its first bytes (and, for ZIP, by the names in it)."""
    if not data:
        return "empty"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(data)
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        return "heic" if data[8:12] in (b"heic", b"heix", b"mif1", b"avif") else "mp4"
    if data[257:262] == b"ustar":
        return "tar"
    if _is_bmp(data):
        return "bmp"
    return _text_kind(data[:4096])


def judge(data: bytes, filename: str, policy: AttachmentPolicy | None = None) -> Verdict:
    """Whether clause 7.6 takes this file. The name decides nothing; it only tells apart files equal by content."""
    policy = policy or AttachmentPolicy()
    kind = named(kind_of(data), filename)
    names: tuple[str, ...] = ()
    if kind in _ARCHIVES:
        listed = listing(data, kind)
        names = tuple(entry.name for entry in listed.entries)
        reason = _archive_reason(listed, kind, policy)
    elif kind in policy.allowed:
        reason = None
    elif kind == "bmp":
        reason = "bmp_outside_archive"
    else:
        reason = "empty" if kind == "empty" else "type_not_allowed"
    if reason is None and len(data) > policy.size:
        reason = "too_big"
    return Verdict(allowed=reason is None, kind=kind, content_type=MEDIA[kind], reason=reason, names=names)


def named(kind: str, filename: str) -> str:
    """Plain text whose name makes a system run it is a script."""
    extension = filename.rpartition(".")[2].lower()
    runs = {
        "bat",
        "cmd",
        "vbs",
        "vbe",
        "js",
        "jse",
        "ps1",
        "psm1",
        "wsf",
        "wsh",
        "hta",
        "reg",
        "sh",
        "py",
        "scr",
        "url",
    }
    return "script" if kind in ("text", "unknown") and extension in runs else kind


def _archive_reason(listed: Listing, kind: str, policy: AttachmentPolicy) -> str | None:
    if kind.rstrip("45") not in policy.archives:
        return "type_not_allowed"
    if listed.encrypted:
        return "archive_encrypted"
    if not listed.readable:
        return "archive_damaged"
    if listed.more:
        return "archive_too_many_files"
    files = [entry for entry in listed.entries if not entry.name.endswith(("/", "\\"))]
    if not files:
        return "archive_empty"
    unpacked = sum(entry.unpacked for entry in files)
    packed = sum(entry.packed for entry in files)
    extensions = {_extension(entry.name) for entry in files}
    if extensions & _NESTED and not extensions & _NESTED <= policy.inside_archives:
        return "archive_nested"
    if unpacked > _BOMB_SIZE or (unpacked > 10 * 1024 * 1024 and unpacked > _BOMB_RATIO * max(packed, 1)):
        return "archive_bomb"
    return None if extensions <= policy.inside_archives else "archive_type_not_allowed"


def _extension(name: str) -> str:
    extension = name.rpartition(".")[2].strip().lower() if "." in name else ""
    return {"jpeg": "jpg", "jpe": "jpg", "dib": "bmp"}.get(extension, extension)


def _zip_kind(data: bytes) -> str:
    names = [entry.name for entry in listing(data, "zip").entries[:50]]
    for beginning, kind in _ZIP_FAMILY:
        if any(name.startswith(beginning) for name in names):
            return kind
    return "zip"


def _is_bmp(data: bytes) -> bool:
    """`BM` begins many texts; a bitmap also states a header size that exists."""
    if not data.startswith(b"BM") or len(data) < 26:
        return False
    offset, header = struct.unpack_from("<II", data, 10)
    return header in (12, 16, 40, 52, 56, 64, 108, 124) and 26 <= offset <= 4096


def _text_kind(start: bytes) -> str:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        start = start.decode("utf-16", "replace").encode()
    start = start.removeprefix(b"\xef\xbb\xbf")
    body = start.lstrip()
    if re.search(rb"(?i)<svg[\s>]", start[:1024]) and body.startswith(b"<"):
        return "svg"
    if _HTML.search(start[:1024]) and b"\x00" not in start[:64]:
        return "html"
    if body.startswith(b"<?xml"):
        return "xml"
    if body.upper().startswith(b"BEGIN:VCALENDAR"):
        return "calendar"
    controls = sum(1 for byte in start if byte < 9 or (13 < byte < 32 and byte != 27))
    if controls:
        return "unknown"
    if _MAIL.match(start) and re.search(rb"(?mi)^(?:from|received|message-id|subject|mime-version):", start):
        return "eml"
    return "text"
