"""A client made from the description alone plays a ticket's life; so does one that a generator writes."""

import asyncio
import importlib
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012


class Client:
    """Every operation as a call by its id; answers are held against the schema of their status."""

    def __init__(self, document: dict[str, Any], http: httpx.AsyncClient) -> None:
        self.document, self.http = document, http
        self.registry: Registry[Any] = Registry().with_resource(
            "urn:api", Resource.from_contents(document, default_specification=DRAFT202012)
        )
        self.operations = {
            operation["operationId"]: (method, path, operation)
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if "operationId" in operation
        }

    async def call(self, id: str, body: Any = None, *, files: Any = None, **parameters: str) -> Any:
        """Fill path, query and headers as described, send, and check body and answer."""
        method, path, operation = self.operations[id]
        known = {one["name"]: one["in"] for one in operation.get("parameters", [])}
        assert set(parameters) <= set(known), f"{id} does not describe {set(parameters) - set(known)}"
        if body is not None:
            content = operation["requestBody"]["content"]["application/json"]
            self._fits(content["schema"], body)
        address = re.sub(r"{(\w+)}", lambda found: parameters[found[1]], path)
        answer = await self.http.request(
            method, address, json=body, files=files,
            params={name: value for name, value in parameters.items() if known[name] == "query"},
            headers={name: value for name, value in parameters.items() if known[name] == "header"},
        )  # fmt: skip
        described = operation["responses"].get(str(answer.status_code))
        assert described, f"{id} does not describe {answer.status_code}: {answer.text}"
        if "$ref" in described:
            described = self.document["components"]["responses"][described["$ref"].rpartition("/")[2]]
        media = answer.headers.get("content-type", "").partition(";")[0]
        if media.endswith("json"):
            self._fits(described["content"][media]["schema"], answer.json())
            return answer.json()
        return answer.content

    def _fits(self, schema: dict[str, Any], value: Any) -> None:
        absolute = _from(schema)
        OAS31Validator(absolute, registry=self.registry).validate(value)


def _from(schema: Any) -> Any:
    """The schema with references into the document."""
    if isinstance(schema, dict):
        return {key: f"urn:api{value}" if key == "$ref" else _from(value) for key, value in schema.items()}
    return [_from(one) for one in schema] if isinstance(schema, list) else schema


@pytest.fixture
async def client(administrator: httpx.AsyncClient) -> Client:
    return Client((await administrator.get("/api/v1/openapi.json")).json(), administrator)


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
    "e221bc330000000049454e44ae426082"
)


async def test_a_ticket_lives_through_a_client_made_from_the_description(client: Client) -> None:
    await client.call("createOrganisation", {"name": "Romashka LLC"})
    await client.call("createContact", {"full_name": "Anna", "addresses": ["a@example.org"], "organisation": "1"})
    key = {"Idempotency-Key": "life-1"}
    ticket = await client.call(
        "createTicket", {"channel": "phone", "text": "It beeps.", "email": "a@example.org"}, **key
    )
    again = await client.call(
        "createTicket", {"channel": "phone", "text": "It beeps.", "email": "a@example.org"}, **key
    )
    assert again == ticket
    id = ticket["id"]

    async def moves(trigger: str, **fields: Any) -> Any:
        possible = await client.call("listMoves", ticket=id)
        (move,) = [one for one in possible["items"] if one["trigger"] == trigger]
        assert {one["name"] for one in move["fields"] if one["required"]} <= set(fields)
        return await client.call("makeMove", {"trigger": trigger} | fields, ticket=id)

    await moves("register", priority="P2")
    await moves("start")
    await client.call("addAttachments", files={"file": ("a.png", PNG, "image/png")}, ticket=id)
    (file,) = (await client.call("getAttachments", ticket=id))["items"]
    assert await client.call("downloadAttachment", attachment=file["id"]) == PNG
    await moves("request_info", text="Which gate?", minutes=5)
    await moves("resume", text="The first.")
    stale = await client.call("makeMove", {"trigger": "comment", "text": "…"}, ticket=id, **{"If-Match": '"1"'})
    assert stale["code"] == "stale"
    await moves("complete", text="Replaced.", delivery_method="email", minutes=40, outcome="solved")
    wrong = await client.call("makeMove", {"trigger": "start"}, ticket=id)
    assert (wrong["status"], "confirm" in wrong["possible"]) == (409, True)
    closed = await moves("confirm")
    assert closed["closed_at"]
    journal = await client.call("getJournal", ticket=id)
    assert [entry["seq"] for entry in journal["items"]] == list(range(1, closed["seq"] + 1))
    assert (await client.call("getDeadline", ticket=id))["resolution"]["total_seconds"] > 0
    assert (await client.call("listTickets", q="beeps", limit="1"))["items"][0]["id"] == id


