"""What this installation is called and where it is reached; filled once, at the composition root."""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass, field
from uuid import UUID

from service.settings import Settings

# What signed links do: who holds one may do it, so it stays out of logs and of everything that is handed on.
SIGNED = "status|confirm|dispute|rate|cabinet/account"
SIGNED_LINKS = re.compile(rf"/({SIGNED})/[\w-]{{40,}}", re.ASCII)
LONGEST_LOCAL_PART = 64  # characters before the @ (RFC 5321, 4.5.3.1.1)


@dataclass
class House:
    """Addresses and keys that letters, links and webhooks need."""

    public_url: str = "http://127.0.0.1:8000"
    mail_from: str = "support@reglament.example.org"
    mail_domain: str = "reglament.example.org"
    language: str = "ru"
    plus_addresses: bool = True
    production: bool = False
    letter_bytes: int = 20_000_000  # the most a letter may have with its files
    link_key: bytes = field(default=b"links", repr=False)
    message_key: bytes = field(default=b"message-ids", repr=False)
    vault_key: bytes = field(default=bytes(32), repr=False)
    seal_key: bytes = field(default=bytes(32), repr=False)
    webhook_allowed_hosts: tuple[str, ...] = ()

    def furnish(self, settings: Settings) -> None:
        """Take what the settings say."""
        self.public_url = settings.public_url
        self.mail_from = settings.mail_from
        self.mail_domain = settings.mail_domain or settings.mail_from.rpartition("@")[2]
        self.language = settings.language
        self.plus_addresses = settings.mail_plus_addresses
        self.production = settings.production
        self.letter_bytes = settings.letter_megabytes * 1_000_000
        self.link_key = settings.key("links")
        self.message_key = settings.key("message-ids")
        self.vault_key = settings.key("vault")
        self.seal_key = settings.key("seals")
        self.webhook_allowed_hosts = settings.webhook_allowed_hosts

    def message_id(self, *, ticket: UUID, letter: UUID) -> str:
        """The Message-ID of a letter, without brackets: it carries ticket, letter and a seal nobody can guess."""
        return f"t{ticket.hex}.o{letter.hex}.{self._seal(ticket, letter)}@{self.mail_domain}"

    def ticket_of_message_id(self, message_id: str) -> UUID | None:
        """The ticket a Message-ID of ours belongs to; None when it is not ours or was tampered with."""
        told = _told(message_id)
        if told is None:
            return None
        ticket, letter, seal = told
        return ticket if hmac.compare_digest(seal.encode(), self._seal(ticket, letter).encode()) else None

    def ticket_claimed_by(self, message_id: str) -> UUID | None:
        """The ticket that a Message-ID shaped as ours, at our domain, speaks of, whoever sealed it."""
        told = _told(message_id)
        at_ours = message_id.strip().strip("<>").rpartition("@")[2].lower() == self.mail_domain.lower()
        return told[0] if told and at_ours else None

    def bounce_address(self, letter: UUID) -> str:
        """Where failures of one letter come back to: our address, the letter and a seal behind a plus (VERP).

        The plain address where these would make it longer than mail servers take, or where the settings say so.
        """
        local, _at, domain = self.mail_from.rpartition("@")
        whole = f"{local}+b{_base32(letter.bytes)}{self._bounce_seal(letter)}"
        fits = self.plus_addresses and len(whole) <= LONGEST_LOCAL_PART
        return f"{whole}@{domain}" if fits else self.mail_from

    def letter_of_address(self, address: str) -> UUID | None:
        """The letter whose failure this address is for; None for any other address, and for a forged one."""
        local, _at, domain = address.strip().strip("<>").lower().rpartition("@")
        ours, _at, our_domain = self.mail_from.lower().rpartition("@")
        mailbox, _plus, code = local.rpartition("+b")
        if (mailbox, domain) != (ours, our_domain) or len(code) != 26 + 12 or not code.isascii():
            return None
        try:
            letter = UUID(bytes=base64.b32decode(code[:26].upper() + "======"))
        except ValueError:
            return None
        return letter if hmac.compare_digest(code[26:].encode(), self._bounce_seal(letter).encode()) else None

    def _bounce_seal(self, letter: UUID) -> str:
        return _base32(hmac.digest(self.message_key, b"bounce:" + letter.bytes, "sha256"))[:12]

    def _seal(self, ticket: UUID, letter: UUID) -> str:
        return hmac.digest(self.message_key, ticket.bytes + letter.bytes, "sha256").hex()[:20]

    def link(self, path: str, subject: UUID) -> str:
        """The whole address of a signed page: `path` is its kind, such as `status` or `confirm`."""
        return f"{self.public_url}/{path}/{self.sign(path, subject)}"

    def sign(self, purpose: str, subject: UUID) -> str:
        """A token for a link: the id and a seal over it, for one purpose only."""
        seal = hmac.digest(self.link_key, purpose.encode() + b":" + subject.bytes, "sha256")[:18]
        return base64.urlsafe_b64encode(subject.bytes + seal).decode().rstrip("=")

    def verify(self, purpose: str, token: str) -> UUID | None:
        """The id a token was signed for; None for anything else."""
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return None
        if len(raw) != 34 or not token.isascii():
            return None
        subject = UUID(bytes=raw[:16])
        return subject if hmac.compare_digest(self.sign(purpose, subject).encode(), token.encode()) else None


def without_links(text: str) -> str:
    """The text with the secret of each signed link cut out."""
    return SIGNED_LINKS.sub(r"/\1/…", text)


def _told(message_id: str) -> tuple[UUID, UUID, str] | None:
    """Ticket, letter and seal of a Message-ID that is shaped as ours."""
    parts = message_id.strip().strip("<>").partition("@")[0].split(".")
    if len(parts) != 3 or parts[0][:1] != "t" or parts[1][:1] != "o":
        return None
    try:
        return UUID(hex=parts[0][1:]), UUID(hex=parts[1][1:]), parts[2]
    except ValueError:
        return None


def _base32(raw: bytes) -> str:
    """In small letters: mail servers do not always keep the case of an address."""
    return base64.b32encode(raw).decode().lower().rstrip("=")


HOUSE = House()
