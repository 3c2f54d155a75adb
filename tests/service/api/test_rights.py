"""Nobody gets further than his role and scope, whatever real ids he knows."""

import re
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from service.auth import ANY_SCOPE
from service.database import fetchval
from service.route_table import ROLES, handlers, markdown, rights_of
from service.tokens import SCOPES
from tests.service.api.conftest import ClientFor
from tests.service.api.test_attachments import PNG
from workflow.definition import Role

DOCS = Path(__file__).parents[3] / "docs"


def test_the_table_of_rights_is_the_rights_there_are(app: Litestar) -> None:
    """`python -m service.route_table > docs/routes.md` writes it anew."""
    assert (DOCS / "routes.md").read_text("utf-8") == markdown(app)


@pytest.fixture
async def ids(administrator: httpx.AsyncClient) -> dict[str, str]:
    """One real thing of each kind, by the name the routes give its id."""
    at = "/api/v1"
    ticket = (await administrator.post(f"{at}/tickets", json={"channel": "phone", "text": "It beeps."})).json()["id"]
    files = {"file": ("a.png", PNG, "image/png")}
    attachment = (await administrator.post(f"{at}/tickets/{ticket}/attachments", files=files)).json()["items"][0]["id"]
    organisation = (await administrator.post(f"{at}/organisations", json={"name": "Romashka"})).json()["id"]
    user = await administrator.post(f"{at}/users", json={"email": "o@example.org", "name": "O", "role": "operator"})
    contact = await administrator.post(f"{at}/contacts", json={"full_name": "A", "addresses": ["a@example.org"]})
    contract = await administrator.post(
        f"{at}/contracts", json={"organisation": organisation, "number": "C", "starts_on": "2026-01-01"}
    )
    return {
        "ticket": ticket, "attachment": attachment, "organisation": organisation, "user": user.json()["id"],
        "contact": contact.json()["id"], "contract": contract.json()["id"], "version": "1", "token": "1",
        "id": ticket,
    }  # fmt: skip


def filled(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"{(\w+)(:\w+)?}", lambda found: ids.get(found[1], "1"), path)


@pytest.mark.parametrize("role", [role for role in ROLES if role is not Role.CUSTOMER])
async def test_no_real_id_opens_a_route_to_another_role(
    app: Litestar, client_for: ClientFor, ids: dict[str, str], role: Role
) -> None:
    before = await fetchval("SELECT count(*) FROM journal") + await fetchval("SELECT count(*) FROM config_journal")
    client = await client_for(role)
    tried = 0
    for name, handler in handlers(app):
        rights = rights_of(handler)
        if rights is None or role in rights[0]:
            continue
        method, path = name.split(" ")
        answer = await client.request(method, filled(path, ids), json={})
        assert answer.status_code in (401, 403, 404), f"{role} {name}: {answer.status_code}"
        tried += 1
    after = await fetchval("SELECT count(*) FROM journal") + await fetchval("SELECT count(*) FROM config_journal")
    assert after == before + 1  # the client's own token
    assert tried > 0 or role is Role.ADMINISTRATOR


async def test_no_real_id_opens_a_route_to_a_token_without_its_scope(
    app: Litestar, client_for: ClientFor, ids: dict[str, str]
) -> None:
    for scope in SCOPES:
        client = await client_for(Role.ADMINISTRATOR, scopes=(scope,))
        for name, handler in handlers(app):
            rights = rights_of(handler)
            if rights is None or rights[1] in (scope, ANY_SCOPE) or not name.split(" ")[1].startswith("/api/"):
                continue
            method, path = name.split(" ")
            answer = await client.request(method, filled(path, ids), json={})
            assert answer.status_code in (401, 403), f"{scope} {name}: {answer.status_code}"


async def test_what_is_not_there_and_what_is_not_yours_look_alike(client_for: ClientFor, ids: dict[str, str]) -> None:
    stranger = await client_for()
    there = await stranger.get(f"/api/v1/tickets/{ids['ticket']}")
    not_there = await stranger.get("/api/v1/tickets/019df2c1-5a00-7c4e-9a51-3f2b8c7d6e5f")
    same = {"status", "code", "title", "detail"}
    assert {name: there.json()[name] for name in same} == {name: not_there.json()[name] for name in same}
