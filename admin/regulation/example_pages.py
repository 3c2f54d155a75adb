"""The worked cases of the draft: green or red with what the rules give, written, changed and taken away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from litestar import Response, get, post

from admin.pages import Reading
from admin.reader import reading
from admin.reading import AnyRequest, typed_in
from admin.regulation.example_rows import (
    PARTS,
    empty_row,
    example_values,
    examples_filled,
    examples_of,
    local,
    rows_of,
    zone_of,
)
from admin.regulation.fields import changed
from admin.regulation.frame import CHANGE, LOOK, keep, overtaken
from admin.regulation.part_page import part_page
from admin.regulation.parts import Part, Shown, as_typed, show, take
from admin.regulation.worked import worked_examples
from service import drafts
from service.drafts import Draft
from workflow.regulation import Example, Regulation

HERE: Final = "/regulation/draft/examples"


@get(HERE, guards=[LOOK])
async def examples_page(request: AnyRequest) -> Response[Any]:
    """Every case, with what the rules of the draft give."""
    return await show(request, EXAMPLES_PART)


@post(HERE, guards=[CHANGE], status_code=303)
async def save_examples(request: AnyRequest) -> Response[Any]:
    """Save the cases as typed, or only work them out; `remove` and `accept` name the row of a button."""
    form = await typed_in(request)
    draft = await drafts.open_draft()
    asked = {"check", "remove", "accept"} & form.keys()
    if draft is None or not asked or overtaken(draft, form, "en"):
        return await take(request, EXAMPLES_PART)
    return await _button(request, draft, form)


async def _button(request: AnyRequest, draft: Draft, form: dict[str, str]) -> Response[Any]:
    reader = await reading(request)
    rows = {str(row) for row in rows_of(form)}
    if form.get("remove") in rows:
        form |= {f"{part}-{form['remove']}": "" for part in PARTS if part != "service_level"}
    examples, places, errors = examples_of(example_values(draft.document) | form, draft.document)
    if errors or "check" in form:
        shown = as_typed(EXAMPLES_PART, draft, form, errors=errors)
        return await _page(request, reader, replace(shown, status=422 if errors else 200))
    if form.get("accept") in rows:
        examples = _accepted(examples, places.get(int(form["accept"])), draft.document)
    return await keep(request, reader, draft, changed(draft.document, examples=examples), to=HERE)


def _accepted(examples: tuple[Example, ...], place: int | None, document: Regulation) -> tuple[Example, ...]:
    """The case at `place` expects from now on what the rules give."""
    if place is None:
        return examples
    worked = worked_examples(changed(document, examples=examples))[place]
    if not worked.instant:
        return examples
    accepted = changed(examples[place], due=worked.instant)
    return (*examples[:place], accepted, *examples[place + 1 :])


async def _page(request: AnyRequest, reader: Reading, shown: Shown) -> Response[str]:
    """Each row is judged as it was typed, whether it can be kept already or not."""
    document, values = shown.document, _with_an_empty_row(shown.values, shown.document)
    examples, places, faulty = examples_of(values, document)
    worked = worked_examples(changed(document, examples=examples))
    zone = zone_of(document)
    return await part_page(
        "regulation/examples.html",
        request,
        reader,
        replace(shown, values=values),
        section="examples",
        rows=list(rows_of(values)),
        worked={row: worked[place] for row, place in places.items()},
        unfinished={int(field.rpartition("-")[2]) for field in faulty},
        given={row: local(worked[place].instant, zone) for row, place in places.items()},
        priorities=[(one.code, one.code) for one in document.priorities],
        levels=[(one.code, one.name.to(reader.language)) for one in document.service_levels],
        zone=str(zone),
    )


def _with_an_empty_row(values: Mapping[str, str], document: Regulation) -> Mapping[str, str]:
    rows = list(rows_of(values))
    if rows and not values[f"title-{rows[-1]}"].strip():
        return values
    return {**values, **empty_row(rows[-1] + 1 if rows else 0, document)}


EXAMPLES_PART: Final = Part(HERE, example_values, examples_filled, _page)
EXAMPLE_PAGES: Final = (examples_page, save_examples)
