"""The regulation in force as a text for everybody (clause 2), with its earlier versions and what changed."""

from __future__ import annotations

from typing import Final

from litestar import Response, get

from admin.pages import Reading, render
from admin.reading import AnyRequest, language_of
from admin.regulation.clauses import Change, changes, chapters
from service import clock
from service.drafts import document_of
from service.regulations import in_force, versions
from service.words import Language


@get("/regulation/public")
async def public_regulation(request: AnyRequest) -> Response[str]:
    """The text in force now; each clause has an address of its own, `#clause-6.3`."""
    at = clock.now()
    rules = await in_force(at=at)
    reader = Reading(at=at, path=request.url.path, language=language_of(request), zone=rules.calendar.zone)
    published = await versions()
    effective = [one for one in published if one["version"] <= rules.version]
    return render(
        "public/regulation.html",
        reader,
        name=rules.regulation.title.to(reader.language),
        chapters=chapters(rules.regulation, reader.language),
        version=effective[0],
        coming=[one for one in published if one["version"] > rules.version],
        earlier=effective,
        changes=await _changes_of([one["version"] for one in published], reader.language),
    )


async def _changes_of(published: list[int], language: Language) -> dict[int, tuple[Change, ...]]:
    """For each version but the first, the clauses that say something else than before."""
    documents = {version: await document_of(version) for version in published}
    return {
        version: changes(documents[version - 1], documents[version], language)
        for version in documents
        if version - 1 in documents
    }


REGULATION_PAGES: Final = (public_regulation,)
