"""Whether every list leads to its rows by an index, with as many tickets as there are."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import quote

import httpx

from service.app import create_app
from service.clock import now
from service.database import execute, fetchval
from service.sessions import open_session
from service.settings import Settings
from service.tokens import add_token
from tests.bench.figures import Figure
from tests.bench.past import Past
from tests.statements import listening, read_through
from workflow.definition import Role

CHAPTER = "The desk"
SORTED_AT_MOST = 2_000  # rows; a search gathers a thousand
PAGES = (
    "/desk", "/desk?closed=1", "/desk?overdue=1", "/desk?soon=1", "/desk?unregistered=1", "/desk?unread=1",
    "/desk?state=in_progress", "/desk?priority=P1", "/desk?assignee=nobody", "/desk?assignee=1",
    f"/desk?q={quote('изделие9')}", f"/desk?q={quote('накладная')}", "/desk?q=B-77",
    "/desk/held", "/desk/held?folder=spam", "/letters", "/board", "/customers", "/desk/tickets/{ticket}",
)  # fmt: skip
LISTS = (
    "/api/v1/tickets", "/api/v1/tickets?state=in_progress", "/api/v1/tickets?state=closed",
    "/api/v1/tickets?priority=P2", "/api/v1/tickets?assignee=none", "/api/v1/tickets?overdue=true",
    f"/api/v1/tickets?q={quote('изделие9')}", "/api/v1/tickets?q=B-77",
    f"/api/v1/tickets?q={quote('накладная')}", "/api/v1/tickets/{ticket}", "/api/v1/tickets/{ticket}/journal",
    "/api/v1/tickets/{ticket}/messages", "/api/v1/tickets/{ticket}/attachments", "/api/v1/events", "/api/v1/letters",
)  # fmt: skip


async def plans(past: Past) -> AsyncIterator[Figure]:
    """One figure: how many statements of the lists read a history through. Each of them is printed.

    The letters of the tickets have been sent by then, as workers see to.
    """
    await execute("UPDATE outbox SET status = 'delivered', delivered_at = now() WHERE status = 'pending'")
    await execute("ANALYZE")
    faults = await faults_of_lists()
    for fault in faults:
        print(f"    {fault}")
    yield Figure(
        chapter=CHAPTER, name="list statements whose plan reads a history through", value=len(faults), unit="",
        size=past.size, bar="0", kept=not faults,
    )  # fmt: skip


async def faults_of_lists(*, small: bool = False) -> list[str]:
    """Each fault with the address it was found at, of a large past or a `small` one. Needs an operator and tickets."""
    app = create_app(Settings(home=Path(mkdtemp(prefix="rgl-plans-", dir="/tmp")), env="test"))
    ticket = await fetchval("SELECT id FROM ticket WHERE closed_at IS NULL ORDER BY received_at DESC LIMIT 1")
    await execute("UPDATE app_user SET role = 'administrator'")
    session = await open_session(await fetchval("SELECT id FROM app_user LIMIT 1"), at=now())
    token = await add_token("plans", role=Role.ADMINISTRATOR, at=now())
    faults: list[str] = []
    for paths, headers in (
        (PAGES, {"Cookie": f"reglament_session={session}", "Accept": "text/html"}),
        (LISTS, {"Authorization": f"Bearer {token}"}),
    ):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
            for path in (one.format(ticket=ticket) for one in paths):
                with listening() as heard:
                    answer = await client.get(path)
                if answer.status_code not in (200, 303):
                    raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")
                for statement in heard:
                    found = await read_through(statement, sorted_at_most=SORTED_AT_MOST, small=small)
                    faults += [f"{path}: {fault}: {' '.join(statement[0].split())[:120]}" for fault in found]
    return faults
