"""What a watch on the system reads: how the desk stands, asked of the database at each scrape by cheap queries."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address

from litestar import Response, get
from litestar.handlers import BaseRouteHandler
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Gauge, generate_latest

from service import clock
from service.auth import EVERYBODY_INSIDE, Connection, doors, requires
from service.database import fetch, fetchrow
from workflow.process import PROCESS

BY_RIGHT = requires(*EVERYBODY_INSIDE, scope="metrics:read")


async def may_scrape(connection: Connection, handler: BaseRouteHandler) -> None:
    """Who has the right to; and, where the settings say so, whoever asks from this machine without a proxy between."""
    headers = connection.headers
    bare = "authorization" not in headers and "x-forwarded-for" not in headers and "forwarded" not in headers
    if bare and doors(connection).metrics_from_loopback and _from_here(connection):
        return
    await BY_RIGHT(connection, handler)


def _from_here(connection: Connection) -> bool:
    try:
        return connection.client is not None and ip_address(connection.client.host).is_loopback
    except ValueError:
        return False


may_scrape.__dict__["rights"] = BY_RIGHT.__dict__["rights"]
TEXT_FORMAT = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")  # Litestar names the charset itself

# Open tickets only: the closed ones are counted by the planner's estimate, because nobody pages through a million rows
# every fifteen seconds.
OPEN_BY_STATE = "SELECT state, count(*) AS n FROM ticket WHERE closed_at IS NULL GROUP BY state"
ALL_ESTIMATED = "SELECT greatest(reltuples, 0)::bigint AS n FROM pg_class WHERE relname = 'ticket'"
NEAREST = """
SELECT coalesce(priority, '') AS priority, min(late_from) FILTER (WHERE late_from > $1) AS due,
       count(*) FILTER (WHERE late_from <= $1) AS late
FROM ticket WHERE closed_at IS NULL AND late_from IS NOT NULL GROUP BY 1
"""
STANDING = """
SELECT (SELECT min(received_at) FROM ticket WHERE number IS NULL AND closed_at IS NULL) AS oldest_unregistered,
       (SELECT count(*) FROM outbox WHERE status = 'pending') AS backlog,
       (SELECT min(next_at) FROM outbox WHERE status = 'pending') AS oldest_outbox,
       (SELECT min(due_at) FROM timer WHERE status = 'armed') AS next_timer,
       (SELECT count(*) FROM mail WHERE status = 'stored') AS unread_mail,
       (SELECT min(received_at) FROM mail WHERE status = 'stored') AS oldest_mail,
       (SELECT count(*) FROM alarm WHERE cleared_at IS NULL) AS alarms,
       (SELECT max(id) FROM journal) AS journal_head
"""
WAITING = "SELECT channel, count(*) AS n FROM outbox WHERE status = 'pending' GROUP BY 1"


@get("/metrics", operation_id="metrics", summary="Figures for Prometheus", tags=["Health"], guards=[may_scrape])
async def metrics() -> Response[bytes]:
    """The state of the desk and the counters of this process, as Prometheus reads them."""
    desk = await _desk(clock.now())
    return Response(generate_latest(desk) + generate_latest(REGISTRY), media_type=TEXT_FORMAT)


async def _desk(at: datetime) -> CollectorRegistry:
    registry = CollectorRegistry()
    await _tickets(registry)
    await _nearest_breaches(registry, at)
    standing = await fetchrow(STANDING)
    for name, sentence, value in (
        ("outbox_backlog", "Letters and events still to be sent.", standing["backlog"]),
        ("mail_backlog", "Mails that were stored and not read yet.", standing["unread_mail"]),
        ("alarms", "Alarms nobody has cleared.", standing["alarms"]),
        ("journal_head", "Number of the newest journal entry.", standing["journal_head"] or 0),
        (
            "oldest_unregistered_seconds",
            "Age of the oldest request without a number.",
            _age(standing["oldest_unregistered"], at),
        ),
        ("oldest_mail_seconds", "Age of the oldest mail not read yet.", _age(standing["oldest_mail"], at)),
        ("outbox_lateness_seconds", "How late the oldest delivery is.", _age(standing["oldest_outbox"], at)),
        ("timer_lateness_seconds", "How late the oldest due timer is.", _age(standing["next_timer"], at)),
    ):
        Gauge(f"reglament_{name}", sentence, registry=registry).set(value)
    await _outbox(registry)
    await _audits(registry)
    return registry


async def _outbox(registry: CollectorRegistry) -> None:
    gauge = Gauge("reglament_outbox_pending", "What is still to be sent, by channel.", ["channel"], registry=registry)
    waiting = {row["channel"]: row["n"] for row in await fetch(WAITING)}
    for channel in ("letter", "webhook"):
        gauge.labels(channel).set(waiting.get(channel, 0))


async def _tickets(registry: CollectorRegistry) -> None:
    gauge = Gauge("reglament_tickets", "Tickets per state.", ["state"], registry=registry)
    open_tickets = {row["state"]: row["n"] for row in await fetch(OPEN_BY_STATE)}
    for state in PROCESS.open_states():
        gauge.labels(state).set(open_tickets.get(state, 0))
    resting = Gauge("reglament_tickets_paused", "Tickets whose clock rests, by what rests it.", ["reason"],
                    registry=registry)  # fmt: skip
    for state in PROCESS.states_paused():
        resting.labels(state).set(open_tickets.get(state, 0))
    everything = (await fetchrow(ALL_ESTIMATED))["n"]
    for state in PROCESS.final_states():
        gauge.labels(state).set(max(0, everything - sum(open_tickets.values())))


async def _nearest_breaches(registry: CollectorRegistry, at: datetime) -> None:
    """Per priority: wall-clock seconds until the next ticket is late, and how many are late already."""
    late = Gauge("reglament_tickets_overdue", "Open tickets past a deadline.", ["priority"], registry=registry)
    gauge = Gauge(
        "reglament_nearest_breach_seconds", "Seconds to the nearest deadline.", ["priority"], registry=registry
    )
    for row in await fetch(NEAREST, at):
        late.labels(row["priority"] or "none").set(row["late"])
        if row["due"] is not None:
            gauge.labels(row["priority"] or "none").set((row["due"] - at).total_seconds())


async def _audits(registry: CollectorRegistry) -> None:
    gauge = Gauge("reglament_audit_drift", "Rows a standing check found where there must be none.", ["check"],
                  registry=registry)  # fmt: skip
    for row in await fetch("SELECT name, found FROM audit"):
        gauge.labels(row["name"]).set(row["found"])


def _age(since: datetime | None, at: datetime) -> float:
    return max(0.0, (at - since).total_seconds()) if since else 0.0
