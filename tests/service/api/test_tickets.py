"""Tickets over HTTP: taking in, moving, reading."""

import base64
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from workflow.process import PROCESS

REQUEST = {
    "channel": "portal",
    "organisation": "Ромашка",
    "full_name": "Анна Ким",
    "position": "engineer",
    "phone": "+7 900 000-00-00",
    "email": "anna@romashka.example.org",
    "subject": "The reader beeps",
    "text": "Since this morning the card reader at the gate beeps and does not open.",
}


async def taken_in(client: httpx.AsyncClient, **told: str) -> dict[str, Any]:
    answer = await client.post("/api/v1/tickets", json=REQUEST | told)
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.json()
    return ticket


async def moved(client: httpx.AsyncClient, id: str, trigger: str, **fields: Any) -> dict[str, Any]:
    answer = await client.post(f"/api/v1/tickets/{id}/moves", json={"trigger": trigger, **fields})
    assert answer.status_code == 200, answer.text
    ticket: dict[str, Any] = answer.json()
    return ticket


async def test_a_request_becomes_a_ticket_with_its_clock_running(operator: httpx.AsyncClient) -> None:
    answer = await operator.post("/api/v1/tickets", json=REQUEST)

    ticket = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/tickets/{ticket['id']}"
    assert answer.headers["etag"] == '"1"'
    assert ticket["state"] == PROCESS.initial
    assert ticket["clock"]["state"] == "running"
    assert ticket["contact"]["full_name"] == "Анна Ким"
    assert ticket["registration_due_at"]


async def test_a_ticket_lives_through_the_api_from_request_to_close(operator: httpx.AsyncClient) -> None:
    id = (await taken_in(operator))["id"]
    number = (await moved(operator, id, "register", priority="P2"))["number"]
    await moved(operator, number, "start")
    await moved(operator, number, "request_info", text="Which gate?", minutes=3)
    await moved(operator, number.lower(), "resume", text="The northern one.")
    done = await moved(
        operator, id, "complete", text="Replaced.", delivery_method="email", minutes=40, outcome="solved"
    )
    closed = await moved(operator, id, "confirm")

    assert done["clock"]["state"] == "paused"
    assert closed["clock"]["state"] == "stopped"
    assert closed["closed_at"]
    journal = (await operator.get(f"/api/v1/tickets/{number}/journal")).json()["items"]
    assert [entry["trigger"] for entry in journal] == [
        "receive", "register", "start", "request_info", "resume", "complete", "confirm",
    ]  # fmt: skip
    assert [entry["seq"] for entry in journal] == list(range(1, 8))
    assert journal[0]["actor"] == {"kind": "token", "name": "operator program"}
    assert all(entry["cause"].startswith("request:token:") for entry in journal)
    assert len({entry["hash"] for entry in journal}) == 7


async def test_the_state_is_refused_before_the_fields_and_says_what_is_possible(operator: httpx.AsyncClient) -> None:
    id = (await taken_in(operator))["id"]

    answer = await operator.post(f"/api/v1/tickets/{id}/moves", json={"trigger": "complete", "minutes": "many"})

    problem = answer.json()
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Complete" in problem["detail"]
    assert "register" in problem["possible"]
    assert "complete" not in problem["possible"]


async def test_every_wrong_field_of_a_move_is_named_at_once(operator: httpx.AsyncClient) -> None:
    id = (await taken_in(operator))["id"]

    answer = await operator.post(
        f"/api/v1/tickets/{id}/moves",
        json={"trigger": "register", "priority": "P9", "assignee": "nobody@example.org", "colour": "red"},
    )

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"priority", "assignee", "colour"}


async def test_the_role_is_refused_before_the_state(supervisor: httpx.AsyncClient, operator: httpx.AsyncClient) -> None:
    id = (await taken_in(operator))["id"]
    answer = await supervisor.post(f"/api/v1/tickets/{id}/moves", json={"trigger": "complete"})
    assert answer.status_code == 403


