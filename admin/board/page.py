"""The board of supervisors: who has how much, what is due today, what was raised and who was told."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from litestar import Response, get

from admin.board import reads
from admin.board.time_line import time_line
from admin.desk.rights import BOARD
from admin.page_router import page_router
from admin.pages import render
from admin.reader import reading
from admin.reading import AnyRequest
from service.teams import teams
from service.words import translate
from workflow.process import CHANNELS, PROCESS
from workflow.words import _

KINDS = dict(CHANNELS) | {"held": _("Held mail")}


@get("/board", guards=[BOARD])
async def board_page(request: AnyRequest) -> Response[str]:
    """The day as it stands now; with `?team=` that of one team."""
    reader = await reading(request)
    known = {str(one.id): one.name for one in await teams(ended=False)}
    chosen = request.query_params.get("team", "")
    team = int(chosen) if chosen in known else None
    began = datetime.combine(reader.at.astimezone(reader.zone).date(), time(), reader.zone)
    ends = datetime.combine(began.date() + timedelta(days=1), time(), reader.zone)
    due = await reads.deadlines(since=began, until=ends, team=team)
    return render(
        "board/page.html",
        reader,
        teams=list(known.items()),
        team=chosen if team else "",
        load=await reads.load(since=began, at=reader.at, team=team),
        due=due,
        line=time_line(due, since=began, until=ends, reader=reader) if due else "",
        raised=[
            (one, translate(reader.language, PROCESS.by_trigger[one.trigger].in_journal))
            for one in await reads.raised(since=began - timedelta(days=6), team=team)
        ],
        unregistered=[
            (translate(reader.language, KINDS.get(one.kind, one.kind)),
             "/desk/held" if one.kind == "held" else "/desk?unregistered=1", one)
            for one in await reads.unregistered(at=reader.at)
        ],
    )  # fmt: skip


router = page_router([board_page])
