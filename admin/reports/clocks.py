"""How the promises were kept, as the page of reports draws it: by month, by priority, by service level."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, TypeVar

from markupsafe import Markup

from admin.pages import Reading, url
from admin.reports.charts import Bar, Part, month_label, stacked
from service.compliance import NONE, LevelKept
from service.words import Language, percent, translate
from workflow.regulation import Rulebook
from workflow.words import _

RESULTS: Final[Mapping[str, str]] = {
    "met": _("in time"), "extended": _("extended in time"), "breached": _("breached"), "running": _("still runs"),
}  # fmt: skip
TONES: Final = {"met": "fine", "extended": "warning", "breached": "late", "running": "ended"}
CLOCKS: Final[Mapping[str, str]] = {"registration": _("Registration"), "resolution": _("Resolution")}
CAPTIONS: Final[Mapping[str, str]] = {
    "registration": _("Registered in time, by month"), "resolution": _("Resolved in time, by month"),
}  # fmt: skip
BEHIND: Final = "/reports/tickets"

Sums = dict[str, int]
Key = TypeVar("Key", bound=Hashable)


def summed(kept: Sequence[LevelKept], by: Callable[[LevelKept], Key]) -> dict[Key, Sums]:
    """The four figures of all rows that `by` gives the same key."""
    sums: dict[Key, Sums] = {}
    for one in kept:
        figures = sums.setdefault(by(one), dict.fromkeys(RESULTS, 0))
        for result in RESULTS:
            figures[result] += getattr(one, result)
    return sums


def share(sums: Mapping[str, int], language: Language) -> str:
    """How much of what has ended was kept: a promise extended in time is no breach, and not in time either."""
    ended = sums["met"] + sums["extended"] + sums["breached"]
    return percent(language, sums["met"] / ended) if ended else ""


def chart(clock: str, kept: Sequence[LevelKept], reader: Reading, *, level: str) -> Markup:
    """One bar a month, the oldest first."""
    months = summed([one for one in kept if one.clock == clock], lambda one: one.month)
    bars = [
        Bar(
            label=month_label(month),
            parts=tuple(
                Part(
                    TONES[result], n, f"{month}: {translate(reader.language, RESULTS[result])} — {n}",
                    url(BEHIND, kind=clock, month=month, result=result, level=level),
                )
                for result, n in sums.items()
            ),
            above=share(sums, reader.language),
        )
        for month, sums in sorted(months.items())
    ]  # fmt: skip
    return stacked(bars, caption=translate(reader.language, CAPTIONS[clock]))


def by_month(kept: Sequence[LevelKept], rules: Rulebook, reader: Reading, *, level: str) -> list[dict[str, Any]]:
    """The same as a table, by month and priority; each number with the address of its tickets."""
    sums = summed(kept, lambda one: (one.clock, one.month, one.priority))
    return [
        {
            "month": month,
            "clock": translate(reader.language, CLOCKS[clock]),
            "priority": priority_name(priority, rules, reader),
            "figures": [
                (n, url(BEHIND, kind=clock, month=month, result=result, priority=priority or NONE, level=level))
                for result, n in figures.items()
            ],
            "share": share(figures, reader.language),
        }
        for (clock, month, priority), figures in sorted(sums.items(), key=_latest_first)
    ]


def _latest_first(row: tuple[tuple[str, str, str | None], Sums]) -> tuple[str, int, str]:
    (clock, month, priority), _sums = row
    return clock, -int(month.replace("-", "")), priority or "~"


def by_level(kept: Sequence[LevelKept], rules: Rulebook, reader: Reading, *, months: int) -> list[dict[str, Any]]:
    """Resolution by service level and priority, over all months shown."""
    sums = summed([one for one in kept if one.clock == "resolution"], lambda one: (one.level, one.priority))
    return [
        {
            "level": level_name(level, rules, reader),
            "priority": priority_name(priority, rules, reader),
            "figures": [
                (n, url(BEHIND, kind="resolution", months=months, result=result, priority=priority or NONE,
                        level=level or NONE))
                for result, n in figures.items()
            ],
            "share": share(figures, reader.language),
        }
        for (level, priority), figures in sorted(sums.items(), key=lambda row: (row[0][0], row[0][1] or "~"))
    ]  # fmt: skip


def priority_name(code: str | None, rules: Rulebook, reader: Reading) -> str:
    known = rules.priorities.get(code or "")
    return f"{code} · {known.name.to(reader.language)}" if known else code or "—"


def level_name(code: str, rules: Rulebook, reader: Reading) -> str:
    known = rules.levels.get(code)
    return known.name.to(reader.language) if known else code or "—"
