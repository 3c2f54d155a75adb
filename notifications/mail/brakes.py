"""Acceptance letters by themselves, within limits: what keeps two robots from writing to each other for ever."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from uuid import UUID

from service import alarms
from service.database import execute, fetch, fetchval
from workflow.regulation import Brakes
from workflow.words import _

TEN_MINUTES, THREE_HOURS, DAY = timedelta(minutes=10), timedelta(hours=3), timedelta(days=1)
PREFIX = re.compile(r"(?i)^\s*(?:(?:re|fwd?|aw|wg|на|отв|ответ|пересл|fw)\s*(?:\[\d+\])?\s*:|\[[^\]]{0,40}\])\s*")
NUMBERS = re.compile(r"[\d#№]+")

BREAKER = _("So many new mails arrive that acceptance letters wait for a person: is it a loop?")

# The acceptance letters that really went out, or will.
SENT = (
    "FROM ticket t JOIN letter l ON l.ticket = t.id AND l.kind = 'accepted' "
    "JOIN outbox o ON o.ticket = t.id AND o.event_id = l.id::text AND o.status <> 'parked' "
    "WHERE t.channel = 'email' AND t.received_at > $1 AND l.at > $1"
)


async def why_wait(address: str, subject: str, brakes: Brakes, *, at: datetime) -> str:
    """Why the acceptance letter to this sender waits for a person; '' when it may go. Trips the alarm of the breaker.

    Whichever it is, the ticket is made: only the letter waits.
    """
    rows = await fetch(f"SELECT t.subject, l.at {SENT} AND lower(t.email) = lower($2)", at - DAY, address)
    if sum(row["at"] > at - TEN_MINUTES for row in rows) >= brakes.per_sender_10_minutes:
        return "brake: letters to this sender in ten minutes"
    if len(rows) >= brakes.per_sender_day:
        return "brake: letters to this sender in a day"
    recent = [row["subject"] for row in rows if row["at"] > at - THREE_HOURS]
    if sum(same_subject(subject, known) for known in recent) >= brakes.same_subject_3_hours:
        return "brake: letters to this sender about the same subject"
    if await fetchval(f"SELECT count(*) {SENT}", at - TEN_MINUTES) >= brakes.overall_10_minutes:
        await alarms.sound("mail_brake", "acceptance", BREAKER, at=at)
        return "brake: letters to everybody in ten minutes"
    return ""


async def park_letter(ticket: UUID, why: str) -> None:
    """Let the acceptance letter of this ticket wait in the outbox until a person lets it go."""
    await execute(
        "UPDATE outbox SET status = 'parked', last_error = $2 "
        "WHERE ticket = $1 AND type = 'accepted' AND channel = 'letter' AND status = 'pending'",
        ticket,
        why,
    )


def same_subject(one: str, other: str) -> bool:
    """Whether two subjects are one and the same but for prefixes and numbers.

    One that ends with the other counts as well: each automatic answer puts its own words before the subject it answers.
    """
    a, b = normalised(one), normalised(other)
    return a == b or (min(len(a), len(b)) > 0 and (a.endswith(b) or b.endswith(a)))


def normalised(subject: str) -> str:
    """The subject without `Re:` of any tongue, tags, numbers and spacing."""
    rest = subject
    while rest != (shorter := PREFIX.sub("", rest, count=1)):
        rest = shorter
    return " ".join(NUMBERS.sub(" ", rest).casefold().split())
