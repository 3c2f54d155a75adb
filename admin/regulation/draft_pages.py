"""The draft: begun, followed and discarded; its priorities that come, go and change places."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from admin.reader import flash, reading
from admin.reading import AnyRequest, typed_in
from admin.regulation.deadlines_form import deadline_values
from admin.regulation.frame import CHANGE, LOOK, keep, lost, overtaken
from admin.regulation.part_pages import DEADLINES, DEADLINES_PART, deadlines
from admin.regulation.parts import Shown, show
from admin.regulation.priority_list import moved_priority, with_priority, without_priority
from service import drafts
from service.auth import actor_of
from service.regulations import newest
from service.words import translate
from workflow.words import _


@post("/regulation/draft/begin", guards=[CHANGE], status_code=303)
async def begin_draft(request: AnyRequest) -> Redirect:
    """Open the draft all owners share, at the part of it that was asked for."""
    reader = await reading(request)
    await drafts.begin(by=await actor_of(request), at=reader.at)
    asked_for = (await typed_in(request)).get("asked_for", "")
    return Redirect(asked_for if asked_for.startswith(f"{DEADLINES}/") else DEADLINES, status_code=303)


@get(DEADLINES, guards=[LOOK])
async def draft_page(request: AnyRequest) -> Response[Any]:
    """The part of the draft that is changed most."""
    return await show(request, DEADLINES_PART)


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
        sentence, params = grown.errors["code"]
        shown = Shown(draft, draft.document, deadline_values(draft.document), status=422)
        wrong = translate(reader.language, sentence, **params)
        return await deadlines(request, reader, shown, code=code, code_error=wrong)
    return await keep(request, reader, draft, grown.document, to=f"{DEADLINES}#s-{code.strip().upper()}")


@post("/regulation/draft/priorities/{code:str}/{way:str}", guards=[CHANGE], status_code=303)
async def move_priority(request: AnyRequest, code: FromPath[str], way: FromPath[str]) -> Response[Any]:
    """One place `up`, nearer to the head of the queue, or `down`."""
    if way not in ("up", "down"):
        raise NotFoundException
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    moved = moved_priority(draft.document, code, up=way == "up")
    return await keep(request, reader, draft, moved, to=f"{DEADLINES}#s-{code}")


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
    """Throw the draft away, unless somebody saved it since it was shown."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is not None and (refusal := overtaken(draft, await typed_in(request), reader.language)):
        flash(request, refusal, "refused")
        return Redirect(DEADLINES, status_code=303)
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


DRAFT_PAGES: Final = (
    begin_draft, draft_page, add_priority, move_priority, remove_priority, discard_draft, rebase_draft,
)  # fmt: skip