@pytest.mark.parametrize("body", [{}, {"trigger": None}, {"trigger": "explode"}, {"trigger": 5}])
async def test_a_move_without_a_known_trigger_is_told_which_there_are(
    operator: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    id = (await taken_in(operator))["id"]
    answer = await operator.post(f"/api/v1/tickets/{id}/moves", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "trigger"


async def test_nobody_slips_facts_into_the_journal(operator: httpx.AsyncClient) -> None:
    id = (await taken_in(operator))["id"]
    forged = {"trigger": "escalate", "details": {"priority": "P1", "number": "X-1", "assignee": "7"}}

    answer = await operator.post(f"/api/v1/tickets/{id}/moves", json=forged)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "details"
    ticket = (await operator.get(f"/api/v1/tickets/{id}")).json()
    assert (ticket["seq"], ticket["priority"], ticket["number"]) == (1, None, None)


async def test_what_does_not_fit_is_refused_and_not_failed_upon(operator: httpx.AsyncClient) -> None:
    long = await operator.post("/api/v1/tickets", json=REQUEST | {"phone": "1" * 101, "language": "de"})
    assert {error["field"] for error in long.json()["errors"]} == {"phone", "language"}


async def test_a_ticket_that_is_not_there_is_404_to_read_and_to_move(operator: httpx.AsyncClient) -> None:
    for name in (str(uuid4()), "NO-SUCH-1", "%00", "П-1"):
        assert (await operator.get(f"/api/v1/tickets/{name}")).status_code == 404
        assert (await operator.get(f"/api/v1/tickets/{name}/journal")).status_code == 404
        answer = await operator.post(f"/api/v1/tickets/{name}/moves", json={"trigger": "start"})
        assert answer.status_code == 404


async def test_the_moves_list_says_what_each_takes(operator: httpx.AsyncClient) -> None:
    id = (await taken_in(operator))["id"]

    answer = (await operator.get(f"/api/v1/tickets/{id}/moves", headers={"Accept-Language": "ru"})).json()

    register = next(move for move in answer["items"] if move["trigger"] == "register")
    assert register["label"] == "Зарегистрировать"
    assert [field["name"] for field in register["fields"]] == ["priority", "assignee"]
    assert [choice["code"] for choice in register["fields"][0]["choices"]] == ["P1", "P2", "P3", "P4"]
    assert {move["trigger"] for move in answer["items"]} >= {"register", "reject", "withdraw", "comment"}


async def test_a_stale_if_match_is_told_who_did_what(operator: httpx.AsyncClient) -> None:
    id = (await taken_in(operator))["id"]
    await moved(operator, id, "register", priority="P3")

    for stale in ('"1"', "1"):
        answer = await operator.post(
            f"/api/v1/tickets/{id}/moves", json={"trigger": "start"}, headers={"If-Match": stale}
        )
        assert answer.status_code == 412
        assert "operator program made “Register”" in answer.json()["detail"]
    fresh = await operator.post(f"/api/v1/tickets/{id}/moves", json={"trigger": "start"}, headers={"If-Match": '"2"'})
    assert fresh.status_code == 200
    assert fresh.headers["etag"] == '"3"'


async def test_the_same_key_gives_the_same_bytes_and_acts_once(operator: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "order-7"}
    first = await operator.post("/api/v1/tickets", json=REQUEST, headers=key)
    again = await operator.post("/api/v1/tickets", json=REQUEST, headers=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert all(again.headers[name] == first.headers[name] for name in ("location", "etag", "content-type"))
    assert len((await operator.get("/api/v1/tickets")).json()["items"]) == 1


async def test_a_key_used_for_another_request_is_refused(operator: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "order-8"}
    await operator.post("/api/v1/tickets", json=REQUEST, headers=key)
    other = await operator.post("/api/v1/tickets", json=REQUEST | {"text": "Something else."}, headers=key)
    assert other.status_code == 422
    assert other.json()["code"] == "key_reused"


async def test_a_move_with_a_key_is_made_once(operator: httpx.AsyncClient) -> None:
    id = (await taken_in(operator))["id"]
    key = {"Idempotency-Key": "move-1"}
    move = {"trigger": "register", "priority": "P1"}
    first = await operator.post(f"/api/v1/tickets/{id}/moves", json=move, headers=key)
    again = await operator.post(f"/api/v1/tickets/{id}/moves", json=move, headers=key)
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert (await operator.get(f"/api/v1/tickets/{id}")).json()["seq"] == 2


async def test_every_wrong_field_of_a_request_is_named_at_once(operator: httpx.AsyncClient) -> None:
    answer = await operator.post("/api/v1/tickets", json={"channel": 5, "phone": [], "email": "x", "colour": "red"})
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} >= {"channel", "phone", "colour"}


@pytest.mark.parametrize("channel", ["telegram", "forum", "", "Portal"])
async def test_nothing_but_the_official_channels_makes_a_ticket(operator: httpx.AsyncClient, channel: str) -> None:
    refused = await operator.post(
        "/api/v1/tickets", json={"channel": channel, "text": "Help", "email": "i@example.com"}
    )
    assert refused.status_code == 422
    assert [one["field"] for one in refused.json()["errors"]] == ["channel"]
    assert (await operator.get("/api/v1/tickets")).json()["items"] == []


async def test_pages_of_tickets_follow_one_another_without_gap_or_repeat(operator: httpx.AsyncClient) -> None:
    made = [(await taken_in(operator, subject=f"Ticket {n}"))["id"] for n in range(7)]

    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await operator.get("/api/v1/tickets", params=query)).json()
        seen += [ticket["id"] for ticket in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break

    assert seen == made[::-1]


async def test_tickets_are_found_by_their_facts_and_their_words(operator: httpx.AsyncClient) -> None:
    quiet = await taken_in(operator, subject="Турникет молчит", text="Не реагирует на пропуска.")
    loud = await taken_in(operator, subject="Считыватель пищит", organisation="Василёк")
    registered = await moved(operator, loud["id"], "register", priority="P1")

    async def found(**query: Any) -> set[str]:
        answer = await operator.get("/api/v1/tickets", params=query)
        assert answer.status_code == 200, answer.text
        return {ticket["id"] for ticket in answer.json()["items"]}

    assert await found(state=PROCESS.initial) == {quiet["id"]}
    assert await found(state=[PROCESS.initial, registered["state"]]) == {quiet["id"], loud["id"]}
    assert await found(priority="P1") == {loud["id"]}
    assert await found(organisation="василёк") == {loud["id"]}
    assert await found(assignee="none") == {quiet["id"], loud["id"]}
    assert await found(assignee="somebody@example.org") == set()
    assert await found(q="турникеты") == {quiet["id"]}
    assert await found(q=registered["number"].lower()) == {loud["id"]}
    assert await found(overdue="true") == set()
    assert await found(overdue="false") == {quiet["id"], loud["id"]}
    both = {quiet["id"], loud["id"]}
    assert await found(channel=quiet["channel"]) == both
    assert await found(channel="email") == set()
    assert await found(unidentified="true") == both
    assert await found(email=quiet["contact"]["email"].upper()) == both
    assert await found(product="gate reader") == set()
    assert await found(contract="C-17") == set()
    assert await found(outcome="solved") == set()
    assert await found(received_from=loud["received_at"]) == {loud["id"]}
    assert await found(received_until=loud["received_at"]) == {quiet["id"]}
    assert await found(received_from="0001-01-01T00:00:00+14:00", received_until="9999-12-31T23:59:59-12:00") == both


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"state": "lost"}, "state"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "WzFd"}, "cursor"),
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"overdue": "perhaps"}, "overdue"),
        ({"received_from": "2026-05-04T07:00:00"}, "received_from"),
        ({"received_until": "0.5"}, "received_until"),
        ({"received_from": "1767225600"}, "received_from"),
        ({"channel": "pigeon"}, "channel"),
    ],
)
async def test_a_wrong_filter_is_named(operator: httpx.AsyncClient, query: dict[str, str], field: str) -> None:
    answer = await operator.get("/api/v1/tickets", params=query)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_messages_and_deadline_are_told(operator: httpx.AsyncClient) -> None:
    id = (await taken_in(operator))["id"]
    await moved(operator, id, "register", priority="P2")
    await moved(operator, id, "comment", text="Looks like the cable.")

    messages = (await operator.get(f"/api/v1/tickets/{id}/messages")).json()["items"]
    assert [message["direction"] for message in messages] == ["in", "internal"]
    deadline = (await operator.get(f"/api/v1/tickets/{id}/deadline")).json()
    passport = deadline["resolution"]
    assert passport["due"] == deadline["due_at"]
    assert sum(span["seconds"] for span in passport["counted"]) == pytest.approx(passport["total_seconds"], abs=1e-6)
    assert "правило" in passport["text"]["ru"]
    assert "rule P2" in passport["text"]["en"]
    assert (await operator.get(f"/api/v1/tickets/{id}/attachments")).json() == {"items": [], "next_cursor": None}


