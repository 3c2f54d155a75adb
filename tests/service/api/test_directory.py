"""Customers, accounts, tokens and the regulation over HTTP."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from service.accounts import account_for
from service.regulations import versions
from workflow.definition import Role

ClientFor = Callable[..., Awaitable[httpx.AsyncClient]]


async def test_a_customer_is_written_down_and_then_recognised(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient
) -> None:
    contact = {"full_name": "Anna Kim", "addresses": ["Anna@romashka.example.org"], "organisation": "romashka llc"}
    for path, body in (
        ("organisations", {"name": "Romashka LLC", "domains": ["Romashka.example.org"]}),
        ("contacts", contact),
        ("contracts", {"organisation": "1", "number": "C-17", "starts_on": "2020-01-01", "service_level": "standard"}),
    ):
        made = await administrator.post(f"/api/v1/{path}", json=body)
        assert made.status_code == 201, made.text
        listed = (await operator.get(f"/api/v1/{path}")).json()
        assert listed == {"items": [made.json()], "next_cursor": None}

    ticket = await operator.post(
        "/api/v1/tickets", json={"channel": "phone", "text": "It beeps.", "email": "anna@romashka.example.org"}
    )
    assert ticket.json()["organisation"] == "Romashka LLC"
    assert ticket.json()["contract"] == "C-17"
    assert not ticket.json()["unidentified"]


async def test_what_is_there_already_is_a_conflict(administrator: httpx.AsyncClient) -> None:
    for status in (201, 409):
        answer = await administrator.post("/api/v1/organisations", json={"name": "Vasilyok"})
        assert answer.status_code == status


async def test_lists_go_on_page_by_page(administrator: httpx.AsyncClient) -> None:
    for n in range(5):
        await administrator.post("/api/v1/organisations", json={"name": f"Customer {n}"})
    first = (await administrator.get("/api/v1/organisations", params={"limit": 3})).json()
    rest = (
        await administrator.get("/api/v1/organisations", params={"limit": 3, "cursor": first["next_cursor"]})
    ).json()
    assert [one["name"] for one in first["items"] + rest["items"]] == [f"Customer {n}" for n in range(5)]
    assert rest["next_cursor"] is None


async def test_an_empty_id_never_acts_on_the_list(administrator: httpx.AsyncClient) -> None:
    for method in ("GET", "DELETE", "PATCH"):
        answer = await administrator.request(method, "/api/v1/tokens/")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.headers["content-type"].startswith("application/problem+json")


async def test_an_account_gets_a_password_that_is_shown_once(administrator: httpx.AsyncClient) -> None:
    made = await administrator.post(
        "/api/v1/users", json={"email": "Olga@desk.example.org", "name": "Olga", "role": "operator"}
    )
    assert made.status_code == 201, made.text
    assert await account_for("olga@desk.example.org", made.json()["password"]) == int(made.json()["id"])
    assert "password" not in (await administrator.get("/api/v1/users")).json()["items"][0]


async def test_only_an_administrator_gives_rights(operator: httpx.AsyncClient, supervisor: httpx.AsyncClient) -> None:
    for client in (operator, supervisor):
        assert (await client.get("/api/v1/tokens")).status_code == 403
        assert (await client.post("/api/v1/tokens", json={"name": "x", "role": "administrator"})).status_code == 403
        assert (await client.post("/api/v1/users", json={})).status_code == 403


async def test_a_token_is_made_used_listed_and_revoked(
    administrator: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    made = (
        await administrator.post("/api/v1/tokens", json={"name": "CRM", "role": "operator", "scopes": ["tickets:read"]})
    ).json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert (await stranger.get("/api/v1/tickets", headers=headers)).status_code == 200
    assert (await stranger.post("/api/v1/tickets", headers=headers, json={})).status_code == 403
    none = await administrator.post("/api/v1/tokens", json={"name": "x", "role": "operator", "scopes": []})
    assert (none.status_code, none.json()["errors"][0]["field"]) == (422, "scopes")  # and not everything
    listed = (await administrator.get("/api/v1/tokens")).json()["items"]
    assert made["token"] not in str(listed)
    assert (await administrator.delete(f"/api/v1/tokens/{made['id']}")).status_code == 204
    assert (await stranger.get("/api/v1/tickets", headers=headers)).status_code == 401
    assert (await administrator.delete("/api/v1/tokens/999")).status_code == 404


# --- the regulation ---------------------------------------------------------------------------------------------------


async def test_an_owner_publishes_the_next_version(client_for: ClientFor, operator: httpx.AsyncClient) -> None:
    owner = await client_for(Role.PROCESS_OWNER)
    current = (await owner.get("/api/v1/regulations/current")).json()
    document = current["document"]
    document["priorities"][2]["target"]["amount"] = 600
    document["examples"] = []

    checked = (await owner.post("/api/v1/regulations/1/check", json={"document": document})).json()
    assert checked == {"publishable": True, "problems": []}
    published = await owner.post("/api/v1/regulations/1/publish", json={"document": document, "note": "Longer P3."})
    assert published.status_code == 201, published.text
    assert published.json() == {"version": 2}
    assert [one["version"] for one in (await owner.get("/api/v1/regulations")).json()["items"]] == [2, 1]

    late = await owner.post("/api/v1/regulations/1/publish", json={"document": document})
    assert late.status_code == 409
    assert (await operator.post("/api/v1/regulations/2/publish", json={"document": document})).status_code == 403
    assert len(await versions()) == 2


async def test_a_draft_that_breaks_a_check_is_not_published(client_for: ClientFor) -> None:
    owner = await client_for(Role.PROCESS_OWNER)
    document = (await owner.get("/api/v1/regulations/current")).json()["document"]
    document["priorities"][0]["target"]["amount"] = 0

    checked = (await owner.post("/api/v1/regulations/1/check", json={"document": document})).json()
    assert not checked["publishable"]
    refused = await owner.post("/api/v1/regulations/1/publish", json={"document": document})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"].startswith("priorities.0")
    unreadable = await owner.post("/api/v1/regulations/1/check", json={"document": {"title": 5}})
    assert unreadable.status_code == 422
    assert (await owner.get("/api/v1/regulations/9")).status_code == 404


async def test_standard_answers_are_listed(operator: httpx.AsyncClient) -> None:
    assert (await operator.get("/api/v1/canned-answers")).status_code == 200


async def test_two_records_of_one_person_become_one(
    administrator: httpx.AsyncClient, operator: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    made = [
        (await administrator.post("/api/v1/contacts", json={"full_name": "Anna Kim", "addresses": [address]})).json()
        for address in ("anna@example.org", "kim@example.org")
    ]
    path = f"/api/v1/contacts/{made[0]['id']}/merge"
    assert (await stranger.post(path, json={"other": made[1]["id"]})).status_code == 401
    merged = await operator.post(path, json={"other": made[1]["id"]})
    assert merged.status_code == 200, merged.text
    assert merged.json() == made[0] | {"addresses": ["anna@example.org", "kim@example.org"]}
    assert (await operator.get("/api/v1/contacts")).json()["items"] == [merged.json()]
    assert (await operator.post(path, json={"other": made[1]["id"]})).status_code == 404
    assert (await operator.post("/api/v1/contacts/x/merge", json={"other": "1"})).status_code == 404
    assert (await operator.post(path, json={})).status_code == 422


async def test_a_version_tells_what_it_changed(client_for: ClientFor) -> None:
    owner = await client_for(Role.PROCESS_OWNER)
    document = (await owner.get("/api/v1/regulations/current")).json()["document"]
    document["title"] = {"ru": "Иной", "en": "Another"}
    assert (await owner.post("/api/v1/regulations/1/publish", json={"document": document})).status_code == 201
    told = (await owner.get("/api/v1/regulations/2/diff")).json()
    assert (told["version"], told["base"]) == (2, 1)
    assert [one["place"] for one in told["changes"]] == ["title"]
    assert "Another" in told["changes"][0]["sentence"]
    assert (await owner.get("/api/v1/regulations/2/diff", params={"base": "2"})).json()["changes"] == []
    assert (await owner.get("/api/v1/regulations/2/diff", params={"base": "9"})).status_code == 404
    assert (await owner.get("/api/v1/regulations/1/diff")).json()["changes"] == []


@pytest.mark.parametrize(
    "domain", ["no domain", "example", "-a.example.org", "a..example.org", "a@b.example.org", "\x00.org"]
)
async def test_what_is_no_domain_is_refused_with_everything_else(administrator: httpx.AsyncClient, domain: str) -> None:
    answer = await administrator.post("/api/v1/organisations", json={"name": " ", "domains": [domain]})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["name", "domains"]


@pytest.mark.parametrize("domain", ["example.org", "@Desk.Example.ORG", "пример.рф", "xn--e1afmkfd.xn--p1ai"])
async def test_domains_of_all_kinds_are_taken(administrator: httpx.AsyncClient, domain: str) -> None:
    answer = await administrator.post("/api/v1/organisations", json={"name": "Acme", "domains": [domain]})
    assert answer.status_code == 201, answer.text


async def test_a_contact_without_any_address_is_refused_with_everything_else(administrator: httpx.AsyncClient) -> None:
    body = {"full_name": " ", "addresses": [], "organisation": "nowhere"}
    answer = await administrator.post("/api/v1/contacts", json=body)
    assert [error["field"] for error in answer.json()["errors"]] == ["full_name", "addresses", "organisation"]


async def found(client: httpx.AsyncClient, path: str, **asked: str) -> list[str]:
    """What a filter leaves, by the names of things."""
    answer = await client.get(f"/api/v1/{path}", params=asked)
    assert answer.status_code == 200, answer.text
    names = ("full_name", "number", "name", "url")
    return [next(one[name] for name in names if name in one) for one in answer.json()["items"]]


async def test_lists_are_narrowed_by_words_and_facts(administrator: httpx.AsyncClient) -> None:
    for path, body in (
        ("organisations", {"name": "Ромашка", "domains": ["romashka.example.org"]}),
        ("organisations", {"name": "100% Vasilyok", "domains": []}),
        ("contacts", {"full_name": "Анна Ким", "addresses": ["anna@romashka.example.org"], "organisation": "Ромашка",
                      "phone": "+7 (900) 123-45-67"}),
        ("contacts", {"full_name": "Boris", "addresses": ["b@example.org"]}),
        ("contracts", {"organisation": "1", "number": "C-17", "starts_on": "2025-01-01", "ends_on": "2025-12-31",
                       "products": ["Gate reader"]}),
        ("contracts", {"organisation": "2", "number": "C-18", "starts_on": "2026-01-01"}),
        ("users", {"email": "olga@desk.example.org", "name": "Olga", "role": "operator"}),
        ("users", {"email": "pavel@desk.example.org", "name": "Pavel", "role": "supervisor"}),
        ("tokens", {"name": "CRM", "role": "operator"}),
    ):  # fmt: skip
        assert (await administrator.post(f"/api/v1/{path}", json=body)).status_code == 201, body
    for path, asked, expected in (
        ("organisations", {"q": "маш"}, ["Ромашка"]),
        ("organisations", {"q": "0%"}, ["100% Vasilyok"]),
        ("organisations", {"q": "_"}, []),
        ("organisations", {"domain": "Romashka.example.org"}, ["Ромашка"]),
        ("contacts", {"q": "анна"}, ["Анна Ким"]),
        ("contacts", {"q": "9001234567"}, ["Анна Ким"]),
        ("contacts", {"q": "romashka"}, ["Анна Ким"]),
        ("contacts", {"email": "B@example.org"}, ["Boris"]),
        ("contacts", {"organisation": "ромашка"}, ["Анна Ким"]),
        ("contracts", {"q": "reader"}, ["C-17"]),
        ("contracts", {"on": "2026-05-04"}, ["C-18"]),
        ("contracts", {"organisation": "1"}, ["C-17"]),
        ("users", {"q": "pavel"}, ["Pavel"]),
        ("users", {"role": "operator"}, ["Olga"]),
        ("users", {"active": "false"}, []),
        ("tokens", {"q": "crm", "revoked": "false"}, ["CRM"]),
        ("tokens", {"revoked": "true"}, []),
    ):
        assert await found(administrator, path, **asked) == expected, (path, asked)


async def test_a_filter_goes_on_page_by_page(administrator: httpx.AsyncClient) -> None:
    for n in range(4):
        await administrator.post("/api/v1/organisations", json={"name": f"{'Even' if n % 2 == 0 else 'Odd'} {n}"})
    first = (await administrator.get("/api/v1/organisations", params={"q": "even", "limit": 1})).json()
    asked = {"q": "even", "limit": 1, "cursor": first["next_cursor"]}
    second = (await administrator.get("/api/v1/organisations", params=asked)).json()
    assert [one["name"] for one in first["items"] + second["items"]] == ["Even 0", "Even 2"]
    assert second["next_cursor"] is None
