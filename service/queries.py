"""The reads: tickets, their journals, messages and files, and the feed of events; each list a keyset page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service.actors import Actor
from service.conditions import Where
from service.database import fetch, fetchrow
from service.journal import COLUMNS, Entry, read_entry
from service.paging import cursor_of, cut, place_of
from service.searching import number_in, searchable
from service.ticket import FROM, SELECT, Ticket, read_ticket
from service.tickets import know_rules
from workflow.errors import FieldError, NotFound, WrongFields, no_choice
from workflow.process import PROCESS
from workflow.words import _


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which tickets are asked for; what is empty does not matter.

    `assignee` may be an id, an address, me or none; `watcher` the same but none; `team` an id or a code.
    """

    state: Sequence[str] = ()
    priority: Sequence[str] = ()
    assignee: str = ""
    team: str = ""
    watcher: str = ""
    organisation: str = ""
    overdue: bool | None = None
    channel: str = ""
    product: str = ""
    contract: str = ""
    email: str = ""
    outcome: str = ""
    unidentified: bool | None = None
    received_from: datetime | None = None
    received_until: datetime | None = None
    q: str = ""


async def ticket_named(value: str) -> Ticket:
    """The ticket with this id or number, its rules known. Raises NotFound."""
    id = as_uuid(value)
    if "\x00" in value:
        raise NotFound()
    where = "t.id = $1" if id else "t.number = upper($1)"
    row = await fetchrow(f"{SELECT} {FROM} WHERE {where}", id or value)
    if row is None:
        raise NotFound(_("There is no ticket “{value}”."), value=value)
    ticket = read_ticket(row)
    await know_rules(ticket)
    return ticket


async def id_named(value: str) -> UUID:
    """The id of the ticket with this id or number; an id is believed without a look. Raises NotFound."""
    if id := as_uuid(value):
        return id
    row = None if "\x00" in value else await fetchrow("SELECT id FROM ticket WHERE number = upper($1)", value)
    if row is None:
        raise NotFound(_("There is no ticket “{value}”."), value=value)
    found: UUID = row["id"]
    return found


def as_uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


# --- the list of tickets ----------------------------------------------------------------------------------------------

PLACE = msgspec.json.Decoder(tuple[datetime, UUID])
SEQ = msgspec.json.Decoder(tuple[int])
FEED_PLACE = msgspec.json.Decoder(tuple[str, int])


async def tickets(
    wanted: Wanted, *, by: Actor, at: datetime, limit: int, cursor: str | None = None
) -> tuple[list[Ticket], str | None]:
    """A page of tickets, the newest first, and the cursor of the next one. Raises WrongFields."""
    where = Where()
    if place := place_of(cursor, PLACE):
        where.add("(t.received_at, t.id) < ({}, {})", place[0], place[1])
    _states(where, wanted.state)
    if wanted.priority:
        codes = [code.replace("\x00", "\N{REPLACEMENT CHARACTER}") for code in wanted.priority]
        where.add("t.priority = ANY({})", codes)
    _assignee(where, wanted.assignee, by)
    _people(where, wanted, by)
    _organisation(where, wanted.organisation)
    if wanted.overdue is not None:
        _overdue(where, wanted.overdue, at)
    _facts(where, wanted)
    if words := wanted.q.replace("\x00", " ").strip():
        # Both sides are served by an index each; a number need not be written as the search would split it.
        either = "(t.search @@ websearch_to_tsquery('russian', {0}) OR t.number = {1})"
        where.add(either, searchable(words), number_in(words))
    rows = await fetch(
        f"{SELECT} {FROM} {where.sql} ORDER BY t.received_at DESC, t.id DESC LIMIT {limit + 1}", *where.values
    )
    page, more = cut(rows, limit)
    found = [read_ticket(row) for row in page]
    for ticket in found:
        await know_rules(ticket)
    return found, cursor_of(found[-1].received_at, found[-1].id) if more else None


