"""`reglament mail parse`: a mail on standard input becomes JSON on standard output."""

from __future__ import annotations

import sys

import click
import msgspec

from notifications.mail.classify import sent_by_machine
from notifications.mail.parse import parse_mail
from notifications.mail.parsed import ParsedMail


class AttachmentSummary(msgspec.Struct):
    filename: str
    content_type: str
    size: int


class MailSummary(msgspec.Struct, rename={"from_": "from"}):
    """What the command prints."""

    from_: str | None
    subject: str
    text: str
    reply: str
    attachments: list[AttachmentSummary]
    auto_submitted: bool
    message_id: str | None
    references: list[str]


def summary(mail: ParsedMail) -> MailSummary:
    """The promised fields of one mail."""
    return MailSummary(
        from_=mail.from_.address if mail.from_ else None,
        subject=mail.subject,
        text=mail.text,
        reply=mail.reply,
        attachments=[AttachmentSummary(file.filename, file.content_type, file.size) for file in mail.attachments],
        auto_submitted=sent_by_machine(mail),
        message_id=mail.message_id,
        references=list(dict.fromkeys(mail.references + mail.in_reply_to)),
    )


@click.command("parse")
def parse() -> None:
    """Read one raw mail from standard input and print what it says as JSON.

    \b
    from            the bare address, or null when there is none that can be used
    subject         one line of text
    text            the whole text, from HTML when there is no plain part
    reply           the sender's own part: without quotation and signature
    attachments     filename, content_type (judged by content), size in bytes
    auto_submitted  true when a machine sent it (RFC 3834, lists, reports)
    message_id      without angle brackets, or null
    references      ids of References, then In-Reply-To, without angle brackets

    Whatever the mail looks like, the command prints valid JSON in UTF-8 and exits with 0.
    """
    raw = sys.stdin.buffer.read()
    sys.stdout.buffer.write(msgspec.json.encode(summary(parse_mail(raw))) + b"\n")
    sys.stdout.buffer.flush()
