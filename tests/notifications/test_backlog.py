"""A long backlog costs a claim no more than a short one."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from notifications.outbox import CLAIM
from notifications.webhooks import READY
from service.database import DB, execute
from tests.desk import MONDAY, a_webhook

pytestmark = pytest.mark.usefixtures("regulation")

WAITING = """
INSERT INTO outbox (event_id, channel, endpoint, ticket, seq, type, body, next_at, created_at)
SELECT 'evt_' || n, 'webhook', $1, gen_random_uuid(), 1, 'ticket.received', '{}', $2, $2 FROM generate_series(1, 2000) n
"""


async def blocks_read(sql: str, *values: object) -> int:
    assert DB.pool is not None
    async with DB.pool.acquire() as connection:
        told = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", *values)
    plan = json.loads(told)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def test_ten_of_two_thousand_are_claimed_without_comparing_all_with_all() -> None:
    hook, _secrets = await a_webhook("https://example.com/hook")
    await execute(WAITING, str(hook), MONDAY)
    at = MONDAY + timedelta(minutes=1)
    assert await blocks_read(READY, at) < 500
    claim = (CLAIM, "webhook", at, [str(hook)], [10], uuid4(), timedelta(seconds=60))
    assert await blocks_read(*claim) < 1_000
