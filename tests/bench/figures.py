"""What was measured, and how it is told: lines while it runs, a table in Markdown and the same as JSON at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Literal

import msgspec

Unit = Literal["/s", "ms", "s", "µs", "MB", "x", "%", ""]
PLACES: dict[Unit, int] = {"/s": 0, "ms": 1, "s": 1, "µs": 1, "MB": 0, "x": 2, "%": 0, "": 0}


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing measured. `size` is the number of tickets there were; `kept` is None where there is no bar."""

    chapter: str
    name: str
    value: float
    unit: Unit
    size: int = 0
    bar: str = ""
    kept: bool | None = None

    def __str__(self) -> str:
        where = f" at {self.size:,} tickets" if self.size else ""
        bar = f"   bar: {self.bar} {'kept' if self.kept else 'MISSED'}" if self.kept is not None else ""
        return f"{self.name + where:<64} {said(self.value, self.unit):>14}{bar}"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one run of the bench found, and on what."""

    machine: str
    seconds: float  # of each load
    figures: tuple[Figure, ...]


def said(value: float, unit: Unit) -> str:
    return f"{value:,.{PLACES[unit]}f} {unit}".replace(" /s", "/s").replace(" %", " %").strip()


def growths(figures: Iterable[Figure], *, most: float) -> Iterator[Figure]:
    """How many times slower each thing is with the most tickets than with the fewest."""
    by_name: dict[tuple[str, str], list[Figure]] = {}
    for one in figures:
        if one.size and one.unit == "ms":
            by_name.setdefault((one.chapter, one.name), []).append(one)
    for (chapter, name), ones in by_name.items():
        first, last = min(ones, key=lambda one: one.size), max(ones, key=lambda one: one.size)
        if first.size < last.size and "p50" in name:
            factor = last.value / first.value
            yield Figure(
                chapter=chapter, name=f"{name}: growth from {first.size:,} to {last.size:,}", value=factor, unit="x",
                bar=f"≤ {most:g} x", kept=factor <= most,
            )  # fmt: skip


# What the README tells; docs/bench.md has everything.
HEADLINES = (
    "create a second, 8 clients", "create, p99 at 8", "move a second, 8 clients", "move, p99 at 8",
    "queue page, 50 rows, p50", "ticket page, 20 entries, p50", "search, a word of few tickets, p50",
    "API: list of 50 tickets, p50",
)  # fmt: skip
MARKS = ("<!-- speed -->\n", "<!-- /speed -->")


def headlines(run: Run) -> str:
    """The table of the README: what people and programs wait for, with more and more tickets."""
    chosen = {name: [one for one in run.figures if one.name == name] for name in HEADLINES}
    return f"Measured on {run.machine}.\n\n{_table([one for ones in chosen.values() for one in ones])}"


def with_headlines(text: str, run: Run) -> str:
    """The README with the table of this run between its marks."""
    before, _mark, rest = text.partition(MARKS[0])
    _old, _mark, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}{headlines(run)}{MARKS[1]}{after}"


def markdown(run: Run) -> str:
    """A table for each chapter: a line a thing, a column for each number of tickets where that matters."""
    parts = [f"Measured on {run.machine}; each load ran for {run.seconds:g} s.\n"]
    for chapter, figures in groupby(run.figures, key=lambda one: one.chapter):
        parts.append(f"### {chapter}\n\n{_table(list(figures))}")
    return "\n".join(parts)


def _table(figures: Sequence[Figure]) -> str:
    sizes = sorted({one.size for one in figures if one.size})
    lines: list[tuple[str, ...]] = [("what", *(f"{size:,}" for size in sizes or (0,)), "bar", "")]
    if not sizes:
        lines[0] = ("what", "", "bar", "")
    lines.append(("---", *("--:" for _size in sizes or (0,)), "---", "---"))
    for name in dict.fromkeys(one.name for one in figures):
        ones = {one.size: one for one in figures if one.name == name}
        last = ones[max(ones)]
        values = [said(ones[size].value, ones[size].unit) if size in ones else "" for size in sizes or (0,)]
        if sizes and 0 in ones:  # one that has no size stands in the last column
            values[-1] = said(ones[0].value, ones[0].unit)
        verdict = "" if last.kept is None else "kept" if last.kept else "**missed**"
        lines.append((name, *values, last.bar, verdict))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
