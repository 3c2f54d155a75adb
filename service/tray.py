"""The ways out of the tray of held mail, as the desk calls them; the part that reads mail fills them in.

Pages never import what reads mail: the composition root hangs `notifications.mail.held` here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from service.actors import Actor
from workflow.words import _

# Why a mail waits, by the kind it was taken for.
WHY: Mapping[str, str] = {
    "machine": _("A machine sent this"),
    "bounce": _("A letter came back that is not ours"),
    "too_big": _("It is too big"),
    "spam_mark": _("Marked as spam on the way here"),
    "forged": _("The sender's domain says it is not from there"),
    "empty": _("Neither text nor a file that may be kept"),
    "no_sender": _("It names no sender to answer"),
    "stranger": _("It names a ticket its sender has nothing to do with"),
    "colleague": _("One of us answered in the customer's place"),
    "follow_up": _("Its ticket is closed: a linked ticket is proposed"),
}
FAILED = _("It could not be read")  # whatever kind it might have been
ASIDE = _("It was set aside")


def why(status: str, kind: str) -> str:
    """Why a mail waits, as a sentence to be translated."""
    return FAILED if status == "failed" else WHY.get(kind, ASIDE)


class ShownFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a held mail: named, not kept. `refused` says why it would not be taken, '' when it would."""

    filename: str
    content_type: str
    size: int
    refused: str


class ShownMail(msgspec.Struct, frozen=True, kw_only=True):
    """What a held mail says. `reply` is its own part, `text` the whole; `html` is harmless already.

    `remote_images` are the pictures left out of `html`, because whoever fetches them tells the sender so.
    """

    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    reply: str
    html: str
    remote_images: int
    files: tuple[ShownFile, ...]


class Ways(Protocol):
    """Each is one transaction and one journaled act. Raises NotFound, and Refusal when somebody was faster.

    Only `show` changes nothing: it reads the mail anew, with remote pictures when they are asked for.
    """

    async def show(self, mail: UUID, *, remote: bool = False) -> ShownMail | None: ...

    async def make_ticket(self, mail: UUID, *, by: Actor, at: datetime) -> UUID: ...

    async def join(self, mail: UUID, ticket: UUID, *, by: Actor, at: datetime) -> UUID: ...

    async def mark_spam(self, mail: UUID, *, by: Actor, at: datetime) -> None: ...

    async def drop(self, mail: UUID, *, by: Actor, at: datetime) -> None: ...

    async def learn_sender(
        self,
        mail: UUID,
        *,
        by: Actor,
        at: datetime,
        organisation: int,
        contact: int | None = None,
        full_name: str = "",
    ) -> int: ...

    async def read_again(self, mail: UUID, *, by: Actor, at: datetime) -> None: ...

    async def take_back(self, mail: UUID, *, by: Actor, at: datetime) -> None: ...


_ways: list[Ways] = []


def hang(ways: Ways) -> None:
    """Say who empties the tray; called by the composition root."""
    _ways[:] = [ways]


def ways_out() -> Ways:
    """Who empties the tray. Raises RuntimeError where the composition root forgot to say."""
    if not _ways:
        raise RuntimeError("hang() comes before the first way out of the tray")
    return _ways[0]
