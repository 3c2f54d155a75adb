"""The page of reports: what was kept and what was not, where the time went, and what the work cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from litestar import Response, get
from markupsafe import Markup

from admin.desk.rights import REPORTS
from admin.pages import Reading, render, url
from admin.reader import reading
from admin.reading import AnyRequest
from admin.reports.charts import Bar, Part, stacked
from admin.reports.period import MONTHS, months_of, since_of
from service import reporting
from service.compliance import Kept, by_month
from service.regulations import in_force
from service.words import Language, duration, percent, translate
from workflow.process import PROCESS
from workflow.regulation import Rulebook
from workflow.words import _

RESULTS: Final[Mapping[str, str]] = {
    "met": _("in time"), "extended": _("extended in time"), "breached": _("breached"), "running": _("still runs"),
}  # fmt: skip
TONES: Final = {"met": "fine", "extended": "warning", "breached": "late", "running": "ended"}
BEHIND: Final = "/reports/tickets"


@get("/reports", guards=[REPORTS])
async def reports_page(request: AnyRequest) -> Response[str]:
    """Everything at a glance; each figure leads to its tickets."""
    reader = await reading(request)
    rules = await in_force(at=reader.at)
    months = months_of(request)
    since = since_of(months, at=reader.at, zone=reader.zone)
    kept = await by_month(months=months, at=reader.at)
    zone = reader.zone.key
    disputes = await reporting.happened(DISPUTE, since=since, zone=zone)
    extended = await reporting.happened(EXTEND, since=since, zone=zone)
    efforts = await reporting.effort(since=since, until=reader.at + timedelta(days=1), zone=zone)
    return render(
        "reports/page.html",
        reader,
        months=months,
        choices=[(one, url("/reports", months=one), one == months) for one in MONTHS],
        registration=_chart("registration", kept, reader),
        resolution=_chart("resolution", kept, reader),
        rows=_rows(kept, rules, reader),
        levels=_levels(await reporting.by_level(since=since, at=reader.at, zone=zone), rules, reader),
        states=_states(await reporting.time_per_state(since=since), months, reader),
        disputes=[_counted(one, DISPUTE, rules, reader.language) for one in disputes],
        extended=[_counted(one, EXTEND, rules, reader.language) for one in extended],
        efforts=[_effort(one) for one in efforts],
        effort_minutes=sum(one.minutes for one in efforts),
        results=[(TONES[code], translate(reader.language, said)) for code, said in RESULTS.items()],
    )


# The moves whose number says something: the customer disagreed; the customer was told of a later date (6.3).
DISPUTE: Final = next(move.trigger for move in PROCESS.moves if "dispute" in move.letters)
EXTEND: Final = next(move.trigger for move in PROCESS.moves if "extension" in move.letters)


def _chart(clock: str, kept: Sequence[Kept], reader: Reading) -> Markup:
    """One bar a month, the oldest first."""
    months: dict[str, dict[str, int]] = {}
    for one in kept:
        if one.clock == clock:
            sums = months.setdefault(one.month, dict.fromkeys(RESULTS, 0))
            for result in RESULTS:
                sums[result] += getattr(one, result)
    bars = [
        Bar(
            label=f"{month[5:]}.{month[2:4]}",
            parts=tuple(
                Part(
                    TONES[result], n, f"{month}: {translate(reader.language, RESULTS[result])} — {n}",
                    url(BEHIND, kind=clock, month=month, result=result),
                )
                for result, n in sums.items()
            ),
            above=_share(sums, reader.language),
        )
        for month, sums in sorted(months.items())
    ]  # fmt: skip
    caption = _("Registered in time, by month") if clock == "registration" else _("Resolved in time, by month")
    return stacked(bars, caption=translate(reader.language, caption)) if bars else Markup("")


def _share(sums: Mapping[str, int], language: Language) -> str:
    """How much of what has ended was kept: a promise extended in time is no breach, and not in time either."""
    ended = sums["met"] + sums["extended"] + sums["breached"]
    return percent(language, sums["met"] / ended) if ended else ""


def _rows(kept: Sequence[Kept], rules: Rulebook, reader: Reading) -> list[dict[str, Any]]:
    """The same as a table, by month and priority; each number with the address of its tickets."""
    return [
        {
            "month": one.month,
            "clock": translate(reader.language, _CLOCKS[one.clock]),
            "priority": _priority(one.priority, rules, reader),
            "figures": [
                (getattr(one, result), url(BEHIND, kind=one.clock, month=one.month, result=result,
                                           priority=one.priority or "-"))
                for result in RESULTS
            ],
            "share": _share({result: getattr(one, result) for result in RESULTS}, reader.language),
        }
        for one in sorted(kept, key=lambda one: one.clock)
    ]  # fmt: skip


_CLOCKS = {"registration": _("Registration"), "resolution": _("Resolution")}


def _levels(kept: Sequence[reporting.LevelKept], rules: Rulebook, reader: Reading) -> list[dict[str, Any]]:
    levels = {level.code: level.name.to(reader.language) for level in rules.regulation.service_levels}
    return [
        {
            "level": levels.get(one.level, one.level or "—"),
            "priority": _priority(one.priority, rules, reader),
            "figures": [getattr(one, result) for result in RESULTS],
            "share": _share({result: getattr(one, result) for result in RESULTS}, reader.language),
        }
        for one in kept
    ]


def _priority(code: str | None, rules: Rulebook, reader: Reading) -> str:
    known = rules.priorities.get(code or "")
    return f"{code} · {known.name.to(reader.language)}" if known else code or "—"


def _states(times: Sequence[reporting.StateTime], months: int, reader: Reading) -> list[dict[str, Any]]:
    """Time in each state; where a clock rests, the reason of the pause stands beside it."""
    return [
        {
            "label": translate(reader.language, PROCESS.state(one.state).label),
            "pause": translate(reader.language, PROCESS.state(one.state).pause_reason)
            if PROCESS.state(one.state).pause_reason
            else "",
            "stays": one.stays,
            "mean": duration(reader.language, timedelta(seconds=one.mean_seconds)),
            "median": duration(reader.language, timedelta(seconds=one.median_seconds)),
            "href": url(BEHIND, kind="state", state=one.state, months=months),
        }
        for one in times
    ]


def _counted(one: reporting.Count, trigger: str, rules: Rulebook, language: Language) -> dict[str, Any]:
    names = {reason.code: reason.name.to(language) for reason in rules.regulation.postponement_reasons}
    return {
        "month": one.month,
        "reason": names.get(one.code, one.code),
        "n": one.n,
        "tickets": one.tickets,
        "href": url(BEHIND, kind="move", trigger=trigger, month=one.month, code=one.code or "-"),
    }


def _effort(one: reporting.Effort) -> dict[str, Any]:
    href = url(
        BEHIND, kind="effort", month=one.month, organisation=one.organisation, contract=one.contract,
        operator=one.operator,
    )  # fmt: skip
    return {
        "month": one.month, "organisation": one.organisation, "contract": one.contract, "operator": one.operator,
        "answers": one.answers, "minutes": one.minutes, "href": href,
    }  # fmt: skip
