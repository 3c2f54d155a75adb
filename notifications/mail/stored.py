"""A mail as its row stands, and what becomes of the row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from notifications.mail.classify import Envelope
from notifications.mail.parsed import ParsedMail
from service import alarms
from service.database import execute, fetchrow
from service.regulations import in_force
from workflow.calendar import CalendarOutOfRange

log = structlog.get_logger(__name__)

HELD_DUE = "held:due"
OVERDUE = "held_mail"  # the alarm of a mail that waited too long
WAITING = ("held", "failed")  # statuses in which a mail waits for a person
SELECT = (
    "SELECT id, original, sha256, message_id, envelope_from, recipients, source, received_at, status, kind, reason, "
    "ticket, sender, subject, attempts FROM mail"
)


class StoredMail(msgspec.Struct, frozen=True, kw_only=True):
    """The row of a mail, whole."""

    id: UUID
    original: bytes
    sha256: str
    message_id: str
    envelope_from: str
    recipients: tuple[str, ...]
    source: str
    received_at: datetime
    status: str
    kind: str
    reason: str
    ticket: UUID | None
    sender: str
    subject: str
    attempts: int

    @property
    def envelope(self) -> Envelope:
        """What the transport said; only a wire tells an empty sender from an unknown one."""
        wired = self.source.startswith(("smtp", "lmtp"))
        return Envelope(sender=self.envelope_from if wired or self.envelope_from else None, recipients=self.recipients)

    @property
    def cause(self) -> str:
        """What the journal names as the cause of everything this mail does."""
        return f"mail:{self.id}"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a mail: its status, what it was taken for, why, and the ticket it belongs to."""

    status: str
    kind: str
    reason: str = ""
    ticket: UUID | None = None


def read_row(row: Mapping[str, Any]) -> StoredMail:
    """A mail from a row of `SELECT`."""
    values = dict(row)
    values["original"] = bytes(values["original"])
    values["recipients"] = msgspec.json.decode(values["recipients"], type=tuple[str, ...])
    return StoredMail(**values)


async def next_to_read(seen: Sequence[UUID]) -> StoredMail | None:
    """The oldest mail nobody has read yet, under its lock; None when others read what is left."""
    row = await fetchrow(
        f"{SELECT} WHERE status = 'stored' AND id <> ALL($1) ORDER BY received_at, id LIMIT 1 "
        "FOR NO KEY UPDATE SKIP LOCKED",
        list(seen),
    )
    return None if row is None else read_row(row)


async def settle(mail: StoredMail, outcome: Outcome, *, at: datetime, parsed: ParsedMail | None = None) -> None:
    """Write what became of the mail; one that waits for a person has a timer, any other has none (6.3)."""
    sender, subject, message_id = mail.sender, mail.subject, mail.message_id
    if parsed is not None:
        sender, subject, message_id = sender_of(mail, parsed), parsed.subject, identity_of(mail, parsed)
    await execute(
        "UPDATE mail SET status = $2, kind = $3, reason = $4, ticket = $5, sender = $6, subject = $7, message_id = $8 "
        "WHERE id = $1",
        mail.id, outcome.status, outcome.kind, outcome.reason[:2_000], outcome.ticket, sender[:320], subject[:1_000],
        message_id,
    )  # fmt: skip
    if outcome.status in WAITING:
        await _watch(mail)
    else:
        await _unwatch(mail, at=at)


def sender_of(mail: StoredMail, parsed: ParsedMail) -> str:
    """The address that writes; the envelope's where the mail itself names none. '' for nobody."""
    return parsed.from_.address if parsed.from_ else mail.envelope_from


def identity_of(mail: StoredMail, parsed: ParsedMail) -> str:
    """The Message-ID; a mail without a usable one is called by the hash of its bytes."""
    return letter_id_of(parsed) or f"{mail.sha256}@no-message-id"


def letter_id_of(parsed: ParsedMail) -> str:
    """The Message-ID as other mails may refer to it; '' for one that no header could carry."""
    given = parsed.message_id or ""
    usable = given.isascii() and given.isprintable() and not any(sign in given for sign in " <>")
    return given if usable and len(given) <= 250 else ""


async def _watch(mail: StoredMail) -> None:
    """Arm the registration timer, counted from the mail's arrival by the regulation then in force (6.3)."""
    rules = await in_force(at=mail.received_at)
    try:
        due = rules.calendar.deadline(mail.received_at, rules.regulation.registration.target)
    except CalendarOutOfRange as out:
        log.warning("a held mail has no deadline", mail=str(mail.id), why=str(out))
        return
    await execute(
        "INSERT INTO timer (subject, subject_kind, kind, generation, due_at, status) "
        "SELECT $1, 'mail', $2::varchar, coalesce(max(generation), 0) + 1, $3, 'armed' FROM timer "
        "WHERE subject = $1 AND kind = $2 HAVING count(*) FILTER (WHERE status = 'armed') = 0",
        mail.id, HELD_DUE, due,
    )  # fmt: skip


async def _unwatch(mail: StoredMail, *, at: datetime) -> None:
    await execute(
        "UPDATE timer SET status = 'cancelled', ended_at = $2 WHERE subject = $1 AND status = 'armed'", mail.id, at
    )
    await alarms.clear(OVERDUE, str(mail.id), at=at)
