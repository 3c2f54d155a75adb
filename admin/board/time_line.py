"""The deadlines of the day on a line: each a mark that leads to its ticket; the list below says the same in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup

from admin.board.reads import Deadline
from admin.pages import Reading
from service.words import clock_time, translate
from workflow.words import _

WIDTH, ROW, HEAD, MARK, TIGHT = 1_000, 16, 28, 6, 14


def time_line(deadlines: Sequence[Deadline], *, since: datetime, until: datetime, reader: Reading) -> Markup:
    """Hours from `since` to `until`; marks that would touch stand above each other."""
    whole = (until - since).total_seconds()
    placed: list[tuple[float, int, Deadline]] = []
    ends: list[float] = []
    for one in deadlines:
        x = (one.due_at - since).total_seconds() / whole * WIDTH
        level = next((at for at, end in enumerate(ends) if x - end >= TIGHT), len(ends))
        ends[level : level + 1] = [x]
        placed.append((x, level, one))
    height = HEAD + max(len(ends), 1) * ROW + 12
    ground = HEAD - 4
    parts = [_hour(hour, since=since, whole=whole, height=height, reader=reader) for hour in range(1, 24)]
    now = (reader.at - since).total_seconds() / whole * WIDTH
    parts.append(
        Markup('<line class="line-now" x1="{x}" x2="{x}" y1="{y}" y2="{h}"><title>{now}</title></line>').format(
            x=round(now, 1), y=ground, h=height, now=translate(reader.language, _("now"))
        )
    )
    parts += [_mark(x, level, one, reader) for x, level, one in placed]
    return Markup(
        '<svg class="time-line" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="group" aria-label="{said}">'
        '<line class="chart-ground" x1="0" x2="{w}" y1="{y}" y2="{y}"/>{parts}</svg>'
    ).format(
        w=WIDTH, h=height, y=ground, parts=Markup("").join(parts),
        said=translate(reader.language, _("Deadlines of today")),
    )  # fmt: skip


def _hour(hour: int, *, since: datetime, whole: float, height: int, reader: Reading) -> Markup:
    if hour % 3:
        return Markup("")
    x = hour * 3600 / whole * WIDTH
    return Markup(
        '<line class="line-hour" x1="{x}" x2="{x}" y1="{y}" y2="{h}"/><text class="chart-word" x="{x}" y="14">{hour}:00'
        "</text>"
    ).format(x=round(x, 1), y=HEAD - 4, h=height, hour=hour)


def _mark(x: float, level: int, one: Deadline, reader: Reading) -> Markup:
    passed = one.due_at < reader.at
    said = f"{clock_time(reader.language, one.due_at, zone=reader.zone)} · {one.number or ''} {one.subject}"
    return Markup(
        '<a href="/desk/tickets/{id}" aria-label="{said}"><circle class="chart-{tone}" cx="{x}" cy="{y}" r="{r}">'
        "<title>{said}</title></circle></a>"
    ).format(
        id=one.id, said=said, tone="late" if passed else "warning" if one.registration else "fine",
        x=round(min(max(x, MARK), WIDTH - MARK), 1), y=HEAD + 8 + level * ROW, r=MARK,
    )  # fmt: skip
