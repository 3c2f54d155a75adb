"""A worker carries a published version over by itself, and finishes after the grace."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from notifications.worker import run_worker
from service import clock, republishing
from service.actors import Actor
from service.database import fetchval
from service.regulations import newest, publish
from service.settings import Settings
from service.verify import verify
from tests.desk import a_ticket, changed_target, count, eventually
from workflow.definition import Role

OWNER = Actor(kind="staff", id="1", name="Vera Owner", role=Role.PROCESS_OWNER)

pytestmark = pytest.mark.usefixtures("regulation")


@asynccontextmanager
async def at_work(home: Path) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(Settings(home=home), redis_url="unix:///nowhere/redis.sock", stop=stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 25)


async def test_a_worker_finds_what_was_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(republishing, "GRACE", timedelta(seconds=0))
    at = clock.now()
    tickets = [await a_ticket("P2", at) for _one in range(3)]
    version, current = await newest()
    changed = msgspec.structs.replace(changed_target(current, "P2", amount=300), examples=())
    published = await publish(changed, based_on=version, by=OWNER, at=at, open_tickets="from_start")
    later = msgspec.structs.replace(changed_target(current, "P2", amount=360), examples=())
    planned = await publish(
        later, based_on=published, by=OWNER, at=at, effective_at=at + timedelta(days=1), open_tickets="from_start"
    )
    async with at_work(tmp_path):
        await eventually(lambda: count("republication", f"version = {published} AND finished_at IS NOT NULL"))
    assert await count("ticket", f"regulation_version = {published}") == len(tickets)
    assert await fetchval("SELECT gathered_at FROM republication WHERE version = $1", planned) is None
    assert await verify() == []
