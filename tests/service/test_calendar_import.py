"""Years that come from outside, and the second opinion on our own."""

from datetime import date, timedelta

import msgspec
import pytest
from holidays.countries.russia import RU

from service.calendar_import import with_years, year_from_holidays, years_from_file
from workflow.calendar import BadCalendar, YearCalendar, diff_calendars, load_default_calendar
from workflow.working_calendar import WorkingCalendar

RUSSIAN = load_default_calendar()


@pytest.mark.parametrize("year", range(2016, 2028))
def test_the_library_agrees_on_every_day(year: int) -> None:
    calendar, library = WorkingCalendar(RUSSIAN), RU(years=year)
    on = date(year, 1, 1)
    while on.year == year:
        assert bool(calendar.day(on).intervals) == library.is_working_day(on), on
        on += timedelta(days=1)


@pytest.mark.parametrize("year", range(2016, 2028))
def test_a_year_of_the_library_changes_no_day_and_keeps_the_shortened_ones(year: int) -> None:
    strict = msgspec.structs.replace(RUSSIAN, shortened="minus_1h", variant="with_special")
    assert diff_calendars(strict, with_years(strict, (year_from_holidays(year),))) == []


def test_a_year_whose_transfers_nobody_knows_is_refused() -> None:
    with pytest.raises(BadCalendar, match="2031"):
        year_from_holidays(2031)


def test_a_missing_year_comes_back_as_a_difference_to_accept() -> None:
    without = msgspec.structs.replace(RUSSIAN, years=RUSSIAN.years[:-1])
    proposed = with_years(without, (year_from_holidays(2027),))
    found = diff_calendars(without, proposed)
    assert len(found) == 365
    assert [year.year for year in proposed.years] == list(range(2016, 2028))
    assert without.missing_year(date(2026, 10, 1)) == 2027
    assert proposed.missing_year(date(2026, 10, 1)) is None


@pytest.mark.parametrize("shape", ["year", "years", "calendar"])
def test_a_file_may_hold_a_year_or_years_or_a_calendar(shape: str) -> None:
    year = RUSSIAN.years[3]
    whole = msgspec.structs.replace(RUSSIAN, years=(year,))
    document = {"year": year, "years": [year], "calendar": whole}[shape]
    assert years_from_file(msgspec.json.encode(document), "en") == (year,)


@pytest.mark.parametrize("data", [b"", b"{}", b"5", b"\xff", b'{"year": 2028, "holiday": []}', b"[" * 100_000])
def test_a_file_that_is_no_calendar_says_so(data: bytes) -> None:
    with pytest.raises(BadCalendar, match="not a calendar"):
        years_from_file(data, "en")


def test_a_year_from_a_file_replaces_ours_whole() -> None:
    bare = YearCalendar(2026)
    assert with_years(RUSSIAN, (bare,)).years[10] == bare