def _states(where: Where, states: Sequence[str]) -> None:
    if not states:
        return
    if unknown := [state for state in states if state not in PROCESS.by_name]:
        raise WrongFields([no_choice("state", unknown, PROCESS.by_name)])
    if len(states) == 1:
        where.add("t.state = {}", states[0])  # its index gives them in their order
    else:
        where.add("t.state = ANY({})", list(states))
    if not any(PROCESS.state(state).final for state in states):
        where.add("t.closed_at IS NULL")  # leads to the partial indexes


def _assignee(where: Where, assignee: str, by: Actor) -> None:
    word = assignee.replace("\x00", "").strip()
    if word == "none":
        where.add("t.assignee IS NULL")
    elif word == "me":
        where.add("t.assignee::text = {}", by.user)
    elif word:
        where.add("t.assignee = (SELECT id FROM app_user WHERE email = lower({0}) OR id::text = {0} LIMIT 1)", word)


def _people(where: Where, wanted: Wanted, by: Actor) -> None:
    """Whose team has the ticket, and who watches it."""
    if team := wanted.team.replace("\x00", "").strip():
        where.add(
            't.assignee = ANY(ARRAY(SELECT m."user" FROM team_member m JOIN team k ON k.id = m.team '
            "WHERE k.code = lower({0}) OR k.id::text = {0}))",
            team,
        )
    if watcher := wanted.watcher.replace("\x00", "").strip():
        where.add(
            't.id = ANY(ARRAY(SELECT w.ticket FROM ticket_watch w JOIN app_user u ON u.id = w."user" '
            "WHERE u.email = lower({0}) OR u.id::text = {0}))",
            by.user if watcher == "me" else watcher,
        )


def _organisation(where: Where, organisation: str) -> None:
    if word := organisation.replace("\x00", "").strip():
        where.add(
            "(t.organisation = ANY(ARRAY(SELECT o.id FROM (SELECT coalesce(merged_into, id) AS id FROM organisation "
            "WHERE id::text = {0} OR lower(name) = lower({0}) LIMIT 1) AS named "
            "JOIN organisation o ON o.id = named.id OR o.merged_into = named.id)) "
            "OR (t.organisation IS NULL AND lower(t.organisation_name) = lower({0})))",
            word,
        )


def _facts(where: Where, wanted: Wanted) -> None:
    """What stands on the ticket as it was said or found out."""
    for column, word in (
        ("t.channel", wanted.channel), ("lower(t.product)", wanted.product.lower()),
        ("lower(t.contract_number)", wanted.contract.lower()), ("lower(t.email)", wanted.email.lower()),
        ("t.outcome", wanted.outcome),
    ):  # fmt: skip
        if word := word.replace("\x00", "").strip():
            where.add(f"{column} = {{}}", word)
    if wanted.unidentified is not None:
        where.add("(t.organisation IS NULL) = {}", wanted.unidentified)
    if wanted.received_from is not None:
        where.add("t.received_at >= {}", wanted.received_from)
    if wanted.received_until is not None:
        where.add("t.received_at < {}", wanted.received_until)


def _overdue(where: Where, overdue: bool, at: datetime) -> None:
    late = "(t.closed_at IS NULL AND t.late_from < {0})"
    where.add(late if overdue else f"coalesce(NOT {late}, true)", at)


# --- what belongs to one ticket ---------------------------------------------------------------------------------------


async def journal(ticket: UUID, *, limit: int, cursor: str | None = None) -> tuple[list[Entry], str | None]:
    """A page of the journal, the oldest entry first."""
    place = place_of(cursor, SEQ)
    rows = await fetch(
        f"SELECT {COLUMNS} FROM journal WHERE ticket = $1 AND seq > $2 ORDER BY seq LIMIT $3",
        ticket, _small(place[0]) if place else 0, limit + 1,
    )  # fmt: skip
    page, more = cut(rows, limit)
    entries = [read_entry(row) for row in page]
    return entries, cursor_of(entries[-1].seq) if more else None


def _small(number: int) -> int:
    """What fits the column; beyond it there is nothing."""
    return max(0, min(number, 2**31 - 1))


