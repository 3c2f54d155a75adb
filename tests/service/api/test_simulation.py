"""A draft is tried, a published version is followed, and the promises are reported, over HTTP."""

from typing import Any

import httpx
import msgspec
import pytest

from service import clock, drafts, republishing
from service.actors import Actor
from service.regulations import in_force, publish
from tests.desk import changed_target
from tests.service.api.conftest import ClientFor
from workflow.definition import Role

OWNER = Actor(kind="staff", id="1", name="Vera Owner", role=Role.PROCESS_OWNER)


@pytest.fixture
async def owner(client_for: ClientFor) -> httpx.AsyncClient:
    return await client_for(Role.PROCESS_OWNER)


@pytest.fixture
async def ticket(operator: httpx.AsyncClient) -> dict[str, Any]:
    taken = await operator.post("/api/v1/tickets", json={"channel": "phone", "text": "It beeps."})
    path = f"/api/v1/tickets/{taken.json()['id']}/moves"
    answer = await operator.post(path, json={"trigger": "register", "priority": "P2"})
    registered: dict[str, Any] = answer.json()
    return registered


async def shorter() -> dict[str, Any]:
    current = (await in_force(at=clock.now())).regulation
    changed = msgspec.structs.replace(changed_target(current, "P2", amount=300), examples=())
    document: dict[str, Any] = msgspec.to_builtins(changed)
    return document


async def test_a_posted_document_is_tried(owner: httpx.AsyncClient, ticket: dict[str, Any]) -> None:
    body = {"document": await shorter(), "months": 1}
    answer = await owner.post("/api/v1/regulations/1/simulate", json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    moved = {one["choice"]: one["moved"] for one in told["choices"]}
    assert moved == {"keep": 0, "from_start": 1, "from_now": 1}
    assert told["choices"][1]["tickets"][0]["number"] == ticket["number"]
    assert {(row["priority"], row["clock"]) for row in told["months"]} == {("P2", "registration"), ("P2", "resolution")}


async def test_the_draft_that_is_edited_and_published_versions_can_be_tried(
    owner: httpx.AsyncClient, ticket: dict[str, Any]
) -> None:
    assert (await owner.post("/api/v1/regulations/draft/simulate", json={})).status_code == 404
    at = clock.now()
    draft = await drafts.begin(by=OWNER, at=at)
    await drafts.save(draft, changed_target(draft.document, "P2", amount=300), by=OWNER, at=at)
    drafted = await owner.post("/api/v1/regulations/draft/simulate", json={"months": 0})
    assert [one["moved"] for one in drafted.json()["choices"]] == [0, 1, 1]
    same = await owner.post("/api/v1/regulations/1/simulate", json={"months": 0})
    assert [one["moved"] for one in same.json()["choices"]] == [0, 0, 0]
    assert (await owner.post("/api/v1/regulations/9/simulate", json={})).status_code == 404


@pytest.mark.parametrize("body", [{"months": 99}, {"sort": "mood"}, {"document": {"title": 1}}, {"surprise": 1}])
async def test_what_cannot_be_tried_is_told(owner: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await owner.post("/api/v1/regulations/1/simulate", json=body)).status_code == 422


async def test_only_owners_try_drafts(operator: httpx.AsyncClient) -> None:
    assert (await operator.post("/api/v1/regulations/1/simulate", json={})).status_code == 403


async def test_progress_of_a_version_is_told(operator: httpx.AsyncClient, ticket: dict[str, Any]) -> None:
    at = clock.now()
    document = (await in_force(at=at)).regulation
    levels = tuple(msgspec.structs.replace(one, targets={}) for one in document.service_levels)
    quiet = msgspec.structs.replace(document.quiet_hours, except_priorities=())
    retired = tuple(msgspec.structs.replace(one, retired=one.code == "P2") for one in document.priorities)
    changed = msgspec.structs.replace(
        document, priorities=retired, service_levels=levels, quiet_hours=quiet, examples=()
    )
    await publish(changed, based_on=1, by=OWNER, at=at, open_tickets="from_start")
    await republishing.carry_on(at=at)
    told = (await operator.get("/api/v1/regulations/2/progress", headers={"Accept-Language": "en"})).json()
    assert (told["open_tickets"], told["total"], told["done"], told["skipped"]) == ("from_start", 1, 0, 1)
    assert told["kept"] == [
        {
            "id": ticket["id"],
            "number": ticket["number"],
            "reason": "Priority P2 is not in use in version 2: the ticket keeps version 1.",
        }
    ]
    assert (await operator.get("/api/v1/regulations/99999999999/progress")).status_code == 404


async def test_the_report_and_the_tickets_behind_it(operator: httpx.AsyncClient, ticket: dict[str, Any]) -> None:
    report = (await operator.get("/api/v1/reports/sla", params={"months": 1})).json()["items"]
    [resolution] = [row for row in report if row["clock"] == "resolution"]
    assert (resolution["priority"], resolution["running"], resolution["met"]) == ("P2", 1, 0)
    behind = await operator.get(
        "/api/v1/reports/sla/tickets", params={"month": resolution["month"], "result": "running", "priority": "P2"}
    )
    assert [one["id"] for one in behind.json()["items"]] == [ticket["id"]]
    for wrong in ({"month": "May", "result": "met"}, {"month": "2026-13", "result": "met"}, {"month": "2026-05"}):
        assert (await operator.get("/api/v1/reports/sla/tickets", params=wrong)).status_code == 422
    assert (await operator.get("/api/v1/reports/sla", params={"months": 0})).status_code == 422
