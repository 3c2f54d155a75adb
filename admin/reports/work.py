"""Where the time went and what the work cost, as the page of reports draws it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from markupsafe import Markup

from admin.pages import Reading, url
from admin.reports.charts import Bar, Part, month_label, part_of, stacked
from admin.reports.clocks import BEHIND
from service import reporting
from service.satisfaction import Month
from service.words import duration, percent, translate
from workflow.process import PROCESS, SCORES
from workflow.regulation import Rulebook
from workflow.words import _

# The moves whose number says something: the customer disagreed; the customer was told of a later date (6.3).
DISPUTE: Final = next(move.trigger for move in PROCESS.moves if "dispute" in move.letters)
EXTEND: Final = next(move.trigger for move in PROCESS.moves if "extension" in move.letters)
SCORE_TONES: Final = {"good": "fine", "fair": "warning", "bad": "late"}


def states(times: Sequence[reporting.StateTime], months: int, reader: Reading, *, level: str) -> list[dict[str, Any]]:
    """Time in each state; the bar compares the averages."""
    most = max((one.mean_seconds for one in times), default=0.0)
    return [
        {
            "label": translate(reader.language, PROCESS.state(one.state).label),
            "stays": one.stays,
            "mean": duration(reader.language, timedelta(seconds=one.mean_seconds)),
            "median": duration(reader.language, timedelta(seconds=one.median_seconds)),
            "bar": part_of(one.mean_seconds, most, tone="paused" if PROCESS.state(one.state).pauses else "plain"),
            "href": url(BEHIND, kind="state", state=one.state, months=months, level=level),
        }
        for one in times
    ]


def pauses(times: Sequence[reporting.PauseTime], months: int, reader: Reading, *, level: str) -> list[dict[str, Any]]:
    """Why clocks rested, and how long."""
    most = max((one.mean_seconds for one in times), default=0.0)
    return [
        {
            "reason": translate(reader.language, one.reason),
            "pauses": one.pauses,
            "tickets": one.tickets,
            "mean": duration(reader.language, timedelta(seconds=one.mean_seconds)),
            "median": duration(reader.language, timedelta(seconds=one.median_seconds)),
            "bar": part_of(one.mean_seconds, most, tone="paused"),
            "href": url(BEHIND, kind="pause", reason=one.reason, months=months, level=level),
        }
        for one in times
    ]


def counted(
    counts: Sequence[reporting.Count], trigger: str, rules: Rulebook, reader: Reading, *, level: str
) -> list[dict[str, Any]]:
    """How often a move was made, by month and reason."""
    names = rules.reason_names(reader.language)
    return [
        {
            "month": one.month,
            "reason": names.get(one.code, one.code),
            "n": one.n,
            "tickets": one.tickets,
            "href": url(BEHIND, kind="move", trigger=trigger, month=one.month, code=one.code or "-", level=level),
        }
        for one in counts
    ]  # fmt: skip


# --- effort -----------------------------------------------------------------------------------------------------------

Group = tuple[str, ...]


def _grouped(efforts: Sequence[reporting.Effort], *fields: str) -> list[tuple[Group, int, int]]:
    """Answers and minutes by these fields, the latest month first, the most minutes first in it."""
    sums: dict[Group, tuple[int, int]] = {}
    for one in efforts:
        key = tuple(str(getattr(one, field)) for field in fields)
        answers, minutes = sums.get(key, (0, 0))
        sums[key] = answers + one.answers, minutes + one.minutes
    rows = [(key, answers, minutes) for key, (answers, minutes) in sums.items()]
    return sorted(rows, key=lambda row: (-int(row[0][0].replace("-", "")), -row[2], row[0]))


def by_contract(efforts: Sequence[reporting.Effort], *, level: str) -> list[dict[str, Any]]:
    """Minutes by month and contract (clause 5.2)."""
    rows = _grouped(efforts, "month", "organisation", "contract")
    most = max((minutes for _key, _answers, minutes in rows), default=0)
    return [
        {
            "month": month, "organisation": organisation, "contract": contract, "answers": answers, "minutes": minutes,
            "bar": part_of(minutes, most),
            "href": url(BEHIND, kind="effort", month=month, organisation=organisation or "-", contract=contract or "-",
                        level=level),
        }
        for (month, organisation, contract), answers, minutes in rows
    ]  # fmt: skip


def by_colleague(efforts: Sequence[reporting.Effort], *, level: str) -> list[dict[str, Any]]:
    """Minutes by month and colleague; those of one name are told apart by their address."""
    rows = _grouped(efforts, "month", "operator", "operator_id", "operator_email")
    ids = defaultdict(set)
    for one in efforts:
        ids[one.operator].add(one.operator_id)
    most = max((minutes for _key, _answers, minutes in rows), default=0)
    return [
        {
            "month": month, "operator": operator, "email": email if len(ids[operator]) > 1 else "",
            "answers": answers, "minutes": minutes, "bar": part_of(minutes, most),
            "href": url(BEHIND, kind="effort", month=month, operator=id, level=level),
        }
        for (month, operator, id, email), answers, minutes in rows
    ]  # fmt: skip


def effort_chart(efforts: Sequence[reporting.Effort], reader: Reading, *, level: str) -> Markup:
    """One bar a month, its minutes above it."""
    bars = [
        Bar(
            month_label(month),
            (Part("plain", minutes, f"{month}: {minutes}", url(BEHIND, kind="effort", month=month, level=level)),),
            above=str(minutes),
        )
        for (month,), _answers, minutes in reversed(_grouped(efforts, "month"))
    ]
    return stacked(bars, caption=translate(reader.language, _("Booked minutes by month")))


# --- satisfaction -----------------------------------------------------------------------------------------------------


def satisfaction(months: Sequence[Month], reader: Reading, *, level: str) -> list[dict[str, Any]]:
    """What customers thought, by the month they said it in, the latest first."""
    return [
        {
            "month": f"{one.first:%Y-%m}",
            "figures": [(getattr(one, score), _scored(one, score, level)) for score, _label in SCORES],
            "share": percent(reader.language, one.good / one.all) if one.all else "",
        }
        for one in reversed(months)
    ]


def satisfaction_chart(months: Sequence[Month], reader: Reading, *, level: str) -> Markup:
    bars = [
        Bar(
            month_label(f"{one.first:%Y-%m}"),
            tuple(
                Part(
                    SCORE_TONES[score], getattr(one, score),
                    f"{one.first:%Y-%m}: {translate(reader.language, label)} — {getattr(one, score)}",
                    _scored(one, score, level),
                )
                for score, label in SCORES
            ),
            above=percent(reader.language, one.good / one.all) if one.all else "",
        )
        for one in months
    ]  # fmt: skip
    return stacked(bars, caption=translate(reader.language, _("What customers thought, by month")))


def _scored(month: Month, score: str, level: str) -> str:
    return url(BEHIND, kind="score", month=f"{month.first:%Y-%m}", score=score, level=level)
