"""The owner of a subscription learns by letter that its endpoint fails, and why it was disabled."""

from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any
from uuid import UUID

import pytest

from notifications.outbox import Courier
from notifications.post import Answer
from notifications.retry import GIVE_UP_AFTER
from notifications.webhooks import Webhooks
from service import clock
from service.database import execute, fetch, fetchval
from tests.desk import a_colleague, a_request, a_webhook, count, no_letters
from tests.notifications.delivering import drained

pytestmark = pytest.mark.usefixtures("regulation")
URL = "https://crm.example.org/hooks"


class Refusing:
    """A poster whose receiver answers as it is told."""

    def __init__(self, status: int) -> None:
        self.status = status

    async def post(self, url: str, body: bytes, headers: Any) -> Answer:
        return Answer(status=self.status, ms=1, head=b"", error=None, detail="", retry_after=None)


async def a_hook_of(owner: str) -> UUID:
    """A subscription of this owner, with one event to send, on its fourth attempt."""
    hook, _secrets = await a_webhook(URL)
    await execute("UPDATE webhook SET created_by = $1", owner)
    await a_request(clock.now() - timedelta(minutes=1))
    await no_letters()
    await execute("UPDATE outbox SET attempt = 3")
    return hook


async def the_colleague() -> int:
    await a_colleague("ada@example.org")
    return int(await fetchval("SELECT id FROM app_user"))


async def delivers(status: int) -> None:
    await drained(Courier(Webhooks(Refusing(status), jitter=lambda: 0.5)))  # type: ignore[arg-type]


async def letters() -> list[Any]:
    rows = await fetch("SELECT body FROM outbox WHERE channel = 'letter' ORDER BY id")
    return [message_from_bytes(bytes(row["body"]), policy=default) for row in rows]


async def test_after_the_fourth_failure_its_maker_is_told_once() -> None:
    hook = await a_hook_of(f"staff:{await the_colleague()}")
    await delivers(500)
    (letter,) = await letters()
    assert letter["To"].addresses[0].addr_spec == "ada@example.org"
    assert letter["Subject"] == "Your webhook keeps failing"
    said = letter.get_body(("plain",)).get_content()
    assert URL in said
    assert "HTTP 500" in said
    assert f"/integrations/{hook}" in said
    await execute("UPDATE outbox SET attempt = 3, next_at = now() WHERE channel = 'webhook'")
    await delivers(500)
    assert len(await letters()) == 1
    assert await count("alarm", "kind = 'webhook_failing' AND params ->> 'error' = 'HTTP 500'") == 1


@pytest.mark.parametrize(("status", "why"), [(410, "answered 410 Gone"), (500, "failed for 120 hours")])
async def test_when_it_is_disabled_its_maker_learns_why(status: int, why: str) -> None:
    hook = await a_hook_of(f"staff:{await the_colleague()}")
    since: datetime = clock.now() - GIVE_UP_AFTER
    await execute("UPDATE webhook SET failing_since = $1", since)
    await delivers(status)
    assert await fetchval("SELECT status FROM webhook WHERE id = $1", hook) == "disabled"
    (letter,) = await letters()
    assert letter["Subject"] == "Your webhook was disabled"
    assert why in letter.get_body(("plain",)).get_content()
    assert await count("alarm", "kind = 'webhook_disabled' AND cleared_at IS NULL") == 1


async def test_the_person_behind_a_token_is_told_in_her_language() -> None:
    user = await the_colleague()
    await execute("UPDATE app_user SET language = 'ru'")
    token = await fetchval(
        "INSERT INTO api_token (name, token_hash, role, \"user\") VALUES ('CRM', '', 'operator', $1) RETURNING id", user
    )
    await a_hook_of(f"token:{token}")
    await delivers(410)
    (letter,) = await letters()
    said = letter.get_body(("plain",)).get_content()
    assert "410 Gone" in said
    assert "answered" not in said


@pytest.mark.parametrize("owner", ["token:99", "staff:", "test"])
async def test_without_a_person_behind_it_the_alarm_stands_alone(owner: str) -> None:
    await a_hook_of(owner)
    await delivers(410)
    assert await letters() == []
    assert await count("alarm", "kind = 'webhook_disabled'") == 1
