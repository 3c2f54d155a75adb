"""One's own account, notices, sessions, teams and watched tickets over HTTP: all that the pages do."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from litestar import Litestar

from service import clock
from service.accounts import add_user, user_id
from service.database import fetchval
from service.sessions import open_session
from service.tokens import add_token
from tests.desk import a_ticket, does
from tests.service.api.conftest import ORIGIN, ClientFor
from workflow.definition import Role

API = "/api/v1"
Speaks = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def speaks_for(app: Litestar, regulation: None) -> AsyncIterator[Speaks]:
    """Programs that speak for a colleague of their own."""
    clients: list[httpx.AsyncClient] = []

    async def made(name: str, role: Role = Role.OPERATOR) -> httpx.AsyncClient:
        email = f"{name.lower()}@desk.example.org"
        await add_user(email, name=name, role=role, language="en", at=clock.now())
        token = await add_token(name, role=role, user=await user_id(email), at=clock.now())
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {token}"}
        clients.append(httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers))
        return clients[-1]

    yield made
    for client in clients:
        await client.aclose()


async def done(client: httpx.AsyncClient, method: str, path: str, *, status: int = 200, **given: Any) -> Any:
    answer = await client.request(method, f"{API}{path}", **given)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def test_one_changes_ones_own_name_language_and_absence(speaks_for: Speaks) -> None:
    olga = await speaks_for("Olga")
    await speaks_for("Vera")
    assert (await done(olga, "PATCH", "/me", json={"name": "Olga Orlova"}))["language"] == "en"
    assert (await done(olga, "PATCH", "/me", json={"language": "ru"}))["name"] == "Olga Orlova"
    await done(olga, "PATCH", "/me", json={"role": "administrator"}, status=422)
    days = {"first": "2026-01-01T00:00:00Z", "until": "2126-01-01T00:00:00Z", "deputy": "vera@desk.example.org"}
    said = await done(olga, "PUT", "/me/absence", json=days)
    assert said["away"]
    assert said == await done(olga, "GET", "/me/absence")
    await done(olga, "PUT", "/me/absence", json={"first": days["until"], "until": days["first"]}, status=422)
    assert not (await done(olga, "PUT", "/me/absence", json={}))["away"]


async def test_a_watched_ticket_tells_and_notices_are_read(speaks_for: Speaks) -> None:
    gleb = await speaks_for("Gleb", Role.SUPERVISOR)
    ticket, other = await a_ticket(), await a_ticket()
    watchers = await done(gleb, "PUT", f"/tickets/{ticket.number}/watch")
    assert [one["name"] for one in watchers["items"]] == ["Gleb"]
    for n in range(3):
        await does(ticket, "comment", clock.now(), text=f"{n}")
        await does(other, "comment", clock.now(), text=f"{n}")
    page = await done(gleb, "GET", "/me/notices?limit=2")
    assert [(one["kind"], one["trigger"], one["number"]) for one in page["items"]] == [
        ("watched", "comment", ticket.number)
    ] * 2
    rest = await done(gleb, "GET", f"/me/notices?limit=2&cursor={page['next_cursor']}")
    assert len(rest["items"]) == 1
    assert await done(gleb, "POST", "/me/notices/read", json={"until": page["items"][1]["id"]}) == {"read": 2}
    assert len((await done(gleb, "GET", "/me/notices?unread=true"))["items"]) == 1
    again = await done(gleb, "PATCH", f"/me/notices/{page['items'][1]['id']}", json={"read": False})
    assert again["read_at"] is None
    await done(gleb, "PATCH", "/me/notices/999999", json={"read": True}, status=404)
    watched = await done(gleb, "GET", "/tickets?watcher=me")
    assert [one["number"] for one in watched["items"]] == [ticket.number]
    await done(gleb, "DELETE", f"/tickets/{ticket.id}/watch", status=204)
    assert await done(gleb, "GET", f"/tickets/{ticket.id}/watchers") == {"items": []}
    await done(gleb, "PUT", "/tickets/2026-99999/watch", status=404)


async def test_one_chooses_how_one_is_told(speaks_for: Speaks) -> None:
    olga = await speaks_for("Olga")
    usual = {one["kind"]: one["ways"] for one in (await done(olga, "GET", "/me/notice-ways"))["items"]}
    assert usual["deadline"] == ["mail", "bell"]
    assert usual["watched"] == ["bell"]
    chosen = await done(olga, "PUT", "/me/notice-ways", json={"ways": {"watched": [], "deadline": ["bell"]}})
    assert {one["kind"]: one["ways"] for one in chosen["items"]} == usual | {"watched": [], "deadline": ["bell"]}
    await done(olga, "PUT", "/me/notice-ways", json={"ways": {"deadline": []}}, status=422)
    await done(olga, "PUT", "/me/notice-ways", json={"ways": {"weather": ["mail"]}}, status=422)


async def test_a_program_without_a_person_has_nothing_of_its_own(operator: httpx.AsyncClient) -> None:
    ticket = await a_ticket()
    for method, path, given in (
        ("GET", "/me/notices", None),
        ("GET", "/me/absence", None),
        ("GET", "/me/sessions", None),
        ("PATCH", "/me", {"name": "X"}),
        ("PUT", f"/tickets/{ticket.id}/watch", None),
    ):
        problem = await done(operator, method, path, status=409, **({"json": given} if given else {}))
        assert problem["code"] == "nobody"


async def test_sessions_are_seen_and_ended_by_their_owner_and_by_administrators(
    speaks_for: Speaks, administrator: httpx.AsyncClient
) -> None:
    olga = await speaks_for("Olga")
    id = await user_id("olga@desk.example.org")
    assert id
    for browser in ("Firefox", "Chrome"):
        await open_session(id, at=clock.now(), browser=browser, place="192.0.2.7")
    mine = (await done(olga, "GET", "/me/sessions"))["items"]
    assert sorted(one["browser"] for one in mine) == ["Chrome", "Firefox"]
    theirs = (await done(administrator, "GET", f"/users/{id}/sessions"))["items"]
    assert [one["id"] for one in theirs] == [one["id"] for one in mine]
    await done(olga, "DELETE", f"/me/sessions/{mine[0]['id']}", status=204)
    await done(olga, "DELETE", f"/me/sessions/{mine[0]['id']}", status=404)
    await done(olga, "DELETE", "/me/sessions/x", status=404)
    await done(olga, "GET", f"/users/{id}/sessions", status=403)
    assert await done(administrator, "DELETE", f"/users/{id}/sessions") == {"ended": 1}
    await open_session(id, at=clock.now())
    (one,) = (await done(administrator, "GET", f"/users/{id}/sessions"))["items"]
    await done(administrator, "DELETE", f"/users/{id}/sessions/{one['id']}", status=204)
    await done(administrator, "GET", "/users/999999/sessions", status=404)
    assert await fetchval("SELECT count(*) FROM config_journal WHERE act = 'session.end'") == 3


async def test_teams_are_made_changed_and_filtered_by(
    speaks_for: Speaks, administrator: httpx.AsyncClient, client_for: ClientFor
) -> None:
    olga = await speaks_for("Olga")
    id = str(await user_id("olga@desk.example.org"))
    team = await done(
        administrator, "POST", "/teams", json={"code": "first-line", "name": "First", "members": [id]}, status=201
    )
    assert [one["name"] for one in team["members"]] == ["Olga"]
    await done(administrator, "POST", "/teams", json={"code": "first-line", "name": "Again"}, status=409)
    await done(administrator, "POST", "/teams", json={"code": "First Line", "name": "Again"}, status=422)
    await done(administrator, "POST", "/teams", json={"code": "x", "name": "X", "members": ["999"]}, status=422)
    await done(olga, "POST", "/teams", json={"code": "mine", "name": "Mine"}, status=403)
    ticket = await a_ticket()
    await a_ticket()
    await done(olga, "POST", f"/tickets/{ticket.id}/moves", json={"trigger": "start"})
    for named in ("first-line", team["id"]):
        found = await done(olga, "GET", f"/tickets?team={named}")
        assert [one["number"] for one in found["items"]] == [ticket.number]
    changed = await done(administrator, "PATCH", f"/teams/{team['id']}", json={"members": [], "ended": True})
    assert (changed["members"], changed["ended"], changed["name"]) == ([], True, "First")
    assert (await done(olga, "GET", "/teams"))["items"] == [changed]
    assert await done(olga, "GET", f"/teams/{team['id']}") == changed
    await done(olga, "GET", "/teams/999", status=404)


async def test_a_step_that_tells_no_team_is_found_by_the_check(client_for: ClientFor) -> None:
    owner = await client_for(Role.PROCESS_OWNER)
    document = (await done(owner, "GET", "/regulations/current"))["document"]
    document["priorities"][0]["steps"][0]["notify"] = ["team:second-line"]
    checked = await done(owner, "POST", "/regulations/1/check", json={"document": document})
    assert [one["message"] for one in checked["problems"]] == ["There is no team with the code second-line."]
