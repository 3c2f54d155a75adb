"""Figures for a watch: what they are called, what they count, and who may read them."""

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from service import clock
from service.actors import Actor
from service.auth import Doors
from service.intake import Request, receive
from tests.service.api.conftest import ClientFor
from workflow.definition import Role
from workflow.process import PROCESS

PROMISED = {
    "reglament_tickets", "reglament_tickets_paused", "reglament_nearest_breach_seconds", "reglament_tickets_overdue",
    "reglament_oldest_unregistered_seconds", "reglament_oldest_mail_seconds", "reglament_mail_backlog",
    "reglament_outbox_backlog", "reglament_outbox_pending", "reglament_outbox_lateness_seconds",
    "reglament_timer_lateness_seconds", "reglament_audit_drift", "reglament_journal_head", "reglament_alarms",
}  # fmt: skip


async def figures(client: httpx.AsyncClient) -> dict[str, float]:
    answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _space, value in lines}


async def test_everything_promised_is_told(operator: httpx.AsyncClient) -> None:
    text = (await operator.get("/metrics")).text
    assert set(re.findall(r"^# TYPE (\w+) gauge", text, re.M)) >= PROMISED


async def test_tickets_are_counted_by_what_rests_their_clock(operator: httpx.AsyncClient) -> None:
    id = (await operator.post("/api/v1/tickets", json={"channel": "phone", "text": "It beeps."})).json()["id"]
    moves = f"/api/v1/tickets/{id}/moves"
    await operator.post(moves, json={"trigger": "register", "priority": "P1"})
    await operator.post(moves, json={"trigger": "request_info", "text": "Which?", "minutes": 5})
    told = await figures(operator)
    assert sum(told[f'reglament_tickets_paused{{reason="{state}"}}'] for state in PROCESS.states_paused()) == 1
    assert told["reglament_journal_head"] == 3
    assert told["reglament_oldest_unregistered_seconds"] == 0


async def test_a_token_for_figures_opens_nothing_else(client_for: ClientFor) -> None:
    watch = await client_for(Role.OPERATOR, scopes=("metrics:read",))
    assert (await watch.get("/metrics")).status_code == 200
    assert (await watch.get("/api/v1/tickets")).status_code == 403


@pytest.fixture
def from_loopback(app: Litestar, monkeypatch: pytest.MonkeyPatch) -> None:
    usual: Doors = app.state.doors
    opened = Doors(csrf_key=usual.csrf_key, secure=usual.secure, metrics_from_loopback=True)
    monkeypatch.setattr(app.state, "doors", opened)


async def test_this_machine_may_read_them_without_a_token_where_the_settings_say_so(
    app: Litestar, stranger: httpx.AsyncClient, from_loopback: None
) -> None:
    assert (await stranger.get("/metrics")).status_code == 200
    through_a_proxy = {"X-Forwarded-For": "198.51.100.7"}
    assert (await stranger.get("/metrics", headers=through_a_proxy)).status_code == 401
    transport = httpx.ASGITransport(app=app, client=("198.51.100.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example.org") as elsewhere:
        assert (await elsewhere.get("/metrics")).status_code == 401


async def test_a_stranger_reads_nothing_otherwise(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/metrics")).status_code == 401


def test_promised_names_stand_in_the_rules_and_the_dashboard() -> None:
    docs = Path(__file__).parents[3] / "docs"
    used = set()
    for name in ("alerts.yaml", "dashboard.json"):
        used |= set(re.findall(r"reglament_\w+", (docs / name).read_text("utf-8")))
    assert used >= {"reglament_nearest_breach_seconds", "reglament_outbox_lateness_seconds", "reglament_audit_drift"}
    assert used <= PROMISED | {"reglament_rings_failed_total"}


async def test_a_breach_that_has_happened_hides_no_next_one(client_for: ClientFor) -> None:
    by = Actor(kind="staff", id="1", name="Olga", role=Role.OPERATOR)
    at = clock.now()
    for n, ago in enumerate((timedelta(days=30), timedelta())):
        request = Request(channel="phone", text="Help")
        await receive(request, by=by, at=at - ago, cause=f"request:{n}")
    reader = await client_for(Role.SUPERVISOR, scopes=("metrics:read",))
    text = (await reader.get("/metrics")).text
    assert 'reglament_tickets_overdue{priority="none"} 1.0' in text
    nearest = re.search(r'reglament_nearest_breach_seconds{priority="none"} (\S+)', text)
    assert nearest
    assert float(nearest[1]) > 0
