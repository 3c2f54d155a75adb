"""What happens on the desk, told to open pages: one cheap look a second for each process, shared by all its readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import structlog
from litestar import get
from litestar.response import ServerSentEvent, ServerSentEventMessage

from admin.desk.rights import DESK
from service.database import fetchrow
from service.leaving import LEAVING

log = structlog.get_logger(__name__)

EVERY: Final = 1.0  # seconds between two looks
LASTS: Final = 300.0  # seconds; then the browser comes again, and whoever was signed out is noticed
STILL: Final = 15.0  # seconds of silence after which a comment keeps the connection alive

# The newest entry and the number of held mails; both by an index, however many there are.
LOOK: Final = """
SELECT coalesce((SELECT max(id) FROM journal), 0) AS entry,
       (SELECT count(*) FROM (SELECT FROM mail WHERE status IN ('held', 'failed') LIMIT 1000) AS counted) AS held
"""

State = tuple[int, int]


class Watch:
    """Looks while somebody listens, and wakes all listeners when something is new."""

    def __init__(self) -> None:
        self.bells: set[asyncio.Event] = set()
        self.task: asyncio.Task[None] | None = None
        self.looks = 0

    def listen(self) -> asyncio.Event:
        """A bell that rings when something is new; hand it back with `leave`."""
        bell = asyncio.Event()
        self.bells.add(bell)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._look_on())
        return bell

    def leave(self, bell: asyncio.Event) -> None:
        self.bells.discard(bell)

    async def _look_on(self) -> None:
        before = await self._look()
        while self.bells and not LEAVING.begun:
            await asyncio.sleep(EVERY)
            now = await self._look()
            if now != before and now is not None:
                before = now
                for bell in self.bells:
                    bell.set()
        for bell in self.bells:  # they see that it is over
            bell.set()

    async def _look(self) -> State | None:
        self.looks += 1
        try:
            row = await fetchrow(LOOK)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            log.warning("the desk could not be looked at", why=str(error))
            return None
        return row["entry"], row["held"]


WATCH = Watch()


@get("/desk/stream", guards=[DESK])
async def stream() -> ServerSentEvent:
    """`news` whenever something has happened; what it was, the page finds out by itself."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return ServerSentEvent(_news(), headers=headers)


async def _news() -> AsyncIterator[ServerSentEventMessage]:
    clock = asyncio.get_running_loop().time
    ends = clock() + LASTS
    bell = WATCH.listen()
    try:
        yield ServerSentEventMessage(comment="here", retry=2_000)
        while clock() < ends and not LEAVING.begun:
            try:
                await asyncio.wait_for(bell.wait(), STILL)
            except TimeoutError:
                yield ServerSentEventMessage(comment="still here")
                continue
            bell.clear()
            if not LEAVING.begun:
                yield ServerSentEventMessage(data="news")
    finally:
        WATCH.leave(bell)
