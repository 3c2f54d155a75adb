"""Who watches a ticket: people of the desk follow it and are told of what happens, until they stop or it is over."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from service import config_journal
from service.actors import Actor
from service.database import DB, execute, fetch, fetchrow, retried
from workflow.errors import NotFound, Refusal
from workflow.words import _


class NobodyWatches(Refusal):
    """A program without an account has no bell and no address."""

    code = "nobody"
    sentence = _("Only a person can watch a ticket: use a token that acts for an account.")


class Watcher(msgspec.Struct, frozen=True):
    """Somebody who watches a ticket."""

    id: int
    email: str
    name: str
    since: datetime


@retried
async def watch(ticket: UUID, *, by: Actor, at: datetime) -> None:
    """Be told of what happens to the ticket from now on; watching twice is watching once.

    Raises NotFound, and NobodyWatches for a program without an account.
    """
    async with DB.transaction(allow_nested=False):
        subject = await _subject(ticket, by)
        if await execute(
            'INSERT INTO ticket_watch (ticket, "user", since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
            ticket, int(by.user), at,
        ):  # fmt: skip
            await config_journal.note(by=by, at=at, act="ticket.watch", subject=subject)


@retried
async def stop_watching(ticket: UUID, *, by: Actor, at: datetime) -> None:
    """Be told no more; what is under the bell stays there. Raises NotFound and NobodyWatches."""
    async with DB.transaction(allow_nested=False):
        subject = await _subject(ticket, by)
        if await execute('DELETE FROM ticket_watch WHERE ticket = $1 AND "user" = $2', ticket, int(by.user)):
            await config_journal.note(by=by, at=at, act="ticket.unwatch", subject=subject)


async def _subject(ticket: UUID, by: Actor) -> str:
    if not by.user:
        raise NobodyWatches()
    row = await fetchrow("SELECT number FROM ticket WHERE id = $1", ticket)
    if row is None:
        raise NotFound()
    return f"ticket {row['number'] or ticket}"


async def watchers(ticket: UUID) -> list[Watcher]:
    """Who watches the ticket, the longest first."""
    rows = await fetch(
        'SELECT u.id, u.email, u.name, w.since FROM ticket_watch w JOIN app_user u ON u.id = w."user" '
        "WHERE w.ticket = $1 AND u.active ORDER BY w.since, u.id LIMIT 500",
        ticket,
    )
    return [Watcher(**row) for row in rows]
