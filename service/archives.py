"""Names in ZIP and RAR archives, read from their directories within limits; nothing is ever unpacked.

`rarfile` would hand a packed comment to an external unpacker, and `zipfile` builds an object for every one of 100,000
entries before the first can be looked at; the directories themselves are simple.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator

import msgspec

from service.charsets import clean, decode

ENTRIES = 1_000
_TAIL = 66_000  # an end record with the longest comment


class Entry(msgspec.Struct, frozen=True):
    """One file of an archive: sizes in bytes as the directory states them."""

    name: str
    packed: int
    unpacked: int
    encrypted: bool


class Listing(msgspec.Struct, frozen=True):
    """The first entries of an archive. `readable` is false when its directory is damaged or hidden by a password."""

    entries: tuple[Entry, ...]
    readable: bool
    more: bool = False
    encrypted: bool = False


def listing(data: bytes, kind: str) -> Listing:
    """What an archive of `kind` (zip, rar4, rar5) says it holds; never raises."""
    reader = {"zip": _zip, "rar4": _rar4, "rar5": _rar5}[kind]
    entries: list[Entry] = []
    try:
        for entry in reader(data):
            if len(entries) >= ENTRIES:
                return _listing(entries, more=True)
            entries.append(entry)
    except _HiddenError:
        return Listing(tuple(entries), readable=False, encrypted=True)
    except (struct.error, IndexError, ValueError):
        return Listing(tuple(entries), readable=False)
    return _listing(entries, more=False)


def _listing(entries: list[Entry], *, more: bool) -> Listing:
    return Listing(tuple(entries), True, more=more, encrypted=any(entry.encrypted for entry in entries))


class _HiddenError(Exception):
    """The names themselves are encrypted."""


def _zip(data: bytes) -> Iterator[Entry]:
    end = data.rfind(b"PK\x05\x06", max(len(data) - _TAIL, 0))
    if end < 0:
        raise ValueError("no central directory")
    count, size, offset = struct.unpack_from("<HII", data, end + 10)
    # A file may have something in front of it (self-extracting); the directory ends where the end record begins.
    start = end - size if data[end - size : end - size + 4] == b"PK\x01\x02" else offset
    position = start
    seen = 0
    while data[position : position + 4] == b"PK\x01\x02":
        flags, _method, _time, _date, _crc, packed, unpacked, name_size, extra, comment = struct.unpack_from(
            "<HHHHIIIHHH", data, position + 8
        )
        raw = data[position + 46 : position + 46 + name_size]
        name = raw.decode("utf-8", "replace") if flags & 0x800 else decode(raw).text
        yield Entry(clean(name), packed, unpacked, bool(flags & 1))
        position += 46 + name_size + extra + comment
        seen += 1
    if seen < count and count != 0xFFFF:
        raise ValueError("directory is cut")


def _rar4(data: bytes) -> Iterator[Entry]:
    position = 7
    while position + 7 <= len(data):
        _crc, kind, flags, size = struct.unpack_from("<HBHH", data, position)
        if size < 7:
            raise ValueError("block size")
        added: int = struct.unpack_from("<I", data, position + 7)[0] if flags & 0x8000 or kind == 0x74 else 0
        if kind == 0x73 and flags & 0x0080:
            raise _HiddenError
        if kind == 0x7B:
            return
        if kind == 0x74:
            added = yield from _rar4_file(data, position, flags, size)
        position += size + added


def _rar4_file(data: bytes, position: int, flags: int, size: int) -> Generator[Entry, None, int]:
    """The entry of one file header; returns how many packed bytes follow it."""
    packed: int
    packed, unpacked = struct.unpack_from("<II", data, position + 7)
    name_size = struct.unpack_from("<H", data, position + 26)[0]
    start = position + 32
    if flags & 0x100:
        high_packed, high_unpacked = struct.unpack_from("<II", data, start)
        packed += high_packed << 32
        unpacked += high_unpacked << 32
        start += 8
    if start + name_size > position + size:
        raise ValueError("name size")
    raw = data[start : start + name_size]
    name = _rar4_name(raw) if flags & 0x200 else decode(raw).text
    is_folder = flags & 0xE0 == 0xE0
    yield Entry(clean(name + ("/" if is_folder else "")), packed, unpacked, bool(flags & 0x04))
    return packed


def _rar4_name(raw: bytes) -> str:
    """RAR 4 packs Unicode names against their narrow form: two bits say how each letter is written."""
    narrow, zero, packed = raw.partition(b"\0")
    if not zero:
        return narrow.decode("utf-8", "replace")
    high = packed[0] << 8
    letters: list[str] = []
    i, bits, flags = 1, 0, 0
    while i < len(packed) and len(letters) < 2_000:
        if not bits:
            flags, bits, i = packed[i], 8, i + 1
            continue
        bits -= 2
        way = flags >> bits & 3
        if way == 3:
            length = packed[i]
            run = narrow[len(letters) : len(letters) + (length & 0x7F) + 2]
            if length & 0x80:
                correction = packed[i + 1]
                letters += [chr(((byte + correction) & 0xFF) | high) for byte in run]
            else:
                letters += [chr(byte) for byte in run]
            i += 2 if length & 0x80 else 1
        elif way == 2:
            letters.append(chr(packed[i] | packed[i + 1] << 8))
            i += 2
        else:
            letters.append(chr(packed[i] | (high if way else 0)))
            i += 1
    return "".join(letters)


def _rar5(data: bytes) -> Iterator[Entry]:
    position = 8
    while position + 7 <= len(data):
        size, start = _vint(data, position + 4)
        kind, at = _vint(data, start)
        flags, at = _vint(data, at)
        extra, at = _vint(data, at) if flags & 1 else (0, at)
        added, at = _vint(data, at) if flags & 2 else (0, at)
        if kind == 4:
            raise _HiddenError
        if kind == 5:
            return
        if kind == 2:
            yield _rar5_file(data, at, added, extra=data[start + size - extra : start + size] if extra else b"")
        if size <= 0:
            raise ValueError("block size")
        position = start + size + added


def _rar5_file(data: bytes, at: int, packed: int, *, extra: bytes) -> Entry:
    flags, at = _vint(data, at)
    unpacked, at = _vint(data, at)
    _attributes, at = _vint(data, at)
    at += 4 * bool(flags & 2) + 4 * bool(flags & 4)
    _method, at = _vint(data, at)
    _system, at = _vint(data, at)
    length, at = _vint(data, at)
    name = data[at : at + min(length, 4_096)].decode("utf-8", "replace")
    return Entry(clean(name + ("/" if flags & 1 else "")), packed, unpacked, _rar5_encrypted(extra))


def _rar5_encrypted(extra: bytes) -> bool:
    """Whether one of the extra records of a file is the one of encryption (type 1)."""
    position = 0
    while position < len(extra):
        try:
            size, start = _vint(extra, position)
            kind, _ = _vint(extra, start)
        except (ValueError, IndexError):
            return False
        if kind == 1:
            return True
        if size == 0:
            return False
        position = start + size
    return False


def _vint(data: bytes, position: int) -> tuple[int, int]:
    """A variable-length number and the place after it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, position
        if shift > 63:
            raise ValueError("number too long")
