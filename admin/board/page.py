"""The board of supervisors: who has how much, what is due today, what was raised and who was told."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from litestar import Response, get

from admin.board import reads
from admin.board.time_line import time_line
from admin.desk.around import strip
from admin.desk.filters import Figure, figures
from admin.desk.listing import Asked
from admin.desk.rights import BOARD
from admin.desk.rows import state_tone
from admin.page_router import page_router
from admin.pages import Reading, render
from admin.reader import reading
from admin.reading import AnyRequest
from admin.reports.charts import part_of
from service import sent_letters
from service.paging import COUNTED
from service.regulations import in_force
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
    rules = await in_force(at=reader.at)
    due = await reads.deadlines(since=began, until=ends, team=team)
    load = await reads.load(since=began, at=reader.at, team=team)
    most = max((one.open for one in load), default=0)
    return render(
        "board/page.html",
        reader,
        teams=list(known.items()),
        team=chosen if team else "",
        figures=[*figures(await strip(at=reader.at), Asked(), reader), await _letters(reader)],
        load=[(one, part_of(one.open, most), part_of(one.late, most, tone="late")) for one in load],
        due=due,
        line=time_line(due, since=began, until=ends, calendar=rules.calendar, reader=reader) if due else "",
        raised=[
            (one, translate(reader.language, PROCESS.by_trigger[one.trigger].in_journal),
             translate(reader.language, PROCESS.state(one.state).label), state_tone(one.state))
            for one in await reads.raised(since=began - timedelta(days=6), team=team)
        ],
        unregistered=[
            (translate(reader.language, KINDS.get(one.kind, one.kind)),
             "/desk/held" if one.kind == "held" else "/desk?unregistered=1", one)
            for one in await reads.unregistered(at=reader.at)
        ],
    )  # fmt: skip


async def _letters(reader: Reading) -> Figure:
    """Letters that nobody has got."""
    lost = await sent_letters.not_arrived(most=COUNTED)
    label = translate(reader.language, _("Letters that did not arrive"))
    return Figure(count=lost, label=label, tone="late", href="/letters")


router = page_router([board_page])