async def test_every_operation_that_only_reads_answers_as_described(client: Client) -> None:
    await client.call("createTicket", {"channel": "phone", "text": "It beeps."})
    for id, (method, path, _operation) in client.operations.items():
        if method == "get" and "{" not in path:
            await client.call(id)


# --- what a generator makes of the description ------------------------------------------------------------------------

NAME = "reglament_client"
CONFIG = f"""
package_name_override: {NAME}
literal_enums: true
post_hooks: []
content_type_overrides:
  application/pdf: application/octet-stream
  application/vnd.openxmlformats-officedocument.spreadsheetml.sheet: application/octet-stream
"""


@pytest.fixture
async def generated(administrator: httpx.AsyncClient, tmp_path: Path) -> Path:
    """The folder of a client that openapi-python-client has written, without a word of complaint."""
    description, config = tmp_path / "openapi.json", tmp_path / "config.yml"
    description.write_bytes((await administrator.get("/api/v1/openapi.json")).content)
    config.write_text(CONFIG)
    program = Path(sys.executable).with_name("openapi-python-client")
    done = await asyncio.to_thread(
        subprocess.run,
        [program, "generate", "--path", description, "--meta", "none", "--config", config,
         "--output-path", tmp_path / NAME, "--fail-on-warning"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return tmp_path


@pytest.fixture
def importable(generated: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(generated))
    yield generated
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


def part(name: str) -> ModuleType:
    return importlib.import_module(f"{NAME}.{name}")


async def test_a_ticket_lives_through_a_generated_client(importable: Path, administrator: httpx.AsyncClient) -> None:
    models, types = part("models"), part("types")
    client = part("client").AuthenticatedClient(base_url="http://desk.example.org", token="")
    client.set_async_httpx_client(administrator)

    async def asks(operation: str, *words: str, **given: Any) -> Any:
        return await part(f"api.{operation}").asyncio(*words, client=client, **given)

    request = models.NewTicket(channel="phone", text="It beeps.", email="a@example.org")
    ticket = await asks("tickets.create_ticket", body=request, idempotency_key="life-2")
    assert (await asks("tickets.create_ticket", body=request, idempotency_key="life-2")).id == ticket.id

    async def moves(move: Any) -> Any:
        return await asks("tickets.make_move", ticket.id, body=move)

    registered = await moves(models.MoveRegister(trigger="register", priority="P2"))
    assert registered.number
    assert registered.due_at.tzinfo is not None
    await moves(models.MoveStart(trigger="start"))
    png = types.File(payload=io.BytesIO(PNG), file_name="a.png", mime_type="image/png")
    sent = await asks("tickets.add_attachments", ticket.id, body=models.Files(file=[png]))
    fetched = await asks("tickets.download_attachment", sent.items[0].id)
    assert fetched.payload.read() == PNG
    refused = await moves(models.MoveConfirm(trigger="confirm"))
    assert isinstance(refused, models.Problem)
    assert "complete" in refused.possible
    done = models.MoveComplete(
        trigger="complete", text="Replaced.", delivery_method="email", minutes=40, outcome="solved"
    )
    await moves(done)
    closed = await moves(models.MoveConfirm(trigger="confirm"))
    assert closed.closed_at >= closed.received_at
    journal = await asks("tickets.get_journal", ticket.id)
    assert [entry.seq for entry in journal.items] == list(range(1, closed.seq + 1))
    found = await asks("tickets.list_tickets", q="beeps", state=[closed.state])
    assert [one.id for one in found.items] == [ticket.id]
    assert (await asks("directory.get_me")).role == "administrator"
    assert (await asks("tickets.get_deadline", ticket.id)).resolution.total_seconds > 0
