"""How the system stands over HTTP: alarms, and what the standing checks found."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, QueryParameter

from service import clock, standing
from service.alarms import dismiss
from service.api.requests import DEFAULT, AnyRequest, Cursor, Limit
from service.auth import ADMINISTRATORS, actor_of, requires
from service.directory_edits import number_of
from service.paging import cursor_of, cut, place_of
from service.problems import language_of
from service.standing import CHECKS, Alarm, said
from service.words import Language, translate
from workflow.definition import Role

LOOK = requires(Role.SUPERVISOR, *ADMINISTRATORS, scope="metrics:read")
CLEAR = requires(*ADMINISTRATORS, scope="alarms:clear")
PLACE = msgspec.json.Decoder(tuple[datetime, int])


class AlarmView(msgspec.Struct, frozen=True):
    """What people who run the system must see. It stands until `cleared_at`."""

    id: str
    kind: str
    key: str
    message: str
    at: datetime
    cleared_at: datetime | None


class AlarmPage(msgspec.Struct, frozen=True):
    items: list[AlarmView]
    next_cursor: str | None


class CheckView(msgspec.Struct, frozen=True):
    """A standing check: what must hold, how many rows were `found` against it, and one of them."""

    name: str
    promise: str
    found: int
    detail: str
    at: datetime


class StandingView(msgspec.Struct, frozen=True):
    """Backlogs, and the instants by which one sees whether workers work; `audited_at` moves every minute."""

    letters: int
    events: int
    stuck_letters: int
    dead_events: int
    unread_mail: int
    oldest_delivery: datetime | None
    next_timer: datetime | None
    audited_at: datetime | None
    checks: list[CheckView]


@get("/alarms", operation_id="listAlarms", summary="Alarms", guards=[LOOK])
async def list_alarms(
    request: AnyRequest,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    stands: Annotated[bool | None, QueryParameter(name="standing", description="Those that stand, or not.")] = None,
) -> AlarmPage:
    """The newest first, in the language you accept."""
    language = language_of(request)
    rows = await standing.listed_alarms(limit=limit + 1, after=place_of(cursor, PLACE), standing=stands)
    page, more = cut(rows, limit)
    return AlarmPage([_view(one, language) for one in page], cursor_of(page[-1].at, page[-1].id) if more else None)


@post("/alarms/{alarm:str}/clear", operation_id="clearAlarm", summary="Clear an alarm", status_code=200,
      guards=[CLEAR])  # fmt: skip
async def clear_alarm(request: AnyRequest, alarm: FromPath[str]) -> AlarmView:
    """Somebody has seen it. It is raised again when its reason comes back; clearing it twice changes nothing."""
    id = number_of(alarm)
    await dismiss(id, by=await actor_of(request), at=clock.now())
    return _view(await standing.alarm(id), language_of(request))


@get("/standing", operation_id="getStanding", summary="How the system stands", guards=[LOOK])
async def get_standing(request: AnyRequest) -> StandingView:
    """What the health page shows; `/metrics` has the same as figures."""
    language = language_of(request)
    found = await standing.standing()
    checks = [
        CheckView(one.name, translate(language, CHECKS.get(one.name, one.name)), one.found, one.detail, one.at)
        for one in await standing.audits()
    ]
    return StandingView(
        letters=found.letters, events=found.events, stuck_letters=found.stuck_letters, dead_events=found.dead_events,
        unread_mail=found.unread_mail, oldest_delivery=found.oldest_delivery, next_timer=found.next_timer,
        audited_at=found.audited_at, checks=checks,
    )  # fmt: skip


def _view(alarm: Alarm, language: Language) -> AlarmView:
    return AlarmView(str(alarm.id), alarm.kind, alarm.key, said(alarm, language), alarm.at, alarm.cleared_at)


ROUTER = Router("/", route_handlers=[list_alarms, clear_alarm, get_standing], tags=["Operation"])
