"""The configuration journal of the regulation: who did what to it and when, each change with its difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from litestar import Response, get

from admin.pages import Reading, render, url
from admin.reader import reading
from admin.reading import AnyRequest
from admin.regulation.differences import Said, clause_of, in_order
from admin.regulation.frame import LOOK, around
from admin.regulation.simulation_pages import CHOICE_NAMES
from service.config_journal import Noted, Wanted, noted
from service.paging import cut
from service.whole_numbers import whole_number
from service.words import Language, day, translate
from workflow.words import _

HERE: Final = "/regulation/journal"
PAGE: Final = 50
REGULATION: Final = Wanted(act="regulation.")

ACTS: Final[Mapping[str, str]] = {
    "regulation.draft.begin": _("Draft begun from version {based_on}"),
    "regulation.draft.copy": _("Draft begun as a copy of version {copy_of}"),
    "regulation.draft.save": _("Draft changed"),
    "regulation.draft.rebase": _("Draft made to follow version {based_on}"),
    "regulation.draft.discard": _("Draft discarded"),
    "regulation.publish": _("Version {version} published, in force from {date}"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry in the reader's words."""

    id: int
    at: datetime
    who: str
    did: str
    note: str
    open_tickets: str
    changes: tuple[Said, ...]


@get(HERE, guards=[LOOK])
async def journal_page(request: AnyRequest) -> Response[str]:
    """What was done to drafts and versions, the latest first."""
    reader = await reading(request)
    before = whole_number(request.query_params.get("before", ""))
    page, more = cut(await noted(REGULATION, limit=PAGE + 1, before=before), PAGE)
    return render(
        "regulation/journal.html",
        reader,
        **around(reader, "journal"),
        entries=[_entry(one, reader) for one in page],
        next_href=url(HERE, before=page[-1].id) if more else "",
        first_href=HERE if before is not None else "",
    )


def _entry(entry: Noted, reader: Reading) -> Entry:
    data, language = entry.data, reader.language
    chosen = data.get("open_tickets", "")
    return Entry(
        id=entry.id,
        at=entry.at,
        who=entry.actor_name,
        did=_did(entry, reader),
        note=data.get("note", ""),
        open_tickets=translate(language, CHOICE_NAMES[chosen]) if chosen in CHOICE_NAMES else "",
        changes=in_order(_change(one, language) for one in data.get("changes", ())),
    )


def _did(entry: Noted, reader: Reading) -> str:
    data = entry.data
    act = "regulation.draft.copy" if "copy_of" in data else entry.act
    # Entries made before versions were noted name them in the subject only.
    facts = {"based_on": "—", "version": entry.subject.removeprefix("regulation "), "date": "—"} | data
    if "effective_at" in data:
        starts = datetime.fromisoformat(data["effective_at"]).astimezone(reader.zone)
        facts["date"] = day(reader.language, starts.date())
    return translate(reader.language, ACTS.get(act, act), **facts)


def _change(change: Any, language: Language) -> Said:
    if isinstance(change, str):  # noted before changes were told in both languages
        return Said("", change)
    return Said(clause_of(change["place"]), change["en" if language == "en" else "ru"], change["place"])


JOURNAL_PAGES: Final = (journal_page,)
