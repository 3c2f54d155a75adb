"""A soak: minutes of seeded work under kills, flushes and crashes of PostgreSQL; then every audit must find nothing.

`python tests/faults/soak.py --minutes 10 --seed 1` prints a report and exits with 1 when anything was lost.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[2]))  # runs from a checkout that is not installed

from notifications.outbox import moment
from service import audits
from service.database import execute, fetchval, passing
from service.ticket import Ticket
from service.verify import verify
from tests.desk import ASKER, MONDAY, a_colleague, a_request, a_webhook, count, does
from tests.faults.chaos import Chaos, judged
from tests.faults.scene import Scene, scene
from workflow.errors import Refusal

WORKERS = 3
DESKS = 3  # people who work at the same time
PAUSE = 0.15  # seconds a person takes between two acts, on average
ROAD = ("register", "start", "request_info", "resume", "complete", "confirm")  # what usually follows what
ASIDE = ("comment", "reply", "dispute", "withdraw", "answer")
GIVEN: dict[str, dict[str, object]] = {
    "register": {"priority": "P1"},
    "comment": {"text": "Looked into it."},
    "request_info": {"text": "Which version?", "minutes": 30},
    "resume": {"text": "The newest."},
    "complete": {"text": "Done.", "delivery_method": "email", "minutes": 30, "outcome": "solved"},
    "reply": {"text": "One thing more."},
    "dispute": {"text": "It still does not start."},
    "answer": {"text": "We look into it.", "delivery_method": "email", "minutes": 30},
    "withdraw": {"text": "It went away."},
}


class Desk:
    """One person who takes in requests and works on them, whatever breaks."""

    def __init__(self, chance: random.Random, done: Counter[str]) -> None:
        self._chance = chance
        self._done = done
        self._tickets: list[Ticket] = []
        self._come: Counter[UUID] = Counter()  # how far on the road

    async def work(self, until: float) -> None:
        while time.monotonic() < until:
            try:
                await self._act()
            except Refusal:
                self._done["refused"] += 1
            except Exception as error:
                if not passing(error) and not isinstance(error, (OSError, TimeoutError)):
                    raise
                self._done["interrupted"] += 1  # the database was away for longer than a verb waits
                await asyncio.sleep(0.5)
            await asyncio.sleep(self._chance.uniform(0, 2 * PAUSE))

    async def _act(self) -> None:
        """Something new, or the next thing to do on something old. Everything lies in the past: its timers are due."""
        at = MONDAY + timedelta(minutes=self._chance.randrange(60 * 24 * 5))
        if not self._tickets or self._chance.random() < 0.25:
            self._tickets.append(await a_request(at, email=self._chance.choice(("", "ivan@example.com"))))
            self._done["receive"] += 1
            return
        ticket = self._chance.choice(self._tickets[-30:])
        step = self._come[ticket.id]
        if step < len(ROAD) and self._chance.random() < 0.75:
            trigger = ROAD[step]
            self._come[ticket.id] += 1
        else:
            trigger = self._chance.choice(ASIDE)
        by = {"by": ASKER} if trigger in ("reply", "dispute", "resume", "confirm") else {}
        await does(ticket, trigger, max(at, ticket.last_at), **by, **GIVEN.get(trigger, {}))
        self._done[trigger] += 1


async def soak(here: Scene, *, seconds: float, seed: int) -> bool:
    """Whether everything came out right; prints the report."""
    chance = random.Random(seed)
    done: Counter[str] = Counter()
    await a_colleague("boss@example.org", "supervisor")
    await a_webhook(here.receiver.at("hook"))
    await a_webhook(here.receiver.at("slow/0.2"))
    chaos = Chaos(here.stage, chance, WORKERS, here.postgres)
    end = time.monotonic() + seconds
    desks = [Desk(random.Random(f"{seed} {number}"), done) for number in range(DESKS)]
    await asyncio.gather(
        chaos.rage(seconds, kill_every=4, flush_every=15, crash_every=40), *(desk.work(end) for desk in desks)
    )
    chaos.calm_down()
    await execute("UPDATE outbox SET next_at = now() WHERE status = 'pending'")  # quiet hours are over
    await chaos.drain(within=120 + seconds)
    found = await judged(here.receiver)
    duplicates, reclaimed = found.pop("duplicates"), found.pop("reclaimed")
    await execute("DELETE FROM audit")
    audit = await audits.run(at=await moment())
    differences = await verify()
    acts = sum(number for name, number in done.items() if name not in ("refused", "interrupted"))
    print(f"seed {seed}, {seconds / 60:g} minutes, {WORKERS} workers, {DESKS} desks")
    print(f"mischief    {chaos.kills} kills, {chaos.flushes} flushes of Redis, {chaos.crashes} crashes of PostgreSQL")
    print(f"work        {acts} acts of people ({dict(done.most_common())})")
    entries, fired = await count("journal"), await count("timer", "status = 'fired'")
    print(f"            {entries} journal entries on {await count('ticket')} tickets, {fired} timers fired")
    letters = await count("outbox", "channel = 'letter'")
    print(f"deliveries  {await count('event')} events, {len(here.receiver.arrivals)} posts, {letters} letters")
    print(f"judge       {found}, duplicates {duplicates} of {reclaimed} reclaimed")
    print(f"audit       {audit}")
    print(f"verify      {len(differences)} differences")
    for one in differences[:10]:
        print(f"            {one}")
    pending = await fetchval("SELECT count(*) FROM timer WHERE status = 'armed' AND due_at < now()")
    right = (
        duplicates <= reclaimed
        and not any(found.values())
        and not any(audit.values())
        and not differences
        and not pending
    )
    print("PASSED" if right else "FAILED")
    return right


async def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=10)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    async with scene() as here:
        return 0 if await soak(here, seconds=60 * given.minutes, seed=given.seed) else 1


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(asyncio.run(main()))
