"""What stands around the queue: the strip of figures, colleagues, saved views; all of it by one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from admin.desk.listing import CONFIRMING, LATE, SOON, WAITING
from admin.desk.reads import COLLEAGUES, Person, as_json
from service.database import fetchrow
from service.paging import capped
from service.saved_views import VIEWS, SavedView


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """The figures above the queue, each counted no further than COUNTED + 1."""

    unregistered: int
    oldest: datetime | None
    soon: int
    overdue: int
    waiting: int
    unread: int
    held: int


def _open_in(states: Sequence[str]) -> str:
    """Written out, not given as a value: so a plan made once for all is as good as one made each time."""
    return f"t.closed_at IS NULL AND t.state IN ({', '.join(repr(state) for state in states)})"


STRIP = f"""
SELECT {capped("ticket t WHERE t.number IS NULL AND t.closed_at IS NULL")} AS unregistered,
       (SELECT min(received_at) FROM ticket WHERE number IS NULL AND closed_at IS NULL) AS oldest,
       {capped(f"ticket t WHERE {SOON.format(at='$1')}")} AS soon,
       {capped(f"ticket t WHERE {LATE.format(at='$1')}")} AS overdue,
       {capped(f"ticket t WHERE {_open_in(WAITING)}")} AS waiting,
       {capped(f"ticket t WHERE {_open_in(CONFIRMING)} AND t.answer_unread")} AS unread,
       {capped("mail WHERE status IN ('held', 'failed')")} AS held
"""


async def strip(*, at: datetime) -> Strip:
    """What needs eyes now."""
    return Strip(**await fetchrow(STRIP, at))


class Around(msgspec.Struct, frozen=True):
    """The strip, whom a ticket may be given to, whose tickets are asked for, saved views."""

    strip: Strip
    people: tuple[Person, ...]
    organisation: str
    views: list[SavedView]


AROUND = f"""
SELECT json_build_object(
    'strip', (SELECT row_to_json(s) FROM ({STRIP}) s),
    'people', {as_json(COLLEAGUES.format(roles="$2", ticket="NULL"))}, 'views', {as_json(VIEWS.format(user="$3"))},
    'organisation', coalesce((SELECT name FROM organisation WHERE id = $4), '')
) AS around
"""
AROUND_DECODER = msgspec.json.Decoder(Around)


async def around_the_queue(roles: Sequence[str], *, at: datetime, user: int | None, organisation: int | None) -> Around:
    """Whoever has no account has no views of their own."""
    row = await fetchrow(AROUND, at, list(roles), user, organisation)
    return AROUND_DECODER.decode(row["around"])
