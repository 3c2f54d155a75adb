"""What happens on the desk, told to open pages: one cheap look a second for each process, shared by all its readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import msgspec
import structlog
from litestar import get
from litestar.response import ServerSentEvent, ServerSentEventMessage

from admin.desk.rights import DESK
from admin.reading import AnyRequest
from service.auth import actor_of
from service.database import fetchrow
from service.leaving import LEAVING
from service.notices import UNREAD
from service.paging import capped

log = structlog.get_logger(__name__)

EVERY: Final = 1.0  # seconds between two looks
LASTS: Final = 300.0  # seconds; then the browser comes again, and whoever was signed out is noticed
STILL: Final = 15.0  # seconds of silence after which a comment keeps the connection alive

# The newest entry, the number of held mails, and what each listener has not read; all by an index, however many there
# are.
LOOK: Final = f"""
SELECT coalesce((SELECT max(id) FROM journal), 0) AS entry,
       {capped("mail WHERE status IN ('held', 'failed')")} AS held,
       (SELECT json_object_agg(reader, {UNREAD.format(user="reader")}) FROM unnest($1::bigint[]) AS reader) AS unread
"""


class State(msgspec.Struct, frozen=True):
    """What one look saw."""

    entry: int
    held: int


class Listener:
    """One open page: who reads it, and what it has yet to be told."""

    def __init__(self, user: int | None) -> None:
        self.user = user
        self.bell = asyncio.Event()
        self.news = False
        self.unread: int | None = None

    def hear(self, *, news: bool, unread: int | None) -> None:
        """Ring when something happened on the desk, or when another number of notices is unread."""
        self.news = self.news or news
        if news or (unread is not None and unread != self.unread):
            self.unread = unread
            self.bell.set()


class Watch:
    """Looks while somebody listens, and wakes those for whom something is new."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.task: asyncio.Task[None] | None = None
        self.looked = asyncio.Event()
        self.looks = 0

    async def listen(self, listener: Listener) -> None:
        """From the return on nothing is missed. Hand the listener back with `leave`.

        While the database does not answer it waits for one that does.
        """
        self.listeners.add(listener)
        if self.task is None or self.task.done():
            self.looked.clear()
            self.task = asyncio.create_task(self._look_on())
        await self.looked.wait()

    def leave(self, listener: Listener) -> None:
        self.listeners.discard(listener)

    async def _look_on(self) -> None:
        before: State | None = None
        while self.listeners and not LEAVING.begun:
            if (seen := await self._look()) is not None:
                now, unread = seen
                for listener in self.listeners:
                    listener.hear(news=before not in (None, now), unread=unread.get(listener.user or 0))
                before = now
                self.looked.set()
            await asyncio.sleep(EVERY)
        self.looked.set()
        for listener in self.listeners:  # they see that it is over
            listener.bell.set()

    async def _look(self) -> tuple[State, dict[int, int]] | None:
        self.looks += 1
        readers = sorted({listener.user for listener in self.listeners if listener.user is not None})
        try:
            row = await fetchrow(LOOK, readers)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("the desk could not be looked at", why=str(error))
            return None
        return State(row["entry"], row["held"]), msgspec.json.decode(row["unread"] or "{}", type=dict[int, int])


WATCH = Watch()


@get("/desk/stream", guards=[DESK])
async def stream(request: AnyRequest) -> ServerSentEvent:
    """`news` whenever something has happened; what it was, the page finds out by itself. `bell` tells how many notices
    the reader has not read."""
    user = (await actor_of(request)).user
    return news(int(user) if user else None)


def news(user: int | None) -> ServerSentEvent:
    """The stream for any page that may know that something has happened; it tells nothing else, but for the bell."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return ServerSentEvent(_news(user), headers=headers)


async def _news(user: int | None = None) -> AsyncIterator[ServerSentEventMessage]:
    clock = asyncio.get_running_loop().time
    ends = clock() + LASTS
    listener = Listener(user)
    told: int | None = None
    try:
        await WATCH.listen(listener)
        yield ServerSentEventMessage(comment="here", retry=2_000)
        while clock() < ends and not LEAVING.begun:
            try:
                await asyncio.wait_for(listener.bell.wait(), STILL)
            except TimeoutError:
                yield ServerSentEventMessage(comment="still here")
                continue
            listener.bell.clear()
            if listener.unread is not None and listener.unread != told:
                told = listener.unread
                yield ServerSentEventMessage(event="bell", data=str(told))
            if listener.news and not LEAVING.begun:
                listener.news = False
                yield ServerSentEventMessage(data="news")
    finally:
        WATCH.leave(listener)
