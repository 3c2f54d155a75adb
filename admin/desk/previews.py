"""The letter a move would send, shown before it is sent: everything is decided and rendered, nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from service.actors import Actor
from service.change import Change, File
from service.database import fetchval
from service.enclosures import Enclosure
from service.ticket import Ticket
from service.tickets import act, find_references
from service.writing import LETTERS, OUTBOX
from workflow.definition import Move
from workflow.regulation import Rulebook

FOR, CARRIES = OUTBOX.names.index("event_id"), OUTBOX.names.index("files")
NEXT_NUMBER = "SELECT last_value + CASE WHEN is_called THEN 1 ELSE 0 END FROM ticket_number"


async def letters_of(
    ticket: Ticket,
    move: Move,
    *,
    by: Actor,
    at: datetime,
    given: Mapping[str, object],
    rules: Rulebook,
    files: Sequence[File] = (),
) -> list[dict[str, Any]]:
    """The letters: `recipient`, `subject`, `text` and `files` of each. Raises the refusals the move itself would meet.

    A number that registering would give is the next one now; somebody else may be given it meanwhile.
    """
    change = Change(ticket, now=at, cause="preview")
    found = await find_references(move.trigger, given, ticket=ticket.id, at=at)
    numbers = move.to is not None and ticket.number is None and move.field("priority") is not None
    number = await fetchval(NEXT_NUMBER) if numbers else None
    act(change, move.trigger, by=by, given=given, found=found, in_force=rules.version, number=number, files=files)
    written = change.batch.rows.get(LETTERS.table, [])
    sent = {row[FOR]: row[CARRIES] for row in change.batch.rows.get(OUTBOX.table, [])}
    letters = [dict(zip(LETTERS.names, row, strict=True)) for row in written]
    return [one | {"files": msgspec.json.decode(sent[str(one["id"])], type=list[Enclosure])} for one in letters]
