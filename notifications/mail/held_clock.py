"""A held mail is under the registration clock too: when it has waited too long, somebody is told (clause 6.3)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
import structlog

from notifications.mail.stored import HELD_DUE, OVERDUE, SELECT, WAITING, StoredMail, read_row
from service import alarms, bell, notices, recipients
from service.correspondence import to_staff
from service.database import DB, execute, fetch, fetchrow, retried
from service.house import HOUSE
from service.identifiers import new_id
from service.letters import Draft, Written, write
from service.notices import Reader
from service.regulations import in_force
from service.ticket import Ticket
from workflow.regulation import Rulebook
from workflow.sla import Period
from workflow.words import _

log = structlog.get_logger(__name__)

BREACH = "breach"


async def fire_held_due(*, at: datetime, limit: int = 100) -> int:
    """Fire the timers of held mails that are due at `at`; how many fired. Any number of workers may call it."""
    rows = await fetch(
        "SELECT id FROM timer WHERE status = 'armed' AND subject_kind = 'mail' AND kind = $1 AND due_at <= $2 "
        "ORDER BY due_at, id LIMIT $3",
        HELD_DUE, at, limit,
    )  # fmt: skip
    return sum([await fire_held(row["id"], at=at) for row in rows])


@retried
async def fire_held(timer: int, *, at: datetime) -> bool:
    """Tell the supervisors of one held mail, once, in one transaction with the timer; whether it was still waiting."""
    async with DB.transaction(allow_nested=False):
        row = await fetchrow(
            f"{SELECT} WHERE id = (SELECT subject FROM timer WHERE id = $1 AND status = 'armed') "
            "FOR NO KEY UPDATE SKIP LOCKED",
            timer,
        )
        if row is None:  # somebody takes it out of the tray, or tells of it, right now
            return False
        if not await execute(
            "UPDATE timer SET status = 'fired', ended_at = $2 WHERE id = $1 AND status = 'armed'", timer, at
        ):
            return False
        mail = read_row(row)
        if mail.status not in WAITING:
            return False
        await _tell(mail, at=at)
    await bell.ring("send_letters")
    return True


async def _tell(mail: StoredMail, *, at: datetime) -> None:
    sentence = _("A held mail has waited longer than registration may take: {subject}")
    await alarms.sound(OVERDUE, str(mail.id), sentence, {"subject": mail.subject}, at=at)
    rules = await in_force(at=mail.received_at)
    told = await recipients.told(("supervisors",), assignee="", at=at)
    if not told:
        log.warning("nobody is there to be told of a held mail", mail=str(mail.id))
    await notices.ring_for_mail(mail.id, told, at=at)
    for supervisor in told:
        if supervisor.wants(notices.DEADLINE, notices.MAIL):
            await _send(mail, _draft(mail, rules, supervisor), rules, at=at)


def _draft(mail: StoredMail, rules: Rulebook, supervisor: Reader) -> Draft:
    """The notice of a breach, said of a ticket that is not made yet."""
    to_be = Ticket(
        id=mail.id,
        subject=mail.subject or mail.sender,
        text="",
        channel="email",
        received_at=mail.received_at,
        regulation_version=rules.version,
    )
    period = Period(
        clock="registration",
        origin=mail.received_at,
        target=rules.regulation.registration.target,
        version=rules.version,
    )
    draft = to_staff(
        BREACH, to_be, rules, recipient=supervisor.email, language=supervisor.language, period=period, step=""
    )
    return msgspec.structs.replace(draft, context={**draft.context, "desk_url": f"{HOUSE.public_url}/desk/held"})


async def _send(mail: StoredMail, draft: Draft, rules: Rulebook, *, at: datetime) -> None:
    letter = rules.regulation.letters[BREACH][draft.language]
    id: UUID = new_id(at)
    written: Written = write(draft, letter, id=id, ticket=mail.id, number=None, thread=(), at=at)
    await execute(
        "INSERT INTO letter (id, ticket, seq, kind, letter_id, recipient, subject, text, at, bounced) "
        "VALUES ($1, NULL, 0, $2, $3, $4, $5, $6, $7, '')",
        id, BREACH, written.letter_id, written.recipient, written.subject, written.text, at,
    )  # fmt: skip
    await execute(
        "INSERT INTO outbox (event_id, channel, endpoint, ticket, seq, type, recipients, body, next_at, created_at) "
        "VALUES ($1, 'letter', 'smtp', NULL, 0, $2, $3, $4, $5, $5)",
        str(id), BREACH, msgspec.json.encode([written.recipient]).decode(), written.original, at,
    )  # fmt: skip
