"""What this installation is called and where it is reached; filled once, at the composition root."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field
from uuid import UUID

from service.settings import Settings


@dataclass
class House:
    """Addresses and keys that letters, links and webhooks need."""

    public_url: str = "http://127.0.0.1:8000"
    mail_from: str = "support@reglament.example.org"
    mail_domain: str = "reglament.example.org"
    language: str = "ru"
    production: bool = False
    link_key: bytes = field(default=b"links", repr=False)
    message_key: bytes = field(default=b"message-ids", repr=False)
    vault_key: bytes = field(default=bytes(32), repr=False)
    webhook_allowed_hosts: tuple[str, ...] = ()

    def furnish(self, settings: Settings) -> None:
        """Take what the settings say."""
        self.public_url = settings.public_url
        self.mail_from = settings.mail_from
        self.mail_domain = settings.mail_domain or settings.mail_from.rpartition("@")[2]
        self.language = settings.language
        self.production = settings.production
        self.link_key = settings.key("links")
        self.message_key = settings.key("message-ids")
        self.vault_key = settings.key("vault")
        self.webhook_allowed_hosts = settings.webhook_allowed_hosts

    def message_id(self, *, ticket: UUID, letter: UUID) -> str:
        """The Message-ID of a letter, without brackets: it carries ticket, letter and a seal nobody can guess."""
        return f"t{ticket.hex}.o{letter.hex}.{self._seal(ticket, letter)}@{self.mail_domain}"

    def ticket_of_message_id(self, message_id: str) -> UUID | None:
        """The ticket a Message-ID of ours belongs to; None when it is not ours or was tampered with."""
        parts = message_id.strip().strip("<>").partition("@")[0].split(".")
        if len(parts) != 3 or parts[0][:1] != "t" or parts[1][:1] != "o":
            return None
        try:
            ticket, letter = UUID(hex=parts[0][1:]), UUID(hex=parts[1][1:])
        except ValueError:
            return None
        return ticket if hmac.compare_digest(parts[2].encode(), self._seal(ticket, letter).encode()) else None

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


HOUSE = House()
