"""The letters of the draft: both languages side by side, the fields they may name, and a preview on a real ticket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from admin.pages import Reading, render, url
from admin.process.letter_names import LETTER_NAMES
from admin.reader import reading
from admin.reading import AnyRequest
from admin.regulation.frame import CHANGE, LOOK, around_draft, keep, lost, overtaken, typed
from admin.regulation.letter_fields import FIELD_WORDS
from admin.regulation.letter_preview import Preview, preview, sample_ticket
from service import drafts
from service.actors import Actor
from service.auth import actor_of
from service.drafts import Draft
from service.letter_language import faults_of
from service.regulations import newest
from service.ticket import Ticket
from service.words import LANGUAGES, translate
from workflow.errors import NotFound
from workflow.regulation import LETTERS, Letter, Regulation

ORDER: Final = tuple(sorted(LETTERS, key=list(LETTER_NAMES).index))
PARTS: Final = ("subject", "body")
HERE: Final = "/regulation/draft/letters"


@dataclass(frozen=True, slots=True)
class Listed:
    """A letter in the list: its name, its subject, whether it differs from the version in force, whether it fits."""

    kind: str
    name: str
    subject: str
    changed: bool
    faulty: bool


@get(HERE, guards=[LOOK])
async def letters_page(request: AnyRequest) -> Response[Any]:
    """Every letter of the draft."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
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
        letters[reader.language].subject if reader.language in letters else "",
        changed=letters != before.letters.get(kind, {}),
        faulty=any(found for letter in letters.values() for found in faults_of(letter).values()),
    )


@get(HERE + "/{kind:str}", guards=[LOOK])
async def letter_page(request: AnyRequest, kind: FromPath[str]) -> Response[Any]:
    """One letter: as it stands, and what it says about a ticket."""
    reader = await reading(request)
    draft = await _draft(kind)
    if draft is None:
        return lost(request, reader)
    number = request.query_params.get("ticket", "")
    return await _page(request, reader, draft, kind, _values(kind, draft.document) | {"ticket": number})


@post(HERE + "/{kind:str}", guards=[CHANGE], status_code=303)
async def save_letter(request: AnyRequest, kind: FromPath[str]) -> Response[Any]:
    """Save a letter, or only show what was typed; what cannot be rendered is refused next to its field."""
    reader = await reading(request)
    draft = await _draft(kind)
    if draft is None:
        return lost(request, reader)
    form = await typed(request)
    values = _values(kind, draft.document) | {name: value.replace("\r\n", "\n") for name, value in form.items()}
    if refusal := overtaken(draft, form, reader.language):
        return await _page(request, reader, draft, kind, values, refusal=refusal, status=412)
    errors = _errors(kind, values, reader)
    if errors or "preview" in form:
        return await _page(request, reader, draft, kind, values, errors=errors, status=422 if errors else 200)
    letters = draft.document.letters | {kind: {language: _letter(values, language) for language in LANGUAGES}}
    changed: Regulation = msgspec.structs.replace(draft.document, letters=letters)
    return await keep(request, reader, draft, changed, to=url(f"{HERE}/{kind}", ticket=values["ticket"]))


async def _draft(kind: str) -> Draft | None:
    if kind not in LETTERS:
        raise NotFoundException
    return await drafts.open_draft()


def _values(kind: str, document: Regulation) -> dict[str, str]:
    letters = document.letters.get(kind, {})
    return {"ticket": ""} | {
        f"{part}-{language}": getattr(letters[language], part) if language in letters else ""
        for language in LANGUAGES
        for part in PARTS
    }


def _letter(values: Mapping[str, str], language: str) -> Letter:
    return Letter(values[f"subject-{language}"].strip(), values[f"body-{language}"])


def _errors(kind: str, values: Mapping[str, str], reader: Reading) -> dict[str, str]:
    """What is wrong, by field."""
    errors = {}
    for language in LANGUAGES:
        letter = _letter(values, language)
        for part, found in faults_of(letter).items():
            said = [translate(reader.language, sentence, **params) for sentence, params in found]
            if not getattr(letter, part).strip():
                said.append(translate(reader.language, "This must not be empty."))
            if said:
                errors[f"{part}-{language}"] = " ".join(said)
    return errors


async def _page(
    request: AnyRequest,
    reader: Reading,
    draft: Draft,
    kind: str,
    values: dict[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    refusal: str = "",
    status: int = 200,
) -> Response[str]:
    _version, before = await newest()
    errors = dict(errors or {})
    ticket = None
    try:
        ticket = await sample_ticket(kind, values["ticket"])
    except NotFound as wrong:
        errors["ticket"] = translate(reader.language, wrong.sentence, **wrong.params)
    by = await actor_of(request)
    return render(
        "regulation/letter.html",
        reader,
        status_code=status,
        **await around_draft(reader, draft, "letters"),
        kind=kind,
        name=translate(reader.language, LETTER_NAMES[kind]),
        values=values,
        before=_values(kind, before),
        errors=errors,
        refused=len([name for name in errors if name != "ticket"]),
        refusal=refusal,
        fields=[(name, translate(reader.language, said)) for name, said in FIELD_WORDS.items()],
        ticket=ticket,
        previews=_previews(kind, values, ticket, draft, reader, by) if ticket else {},
    )


def _previews(
    kind: str, values: Mapping[str, str], ticket: Ticket, draft: Draft, reader: Reading, by: Actor
) -> dict[str, Preview]:
    return {
        language: preview(kind, _letter(values, language), ticket, draft.document, language, by=by, at=reader.at)
        for language in LANGUAGES
    }


LETTER_PAGES: Final = (letters_page, letter_page, save_letter)
