"""What a mail says once it has been read."""

from __future__ import annotations

from datetime import datetime

import msgspec

from notifications.mail.headers import Address


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a mail. `content_type` is judged by content; `declared_type` is what the sender wrote."""

    filename: str
    content_type: str
    declared_type: str
    kind: str
    size: int
    data: bytes
    content_id: str | None
    inline: bool


class DeliveryStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery report says of one recipient, as far as it says it (RFC 3464)."""

    recipient: str
    action: str
    status: str
    diagnostic: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A multipart/report: its type in lower case, its recipients, and the id of the mail it is about."""

    kind: str
    recipients: tuple[DeliveryStatus, ...]
    original_message_id: str | None


class ParsedMail(msgspec.Struct, frozen=True, kw_only=True):
    """A mail as text. `headers` are decoded, one line each, in their order, names in lower case.

    `defects` name what was broken or over a limit: size, header, header size, boundary, cut, nesting, parts, seconds,
    text, lines, base64, attachments, tnef, from.
    """

    from_: Address | None = None
    sender: Address | None = None
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    from_text: str = ""
    subject: str = ""
    text: str = ""
    reply: str = ""
    html: str | None = None
    html_source: str | None = None
    remote_images: int = 0
    attachments: tuple[Attachment, ...] = ()
    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    date: datetime | None = None
    headers: tuple[tuple[str, str], ...] = ()
    media: str = "text/plain"
    calendar_method: str | None = None
    report: Report | None = None
    size: int = 0
    defects: tuple[str, ...] = ()

    def header(self, name: str) -> str:
        """The first value of a header, or nothing."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.headers if key == name)

    @property
    def too_big(self) -> bool:
        return "size" in self.defects