async def messages(ticket: UUID, *, limit: int, cursor: str | None = None) -> tuple[list[Any], str | None]:
    """A page of what was said, the oldest first."""
    place = place_of(cursor, PLACE)
    rows = await fetch(
        "SELECT id, seq, direction, author, text, reply, method, minutes, at FROM message WHERE ticket = $1 "
        "AND ($2::timestamptz IS NULL OR (at, id) > ($2, $3)) ORDER BY at, id LIMIT $4",
        ticket, *(place or (None, None)), limit + 1,
    )  # fmt: skip
    page, more = cut(rows, limit)
    return page, cursor_of(page[-1]["at"], page[-1]["id"]) if more else None


async def attachments(ticket: UUID, *, limit: int, cursor: str | None = None) -> tuple[list[Any], str | None]:
    """A page of the files, the oldest first."""
    place = place_of(cursor, PLACE)
    rows = await fetch(
        "SELECT id, message, filename, content_type, size, sha256, refused, at FROM attachment WHERE ticket = $1 "
        "AND ($2::timestamptz IS NULL OR (at, id) > ($2, $3)) ORDER BY at, id LIMIT $4",
        ticket, *(place or (None, None)), limit + 1,
    )  # fmt: skip
    page, more = cut(rows, limit)
    return page, cursor_of(page[-1]["at"], page[-1]["id"]) if more else None


FILE = "SELECT a.id, a.message, a.filename, a.content_type, a.size, a.sha256, a.refused, a.at FROM attachment a"


async def attachments_of(ticket: UUID, *, cause: str) -> list[Any]:
    """The files that came with the act of this cause, in their order."""
    return await fetch(
        f"{FILE} JOIN journal j ON j.ticket = a.ticket AND j.at = a.at WHERE a.ticket = $1 AND j.cause = $2 "
        "ORDER BY a.id",
        ticket, cause,
    )  # fmt: skip


async def attachment(value: str) -> Any:
    """The row of one file. Raises NotFound."""
    id = as_uuid(value)
    row = await fetchrow(f"{FILE} WHERE a.id = $1", id) if id else None
    if row is None:
        raise NotFound()
    return row


async def known_id(value: str) -> UUID:
    """The id of a ticket that exists. Raises NotFound."""
    id = await id_named(value)
    if await fetchrow("SELECT FROM ticket WHERE id = $1", id) is None:
        raise NotFound(_("There is no ticket “{value}”."), value=value)
    return id


# --- the feed ---------------------------------------------------------------------------------------------------------

# Transactions that are still open may yet write events with lower positions: nothing is shown past the oldest of them,
# or a reader would go on and never see theirs.
# The column, not the text selected under the same name: as text, 1000 comes before 999.
FEED = """
SELECT event_id, type, body, txid::text AS txid, position FROM event
WHERE (txid, position) > ($1::text::xid8, $2) AND txid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY event.txid, position LIMIT $3
"""


async def events(*, after: str | None, limit: int) -> tuple[list[Any], str | None]:
    """The events after a cursor or after the event with this id, in an order in which none is ever missed."""
    txid, position = await _place_in_feed(after)
    rows = await fetch(FEED, txid, position, limit)
    return rows, cursor_of(rows[-1]["txid"], rows[-1]["position"]) if rows else None


async def _place_in_feed(after: str | None) -> tuple[str, int]:
    if after and after.startswith("evt_") and "\x00" not in after:
        row = await fetchrow("SELECT txid::text AS txid, position FROM event WHERE event_id = $1", after)
        if row is None:
            raise WrongFields([FieldError("after", _("There is no event with this id."), {})])
        return row["txid"], row["position"]
    place = place_of(after, FEED_PLACE, field="after")
    if place is None:
        return "0", 0
    txid, position = place
    if not (txid.isascii() and txid.isdigit() and len(txid) < 20 and 0 <= position < 2**63):
        raise WrongFields([FieldError("after", _("This is not a cursor of this list. Begin without one."), {})])
    return txid, position
