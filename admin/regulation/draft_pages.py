"""The draft: begun, changed, followed and discarded; its first page holds the deadlines and the priorities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.pages import Reading, render
from admin.reader import flash, reading
from admin.reading import AnyRequest
from admin.regulation.fields import Errors
from admin.regulation.form import field_of, filled, targets_of, values_of, with_priority, without_priority
from admin.regulation.frame import CHANGE, LOOK, around, around_draft, keep, lost, overtaken, said_problem, typed
from admin.regulation.step_rows import WHEN, WHO, name, rows_of
from admin.regulation.worked import said_checks, worked_examples
from service import drafts
from service.auth import actor_of
from service.drafts import Draft
from service.regulation_words import (
    COUNTS_FROM,
    DAY_MODES,
    ON_DISPUTE,
    ON_PRIORITY_CHANGE,
    UNITS,
    effects,
    said_target,
)
from service.regulations import all_obstacles, newest
from service.teams import teams
from service.words import translate
from workflow.regulation import TEAM
from workflow.words import _


@post("/regulation/draft/begin", guards=[CHANGE], status_code=303)
async def begin_draft(request: AnyRequest) -> Redirect:
    """Open the draft all owners share."""
    reader = await reading(request)
    await drafts.begin(by=await actor_of(request), at=reader.at)
    return Redirect("/regulation/draft", status_code=303)


@get("/regulation/draft", guards=[LOOK])
async def draft_page(request: AnyRequest) -> Response[str]:
    """The draft: a form for owners, the differences for everybody who may look."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return render("regulation/no_draft.html", reader, **await around(reader, "draft", section="deadlines"))
    return await _draft_page(reader, draft, values_of(draft.document), {})


@post("/regulation/draft", guards=[CHANGE], status_code=303)
async def save_draft(request: AnyRequest) -> Response[Any]:
    """Save the form; what is nonsense is refused next to its field, and what was typed stays."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    form = await typed(request)
    values = values_of(draft.document) | form
    if refusal := overtaken(draft, form, reader.language):
        return await _draft_page(reader, draft, values, {}, refusal=refusal, status=412)
    form_of = filled(draft.document, form)
    if form_of.document is None:
        return await _draft_page(reader, draft, values, form_of.errors)
    return await keep(request, reader, draft, form_of.document, to="/regulation/draft")


@post("/regulation/draft/priorities", guards=[CHANGE], status_code=303)
async def add_priority(request: AnyRequest) -> Response[Any]:
    """One priority more in the draft."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    code = str((await request.form()).get("code", ""))
    grown = with_priority(draft.document, code)
    if grown.document is None:
        return await _draft_page(reader, draft, values_of(draft.document) | {"code": code}, grown.errors)
    return await keep(request, reader, draft, grown.document, to="/regulation/draft")


@post("/regulation/draft/priorities/{code:str}/remove", guards=[CHANGE], status_code=303)
async def remove_priority(request: AnyRequest, code: FromPath[str]) -> Response[Any]:
    """Take a priority out of the draft again; one that was ever published is only retired."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    if code in {one.code for one in (await newest())[1].priorities}:
        said = _("{code} was published: tickets may have it. Retire it instead.")
        flash(request, translate(reader.language, said, code=code), "refused")
        return Redirect("/regulation/draft", status_code=303)
    return await keep(request, reader, draft, without_priority(draft.document, code), to="/regulation/draft")


@post("/regulation/draft/discard", guards=[CHANGE], status_code=303)
async def discard_draft(request: AnyRequest) -> Redirect:
    """Throw the draft away."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is not None:
        await drafts.discard(draft, by=await actor_of(request), at=reader.at)
    flash(request, translate(reader.language, _("The draft is discarded. The regulation in force is unchanged.")))
    return Redirect("/regulation", status_code=303)


@post("/regulation/draft/rebase", guards=[CHANGE], status_code=303)
async def rebase_draft(request: AnyRequest) -> Redirect:
    """Go on from the version that was published meanwhile."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    await drafts.rebase(draft, by=await actor_of(request), at=reader.at)
    flash(request, translate(reader.language, _("The draft now follows the newest version. Look at the differences.")))
    return Redirect("/regulation/draft", status_code=303)


async def _draft_page(
    reader: Reading, draft: Draft, values: Mapping[str, str], errors: Errors, *, refusal: str = "", status: int = 0
) -> Response[str]:
    language = reader.language
    _version, document = await newest()
    found = await all_obstacles(draft.document)
    beside = {field_of(problem, draft.document): said_problem(problem, language) for problem in found}
    beside |= {field: translate(language, sentence, **params) for field, (sentence, params) in errors.items()}
    return render(
        "regulation/draft.html",
        reader,
        status_code=status or (422 if errors else 200),
        **await around_draft(reader, draft, "deadlines"),
        values=values,
        errors=beside,
        refused=len(errors),
        refusal=refusal,
        effects=effects(draft.document, language, at=reader.at),
        before=values_of(document),
        before_targets={name: said_target(target, language) for name, target in targets_of(document)},
        checks=said_checks(found, language),
        examples=worked_examples(draft.document),
        published={one.code for one in document.priorities},
        teams=", ".join(f"{TEAM}{one.code}" for one in await teams(ended=False)),
        steps={
            owner: [name(owner, row) for row in rows_of(owner, values)]
            for owner in ("registration", *(one.code for one in draft.document.priorities))
        },
        codes=[(one.code, one.code) for one in draft.document.priorities if not one.retired],
        step_when=[(code, translate(language, said)) for code, said in WHEN.items()],
        step_who=[(code, translate(language, said)) for code, said in WHO.items()],
        units=[(code, translate(language, label)) for code, (label, _kind, _size) in UNITS.items()],
        day_modes=[(code, translate(language, said)) for code, said in DAY_MODES.items()],
        choices={
            name: [(code, translate(language, said)) for code, said in options.items()]
            for name, options in (
                ("counts_from", COUNTS_FROM),
                ("on_priority_change", ON_PRIORITY_CHANGE),
                ("on_dispute", ON_DISPUTE),
            )
        },
    )


DRAFT_PAGES: Final = (
    begin_draft, draft_page, save_draft, add_priority, remove_priority, discard_draft, rebase_draft,
)  # fmt: skip
