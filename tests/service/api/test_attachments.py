"""Files over the API: sent as a form, judged by what they are, fetched whole or in parts."""

import json
from io import BytesIO

import httpx
import pytest

from service.database import fetchval
from service.verify import verify
from tests.service.api.conftest import ClientFor
from workflow.definition import Role

# A PNG of one pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
    "e221bc330000000049454e44ae426082"
)


@pytest.fixture
async def ticket(operator: httpx.AsyncClient) -> str:
    return str((await operator.post("/api/v1/tickets", json={"channel": "phone", "text": "It beeps."})).json()["id"])


async def sends(
    client: httpx.AsyncClient, ticket: str, *files: tuple[str, bytes], headers: dict[str, str] | None = None
) -> httpx.Response:
    parts = [("file", (name, BytesIO(data), "image/png")) for name, data in files]
    return await client.post(f"/api/v1/tickets/{ticket}/attachments", files=parts, headers=headers)


async def test_files_are_kept_journaled_and_fetched_again(operator: httpx.AsyncClient, ticket: str) -> None:
    answer = await sends(operator, ticket, ("../снимок.png", PNG), ("second.png", PNG))
    assert answer.status_code == 201, answer.text
    first, second = answer.json()["items"]
    assert (first["filename"], first["content_type"], first["size"]) == ("снимок.png", "image/png", len(PNG))
    assert second["sha256"] == first["sha256"]
    listed = (await operator.get(f"/api/v1/tickets/{ticket}/attachments")).json()["items"]
    assert {one["id"] for one in listed} == {first["id"], second["id"]}
    journal = (await operator.get(f"/api/v1/tickets/{ticket}/journal")).json()["items"]
    assert journal[-1]["trigger"] == "attach"
    assert await verify() == []

    fetched = await operator.get(f"/api/v1/attachments/{first['id']}")
    assert (fetched.status_code, fetched.content) == (200, PNG)
    assert fetched.headers["content-type"] == "application/octet-stream"
    assert fetched.headers["content-disposition"].startswith("attachment; ")
    assert fetched.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in fetched.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("bytes=0-3", 206, PNG[:4]),
        ("bytes=10-", 206, PNG[10:]),
        ("bytes=-5", 206, PNG[-5:]),
        ("bytes=0-100000", 206, PNG),
        ("bytes=1000-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=0-1,4-5", 200, PNG),  # several at once are not promised: the whole file is a right answer
        ("lines=1-2", 200, PNG),
        ("bytes=5-2", 200, PNG),  # no range at all (RFC 9110, 14.1.1)
        ("bytes=-", 200, PNG),
    ],
)
async def test_a_part_can_be_fetched(
    operator: httpx.AsyncClient, ticket: str, wanted: str, status: int, part: bytes | None
) -> None:
    id = (await sends(operator, ticket, ("a.png", PNG))).json()["items"][0]["id"]
    answer = await operator.get(f"/api/v1/attachments/{id}", headers={"Range": wanted})
    assert answer.status_code == status
    if part is not None:
        assert answer.content == part
    if status == 206:
        assert answer.headers["content-range"].endswith(f"/{len(PNG)}")
        assert int(answer.headers["content-length"]) == len(part or b"")
    if status == 416:
        assert answer.headers["content-range"] == f"bytes */{len(PNG)}"
        assert answer.json()["code"] == "no_such_range"


async def test_a_changed_file_is_given_whole(operator: httpx.AsyncClient, ticket: str) -> None:
    id = (await sends(operator, ticket, ("a.png", PNG))).json()["items"][0]["id"]
    headers = {"Range": "bytes=0-3", "If-Range": '"another"'}
    assert (await operator.get(f"/api/v1/attachments/{id}", headers=headers)).content == PNG


async def test_a_file_is_what_it_holds_and_every_refused_one_is_named(operator: httpx.AsyncClient, ticket: str) -> None:
    answer = await sends(operator, ticket, ("good.png", PNG), ("trojan.png", b"MZ" + b"\0" * 100), ("empty.png", b""))
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == ["trojan.png", "empty.png"]
    assert (await operator.get(f"/api/v1/tickets/{ticket}/attachments")).json()["items"] == []


async def test_the_same_key_keeps_files_once(operator: httpx.AsyncClient, ticket: str) -> None:
    key = {"Idempotency-Key": "k1"}
    first = await sends(operator, ticket, ("a.png", PNG), headers=key)
    again = await sends(operator, ticket, ("a.png", PNG), headers=key)
    assert first.json() == again.json()
    other = await sends(operator, ticket, ("b.png", PNG[:-1] + b"\0"), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


async def test_a_file_on_the_ticket_goes_with_a_letter_by_its_id(operator: httpx.AsyncClient) -> None:
    facts = {"channel": "phone", "text": "It beeps.", "email": "anna@romashka.example.org"}
    ticket = (await operator.post("/api/v1/tickets", json=facts)).json()["id"]
    id = (await sends(operator, ticket, ("a.png", PNG))).json()["items"][0]["id"]
    answer = {"trigger": "answer", "text": "See the picture.", "delivery_method": "email", "minutes": 5}
    moves = (await operator.get(f"/api/v1/tickets/{ticket}/moves")).json()["items"]
    fields = {one["trigger"]: {field["name"]: field for field in one["fields"]} for one in moves}
    assert fields["answer"]["attachments"] | {"label": ""} == {
        "name": "attachments", "kind": "files", "label": "", "required": False, "choices": [],
    }  # fmt: skip
    assert "attach" not in fields  # it is an upload
    done = await operator.post(f"/api/v1/tickets/{ticket}/moves", json=answer | {"attachments": [id]})
    assert done.status_code == 200, done.text
    carried = await fetchval("SELECT files FROM outbox WHERE type = 'answer'")
    assert [one["filename"] for one in json.loads(carried)] == ["a.png"]
    listed = (await operator.get(f"/api/v1/tickets/{ticket}/attachments")).json()["items"]
    said = (await operator.get(f"/api/v1/tickets/{ticket}/messages")).json()["items"][-1]
    assert [one["message"] for one in listed] == [None, said["id"]]
    wrong = await operator.post(f"/api/v1/tickets/{ticket}/moves", json=answer | {"attachments": ["x"]})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "attachments")
    upload = await operator.post(f"/api/v1/tickets/{ticket}/moves", json={"trigger": "attach", "attachments": [id]})
    assert upload.status_code == 422


async def test_nothing_sent_is_a_problem(operator: httpx.AsyncClient, ticket: str) -> None:
    assert (await operator.post(f"/api/v1/tickets/{ticket}/attachments", json={})).status_code == 422
    assert (await operator.post(f"/api/v1/tickets/{ticket}/attachments")).status_code == 422
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await operator.post(f"/api/v1/tickets/{ticket}/attachments", content=b"no form", headers=broken)
    assert answer.status_code in (400, 422)


async def test_files_are_for_colleagues_only(client_for: ClientFor, operator: httpx.AsyncClient, ticket: str) -> None:
    id = (await sends(operator, ticket, ("a.png", PNG))).json()["items"][0]["id"]
    for client, status in (
        (await client_for(), 401),
        (await client_for(Role.PROCESS_OWNER), 403),
        (await client_for(Role.OPERATOR, scopes=("events:read",)), 403),
    ):
        assert (await client.get(f"/api/v1/attachments/{id}")).status_code == status
        assert (await sends(client, ticket, ("a.png", PNG))).status_code == status
    assert (await operator.get("/api/v1/attachments/nothing")).status_code == 404
