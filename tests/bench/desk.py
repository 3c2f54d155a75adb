"""What operators and programs wait for, with more and more tickets: create, move, queue, ticket, search."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

from service.clock import now
from service.database import execute, fetch, fetchval
from service.sessions import open_session
from service.tickets import carry_out
from service.tokens import add_token
from tests.bench.figures import Figure
from tests.bench.load import Load, Make, Pace
from tests.bench.past import ASKER, Past, a_life, a_long_talk
from tests.bench.place import Place
from workflow.definition import Role

CHAPTER = "The desk"
WEBS = 2
TALK = 20  # journal entries of the ticket that is looked at
MOVED = 200  # tickets that take the moves
REQUEST = {
    "channel": "portal", "subject": "Не печатает", "text": "После обновления печать молчит.", "email": "a@example.com",
}  # fmt: skip
# What is asked for, the bar in milliseconds at one client, and how it is asked.
PAGES: tuple[tuple[str, str, float | None], ...] = (
    ("queue page, 50 rows", "/desk", 5.0),
    ("ticket page, 20 entries", "/desk/tickets/{talk}", 6.0),
    ("search, a word of few tickets", f"/desk?q={quote('изделие9')}", 20.0),
    ("search, a word of every ticket (capped)", f"/desk?q={quote('накладная')}", None),
    ("closed tickets, 50 rows", "/desk?closed=1", None),
)
LISTS: tuple[tuple[str, str, float | None], ...] = (
    ("API: list of 50 tickets", "/api/v1/tickets?limit=50&state=in_progress", None),
    ("API: search, a word of few tickets", f"/api/v1/tickets?limit=50&q={quote('изделие9')}", 20.0),
)


class Desk:
    """A place with an operator and a program, and web processes that answer them."""

    def __init__(self, place: Place, *, seconds: float, limits: dict[str, float]) -> None:
        self.place = place
        self.seconds = seconds
        self.limits = limits  # name of a limit → per second, from the same run

    async def furnish(self) -> None:
        self.token = await add_token("bench", role=Role.ADMINISTRATOR, at=now())
        self.session = await open_session(await fetchval("SELECT id FROM app_user"), at=now())
        await execute(
            "INSERT INTO webhook (id, url, secret, created_by) "
            "VALUES (gen_random_uuid(), 'https://example.org/', '', '')"
        )
        self.talk = await a_long_talk(now() - timedelta(minutes=30), entries=TALK)
        causes = (f"moved:{n}" for n in range(10 * MOVED))
        self.moved = [await a_life("P2", now() - timedelta(minutes=9), causes=causes, steps=2) for _n in range(MOVED)]

    async def measure(self, past: Past) -> AsyncIterator[Figure]:
        """Everything once, with as many tickets as there are."""
        with self.place.webs(WEBS) as ports:
            api = self._load(ports, {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
            desk = self._load(ports, {"Cookie": f"reglament_session={self.session}", "Accept-Language": "ru"})
            request = json.dumps(REQUEST).encode()
            async for one in self._writes(past, "create", api, lambda _n: ("POST", "/api/v1/tickets", request), 0.20):
                yield one
            async for one in self._writes(past, "move", api, self._moves(), 0.25, before=self._settle):
                yield one
            for load, things in ((desk, PAGES), (api, LISTS)):
                for name, path, bar in things:
                    async for one in self._reads(past, name, load, path.format(talk=self.talk), bar):
                        yield one

    def _load(self, ports: list[int], headers: dict[str, str]) -> Load:
        return Load(ports, headers, seconds=self.seconds)

    async def _writes(
        self, past: Past, name: str, load: Load, make: Make, share: float,
        *, before: Callable[[], Awaitable[None]] | None = None,
    ) -> AsyncIterator[Figure]:  # fmt: skip
        """A share of what PostgreSQL does with the five statements is the bar."""
        for clients in (1, 8):
            if before:
                await before()
            pace = await load.run(clients, make)
            limit = self.limits[f"pgbench, five prepared statements, {clients} client{'s' * (clients > 1)}"]
            yield self._figure(past, f"{name}, p50 at {clients}", pace.p50, "ms")
            if clients == 8:
                yield self._figure(past, f"{name}, p99 at 8", pace.p99, "ms", most=50)
                yield self._figure(past, f"{name} a second, 8 clients", pace.per_second, "/s")
                reached = 100 * pace.per_second / limit
                yield self._figure(past, f"{name}, share of pgbench", reached, "%", least=100 * share)

    async def _reads(self, past: Past, name: str, load: Load, path: str, bar: float | None) -> AsyncIterator[Figure]:
        paces: dict[int, Pace] = {}
        for clients in (1, 8):
            paces[clients] = await load.run(clients, lambda _n: ("GET", path, b""))
        yield self._figure(past, f"{name}, p50", paces[1].p50, "ms", most=bar)
        yield self._figure(past, f"{name}, p99", paces[1].p99, "ms", most=5 * paces[1].p50 if bar else None)
        yield self._figure(past, f"{name} a second, 8 clients", paces[8].per_second, "/s")

    def _figure(
        self, past: Past, name: str, value: float, unit: str, *, most: float | None = None, least: float | None = None
    ) -> Figure:
        bar = f"≤ {most:.1f} {unit}" if most is not None else f"≥ {least:g} {unit}" if least is not None else ""
        kept = value <= most if most is not None else value >= least if least is not None else None
        return Figure(chapter=CHAPTER, name=name, value=value, unit=unit, size=past.size, bar=bar, kept=kept)  # type: ignore[arg-type]

    def _moves(self) -> Make:
        """A question to the customer, then the answer, in turns; a letter and a webhook are queued by each question."""
        turn: dict[int, int] = {}
        self._turn = turn

        def make(n: int) -> tuple[str, str, bytes]:
            turn[n] = turn.get(n, -1) + 1
            id = self.moved[(n * 25 + turn[n] // 2 % 25) % len(self.moved)]
            asks = turn[n] % 2 == 0
            body = {"trigger": "request_info", "text": "Какая версия?", "minutes": 30} if asks else {
                "trigger": "resume", "text": "Версия 7.1"}  # fmt: skip
            return "POST", f"/api/v1/tickets/{id}/moves", json.dumps(body).encode()

        return make

    async def _settle(self) -> None:
        """Whatever state the last client left a ticket in, the next one begins with a question."""
        self._turn.clear()
        rows = await fetch("SELECT id FROM ticket WHERE id = ANY($1) AND state = 'awaiting_customer'", self.moved)
        for row in rows:
            await self._resume(row["id"])

    async def _resume(self, ticket: UUID) -> None:
        cause = f"settle:{ticket}:{now().timestamp()}"
        await carry_out(ticket, "resume", by=ASKER, at=now(), cause=cause, given={"text": "Дальше."})
