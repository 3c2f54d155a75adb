"""Checks a dossier by nothing but the file itself: its seal, the journal's chain, each text against its hash."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from service import seals
from service.dossier import FORMAT, Dossier, Seal
from service.journal import GENESIS, chained

PDF_FORMAT = "reglament-dossier-pdf/1"
PDF_SEAL = b"\n%reglament-seal "  # behind the last line of a PDF, where readers of PDF see a comment


class NotADossier(ValueError):
    """The file is none of ours, or not whole; the message says why."""


class Report(msgspec.Struct, frozen=True):
    """What a check found. `faults` is empty when the dossier is what it was when it was made."""

    dossier: Dossier
    key: str
    faults: tuple[str, ...]


class _File(msgspec.Struct, frozen=True):
    """The dossier raw: the seal is over these bytes, not over what they mean."""

    seal: Seal
    dossier: msgspec.Raw


def check(file: bytes, *, key: str | None = None, earlier: bytes | None = None) -> Report:
    """Check a dossier, JSON or PDF. `key` is the public key that must have sealed it, as the centre publishes it.

    `earlier` is another dossier of the same ticket, made before: its journal must be how this one begins. Raises
    NotADossier.
    """
    report = _pdf_checked(file) if file.startswith(b"%PDF-") else _json_checked(file)
    faults = list(report.faults)
    if key is not None and key.strip() != report.key:
        faults.append(f"sealed with another key: {report.key}")
    if earlier is not None:
        before = check(earlier, key=report.key)
        faults += [f"the earlier dossier: {fault}" for fault in before.faults]
        faults += _rewritten(before.dossier, report.dossier)
    return msgspec.structs.replace(report, faults=tuple(faults))


# --- the two forms ----------------------------------------------------------------------------------------------------


def _json_checked(file: bytes) -> Report:
    try:
        read = msgspec.json.decode(file, type=_File)
        dossier = msgspec.json.decode(read.dossier, type=Dossier)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise NotADossier(f"this is no dossier: {wrong}") from wrong
    if dossier.format != FORMAT:
        raise NotADossier(f"this is a dossier of another format: {dossier.format[:40]!r}")
    faults = []
    if not seals.holds(FORMAT, bytes(read.dossier), signature=read.seal.signature, key=read.seal.key):
        faults.append("the seal is broken: the file is not as it was made")
    return Report(dossier, read.seal.key, tuple(faults + list(_faults(dossier))))


def _pdf_checked(file: bytes) -> Report:
    """The seal is over the pages as they are; the dossier itself lies in the PDF as an attachment."""
    pages, found, line = file.rpartition(PDF_SEAL)
    try:
        seal = msgspec.json.decode(line, type=Seal) if found else None
    except msgspec.DecodeError:
        seal = None
    if seal is None:
        raise NotADossier("this PDF bears no seal of a dossier")
    report = _json_checked(_attached(pages))
    faults = list(report.faults)
    if not seals.holds(PDF_FORMAT, pages, signature=seal.signature, key=seal.key):
        faults.append("the seal is broken: the pages are not as they were made")
    if seal.key != report.key:
        faults.append("the pages and the dossier within them are sealed with different keys")
    return Report(report.dossier, seal.key, tuple(faults))


ATTACHED = re.compile(rb"/Type\s*/EmbeddedFile\b[^\r\n]*>>\s*stream\r?\n")
LARGEST = 500_000_000  # bytes: more is no dossier


def _attached(pages: bytes) -> bytes:
    """The file attached to a PDF of ours. Raises NotADossier."""
    found = ATTACHED.search(pages)
    if found is None:
        raise NotADossier("this PDF holds no dossier")
    unpacker = zlib.decompressobj()
    try:
        return unpacker.decompress(pages[found.end() :], LARGEST)
    except zlib.error as wrong:
        raise NotADossier(f"what is attached to this PDF cannot be read: {wrong}") from wrong


# --- what the dossier says of itself ----------------------------------------------------------------------------------


def _faults(dossier: Dossier) -> Iterator[str]:
    bodies: list[dict[str, Any]] = []
    previous, at = GENESIS, None
    for expected, entry in enumerate(dossier.journal, start=1):
        where = f"entry {entry.seq}"
        try:
            body, kept = msgspec.json.decode(entry.body, type=dict[str, Any]), bytes.fromhex(entry.hash)
            moment = datetime.fromisoformat(body["at"])
        except (msgspec.DecodeError, ValueError, KeyError, TypeError):
            yield f"{where} cannot be read"
            return
        if entry.seq != expected or body.get("seq") != expected:
            yield f"{where} stands where entry {expected} belongs"
        if body.get("ticket") != dossier.ticket.id:
            yield f"{where} belongs to another ticket"
        if kept != chained(previous, entry.body.encode()):
            yield f"{where}: the chain is broken"
        if at is not None and moment < at:
            yield f"{where} lies before the entry before it"
        bodies.append(body)
        previous, at = kept, moment
    if not bodies:
        yield "the journal is empty"
    if previous.hex() != dossier.head:
        yield "the chain does not end where the ticket says"
    yield from _text_faults(dossier, bodies)
    yield from (f"replayed when it was made: {difference}" for difference in dossier.replay)


def _text_faults(dossier: Dossier, bodies: list[dict[str, Any]]) -> Iterator[str]:
    """Each text is the one its entry hashed, and none is missing or was added."""
    hashed = {
        body["data"]["message"]: (body["seq"], body["data"]["text_sha256"])
        for body in bodies
        if isinstance(body.get("data"), dict) and {"message", "text_sha256"} <= body["data"].keys()
    }
    for message in dossier.messages:
        seq, sha256 = hashed.pop(message.id, (None, ""))
        where = f"the message of entry {message.seq}"
        if seq != message.seq:
            yield f"{where} stands in no entry of the journal"
        elif not (message.erased or message.withheld) and hashlib.sha256(message.text.encode()).hexdigest() != sha256:
            yield f"{where} is not the text that was hashed"
        elif (message.erased or message.withheld) and message.text:
            yield f"{where} is marked as left out and has a text"
    yield from (f"the message of entry {seq} is missing" for seq, _sha256 in hashed.values())


def _rewritten(before: Dossier, after: Dossier) -> Iterator[str]:
    """What of the earlier journal the later one does not begin with."""
    if before.ticket.id != after.ticket.id:
        yield "the earlier dossier is of another ticket"
        return
    for old, new in zip(before.journal, after.journal, strict=False):
        if old.hash != new.hash:
            yield f"entry {old.seq} is not what the earlier dossier shows: the journal was rewritten"
            return
    if len(before.journal) > len(after.journal):
        yield "the earlier dossier has entries that this one lacks"
