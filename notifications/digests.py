"""Notices that waited for working time reach each colleague as one letter, in order, instead of as a storm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

import msgspec
import structlog

from service.database import execute, fetch, fetchval
from service.house import HOUSE
from service.identifiers import new_id
from service.letters import BadTemplate, Draft, Written, write
from service.regulations import in_force
from service.words import Language, translate
from workflow.errors import NotFound
from workflow.regulation import TO_COLLEAGUES, Letter
from workflow.words import _

log = structlog.get_logger(__name__)

DIGEST = "digest"
CENTRE = _("Technical support")
GATHERED = sorted(TO_COLLEAGUES - {DIGEST})  # what colleagues are told, one by one

MOST_TEXT = 50_000  # characters of notices in one letter; what is more goes into the next

# What waited for the opening and was never tried: a notice that went at once, or failed once, goes its own way.
WAITED = """
SELECT id, event_id, recipients FROM outbox
WHERE channel = 'letter' AND status = 'pending' AND next_at <= $1 AND type = ANY($2)
  AND next_at > created_at AND attempt = 0 AND crash_count = 0
ORDER BY id FOR UPDATE
"""
WHAT_THEY_SAY = """
SELECT l.id, l.recipient, l.kind, l.subject, l.text, coalesce(u.language, $2) AS language
FROM letter l LEFT JOIN app_user u ON u.email = l.recipient WHERE l.id = ANY($1)
"""


class _Notice(msgspec.Struct, frozen=True):
    """A notice that waited: its row of the outbox, and what it says."""

    outbox: int
    recipient: str
    language: str
    kind: str
    subject: str
    text: str


async def gather(*, at: datetime) -> int:
    """Put the notices whose time has come into one letter for each colleague; how many letters that made.

    Runs in the transaction that claims letters: the digest and the end of what it carries are written together. A
    single notice stays as it is, and so do all where the regulation in force has no usable digest.
    """
    storms = [notices for notices in await _waited(at) if len(notices) > 1]
    letters = await _letters(at) if storms else {}
    return sum([await _put_together(notices, letters, at=at) for notices in storms])


async def _waited(at: datetime) -> list[list[_Notice]]:
    """The notices that waited until now, in order, by recipient, in helpings that fit into a letter."""
    rows = await fetch(WAITED, at, GATHERED)
    if len(rows) < 2:
        return []
    said = {
        str(row["id"]): row for row in await fetch(WHAT_THEY_SAY, [row["event_id"] for row in rows], HOUSE.language)
    }
    helpings: list[list[_Notice]] = []
    filling: dict[str, tuple[list[_Notice], int]] = {}
    for row in rows:
        one = said[row["event_id"]]
        notice = _Notice(row["id"], one["recipient"], one["language"], one["kind"], one["subject"], one["text"].strip())
        size = len(notice.subject) + len(notice.text)
        helping, full = filling.get(notice.recipient, ([], MOST_TEXT))
        if full + size > MOST_TEXT:
            helping, full = [], 0
            helpings.append(helping)
        helping.append(notice)
        filling[notice.recipient] = helping, full + size
    return helpings


async def _letters(at: datetime) -> dict[str, Letter]:
    """The digest of the regulation in force, by language."""
    try:
        return (await in_force(at=at)).regulation.letters.get(DIGEST, {})
    except NotFound:
        return {}


async def _put_together(notices: Sequence[_Notice], letters: dict[str, Letter], *, at: datetime) -> bool:
    reader = notices[0]
    language = cast(Language, reader.language)
    letter = letters.get(language)
    if letter is None:
        return False
    told = [{"kind": one.kind, "subject": one.subject, "text": one.text} for one in notices]
    draft = Draft(DIGEST, reader.recipient, language, {"notices": told, "centre": translate(language, CENTRE)})
    id = new_id(at)
    try:
        digest = write(draft, letter, id=id, ticket=id, number=None, thread=(), at=at)
    except BadTemplate as wrong:
        log.error("digest cannot be written, notices go one by one", why=str(wrong))
        return False
    await _replace(notices, digest, at=at)
    return True


async def _replace(notices: Sequence[_Notice], digest: Written, *, at: datetime) -> None:
    """The digest goes out in place of what it carries, which points at it."""
    await execute(
        "INSERT INTO letter (id, ticket, seq, kind, letter_id, recipient, subject, text, at) "
        "VALUES ($1, NULL, 0, $2, $3, $4, $5, $6, $7)",
        digest.id, DIGEST, digest.letter_id, digest.recipient, digest.subject, digest.text, at,
    )  # fmt: skip
    outbox = await fetchval(
        "INSERT INTO outbox (event_id, channel, endpoint, ticket, seq, type, recipients, body, next_at, created_at) "
        "VALUES ($1, 'letter', 'smtp', NULL, 0, $2, $3, $4, $5, $5) RETURNING id",
        str(digest.id), DIGEST, msgspec.json.encode([digest.recipient]).decode(), digest.original, at,
    )  # fmt: skip
    await execute(
        "UPDATE outbox SET status = 'merged', digest = $2 WHERE id = ANY($1)", [one.outbox for one in notices], outbox
    )
