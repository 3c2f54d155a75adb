"""Every version that was published: who, when, why, what changed; and the way back to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.pages import render
from admin.reader import flash, reading
from admin.reading import AnyRequest
from admin.regulation.differences import Said, said_differences
from admin.regulation.frame import CHANGE, LOOK, around
from service import drafts
from service.auth import actor_of
from service.regulations import SomebodyWasFaster, in_force, versions
from service.words import Language, translate
from workflow.words import _


@get("/regulation/history", guards=[LOOK])
async def history(request: AnyRequest) -> Response[str]:
    """Every version, the newest first: who, when, why, and what changed."""
    reader = await reading(request)
    published = await versions()
    return render(
        "regulation/history.html",
        reader,
        **await around(reader, "history"),
        versions=published,
        changes=await _changes_of(published, reader.language),
        in_force=(await in_force(at=reader.at)).version,
    )


async def _changes_of(published: Sequence[Mapping[str, Any]], language: Language) -> dict[int, tuple[Said, ...]]:
    """For each version but the first, what differs from the one before."""
    documents = {one["version"]: await drafts.document_of(one["version"]) for one in published}
    return {
        version: said_differences(documents[version - 1], documents[version], language)
        for version in documents
        if version - 1 in documents
    }


@post("/regulation/versions/{version:int}/bring-back", guards=[CHANGE], status_code=303)
async def bring_back(request: AnyRequest, version: FromPath[int]) -> Redirect:
    """Make a draft of an older version; publishing it brings it back."""
    reader = await reading(request)
    try:
        await drafts.begin(by=await actor_of(request), at=reader.at, copy_of=version)
    except SomebodyWasFaster as refusal:
        said = _("There is a draft by {who} already. Publish or discard it first.")
        flash(request, translate(reader.language, said, **refusal.params), "refused")
        return Redirect("/regulation/history", status_code=303)
    said = _("The draft is a copy of version {version}. Check it and publish it.")
    flash(request, translate(reader.language, said, version=version))
    return Redirect("/regulation/draft", status_code=303)


HISTORY_PAGES: Final = (history, bring_back)
