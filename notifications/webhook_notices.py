"""Letters to the owner of a subscription: its endpoint keeps failing, or it was disabled."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import msgspec
import structlog

from service.database import execute, fetchrow
from service.house import HOUSE
from service.identifiers import new_id
from service.letters import BadTemplate, Draft, write
from service.words import Language, translate
from workflow.regulation import Letter
from workflow.words import _

log = structlog.get_logger(__name__)

NOTICE = "webhook_notice"
LETTER = Letter(subject="{{ reason }}", body="{{ text }}")
CENTRE = _("Technical support")

FAILING = _("Your webhook keeps failing")
DISABLED = _("Your webhook was disabled")
FAILING_TEXT = _(
    "The endpoint {url} did not take an event in four attempts.\n\nThe last answer: {why}\n\nIt is tried on; after 120 "
    "hours without a success the subscription is disabled.\n\n{link}"
)
DISABLED_TEXT = _(
    "Nothing more is sent to {url}.\n\nWhy: {why}\n\nWhat waits stays. Enable the subscription when the endpoint works "
    "again, and send again what happened meanwhile.\n\n{link}"
)

# The person who made it, or whose token did; a token of its own has nobody to write to.
OWNER = """
SELECT u.email, u.name, u.language FROM webhook w JOIN app_user u ON u.active AND u.id = CASE
    WHEN w.created_by LIKE 'staff:%' THEN nullif(split_part(w.created_by, ':', 2), '')::int8
    WHEN w.created_by LIKE 'token:%' THEN (
        SELECT k."user" FROM api_token k WHERE k.id::text = split_part(w.created_by, ':', 2))
END
WHERE w.id = $1::text::uuid
"""


async def tell_owner(endpoint: str, subject: str, text: str, *, url: str, why: str, at: datetime) -> bool:
    """Write to whoever made the subscription, in the transaction we are in; whether there was somebody.

    `subject` and `text` are msgids; `why` is one too, or what the endpoint answered.
    """
    owner = await fetchrow(OWNER, endpoint)
    if owner is None:
        return False
    language = cast(Language, owner["language"])
    link = f"{HOUSE.public_url}/integrations/{endpoint}"
    said = {
        "reason": translate(language, subject),
        "text": translate(language, text, url=url, why=translate(language, why), link=link),
        "centre": translate(language, CENTRE),
    }
    id = new_id(at)
    draft = Draft(NOTICE, owner["email"], language, said, name=owner["name"])
    try:
        letter = write(draft, LETTER, id=id, ticket=id, number=None, thread=(), at=at)
    except BadTemplate as wrong:
        log.error("the owner of a webhook cannot be told", webhook=endpoint, why=str(wrong))
        return False
    await execute(
        "INSERT INTO letter (id, ticket, seq, kind, letter_id, recipient, subject, text, at) "
        "VALUES ($1, NULL, 0, $2, $3, $4, $5, $6, $7)",
        id, NOTICE, letter.letter_id, letter.recipient, letter.subject, letter.text, at,
    )  # fmt: skip
    await execute(
        "INSERT INTO outbox (event_id, channel, endpoint, ticket, seq, type, recipients, body, next_at, created_at) "
        "VALUES ($1, 'letter', 'smtp', NULL, 0, $2, $3, $4, $5, $5)",
        str(id), NOTICE, msgspec.json.encode([letter.recipient]).decode(), letter.original, at,
    )  # fmt: skip
    return True
