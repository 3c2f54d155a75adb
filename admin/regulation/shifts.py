"""How far deadlines move: for each ticket a line from the deadline it has to the one it would have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from babel.dates import format_date
from markupsafe import Markup

from admin.pages import Reading
from service.simulation import MovedTicket
from service.words import exact, translate
from workflow.words import _

MOST: Final = 30  # tickets drawn; the table beside it holds the others too
WIDTH, NAMES, RIGHT, ROW, HEAD, MARK = 960, 120, 24, 22, 28, 5
MOST_TICKS: Final = 8
DAY: Final = timedelta(days=1)


def shifts(tickets: Sequence[MovedTicket], reader: Reading) -> Markup:
    """The picture of the first of `tickets`, in their order; '' where none has both deadlines."""
    drawn = [(one, one.old_due, one.new_due) for one in tickets if one.old_due and one.new_due][:MOST]
    if not drawn:
        return Markup("")
    axis = _Axis([moment for _one, old, new in drawn for moment in (old, new)], reader)
    height = HEAD + ROW * len(drawn) + 8
    lines = (_line(one, old, new, HEAD + ROW * n + ROW / 2, axis) for n, (one, old, new) in enumerate(drawn))
    parts = [*axis.ticks(height), *lines, axis.now(height)]
    return Markup(
        '<svg class="shifts" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{said}">'
        "{parts}</svg>"
    ).format(
        w=WIDTH,
        h=height,
        said=translate(reader.language, _("From the deadline that is to the deadline that would be")),
        parts=Markup().join(parts),
    )


class _Axis:
    """Where an instant stands from left to right."""

    def __init__(self, moments: Sequence[datetime], reader: Reading) -> None:
        self.reader = reader
        self.first, self.last = min(*moments, reader.at), max(*moments, reader.at)
        self.whole = max((self.last - self.first).total_seconds(), 1.0)

    def x(self, moment: datetime) -> float:
        share = (moment - self.first).total_seconds() / self.whole
        return round(NAMES + share * (WIDTH - NAMES - RIGHT), 1)

    def ticks(self, height: int) -> Iterator[Markup]:
        """Midnights of the reader's zone, so many days apart that their words do not touch."""
        step = max(1, round(self.whole / DAY.total_seconds() / MOST_TICKS))
        on = self.first.astimezone(self.reader.zone).replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        while on <= self.last:
            yield Markup(
                '<line class="bar-line" x1="{x}" x2="{x}" y1="{y}" y2="{h}"/>'
                '<text class="shift-day" x="{x}" y="14">{said}</text>'
            ).format(x=self.x(on), y=HEAD - 8, h=height, said=_short_day(on, self.reader))
            on += step * DAY

    def now(self, height: int) -> Markup:
        return Markup(
            '<line class="shift-now" x1="{x}" x2="{x}" y1="{y}" y2="{h}"><title>{said}</title></line>'
        ).format(x=self.x(self.reader.at), y=HEAD - 8, h=height, said=translate(self.reader.language, _("now")))


def _short_day(on: datetime, reader: Reading) -> str:
    return format_date(on.date(), "d MMM", locale=reader.language)


def _line(one: MovedTicket, old: datetime, new: datetime, y: float, axis: _Axis) -> Markup:
    reader = axis.reader
    tone = "late" if one.late_after else "fine" if one.late_before else "moves"
    name = one.number or translate(reader.language, _("without a number"))
    said = f"{name}: {exact(reader.language, old, zone=reader.zone)} → {exact(reader.language, new, zone=reader.zone)}"
    return Markup(
        '<g class="shift shift-{tone}"><title>{said}</title><text class="shift-name" x="0" y="{text}">{name}</text>'
        '<line class="shift-line" x1="{old}" x2="{new}" y1="{y}" y2="{y}"/>'
        '<circle class="shift-old" cx="{old}" cy="{y}" r="{small}"/><path class="shift-new" d="{tip}"/></g>'
    ).format(
        tone=tone, said=said, name=name, text=y + 4, y=y, old=axis.x(old), new=axis.x(new), small=MARK - 1,
        tip=_tip(axis.x(new), y, forward=new > old),
    )  # fmt: skip


def _tip(x: float, y: float, *, forward: bool) -> str:
    """A triangle that points where the deadline went: a shape besides the colour."""
    back = x - 2 * MARK if forward else x + 2 * MARK
    return f"M{x} {y}L{back} {y - MARK}L{back} {y + MARK}Z"
