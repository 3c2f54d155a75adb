"""Service levels, lists and limits of the draft: forms that save what was typed or refuse it beside its field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from litestar import Response, get, post

from admin.pages import Reading, render
from admin.reader import reading
from admin.reading import AnyRequest
from admin.regulation.fields import Errors, rows_of
from admin.regulation.frame import CHANGE, LOOK, around_draft, keep, lost, overtaken, said_problem, typed
from admin.regulation.levels_form import level_values, levels_filled
from admin.regulation.lists_form import ARCHIVES, BRAKES, TAKEN, TYPES, list_values, lists_filled
from service import drafts
from service.correspondence import REQUIRED_FIELDS
from service.drafts import Draft
from service.regulation_text import FILE_TYPES
from service.regulation_words import UNITS, said_target
from service.regulations import obstacles
from service.words import Language, translate
from workflow.regulation import REQUEST_FIELDS, Regulation

LEVELS: Final = "/regulation/draft/levels"
LISTS: Final = "/regulation/draft/lists"
Filling = Callable[[Regulation, Mapping[str, str]], tuple[Regulation | None, Errors]]


@get(LEVELS, guards=[LOOK])
async def levels_page(request: AnyRequest) -> Response[Any]:
    """The service levels with their targets."""
    return await _shown(request, "levels")


@post(LEVELS, guards=[CHANGE], status_code=303)
async def save_levels(request: AnyRequest) -> Response[Any]:
    """Save the service levels."""
    return await _saved(request, "levels")


@get(LISTS, guards=[LOOK])
async def lists_page(request: AnyRequest) -> Response[Any]:
    """Everything that is a list or a limit."""
    return await _shown(request, "lists")


@post(LISTS, guards=[CHANGE], status_code=303)
async def save_lists(request: AnyRequest) -> Response[Any]:
    """Save the lists and limits."""
    return await _saved(request, "lists")


# The two forms: what stands in them, and how what was typed becomes a document.
FORMS: Final[Mapping[str, tuple[Callable[[Regulation], dict[str, str]], Filling]]] = {
    "levels": (level_values, levels_filled),
    "lists": (list_values, lists_filled),
}


async def _shown(request: AnyRequest, section: str) -> Response[Any]:
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    return await _page(reader, draft, section, FORMS[section][0](draft.document))


async def _saved(request: AnyRequest, section: str) -> Response[Any]:
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    form = await typed(request)
    values = FORMS[section][0](draft.document) | form
    if refusal := overtaken(draft, form, reader.language):
        return await _page(reader, draft, section, values, refusal=refusal, status=412)
    document, errors = FORMS[section][1](draft.document, form)
    if document is None:
        return await _page(reader, draft, section, values, errors=errors, status=422)
    return await keep(request, reader, draft, document, to=f"/regulation/draft/{section}")


async def _page(
    reader: Reading,
    draft: Draft,
    section: str,
    values: Mapping[str, str],
    *,
    errors: Errors | None = None,
    refusal: str = "",
    status: int = 200,
) -> Response[str]:
    language = reader.language
    found = [one for one in obstacles(draft.document) if not one.place.startswith("examples")]
    return render(
        f"regulation/{section}.html",
        reader,
        status_code=status,
        **await around_draft(reader, draft, section),
        values=values,
        errors={field: translate(language, sentence, **params) for field, (sentence, params) in (errors or {}).items()},
        refused=len(errors or {}),
        refusal=refusal,
        checks=[said_problem(one, language) for one in found],
        rows={prefix: list(rows_of(prefix, values)) for prefix in ("level", "reason", "canned", "reminder")},
        units=[(code, translate(language, label)) for code, (label, _kind, _size) in UNITS.items()],
        **_choices(draft.document, language),
    )


def _choices(document: Regulation, language: Language) -> dict[str, Any]:
    return {
        "usual": {one.code: said_target(one.target, language) for one in document.priorities},
        "priority_names": [(one.code, one.name.to(language)) for one in document.priorities],
        "asked": [(name, translate(language, REQUIRED_FIELDS[name])) for name in REQUEST_FIELDS],
        "types": [(one, FILE_TYPES[one]) for one in TYPES],
        "archives": [(one, FILE_TYPES[one]) for one in ARCHIVES],
        "taken": [(code, translate(language, said)) for code, said in TAKEN.items()],
        "brakes": [(name, translate(language, said)) for name, said in BRAKES.items()],
    }


LIST_PAGES: Final = (levels_page, save_levels, lists_page, save_lists)
