"""Where the boxes and arrows of the process stand: a lane in the order of the table, and beside it those that wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from workflow.definition import Move, Process, State

Point = tuple[float, float]
Side = Literal["above", "left", "right"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Sizes in the units of the picture; `along` follows the main lane, `across` leaves it."""

    upright: bool
    box_along: float
    box_across: float
    gap_along: float
    gap_across: float
    arc: float  # how far an arc over one gap stands off the lane
    arc_step: float  # and how much farther over each further box
    apart: float  # between the two arrows of a pair that goes there and back


LYING: Final = Measures(
    upright=False, box_along=176, box_across=68, gap_along=144, gap_across=84, arc=40, arc_step=22, apart=24
)
UPRIGHT: Final = Measures(
    upright=True, box_along=36, box_across=164, gap_along=26, gap_across=24, arc=18, arc_step=8, apart=10
)


@dataclass(frozen=True, slots=True)
class Box:
    """One state, by its middle in (along, across)."""

    state: State
    along: float
    across: float


@dataclass(frozen=True, slots=True)
class Arrow:
    """All moves from one state to another: a cubic curve in (along, across), and where its words stand."""

    moves: tuple[Move, ...]
    source: State
    target: State
    curve: tuple[Point, Point, Point, Point]
    label: Point
    label_side: Side


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is drawn; `always` are the moves that lead to `target` from every open state."""

    measures: Measures
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    always: tuple[tuple[State, tuple[Move, ...]], ...]

    def box_of(self, state: str) -> Box:
        return next(box for box in self.boxes if box.state.name == state)


def lay_out(process: Process, measures: Measures) -> Picture:
    """The picture of the moves that change the state; those possible everywhere are not drawn from everywhere."""
    boxes = _boxes(process.states, measures)
    everywhere = set(process.open_states())
    changing = [move for move in process.moves if move.to is not None]
    drawn = [move for move in changing if set(move.sources) != everywhere]
    always = [
        (state, moves)
        for state in process.states
        if (moves := tuple(move for move in changing if move.to == state.name and set(move.sources) == everywhere))
    ]
    pairs = dict.fromkeys((source, move.to) for move in drawn for source in move.sources)
    arrows = tuple(
        _arrow(boxes[source], boxes[target], _between(drawn, source, target), measures)
        for source, target in pairs
        if target is not None
    )
    return Picture(measures, tuple(boxes.values()), arrows, tuple(always))


def _boxes(states: Sequence[State], measures: Measures) -> dict[str, Box]:
    boxes: dict[str, Box] = {}
    column = -1
    for state in states:
        aside = state.runs is None and not state.final
        column += 0 if aside else 1
        along = max(column, 0) * (measures.box_along + measures.gap_along)
        across = measures.box_across + measures.gap_across if aside else 0.0
        boxes[state.name] = Box(state, along, across)
    return boxes


def _between(moves: Sequence[Move], source: str, target: str) -> tuple[Move, ...]:
    return tuple(move for move in moves if source in move.sources and move.to == target)


def _arrow(start: Box, end: Box, moves: tuple[Move, ...], measures: Measures) -> Arrow:
    side: Side = "above"
    columns = round((end.along - start.along) / (measures.box_along + measures.gap_along))
    crosses = start.across != end.across
    if crosses and columns == 0:
        curve, label = _straight_across(start, end, measures)
        side = "left" if end.across > start.across else "right"
    elif crosses:
        curve, label = _round_the_corner(start, end, measures)
    elif columns == 1:
        curve, label = _next_door(start, end, measures)
    else:
        curve, label = _over_the_lane(start, end, measures, abs(columns))
    return Arrow(moves, start.state, end.state, curve, label, side)


Way = tuple[tuple[Point, Point, Point, Point], Point]


def _next_door(start: Box, end: Box, measures: Measures) -> Way:
    first = (start.along + measures.box_along / 2, start.across)
    last = (end.along - measures.box_along / 2, end.across)
    middle = ((first[0] + last[0]) / 2, start.across)
    return (first, middle, middle, last), middle


def _over_the_lane(start: Box, end: Box, measures: Measures, columns: int) -> Way:
    height = measures.arc + measures.arc_step * columns
    edge = start.across - measures.box_across / 2
    # Arrows that come and go at one box stand a little apart.
    lean = measures.apart / 2 if end.along > start.along else -measures.apart / 2
    first, last = (start.along + lean, edge), (end.along - lean, edge)
    top = edge - height * 4 / 3  # so that the curve itself reaches `height`
    apex = ((first[0] + last[0]) / 2, edge - height)
    return (first, (first[0] + lean, top), (last[0] - lean, top), last), apex


def _straight_across(start: Box, end: Box, measures: Measures) -> Way:
    down = end.across > start.across
    shift = -measures.apart if down else measures.apart
    half = measures.box_across / 2 if down else -measures.box_across / 2
    first, last = (start.along + shift, start.across + half), (end.along + shift, end.across - half)
    middle = (first[0], (first[1] + last[1]) / 2)
    return (first, middle, middle, last), middle


def _round_the_corner(start: Box, end: Box, measures: Measures) -> Way:
    main, aside = (start, end) if end.across > start.across else (end, start)
    side = 1 if main.along > aside.along else -1
    at_main = (main.along - side * measures.apart / 2, main.across + measures.box_across / 2)
    at_aside = (aside.along + side * measures.box_along / 2, aside.across)
    corner = (at_main[0], at_aside[1])
    bend_main = (corner[0], (at_main[1] + 2 * corner[1]) / 3)
    bend_aside = ((at_aside[0] + 2 * corner[0]) / 3, corner[1])
    middle = ((at_main[0] + at_aside[0]) / 2, at_aside[1] - (at_aside[1] - at_main[1]) / 8)
    if start is main:
        return (at_main, bend_main, bend_aside, at_aside), middle
    return (at_aside, bend_aside, bend_main, at_main), middle
