"""A support desk for tests: people, requests and tickets on the real database, with defaults for what is no matter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from service.actors import Actor, customer
from service.database import execute, fetch, fetchval
from service.house import HOUSE
from service.identifiers import new_id
from service.intake import Request, receive
from service.signatures import new_secret
from service.ticket import Ticket
from service.tickets import carry_out
from service.vault import seal
from workflow.definition import Role
from workflow.regulation import Regulation

MONDAY = datetime(2025, 4, 7, 7, 0, tzinfo=UTC)  # 10:00 in Moscow, a working week, and long past
HOUR = timedelta(hours=1)
OPERATOR = Actor(kind="staff", id="op", name="Olga", role=Role.OPERATOR)
ASKER = customer(id="", name="Ivan")


async def a_request(at: datetime = MONDAY, *, email: str = "ivan@example.com") -> Ticket:
    request = Request(channel="portal", text="It does not start.", email=email, language="en")
    return await receive(request, by=ASKER, at=at, cause=f"request:{uuid4()}")


async def does(ticket: Ticket, trigger: str, at: datetime, by: Actor = OPERATOR, **given: object) -> Ticket:
    return await carry_out(ticket.id, trigger, by=by, at=at, cause=f"request:{uuid4()}", given=given)


async def a_ticket(priority: str = "P2", at: datetime = MONDAY, email: str = "ivan@example.com") -> Ticket:
    return await does(await a_request(at, email=email), "register", at, priority=priority)


async def completed(at: datetime = MONDAY, email: str = "ivan@example.com") -> Ticket:
    ticket = await does(await a_ticket(at=at, email=email), "start", at)
    return await does(ticket, "complete", at, text="Done.", delivery_method="email", minutes=30, outcome="solved")


async def a_colleague(email: str, role: str = "operator") -> None:
    await execute(
        "INSERT INTO app_user (email, name, role, language, password_hash, active, created_at) "
        "VALUES ($1, 'Somebody', $2, 'en', '', true, $3)",
        email, role, MONDAY,
    )  # fmt: skip


async def a_webhook(url: str, *, old_secret_until: datetime | None = None) -> tuple[UUID, list[str]]:
    """A subscription to everything; its secrets, the new one first."""
    id, secrets = new_id(MONDAY), [new_secret(), new_secret()]
    sealed = [seal(HOUSE.vault_key, secret, bound_to=f"webhook:{id}") for secret in secrets]
    await execute(
        "INSERT INTO webhook (id, url, event_types, filters, secret, old_secret, old_secret_until, status, breaker, "
        "created_by, created_at) VALUES ($1, $2, '[\"*\"]', '{}', $3, $4, $5, 'enabled', '{}', 'test', $6)",
        id, url, sealed[0], sealed[1] if old_secret_until else None, old_secret_until, MONDAY - HOUR,
    )  # fmt: skip
    return id, secrets


async def outbox_rows(where: str = "true") -> list[Any]:
    return await fetch(f"SELECT * FROM outbox WHERE {where} ORDER BY id")


async def no_letters() -> None:
    """Leave only webhooks to be delivered."""
    await execute("DELETE FROM outbox WHERE channel = 'letter'")


async def eventually(question: Callable[[], Awaitable[object]], *, within: float = 60.0) -> None:
    """Ask until the answer is true."""
    async with asyncio.timeout(within):
        while not await question():  # noqa: ASYNC110  the answer may come from another process
            await asyncio.sleep(0.02)


async def count(table: str, where: str = "true") -> int:
    found: int = await fetchval(f"SELECT count(*) FROM {table} WHERE {where}")
    return found


def changed_target(regulation: Regulation, priority: str, *, amount: int) -> Regulation:
    """The document with another resolution target for one priority."""
    assert priority in {one.code for one in regulation.priorities}
    priorities = tuple(
        msgspec.structs.replace(one, target=msgspec.structs.replace(one.target, amount=amount))
        if one.code == priority
        else one
        for one in regulation.priorities
    )
    return msgspec.structs.replace(regulation, priorities=priorities)
