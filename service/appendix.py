"""The journal of requests in the form of Appendix 1: six columns, one ticket a row, its progress dated line by line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

import msgspec

from service.database import fetch
from service.words import Language, translate
from workflow.process import PROCESS
from workflow.words import _

PAGE = 200
HEADS = (
    _("Priority"), _("Organisation"), _("Text of the request"), _("Status of the request"), _("Contacts"),
    _("Date \\ Progress"),
)  # fmt: skip
WIDTHS = (10, 28, 60, 12, 36, 70)  # characters
OPEN, CLOSED = _("Open"), _("Closed")
RECEIVED = _("Received")

# Acts that keep the state and are progress all the same; notes among colleagues and of the clock are not.
PROGRESS = frozenset({"assign", "change_priority", "extend", "answer", "reply", "identify", "attach", "split", "link"})


class Line(msgspec.Struct, frozen=True):
    """One dated line of the progress."""

    at: datetime
    text: str


class Request(msgspec.Struct, frozen=True):
    """One request as the form has it. `contacts`: name, position, phone, e-mail, contract number, in this order."""

    id: UUID
    number: str
    received_at: datetime
    priority: str
    organisation: str
    text: str
    open: bool
    contacts: tuple[str, str, str, str, str]
    progress: tuple[Line, ...]


async def requests(
    *,
    since: datetime,
    until: datetime,
    language: Language,
    organisation: int | None = None,
    limit: int | None = None,
    after: tuple[datetime, UUID] | None = None,
) -> AsyncIterator[list[Request]]:
    """Pages of the requests received in the half-open period, the oldest first; at most `limit` in all.

    `after` is the last request that is left out, by its receipt and id.
    """
    place: tuple[datetime, UUID] = max((since, UUID(int=0)), after or (since, UUID(int=0)))
    people = {str(row["id"]): row["name"] for row in await fetch("SELECT id, name FROM app_user")}
    left = limit
    while left is None or left > 0:
        rows = await fetch(
            "SELECT id, number, received_at, priority, organisation_name, text, closed_at, full_name, position, phone, "
            "email, contract_number FROM ticket WHERE (received_at, id) > ($1, $2) AND received_at < $3 "
            "AND ($4::bigint IS NULL OR organisation = $4) ORDER BY received_at, id LIMIT $5",
            *place, until, organisation, min(PAGE, left or PAGE),
        )  # fmt: skip
        if not rows:
            return
        progress = await _progress([row["id"] for row in rows], language=language, people=people)
        yield [_request(row, progress.get(row["id"], [])) for row in rows]
        place = (rows[-1]["received_at"], rows[-1]["id"])
        left = None if left is None else left - len(rows)


def cells(request: Request, *, language: Language, zone: tzinfo) -> list[str]:
    """The six cells of the form."""
    return [
        request.priority,
        request.organisation,
        request.text,
        translate(language, OPEN if request.open else CLOSED),
        "\n".join(f"{n}. {told}" for n, told in enumerate(request.contacts, start=1)),
        "\n".join(f"{moment(line.at, zone)} \\ {line.text}" for line in request.progress),
    ]


def moment(at: datetime, zone: tzinfo) -> str:
    """An instant as the form writes it: 21.11.16 16:39."""
    return f"{at.astimezone(zone):%d.%m.%y %H:%M}"


def _request(row: Any, progress: Sequence[Line]) -> Request:
    return Request(
        id=row["id"], number=row["number"] or "", received_at=row["received_at"], priority=row["priority"] or "",
        organisation=row["organisation_name"], text=row["text"], open=row["closed_at"] is None,
        contacts=(row["full_name"], row["position"], row["phone"], row["email"], row["contract_number"]),
        progress=tuple(progress),
    )  # fmt: skip


# --- the progress -----------------------------------------------------------------------------------------------------

ENTRIES = """
SELECT j.ticket, j.seq, j.at, j.trigger, j.from_state, j.to_state, j.actor_kind, j.actor_name, j.body,
       (SELECT string_agg(coalesce(nullif(m.reply, ''), m.text), E'\n' ORDER BY m.at, m.id) FROM message m
        WHERE m.ticket = j.ticket AND m.seq = j.seq AND m.direction IN ('in', 'out')) AS said
FROM journal j WHERE j.ticket = ANY($1) ORDER BY j.ticket, j.seq
"""


async def _progress(tickets: Sequence[UUID], *, language: Language, people: dict[str, str]) -> dict[UUID, list[Line]]:
    lines: dict[UUID, list[Line]] = {}
    for row in await fetch(ENTRIES, list(tickets)):
        moved = row["from_state"] != row["to_state"]
        if moved or row["trigger"] in PROGRESS:
            text = _told(row, language=language, people=people)
            lines.setdefault(row["ticket"], []).append(Line(row["at"], text))
    return lines


def _told(row: Any, *, language: Language, people: dict[str, str]) -> str:
    """What was done, by whom, and what was said with it; the request itself stands in a column of its own."""
    move = PROCESS.by_trigger.get(row["trigger"])
    what = translate(language, move.in_journal if move else RECEIVED)
    state = translate(language, PROCESS.state(row["to_state"]).label)
    if move is not None and row["from_state"] != row["to_state"] and state != what:
        what = f"{what} → {state}"
    told = [f"{what}."]
    data = msgspec.json.decode(bytes(row["body"]))["data"]
    if number := data.get("number"):
        told.append(f"{number}.")
    if assignee := data.get("assignee"):
        name = people.get(str(assignee), str(assignee))
        told.append(translate(language, _("Responsible: {name}."), name=name))
    if move is not None and row["said"]:
        told.append(str(row["said"]).strip())
    if row["actor_kind"] == "staff":
        told.append(f"({row['actor_name']})")
    return " ".join(told)
