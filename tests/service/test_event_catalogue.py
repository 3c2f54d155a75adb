"""The catalogue says of every event what really goes out."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from notifications.timers import Timers
from service import webhook_subscriptions as webhooks
from service.actors import Actor
from service.database import fetch, fetchrow
from service.event_catalogue import PUBLISHED, TYPES, example_of, schema_of
from service.regulations import in_force, publish
from service.webhook_deliveries import ping
from tests.desk import ASKER, HOUR, MONDAY, OPERATOR, a_request, a_ticket, a_webhook, completed, count, does
from workflow.definition import Role

ADMINISTRATOR = Actor(kind="staff", id="1", name="Ada", role=Role.ADMINISTRATOR)
DAY = timedelta(days=1)


def faults(event: Any) -> list[str]:
    checker = Draft202012Validator(schema_of(event["type"]), format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [error.message for error in checker.iter_errors(event)]


@pytest.mark.parametrize("type", TYPES)
def test_each_type_has_a_valid_schema_and_an_example_that_keeps_it(type: str) -> None:
    Draft202012Validator.check_schema(schema_of(type))
    example = example_of(type)
    assert faults(example) == []
    assert set(example["data"]) == set(schema_of(type)["properties"]["data"]["properties"])


@pytest.mark.parametrize("type", TYPES)
def test_an_event_without_one_of_its_fields_breaks_its_schema(type: str) -> None:
    for name in example_of(type)["data"]:
        event = example_of(type)
        del event["data"][name]
        assert faults(event), name


async def next_version(at: datetime, *, note: str = "") -> int:
    rules = await in_force(at=at)
    return await publish(rules.regulation, based_on=rules.version, by=ADMINISTRATOR, at=at, note=note)


@pytest.mark.usefixtures("regulation")
async def test_everything_the_verbs_tell_keeps_its_schema_and_no_type_is_left_out() -> None:
    await a_webhook("https://crm.example.org/hooks")
    talked = await does(await a_ticket(), "change_priority", MONDAY, priority="P1", reason="It spread.")
    talked = await does(talked, "request_info", MONDAY, text="Which version?", minutes=15)
    talked = await does(talked, "resume", MONDAY + HOUR, by=ASKER, text="The newest.")
    await does(talked, "escalate", MONDAY + HOUR, text="Look at this.")
    await does(await completed(), "confirm", MONDAY + HOUR, by=ASKER)
    await a_request()
    for later in (2.5 * HOUR, 3.5 * HOUR, DAY):
        await Timers().fire_due(at=MONDAY + later)
    await next_version(MONDAY + DAY)
    hook = (await webhooks.subscriptions(limit=1))[0][0]
    await ping(hook, by=OPERATOR, at=MONDAY + DAY)

    sent = [
        msgspec.json.decode(row["body"]) for row in await fetch("SELECT body FROM outbox WHERE channel = 'webhook'")
    ]
    assert {event["type"] for event in sent} == set(TYPES)
    for event in sent:
        assert faults(event) == [], event
        assert set(event["data"]) == set(schema_of(event["type"])["properties"]["data"]["properties"])
        assert len(msgspec.json.encode(event)) < 20_000


@pytest.mark.usefixtures("regulation")
async def test_a_published_version_is_told_to_the_feed_and_to_who_asked() -> None:
    await a_webhook("https://crm.example.org/hooks")
    narrow = await webhooks.subscribe(
        "https://crm.example.org/p1", event_types=[PUBLISHED], filters={"priority": ["P1"]}, by=ADMINISTRATOR,
        at=MONDAY,
    )  # fmt: skip
    await webhooks.subscribe(
        "https://crm.example.org/closed", event_types=["ticket.closed"], filters={}, by=ADMINISTRATOR, at=MONDAY
    )
    version = await next_version(MONDAY + HOUR)

    kept = await fetchrow("SELECT event_id, ticket, seq, body FROM event WHERE type = $1", PUBLISHED)
    assert (kept["event_id"], kept["ticket"], kept["seq"]) == (f"evt_regulation_{version}", None, 0)
    told = msgspec.json.decode(kept["body"])
    assert told["timestamp"] == "2025-04-07T08:00:00.000000Z"
    assert told["data"] == {
        "ticket_id": None, "seq": 0, "version": version, "effective_at": "2025-04-07T08:00:00Z",
        "open_tickets": "keep", "actor": "staff",
    }  # fmt: skip
    rows = await fetch("SELECT endpoint, body, event_id FROM outbox WHERE type = $1", PUBLISHED)
    assert len(rows) == 2
    assert str(narrow[0].id) in {row["endpoint"] for row in rows}
    assert {bytes(row["body"]) for row in rows} == {bytes(kept["body"])}


@pytest.mark.usefixtures("regulation")
async def test_a_version_that_was_refused_is_told_to_nobody() -> None:
    await a_webhook("https://crm.example.org/hooks")
    rules = await in_force(at=MONDAY)
    with pytest.raises(Exception, match="changed this meanwhile"):
        await publish(rules.regulation, based_on=rules.version + 7, by=ADMINISTRATOR, at=MONDAY)
    assert await count("event", f"type = '{PUBLISHED}'") == 0
