"""The form of an absence: whole days in the zone of the centre, the last one included."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from admin.pages import Reading
from service import staffing
from service.actors import Actor
from service.staffing import Person
from service.whole_numbers import whole_number
from workflow.errors import FieldError, WrongFields
from workflow.words import _

YEARS = range(1970, 9000)  # what every zone can tell, and nobody is away longer


async def save_absence(user: int, typed: Mapping[str, str], *, reader: Reading, by: Actor) -> None:
    """From when until when somebody is away, and who is told meanwhile. Raises NotFound and WrongFields."""
    first, until = _days(typed, reader.zone)
    await staffing.set_absence(
        user, first=first, until=until, by=by, at=reader.at,
        deputy=whole_number(typed.get("deputy", "")),
    )  # fmt: skip


async def absence_values(person: Person, reader: Reading) -> dict[str, object]:
    """What the form shows of a person: the first and the last day, and who may stand in."""
    everybody = await staffing.people(at=reader.at)
    last = person.absent_until - timedelta(days=1) if person.absent_until else None
    return {
        "first": _day_of(person.absent_from, reader.zone),
        "last": _day_of(last, reader.zone),
        "deputies": [(str(one.id), one.name) for one in everybody if one.active and one.id != person.id],
    }


def _days(typed: Mapping[str, str], zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    first, last = [_typed_day(name, typed[name]) if typed.get(name) else None for name in ("from", "until")]
    until = last + timedelta(days=1) if last else None
    return (
        datetime.combine(first, time(), zone) if first else None,
        datetime.combine(until, time(), zone) if until else None,
    )


def _typed_day(name: str, word: str) -> date:
    with suppress(ValueError):
        day = date.fromisoformat(word)
        if day.year in YEARS:
            return day
    raise WrongFields([FieldError(name, _("Write the day as 2026-05-18."), {})])


def _day_of(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).date().isoformat() if moment else ""
