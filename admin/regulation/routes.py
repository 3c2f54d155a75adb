"""The regulation in its owners' hands: in force, draft, publishing, history."""

from __future__ import annotations

from litestar import Response, get

from admin.page_router import page_router
from admin.pages import render
from admin.reader import reading
from admin.reading import AnyRequest
from admin.regulation.calendar_pages import CALENDAR_PAGES
from admin.regulation.coverage import COVERAGE_PAGES
from admin.regulation.draft_pages import DRAFT_PAGES
from admin.regulation.example_pages import EXAMPLE_PAGES
from admin.regulation.frame import LOOK, around
from admin.regulation.history import HISTORY_PAGES
from admin.regulation.journal_page import JOURNAL_PAGES
from admin.regulation.letter_pages import LETTER_PAGES
from admin.regulation.part_pages import PART_PAGES
from admin.regulation.presence import PRESENCE_PAGES
from admin.regulation.publishing import PUBLISHING_PAGES
from admin.regulation.simulation_pages import SIMULATION_PAGES
from service import drafts
from service.regulation_text import chapters
from service.regulations import in_force, versions


@get("/regulation", guards=[LOOK])
async def regulation_in_force(request: AnyRequest) -> Response[str]:
    """The version in force as a text, and the way to change it."""
    reader = await reading(request)
    rules = await in_force(at=reader.at)
    published = await versions()
    return render(
        "regulation/in_force.html",
        reader,
        **around(reader, "in_force"),
        draft=await drafts.open_draft(),
        chapters=chapters(rules.regulation, reader.language),
        version=next(one for one in published if one["version"] == rules.version),
        coming=[one for one in published if one["version"] > rules.version and not one["passed_over"]],
        missing=rules.regulation.calendar.missing_year(reader.at.astimezone(reader.zone).date()),
    )


router = page_router(
    [
        regulation_in_force, *DRAFT_PAGES, *PART_PAGES, *PRESENCE_PAGES, *CALENDAR_PAGES, *LETTER_PAGES, *EXAMPLE_PAGES,
        *SIMULATION_PAGES, *PUBLISHING_PAGES, *HISTORY_PAGES, *JOURNAL_PAGES, *COVERAGE_PAGES,
    ]
)  # fmt: skip
