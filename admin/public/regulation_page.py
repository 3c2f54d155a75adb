"""The regulation in force as a text for everybody (clause 2), with its earlier versions and what changed."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from admin.pages import Reading, render
from admin.reading import AnyRequest, language_of
from service import clock, seals
from service.regulation_text import Change, Chapter, changes, chapters
from service.regulations import RULEBOOKS, in_force, versions
from service.words import Language
from workflow.regulation import Rulebook

Text = TypeVar("Text")
# By rulebook, so that a text goes with the rulebook it was made from.
Kept = WeakKeyDictionary[Rulebook, dict[Language, Text]]


HERE: Final = "/regulation/public"


@get(HERE)
async def public_regulation(request: AnyRequest) -> Response[str]:
    """The text in force now; each clause has an address of its own, `#clause-6.3`."""
    at = clock.now()
    return await _page(request, await in_force(at=at), at=at)


@get(HERE + "/{version:int}")
async def public_version(request: AnyRequest, version: FromPath[int]) -> Response[str]:
    """The text of one version for good: what it was, or what it will be. Tickets keep the version they began with."""
    if not 0 < version < 2**31:
        raise NotFoundException
    try:
        rules = await RULEBOOKS.know(version)
    except KeyError:
        raise NotFoundException from None
    return await _page(request, rules, at=clock.now())


async def _page(request: AnyRequest, rules: Rulebook, *, at: datetime) -> Response[str]:
    current = await in_force(at=at)
    reader = Reading(at=at, path=request.url.path, language=language_of(request), zone=current.calendar.zone)
    published = await versions()
    return render(
        "public/regulation.html",
        reader,
        name=rules.regulation.title.to(reader.language),
        chapters=TEXTS.chapters(rules, reader.language),
        version=next(one for one in published if one["version"] == rules.version),
        current=current.version,
        coming=[one for one in published if one["version"] > current.version and not one["passed_over"]],
        published=published,
        changes=await _changes_of([one["version"] for one in published], reader.language),
        seal_key=seals.public_key(),
    )


class PublishedTexts:
    """What each version says and changes, by language: a published version never changes, so neither does its text."""

    def __init__(self) -> None:
        self._chapters: Kept[tuple[Chapter, ...]] = WeakKeyDictionary()
        self._changes: Kept[tuple[Change, ...]] = WeakKeyDictionary()

    def chapters(self, rules: Rulebook, language: Language) -> tuple[Chapter, ...]:
        """The text of a version."""
        known = self._chapters.setdefault(rules, {})
        if language not in known:
            known[language] = chapters(rules.regulation, language)
        return known[language]

    async def changes(self, version: int, language: Language) -> tuple[Change, ...]:
        """The clauses in which a version says something else than the one before."""
        rules = await RULEBOOKS.know(version)
        known = self._changes.setdefault(rules, {})
        if language not in known:
            before = await RULEBOOKS.know(version - 1)
            known[language] = changes(before.regulation, rules.regulation, language)
        return known[language]


TEXTS: Final = PublishedTexts()


async def _changes_of(published: list[int], language: Language) -> dict[int, tuple[Change, ...]]:
    """For each version but the first, the clauses that say something else than before."""
    first = min(published)
    return {version: await TEXTS.changes(version, language) for version in published if version > first}


REGULATION_PAGES: Final = (public_regulation, public_version)
