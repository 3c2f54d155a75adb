"""What pages do programs do too: held mail, alarms, passwords, absences, erasure, drafts, views, imports, figures."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from notifications.mail.ingest import ingest
from notifications.mail.reader import READER
from notifications.mail.reading import read_stored
from service import alarms, clock
from service.accounts import account_for
from service.database import fetchrow
from service.tokens import SCOPES
from tests.desk import MONDAY
from tests.service.api.conftest import ClientFor
from workflow.definition import Role
from workflow.process import PROCESS

API = "/api/v1"


@pytest.fixture
async def owner(client_for: ClientFor) -> httpx.AsyncClient:
    return await client_for(Role.PROCESS_OWNER)


async def done(client: httpx.AsyncClient, method: str, path: str, *, status: int = 200, **given: Any) -> Any:
    answer = await client.request(method, f"{API}{path}", **given)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


# --- who one is -------------------------------------------------------------------------------------------------------


async def test_a_token_of_any_scope_may_ask_who_it_is(client_for: ClientFor, stranger: httpx.AsyncClient) -> None:
    for scope in SCOPES:
        me = await done(await client_for(Role.OPERATOR, scopes=(scope,)), "GET", "/me")
        assert me == {
            "kind": "token", "name": "operator program", "role": "operator", "user": None, "scopes": [scope],
        }  # fmt: skip
    await done(stranger, "GET", "/me", status=401)


# --- held mail --------------------------------------------------------------------------------------------------------


async def a_held_mail(subject: str = "Offer") -> str:
    """A mail of a mailing list: it waits for a person."""
    raw = (
        f"From: list@example.net\r\nTo: support@reglament.example.org\r\nSubject: {subject}\r\n"
        f"Message-ID: <{subject}@example.net>\r\nList-Id: <sale.example.net>\r\n\r\nBuy now, {subject}.\r\n"
    )
    to, at = ["support@reglament.example.org"], clock.now()
    id = await ingest(raw.encode(), envelope_from="list@example.net", recipients=to, source="smtp 127.0.0.1", at=at)
    await read_stored(at)
    return str(id)


@pytest.fixture(autouse=True)
def _reader() -> Iterator[None]:
    yield
    READER.close()


async def test_held_mail_is_read_and_becomes_a_ticket(operator: httpx.AsyncClient) -> None:
    id = await a_held_mail()
    (waiting,) = (await done(operator, "GET", "/held-mails"))["items"]
    assert (waiting["id"], waiting["sender"], waiting["why"]) == (id, "list@example.net", "A machine sent this")
    record = await done(operator, "GET", f"/held-mails/{id}")
    assert record["text"].strip() == "Buy now, Offer."
    original = await operator.get(f"{API}/held-mails/{id}/original")
    assert b"Message-ID: <Offer@example.net>" in original.content
    assert original.headers["content-disposition"].startswith("attachment")
    settled = await done(operator, "POST", f"/held-mails/{id}/ways", json={"way": "ticket"})
    assert settled["ticket"]
    assert (await done(operator, "GET", "/held-mails"))["items"] == []
    again = await operator.post(f"{API}/held-mails/{id}/ways", json={"way": "drop"})
    assert again.status_code == 409


async def test_held_mail_goes_every_way(operator: httpx.AsyncClient) -> None:
    ticket = (await done(operator, "POST", "/tickets", status=201, json={"channel": "phone", "text": "It beeps."}))[
        "id"
    ]
    await done(operator, "POST", "/organisations", status=201, json={"name": "Romashka"})
    first, second, third = [await a_held_mail(subject) for subject in ("One", "Two", "Three")]
    learn = {"way": "learn", "organisation": "Romashka", "full_name": "Robot"}
    await done(operator, "POST", f"/held-mails/{first}/ways", json=learn)
    joined = await done(operator, "POST", f"/held-mails/{first}/ways", json={"way": "join", "ticket": ticket})
    assert joined["ticket"] == ticket
    await done(operator, "POST", f"/held-mails/{second}/ways", json={"way": "spam"})
    assert [one["id"] for one in (await done(operator, "GET", "/held-mails?folder=spam"))["items"]] == [second]
    await done(operator, "POST", f"/held-mails/{second}/ways", json={"way": "back"})
    await done(operator, "POST", f"/held-mails/{third}/ways", json={"way": "drop"})
    page = await done(operator, "GET", "/held-mails?limit=1")
    assert ([one["id"] for one in page["items"]], page["next_cursor"]) == ([second], None)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"way": "join"}, "ticket"),
        ({"way": "join", "ticket": "2026-99999"}, "ticket"),
        ({"way": "learn"}, "organisation"),
        ({"way": "learn", "organisation": "Nobody"}, "organisation"),
        ({"way": "burn"}, "way"),
    ],
)
async def test_a_wrong_way_is_named(operator: httpx.AsyncClient, body: dict[str, str], field: str) -> None:
    refused = await done(operator, "POST", f"/held-mails/{await a_held_mail()}/ways", status=422, json=body)
    assert [one["field"] for one in refused["errors"]] == [field]


# --- how the system stands --------------------------------------------------------------------------------------------


async def test_alarms_are_told_and_cleared_by_administrators(
    administrator: httpx.AsyncClient, supervisor: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    await alarms.sound("test", "7", "There is no ticket “{value}”.", {"value": "7"}, at=MONDAY)
    await alarms.sound("test", "8", "There is no ticket “{value}”.", {"value": "8"}, at=MONDAY + timedelta(hours=1))
    page = await done(supervisor, "GET", "/alarms?standing=true&limit=1")
    assert [one["message"] for one in page["items"]] == ["There is no ticket “8”."]
    rest = await done(supervisor, "GET", f"/alarms?standing=true&cursor={page['next_cursor']}")
    assert [one["key"] for one in rest["items"]] == ["7"]
    id = rest["items"][0]["id"]
    await done(supervisor, "POST", f"/alarms/{id}/clear", status=403)
    assert (await done(administrator, "POST", f"/alarms/{id}/clear"))["cleared_at"]
    assert [one["key"] for one in (await done(supervisor, "GET", "/alarms?standing=false"))["items"]] == ["7"]
    await done(administrator, "POST", "/alarms/9999/clear", status=404)
    await done(operator, "GET", "/alarms", status=403)
    standing = await done(supervisor, "GET", "/standing")
    assert (standing["letters"], standing["checks"]) == (0, [])


async def test_the_journal_of_the_configuration_is_read_by_administrators(
    administrator: httpx.AsyncClient, supervisor: httpx.AsyncClient
) -> None:
    await done(administrator, "POST", "/organisations", status=201, json={"name": "Romashka"})
    await done(administrator, "POST", "/users", status=201, json={"email": "o@d.org", "name": "O", "role": "operator"})
    everything = await done(administrator, "GET", "/config-journal?limit=2")
    assert [one["act"] for one in everything["items"]] == ["user.add", "organisation.add"]
    assert everything["items"][0]["actor"] == {"kind": "token", "name": "administrator program"}
    assert everything["items"][0]["data"] == {"role": "operator"}
    older = await done(administrator, "GET", f"/config-journal?cursor={everything['next_cursor']}")
    assert {one["act"] for one in older["items"]} <= {"token.add", "regulation.publish"}
    for asked, expected in (
        ("act=user", ["user.add"]), ("act=ser", []), ("subject=romash", ["organisation.add"]),
        ("actor=nobody", []), ("since=2999-01-01T00:00:00Z", []), ("act=user.add&until=2000-01-01T00:00:00Z", []),
    ):  # fmt: skip
        found = await done(administrator, "GET", f"/config-journal?{asked}")
        assert [one["act"] for one in found["items"]] == expected, asked
    await done(supervisor, "GET", "/config-journal", status=403)


# --- colleagues and customers -----------------------------------------------------------------------------------------


async def test_a_colleague_gets_a_new_password_and_is_away(administrator: httpx.AsyncClient) -> None:
    for email in ("a@d.org", "b@d.org"):
        person = {"email": email, "name": email[0], "role": "operator"}
        await done(administrator, "POST", "/users", status=201, json=person)
    fresh = await done(administrator, "POST", "/users/1/password")
    assert await account_for("a@d.org", fresh["password"]) == 1
    away = {"first": "2020-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z", "deputy": "b@d.org"}
    assert await done(administrator, "PUT", "/users/1/absence", json=away) == away | {"deputy": "2", "away": True}
    refused = await done(administrator, "PUT", "/users/1/absence", status=422, json=away | {"deputy": "nobody"})
    assert refused["errors"][0]["field"] == "deputy"
    refused = await done(administrator, "PUT", "/users/1/absence", status=422, json={"first": away["first"]})
    assert refused["errors"][0]["field"] == "until"
    back = await done(administrator, "PUT", "/users/1/absence", json={})
    assert back == await done(administrator, "GET", "/users/1/absence")
    assert back == {"first": None, "until": None, "deputy": None, "away": False}


# --- the regulation ---------------------------------------------------------------------------------------------------


async def test_a_draft_is_begun_saved_and_published(owner: httpx.AsyncClient, operator: httpx.AsyncClient) -> None:
    await done(owner, "GET", "/regulation-draft", status=404)
    begun = await done(owner, "POST", "/regulation-draft", json={})
    assert (begun["revision"], begun["based_on"], begun["problems"]) == (1, begun["newest"], [])
    document = begun["document"] | {"minimum_minutes": 45}
    saved = await done(owner, "PUT", "/regulation-draft", json={"revision": 1, "document": document})
    assert (saved["revision"], saved["document"]["minimum_minutes"]) == (2, 45)
    faster = await done(owner, "PUT", "/regulation-draft", status=409, json={"revision": 1, "document": document})
    assert "process_owner program" in faster["detail"]
    await done(operator, "PUT", "/regulation-draft", status=403, json={"revision": 2, "document": document})
    assert (await done(operator, "GET", "/regulation-draft"))["revision"] == 2
    published = await done(owner, "POST", "/regulation-draft/publish", status=201, json={"revision": 2})
    assert published["version"] == begun["newest"] + 1
    assert (await done(operator, "GET", "/regulations/current"))["document"]["minimum_minutes"] == 45
    older = await done(owner, "POST", "/regulation-draft", json={"copy_of": begun["newest"]})
    assert older["document"]["minimum_minutes"] == begun["document"]["minimum_minutes"]
    followed = await done(owner, "POST", "/regulation-draft/rebase", json={"revision": older["revision"]})
    await done(owner, "DELETE", f"/regulation-draft?revision={older['revision']}", status=409)
    await done(owner, "DELETE", f"/regulation-draft?revision={followed['revision']}", status=204)
    await done(owner, "DELETE", "/regulation-draft?revision=1", status=404)


async def test_a_draft_that_is_not_publishable_says_why(owner: httpx.AsyncClient) -> None:
    begun = await done(owner, "POST", "/regulation-draft", json={})
    document = begun["document"] | {"priorities": []}
    saved = await done(owner, "PUT", "/regulation-draft", json={"revision": 1, "document": document})
    assert saved["problems"]
    refused = await done(owner, "POST", "/regulation-draft/publish", status=422, json={"revision": 2})
    assert refused["errors"]
    refused = await done(owner, "PUT", "/regulation-draft", status=422, json={"revision": 2, "document": {"x": 1}})
    assert {"document.title", "document.priorities", "document.x"} <= {one["field"] for one in refused["errors"]}


async def test_the_process_is_told_as_the_machine_obeys_it(operator: httpx.AsyncClient) -> None:
    told = await done(operator, "GET", "/process")
    assert [one["name"] for one in told["states"]] == [state.name for state in PROCESS.states]
    moves = {one["trigger"]: one for one in told["moves"]}
    for move in PROCESS.moves:
        assert moves[move.trigger]["sources"] == list(move.sources)
        assert moves[move.trigger]["required"] == [field.name for field in move.fields if field.required]
    russian = await operator.get(f"{API}/process", headers={"Accept-Language": "ru"})
    assert russian.json()["states"][0]["label"] == "Новая"


async def test_each_clause_has_its_figures_and_their_tickets(operator: httpx.AsyncClient) -> None:
    ticket = await done(operator, "POST", "/tickets", status=201, json={"channel": "phone", "text": "It beeps."})
    covered = await done(operator, "GET", "/coverage")
    by_clause = {one["clause"]: one for one in covered["items"]}
    assert by_clause["7.1"]["figures"] == [{"name": "7.1", "words": "taken by phone", "count": 1}]
    assert [one["name"] for one in by_clause["6.3"]["figures"]] == ["registration", "resolution"]
    behind = await done(operator, "GET", "/coverage/7.1")
    assert [one["id"] for one in behind["items"]] == [ticket["id"]]
    await done(operator, "GET", "/coverage/99", status=404)


async def test_a_decreed_year_is_proposed_and_a_future_one_is_not_guessed(operator: httpx.AsyncClient) -> None:
    assert "2026-01-01" in (await done(operator, "GET", "/production-calendar/2026"))["year"]["holidays"]
    await done(operator, "GET", "/production-calendar/2999", status=404)


# --- views and figures ------------------------------------------------------------------------------------------------


async def test_views_belong_to_the_colleague_a_token_speaks_for(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    view = {"name": "Urgent", "query": "priority=P1", "shared": True}
    assert (await done(operator, "POST", "/views", status=409, json=view))["code"] == "nobody"
    await done(administrator, "POST", "/users", status=201, json={"email": "o@d.org", "name": "O", "role": "operator"})
    key = {"name": "O's own", "role": "operator", "user": "o@d.org"}
    token = (await done(administrator, "POST", "/tokens", status=201, json=key))["token"]
    hers = {"Authorization": f"Bearer {token}"}
    made = await done(operator, "POST", "/views", status=201, json=view, headers=hers)
    assert (made["own"], made["owner"]) == (True, "O")
    await done(operator, "POST", "/views", status=409, json=view, headers=hers)
    assert [one["own"] for one in (await done(operator, "GET", "/views"))["items"]] == [False]
    await done(operator, "DELETE", f"/views/{made['id']}", status=409)
    await done(operator, "DELETE", f"/views/{made['id']}", status=204, headers=hers)
    await done(operator, "DELETE", f"/views/{made['id']}", status=404, headers=hers)


async def test_every_figure_of_the_reports_is_told(operator: httpx.AsyncClient) -> None:
    taken = await done(operator, "POST", "/tickets", status=201, json={"channel": "phone", "text": "It beeps."})
    path = f"/tickets/{taken['id']}/moves"
    for move in (
        {"trigger": "register", "priority": "P2"}, {"trigger": "start"},
        {"trigger": "complete", "text": "Done.", "delivery_method": "email", "minutes": 30, "outcome": "solved"},
        {"trigger": "dispute", "text": "No."},
    ):  # fmt: skip
        await done(operator, "POST", path, json=move)
    levels = (await done(operator, "GET", "/reports/levels"))["items"]
    assert [(one["priority"], one["running"] + one["met"]) for one in levels] == [("P2", 1)]
    states = (await done(operator, "GET", "/reports/states"))["items"]
    assert {one["state"]: one["stays"] for one in states}[PROCESS.initial] == 1
    pauses = (await done(operator, "GET", "/reports/pauses"))["items"]
    assert [(one["pauses"], one["tickets"]) for one in pauses] == [(1, 1)]  # completed, until it was disputed
    moves = (await done(operator, "GET", "/reports/moves?trigger=dispute"))["items"]
    assert [(one["n"], one["tickets"]) for one in moves] == [(1, 1)]
    await done(operator, "GET", "/reports/moves?trigger=dance", status=422)
    await fetchrow(
        "INSERT INTO satisfaction (ticket, score, at) VALUES ($1, 'good', $2) RETURNING id",
        UUID(taken["id"]),
        clock.now(),
    )
    (month,) = (await done(operator, "GET", "/reports/satisfaction"))["items"]
    assert (month["good"], month["bad"]) == (1, 0)
