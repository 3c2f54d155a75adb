"""The draft tried on the desk's own tickets: what moves for the open ones, and how the last months would have ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, cast

from litestar import Response, get

from admin.pages import render, url
from admin.reader import reading
from admin.reading import AnyRequest
from admin.regulation.bars import bars, pairs_of
from admin.regulation.frame import LOOK, around_draft, no_draft, said_problem
from admin.regulation.shifts import shifts
from service import drafts
from service.regulations import NotPublishable
from service.simulation import ChoiceForecast, Simulation, Sort, simulate
from service.words import Language, ngettext, translate
from workflow.carrying_over import CHOICES, Choice
from workflow.definition import STAFF
from workflow.words import _

HERE: Final = "/regulation/draft/simulation"
MONTHS: Final = (1, 3, 6, 12)
LISTED: Final = 200
# The columns of the table, by what they are sorted.
SORTS: Final[Mapping[str, str]] = {
    "number": _("Ticket"), "priority": _("Priority"), "old_due": _("Due now"), "new_due": _("Due under the draft"),
    "shift": _("How far it moves"),
}  # fmt: skip
CHOICE_NAMES: Final[Mapping[str, str]] = {
    "keep": _("Open tickets keep the version and the deadlines they have."),
    "from_now": _("Open tickets get the new target from the moment the version takes effect."),
    "from_start": _("Open tickets get the new target, counted from their start: time already spent stays spent."),
}
CLOCKS: Final[Mapping[str, str]] = {"registration": _("Registered in time"), "resolution": _("Solved in time")}


@get(HERE, guards=[LOOK])
async def simulation_page(request: AnyRequest) -> Response[Any]:
    """What publishing the draft would do, under each choice; and compliance, then and under the draft."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return no_draft(reader)
    asked = request.query_params
    months = int(asked.get("months", "3")) if asked.get("months", "3") in {str(n) for n in MONTHS} else 3
    choice = asked.get("choice", "") if asked.get("choice", "") in CHOICES else "from_start"
    sort = asked.get("sort", "") if asked.get("sort", "") in SORTS else "new_due"
    down = asked.get("order") == "down"
    around = await around_draft(reader, draft, "simulation")
    language = reader.language
    try:
        found = await simulate(
            draft.document, at=reader.at, months=months, sort=cast(Sort, sort), descending=down, limit=LISTED
        )
    except NotPublishable as refusal:
        checks = [said_problem(problem, language) for problem in refusal.problems]
        return render("regulation/simulation.html", reader, **around, found=None, checks=checks)

    def here(**other: object) -> str:
        order = "down" if down else None
        return url(HERE, **{"months": months, "choice": choice, "sort": sort, "order": order, **other})

    chosen = next(one for one in found.choices if one.choice == choice)

    return render(
        "regulation/simulation.html",
        reader,
        **around,
        found=found,
        checks=[],
        forecasts=forecasts(found, language),
        chosen=chosen,
        shifts=shifts(chosen.tickets, reader),
        months=[(n, here(months=n), n == months) for n in MONTHS],
        choices=[
            (code, translate(language, CHOICE_NAMES[code]), here(choice=code), code == choice) for code in CHOICES
        ],
        heads=[_head(code, translate(language, said), sort, down=down, here=here) for code, said in SORTS.items()],
        clocks=_clocks(found, language),
        may_open=reader.role in STAFF,
    )


def _head(
    code: str, said: str, sort: str, *, down: bool, here: Callable[..., str]
) -> tuple[str, str, Literal["ascending", "descending", ""]]:
    """The head of a column: what it says, the address that sorts by it (or turns it round), how it is sorted now."""
    if code != sort:
        return said, here(sort=code, order=None), ""
    return said, here(order=None if down else "down"), "descending" if down else "ascending"


def _clocks(found: Simulation, language: Language) -> list[tuple[str, Any, Any]]:
    """Each clock with its title, its pairs and its picture."""
    told = []
    for clock, name in CLOCKS.items():
        title, pairs = translate(language, name), pairs_of(found.months, clock)
        told.append((title, pairs, bars(pairs, title, language)))
    return told


def forecasts(found: Simulation, language: Language) -> list[tuple[Choice, str, str]]:
    """Each choice with what it is and what it would do now, in numbers."""
    return [
        (one.choice, translate(language, CHOICE_NAMES[one.choice]), _consequence(one, language))
        for one in found.choices
    ]


def _consequence(one: ChoiceForecast, language: Language) -> str:
    if not one.moved:
        return translate(language, _("No deadline moves."))
    said = [
        ngettext(language, "{n} deadline moves:", "{n} deadlines move:", one.moved),
        translate(language, _("{earlier} earlier, {later} later."), earlier=one.earlier, later=one.later),
    ]
    if one.newly_late:
        said.append(
            ngettext(
                language, "{n} ticket would be late at once.", "{n} tickets would be late at once.", one.newly_late
            )
        )
    if one.no_longer_late:
        said.append(
            ngettext(language, "{n} ticket is late no longer.", "{n} tickets are late no longer.", one.no_longer_late)
        )
    if one.kept:
        said.append(
            ngettext(
                language,
                "{n} ticket keeps its version: its priority is not in use any more.",
                "{n} tickets keep their version: their priority is not in use any more.",
                one.kept,
            )
        )
    return " ".join(said)


SIMULATION_PAGES: Final = (simulation_page,)
