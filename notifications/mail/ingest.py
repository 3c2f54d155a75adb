"""The one door for mail: the bytes as they came and what the transport said are committed before anybody reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from service import bell
from service.database import fetchval, retrying
from service.identifiers import new_id


async def ingest(raw: bytes, *, envelope_from: str, recipients: Sequence[str], source: str, at: datetime) -> UUID:
    """Store a mail for good; its id. When this returns, the mail cannot be lost; when it raises, nothing is stored.

    `source` says which door: `smtp …`, `lmtp …`, `pipe`, or `imap …` with mailbox, UIDVALIDITY and UID; the same place
    in the same mailbox is stored once. `at` is the arrival.
    """
    id = new_id(at)
    stored = await retrying(lambda: _store(id, raw, envelope_from, recipients, source, at))
    await bell.ring("ingest_mail")
    return stored


async def _store(
    id: UUID, raw: bytes, envelope_from: str, recipients: Sequence[str], source: str, at: datetime
) -> UUID:
    """One statement, which may be tried again after a COMMIT whose answer was lost."""
    sha256 = hashlib.sha256(raw).hexdigest()
    if source.startswith("imap "):
        known: UUID | None = await fetchval("SELECT id FROM mail WHERE sha256 = $1 AND source = $2", sha256, source)
        if known is not None:
            return known
    await fetchval(
        "INSERT INTO mail (id, original, sha256, message_id, envelope_from, recipients, source, received_at, status, "
        "kind, reason, sender, subject, attempts) VALUES ($1, $2, $3, '', $4, $5, $6, $7, 'stored', '', '', '', '', 0) "
        "ON CONFLICT (id) DO NOTHING",
        id, raw, sha256, _plain(envelope_from)[:320],
        msgspec.json.encode([_plain(one)[:320] for one in recipients]).decode(), _plain(source)[:300], at,
    )  # fmt: skip
    return id


def _plain(told: str) -> str:
    """Text that PostgreSQL takes, whatever a client put on the wire."""
    return told.replace("\x00", "").encode("utf-8", "replace").decode()
