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
from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from service.house import HOUSE
from service.letter_html import html_of
from workflow.errors import Refusal
from workflow.regulation import Letter
from workflow.words import _

SUBJECT_TOKEN = "Заявка#"  # noqa: S105  clause 7.4 calls it so; customers keep it in their subjects
MOST_REFERENCES = 10
PERSONAL = frozenset({"question", "answer", "completed", "extension"})  # written by a person; no automatic marks

# What a letter may speak of. The editor shows this list; an unknown name is refused before it is published.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "ticket": ("number", "subject", "priority", "received_at", "registration_due_at", "due_at", "promised_at"),
    "contact": ("full_name", "organisation"),
    "text": (), "question": (), "reason": (), "operator": (), "assignee": (), "passport": (), "missing": (),
    "refused_files": (), "outside_hours": (), "duplicate_of": (), "status_url": (), "confirm_url": (),
    "dispute_url": (), "desk_url": (), "auto_close_at": (), "clock": (), "due_at": (), "step": (), "extended": (),
    "centre": (), "notices": (),
}  # fmt: skip


class BadTemplate(Refusal):
    """A letter that cannot be rendered: a mistake of syntax or an unknown field."""

    code = "bad_template"
    sentence = _("The letter cannot be rendered: {why}")


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


class _Environment(ImmutableSandboxedEnvironment):
    """Nothing of Python is reachable from a letter, and a letter cannot run away."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not attr.startswith("_") and super().is_safe_attribute(obj, attr, value)


ENVIRONMENT = _Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
ENVIRONMENT.globals.clear()  # no range(), no cycler(): a letter only says what it is given
LONGEST = 100_000
LONGEST_WIRE_LINE = 990


@lru_cache(maxsize=2_000)
def _template(source: str) -> Template:
    return ENVIRONMENT.from_string(source)


def render(letter: Letter, context: Mapping[str, Any]) -> tuple[str, str]:
    """Subject (one line) and body. Raises BadTemplate."""
    whole = {name: "" for name in FIELDS if not FIELDS[name]} | dict(context)
    try:
        subject = " ".join(_template(letter.subject).render(whole).split())
        body = _template(letter.body).render(whole)
    except (TemplateError, TypeError, ValueError, ArithmeticError) as wrong:
        raise BadTemplate(why=str(wrong)) from wrong
    return subject[:500], body.strip()[:LONGEST] + "\n"


def unknown_fields(letter: Letter) -> set[str]:
    """Names a letter uses that nobody gives. Raises BadTemplate for a mistake of syntax."""
    try:
        used = meta.find_undeclared_variables(ENVIRONMENT.parse(letter.subject))
        used |= meta.find_undeclared_variables(ENVIRONMENT.parse(letter.body))
    except TemplateError as wrong:
        raise BadTemplate(why=str(wrong)) from wrong
    return used - FIELDS.keys()


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
