"""The picture of the process as one SVG: drawn from the table, coloured by the stylesheet, told in words as well."""

from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from markupsafe import Markup

from admin.diagram_layout import LYING, UPRIGHT, Arrow, Box, Measures, Picture, Point, lay_out
from service.words import Language, number, translate
from workflow.definition import Process, State
from workflow.process import PROCESS
from workflow.words import _

_LINE = 14  # between two lines of words
_TIP = 7  # the length of an arrow's tip
_MARGIN = 12


class Live(NamedTuple):
    """What stands at the states now: how many tickets, where they are found, and a line of words."""

    counts: Mapping[str, int]
    hrefs: Mapping[str, str]
    notes: Mapping[str, str]


def lying_diagram(
    language: Language,
    *,
    here: str | None = None,
    possible: Collection[str] = (),
    counts: Mapping[str, int] | None = None,
    hrefs: Mapping[str, str] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Markup:
    """The whole picture, for a page of its own: every move by its name; live counts, links and a note by state."""
    picture = _picture(LYING)
    live = Live(counts or {}, hrefs or {}, notes or {})
    return _drawn(picture, language, here, possible, live, words=_labels(picture, language))


@lru_cache(maxsize=256)
def upright_diagram(language: Language, *, here: str | None = None, possible: frozenset[str] = frozenset()) -> Markup:
    """The small picture beside a ticket: where it stands, and which ways are open; the names of the moves on hover."""
    return _drawn(_picture(UPRIGHT), language, here, possible, Live({}, {}, {}), words=Markup())


def process_in_words(language: Language, process: Process = PROCESS) -> str:
    """What the picture shows, as sentences."""
    return " ".join(
        translate(
            language,
            _("From “{source}” to “{target}”: {move}."),
            source=translate(language, process.state(source).label),
            target=translate(language, process.state(move.to).label),
            move=translate(language, move.label),
        )
        for move in process.moves
        if move.to is not None
        for source in move.sources
    )


@lru_cache(maxsize=2)
def _picture(measures: Measures) -> Picture:
    return lay_out(PROCESS, measures)


def _drawn(
    picture: Picture,
    language: Language,
    here: str | None,
    possible: Collection[str],
    live: Live,
    *,
    words: Markup,
) -> Markup:
    kind = "upright" if picture.measures.upright else "lying"
    title = translate(language, "The process")
    if here is not None:
        title = translate(language, "The process; now: {state}", state=translate(language, PROCESS.state(here).label))
    arrows = Markup().join(_arrow(arrow, picture.measures, here, possible, language) for arrow in picture.arrows)
    boxes = Markup().join(_box(box, picture, language, here, live) for box in picture.boxes)
    # An image hides what is in it from screen readers; with links in it, it is a group.
    return Markup(
        '<svg class="diagram diagram-{kind}" viewBox="{view}" role="{role}" '
        'aria-labelledby="d-{kind}-title d-{kind}-desc">'
        '<title id="d-{kind}-title">{title}</title><desc id="d-{kind}-desc">{desc}</desc>'
        "{arrows}{words}{boxes}</svg>"
    ).format(
        kind=kind,
        view=_view(picture),
        role="group" if live.hrefs else "img",
        title=title,
        desc=process_in_words(language),
        arrows=arrows,
        words=words,
        boxes=boxes,
    )


def _box(box: Box, picture: Picture, language: Language, here: str | None, live: Live) -> Markup:
    width, height = _size(picture.measures)
    x, y = _at((box.along, box.across), picture.measures)
    state = box.state
    notes = [] if picture.measures.upright else [clock_note(state, language), live.notes.get(state.name, "")]
    lines = [note for note in notes if note]
    top = y + 4.5 - 7.5 * len(lines)  # the name and its lines stand around the middle
    parts = [
        Markup('<rect class="d-box" x="{}" y="{}" width="{}" height="{}" rx="8"/>').format(
            x - width / 2, y - height / 2, width, height
        ),
        Markup('<text class="d-name" x="{}" y="{}">{}</text>').format(x, top, translate(language, state.label)),
    ]
    parts += [
        Markup('<text class="d-note" x="{}" y="{}">{}</text>').format(x, top + 1 + 15 * row, line)
        for row, line in enumerate(lines, start=1)
    ]
    if state.name in live.counts:
        parts.append(_count(x - width / 2 + 6, y - height / 2, live.counts[state.name], language))
    drawn = Markup('<g class="{}">{}</g>').format(_classes(state, here), Markup().join(parts))
    href = live.hrefs.get(state.name)
    return Markup('<a href="{}">{}</a>').format(href, drawn) if href else drawn


def _classes(state: State, here: str | None) -> str:
    tone = "d-ended" if state.final else "d-rests" if state.pauses else "d-runs"
    return f"d-state {tone} d-here" if state.name == here else f"d-state {tone}"


def clock_note(state: State, language: Language) -> str:
    """What the clock does in a state."""
    notes = {
        "registration": _("registration clock runs"),
        "resolution": _("resolution clock runs"),
        "auto_close": _("paused; closes by itself"),
    }
    if state.runs is not None:
        return translate(language, notes[state.runs])
    return translate(language, _("final") if state.final else _("paused"))


def _count(left: float, y: float, count: int, language: Language) -> Markup:
    said = number(language, count)
    width = 12 + 7 * len(said)
    return Markup(
        '<rect class="d-count" x="{}" y="{}" width="{}" height="18" rx="9"/>'
        '<text class="d-count-text" x="{}" y="{}">{}</text>'
    ).format(left, y - 9, width, left + width / 2, y + 4, said)


def _arrow(arrow: Arrow, measures: Measures, here: str | None, possible: Collection[str], language: Language) -> Markup:
    start, bend, turn, end = (_at(point, measures) for point in arrow.curve)
    is_open = arrow.source.name == here and any(move.trigger in possible for move in arrow.moves)
    names = ", ".join(translate(language, move.label) for move in arrow.moves)
    return Markup(
        '<g class="d-move{}"><title>{}</title><path class="d-arrow" d="{}"/><path class="d-tip" d="{}"/></g>'
    ).format(" d-possible" if is_open else "", names, _curve(start, bend, turn, _before(turn, end)), _tip(turn, end))


def _labels(picture: Picture, language: Language) -> Markup:
    return Markup().join((*_arrow_labels(picture, language), *_everywhere_labels(picture, language)))


def _arrow_labels(picture: Picture, language: Language) -> Iterator[Markup]:
    for arrow in picture.arrows:
        lines = [translate(language, move.label) for move in arrow.moves]
        x, y = _at(arrow.label, picture.measures)
        if arrow.label_side == "above":
            yield _text("d-label", x, y - 8 - _LINE * (len(lines) - 1), lines)
        else:
            aside = -8 if arrow.label_side == "left" else 8
            yield _text(f"d-label d-{arrow.label_side}", x + aside, y + 4, lines)


def _everywhere_labels(picture: Picture, language: Language) -> Iterator[Markup]:
    """Under the box they lead to: drawn from everywhere, these arrows would hide all others."""
    _width, height = _size(picture.measures)
    for state, moves in picture.always:
        box = picture.box_of(state.name)
        x, y = _at((box.along, box.across), picture.measures)
        names = ", ".join(translate(language, move.label) for move in moves)
        lines = [names, translate(language, "from any open state")]
        end, start = (x, y + height / 2), (x, y + height / 2 + 30)
        yield Markup('<g class="d-move"><path class="d-arrow" d="{}"/><path class="d-tip" d="{}"/></g>').format(
            _curve(start, start, start, _before(start, end)), _tip(start, end)
        )
        yield _text("d-label", x, start[1] + _LINE, lines)


def _text(kind: str, x: float, y: float, lines: list[str]) -> Markup:
    return Markup().join(
        Markup('<text class="{}" x="{}" y="{}">{}</text>').format(kind, round(x, 1), round(y + _LINE * row, 1), line)
        for row, line in enumerate(lines)
    )


def _curve(start: Point, bend: Point, turn: Point, end: Point) -> str:
    (a, b), (c, d), (e, f), (g, h) = start, bend, turn, end
    return f"M{a:.1f} {b:.1f}C{c:.1f} {d:.1f} {e:.1f} {f:.1f} {g:.1f} {h:.1f}"


def _tip(before: Point, end: Point) -> str:
    """A small triangle at `end`, looking away from `before`."""
    (ux, uy), (x, y) = _direction(before, end), end
    back_x, back_y = x - _TIP * ux, y - _TIP * uy
    half = _TIP * 0.5
    return (
        f"M{x:.1f} {y:.1f}L{back_x - half * uy:.1f} {back_y + half * ux:.1f}"
        f"L{back_x + half * uy:.1f} {back_y - half * ux:.1f}Z"
    )


def _before(before: Point, end: Point) -> Point:
    """Where the line stops, so that it does not show through its tip."""
    ux, uy = _direction(before, end)
    return end[0] - (_TIP - 1) * ux, end[1] - (_TIP - 1) * uy


def _direction(before: Point, end: Point) -> Point:
    dx, dy = end[0] - before[0], end[1] - before[1]
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    return dx / length, dy / length


def _at(point: Point, measures: Measures) -> Point:
    along, across = point
    return (across, along) if measures.upright else (along, across)


def _size(measures: Measures) -> tuple[float, float]:
    if measures.upright:
        return measures.box_across, measures.box_along
    return measures.box_along, measures.box_across


def _view(picture: Picture) -> str:
    """The smallest frame around boxes, arcs and the words beyond them."""
    width, height = _size(picture.measures)
    corners = [_at((box.along, box.across), picture.measures) for box in picture.boxes]
    apexes = [_at(arrow.label, picture.measures) for arrow in picture.arrows]
    above = 0 if picture.measures.upright else 2 * _LINE
    below = 0 if picture.measures.upright else _LINE
    left = min([x - width / 2 for x, _y in corners] + [x for x, _y in apexes]) - _MARGIN
    top = min([y - height / 2 for _x, y in corners] + [y - above for _x, y in apexes]) - _MARGIN
    right = max(x + width / 2 for x, _y in corners) + _MARGIN
    bottom = max(y + height / 2 for _x, y in corners) + below + _MARGIN
    return f"{left:.0f} {top:.0f} {right - left:.0f} {bottom - top:.0f}"
