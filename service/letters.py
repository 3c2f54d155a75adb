"""Letters: text in, text out, in a sandbox; and the mail they become."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from jinja2 import Template, TemplateError

from service.house import HOUSE
from service.letter_html import html_of
from service.letter_language import ENVIRONMENT, FIELDS, BadTemplate, refuse_what_runs_away
from service.mime import line_of, mail_bytes, mailbox
from workflow.regulation import Letter

__all__ = ["BadTemplate", "Draft", "Written", "render", "write"]

SUBJECT_TOKEN = "Заявка#"  # noqa: S105  clause 7.4 calls it so; customers keep it in their subjects
MOST_REFERENCES = 10
PERSONAL = frozenset({"question", "answer", "completed", "extension"})  # written by a person; no automatic marks


class Draft(msgspec.Struct, frozen=True):
    """A letter about to be written: which, to whom, in which language, about what."""

    kind: str
    recipient: str
    language: str
    context: Mapping[str, Any]
    name: str = ""


class Written(msgspec.Struct, frozen=True):
    """A letter as it goes out: `original` is the mail, byte for byte."""

    id: UUID
    kind: str
    letter_id: str
    recipient: str
    subject: str
    text: str
    original: bytes


LONGEST = 100_000


@lru_cache(maxsize=2_000)
def _template(source: str) -> Template:
    refuse_what_runs_away(source)
    return ENVIRONMENT.from_string(source)


def render(letter: Letter, context: Mapping[str, Any]) -> tuple[str, str]:
    """Subject (one line) and body. Raises BadTemplate."""
    whole = {name: "" for name in FIELDS if not FIELDS[name]} | dict(context)
    try:
        subject = " ".join(_said(letter.subject, whole).split())
        body = _said(letter.body, whole)
    except (TemplateError, TypeError, ValueError, ArithmeticError, RecursionError) as wrong:
        raise BadTemplate(why=str(wrong)) from wrong
    return subject[:500], body.strip()[:LONGEST] + "\n"


def _said(source: str, context: Mapping[str, Any]) -> str:
    """The text, piece by piece, and no further than a letter may be long."""
    pieces, length = [], 0
    for piece in _template(source).generate(context):
        pieces.append(piece)
        length += len(piece)
        if length > LONGEST:
            break
    return "".join(pieces)


def write(
    draft: Draft, letter: Letter, *, id: UUID, ticket: UUID, number: str | None, thread: tuple[str, ...], at: datetime
) -> Written:
    """The mail of a draft. `thread` holds Message-IDs of the ticket, the oldest first. Raises BadTemplate."""
    subject, text = render(letter, draft.context)
    if number:
        subject = f"{SUBJECT_TOKEN}{number} {subject}"
    letter_id = HOUSE.message_id(ticket=ticket, letter=id)
    headers = [
        ("From", mailbox(HOUSE.mail_from, name=str(draft.context.get("centre", "")))),
        ("To", mailbox(draft.recipient, name=draft.name)),
        ("Subject", line_of(subject)),
        ("Date", format_datetime(at)),
        ("Message-ID", f"<{letter_id}>"),
        ("Content-Language", draft.language),
    ]
    if thread:
        headers.append(("In-Reply-To", f"<{thread[-1]}>"))
        headers.append(("References", "\r\n ".join(f"<{one}>" for one in thread[-MOST_REFERENCES:])))
    if draft.kind not in PERSONAL:
        headers.append(("Auto-Submitted", "auto-replied" if draft.kind == "accepted" else "auto-generated"))
        headers.append(("X-Auto-Response-Suppress", "All"))
    buttons = [str(draft.context.get(name, "")) for name in ("confirm_url", "dispute_url")]
    html = html_of(text, subject=subject, language=draft.language, buttons=buttons)
    original = mail_bytes(headers, text=text, html=html, boundary=f"=_{id.hex}")
    return Written(id, draft.kind, letter_id, draft.recipient, subject, text, original)
