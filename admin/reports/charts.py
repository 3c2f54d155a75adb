"""Pictures of figures: stacked bars by month, and a bar of a part, as SVG; the tables beside them say the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

HEIGHT, BAR, GAP, FOOT, HEAD = 160, 36, 28, 24, 18
PART = 96  # how wide the bar of a whole is


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar: `tone` names its colour, `title` says it in words, `href` leads to what is behind."""

    tone: str
    value: int
    title: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One month: its pieces from the bottom up, and what stands above it."""

    label: str
    parts: tuple[Part, ...]
    above: str = ""


def stacked(bars: Sequence[Bar], *, caption: str) -> Markup:
    """The bars side by side, the tallest as high as the picture; nothing without bars."""
    if not bars:
        return Markup()
    most = max(sum(part.value for part in bar.parts) for bar in bars) or 1
    width = len(bars) * (BAR + GAP) + GAP
    drawn = Markup("").join(_bar(bar, x=GAP + at * (BAR + GAP), most=most) for at, bar in enumerate(bars))
    whole = HEAD + HEIGHT + FOOT
    return Markup(
        '<svg class="chart" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="group" aria-label="{caption}">'
        '<line class="chart-ground" x1="0" x2="{w}" y1="{y}" y2="{y}"/>{drawn}</svg>'
    ).format(w=width, h=whole, caption=caption, y=HEAD + HEIGHT, drawn=drawn)


def month_label(month: str) -> str:
    """`2026-05` as it stands below a bar."""
    return f"{month[5:]}.{month[2:4]}"


def part_of(value: float, most: float, *, tone: str = "plain") -> Markup:
    """A small bar beside a figure that stands in words already."""
    width = round(PART * min(max(value / most, 0.0), 1.0), 1) if most else 0.0
    return Markup(
        '<svg class="part" width="{w}" height="8" aria-hidden="true"><rect class="chart-{tone}" width="{n}" height="8" '
        'rx="2"/></svg>'
    ).format(w=PART, tone=tone, n=width)


def _bar(bar: Bar, *, x: int, most: int) -> Markup:
    y = float(HEAD + HEIGHT)
    pieces = []
    for part in bar.parts:
        if part.value:
            height = part.value / most * HEIGHT
            y -= height
            pieces.append(_piece(part, x=x, y=y, height=height))
    said = Markup('<text class="chart-word" x="{x}" y="{y}">{label}</text>')
    pieces.append(said.format(x=x + BAR / 2, y=HEAD + HEIGHT + 16, label=bar.label))
    if bar.above:
        pieces.append(said.format(x=x + BAR / 2, y=round(y - 5, 1), label=bar.above))
    return Markup("").join(pieces)


def _piece(part: Part, *, x: int, y: float, height: float) -> Markup:
    rect = Markup(
        '<rect class="chart-{tone}" x="{x}" y="{y}" width="{w}" height="{h}"><title>{title}</title></rect>'
    ).format(tone=part.tone, x=x, y=round(y, 2), w=BAR, h=round(max(height, 1.0), 2), title=part.title)
    if not part.href:
        return rect
    return Markup('<a href="{href}" aria-label="{title}">{rect}</a>').format(
        href=part.href, title=part.title, rect=rect
    )
