"""What is asked of the database: every statement of a stretch of code, and whether its plan reads a history through."""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from service.database import DB, Connection

HISTORIES = frozenset(
    {"ticket", "journal", "message", "event", "timer", "outbox", "attempt", "letter", "attachment", "mail", "idem"}
)
FEW = 1_000  # rows: whoever reads them all reads little
METHODS = ("fetch", "fetchrow", "fetchval", "execute")
MANY = "SELECT relname FROM pg_class WHERE relname = ANY($1) AND reltuples >= $2"
Statement = tuple[str, tuple[Any, ...]]


@contextmanager
def listening() -> Iterator[list[Statement]]:
    """The statements our connections are given meanwhile, with their values."""
    heard: list[Statement] = []

    def tapped(name: str) -> Any:
        original = getattr(Connection, name)

        async def tap(self: Connection, sql: str, *values: Any, **more: Any) -> Any:
            heard.append((sql, values))
            return await original(self, sql, *values, **more)

        return tap

    with pytest.MonkeyPatch.context() as patch:  # it also knows which methods were inherited, and lets them be again
        for name in METHODS:
            patch.setattr(Connection, name, tapped(name))
        yield heard


async def read_through(statement: Statement, *, sorted_at_most: int, small: bool = False) -> list[str]:
    """What is wrong with the plan: a history read from end to end, or more rows sorted than a page is worth.

    A `small` history is read through for good reason; then the question is whether there is an index at all.
    """
    sql, values = statement
    if not sql.lstrip().upper().startswith(("SELECT", "WITH")):
        return []
    assert DB.pool is not None
    async with DB.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"SET LOCAL enable_seqscan = {'off' if small else 'on'}")
        told = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *values)
        many = HISTORIES if small else {row["relname"] for row in await connection.fetch(MANY, HISTORIES, FEW)}
    [plan] = msgspec.json.decode(told)
    return list(_faults(plan["Plan"], many, sorted_at_most))


def _faults(node: dict[str, Any], histories: Set[str], sorted_at_most: int) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan" and node.get("Relation Name") in histories:
        yield f"reads all of {node['Relation Name']}"
    if node["Node Type"] == "Sort" and node["Plan Rows"] > sorted_at_most:
        yield f"sorts {node['Plan Rows']:,} rows"
    for below in node.get("Plans", ()):
        if not _ends_early(node, below):
            yield from _faults(below, histories, sorted_at_most)


def _ends_early(node: dict[str, Any], below: dict[str, Any]) -> bool:
    """Whether a limit is reached after a small part: a word of every ticket is soon found a thousand times."""
    return bool(node["Node Type"] == "Limit" and 10 * node["Total Cost"] < below["Total Cost"])
