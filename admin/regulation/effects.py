"""What each setting does, as sentences made from the data: worked out for somebody who comes at this very moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from admin.regulation.clock_effects import clock_effects
from admin.regulation.telling import Opened, Telling
from service.correspondence import REQUIRED_FIELDS
from service.regulation_text import FILE_TYPES
from service.regulation_words import said_moment, said_number, said_size, said_week
from service.words import Language, clock_time, ngettext, number
from workflow.calendar import CalendarError, Day, day_of
from workflow.regulation import Rulebook
from workflow.words import _
from workflow.working_calendar import Target

EIGHT_HOURS: Final = Target("working_minutes", 8 * 60)

Effects = Mapping[str, tuple[str, ...]]
Lines = Iterator[tuple[str, Iterable[str]]]


def effects(rules: Rulebook, language: Language, *, at: datetime, opened: Opened) -> Effects:
    """By setting, what it does to somebody who comes at `at`."""
    telling = Telling(rules, language, at=at, opened=opened)
    parts = (_calendar(telling), _requests(telling), clock_effects(telling), _talk(telling))
    return {name: tuple(said for said in lines if said) for part in parts for name, lines in part}


# --- 1: the calendar --------------------------------------------------------------------------------------------------


def _calendar(telling: Telling) -> Lines:
    calendar, language = telling.regulation.calendar, telling.language
    days = list(_days_of_this_year(telling))
    yield "week", [*said_week(calendar.week, language), _open_now(telling)]
    local = clock_time(language, telling.at, zone=telling.calendar.zone)
    yield "zone", [telling.t(_("By this zone it is {time} now."), time=local)]
    yield (
        "variant",
        [
            ngettext(
                language,
                "This year {n} day is off because it was declared non-working.",
                "This year {n} days are off because they were declared non-working.",
                sum(day.why == "special" for day in days),
            )
        ],
    )
    yield (
        "shortened",
        [
            ngettext(
                language,
                "This year {n} day closes an hour earlier.",
                "This year {n} days close an hour earlier.",
                sum(day.why == "shortened" for day in days),
            )
        ],
    )


def _open_now(telling: Telling) -> str:
    try:
        opens = telling.calendar.next_opening(telling.at)
    except CalendarError as wrong:
        return telling.t(wrong.sentence, **wrong.params)
    if opens == telling.at:
        said = telling.t(_("The centre is open now."))
    else:
        moment = said_moment(opens, telling.regulation, telling.language)
        said = telling.t(_("The centre is closed now and opens on {moment}."), moment=moment)
    ends = telling.t(_("Eight working hours from now end on {due}."), due=telling.due(EIGHT_HOURS))
    return f"{said} {ends}"


def _days_of_this_year(telling: Telling) -> Iterator[Day]:
    on = telling.at.astimezone(telling.calendar.zone).date().replace(month=1, day=1)
    year = on.year
    while on.year == year:
        try:
            yield day_of(telling.regulation.calendar, on)
        except CalendarError:
            return
        on += timedelta(days=1)


# --- 2–5: requests ----------------------------------------------------------------------------------------------------


def _requests(telling: Telling) -> Lines:
    regulation = telling.regulation
    yield "title", [telling.t(_("The public page is headed “{title}”."), title=regulation.title.to(telling.language))]
    yield "required_fields", [_required(telling)]
    example = said_number(regulation, year=telling.at.year)
    yield "number_format", [telling.t(_("A number looks like this: {example}."), example=example) if example else ""]
    yield "reminders", [_reminders(telling)]
    yield "auto_close", [
        telling.t(
            _("Silence closes after {target}: a ticket completed now closes by itself on {due}."),
            target=telling.said(regulation.auto_close), due=telling.due(regulation.auto_close),
        )
    ]  # fmt: skip
    minutes = ngettext(telling.language, "{n} minute", "{n} minutes", regulation.minimum_minutes)
    yield "minimum_minutes", [telling.t(_("An answer that took less books {minutes}."), minutes=minutes)]


def _required(telling: Telling) -> str:
    asked = [telling.t(REQUIRED_FIELDS[one]) for one in telling.regulation.required_fields if one in REQUIRED_FIELDS]
    if not asked:
        return telling.t(_("Nothing is asked for: no request counts as incomplete."))
    return telling.t(_("Whoever leaves any of this out is asked for it: {facts}."), facts=", ".join(asked))


def _reminders(telling: Telling) -> str:
    after = telling.regulation.reminders.after
    if not after:
        return telling.t(_("Nobody is reminded: a question waits until it is answered."))
    moments = "; ".join(telling.due(target) for target in after)
    return telling.t(_("A question asked now is recalled on {moments}."), moments=moments)


# --- 7: talking to each other -----------------------------------------------------------------------------------------


def _talk(telling: Telling) -> Lines:
    regulation = telling.regulation
    yield "brakes", [_brakes(telling)]
    yield "files", _files(telling)
    yield "level_by_address", [_by_address(telling)]
    yield "canned", _canned(telling)
    yield (
        "reasons",
        [
            ngettext(
                telling.language,
                "Whoever puts a solution off has {n} reason to give:",
                "Whoever puts a solution off chooses among {n} reasons:",
                len(regulation.postponement_reasons),
            ),
            *(one.name.to(telling.language) for one in regulation.postponement_reasons),
        ],
    )


def _brakes(telling: Telling) -> str:
    brakes = telling.regulation.brakes
    most = min(brakes.per_sender_10_minutes, brakes.per_sender_day, brakes.overall_10_minutes)
    return ngettext(
        telling.language,
        "A machine that writes {many} times in ten minutes gets {n} letter back; its requests are all taken.",
        "A machine that writes {many} times in ten minutes gets {n} letters back; its requests are all taken.",
        most,
        many=number(telling.language, most + 10),
    )


def _files(telling: Telling) -> Iterator[str]:
    files = telling.regulation.attachments
    if files.allowed:
        size = said_size(files.largest_bytes, telling.language)
        yield telling.t(_("Taken up to {size}: {types}."), size=size, types=_types(files.allowed))
    else:
        yield telling.t(_("No file is taken as it is."))
    if files.in_archives and files.archives:
        yield telling.t(
            _("Taken inside {archives} only: {types}."),
            archives=_types(files.archives), types=_types(files.in_archives),
        )  # fmt: skip
    yield telling.t(_("Anything else is named to its sender as not taken."))


def _by_address(telling: Telling) -> str:
    if not telling.regulation.level_by_address:
        return telling.t(_("A mail is served without the level of its contract; a request from the cabinet has it."))
    names = ", ".join(one.name.to(telling.language) for one in telling.regulation.service_levels)
    return telling.t(_("A mail from a known address is served at the level of its contract: {levels}."), levels=names)


def _canned(telling: Telling) -> Iterator[str]:
    for one in telling.regulation.canned_answers:
        yield f"{one.title.to(telling.language)}: {one.text.to(telling.language)}"
    if not telling.regulation.canned_answers:
        yield telling.t(_("There is no standard answer to insert."))


def _types(types: Iterable[str]) -> str:
    return ", ".join(FILE_TYPES.get(one, one) for one in types)
