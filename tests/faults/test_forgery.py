"""Somebody who may do anything in the database rewrites the past: the chain of hashes tells."""

import hashlib

import pytest

from service.database import DB, execute, fetch
from service.journal import GENESIS
from service.verify import verify
from tests.desk import MONDAY, a_ticket, does

pytestmark = pytest.mark.usefixtures("regulation")


async def test_each_hash_covers_the_one_before() -> None:
    ticket = await does(await a_ticket(), "start", MONDAY)
    previous = GENESIS
    for row in await fetch("SELECT body, hash FROM journal WHERE ticket = $1 ORDER BY seq", ticket.id):
        previous = hashlib.sha256(previous + bytes(row["body"])).digest()
        assert bytes(row["hash"]) == previous
    assert previous == ticket.head


async def test_an_entry_rewritten_with_a_hash_of_its_own_is_betrayed_by_the_next() -> None:
    """The forger changes who did it, in the hashed bytes and in the copies, and hashes the entry anew."""
    ticket = await does(await a_ticket(), "start", MONDAY)
    assert await verify() == []
    [row] = await fetch("SELECT seq, body FROM journal WHERE ticket = $1 AND trigger = 'register'", ticket.id)
    forged = bytes(row["body"]).replace(b'"id":"op"', b'"id":"no"')
    assert forged != bytes(row["body"])
    [before] = await fetch("SELECT hash FROM journal WHERE ticket = $1 AND seq = $2", ticket.id, row["seq"] - 1)
    async with DB.transaction(allow_nested=False):
        await execute("SET LOCAL session_replication_role = replica")
        await execute(
            "UPDATE journal SET body = $3, hash = $4, actor_id = 'no' WHERE ticket = $1 AND seq = $2",
            ticket.id, row["seq"], forged, hashlib.sha256(bytes(before["hash"]) + forged).digest(),
        )  # fmt: skip
    found = await verify()
    assert {(one.check, one.where) for one in found} >= {("chain", f"seq {row['seq'] + 1}")}
