"""The parts of the draft that follow the clauses: requests (2–5), deadlines (6), service levels (6.3), talk (7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get, post

from admin.pages import Reading
from admin.reading import AnyRequest
from admin.regulation.deadlines_form import COLOURS, deadline_field_of, deadline_values, deadlines_filled
from admin.regulation.fields import rows_of
from admin.regulation.frame import CHANGE, LOOK
from admin.regulation.levels_form import level_field_of, level_values, levels_filled
from admin.regulation.part_page import options, part_page
from admin.regulation.parts import Part, Shown, show, take
from admin.regulation.requests_form import request_field_of, request_values, requests_filled
from admin.regulation.step_rows import WHEN, WHO, name
from admin.regulation.step_rows import rows_of as step_rows_of
from admin.regulation.talk_form import ARCHIVES, BRAKES, TAKEN, TYPES, talk_field_of, talk_filled, talk_values
from service.correspondence import REQUIRED_FIELDS
from service.people import names_of_colleagues
from service.regulation_text import FILE_TYPES
from service.regulation_words import COUNTS_FROM, ON_DISPUTE, ON_PRIORITY_CHANGE, said_target
from service.regulations import newest
from service.stays import open_by_priority
from service.teams import teams
from service.words import translate
from workflow.regulation import REQUEST_FIELDS, TEAM

DEADLINES: Final = "/regulation/draft"
REQUESTS: Final = "/regulation/draft/requests"
LEVELS: Final = "/regulation/draft/levels"
TALK: Final = "/regulation/draft/talk"


def _rows(values: Mapping[str, str], *prefixes: str) -> dict[str, list[int]]:
    return {prefix: list(rows_of(prefix, values)) for prefix in prefixes}


# --- 2–5 --------------------------------------------------------------------------------------------------------------


async def _requests(request: AnyRequest, reader: Reading, shown: Shown) -> Response[str]:
    return await part_page(
        "regulation/requests.html",
        request,
        reader,
        shown,
        section="requests",
        field_of=request_field_of,
        rows=_rows(shown.values, "reminder"),
        asked=options({name: REQUIRED_FIELDS[name] for name in REQUEST_FIELDS}, reader.language),
        on_dispute=options(ON_DISPUTE, reader.language),
    )


REQUESTS_PART: Final = Part(REQUESTS, request_values, requests_filled, _requests)


@get(REQUESTS, guards=[LOOK])
async def requests_page(request: AnyRequest) -> Response[Any]:
    """What a request tells, its number, reminders, dispute and closing."""
    return await show(request, REQUESTS_PART)


@post(REQUESTS, guards=[CHANGE], status_code=303)
async def save_requests(request: AnyRequest) -> Response[Any]:
    """Save what a request tells and how it ends."""
    return await take(request, REQUESTS_PART)


# --- 6 ----------------------------------------------------------------------------------------------------------------


async def deadlines(
    request: AnyRequest, reader: Reading, shown: Shown, *, code: str = "", code_error: str = ""
) -> Response[str]:
    """The page of the deadlines; `code` is what was typed for one more priority, with what is wrong with it."""
    language, document = reader.language, shown.document
    _version, before = await newest()
    owners = ("registration", *(one.code for one in document.priorities))
    return await part_page(
        "regulation/draft.html",
        request,
        reader,
        shown,
        section="deadlines",
        field_of=deadline_field_of,
        opened=await open_by_priority(),
        priorities=sorted(document.priorities, key=lambda one: one.rank),
        published={one.code for one in before.priorities},
        steps={owner: [name(owner, row) for row in step_rows_of(owner, shown.values)] for owner in owners},
        codes=[(one.code, one.code) for one in document.priorities if not one.retired],
        step_when=options(WHEN, language),
        step_who=options(WHO, language),
        colours=options(COLOURS, language),
        colleagues=[(email, f"{name}, {email}") for email, name in await names_of_colleagues()],
        teams=", ".join(f"{TEAM}{one.code}" for one in await teams(ended=False)),
        on_priority_change=options(ON_PRIORITY_CHANGE, language),
        code=code,
        code_error=code_error,
    )


DEADLINES_PART: Final = Part(DEADLINES, deadline_values, deadlines_filled, deadlines)


@post(DEADLINES, guards=[CHANGE], status_code=303)
async def save_deadlines(request: AnyRequest) -> Response[Any]:
    """Save priorities, targets, steps, registration and quiet hours."""
    return await take(request, DEADLINES_PART)


# --- 6.3, 7.7 ---------------------------------------------------------------------------------------------------------


async def _levels(request: AnyRequest, reader: Reading, shown: Shown) -> Response[str]:
    priorities = sorted(shown.document.priorities, key=lambda one: one.rank)
    return await part_page(
        "regulation/levels.html",
        request,
        reader,
        shown,
        section="levels",
        field_of=level_field_of,
        rows=_rows(shown.values, "level"),
        usual={one.code: said_target(one.target, reader.language) for one in priorities},
        priority_names=[(one.code, one.name.to(reader.language)) for one in priorities],
    )


LEVELS_PART: Final = Part(LEVELS, level_values, levels_filled, _levels)


@get(LEVELS, guards=[LOOK])
async def levels_page(request: AnyRequest) -> Response[Any]:
    """The service levels with their targets."""
    return await show(request, LEVELS_PART)


@post(LEVELS, guards=[CHANGE], status_code=303)
async def save_levels(request: AnyRequest) -> Response[Any]:
    """Save the service levels."""
    return await take(request, LEVELS_PART)


# --- 7 ----------------------------------------------------------------------------------------------------------------


async def _talk(request: AnyRequest, reader: Reading, shown: Shown) -> Response[str]:
    language = reader.language
    return await part_page(
        "regulation/talk.html",
        request,
        reader,
        shown,
        section="talk",
        field_of=talk_field_of,
        rows=_rows(shown.values, "canned", "reason"),
        types=[(one, FILE_TYPES[one]) for one in TYPES],
        archives=[(one, FILE_TYPES[one]) for one in ARCHIVES],
        taken=options(TAKEN, language),
        brakes=[(name, translate(language, said)) for name, said in BRAKES.items()],
        counts_from=options(COUNTS_FROM, language),
    )


TALK_PART: Final = Part(TALK, talk_values, talk_filled, _talk)


@get(TALK, guards=[LOOK])
async def talk_page(request: AnyRequest) -> Response[Any]:
    """Brakes, files, standard answers and reasons."""
    return await show(request, TALK_PART)


@post(TALK, guards=[CHANGE], status_code=303)
async def save_talk(request: AnyRequest) -> Response[Any]:
    """Save brakes, files, standard answers and reasons."""
    return await take(request, TALK_PART)


PART_PAGES: Final = (
    requests_page, save_requests, save_deadlines, levels_page, save_levels, talk_page, save_talk,
)  # fmt: skip
