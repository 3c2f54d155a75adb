"""The worker: a loop over the database that guarantees everything, and a bell on Redis that makes it prompt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import structlog

from notifications import outbox
from notifications.letters import Letters
from notifications.mail.held_clock import fire_held_due
from notifications.mail.imap import fetch_mail
from notifications.mail.ours import OURS
from notifications.mail.reading import read_stored
from notifications.mailbox import open_mailbox
from notifications.outbox import LEASE, TIMEOUT, Courier
from notifications.post import TOTAL_TIMEOUT, Poster
from notifications.ringing import TASKS, hear_the_bell
from notifications.smtp import SmtpServer, parse_smtp_url
from notifications.timers import Timers
from notifications.webhooks import MOST_AT_ONCE, Webhooks
from service import alarms, audits, clock, republishing, retention
from service.address_guard import AddressGuard
from service.database import fetchrow
from service.settings import Settings
from workflow.words import _

log = structlog.get_logger(__name__)

TICK = 1.0  # seconds between looks into the database
SWEEP_EVERY = 5.0
AUDIT_EVERY = 60.0
FORGET_EVERY = 3600.0
KEEP_DELIVERIES = timedelta(days=30)
PATIENCE = 20.0  # seconds for what is in flight at shutdown
PAUSE_AFTER_ERROR = 1.0
WHILE_BEHIND = 4  # webhooks under way while overdue timers wait: deadlines first, what they cause afterwards
JUMP = 30.0  # seconds the wall clock may stray from the steady one between two looks
CALM = 60.0  # seconds without firing after a jump

# One look a second tells what there is to do; each of these is answered by a partial index.
LOOK = """
WITH clock AS MATERIALIZED (SELECT now() + $1::interval AS at)
SELECT
    EXISTS (SELECT FROM timer WHERE status = 'armed' AND due_at <= (SELECT at FROM clock)) AS fire_timers,
    EXISTS (
        SELECT FROM outbox WHERE status = 'pending' AND next_at <= (SELECT at FROM clock) AND channel = 'letter'
    ) AS send_letters,
    EXISTS (
        SELECT FROM webhook w WHERE w.status = 'enabled' AND coalesce(w.hold_until <= (SELECT at FROM clock), true)
        AND EXISTS (
            SELECT FROM outbox o WHERE o.channel = 'webhook' AND o.endpoint = w.id::text AND o.status = 'pending'
            AND o.next_at <= (SELECT at FROM clock)
        )
    ) AS send_webhooks,
    EXISTS (SELECT FROM mail WHERE status = 'stored') AS ingest_mail,
    EXISTS (
        SELECT FROM republication WHERE finished_at IS NULL AND starts_at <= (SELECT at FROM clock)
    ) AS carry_over
