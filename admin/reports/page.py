"""The page of reports: what was kept, where the time went, what the work cost, and what customers thought of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from litestar import Response, get

from admin.desk.rights import REPORTS
from admin.pages import Reading, render, url
from admin.reader import reading
from admin.reading import AnyRequest
from admin.reports import clocks, work
from admin.reports.period import MONTHS, months_of, since_of
from service import reporting
from service.compliance import LevelKept, by_month_and_level
from service.regulations import in_force
from service.satisfaction import summary
from service.words import translate
from workflow.process import SCORES
from workflow.regulation import Rulebook
from workflow.words import _

SHOWN: Final = 100  # rows of effort on the page; the files hold them all


@get("/reports", guards=[REPORTS])
async def reports_page(request: AnyRequest) -> Response[str]:
    """Everything at a glance; each figure leads to its tickets."""
    reader = await reading(request)
    rules = await in_force(at=reader.at)
    months = months_of(request)
    since, until = since_of(months, at=reader.at, zone=reader.zone), reader.at + timedelta(days=1)
    zone = reader.zone.key
    level = request.query_params.get("level", "").replace("\x00", "")

    # Two at once, and no more: colleagues on the desk want connections too.
    everything, efforts = await asyncio.gather(
        by_month_and_level(months=months, at=reader.at),
        reporting.effort(since=since, until=until, zone=zone, level=level),
    )
    stays, rests = await asyncio.gather(
        reporting.time_per_state(since=since, level=level),
        reporting.pauses(since=since, level=level),
    )
    disputes, extensions = await asyncio.gather(
        reporting.happened(work.DISPUTE, since=since, zone=zone, level=level),
        reporting.happened(work.EXTEND, since=since, zone=zone, level=level),
    )
    thought = await summary(since=since, until=until, zone=reader.zone, level=level)
    kept = [one for one in everything if level in ("", one.level)]
    contracts, colleagues = work.by_contract(efforts, level=level), work.by_colleague(efforts, level=level)
    ended = [translate(reader.language, said) for said in clocks.RESULTS.values()]
    return render(
        "reports/page.html",
        reader,
        months=months,
        choices=[(one, url("/reports", months=one, level=level), one == months) for one in MONTHS],
        levels=_level_chips(everything, level, months, rules, reader),
        registration=clocks.chart("registration", kept, reader, level=level),
        resolution=clocks.chart("resolution", kept, reader, level=level),
        rows=clocks.by_month(kept, rules, reader, level=level),
        by_level=clocks.by_level(kept, rules, reader, months=months),
        states=work.states(stays, months, reader, level=level),
        pauses=work.pauses(rests, months, reader, level=level),
        disputes=work.counted(disputes, work.DISPUTE, rules, reader, level=level),
        extended=work.counted(extensions, work.EXTEND, rules, reader, level=level),
        effort_chart=work.effort_chart(efforts, reader, level=level),
        contracts=contracts[:SHOWN],
        colleagues=colleagues[:SHOWN],
        shown=SHOWN if max(len(contracts), len(colleagues)) > SHOWN else 0,
        effort_minutes=sum(one.minutes for one in efforts),
        satisfaction=work.satisfaction(thought, reader, level=level),
        satisfaction_chart=work.satisfaction_chart(thought, reader, level=level),
        scores=[(work.SCORE_TONES[score], translate(reader.language, label)) for score, label in SCORES],
        ends=[*((said, "num") for said in ended), (translate(reader.language, _("Share in time")), "num")],
        results=[(clocks.TONES[code], translate(reader.language, said)) for code, said in clocks.RESULTS.items()],
        files=url("", months=months, level=level).removeprefix("?"),
    )  # fmt: skip


def _level_chips(
    kept: list[LevelKept], level: str, months: int, rules: Rulebook, reader: Reading
) -> list[tuple[str, str, bool]]:
    """All service levels together, or one of them; nothing to choose where there is only one."""
    codes = sorted({one.level for one in kept if one.level} | ({level} & rules.levels.keys()))
    if len(codes) < 2 and not level:
        return []
    everybody = (translate(reader.language, _("All service levels")), url("/reports", months=months), not level)
    return [everybody] + [
        (clocks.level_name(code, rules, reader), url("/reports", months=months, level=code), code == level)
        for code in codes
    ]
