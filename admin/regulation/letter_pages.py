"""The letters of the draft: both languages side by side, the fields they may name, and a preview on a real ticket."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from admin.pages import Reading, render, url
from admin.process.letter_names import LETTER_CLAUSES, LETTER_NAMES
from admin.reader import reading
from admin.reading import AnyRequest, typed_in
from admin.regulation.frame import CHANGE, LOOK, around_draft, no_draft
from admin.regulation.letter_fields import FIELD_WORDS
from admin.regulation.letter_form import letter_filled, letter_of, letter_values
from admin.regulation.letter_preview import Preview, preview, sample_ticket
from admin.regulation.part_page import part_page
from admin.regulation.parts import Part, Shown, as_typed, show, take
from service import drafts
from service.actors import Actor
from service.auth import actor_of
from service.letter_language import faults_of
from service.regulations import newest
from service.ticket import Ticket
from service.words import LANGUAGES, translate
from workflow.errors import NotFound
from workflow.regulation import LETTERS, Regulation

ORDER: Final = tuple(sorted(LETTERS, key=list(LETTER_NAMES).index))
HERE: Final = "/regulation/draft/letters"


@dataclass(frozen=True, slots=True)
class Listed:
    """A letter in the list: its name, its subject, whether it differs from the version in force, whether it fits."""

    kind: str
    name: str
    clause: str
    subject: str
    changed: bool
    faulty: bool


@get(HERE, guards=[LOOK])
async def letters_page(request: AnyRequest) -> Response[Any]:
    """Every letter of the draft."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return no_draft(reader)
    _version, before = await newest()
    return render(
        "regulation/letters.html",
        reader,
        **await around_draft(reader, draft, "letters"),
        letters=[_listed(kind, draft.document, before, reader) for kind in ORDER],
    )


def _listed(kind: str, document: Regulation, before: Regulation, reader: Reading) -> Listed:
    letters = document.letters.get(kind, {})
    return Listed(
        kind,
        translate(reader.language, LETTER_NAMES[kind]),
        LETTER_CLAUSES[kind],
        letters[reader.language].subject if reader.language in letters else "",
        changed=letters != before.letters.get(kind, {}),
        faulty=any(found for letter in letters.values() for found in faults_of(letter).values()),
    )


@get(HERE + "/{kind:str}", guards=[LOOK])
async def letter_page(request: AnyRequest, kind: FromPath[str]) -> Response[Any]:
    """One letter: as it stands, and what it says about a ticket."""
    return await show(request, _part(kind))


@post(HERE + "/{kind:str}", guards=[CHANGE], status_code=303)
async def save_letter(request: AnyRequest, kind: FromPath[str]) -> Response[Any]:
    """Save a letter, or only show what was typed; what cannot be rendered is refused next to its field."""
    form = await typed_in(request)
    part = _part(kind, ticket=form.get("ticket", ""))
    draft = await drafts.open_draft()
    if "preview" not in form or draft is None:
        return await take(request, part)
    errors = part.filled(draft.document, form).errors
    shown = as_typed(part, draft, form, errors=errors)
    return await part.page(request, await reading(request), replace(shown, status=422 if errors else 200))


def _part(kind: str, *, ticket: str = "") -> Part:
    """The part of the draft that is this letter, shown on `ticket`. Raises NotFoundException."""
    if kind not in LETTERS:
        raise NotFoundException
    here = url(f"{HERE}/{kind}", ticket=ticket)
    return Part(here, partial(letter_values, kind), partial(letter_filled, kind), partial(_page, kind))


async def _page(kind: str, request: AnyRequest, reader: Reading, shown: Shown) -> Response[str]:
    _version, before = await newest()
    number = (await typed_in(request)).get("ticket", "") or request.query_params.get("ticket", "")
    ticket, unknown = None, ""
    try:
        ticket = await sample_ticket(kind, number)
    except NotFound as wrong:
        unknown = translate(reader.language, wrong.sentence, **wrong.params)
    by = await actor_of(request)
    return await part_page(
        "regulation/letter.html",
        request,
        reader,
        shown,
        section="letters",
        kind=kind,
        clause=LETTER_CLAUSES[kind],
        name=translate(reader.language, LETTER_NAMES[kind]),
        before=letter_values(kind, before),
        number=number,
        unknown=unknown,
        fields=[(name, translate(reader.language, said)) for name, said in FIELD_WORDS.items()],
        ticket=ticket,
        previews=_previews(kind, shown, ticket, reader, by) if ticket else {},
    )


def _previews(kind: str, shown: Shown, ticket: Ticket, reader: Reading, by: Actor) -> dict[str, Preview]:
    return {
        language: preview(
            kind, letter_of(shown.values, language), ticket, shown.document, language, by=by, at=reader.at
        )
        for language in LANGUAGES
    }


LETTER_PAGES: Final = (letters_page, letter_page, save_letter)
