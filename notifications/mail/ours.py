"""Which addresses are ours, and which mail server's word about a sender is believed."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from authres import AuthenticationResultsHeader
from authres.core import AuthResError

from notifications.mail.classify import House
from notifications.mail.parsed import ParsedMail
from service.house import HOUSE
from service.settings import Settings

log = structlog.get_logger(__name__)


@dataclass
class Ours:
    """Filled once, at the composition root."""

    addresses: frozenset[str] = frozenset()
    authserv_id: str = ""

    def furnish(self, settings: Settings) -> None:
        """Take what the settings say."""
        self.addresses = frozenset(address.lower() for address in settings.mail_addresses if address[:1] != "@")
        self.authserv_id = (settings.authserv_id or "").lower()

    def house(self) -> House:
        """What the classification must know of us."""
        return House(addresses=self.addresses | {HOUSE.mail_from.lower()}, wrote=_wrote)


OURS = Ours()


def _wrote(message_id: str) -> bool:
    return HOUSE.ticket_of_message_id(message_id) is not None


def refuted(mail: ParsedMail) -> str:
    """What our own mail server found against the sender: a failed DMARC (RFC 8601); '' when nothing.

    Only its topmost header counts: whatever a sender wrote under the same name stands below it.
    """
    if not OURS.authserv_id:
        return ""
    for value in mail.all("authentication-results"):
        try:
            told = AuthenticationResultsHeader.parse(f"Authentication-Results: {value}")
        except AuthResError as wrong:
            log.info("Authentication-Results not understood", value=value[:200], why=str(wrong))
            continue
        if str(told.authserv_id).lower() == OURS.authserv_id:
            failed = [one for one in told.results if one.method == "dmarc" and one.result == "fail"]
            return "dmarc=fail" if failed else ""
    return ""
