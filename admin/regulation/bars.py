"""Compliance as bars: for each month and priority how many promises were kept, then and under the draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from service.simulation import MonthForecast, Tally
from service.words import Language, percent, translate
from workflow.words import _

BAR, GAP, GROUP_GAP, HEIGHT, TOP, FOOT, SCALE = 18, 2, 24, 140, 14, 40, 44  # pixels


@dataclass(frozen=True, slots=True)
class Pair:
    """One month and one priority: the share of promises kept then and under the draft; None where none was due."""

    month: str
    priority: str
    then: float | None
    draft: float | None
    judged: int
    worse: int
    better: int


def pairs_of(months: Sequence[MonthForecast], clock: str) -> list[Pair]:
    """The pairs of one clock, by month and priority, where anything is decided."""
    return [
        Pair(
            one.month,
            one.priority or "—",
            _share(one.then),
            _share(one.draft),
            _judged(one.then),
            one.worse,
            one.better,
        )
        for one in months
        if one.clock == clock and (_judged(one.then) or _judged(one.draft))
    ]


def _judged(tally: Tally) -> int:
    return tally.met + tally.extended + tally.breached


def _share(tally: Tally) -> float | None:
    judged = _judged(tally)
    return (tally.met + tally.extended) / judged if judged else None


def bars(pairs: Sequence[Pair], title: str, language: Language) -> Markup:
    """The picture; what it shows stands in the table beside it too. '' when there is nothing to draw."""
    if not pairs:
        return Markup("")
    step = 2 * BAR + GAP + GROUP_GAP
    width = max(len(pairs) * step + GROUP_GAP, 240) + SCALE
    parts = [_scale(width, language)]
    for n, pair in enumerate(pairs):
        parts.append(
            _pair(pair, GROUP_GAP + n * step, first=n == 0 or pairs[n - 1].month != pair.month, language=language)
        )
    return Markup(  # noqa: S704  (numbers of ours, words escaped)
        f'<svg class="bars" viewBox="0 0 {width} {TOP + HEIGHT + FOOT}" width="{width}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def _scale(width: int, language: Language) -> str:
    lines = ""
    for share in (0.0, 0.5, 1.0):
        y = TOP + HEIGHT * (1 - share)
        lines += f'<line class="bar-line" x1="0" x2="{width}" y1="{y:g}" y2="{y:g}"/>'
        lines += f'<text class="bar-scale" x="{width}" y="{y - 2:g}">{escape(percent(language, share))}</text>'
    return lines


def _pair(pair: Pair, x: int, *, first: bool, language: Language) -> str:
    month = f'<text class="bar-month" x="{x}" y="{TOP + HEIGHT + 32}">{escape(pair.month)}</text>' if first else ""
    return (
        _bar(pair.then, x, "then", pair, translate(language, _("then")), language)
        + _bar(pair.draft, x + BAR + GAP, "draft", pair, translate(language, _("under the draft")), language)
        + f'<text class="bar-name" x="{x + BAR}" y="{TOP + HEIGHT + 15}">{escape(pair.priority)}</text>{month}'
    )


def _bar(share: float | None, x: int, kind: str, pair: Pair, said: str, language: Language) -> str:
    if share is None:
        return ""
    tall = max(HEIGHT * share, 1)
    hover = f"{pair.month}, {pair.priority}, {said}: {percent(language, share)}"
    return (
        f'<rect class="bar bar-{kind}" x="{x}" y="{TOP + HEIGHT - tall:g}" width="{BAR}" height="{tall:g}" rx="2">'
        f"<title>{escape(hover)}</title></rect>"
    )
