"""The tables and the picture say what the process table says."""

import re

import pytest

from workflow.definition import Move, Process, Role, State
from workflow.diagram import markdown, mermaid
from workflow.process import PROCESS


def rows(text: str) -> dict[str, list[str]]:
    """Every row of the tables by its first cell."""
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_every_state_and_move_has_a_row() -> None:
    told = rows(markdown())
    assert {state.name for state in PROCESS.states} <= told.keys()
    assert {move.trigger for move in PROCESS.moves} <= told.keys()


def test_a_row_reads_like_the_papers() -> None:
    told = rows(markdown())
    assert told["register"] == [
        "Register",
        "`new` → `registered`",
        "operator, administrator",
        "`priority`, `assignee`?",
        "registered",
    ]
    assert told["withdraw"][1] == "any open → `closed`"
    assert told["expire"][2:4] == ["clock", "–"]
    assert told["comment"][1] == "any open"
    assert told["completed"] == [
        "Completed",
        "Completed, awaiting confirmation",
        "auto-close clock runs, resolution clock rests",
    ]
    assert told["closed"][2] == "all stopped"


def test_every_table_is_well_formed() -> None:
    for table in markdown().split("\n\n"):
        head, rule, *body = table.splitlines()
        assert set(rule) <= set("|- ")
        assert {line.count(" | ") for line in (head, rule, *body)} == {head.count(" | ")}


def test_the_picture_has_every_arrow_and_no_other() -> None:
    arrows = set(re.findall(r"^    (\w+) --> (\w+) : (.+)$", mermaid(), re.M))
    assert arrows == {
        (source, move.to, move.label) for move in PROCESS.moves if move.to is not None for source in move.sources
    }
    assert "    [*] --> new\n" in mermaid()
    assert mermaid().endswith("    closed --> [*]")
    assert "    new : New\n" in mermaid()


@pytest.mark.parametrize("draw", [markdown, mermaid])
def test_labels_are_said_in_the_readers_language(draw: object) -> None:
    assert "ПРИВЕТ" in draw(say=lambda _msgid: "ПРИВЕТ")  # type: ignore[operator]


def test_another_process_is_drawn_as_well() -> None:
    tiny = Process(
        "on",
        (State("on", "On | off", ""), State("off", "Off", "", final=True)),
        (Move("stop", ("on",), "off", frozenset({Role.CLOCK}), "Stop"),),
    )
    assert "| `stop` | Stop | any open → `off` | clock | – | – |" in markdown(tiny)
    assert "On \\| off" in markdown(tiny)
    assert mermaid(tiny).splitlines()[-2] == "    on --> off : Stop"
