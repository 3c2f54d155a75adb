"""Letters that did not arrive: which, why, when they are tried next; and sending one again under its own Message-ID."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from service import alarms, bell, config_journal
from service.actors import Actor
from service.conditions import like
from service.database import DB, execute, fetch, fetchrow, fetchval, retried
from service.paging import cursor_of, cut, place_of
from workflow.errors import NotFound, Refusal
from workflow.words import _

Undelivered = Literal["pending", "parked", "dead", "bounced"]
PLACE = msgspec.json.Decoder(tuple[datetime, UUID])


class UnderWay(Refusal):
    """A worker holds it right now: what comes of it is known within the minute."""

    code = "letter_under_way"
    sentence = _("This letter is being sent right now.")


class NotKept(Refusal):
    """What was delivered long ago is not kept byte for byte."""

    code = "letter_not_kept"
    sentence = _("The mail of this letter is not kept any more.")


class InAnother(Refusal):
    """A notice that was gathered with others."""

    code = "letter_merged"
    sentence = _("This notice went out within another letter: send that one again.")


class SentLetter(msgspec.Struct, frozen=True):
    """A letter and what became of it. `why`: the last error, what came back, or why it waits for a person."""

    id: UUID
    ticket: UUID | None
    number: str | None
    kind: str
    recipient: str
    subject: str
    letter_id: str
    status: str
    why: str
    attempt: int
    next_at: datetime | None
    at: datetime
    delivered_at: datetime | None


COLUMNS = """
l.id, l.ticket, t.number, l.kind, l.recipient, l.subject, l.letter_id, l.at, o.delivered_at,
CASE WHEN l.bounced <> '' AND coalesce(o.status, 'delivered') = 'delivered' THEN 'bounced'
     WHEN o.status = 'sending' THEN 'pending' ELSE coalesce(o.status, 'delivered') END AS status,
coalesce(nullif(l.bounced, ''), o.last_error, '') AS why, coalesce(o.attempt, 0) AS attempt,
CASE WHEN o.status = 'pending' THEN o.next_at END AS next_at
"""
OF_LETTER = "CASE WHEN o.channel = 'letter' THEN o.event_id::uuid END"
# Three roads, each with an index of its own: on their way, stuck, and come back after the mail server had taken them.
UNDELIVERED = f"""
SELECT * FROM (
    SELECT {COLUMNS} FROM outbox o JOIN letter l ON l.id = {OF_LETTER} LEFT JOIN ticket t ON t.id = l.ticket
    WHERE o.channel = 'letter' AND o.status IN ('pending', 'sending')
    UNION ALL
    SELECT {COLUMNS} FROM outbox o JOIN letter l ON l.id = {OF_LETTER} LEFT JOIN ticket t ON t.id = l.ticket
    WHERE o.channel = 'letter' AND o.status IN ('parked', 'dead')
    UNION ALL
    SELECT {COLUMNS} FROM letter l LEFT JOIN outbox o ON o.event_id = l.id::text AND o.channel = 'letter'
    LEFT JOIN ticket t ON t.id = l.ticket
    WHERE l.bounced <> '' AND coalesce(o.status, 'delivered') = 'delivered'
) AS undelivered
WHERE ($1::text IS NULL OR status = $1) AND ($2::timestamptz IS NULL OR (at, id) < ($2, $3::uuid))
AND ($5 = '' OR recipient ILIKE $5 OR subject ILIKE $5 OR number ILIKE $5)
ORDER BY at DESC, id DESC LIMIT $4
"""
NOT_ARRIVED = """
SELECT least($1, (
    SELECT count(*) FROM (
        SELECT FROM outbox WHERE channel = 'letter' AND status IN ('parked', 'dead') LIMIT $1
    ) AS stuck
) + (
    SELECT count(*) FROM (
        SELECT FROM letter l WHERE l.bounced <> '' AND NOT EXISTS (
            SELECT FROM outbox o WHERE o.event_id = l.id::text AND o.channel = 'letter' AND o.status <> 'delivered'
        ) LIMIT $1
    ) AS came_back
))
"""
ONE = f"""
SELECT {COLUMNS} FROM letter l LEFT JOIN outbox o ON o.event_id = l.id::text AND o.channel = 'letter'
LEFT JOIN ticket t ON t.id = l.ticket WHERE l.id = $1
"""


async def undelivered(
    *, limit: int, status: Undelivered | None = None, cursor: str | None = None, q: str = ""
) -> tuple[list[SentLetter], str | None]:
    """A page of letters that nobody has taken yet, or that came back; the newest first.

    `q` is looked for in recipient, subject and number.
    """
    place = place_of(cursor, PLACE) or (None, None)
    rows = await fetch(UNDELIVERED, status, *place, limit + 1, like(q) if q.strip() else "")
    page, more = cut([SentLetter(**row) for row in rows], limit)
    return page, cursor_of(page[-1].at, page[-1].id) if more else None


async def not_arrived(*, most: int) -> int:
    """How many letters wait for a person: given up, held back or come back; counted no further than `most` + 1."""
    counted: int = await fetchval(NOT_ARRIVED, most + 1)
    return counted


async def letter(id: UUID) -> SentLetter:
    """One letter, whatever became of it. Raises NotFound."""
    row = await fetchrow(ONE, id)
    if row is None:
        raise NotFound(_("There is no such letter."))
    return SentLetter(**row)


@retried
async def resend(id: UUID, *, by: Actor, at: datetime) -> SentLetter:
    """Send it now, byte for byte, under the same Message-ID; one held back is let go. Journaled.

    Raises NotFound, UnderWay, NotKept, InAnother.
    """
    async with DB.transaction(allow_nested=False):
        found = await letter(id)
        row = await fetchrow(
            "SELECT id, status, octet_length(body) AS size FROM outbox WHERE event_id = $1 AND channel = 'letter' "
            "FOR NO KEY UPDATE",
            str(id),
        )
        _demand_sendable(row)
        # One try stays counted: what was tried is no notice that waited for the morning.
        await execute(
            "UPDATE outbox SET status = 'pending', attempt = least(attempt, 1), crash_count = 0, next_at = $2, "
            "last_error = '', delivered_at = NULL WHERE id = $1",
            row["id"],
            at,
        )
        await execute("UPDATE letter SET bounced = '' WHERE id = $1 AND bounced <> ''", id)
        await alarms.clear("letter_dead", str(id), at=at)
        told = {"ticket": found.ticket, "kind": found.kind, "was": found.status, "why": found.why}
        act = "letter.release" if row["status"] == "parked" else "letter.resend"
        await config_journal.note(by=by, at=at, act=act, subject=f"letter {id}", data=told)
    await bell.ring("send_letters")
    return await letter(id)


def _demand_sendable(row: Any) -> None:
    if row is None or not row["size"]:
        raise NotKept()
    if row["status"] == "sending":
        raise UnderWay()
    if row["status"] == "merged":
        raise InAnother()
