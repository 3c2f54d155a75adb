"""The process as it is obeyed: its picture with live counts, and the table of moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from litestar import Response, get

from admin.diagram_svg import lying_diagram
from admin.navigation import ROLE_NAMES
from admin.page_router import page_router
from admin.pages import render, url
from admin.process.letter_names import LETTER_NAMES
from admin.reader import reading
from admin.reading import AnyRequest
from service.auth import READERS, requires
from service.database import fetch
from service.words import Language, translate
from workflow.definition import STAFF, Field, Move, Role
from workflow.process import PROCESS
from workflow.words import _

LOOK: Final = requires(*READERS, scope="regulation:read")


@dataclass(frozen=True, slots=True)
class MoveRow:
    """One line of the table of moves, in the reader's words."""

    trigger: str
    label: str
    sources: tuple[str, ...]
    target: str
    who: tuple[str, ...]
    carries: tuple[str, ...]
    letters: tuple[str, ...]


@get("/process", guards=[LOOK])
async def process_page(request: AnyRequest) -> Response[str]:
    """The picture and the table; the counts lead to the tickets for those who may open them."""
    reader = await reading(request)
    language = reader.language
    links = {state: url("/desk", state=state) for state in PROCESS.open_states()} if reader.role in STAFF else {}
    return render(
        "process/page.html",
        reader,
        picture=lying_diagram(language, counts=await open_tickets(), hrefs=links),
        changing=[_row(move, language) for move in PROCESS.moves if not move.keeps_state],
        keeping=[_row(move, language) for move in PROCESS.moves if move.keeps_state],
    )


async def open_tickets() -> dict[str, int]:
    """How many tickets stand in each open state; closed ones are not counted, they only grow."""
    rows = await fetch("SELECT state, count(*) AS n FROM ticket WHERE closed_at IS NULL GROUP BY state")
    return dict.fromkeys(PROCESS.open_states(), 0) | {row["state"]: row["n"] for row in rows}


def _row(move: Move, language: Language) -> MoveRow:
    everywhere = set(move.sources) == set(PROCESS.open_states())
    sources = (_("any open state"),) if everywhere else tuple(PROCESS.state(one).label for one in move.sources)
    return MoveRow(
        trigger=move.trigger,
        label=translate(language, move.label),
        sources=tuple(translate(language, one) for one in sources),
        target=translate(language, PROCESS.state(move.to).label) if move.to else "",
        who=tuple(translate(language, ROLE_NAMES[role]) for role in Role if role in move.who),
        carries=tuple(_field(one, language) for one in move.fields),
        letters=tuple(translate(language, LETTER_NAMES[one]) for one in move.letters),
    )


def _field(field: Field, language: Language) -> str:
    label = translate(language, field.label)
    return label if field.required else translate(language, _("{field} (may be empty)"), field=label)


router = page_router([process_page])
