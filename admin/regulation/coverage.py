"""Each clause with the settings that carry it, the checks that hold it, and its live figure of this month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from litestar import Response, get
from litestar.params import FromPath

from admin.pages import render
from admin.reader import reading
from admin.reading import AnyRequest
from admin.regulation.clause_carriers import CHECKS, SETTINGS
from admin.regulation.frame import LOOK, around
from service.audits import REPLAYED, last_audit
from service.coverage import MOST_LISTED, Counted, behind, figures, promises, working_days
from service.regulation_text import chapters
from service.regulations import in_force
from service.words import Language, ngettext, percent, translate
from workflow.definition import STAFF
from workflow.words import _

HERE: Final = "/regulation/coverage"


@dataclass(frozen=True, slots=True)
class Covered:
    """One clause: what it says, what carries it, what holds it, and figures with the name of the tickets behind."""

    clause: str
    sentence: str
    settings: tuple[tuple[str, str], ...]
    checks: tuple[tuple[str, str], ...]
    figures: tuple[tuple[str, str], ...]


@get(HERE, guards=[LOOK])
async def coverage_page(request: AnyRequest) -> Response[str]:
    """Every clause of the regulation in force."""
    reader = await reading(request)
    rules = await in_force(at=reader.at)
    live = _said_figures(await figures(at=reader.at), reader.language)
    live["1"] = ((await _said_working_days(reader.at, reader.language), ""),)
    live["6.3"] = await _said_promises(reader.at, reader.language)
    answers = len(rules.regulation.canned_answers)
    live["7.8"] = ((ngettext(reader.language, "{n} answer stands ready", "{n} answers stand ready", answers), ""),)
    return render(
        "regulation/coverage.html",
        reader,
        **around(reader, "coverage"),
        audit=await last_audit(REPLAYED),
        chapters=[
            (chapter.title, [_covered(one.number, one.sentences[0], live, reader.language) for one in chapter.clauses])
            for chapter in chapters(rules.regulation, reader.language)
        ],
    )


def _covered(
    clause: str, sentence: str, live: Mapping[str, tuple[tuple[str, str], ...]], language: Language
) -> Covered:
    settings = tuple((translate(language, said), href) for said, href in SETTINGS.get(clause, ()))
    checks = tuple((translate(language, said), test.replace("_", " ")) for said, test in CHECKS.get(clause, ()))
    return Covered(clause, sentence, settings, checks, live.get(clause, ()))


def _said_figures(counted: Mapping[str, Counted], language: Language) -> dict[str, tuple[tuple[str, str], ...]]:
    """By clause, each figure with the name it is asked for by; a figure of nought leads nowhere."""
    return {
        clause: ((f"{one.count}: {translate(language, one.words)}", clause if one.count else ""),)
        for clause, one in counted.items()
    }


async def _said_working_days(at: datetime, language: Language) -> str:
    return ngettext(language, "{n} working day", "{n} working days", await working_days(at=at))


async def _said_promises(at: datetime, language: Language) -> tuple[tuple[str, str], ...]:
    said = []
    for clock, promise in (await promises(at=at)).items():
        words = _("registered in time") if clock == "registration" else _("solved in time")
        if promise.share is None:
            said.append((f"{translate(language, words)}: —", ""))
            continue
        late = ngettext(language, "{n} late", "{n} late", promise.late)
        said.append(
            (f"{translate(language, words)}: {percent(language, promise.share)}, {late}", clock if promise.late else "")
        )
    return tuple(said)


@get(HERE + "/{name:str}", guards=[LOOK])
async def behind_page(request: AnyRequest, name: FromPath[str]) -> Response[str]:
    """The tickets behind a figure of this month."""
    reader = await reading(request)
    words, tickets = await behind(name, at=reader.at)
    return render(
        "regulation/behind.html",
        reader,
        **around(reader, "coverage"),
        words=translate(reader.language, words),
        clause="6.3" if name in ("registration", "resolution") else name,
        tickets=tickets,
        most=MOST_LISTED,
        may_open=reader.role in STAFF,
    )


COVERAGE_PAGES: Final = (coverage_page, behind_page)
