"""The minute audit: questions that must find nothing, asked of what changed and of a slice of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Gauge

from service import alarms
from service.database import execute, fetch, fetchrow
from service.regulations import in_force
from service.verify import FIRST, Difference, verify_batch, verify_tickets
from workflow.calendar import zone_named
from workflow.errors import NotFound
from workflow.words import _

log = structlog.get_logger(__name__)

BETWEEN = timedelta(seconds=50)  # several workers, one audit a minute
MOST_CHANGED = 500  # changed tickets replayed in one run; the rolling slice reaches the others
SLICE = 50
GRACE = timedelta(seconds=60)
MOST_ALARMS = 20  # differences that get an alarm of their own in one run
RUN = "run"  # the row that remembers how far the last audit got
REPLAYED = ("order", "state", "chain", "copy", "position", "clocks", "deadline", "timer")

DRIFT = Gauge("reglament_audit_drift", "Rows that the audit found where there must be none.", ["check"])

# Each gives how many rows it found, and one of them. $1 is now, $2 the last audit, $3 how late is late.
QUESTIONS: Mapping[str, str] = {
    "overdue_timers": """
        SELECT count(*) AS found, min(id)::text AS one FROM timer
        WHERE status = 'armed' AND due_at < $1::timestamptz - $3::interval AND $2::timestamptz IS NOT NULL
    """,
    "expired_leases": """
        SELECT count(*) AS found, min(id)::text AS one FROM outbox
        WHERE status = 'sending' AND lease_until < clock_timestamp() - $3::interval
          AND $1::timestamptz IS NOT NULL AND $2::timestamptz IS NOT NULL
    """,
    "unsent_events": """
        SELECT count(*) AS found, min(e.event_id) AS one
        FROM event e JOIN webhook w ON w.status = 'enabled' AND w.created_at < e.at AND w.filters = '{}'
         AND (w.event_types ? '*' OR w.event_types ? e.type)
        WHERE e.at > $2::timestamptz - $3::interval AND e.at < $1::timestamptz
          AND NOT EXISTS (
            SELECT FROM outbox o WHERE o.endpoint = w.id::text AND o.event_id = e.event_id AND o.channel = 'webhook')
    """,
}


class _Progress(msgspec.Struct):
    """Until when changes were looked at, and up to which ticket the slice came."""

    until: datetime
    sliced: UUID = FIRST


async def run(*, at: datetime) -> dict[str, int]:
    """Audit once; how much each check found. Does nothing ({}) when another worker did so within the minute."""
    progress = await _turn(at)
    if progress is None:
        return {}
    found = {name: await _ask(name, at=at, since=progress.until) for name in QUESTIONS}
    differences = await _replay(progress)
    counted = Counter(one.check for one in differences)
    for check in REPLAYED:
        found[check] = counted[check]
        await _keep(check, counted[check], next((str(one) for one in differences if one.check == check), ""), at=at)
    await _sound_differences(differences, at=at)
    await _watch_calendar(at=at)
    await _keep(RUN, 0, msgspec.json.encode(_Progress(at, progress.sliced)).decode(), at=at)
    for check, count in found.items():
        DRIFT.labels(check).set(count)
    return found


async def _turn(at: datetime) -> _Progress | None:
    """Where the last audit stopped; None when it is not our turn."""
    fresh = msgspec.json.encode(_Progress(at - timedelta(hours=1))).decode()
    if await execute("INSERT INTO audit (name, detail, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", RUN, fresh, at):
        return msgspec.json.decode(fresh, type=_Progress)
    row = await fetchrow(
        "UPDATE audit SET at = $2 WHERE name = $1 "
        "AND (at < $2::timestamptz - $3::interval OR at > $2::timestamptz + $3::interval) "
        "RETURNING detail",
        RUN, at, BETWEEN,
    )  # fmt: skip
    if row is None:
        return None
    progress = msgspec.json.decode(row["detail"], type=_Progress)
    return _Progress(min(progress.until, at), progress.sliced)  # a development clock may have been moved back


async def _ask(name: str, *, at: datetime, since: datetime) -> int:
    row = await fetchrow(QUESTIONS[name], at, since, GRACE)
    count: int = row["found"]
    await _keep(name, count, row["one"] or "", at=at)
    if count:
        sentence = _("The audit “{check}” found {count}; one of them: {one}")
        await alarms.sound("audit", name, sentence, {"check": name, "count": str(count), "one": row["one"]}, at=at)
    else:
        await alarms.clear("audit", name, at=at)
    return count


async def _keep(name: str, found: int, detail: str, *, at: datetime) -> None:
    await execute(
        "INSERT INTO audit (name, found, detail, at) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (name) DO UPDATE SET found = $2, detail = $3, at = $4",
        name, found, detail[:2000], at,
    )  # fmt: skip


class LastAudit(msgspec.Struct, frozen=True):
    """When some checks last ran, and how many rows they found in all."""

    at: datetime
    found: int


async def last_audit(checks: Sequence[str]) -> LastAudit | None:
    """The last run of these checks; None before the first."""
    row = await fetchrow("SELECT min(at) AS at, sum(found)::int AS found FROM audit WHERE name = ANY($1)", list(checks))
    return LastAudit(**row) if row["at"] else None


# --- replaying --------------------------------------------------------------------------------------------------------


async def _replay(progress: _Progress) -> list[Difference]:
    """Differences of what changed, of what an alarm stands for, and of the next slice of open tickets."""
    changed = await fetch(
        "SELECT DISTINCT ticket FROM journal WHERE at > $1 LIMIT $2", progress.until - GRACE, MOST_CHANGED
    )
    alarmed = await _alarmed()
    differences = await verify_tickets([*(row["ticket"] for row in changed), *alarmed])
    sliced, last = await verify_batch(progress.sliced, limit=SLICE, open_only=True)
    progress.sliced = last or FIRST
    told = {(one.ticket, one.check, one.where) for one in differences}
    return differences + [one for one in sliced if (one.ticket, one.check, one.where) not in told]


async def _alarmed() -> list[UUID]:
    rows = await fetch("SELECT key FROM alarm WHERE kind = 'drift' AND cleared_at IS NULL")
    return [UUID(row["key"].partition(" ")[0]) for row in rows]


async def _sound_differences(differences: Sequence[Difference], *, at: datetime) -> None:
    """One alarm for each ticket and check, which ends when a later replay finds it in order."""
    keys = {f"{one.ticket} {one.check}": str(one) for one in differences}
    for key, what in list(keys.items())[:MOST_ALARMS]:
        await alarms.sound(
            "drift", key, _("A ticket does not show what its journal says: {what}"), {"what": what}, at=at
        )
    for row in await fetch("SELECT key FROM alarm WHERE kind = 'drift' AND cleared_at IS NULL"):
        if row["key"] not in keys:
            await alarms.clear("drift", row["key"], at=at)


# --- the calendar -----------------------------------------------------------------------------------------------------


async def _watch_calendar(*, at: datetime) -> None:
    """From October on the next year must be there; until it is, an alarm stands (calendar of the version in force)."""
    try:
        calendar = (await in_force(at=at)).regulation.calendar
    except NotFound:
        return
    missing = calendar.missing_year(at.astimezone(zone_named(calendar.zone)).date())
    if missing is None:
        await alarms.clear("calendar_year", at=at)
        return
    sentence = _("The calendar has no year {year}: deadlines that reach into it stay empty.")
    await alarms.sound("calendar_year", str(missing), sentence, {"year": str(missing)}, at=at)
