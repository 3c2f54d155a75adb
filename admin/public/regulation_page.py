"""The regulation in force as a text for everybody (clause 2), with its earlier versions and what changed."""

from __future__ import annotations

from typing import Final

from litestar import Response, get

from admin.pages import Reading, render
from admin.reading import AnyRequest, language_of
from admin.regulation.clauses import chapters
from admin.regulation.routes import changes_of
from service import clock
from service.regulations import in_force, versions


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
        changes=await changes_of(published, reader.language),
    )


REGULATION_PAGES: Final = (public_regulation,)
