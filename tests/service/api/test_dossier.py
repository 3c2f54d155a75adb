"""Dossiers over HTTP and from the page of a ticket."""

import httpx

from service import seals
from service.database import fetchval
from service.dossier_check import check
from tests.desk import a_ticket
from tests.service.api.conftest import ClientFor
from workflow.definition import Role


async def test_a_dossier_is_a_file_that_proves_itself(operator: httpx.AsyncClient) -> None:
    ticket = await a_ticket()
    answer = await operator.get(f"/api/v1/tickets/{ticket.number}/dossier")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="dossier-{ticket.number}.json"'
    assert answer.headers["cache-control"] == "no-store"
    key = (await operator.get("/api/v1/seal-key")).json()
    assert key == {"algorithm": "Ed25519", "key": seals.public_key()}
    assert check(answer.content, key=key["key"]).faults == ()
    noted = await fetchval("SELECT data ->> 'sha256' FROM config_journal WHERE act = 'dossier.make'")
    assert len(noted) == 64


async def test_it_comes_on_paper_in_the_language_one_accepts(operator: httpx.AsyncClient) -> None:
    ticket = await a_ticket()
    answer = await operator.get(
        f"/api/v1/tickets/{ticket.id}/dossier.pdf?edition=customer", headers={"Accept-Language": "en"}
    )
    assert answer.headers["content-type"] == "application/pdf"
    report = check(answer.content)
    assert (report.faults, report.dossier.edition) == ((), "customer")


async def test_what_is_not_there_or_not_known_is_told(operator: httpx.AsyncClient) -> None:
    assert (await operator.get("/api/v1/tickets/2026-99999/dossier")).status_code == 404
    ticket = await a_ticket()
    assert (await operator.get(f"/api/v1/tickets/{ticket.id}/dossier?edition=secret")).status_code == 422


async def test_only_staff_takes_one(client_for: ClientFor) -> None:
    ticket = await a_ticket()
    owner, stranger = await client_for(Role.PROCESS_OWNER), await client_for()
    for path in ("dossier", "dossier.pdf"):
        assert (await owner.get(f"/api/v1/tickets/{ticket.id}/{path}")).status_code == 403
        assert (await stranger.get(f"/api/v1/tickets/{ticket.id}/{path}")).status_code == 401
