"""Which time a report speaks of, read from its address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from admin.reading import AnyRequest
from service.compliance import first_of_months

MONTHS: Final = (1, 3, 6, 12, 24)
DEFAULT: Final = 6


def months_of(request: AnyRequest) -> int:
    """How many months up to now, this one included."""
    asked = request.query_params.get("months", "")
    return int(asked) if asked in {str(one) for one in MONTHS} else DEFAULT


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in the zone of the centre, the last one included."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def since(self) -> datetime:
        return datetime.combine(self.first, time(), self.zone)

    @property
    def until(self) -> datetime:
        """The instant at which the period is over."""
        return datetime.combine(self.last + timedelta(days=1), time(), self.zone)


def period_of(request: AnyRequest, *, at: datetime, zone: ZoneInfo) -> Period:
    """The days asked for by `from` and `until`; without them the current month. Days of nonsense are left out."""
    today = at.astimezone(zone).date()
    first = _day(request.query_params.get("from", "")) or today.replace(day=1)
    last = _day(request.query_params.get("until", "")) or max(today, first)
    return Period(min(first, last), max(first, last), zone)


def month_of(word: str, *, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """The first instant of a month such as `2026-05`, and of the one after it; None for nonsense."""
    first = _day(f"{word}-01")
    if first is None:
        return None
    after = (first + timedelta(days=32)).replace(day=1)
    return datetime.combine(first, time(), zone), datetime.combine(after, time(), zone)


def months_until(months: int, *, at: datetime, zone: ZoneInfo) -> Iterator[str]:
    """So many months up to now, such as `2026-05`, the latest first."""
    day = at.astimezone(zone).date().replace(day=1)
    for _month in range(months):
        yield f"{day:%Y-%m}"
        day = (day - timedelta(days=1)).replace(day=1)


def since_of(months: int, *, at: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the first of so many months."""
    return first_of_months(months, at=at, zone=zone.key)


def _day(word: str) -> date | None:
    try:
        day = date.fromisoformat(word) if len(word) == 10 else None
    except ValueError:
        return None
    return day if day and 2000 <= day.year < 2100 else None
