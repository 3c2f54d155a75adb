"""Delivery reports, read: RFC 3464, and the old forms that say it in prose."""

from __future__ import annotations

import re

from notifications.mail.headers import message_id, one_line
from notifications.mail.limits import Limits
from notifications.mail.parsed import DeliveryStatus, Report
from notifications.mail.structure import Part, RawHeaders, decoded_body, nested_headers

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]]{1,64}@[^\s@<>,;:\"()\[\]']{1,190}[^\s@<>,;:\"()\[\]'.]")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_SMTP = re.compile(r"(?<!\d)([45]\d\d)[ -](?=\S)")
_ID = re.compile(r"(?im)^[\s>|]{0,8}Message-ID:\s{0,80}<([^<>\s]{3,990})>")


def report_of(part: Part, limits: Limits) -> Report:
    """A multipart/report, by its machine-readable part."""
    kind = part.parameters.token("report-type").lower()
    recipients: tuple[DeliveryStatus, ...] = ()
    original: str | None = None
    for child in _within(part):
        if child.media in ("message/delivery-status", "message/global-delivery-status"):
            kind = kind or "delivery-status"
            recipients += _recipients(decoded_body(child, [], 262_144), limits)
        elif child.media == "message/disposition-notification":
            kind = kind or "disposition-notification"
            fields = nested_headers(decoded_body(child, [], 65_536), limits)
            original = original or message_id(_field(fields, "original-message-id"))
        elif child.media in ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"):
            fields = nested_headers(decoded_body(child, [], limits.header_bytes)[: limits.header_bytes], limits)
            original = original or message_id(_field(fields, "message-id"))
    return Report(kind=kind or "unknown", recipients=recipients[:50], original_message_id=original)


def told_in_prose(text: str) -> tuple[DeliveryStatus, ...]:
    """Failed recipients as qmail, Exim, Exchange, Mail.ru and Yandex write them into the text."""
    text = text[:20_000]
    statuses = _STATUS.findall(text)
    smtp = _SMTP.findall(text)
    status = next((found for found in statuses if found[0] != "2"), "")
    if not status and smtp:
        status = f"{smtp[0][0]}.0.0"
    found = _ADDRESS.findall(_before_copy(text))
    wanted = [
        address for address in dict.fromkeys(found) if not re.match(r"(?i)(?:mailer-daemon|postmaster)@", address)
    ]
    action = "delayed" if status.startswith("4") or _DELAYED.search(text) else "failed"
    return tuple(
        DeliveryStatus(recipient=address, action=action, status=status, diagnostic=_around(text, address))
        for address in wanted[:1]
    )


_DELAYED = re.compile(r"(?i)will (?:be retried|keep trying|retry)|delayed|попытки .{0,40}продолж|задерж|отложен")


def original_id_in(text: str) -> str | None:
    """The id of the returned mail when its headers are only quoted in the text."""
    found = _ID.search(text)
    return found[1] if found else None


def _before_copy(text: str) -> str:
    """The part above the returned copy: its headers name other people."""
    cut = re.search(
        r"(?im)^[\s>-]{0,20}(?:-{2,}.{0,40}(?:copy of|original message|исходн|копия|below this line)"
        r"|received:|return-path:)",
        text,
    )
    return text[: cut.start()] if cut else text


def _around(text: str, address: str) -> str:
    start = text.find(address)
    return re.sub(r"\s+", " ", text[start : start + 400]).strip()


def _within(part: Part) -> list[Part]:
    found: list[Part] = []
    waiting = list(reversed(part.children))
    while waiting:
        child = waiting.pop()
        found.append(child)
        waiting += reversed(child.children)
    return found


def _recipients(data: bytes, limits: Limits) -> tuple[DeliveryStatus, ...]:
    found: list[DeliveryStatus] = []
    for group in re.split(rb"\r*\n[ \t]*\r*\n", data)[:200]:
        fields = nested_headers(group + b"\n\n", limits)
        recipient = _field(fields, "original-recipient") or _field(fields, "final-recipient")
        final = _field(fields, "final-recipient") or recipient
        action = one_line(_field(fields, "action"), length=40).lower()
        if not (recipient or action):
            continue
        diagnostic = one_line(_field(fields, "diagnostic-code"), length=500)
        status = _STATUS.search(one_line(_field(fields, "status"), length=100)) or _STATUS.search(diagnostic)
        found.append(
            DeliveryStatus(
                recipient=_recipient(recipient) or _recipient(final),
                action=action.split(" ")[0] or "failed",
                status=status[1] if status else "",
                diagnostic=diagnostic,
            )
        )
    return tuple(found)


def _recipient(value: bytes) -> str:
    """The address after `rfc822;`."""
    found = _ADDRESS.search(one_line(value, length=500).rpartition(";")[2])
    return found[0] if found else ""


def _field(fields: RawHeaders, name: str) -> bytes:
    return next((value for key, value in fields if key == name), b"")
