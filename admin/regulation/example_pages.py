"""The worked cases of the draft: green or red with what the rules give, written, changed and taken away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get, post

from admin.pages import Reading, render
from admin.reader import reading
from admin.reading import AnyRequest
from admin.regulation.example_rows import Errors, empty_row, examples_of, local, rows_of, values_of_examples
from admin.regulation.frame import CHANGE, LOOK, around_draft, keep, lost, overtaken, typed
from admin.regulation.worked import worked_examples
from service import drafts
from service.drafts import Draft
from service.words import translate
from workflow.calendar import zone_named
from workflow.regulation import Example, Regulation

HERE: Final = "/regulation/draft/examples"


@get(HERE, guards=[LOOK])
async def examples_page(request: AnyRequest) -> Response[Any]:
    """Every case, with what the rules of the draft give."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    return await _page(reader, draft, values_of_examples(draft.document, _zone(draft)), {})


@post(HERE, guards=[CHANGE], status_code=303)
async def save_examples(request: AnyRequest) -> Response[Any]:
    """Save the cases as typed, or only work them out; `remove` and `accept` name the row of a button."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    form = await typed(request)
    values = {name: value for name, value in form.items() if "-" in name}
    if refusal := overtaken(draft, form, reader.language):
        return await _page(reader, draft, values, {}, refusal=refusal, status=412)
    if form.get("remove", "").isdigit():
        values |= {f"{part}-{form['remove']}": "" for part in ("title", "priority", "start", "due")}
    examples, places, errors = examples_of(values, draft.document, _zone(draft))
    if form.get("accept", "").isdigit() and not errors:
        examples = _accepted(examples, places.get(int(form["accept"])), draft.document)
    elif errors or "check" in form:
        return await _page(reader, draft, values, errors, status=422 if errors else 200)
    return await keep(request, reader, draft, msgspec.structs.replace(draft.document, examples=examples), to=HERE)


def _zone(draft: Draft) -> ZoneInfo:
    return zone_named(draft.document.calendar.zone)


def _accepted(examples: tuple[Example, ...], place: int | None, document: Regulation) -> tuple[Example, ...]:
    """The case at `place` expects from now on what the rules give."""
    if place is None:
        return examples
    worked = worked_examples(msgspec.structs.replace(document, examples=examples))[place]
    if not worked.instant:
        return examples
    accepted = msgspec.structs.replace(examples[place], due=worked.instant)
    return (*examples[:place], accepted, *examples[place + 1 :])


async def _page(
    reader: Reading, draft: Draft, values: Mapping[str, str], errors: Errors, *, refusal: str = "", status: int = 200
) -> Response[str]:
    zone = _zone(draft)
    rows = list(rows_of(values))
    if not rows or values[f"title-{rows[-1]}"].strip():
        last = rows[-1] + 1 if rows else 0
        values = {**values, **empty_row(last, draft.document)}
        rows.append(last)
    examples, places, _faulty = examples_of(values, draft.document, zone)
    worked = worked_examples(msgspec.structs.replace(draft.document, examples=examples))
    return render(
        "regulation/examples.html",
        reader,
        status_code=status,
        **await around_draft(reader, draft, "examples"),
        values=values,
        rows=rows,
        worked={row: worked[place] for row, place in places.items()},
        given={row: local(worked[place].instant, zone) for row, place in places.items()},
        errors={field: translate(reader.language, sentence, **params) for field, (sentence, params) in errors.items()},
        refused=len(errors),
        refusal=refusal,
        priorities=[(one.code, one.code) for one in draft.document.priorities],
        levels=[(one.code, one.name.to(reader.language)) for one in draft.document.service_levels],
        zone=str(zone),
    )


EXAMPLE_PAGES: Final = (examples_page, save_examples)
