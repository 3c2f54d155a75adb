"""A past of any size: a few tickets live through the verbs, and PostgreSQL multiplies them with their journals."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from service.actors import Actor, customer
from service.database import DB, connection, execute, fetch, fetchval
from service.intake import Request, receive
from service.tickets import carry_out
from workflow.definition import Role

OPERATOR = Actor(kind="staff", id="1", name="Анна", role=Role.OPERATOR, user="1", email="op@example.org")
ASKER = customer(id="", name="Игорь")
ANSWERED = {"delivery_method": "email", "minutes": 30}
PRIORITIES = ("P1", "P2", "P3", "P4")
OPEN_SHARE = 10  # one ticket in ten is open
HELPING = 50_000  # tickets multiplied by one statement
APART = timedelta(seconds=20)  # between the receipts of two tickets
ORGANISATIONS = 500
RARE = 50  # each word of this kind stands in so many tickets, however many there are

# Every column is copied but these: what must be unique, and what makes one ticket differ from the next.
OWN = {
    "ticket": {
        "id": "c.id",
        "number": "'B-' || c.n",
        "subject": "x.subject || ' ' || c.n || ' изделие' || c.n / {rare}",
        "organisation_name": "'ООО «Порт' || c.n % {organisations} || '»'",
        "email": "'a' || c.n || '@example.com'",
        "received_at": "x.received_at - c.age",
        "registered_at": "x.registered_at - c.age",
        "closed_at": "x.closed_at - c.age",
        "due_at": "x.due_at - c.age / 1000",
        "search": "to_tsvector('russian', x.subject || ' ' || c.n || ' изделие' || c.n / {rare} "
        "|| ' порт' || c.n % {organisations} || ' ' || x.text)",
    },
    "journal": {"ticket": "c.id", "cause": "x.cause || '-' || c.n", "at": "x.at - c.age"},
    "message": {"id": "gen_random_uuid()", "ticket": "c.id", "at": "x.at - c.age"},
    "event": {"event_id": "'evt_' || replace(c.id::text, '-', '') || '_' || x.position", "ticket": "c.id"},
    "timer": {"subject": "c.id", "due_at": "x.due_at + interval '10 years' + c.n * interval '1 second'"},
}
OWNERS = {"ticket": "id", "journal": "ticket", "message": "ticket", "event": "ticket", "timer": "subject"}
SERIALS = {"journal": "id", "event": "position", "timer": "id"}


class Past:
    """What has been, growing: `grow` makes it as large as asked for."""

    def __init__(self) -> None:
        self.size = 0
        self._open: list[UUID] = []
        self._closed: list[UUID] = []

    async def live(self, at: datetime) -> None:
        """The patterns: closed lives of each priority, and open ones in each state."""
        causes = (f"past:{n}" for n in count())
        for priority in PRIORITIES:
            self._closed.append(await a_life(priority, at - timedelta(days=2), causes=causes, steps=6))
            for steps in range(1, 5):
                self._open.append(await a_life(priority, at - timedelta(hours=1), causes=causes, steps=steps))

    async def grow(self, size: int) -> None:
        """Multiply until there are `size` tickets in all, in minutes for a million."""
        async with DB.transaction(allow_nested=False):
            await execute("SET LOCAL session_replication_role = replica")  # no look at what refers to what
            await execute("SET LOCAL statement_timeout = 0")
            await execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            columns = {table: await _columns(table) for table in OWN}
            while self.size < size:
                until = min(size, self.size + HELPING)
                await self._multiply(self.size, until, columns)
                self.size = until
        await _out_of_transaction("VACUUM (ANALYZE)")

    async def _multiply(self, first: int, until: int, columns: dict[str, list[str]]) -> None:
        await _slowly(
            "CREATE TEMP TABLE copied ON COMMIT DROP AS SELECT n, uuidv7(-n * $3::interval) AS id, "
            "n * $3::interval AS age, CASE WHEN n % $4 = 0 THEN $5::uuid[] ELSE $6::uuid[] END AS kind "
            "FROM generate_series($1::int + 1, $2::int) AS n",
            first, until, APART, OPEN_SHARE, self._open, self._closed,
        )  # fmt: skip
        for table, own in OWN.items():
            names = columns[table]
            values = [
                own[name].format(rare=RARE, organisations=ORGANISATIONS) if name in own else f"x.{name}"
                for name in names
            ]
            only = "AND x.status = 'armed'" if table == "timer" else ""
            await _slowly(
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} "
                "FROM copied c CROSS JOIN LATERAL (SELECT c.kind[1 + (c.n / 10) % cardinality(c.kind)] AS id) p "
                f"JOIN {table} x ON x.{OWNERS[table]} = p.id {only} ORDER BY c.n"
            )
        await _slowly("DROP TABLE copied")


async def a_life(priority: str, at: datetime, *, causes: Iterator[str], steps: int) -> UUID:
    """One ticket, so many steps on its way from registration to the end."""
    request = Request(
        channel="email", subject="Не печатает накладная", text="После обновления печать молчит.", email="a@example.com"
    )
    ticket = await receive(request, by=ASKER, at=at, cause=next(causes))
    road: list[tuple[str, Actor, dict[str, object]]] = [
        ("register", OPERATOR, {"priority": priority}),
        ("start", OPERATOR, {}),
        ("request_info", OPERATOR, {"text": "Какая версия установлена?", "minutes": 30}),
        ("resume", ASKER, {"text": "Версия 7.1, сборка 12."}),
        ("complete", OPERATOR, {"text": "Обновите драйвер печати.", "outcome": "solved", **ANSWERED}),
        ("confirm", ASKER, {}),
    ]
    for minute, (trigger, by, given) in enumerate(road[:steps], start=1):
        then = at + timedelta(minutes=minute)
        await carry_out(ticket.id, trigger, by=by, at=then, cause=next(causes), given=given)
    return ticket.id


async def a_long_talk(at: datetime, *, entries: int) -> UUID:
    """A ticket with so many journal entries, that answers and questions fill."""
    causes = (f"talk:{n}" for n in count())
    id = await a_life("P2", at, causes=causes, steps=2)
    for n in range(3, entries):
        given = {"text": f"Проверили узел {n}: очередь печати пуста.", **ANSWERED} if n % 2 else {"text": "Смотрю."}
        then = at + timedelta(minutes=n)
        trigger = "answer" if n % 2 else "comment"
        await carry_out(id, trigger, by=OPERATOR, at=then, cause=next(causes), given=given)
    return id


async def _columns(table: str) -> list[str]:
    rows = await fetch(
        "SELECT quote_ident(column_name) AS name FROM information_schema.columns WHERE table_name = $1 "
        "AND table_schema = 'public' AND column_name <> $2 ORDER BY ordinal_position",
        table, SERIALS.get(table, ""),
    )  # fmt: skip
    return [row["name"] for row in rows]


async def _slowly(sql: str, *values: object) -> None:
    """A statement that may take minutes."""
    await connection().execute(sql, *values, timeout=3600)


async def _out_of_transaction(sql: str) -> None:
    assert DB.pool is not None
    async with DB.pool.acquire() as taken:
        await taken.execute("SET statement_timeout = 0")
        await taken.execute(sql, timeout=3600)
        await taken.execute("RESET statement_timeout")


async def open_tickets() -> int:
    found: int = await fetchval("SELECT count(*) FROM ticket WHERE closed_at IS NULL")
    return found
