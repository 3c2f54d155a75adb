"""Letters: text in, text out, in a sandbox; and the mail they become."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from jinja2 import Template, TemplateError

from service.house import HOUSE
from service.letter_html import html_of
from service.letter_language import ENVIRONMENT, FIELDS, BadTemplate, refuse_what_runs_away
from workflow.regulation import Letter

__all__ = ["BadTemplate", "Draft", "Written", "address", "render", "write"]

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
LONGEST_WIRE_LINE = 990


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
    mail = EmailMessage(policy=SMTP)
    mail["From"] = address(HOUSE.mail_from, name=str(draft.context.get("centre", "")))
    mail["To"] = address(draft.recipient, name=draft.name)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{letter_id}>"
    if thread:
        mail["In-Reply-To"] = f"<{thread[-1]}>"
        mail["References"] = " ".join(f"<{one}>" for one in thread[-MOST_REFERENCES:])
    if draft.kind not in PERSONAL:
        mail["Auto-Submitted"] = "auto-replied" if draft.kind == "accepted" else "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
    buttons = [str(draft.context.get(name, "")) for name in ("confirm_url", "dispute_url")]
    html = html_of(text, subject=subject, language=draft.language, buttons=buttons)
    mail.set_content(text, charset="utf-8", cte=_encoding(text))
    mail.add_alternative(html, subtype="html", charset="utf-8", cte=_encoding(html))
    mail["Content-Language"] = draft.language  # last: until then it would go to the first part
    return Written(id, draft.kind, letter_id, draft.recipient, subject, text, mail.as_bytes())


def _encoding(text: str) -> str:
    """Plain where the wire takes it as it is: ASCII in lines that no server cuts (RFC 5321, 4.5.3.1.6)."""
    plain = text.isascii() and all(len(line) < LONGEST_WIRE_LINE for line in text.split("\n"))
    return "7bit" if plain else "base64"


def address(spec: str, *, name: str = "") -> Address:
    """A recipient as one address, whatever the name holds: `Щукин, Пётр` is one person."""
    local, _at, domain = spec.rpartition("@")
    return Address(display_name=" ".join(name.split()), username=local, domain=domain)
