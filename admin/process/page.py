"""The process as it is obeyed: its picture with live counts and times, the tickets behind them, the table of moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import ServerSentEvent

from admin.desk.live import news
from admin.diagram_svg import clock_note, lying_diagram
from admin.navigation import ROLE_NAMES
from admin.page_router import page_router
from admin.pages import Reading, render, url
from admin.process.letter_names import LETTER_NAMES
from admin.reader import reading
from admin.reading import AnyRequest
from service.auth import READERS, actor_of, requires
from service.stays import MOST_STAYS, WITHIN, Standing, Stay, standing, stays, tickets_in
from service.words import Language, duration, translate
from workflow.definition import STAFF, Field, Move, Role, State
from workflow.process import PROCESS
from workflow.words import _

LOOK: Final = requires(*READERS, scope="regulation:read")
HERE: Final = "/process"


@dataclass(frozen=True, slots=True)
class StateRow:
    """One state in the reader's words; `href` leads to the tickets that stand there."""

    label: str
    clock: str
    standing: Standing | None
    stay: Stay | None
    href: str


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


@get(HERE, guards=[LOOK])
async def process_page(request: AnyRequest) -> Response[str]:
    """The picture and the tables; each count leads to its tickets."""
    reader = await reading(request)
    language = reader.language
    now, lately = await standing(), await stays(at=reader.at)
    return render(
        "process/page.html",
        reader,
        picture=lying_diagram(
            language,
            counts={state: one.count for state, one in now.items()},
            hrefs={state: _tickets_at(state, reader) for state in now},
            notes={state: _on_average(one, language) for state, one in lately.items()},
        ),
        states=[_state(state, now, lately, reader) for state in PROCESS.states],
        days=WITHIN.days,
        most=MOST_STAYS,
        changing=[_row(move, language) for move in PROCESS.moves if not move.keeps_state],
        keeping=[_row(move, language) for move in PROCESS.moves if move.keeps_state],
    )


@get(HERE + "/stream", guards=[LOOK])
async def process_stream(request: AnyRequest) -> ServerSentEvent:
    """`news` whenever something has happened: the page then looks anew."""
    user = (await actor_of(request)).user
    return news(int(user) if user else None)


@get(HERE + "/states/{name:str}", guards=[LOOK])
async def standing_page(request: AnyRequest, name: FromPath[str]) -> Response[str]:
    """The tickets behind a count, for those who have no desk."""
    if name not in PROCESS.open_states():
        raise NotFoundException
    reader = await reading(request)
    tickets, count = await tickets_in(name)
    return render(
        "process/standing.html",
        reader,
        label=translate(reader.language, PROCESS.state(name).label),
        tickets=tickets,
        count=count,
        may_open=reader.role in STAFF,
    )


def _tickets_at(state: str, reader: Reading) -> str:
    """Whoever has a desk sees the tickets there, with its filters."""
    return url("/desk", state=state) if reader.role in STAFF else f"{HERE}/states/{state}"


def _on_average(stay: Stay, language: Language) -> str:
    return translate(language, _("on average {duration}"), duration=duration(language, stay.average))


def _state(state: State, now: Mapping[str, Standing], lately: Mapping[str, Stay], reader: Reading) -> StateRow:
    standing = now.get(state.name)
    return StateRow(
        label=translate(reader.language, state.label),
        clock=clock_note(state, reader.language),
        standing=standing,
        stay=lately.get(state.name),
        href=_tickets_at(state.name, reader) if standing and standing.count else "",
    )


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


router = page_router([process_page, process_stream, standing_page])
