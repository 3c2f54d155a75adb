"""The deadlines of the day on a line: each a mark that leads to its ticket; the list below says the same in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup

from admin.board.reads import Deadline
from admin.pages import Reading
from service.words import clock_time, translate
from workflow.calendar import CalendarOutOfRange
from workflow.words import _
from workflow.working_calendar import WorkingCalendar

WIDTH, HEAD, FOOT, MARK, TIGHT = 1_000, 28, 8, 6, 14
TOLD, BARE = 22, 16  # the height of a row with words, and of one without
MOST_TOLD: Final = 24  # deadlines that stand in a row of their own, each with its words
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Scale:
    """The part of the day that is drawn."""

    begins: datetime
    ends: datetime

    def x(self, at: datetime) -> float:
        """Where an instant stands, kept inside the picture."""
        share = (at - self.begins) / (self.ends - self.begins)
        return round(min(max(share * WIDTH, MARK), WIDTH - MARK), 1)


def time_line(
    deadlines: Sequence[Deadline], *, since: datetime, until: datetime, calendar: WorkingCalendar, reader: Reading
) -> Markup:
    """The day from `since` to `until`: opening hours shaded, the present as a line, each deadline as a mark."""
    opening = _opening(since, calendar)
    scale = _scale(deadlines, opening, since=since, until=until, at=reader.at)
    told = len(deadlines) <= MOST_TOLD
    levels = list(range(len(deadlines))) if told else _stacked(deadlines, scale)
    row = TOLD if told else BARE
    height = HEAD + (max(levels, default=0) + 1) * row + FOOT
    parts = [_shade(one, scale, height) for one in opening]
    parts += [_hour(at, scale, height, reader) for at in _hours(scale)]
    parts.append(_now(scale, height, reader))
    parts += [
        _mark(one, scale, HEAD + level * row + row // 2, reader, told=told)
        for one, level in zip(deadlines, levels, strict=True)
    ]
    return Markup(
        '<svg class="time-line" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="group" aria-label="{said}">'
        '{shades}<line class="chart-ground" x1="0" x2="{w}" y1="{y}" y2="{y}"/></svg>'
    ).format(
        w=WIDTH, h=height, y=HEAD - 4, shades=Markup("").join(parts),
        said=translate(reader.language, _("Deadlines of today")),
    )  # fmt: skip


# --- the ground -------------------------------------------------------------------------------------------------------


def _opening(midnight: datetime, calendar: WorkingCalendar) -> list[tuple[datetime, datetime]]:
    """The opening hours of the day; none where the calendar does not reach."""
    try:
        hours = calendar.day(midnight.date()).intervals
    except CalendarOutOfRange:
        return []
    return [(midnight + timedelta(minutes=one.opens_at), midnight + timedelta(minutes=one.closes_at)) for one in hours]


def _scale(
    deadlines: Sequence[Deadline],
    opening: Sequence[tuple[datetime, datetime]],
    *,
    since: datetime,
    until: datetime,
    at: datetime,
) -> Scale:
    """Whole hours around everything that is to be seen, and an hour to spare; within the day."""
    seen = [at, *(one.due_at for one in deadlines), *(moment for pair in opening for moment in pair)]
    local = [max(since, min(moment.astimezone(since.tzinfo), until)) for moment in seen]
    begins = min(local).replace(minute=0, second=0, microsecond=0) - HOUR
    ends = max(local) + 2 * HOUR
    return Scale(max(begins, since), min(ends.replace(minute=0, second=0, microsecond=0), until))


def _shade(opening: tuple[datetime, datetime], scale: Scale, height: int) -> Markup:
    x, end = scale.x(opening[0]), scale.x(opening[1])
    return Markup('<rect class="line-open" x="{x}" y="{y}" width="{w}" height="{h}"/>').format(
        x=x, y=HEAD - 4, w=round(end - x, 1), h=height - HEAD + 4
    )


def _hours(scale: Scale) -> list[datetime]:
    """The full hours to be named: each one on a short line, each third on a long one."""
    hours = round((scale.ends - scale.begins) / HOUR)
    step = 1 if hours <= 14 else 3
    whole = [scale.begins + n * HOUR for n in range(1, hours)]
    return [at for at in whole if at.hour % step == 0]


def _hour(at: datetime, scale: Scale, height: int, reader: Reading) -> Markup:
    return Markup(
        '<line class="line-hour" x1="{x}" x2="{x}" y1="{y}" y2="{h}"/><text class="chart-word" x="{x}" y="14">{said}'
        "</text>"
    ).format(x=scale.x(at), y=HEAD - 4, h=height, said=clock_time(reader.language, at, zone=reader.zone))


def _now(scale: Scale, height: int, reader: Reading) -> Markup:
    return Markup('<line class="line-now" x1="{x}" x2="{x}" y1="{y}" y2="{h}"><title>{now}</title></line>').format(
        x=scale.x(reader.at), y=HEAD - 4, h=height, now=translate(reader.language, _("now"))
    )


# --- the marks --------------------------------------------------------------------------------------------------------


def _stacked(deadlines: Sequence[Deadline], scale: Scale) -> list[int]:
    """In which row each mark stands, so that no two touch."""
    ends: list[float] = []
    levels = []
    for one in deadlines:
        x = scale.x(one.due_at)
        level = next((at for at, end in enumerate(ends) if x - end >= TIGHT), len(ends))
        ends[level : level + 1] = [x]
        levels.append(level)
    return levels


def _mark(one: Deadline, scale: Scale, y: int, reader: Reading, *, told: bool) -> Markup:
    """A circle, or a square for what has to be registered; beside it, where there is room, what it is."""
    x, passed = scale.x(one.due_at), one.due_at < reader.at
    at = clock_time(reader.language, one.due_at, zone=reader.zone)
    number = one.number or translate(reader.language, _("no number"))
    words = " · ".join(filter(None, (at, number, one.priority, one.assignee)))
    left = x > WIDTH * 0.62
    said = Markup('<text class="line-word" x="{x}" y="{y}" text-anchor="{anchor}">{words}</text>').format(
        x=x - MARK - 6 if left else x + MARK + 6, y=y + 4, anchor="end" if left else "start", words=words
    )
    return Markup(
        '<a href="/desk/tickets/{id}" aria-label="{label}"><title>{label}</title>{shape}{said}</a>'
    ).format(
        id=one.id, label=f"{words} · {one.subject}", said=said if told else "",
        shape=_shape(x, y, "late" if passed else "warning" if one.registration else "fine", square=one.registration),
    )  # fmt: skip


def _shape(x: float, y: int, tone: str, *, square: bool) -> Markup:
    if square:
        return Markup('<rect class="chart-{tone}" x="{x}" y="{y}" width="{w}" height="{w}" rx="2"/>').format(
            tone=tone, x=x - MARK + 1, y=y - MARK + 1, w=2 * MARK - 2
        )
    return Markup('<circle class="chart-{tone}" cx="{x}" cy="{y}" r="{r}"/>').format(tone=tone, x=x, y=y, r=MARK)