"""


class ClockGuard:
    """Notices when the wall clock jumps. It looks at the real clocks only: moving the development clock is no jump."""

    def __init__(self, *, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._apart = wall() - steady()
        self._calm_at = steady()

    def jumped(self) -> float | None:
        """By how many seconds the wall clock jumped since the last look; None when it did not."""
        apart = self._wall() - self._steady()
        by, self._apart = apart - self._apart, apart
        if abs(by) <= JUMP:
            return None
        self._calm_at = self._steady() + CALM
        return by

    @property
    def calm(self) -> bool:
        """Whether timers may fire: no jump within the last minute."""
        return self._steady() >= self._calm_at


class Duty:
    """One kind of work, done by one loop whenever it is called for; many calls at once are one."""

    def __init__(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        self.name = name
        self._work = work
        self._called = asyncio.Event()

    def call(self) -> None:
        """There may be something to do. Harmless when there is not."""
        self._called.set()

    async def serve(self) -> None:
        """Work when called, until cancelled. An error costs a moment and a line in the log, never the loop."""
        while True:
            await self._called.wait()
            self._called.clear()
            if not await attempted(self.name, self._work):
                await asyncio.sleep(PAUSE_AFTER_ERROR)


async def attempted(name: str, work: Callable[[], Awaitable[object]]) -> bool:
    """Do it; False when it raised, which is logged: the next round finds the work again in the database."""
    try:
        await work()
    except Exception as error:
        log.error("work broke off", work=name, error=repr(error), exc_info=not isinstance(error, OSError))
        return False
    return True


class Worker:
    """Everything one worker process does. The database must be connected."""

    def __init__(
        self,
        *,
        smtp: SmtpServer,
        poster: Poster,
        guard: ClockGuard | None = None,
        keep_deliveries: timedelta = KEEP_DELIVERIES,
    ) -> None:
        demand_long_leases()
        self._keep_deliveries = keep_deliveries
        self._guard = guard or ClockGuard()
        self._timers = Timers()
        self._stopping = False
        self.letters = Courier(Letters(smtp), on_return=lambda: self.duties["send_letters"].call())
        self.webhooks = Courier(
            Webhooks(poster),
            most=lambda: WHILE_BEHIND if self._timers.behind else MOST_AT_ONCE,
            on_return=lambda: self.duties["send_webhooks"].call(),
        )
        self.duties = {
            duty.name: duty
            for duty in (
                Duty("fire_timers", self.fire_timers),
                Duty("send_letters", self.letters.dispatch),
                Duty("send_webhooks", self.webhooks.dispatch),
                Duty("ingest_mail", self.ingest_mail),
                Duty("carry_over", self.carry_over),
            )
        }

    def ring(self, task: str) -> None:
        """Somebody says there is something to do; escalations are timers too."""
        self.duties["fire_timers" if task == "escalate" else task].call()

    async def fire_timers(self) -> None:
        if self._guard.calm and not self._stopping:
            at = await outbox.moment()
            await self._timers.fire_due(at=at)
            await fire_held_due(at=at)

    async def ingest_mail(self) -> None:
        if not self._stopping:
            await read_stored(await outbox.moment())

    async def carry_over(self) -> None:
        """Move open tickets to a version that took effect, a bounded number at a time."""
        while not self._stopping and await republishing.carry_on(at=await outbox.moment()):
            pass

    async def run(self, *, redis_url: str, stop: asyncio.Event) -> None:
        """Work until `stop`; then claim nothing more, let what is in flight end, and leave nothing half done."""
        loops: list[Coroutine[Any, Any, object]] = [
            *(duty.serve() for duty in self.duties.values()),
            self._every(TICK, "look", self._look),
            self._every(SWEEP_EVERY, "sweep", self._sweep),
            self._every(AUDIT_EVERY, "audit", self._audit, first_after=AUDIT_EVERY),  # an outage is caught up first
            self._every(FORGET_EVERY, "forget", self._forget, first_after=2 * AUDIT_EVERY),
            hear_the_bell(redis_url, self.ring),
        ]
        tasks = [asyncio.create_task(loop) for loop in loops]
        stopped = asyncio.create_task(stop.wait())
        log.info("worker at work", tasks=list(TASKS))
        try:
            done, _waiting = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()  # no loop ends by itself: say why this one did
        finally:
            await self._finish([stopped, *tasks])

    async def _finish(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        """The couriers close before their loops are cancelled: what was just claimed is in their hands by then."""
        self._stopping = True
        await asyncio.gather(self.letters.close(patience=PATIENCE), self.webhooks.close(patience=PATIENCE))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        log.info("worker stopped")

    async def _every(
        self, seconds: float, name: str, work: Callable[[], Awaitable[object]], *, first_after: float = 0.0
    ) -> None:
        await asyncio.sleep(first_after)
        while True:
            await attempted(name, work)
            await asyncio.sleep(seconds)

    async def _look(self) -> None:
        """The guarantee: what is due is found within a second, whatever became of its ring."""
        if (by := self._guard.jumped()) is not None:
            await alarms.sound(
                "clock_jump",
                "",
                _("The clock jumped by {seconds} seconds: timers paused for a minute."),
                {"seconds": f"{by:+.0f}"},
                at=clock.now(),
            )
        row = await fetchrow(LOOK, clock.offset())
        for name, duty in self.duties.items():
            if row[name]:
                duty.call()

    async def _sweep(self) -> None:
        await outbox.sweep(at=await outbox.moment())  # this machine's clock may be wrong

    async def _audit(self) -> None:
        await audits.run(at=await outbox.moment())

    async def _forget(self) -> None:
        await retention.forget(at=await outbox.moment(), keep=self._keep_deliveries)


def demand_long_leases() -> None:
    """A lease must outlast any honest delivery by far, or two workers would send the same."""
    longest = max(TIMEOUT.total_seconds(), TOTAL_TIMEOUT)
    if 4 * timedelta(seconds=longest) > LEASE:
        raise ValueError(f"a lease of {LEASE} is shorter than four times the longest delivery, {longest:g} s")


async def run_worker(settings: Settings, *, redis_url: str, stop: asyncio.Event) -> None:
    """One worker until `stop` is set. The composition root has connected the database and hung the bell."""
    OURS.furnish(settings)
    poster = Poster(guard=AddressGuard(allowed_hosts=settings.webhook_allowed_hosts))
    try:
        async with _mail_server(settings) as smtp, asyncio.TaskGroup() as tasks:
            worker = Worker(smtp=smtp, poster=poster, keep_deliveries=timedelta(days=settings.keep_deliveries_days))
            tasks.create_task(worker.run(redis_url=redis_url, stop=stop))
            if settings.imap_url:
                tasks.create_task(fetch_mail(settings.imap_url, now=clock.now, stop=stop))
    finally:
        await poster.aclose()


@asynccontextmanager
async def _mail_server(settings: Settings) -> AsyncIterator[SmtpServer]:
    """The mail server of the house, or the local mailbox: a real one that keeps letters as files."""
    if settings.smtp_url:
        yield parse_smtp_url(settings.smtp_url)
        return
    door = await open_mailbox(settings.home / "mailbox", now=clock.now)
    try:
        yield SmtpServer(host="127.0.0.1", port=door.port)
    finally:
        await door.aclose()
