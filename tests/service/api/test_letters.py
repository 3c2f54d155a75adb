"""Letters that did not arrive: seen over HTTP, and sent again as they were."""

from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from service.database import execute, fetchrow, fetchval

REQUEST = {"channel": "phone", "text": "The reader beeps.", "email": "anna@example.org"}


async def a_letter(operator: httpx.AsyncClient, status: str, **columns: Any) -> Any:
    """An acceptance letter that stands so."""
    await operator.post("/api/v1/tickets", json=REQUEST)
    row = await fetchrow("SELECT * FROM outbox WHERE channel = 'letter' ORDER BY id DESC LIMIT 1")
    sets = {"status": status, "attempt": 3, "last_error": "550 no such user", **columns}
    names = ", ".join(f"{name} = ${at}" for at, name in enumerate(sets, start=2))
    await execute(f"UPDATE outbox SET {names} WHERE id = $1", row["id"], *sets.values())
    return await fetchrow("SELECT * FROM outbox WHERE id = $1", row["id"])


async def listed(operator: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await operator.get("/api/v1/letters", params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_the_list_tells_each_kind_of_trouble_apart(operator: httpx.AsyncClient) -> None:
    for status in ("pending", "parked", "dead", "sending", "delivered", "delivered"):
        last = await a_letter(operator, status)
    await execute("UPDATE letter SET bounced = 'mailbox full' WHERE id::text = $1", last["event_id"])
    assert [one["status"] for one in await listed(operator)] == ["bounced", "pending", "dead", "parked", "pending"]
    for status, how_many in (("pending", 2), ("parked", 1), ("dead", 1), ("bounced", 1)):
        items = await listed(operator, status=status)
        assert [one["status"] for one in items] == [status] * how_many
    (bounced,) = await listed(operator, status="bounced")
    assert (bounced["why"], bounced["recipient"], bounced["next_at"]) == ("mailbox full", "anna@example.org", None)
    assert (await listed(operator, status="pending"))[-1]["next_at"] is not None
    assert (await operator.get("/api/v1/letters", params={"status": "lost"})).status_code == 422


async def test_the_list_is_paged(operator: httpx.AsyncClient) -> None:
    for _n in range(3):
        await a_letter(operator, "dead")
    first = (await operator.get("/api/v1/letters", params={"limit": 2})).json()
    rest = (await operator.get("/api/v1/letters", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    ids = [one["id"] for one in first["items"] + rest["items"]]
    assert len(set(ids)) == 3
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("status", "act"), [("dead", "letter.resend"), ("parked", "letter.release"), ("delivered", "letter.resend")]
)
async def test_a_letter_goes_again_as_it_was(operator: httpx.AsyncClient, status: str, act: str) -> None:
    before = await a_letter(operator, status)
    await execute("UPDATE letter SET bounced = '550' WHERE id::text = $1", before["event_id"])
    await execute(
        "INSERT INTO alarm (kind, key, sentence, at) VALUES ('letter_dead', $1, 'x', now())", before["event_id"]
    )
    answer = await operator.post(f"/api/v1/letters/{before['event_id']}/resend")
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == "pending"

    after = await fetchrow("SELECT * FROM outbox WHERE id = $1", before["id"])
    assert bytes(after["body"]) == bytes(before["body"])
    assert answer.json()["message_id"].encode() in bytes(after["body"])
    assert (after["status"], after["attempt"], after["crash_count"]) == ("pending", 1, 0)
    assert await fetchval("SELECT count(*) FROM outbox WHERE channel = 'letter'") == 1
    assert await fetchval("SELECT bounced FROM letter") == ""
    assert await fetchval("SELECT count(*) FROM alarm WHERE cleared_at IS NULL") == 0
    entry = await fetchrow("SELECT act, subject, data FROM config_journal WHERE act LIKE 'letter.%'")
    assert (entry["act"], entry["subject"]) == (act, f"letter {before['event_id']}")
    assert msgspec.json.decode(entry["data"])["was"] in (status, "bounced")


@pytest.mark.parametrize(
    ("status", "columns", "code"),
    [
        ("sending", {}, "letter_under_way"),
        ("merged", {}, "letter_merged"),
        ("delivered", {"body": b""}, "letter_not_kept"),
    ],
)
async def test_what_cannot_go_again_says_why(
    operator: httpx.AsyncClient, status: str, columns: dict[str, Any], code: str
) -> None:
    row = await a_letter(operator, status, **columns)
    answer = await operator.post(f"/api/v1/letters/{row['event_id']}/resend")
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert await fetchval("SELECT status FROM outbox WHERE id = $1", row["id"]) == status
    assert await fetchval("SELECT count(*) FROM config_journal WHERE act LIKE 'letter.%'") == 0


async def test_what_is_not_there_is_404(operator: httpx.AsyncClient) -> None:
    for id in (str(uuid4()), "x"):
        assert (await operator.get(f"/api/v1/letters/{id}")).status_code == 404
        assert (await operator.post(f"/api/v1/letters/{id}/resend")).status_code == 404
