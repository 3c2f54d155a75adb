"""The process as text: the tables that the README shows, and a picture in Mermaid's language."""

from __future__ import annotations

from collections.abc import Callable

from workflow.definition import Clock, Field, Move, Process, Role, State
from workflow.process import PROCESS

CLOCKS: dict[Clock, str] = {
    "registration": "registration clock",
    "resolution": "resolution clock",
    "auto_close": "auto-close clock",
}
ROLES = {role: role.value.replace("_", " ") for role in Role}
Say = Callable[[str], str]


def _as_written(msgid: str) -> str:
    return msgid


def markdown(process: Process = PROCESS, *, say: Say = _as_written) -> str:
    """Three tables: states, moves that change the state, acts that keep it. `say` translates labels."""
    changing = [move for move in process.moves if not move.keeps_state]
    keeping = [move for move in process.moves if move.keeps_state]
    return "\n\n".join(
        (
            _table(("state", "name", "customer sees", "clocks"), [_state_row(one, say) for one in process.states]),
            _table(
                ("move", "name", "from → to", "who", "carries", "letters"),
                [_move_row(move, process, say) for move in changing],
            ),
            _table(
                ("act", "name", "in", "who", "carries", "letters"), [_move_row(move, process, say) for move in keeping]
            ),
        )
    )


def mermaid(process: Process = PROCESS, *, say: Say = _as_written) -> str:
    """A state diagram: every move that changes the state is an arrow with its name."""
    lines = ["stateDiagram-v2", f"    [*] --> {process.initial}"]
    lines += [f"    {state.name} : {say(state.label)}" for state in process.states]
    lines += [
        f"    {source} --> {move.to} : {say(move.label)}"
        for move in process.moves
        if not move.keeps_state
        for source in move.sources
    ]
    lines += [f"    {name} --> [*]" for name in process.final_states()]
    return "\n".join(lines)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    return "\n".join(_line(cells) for cells in (head, ("---",) * len(head), *rows))


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') or '–' for cell in cells)} |"


def _state_row(state: State, say: Say) -> tuple[str, ...]:
    return f"`{state.name}`", say(state.label), say(state.customer_label), _clocks(state)


def _clocks(state: State) -> str:
    told = [f"{CLOCKS[state.runs]} runs"] if state.runs else []
    told += [f"{CLOCKS[state.pauses]} rests"] if state.pauses else []
    return ", ".join(told) or ("all stopped" if state.final else "")


def _move_row(move: Move, process: Process, say: Say) -> tuple[str, ...]:
    return (
        f"`{move.trigger}`",
        say(move.label),
        _where(move, process),
        ", ".join(ROLES[role] for role in Role if role in move.who),
        ", ".join(_field(field) for field in move.fields),
        ", ".join(move.letters),
    )


def _where(move: Move, process: Process) -> str:
    everywhere = set(move.sources) == set(process.open_states())
    sources = "any open" if everywhere else ", ".join(f"`{name}`" for name in move.sources)
    return f"{sources} → `{move.to}`" if move.to else sources


def _field(field: Field) -> str:
    """A field that may be left out carries a question mark."""
    return f"`{field.name}`" if field.required else f"`{field.name}`?"
