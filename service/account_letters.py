"""Letters about accounts: they concern no ticket, so their words are the house's own and not the regulation's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, cast

import msgspec

from service.actors import CLOCK
from service.database import execute
from service.identifiers import new_id
from service.letters import Draft, write
from service.regulations import in_force
from service.words import Language, clock_time, day, translate, zone_name
from workflow.regulation import Letter
from workflow.words import _

SUBJECTS: Final[Mapping[str, str]] = {
    "invitation": _("Your access to the support cabinet"),
    "registration": _("Confirm your mail address"),
    "reset": _("A new password for the support cabinet"),
    "joined": _("You belong to your organisation now"),
    "waiting": _("A person waits to be joined to an organisation"),
}
BODIES: Final[Mapping[str, str]] = {
    "invitation": _(
        "Hello,\n\nyou are invited to the cabinet of technical support: there you see your tickets, write new "
        "requests and answer us. Open this page, and it will show you a password:\n\n{link}\n\nThe link works once, "
        "until {until}."
    ),
    "registration": _(
        "Hello,\n\nsomebody, most likely you, asked for an account of technical support under this address. Open this "
        "page to confirm it, and it will show you a password:\n\n{link}\n\nThe link works once, until {until}. If it "
        "was not you, simply leave this letter: nothing will happen."
    ),
    "reset": _(
        "Hello,\n\na new password was asked for, or an account under an address that has one already. Open this page, "
        "and it will show you a new password:\n\n{link}\n\nThe link works once, until {until}. If it was not you, "
        "simply leave this letter: your password stays."
    ),
    "joined": _(
        "Hello,\n\nwe have joined you to your organisation. From now on your requests come under its contract; you "
        "find them in the cabinet:\n\n{link}"
    ),
    # Who it is stands on the page alone: what a letter tells of a person is hard to forget.
    "waiting": _(
        "Hello,\n\nsomebody has registered in the cabinet of customers, and we do not know to which organisation the "
        "person belongs. Until a colleague says so, their requests come without a contract:\n\n{link}"
    ),
}
LETTER: Final = Letter(subject="{{ reason }}", body="{{ text }}")  # the words are filled already


async def send(
    kind: str,
    address: str,
    *,
    link: str,
    language: str,
    at: datetime,
    expires_at: datetime | None = None,
    not_before: datetime | None = None,
) -> None:
    """Put a letter with a link into the outbox, in the transaction of what it tells of."""
    tongue = cast(Language, language)
    context = {
        "reason": translate(tongue, SUBJECTS[kind]),
        "text": translate(tongue, BODIES[kind], link=link, until=await _moment(tongue, expires_at, at=at)),
        "centre": translate(tongue, _("Technical support")),
        "operator": CLOCK.name,
    }
    id = new_id(at)
    letter = write(Draft(kind, address, language, context), LETTER, id=id, ticket=id, number=None, thread=(), at=at)
    # The page of letters keeps what was said, but never a link that gives a password.
    told = letter.text.replace(link, "…") if expires_at else letter.text
    await execute(
        "INSERT INTO letter (id, ticket, seq, kind, letter_id, recipient, subject, text, at) "
        "VALUES ($1, NULL, 0, $2, $3, $4, $5, $6, $7)",
        id, kind, letter.letter_id, address, letter.subject, told, at,
    )  # fmt: skip
    await execute(
        "INSERT INTO outbox (event_id, channel, endpoint, ticket, seq, type, recipients, body, next_at, created_at) "
        "VALUES ($1, 'letter', 'smtp', NULL, 0, $2, $3, $4, $5, $6)",
        str(id), kind, msgspec.json.encode([address]).decode(), letter.original, not_before or at, at,
    )  # fmt: skip


async def _moment(language: Language, expires_at: datetime | None, *, at: datetime) -> str:
    """An instant as a letter says it, with its zone; '' for none."""
    if expires_at is None:
        return ""
    zone = (await in_force(at=at)).calendar.zone
    local = expires_at.astimezone(zone)
    return f"{day(language, local.date())}, {clock_time(language, expires_at, zone=zone)} ({zone_name(language, zone)})"
