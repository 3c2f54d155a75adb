"""Every version that was published: who, when, why, what changed; and the way back to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from admin.pages import render, url
from admin.reader import flash, reading
from admin.reading import AnyRequest
from admin.regulation.differences import Said, said_differences
from admin.regulation.frame import CHANGE, LOOK, around, keep, lost
from admin.regulation.simulation_pages import CHOICE_NAMES
from service import drafts
from service.auth import actor_of
from service.paging import cut
from service.regulations import RULEBOOKS, SomebodyWasFaster, in_force, versions
from service.republishing import Progress, progress
from service.whole_numbers import whole_number
from service.words import Language, translate
from service.wrong_shapes import wrong_in_file
from workflow.calendar import BadCalendar, CalendarError
from workflow.definition import STAFF
from workflow.errors import NotFound
from workflow.regulation import NotADocument, Regulation, Rulebook, dump, read
from workflow.words import _

HISTORY: Final = "/regulation/history"
MOST_SHOWN: Final = 20  # versions on a page
MOST_CARRIED: Final = 5  # versions whose way to the open tickets is told
LARGEST_DOCUMENT: Final = 5 * 2**20


@get(HISTORY, guards=[LOOK])
async def history(request: AnyRequest) -> Response[str]:
    """Every version, the newest first: who, when, why, and what changed."""
    reader = await reading(request)
    published = await versions()
    before = whole_number(request.query_params.get("before", ""))
    page, more = cut([one for one in published if before is None or one["version"] < before], MOST_SHOWN)
    return render(
        "regulation/history.html",
        reader,
        **around(reader, "history"),
        versions=page,
        newest=published[0]["version"],
        changes={
            one["version"]: await DIFFERENCES.between(one["version"] - 1, one["version"], reader.language)
            for one in page
            if one["version"] > published[-1]["version"]
        },
        in_force=(await in_force(at=reader.at)).version,
        carried=await _carried([one["version"] for one in page if one["version"] > 1][:MOST_CARRIED]),
        choices={choice: translate(reader.language, said) for choice, said in CHOICE_NAMES.items()},
        may_open=reader.role in STAFF,
        older_href=url(HISTORY, before=page[-1]["version"]) if more else "",
        newest_href=HISTORY if before is not None else "",
    )


@get("/regulation/versions/{version:int}/compare", guards=[LOOK])
async def compare(request: AnyRequest, version: FromPath[int]) -> Response[str]:
    """What differs between a version and another one; the newest unless `with` names one."""
    reader = await reading(request)
    published = [one["version"] for one in await versions()]
    asked = request.query_params.get("with", "")
    other = next((one for one in published if str(one) == asked), published[0])
    if version not in published:
        raise NotFoundException
    return render(
        "regulation/compare.html",
        reader,
        **around(reader, "history"),
        version=version,
        other=other,
        versions=[(str(one), translate(reader.language, _("Version {version}"), version=one)) for one in published],
        changes=await DIFFERENCES.between(version, other, reader.language),
    )


class VersionDifferences:
    """What differs between two versions, by language: published versions never change, so neither does that."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Rulebook, dict[tuple[int, Language], tuple[Said, ...]]] = WeakKeyDictionary()

    async def between(self, old: int, new: int, language: Language) -> tuple[Said, ...]:
        """Every change from `old` to `new`, in the order of the clauses."""
        before, after = await RULEBOOKS.know(old), await RULEBOOKS.know(new)
        known = self._known.setdefault(after, {})
        if (old, language) not in known:
            known[old, language] = said_differences(before.regulation, after.regulation, language)
        return known[old, language]


DIFFERENCES: Final = VersionDifferences()


async def _carried(published: Sequence[int]) -> dict[int, Progress]:
    """How far the newest versions came with the open tickets."""
    found = {}
    for version in published:
        try:
            found[version] = await progress(version)
        except NotFound:  # published before versions were carried over
            continue
    return found


@post("/regulation/versions/{version:int}/bring-back", guards=[CHANGE], status_code=303)
async def bring_back(request: AnyRequest, version: FromPath[int]) -> Redirect:
    """Make a draft of an older version; publishing it brings it back."""
    reader = await reading(request)
    try:
        await drafts.begin(by=await actor_of(request), at=reader.at, copy_of=version)
    except SomebodyWasFaster as refusal:
        said = _("There is a draft by {who} already. Publish or discard it first.")
        flash(request, translate(reader.language, said, **refusal.params), "refused")
        return Redirect(HISTORY, status_code=303)
    said = _("The draft is a copy of version {version}. Check it and publish it.")
    flash(request, translate(reader.language, said, version=version))
    return Redirect("/regulation/draft", status_code=303)


# --- the document as a file -------------------------------------------------------------------------------------------


@get("/regulation/versions/{version:int}/export", guards=[LOOK])
async def export_version(version: FromPath[int]) -> Response[bytes]:
    """A published version as a file."""
    return _file(dump(await drafts.document_of(version)), f"regulation-{version}.json")


@get("/regulation/draft/export", guards=[LOOK])
async def export_draft(request: AnyRequest) -> Response[Any]:
    """The draft as a file."""
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, await reading(request))
    return _file(dump(draft.document), "regulation-draft.json")


def _file(content: bytes, name: str) -> Response[bytes]:
    return Response(
        content, media_type="application/json", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@post("/regulation/draft/import", guards=[CHANGE], status_code=303)
async def import_draft(request: AnyRequest) -> Redirect:
    """Make the draft what a file says; without a draft one is begun. Nothing is in force before it is published."""
    reader = await reading(request)
    file = (await request.form()).get("document")
    data = await file.read(LARGEST_DOCUMENT + 1) if isinstance(file, UploadFile) else b""
    try:
        document = _read(data)
    except (NotADocument, CalendarError) as wrong:
        said = _("The file was not taken. {why}")
        nothing = translate(reader.language, _("None was chosen, or it is empty."))
        why = _why(wrong, data, reader.language) if data else nothing
        flash(request, translate(reader.language, said, why=why), "refused")
        return Redirect(HISTORY, status_code=303)
    draft = await drafts.begin(by=await actor_of(request), at=reader.at)
    return await keep(request, reader, draft, document, to="/regulation/draft")


def _read(data: bytes) -> Regulation:
    """The document of a file. Raises NotADocument, and CalendarError where nothing could be counted with it."""
    document = read(data)
    for sentence, params in document.calendar.unusable():
        raise BadCalendar(sentence, **params)
    return document


def _why(wrong: NotADocument | CalendarError, data: bytes, language: Language) -> str:
    if isinstance(wrong, CalendarError):
        return translate(language, wrong.sentence, **wrong.params)
    place = wrong_in_file(Regulation, data, language)
    return translate(language, _("It is no regulation document. Where it stumbles: {place}"), place=place)


HISTORY_PAGES: Final = (history, compare, bring_back, export_version, export_draft, import_draft)
