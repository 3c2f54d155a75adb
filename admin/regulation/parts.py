"""The parts of the draft that are forms: shown, taken whole, or field by field as a script sends them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from litestar import Response

from admin.pages import Reading
from admin.reader import reading
from admin.reading import AnyRequest, typed_in
from admin.regulation.differences import Said, said_differences
from admin.regulation.fields import Errors, Filled
from admin.regulation.frame import keep, lost, no_draft, overtaken
from admin.regulation.merging import SHOWN, Merged, merged, row_of
from service import drafts
from service.actors import Actor
from service.auth import actor_of
from service.drafts import Draft
from service.regulations import SomebodyWasFaster
from workflow.regulation import Regulation

HOW: Final = "x-draft"  # the header by which the script says whether to save what was typed, or only to judge it
TRY, SAVE = "try", "save"
MOST_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows: the draft as it is kept, the document as far as what was typed makes sense, the fields.

    `left` are the fields whose text is not kept, with what the draft holds in their place; `overrun` are those that
    another person changed meanwhile; `overwritten` is what saving the whole form would change in their work.
    """

    draft: Draft
    document: Regulation
    values: Mapping[str, str]
    errors: Errors = field(default_factory=dict)
    left: Mapping[str, str] = field(default_factory=dict)
    overrun: Mapping[str, str] = field(default_factory=dict)
    refusal: str = ""
    overwritten: tuple[Said, ...] = ()
    status: int = 200


Page = Callable[[AnyRequest, Reading, Shown], Awaitable[Response[Any]]]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the document in a form: its address, what stands in its fields, the document that typed values make."""

    href: str
    values: Callable[[Regulation], dict[str, str]]
    filled: Callable[[Regulation, Mapping[str, str]], Filled]
    page: Page


async def show(request: AnyRequest, part: Part) -> Response[Any]:
    """The part as it is kept; where there is no draft, how to begin one."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return no_draft(reader)
    return await part.page(request, reader, Shown(draft, draft.document, part.values(draft.document)))


async def take(request: AnyRequest, part: Part) -> Response[Any]:
    """Save what was typed; nonsense is refused next to its field, and what was typed stays."""
    reader = await reading(request)
    form = await typed_in(request)
    if request.headers.get(HOW) in (TRY, SAVE):
        return await _take_fields(request, reader, part, form, save=request.headers[HOW] == SAVE)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    filled = part.filled(draft.document, form)
    shown = as_typed(part, draft, form, errors=filled.errors)
    if refusal := overtaken(draft, form, reader.language):
        theirs = said_differences(draft.document, filled.document, reader.language) if filled.document else ()
        return await part.page(request, reader, replace(shown, refusal=refusal, overwritten=theirs, status=412))
    if filled.document is None:
        return await part.page(request, reader, replace(shown, status=422))
    return await keep(request, reader, draft, filled.document, to=part.href)


def as_typed(part: Part, draft: Draft, form: Mapping[str, str], *, errors: Errors) -> Shown:
    """The whole form as it was typed; nothing of it is kept yet."""
    kept = part.values(draft.document)
    cleared = {name.removeprefix(SHOWN): "" for name in form if name.startswith(SHOWN)}
    values = kept | cleared | dict(form)
    fields = [name for name in values if name in kept or row_of(name)]
    left = {name: kept.get(name, "") for name in fields if values[name] != kept.get(name, "")}
    return Shown(draft, draft.document, values, errors=errors, left=left)


async def _take_fields(
    request: AnyRequest, reader: Reading, part: Part, form: Mapping[str, str], *, save: bool
) -> Response[Any]:
    """Put the fields that were touched into whatever the draft is now; the page tells what became of each.

    A field that is refused is no failure of the request: the others are taken.
    """
    found: list[Merged] = []

    def put(document: Regulation) -> Regulation:
        found.append(merged(part, document, form))
        return found[-1].document

    if save:
        draft = await applied(put, by=await actor_of(request), at=reader.at)
    elif draft := await drafts.open_draft():
        put(draft.document)
    if draft is None:
        return gone()
    return await part.page(request, reader, _shown(part, draft, found[-1]))


async def applied(change: Callable[[Regulation], Regulation], *, by: Actor, at: datetime) -> Draft | None:
    """Make a change that does not mind what others changed meanwhile; None where there is no draft.

    Raises SomebodyWasFaster when others save all the time.
    """
    for _try in range(MOST_TRIES):
        draft = await drafts.open_draft()
        if draft is None or (document := change(draft.document)) == draft.document:
            return draft
        try:
            return await drafts.save(draft, document, by=by, at=at)
        except SomebodyWasFaster as faster:
            refusal = faster
    raise refusal


def gone() -> Response[str]:
    """What the script is told when the draft was published or discarded meanwhile."""
    return Response("", status_code=410, media_type="text/html")


def _shown(part: Part, draft: Draft, found: Merged) -> Shown:
    kept = part.values(found.document)
    return Shown(
        draft,
        found.document,
        kept | dict(found.left),
        errors=found.errors,
        left={name: kept.get(name, "") for name in found.left},
        overrun=found.overrun,
    )
