"""Every list finds its rows by an index. `make bench` asks the same of a million tickets; here of a few hundred."""

import pytest

from service import clock
from service.accounts import add_user
from service.database import execute, fetchval
from tests.bench.past import Past
from tests.bench.plans import faults_of_lists
from workflow.definition import Role


@pytest.fixture
async def past(regulation: None) -> Past:
    """A few hundred tickets with their journals, and who looks at them."""
    await add_user("op@example.org", name="Анна", role=Role.OPERATOR, language="ru", at=clock.now())
    past = Past()
    await past.live(clock.now())
    await past.grow(500)
    return past


async def test_every_list_can_find_its_rows_by_an_index(past: Past) -> None:
    assert await faults_of_lists(small=True) == []


async def test_a_list_whose_index_is_gone_is_found_out(past: Past) -> None:
    made = await fetchval("SELECT pg_get_indexdef('message_ticket'::regclass)")
    await execute("DROP INDEX message_ticket")
    try:
        faults = await faults_of_lists(small=True)
    finally:
        await execute(made)
    assert [fault for fault in faults if "reads all of message" in fault]