async def test_a_journal_is_read_in_pages(operator: httpx.AsyncClient) -> None:
    id = (await taken_in(operator))["id"]
    for n in range(4):
        await moved(operator, id, "comment", text=f"Word {n}.")
    first = (await operator.get(f"/api/v1/tickets/{id}/journal", params={"limit": 3})).json()
    rest = (
        await operator.get(f"/api/v1/tickets/{id}/journal", params={"limit": 3, "cursor": first["next_cursor"]})
    ).json()
    assert [entry["seq"] for entry in first["items"] + rest["items"]] == [1, 2, 3, 4, 5]
    assert rest["next_cursor"] is None


async def test_a_bare_move_costs_five_round_trips(operator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is asking, begin, read with lock, write, commit."""
    id = (await taken_in(operator))["id"]
    asked: list[str] = []
    connection = asyncpg.Connection
    for name in ("execute", "fetch", "fetchrow", "fetchval"):
        original = getattr(connection, name)

        def counted(original: Any = original, name: str = name) -> Any:
            async def inner(self: Any, sql: str, *values: Any, **named: Any) -> Any:
                asked.append(sql.split()[0].strip(";"))
                return await original(self, sql, *values, **named)

            return inner

        monkeypatch.setattr(connection, name, counted())
    await moved(operator, id, "comment", text="A word.")
    assert asked == ["SELECT", "BEGIN", "SELECT", "WITH", "COMMIT"]


@pytest.mark.parametrize("path", ["tickets?priority=%00", "tickets?assignee=%00", "tickets/%00", "tickets/%00/journal"])
async def test_a_zero_byte_in_an_address_fits_nothing_and_fails_nothing(operator: httpx.AsyncClient, path: str) -> None:
    answer = await operator.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.json().get("items", [])) in ((200, []), (404, []))


@pytest.mark.parametrize("name", ["\x00", "nobody\x00", "x" * 501, "x" * 200_000])
@pytest.mark.parametrize(
    ("move", "field"),
    [
        ({"trigger": "assign"}, "assignee"),
        ({"trigger": "link", "relation": "duplicate"}, "ticket"),
        ({"trigger": "identify"}, "organisation"),
    ],
)
async def test_a_name_that_no_column_holds_is_a_wrong_field(
    operator: httpx.AsyncClient, move: dict[str, str], field: str, name: str
) -> None:
    id = (await taken_in(operator))["id"]
    answer = await operator.post(f"/api/v1/tickets/{id}/moves", json=move | {field: name})
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_identifying_blames_the_contact_for_being_unknown(
    operator: httpx.AsyncClient, administrator: httpx.AsyncClient
) -> None:
    await administrator.post("/api/v1/organisations", json={"name": "Acme"})
    id = (await taken_in(operator))["id"]
    body = {"trigger": "identify", "organisation": "Acme", "contact": "nobody@customer.example.com"}
    answer = await operator.post(f"/api/v1/tickets/{id}/moves", json=body)
    assert [error["field"] for error in answer.json()["errors"]] == ["contact"]


@pytest.mark.parametrize("place", ["[-1]", "[99999999999999999999]", '["0001-01-01T00:00:00+14:00", "x"]', "[1e400]"])
@pytest.mark.parametrize("path", ["webhooks/{}/deliveries", "organisations", "tokens", "regulations", "webhooks"])
async def test_a_cursor_from_nowhere_fails_nothing(
    administrator: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str, place: str
) -> None:
    monkeypatch.setattr("service.house.HOUSE.webhook_allowed_hosts", ("hooks.example.com:443",))
    body = {"url": "https://hooks.example.com/in", "event_types": ["ticket.received"]}
    webhook = (await administrator.post("/api/v1/webhooks", json=body)).json()["id"]
    cursor = base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
    answer = await administrator.get(f"/api/v1/{path.format(webhook)}", params={"cursor": cursor})
    assert answer.status_code in (200, 422)


async def test_a_version_of_nowhere_on_a_fresh_ticket_is_told_in_words(operator: httpx.AsyncClient) -> None:
    id = (await taken_in(operator))["id"]
    headers = {"If-Match": '"7"', "Accept-Language": "ru"}
    answer = await operator.post(f"/api/v1/tickets/{id}/moves", json={"trigger": "start"}, headers=headers)
    assert answer.status_code == 412
    assert "«Принята»" in answer.json()["detail"]
    assert answer.json()["title"] == "Тем временем изменилось"
    english = await operator.post(f"/api/v1/tickets/{id}/moves", json={"trigger": "start"}, headers={"If-Match": '"7"'})
    assert "made “Received”" in english.json()["detail"]


async def test_no_list_of_moves_names_one_that_json_cannot_carry(operator: httpx.AsyncClient) -> None:
    id = (await taken_in(operator))["id"]
    listed = (await operator.get(f"/api/v1/tickets/{id}/moves")).json()["items"]
    refused = await operator.post(f"/api/v1/tickets/{id}/moves", json={"trigger": "start"})
    assert refused.status_code == 409
    for names in ([move["trigger"] for move in listed], refused.json()["possible"]):
        assert "register" in names
        assert "attach" not in names


async def test_head_is_answered_as_get_without_content(operator: httpx.AsyncClient) -> None:
    head, got = await operator.head("/api/v1/tickets"), await operator.get("/api/v1/tickets")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert (await operator.head("/api/v1/tickets/NO-SUCH-1")).status_code == 404


async def test_a_text_of_zero_bytes_says_nothing(operator: httpx.AsyncClient) -> None:
    answer = await operator.post("/api/v1/tickets", json={"channel": "phone", "text": "\x00"})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["text"]


@pytest.mark.parametrize(
    "address", ["/api/v1/tickets?stat=new", "/api/v1/tickets?request=1", "/api/v1/reports/sla?from=x"]
)
async def test_a_misspelt_filter_does_not_find_everything(operator: httpx.AsyncClient, address: str) -> None:
    name = address.partition("?")[2].partition("=")[0]
    answer = await operator.get(address)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == name
    assert "Known here are: " in error["message"]


async def test_an_address_without_parameters_takes_none(operator: httpx.AsyncClient) -> None:
    ticket = (await operator.post("/api/v1/tickets", json=REQUEST)).json()["id"]
    answer = await operator.get(f"/api/v1/tickets/{ticket}?ticket=1")
    assert [one["field"] for one in answer.json()["errors"]] == ["ticket"]


async def test_every_fault_of_an_address_is_told_at_once(operator: httpx.AsyncClient) -> None:
    answer = await operator.get("/api/v1/tickets?limit=0&cursor=x&overdue=maybe&channel=fax&colour=red&received_from=5")
    assert answer.status_code == 422
    told = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert told.keys() == {"limit", "cursor", "overdue", "channel", "colour", "received_from"}
    assert told["limit"] == "Too small: the least value is 1."
    assert told["cursor"].startswith("This is not a cursor of this list.")
    assert told["overdue"] == "Expected here: true or false."
    assert told["channel"] == "One of these is wanted here: portal, email, phone."


async def test_a_parameter_that_is_missing_is_named_in_the_readers_language(operator: httpx.AsyncClient) -> None:
    answer = await operator.get("/api/v1/reports/moves?months=x", headers={"Accept-Language": "ru"})
    told = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert told == {"months": "Здесь ожидается: целое число.", "trigger": "Заполните это поле."}


async def test_a_move_of_no_process_is_answered_with_those_a_program_may_send(operator: httpx.AsyncClient) -> None:
    id = (await taken_in(operator))["id"]
    answer = await operator.post(f"/api/v1/tickets/{id}/moves", json={"trigger": "close"})
    (wrong,) = answer.json()["errors"]
    assert "register" in wrong["message"]
    assert not {"expire", "warn", "breach", "bounce"} & set(wrong["message"].strip(".").replace(",", "").split())
