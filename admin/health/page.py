"""The health page: what stands in the way, what waits, when a worker was last heard of, and the last audits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.pages import Reading, render
from admin.reader import flash, reading
from admin.reading import AnyRequest
from service import standing as reads
from service.alarms import dismiss
from service.auth import ADMINISTRATORS, actor_of, requires
from service.house import HOUSE
from service.regulations import in_force
from service.standing import CHECKS, Standing, said
from service.words import translate
from workflow.calendar import zone_named
from workflow.definition import Role
from workflow.errors import NotFound
from workflow.words import _

LOOK: Final = requires(Role.SUPERVISOR, *ADMINISTRATORS, scope="metrics:read")
CLEAR: Final = requires(*ADMINISTRATORS, scope="alarms:clear")
SILENT_AFTER: Final = timedelta(minutes=3)  # an audit comes every minute
LATE_AFTER: Final = timedelta(minutes=1)


@get("/health", guards=[LOOK])
async def health_page(request: AnyRequest) -> Response[str]:
    """Everything on one page, the worst first."""
    reader = await reading(request)
    standing = await reads.standing()
    alarms = await reads.alarms(at=reader.at)
    return render(
        "health/page.html",
        reader,
        standing=standing,
        heard=_heard(standing, at=reader.at),
        delivery_late=_late(standing.oldest_delivery, at=reader.at),
        timer_late=_late(standing.next_timer, at=reader.at),
        audits=await reads.audits(),
        checks=CHECKS,
        alarms=[(one, said(one, reader.language)) for one in alarms if one.cleared_at is None],
        past=[(one, said(one, reader.language)) for one in alarms if one.cleared_at is not None],
        may_clear=reader.role in ADMINISTRATORS,
        hosts=sorted(HOUSE.webhook_allowed_hosts),
        calendar=await _calendar(reader),
    )


@post("/health/alarms/{id:int}/clear", guards=[CLEAR], status_code=303)
async def clear_alarm(request: AnyRequest, id: FromPath[int]) -> Redirect:
    """Somebody has seen it. It is raised again when its reason comes back."""
    reader = await reading(request)
    if await dismiss(id, by=await actor_of(request), at=reader.at):
        flash(request, translate(reader.language, _("The alarm is cleared. When its reason comes back, so does it.")))
    else:
        flash(request, translate(reader.language, _("This alarm does not stand any more.")), "note")
    return Redirect("/health", status_code=303)


def _heard(standing: Standing, *, at: datetime) -> str:
    """Whether a worker was heard of lately: `fine`, `late`, or `none` when there never was one."""
    if standing.audited_at is None:
        return "none"
    return "late" if at - standing.audited_at > SILENT_AFTER else "fine"


def _late(since: datetime | None, *, at: datetime) -> bool:
    return since is not None and at - since > LATE_AFTER


async def _calendar(reader: Reading) -> tuple[int | None, int] | None:
    """The first year the calendar lacks, when it should have it by now, and the version; None without a regulation."""
    try:
        rules = await in_force(at=reader.at)
    except NotFound:
        return None
    calendar = rules.regulation.calendar
    return calendar.missing_year(reader.at.astimezone(zone_named(calendar.zone)).date()), rules.version
