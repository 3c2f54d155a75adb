"""Versions of the regulation: one follows the other, the past stays, and of two publishers one is told."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from service.actors import Actor, customer
from service.database import execute, fetch, fetchval
from service.intake import Request, receive
from service.regulations import (
    RULEBOOKS,
    NotPublishable,
    SomebodyWasFaster,
    in_force,
    newest,
    obstacles,
    publish,
    publish_default,
    versions,
)
from service.ticket import Ticket
from service.tickets import carry_out
from tests.desk import changed_target
from tests.service.conftest import START
from workflow.definition import Role
from workflow.errors import NotFound

OWNER = Actor(kind="staff", id="1", name="Vera Owner", role=Role.PROCESS_OWNER)
OPERATOR = Actor(kind="staff", id="7", name="Olga Operator", role=Role.OPERATOR)
LATER = START + timedelta(hours=1)


async def published(amount: int, **given: Any) -> int:
    """Another target for P2, in minutes of working time; the number of the version."""
    version, document = await newest()
    changed = changed_target(document, "P2", amount=amount)
    return await publish(changed, based_on=version, by=OWNER, at=given.pop("at", START), **given)


async def a_registered_ticket(n: int) -> Ticket:
    request = Request(channel="email", text="It hangs", email=f"ivan{n}@example.com")
    ticket = await receive(request, by=customer(id="", name="Ivan"), at=LATER, cause=f"mail:{n}")
    return await carry_out(ticket.id, "register", by=OPERATOR, at=LATER, cause=f"request:{n}", given={"priority": "P2"})


async def test_the_default_is_published_once(regulation: None) -> None:
    assert await publish_default(at=LATER) is False
    assert [one["version"] for one in await versions()] == [1]


async def test_nothing_is_in_force_before_the_first_version(database: None) -> None:
    RULEBOOKS.forget()
    with pytest.raises(NotFound):
        await in_force(at=START)


async def test_a_version_is_in_force_from_its_instant_on(regulation: None) -> None:
    tomorrow = START + timedelta(days=1)
    await published(360, effective_at=tomorrow)
    assert (await in_force(at=tomorrow - timedelta(microseconds=1))).version == 1
    assert (await in_force(at=tomorrow)).target("P2", "standard").amount == 360


async def test_a_version_never_begins_before_it_is_published(regulation: None) -> None:
    await published(360, effective_at=START - timedelta(days=30))
    assert (await in_force(at=START - timedelta(days=1))).version == 1


async def test_a_version_is_passed_over_by_a_later_one_that_takes_effect_no_later(regulation: None) -> None:
    days = [START + timedelta(days=n) for n in range(3)]
    await published(300, effective_at=days[2])
    await published(360, effective_at=days[1])
    await published(420, effective_at=days[2])
    assert [one["version"] for one in await versions() if one["passed_over"]] == [2]
    assert [(await in_force(at=day)).version for day in days] == [1, 3, 4]


async def test_tickets_registered_from_then_on_get_the_new_deadline_and_the_old_ones_keep_theirs(
    regulation: None,
) -> None:
    before = await a_registered_ticket(1)
    await published(60, at=LATER)
    after = await a_registered_ticket(2)
    assert (before.regulation_version, after.regulation_version) == (1, 2)
    assert before.due_at is not None
    assert after.due_at == LATER + timedelta(hours=1)
    kept = await fetchval("SELECT due_at FROM ticket WHERE id = $1", before.id)
    assert kept == before.due_at


async def test_of_two_who_publish_at_once_one_wins_and_the_other_is_told(regulation: None) -> None:
    version, document = await newest()
    results = await asyncio.gather(
        *(
            publish(changed_target(document, "P2", amount=n), based_on=version, by=OWNER, at=START)
            for n in (300, 360, 420)
        ),
        return_exceptions=True,
    )
    assert [one for one in results if not isinstance(one, SomebodyWasFaster)] == [2]
    assert len(await versions()) == 2


async def test_a_document_that_breaks_a_check_or_an_example_is_not_published(regulation: None) -> None:
    version, document = await newest()
    for broken in (changed_target(document, "P2", amount=0), changed_target(document, "P3", amount=9)):
        assert obstacles(broken)
        with pytest.raises(NotPublishable) as refused:
            await publish(broken, based_on=version, by=OWNER, at=START)
        assert refused.value.problems == obstacles(broken)
    assert len(await versions()) == 1


async def test_publishing_is_in_the_configuration_journal_and_the_journal_refuses_to_change(regulation: None) -> None:
    await published(360, note="Faster")
    rows = await fetch("SELECT act, actor_name, subject, data FROM config_journal")
    assert [(row["act"], row["actor_name"], row["subject"]) for row in rows] == [
        ("regulation.publish", "Vera Owner", "regulation 2")
    ]
    assert msgspec.json.decode(rows[0]["data"])["note"] == "Faster"
    with pytest.raises(Exception, match="append-only"):
        await execute("UPDATE config_journal SET actor_name = 'nobody'")
