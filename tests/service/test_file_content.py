"""Attachments judged by content: clause 7.6 with files that lie about themselves and archives that mean harm."""

import io
import struct
import zipfile
from collections.abc import Sequence

import pytest

from service.archives import ENTRIES, listing
from service.file_content import AttachmentPolicy, judge, kind_of

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(30)
BMP = b"BM" + struct.pack("<IHHIIiiHH", 1000, 0, 0, 54, 40, 10, 10, 1, 24) + bytes(60)
EXE = b"MZ\x90\x00" + bytes(60)


def a_zip(*names: str, data: bytes = BMP) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, data)
    return out.getvalue()


def a_rar4(names: Sequence[bytes], *, flags: int = 0x8000, main: int = 0) -> bytes:
    out = b"Rar!\x1a\x07\x00" + struct.pack("<HBHH", 0, 0x73, main, 13) + bytes(6)
    for name in names:
        body = struct.pack("<IIBIIBBHI", 3, 100, 2, 0, 0, 29, 0x30, len(name), 32) + name
        out += struct.pack("<HBHH", 0, 0x74, flags, 7 + len(body)) + body + b"abc"
    return out + struct.pack("<HBHH", 0, 0x7B, 0x4000, 7)


def a_rar5(names: Sequence[str], *, extra: bytes = b"", hidden: bool = False) -> bytes:
    def block(content: bytes, data: bytes = b"") -> bytes:
        return bytes(4) + bytes([len(content)]) + content + data

    out = b"Rar!\x1a\x07\x01\x00"
    out += block(b"\x04\x00\x00\x00\x00") if hidden else block(b"\x01\x00\x00")
    for name in names:
        raw = name.encode()
        head = b"\x02" + (b"\x03" + bytes([len(extra)]) if extra else b"\x02") + b"\x03"
        body = b"\x00\x64\x20\x00\x00" + bytes([len(raw)]) + raw
        out += block(head + body + extra, b"abc")
    return out + block(b"\x05\x00\x00")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "png"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "jpg"),
        (b"GIF89a" + bytes(20), "gif"),
        (BMP, "bmp"),
        (EXE, "exe"),
        (b"%PDF-1.7\n", "pdf"),
        (b"  <!DOCTYPE html><html>", "html"),
        (b"\xef\xbb\xbf<html><script>", "html"),
        (b"<?xml version='1.0'?><svg xmlns='x'>", "svg"),
        (b"{\\rtf1", "rtf"),
        (b"#!/bin/sh\n", "script"),
        (b"BMW is a car, and this is a text about it", "text"),
        ("Журнал\n".encode(), "text"),
        (b"BEGIN:VCALENDAR\r\n", "calendar"),
        (b"Received: x\r\nFrom: a@example.org\r\n\r\nhi", "eml"),
        (bytes(10), "unknown"),
        (b"", "empty"),
    ],
)
def test_a_kind_is_told_by_content(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (PNG, None),
        (BMP, "bmp_outside_archive"),
        (EXE, "type_not_allowed"),
        (b"<html><script>", "type_not_allowed"),
        (b"", "empty"),
        (PNG + bytes(21 * 1024 * 1024), "too_big"),
    ],
)
def test_screen_png_is_judged_by_what_it_is(data: bytes, reason: str | None) -> None:
    verdict = judge(data, "screen.png")
    assert (verdict.allowed, verdict.reason) == (reason is None, reason)


@pytest.mark.parametrize(
    "data",
    [a_zip("снимок.bmp", "папка/b.PNG"), a_rar4([b"a.bmp", "снимок.bmp".encode("cp866")]), a_rar5(["снимок.bmp"])],
)
def test_a_bitmap_is_accepted_in_zip_and_rar(data: bytes) -> None:
    verdict = judge(data, "screen.dat")
    assert verdict.allowed
    assert any(name.endswith("снимок.bmp") for name in verdict.names)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (a_zip("a.bmp", "setup.exe"), "archive_type_not_allowed"),
        (a_zip("a.bmp", "inner.zip"), "archive_nested"),
        (a_zip("a.bmp", data=bytes(60 * 1024 * 1024)), "archive_bomb"),
        (a_zip(), "archive_empty"),
        (a_zip("a.bmp")[:-30], "archive_damaged"),
        (a_rar4([b"a.bmp"], flags=0x8004), "archive_encrypted"),
        (a_rar4([b"a.bmp"], main=0x80), "archive_encrypted"),
        (a_rar4([b"a.exe"]), "archive_type_not_allowed"),
        (a_rar4([b"a.bmp"])[:30], "archive_damaged"),
        (a_rar5(["a.bmp"], hidden=True), "archive_encrypted"),
        (a_rar5(["a.bmp"], extra=b"\x02\x01\x00"), "archive_encrypted"),
        (a_rar5(["a.exe"]), "archive_type_not_allowed"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "type_not_allowed"),
    ],
)
def test_an_archive_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    assert judge(data, "screen.zip").reason == reason


def test_an_encrypted_zip_is_marked() -> None:
    data = bytearray(a_zip("a.bmp"))
    directory = data.rfind(b"PK\x01\x02")
    data[directory + 8] |= 1
    assert judge(bytes(data), "a.zip").reason == "archive_encrypted"


def test_a_hundred_thousand_entries_are_listed_up_to_the_limit() -> None:
    entry = (
        b"PK\x01\x02" + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0) + b"a.bmp"
    )
    directory = entry * 100_000
    data = b"PK\x03\x04" + directory + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, len(directory), 4, 0)
    verdict = judge(data, "many.zip")
    assert verdict.reason == "archive_too_many_files"
    assert len(verdict.names) == ENTRIES


def test_unicode_names_of_rar4_are_unpacked() -> None:
    # High byte 4, then per letter two bits: 1 means "low byte, with the high byte".
    packed = b"\x04" + b"\x55" + bytes([0x41, 0x42, 0x43, 0x44])
    assert listing(a_rar4([b"????\x00" + packed], flags=0x8200), "rar4").entries[0].name == "".join(
        chr(0x400 | low) for low in (0x41, 0x42, 0x43, 0x44)
    )


def test_office_files_are_not_taken_for_archives() -> None:
    assert kind_of(a_zip("[Content_Types].xml", "word/document.xml")) == "docx"
    assert judge(a_zip("xl/workbook.xml"), "a.zip").reason == "type_not_allowed"


def test_further_types_are_a_setting() -> None:
    policy = AttachmentPolicy(allowed=frozenset({"pdf", "text"}))
    assert judge(b"%PDF-1.7", "a.pdf", policy).allowed
    assert judge(b"plain", "a.log", policy).allowed
    assert judge(b"@echo off", "a.bat", policy).reason == "type_not_allowed"
    assert judge(PNG, "a.png", policy).reason == "type_not_allowed"
