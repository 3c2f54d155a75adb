"""Deadlines on the working calendar: the worked cases, and the edges that calculators get wrong."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from workflow.calendar import Hours, Shortened, Variant
from workflow.working_calendar import (
    BadAmount,
    BadCalendar,
    BadTimestamp,
    Calendar,
    CalendarError,
    CalendarOutOfRange,
    Counted,
    Day,
    Interval,
    NaiveTimestamp,
    Skipped,
    SpecialDay,
    Target,
    Week,
    WorkingCalendar,
    YearCalendar,
    diff_calendars,
    load_default_calendar,
    parse_instant,
)

CASES = [json.loads(line) for line in (Path(__file__).parent / "deadline_cases.jsonl").read_text().splitlines()]
RUSSIAN = load_default_calendar()
RU = WorkingCalendar(RUSSIAN)
MOSCOW = ZoneInfo("Europe/Moscow")
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def hours(*pairs: str) -> Hours:
    return tuple(Interval(*pair.split("-")) for pair in pairs)


def every_day(*pairs: str) -> Week:
    day = hours(*pairs)
    return Week(day, day, day, day, day, day, day)


def five_days(*pairs: str) -> Week:
    day = hours(*pairs)
    return Week(day, day, day, day, day)


def a_calendar(
    zone: str = "Europe/Moscow",
    week: Week | None = None,
    years: tuple[int, ...] = (2024, 2025, 2026),
    **given: object,
) -> Calendar:
    plain = tuple(YearCalendar(year) for year in years)
    return msgspec.structs.replace(
        Calendar("test", zone, five_days("09:00-18:00") if week is None else week, plain), **given
    )


def moscow(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=MOSCOW)


def of_case(case: dict[str, object]) -> Calendar:
    changes: dict[str, object] = {name: case[name] for name in ("variant", "shortened") if name in case}
    if "hours" in case:
        day = msgspec.convert(case["hours"], Hours)
        changes["week"] = Week(day, day, day, day, day)
    if "overrides" in case:
        changes["overrides"] = msgspec.convert(case["overrides"], dict[date, Hours])
    return msgspec.structs.replace(RUSSIAN, **changes) if changes else RUSSIAN


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_worked_case_comes_out_to_the_microsecond(case: dict[str, object]) -> None:
    calendar = of_case(case)
    target = Target(case["kind"], case["amount"], case.get("day_mode", "same_time"))
    working = RU if calendar is RUSSIAN else WorkingCalendar(calendar)
    if "error" in case:
        with pytest.raises(CalendarError) as refusal:
            working.deadline(parse_instant(case["start"]), target)
        assert refusal.value.code == case["error"]
    else:
        assert working.deadline(parse_instant(case["start"]), target) == parse_instant(case["expected"])


def test_the_snapshot_round_trips_and_has_nothing_to_mend() -> None:
    assert msgspec.json.decode(msgspec.json.encode(RUSSIAN), type=Calendar) == RUSSIAN
    assert RUSSIAN.problems() == []
    assert [year.year for year in RUSSIAN.years] == list(range(2016, 2028))
    assert RUSSIAN.years[0].decree.number == "1017"


@pytest.mark.parametrize(
    ("on", "why", "open_at_all"),
    [
        ("2024-04-27", "transferred_working", True),
        ("2024-11-02", "transferred_working", True),
        ("2024-12-28", "transferred_working", True),
        ("2025-11-01", "transferred_working", True),
        ("2027-02-20", "transferred_working", True),
        ("2025-12-31", "transferred_off", False),
        ("2019-12-31", "ordinary", True),
        ("2026-01-01", "holiday", False),
        ("2026-05-09", "holiday", False),
        ("2026-05-11", "transferred_off", False),
        ("2026-11-21", "weekend", False),
        ("2020-04-01", "ordinary", True),
        ("2026-11-03", "ordinary", True),
    ],
)
def test_a_date_says_why_it_is_what_it_is(on: str, why: str, open_at_all: bool) -> None:
    day = RU.day(date.fromisoformat(on))
    assert (day.why, bool(day.intervals)) == (why, open_at_all)


def test_nothing_to_count_is_due_at_the_start_even_at_night() -> None:
    night = moscow("2026-11-22T03:00")
    assert RU.add(night, timedelta(0)) == night


def test_a_full_day_ends_at_the_closing_and_never_at_the_next_opening() -> None:
    assert RU.add(moscow("2026-11-23T10:00"), 8 * HOUR) == moscow("2026-11-23T18:00")
    assert RU.days_due(moscow("2026-11-23T09:00"), 1) == moscow("2026-11-23T18:00")


def test_the_closing_instant_counts_from_the_next_opening() -> None:
    assert RU.add(moscow("2026-11-23T18:00"), MINUTE) == moscow("2026-11-24T09:01")
    assert RU.add(moscow("2026-11-23T17:59:59.999999"), MINUTE) == moscow("2026-11-24T09:00:59.999999")


def test_open_and_next_opening_are_half_open() -> None:
    assert RU.is_open(moscow("2026-11-23T09:00"))
    assert not RU.is_open(moscow("2026-11-23T18:00"))
    assert not RU.is_open(moscow("2026-11-22T12:00"))
    assert RU.next_opening(moscow("2026-11-23T12:00")) == moscow("2026-11-23T12:00")
    assert RU.next_opening(moscow("2026-11-23T18:00")) == moscow("2026-11-24T09:00")
    assert RU.next_opening(moscow("2026-11-20T18:00")) == moscow("2026-11-23T09:00")


def test_calendar_minutes_pass_whatever_the_calendar_knows() -> None:
    assert RU.deadline(moscow("2040-01-01T00:00"), Target("calendar_minutes", 1440)) == moscow("2040-01-02T00:00")


class TestSeveralIntervals:
    calendar = WorkingCalendar(a_calendar(week=five_days("14:00-18:00", "09:00-13:00")))

    def test_the_break_is_not_working_time(self) -> None:
        assert self.calendar.add(moscow("2026-11-23T12:30"), HOUR) == moscow("2026-11-23T14:30")
        assert self.calendar.add(moscow("2026-11-23T12:30"), HOUR / 2) == moscow("2026-11-23T13:00")

    def test_a_target_in_the_break_goes_back_to_its_beginning(self) -> None:
        assert self.calendar.days_due(moscow("2026-11-23T13:30"), 1) == moscow("2026-11-24T13:00")

    def test_a_full_day_is_eight_hours_then(self) -> None:
        assert self.calendar.days_due(moscow("2026-11-23T13:30"), 1, "hours9") == moscow("2026-11-24T13:00")

    def test_an_hour_less_is_taken_from_the_evening(self) -> None:
        year = YearCalendar(2026, shortened=(date(2026, 11, 23), date(2026, 11, 24)))
        split = a_calendar(week=five_days("09:00-13:00", "17:30-18:00"), years=(), shortened="minus_1h")
        short = WorkingCalendar(msgspec.structs.replace(split, years=(year,)))
        assert short.day(date(2026, 11, 23)) == Day(hours("09:00-13:00"), "shortened")
        assert short.day(date(2026, 11, 25)) == Day(hours("09:00-13:00", "17:30-18:00"), "ordinary")


class TestShortenedDays:
    @pytest.mark.parametrize(("rule", "closing"), [("full", "18:00"), ("minus_1h", "17:00")])
    def test_the_rule_decides_when_they_close(self, rule: Shortened, closing: str) -> None:
        calendar = WorkingCalendar(msgspec.structs.replace(RUSSIAN, shortened=rule))
        assert calendar.day(date(2026, 11, 3)).intervals == hours(f"09:00-{closing}")

    def test_a_shortened_working_saturday_closes_early_too(self) -> None:
        calendar = WorkingCalendar(msgspec.structs.replace(RUSSIAN, shortened="minus_1h"))
        assert calendar.day(date(2016, 2, 20)) == Day(hours("09:00-17:00"), "shortened")

    def test_full_days_worth_ignores_the_missing_hour(self) -> None:
        calendar = WorkingCalendar(msgspec.structs.replace(RUSSIAN, shortened="minus_1h"))
        assert calendar.days_due(moscow("2026-11-03T09:00"), 1, "hours9") == moscow("2026-11-05T10:00")


@pytest.mark.parametrize(("variant", "is_open"), [("statutory", True), ("with_special", False)])
def test_the_presidents_days_are_off_only_when_asked(variant: Variant, is_open: bool) -> None:
    calendar = WorkingCalendar(msgspec.structs.replace(RUSSIAN, variant=variant))
    assert calendar.is_open(moscow("2020-04-01T12:00")) is is_open
    assert calendar.day(date(2020, 4, 1)).why == ("ordinary" if is_open else "special")


class TestPrecedenceOfADay:
    def test_the_owner_wins_over_the_production_calendar(self) -> None:
        own = {date(2026, 1, 1): hours("10:00-12:00"), date(2026, 11, 23): ()}
        calendar = WorkingCalendar(msgspec.structs.replace(RUSSIAN, overrides=own))
        assert calendar.day(date(2026, 1, 1)) == Day(hours("10:00-12:00"), "override")
        assert calendar.day(date(2026, 11, 23)) == Day((), "override")
        assert calendar.add(moscow("2026-11-23T10:00"), HOUR) == moscow("2026-11-24T10:00")

    def test_the_owner_wins_over_a_shortened_day(self) -> None:
        own = {date(2026, 11, 3): hours("09:00-18:00")}
        calendar = WorkingCalendar(msgspec.structs.replace(RUSSIAN, overrides=own, shortened="minus_1h"))
        assert calendar.day(date(2026, 11, 3)) == Day(hours("09:00-18:00"), "override")

    def test_a_holiday_closes_a_desk_that_works_on_saturdays(self) -> None:
        calendar = WorkingCalendar(msgspec.structs.replace(RUSSIAN, week=every_day("10:00-16:00")))
        assert calendar.day(date(2026, 5, 9)) == Day((), "holiday")
        assert calendar.day(date(2026, 5, 16)) == Day(hours("10:00-16:00"), "ordinary")

    def test_a_working_saturday_has_the_hours_of_the_first_working_weekday(self) -> None:
        week = Week(mon=hours("09:00-18:00"), fri=hours("09:00-16:45"))
        calendar = WorkingCalendar(msgspec.structs.replace(RUSSIAN, week=week))
        assert calendar.day(date(2025, 11, 1)) == Day(hours("09:00-18:00"), "transferred_working")

    def test_a_closed_saturday_override_next_to_an_unknown_year_is_known(self) -> None:
        own = {date(2028, 1, 1): (), date(2028, 1, 2): hours("09:00-18:00")}
        calendar = WorkingCalendar(msgspec.structs.replace(RUSSIAN, overrides=own))
        assert calendar.add(moscow("2027-12-30T17:00"), 2 * HOUR) == moscow("2028-01-02T10:00")
        with pytest.raises(CalendarOutOfRange):
            calendar.add(moscow("2027-12-30T17:00"), 10 * HOUR + MINUTE)


class TestUnknownYears:
    def test_the_last_closing_can_still_be_reached(self) -> None:
        last = moscow("2027-12-30T18:00")
        assert RU.add(moscow("2027-12-30T17:00"), HOUR) == last

    def test_a_microsecond_more_is_an_error_with_a_year(self) -> None:
        with pytest.raises(CalendarOutOfRange, match="2028") as refusal:
            RU.add(moscow("2027-12-30T17:00"), HOUR + timedelta(microseconds=1))
        assert (refusal.value.code, refusal.value.year) == ("calendar_out_of_range", 2028)

    def test_a_start_before_the_first_year_is_an_error_by_the_calendars_own_date(self) -> None:
        assert RU.add(datetime(2015, 12, 31, 21, tzinfo=UTC), HOUR) == moscow("2016-01-11T10:00")
        with pytest.raises(CalendarOutOfRange, match="2015"):
            RU.add(datetime(2015, 12, 31, 20, 59, tzinfo=UTC), HOUR)

    def test_a_start_after_the_last_year_is_an_error_for_every_question(self) -> None:
        after = moscow("2028-01-10T10:00")
        for ask in (RU.is_open, RU.next_opening, lambda at: RU.days_due(at, 1), lambda at: RU.add(at, HOUR)):
            with pytest.raises(CalendarOutOfRange, match="2028"):
                ask(after)

    @pytest.mark.parametrize("amount", [10**6, 10**12, 10**30])
    def test_an_endless_amount_is_out_of_range(self, amount: int) -> None:
        for kind in ("working_minutes", "working_days"):
            with pytest.raises(CalendarOutOfRange):
                RU.deadline(moscow("2027-06-01T10:00"), Target(kind, amount))
        with pytest.raises(CalendarOutOfRange):
            RU.days_due(moscow("2027-06-01T10:00"), amount, "hours9")
        with pytest.raises(CalendarOutOfRange):
            RU.add(moscow("2027-06-01T10:00"), timedelta.max)

    def test_a_gap_between_years_is_never_bridged(self) -> None:
        calendar = WorkingCalendar(a_calendar(years=(2024, 2026)))
        assert calendar.add(moscow("2026-01-01T08:00"), HOUR) == moscow("2026-01-01T10:00")
        with pytest.raises(CalendarOutOfRange, match="2025"):
            calendar.add(moscow("2024-12-31T17:30"), HOUR)
        with pytest.raises(CalendarOutOfRange, match="2025"):
            calendar.between(moscow("2024-12-31T10:00"), moscow("2026-01-01T10:00"))
        with pytest.raises(CalendarOutOfRange, match="2025"):
            calendar.day(date(2025, 6, 1))

    def test_the_alarm_names_the_year_to_load_from_october_on(self) -> None:
        assert RUSSIAN.missing_year(date(2027, 9, 30)) is None
        assert RUSSIAN.missing_year(date(2027, 10, 1)) == 2028
        assert RUSSIAN.missing_year(date(2026, 12, 31)) is None
        assert RUSSIAN.missing_year(date(2028, 1, 1)) == 2028


class TestRefusals:
    def test_a_naive_start_is_refused_everywhere(self) -> None:
        naive = datetime(2026, 11, 23, 10)  # noqa: DTZ001
        for ask in (RU.is_open, RU.next_opening, lambda at: RU.add(at, HOUR), lambda at: RU.between(at, at)):
            with pytest.raises(NaiveTimestamp):
                ask(naive)

    @pytest.mark.parametrize("kind", ["working_minutes", "working_days", "calendar_minutes"])
    @pytest.mark.parametrize("amount", [-1, True, 1.0, 240.5, "240", None])
    def test_an_amount_is_a_whole_number(self, kind: str, amount: object) -> None:
        with pytest.raises(BadAmount):
            RU.deadline(moscow("2026-11-23T10:00"), Target(kind, amount))

    @pytest.mark.parametrize("mode", ["same_time", "end_of_day", "end_of_day_effective", "hours9"])
    def test_no_day_at_all_is_not_a_number_of_days(self, mode: str) -> None:
        with pytest.raises(BadAmount):
            RU.days_due(moscow("2026-11-23T10:00"), 0, mode)

    def test_working_time_does_not_run_backwards(self) -> None:
        with pytest.raises(BadAmount):
            RU.add(moscow("2026-11-23T10:00"), -MINUTE)

    def test_the_clock_itself_has_an_end(self) -> None:
        with pytest.raises(BadAmount):
            RU.deadline(moscow("2026-11-23T10:00"), Target("calendar_minutes", 10**30))
        with pytest.raises(BadTimestamp):
            RU.add(datetime(1, 1, 1, tzinfo=MOSCOW), HOUR)

    @pytest.mark.parametrize(
        "text", ["", "tomorrow", "2025-02-29T10:00:00+03:00", "2016-12-31T23:59:60Z", "2026-11-23x10:00:00Z", None, 5]
    )
    def test_what_is_no_time_is_called_so(self, text: object) -> None:
        with pytest.raises(BadTimestamp):
            parse_instant(text)

    def test_a_time_without_a_zone_is_called_so(self) -> None:
        with pytest.raises(NaiveTimestamp):
            parse_instant("2026-11-23T10:00:00")


class TestDayModes:
    def test_out_of_hours_receipt_matters_only_to_the_effective_mode(self) -> None:
        saturday = moscow("2026-11-21T12:00")
        assert RU.days_due(saturday, 1, "end_of_day") == moscow("2026-11-23T18:00")
        assert RU.days_due(saturday, 1, "end_of_day_effective") == moscow("2026-11-24T18:00")

    def test_the_date_of_receipt_is_the_calendars_own(self) -> None:
        monday_in_moscow = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)
        assert RU.days_due(monday_in_moscow, 1, "end_of_day") == moscow("2026-11-24T18:00")

    def test_the_same_time_of_day_skips_the_days_off(self) -> None:
        assert RU.days_due(moscow("2026-04-30T16:30"), 5) == moscow("2026-05-08T16:30")

    def test_a_short_target_day_sends_the_deadline_back_to_its_closing(self) -> None:
        own = {date(2026, 11, 24): hours("10:00-16:00")}
        calendar = WorkingCalendar(msgspec.structs.replace(RUSSIAN, overrides=own))
        assert calendar.days_due(moscow("2026-11-23T17:00"), 1) == moscow("2026-11-24T16:00")
        assert calendar.days_due(moscow("2026-11-23T09:30"), 1) == moscow("2026-11-23T18:00")

    def test_full_days_need_opening_hours(self) -> None:
        with pytest.raises(BadCalendar):
            WorkingCalendar(a_calendar(week=Week())).days_due(moscow("2026-11-23T10:00"), 1, "hours9")


class TestClockChanges:
    """Zones that change their clocks: UTC instants decide, never the difference of wall-clock times."""

    def test_moscow_was_an_hour_further_from_2011_to_2014(self) -> None:
        calendar = WorkingCalendar(a_calendar(years=(2014,)))
        assert calendar.next_opening(datetime(2014, 10, 24, tzinfo=UTC)) == datetime(2014, 10, 24, 5, tzinfo=UTC)
        assert calendar.next_opening(datetime(2014, 10, 27, tzinfo=UTC)) == datetime(2014, 10, 27, 6, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("zone", "spring", "autumn"),
        [
            ("Europe/Berlin", "2026-03-29", "2026-10-25"),
            ("America/New_York", "2026-03-08", "2026-11-01"),
        ],
    )
    def test_a_whole_day_has_23_or_25_hours(self, zone: str, spring: str, autumn: str) -> None:
        calendar = WorkingCalendar(a_calendar(zone, every_day("00:00-24:00")))
        for on, length in ((spring, 23), (autumn, 25)):
            begins = datetime.fromisoformat(on).replace(tzinfo=ZoneInfo(zone))
            ends = begins + timedelta(days=1)  # wall clock
            assert calendar.between(begins, ends) == length * HOUR
            assert calendar.add(begins, length * HOUR) == ends

    def test_lord_howe_moves_by_half_an_hour(self) -> None:
        zone = ZoneInfo("Australia/Lord_Howe")
        calendar = WorkingCalendar(a_calendar("Australia/Lord_Howe", every_day("01:00-03:00")))
        for on, length in ((date(2026, 4, 5), 2.5), (date(2026, 10, 4), 1.5)):
            begins = datetime(on.year, on.month, on.day, tzinfo=zone)
            assert calendar.between(begins, begins + timedelta(days=1)) == length * HOUR

    def test_hours_that_the_change_swallows_are_no_working_time(self) -> None:
        calendar = WorkingCalendar(a_calendar("Europe/Berlin", every_day("02:00-03:00", "10:00-11:00")))
        before = datetime(2026, 3, 29, 0, tzinfo=UTC)
        assert calendar.next_opening(before) == datetime(2026, 3, 29, 8, tzinfo=UTC)

    def test_hours_that_begin_in_the_gap_begin_at_the_change(self) -> None:
        calendar = WorkingCalendar(a_calendar("Europe/Berlin", every_day("02:30-05:00")))
        begins = datetime(2026, 3, 29, 0, tzinfo=UTC)
        assert calendar.next_opening(begins) == datetime(2026, 3, 29, 1, tzinfo=UTC)
        assert calendar.between(begins, begins + 12 * HOUR) == 2 * HOUR

    def test_hours_that_begin_twice_begin_the_first_time(self) -> None:
        calendar = WorkingCalendar(a_calendar("Europe/Berlin", every_day("02:30-05:00")))
        begins = datetime(2026, 10, 25, 0, tzinfo=UTC)
        assert calendar.next_opening(begins) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        assert calendar.between(begins, begins + 12 * HOUR) == 3.5 * HOUR

    def test_the_same_time_of_a_day_that_skips_it_is_the_moment_of_the_change(self) -> None:
        calendar = WorkingCalendar(a_calendar("Europe/Berlin", every_day("00:00-24:00")))
        start = datetime(2026, 3, 28, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
        assert calendar.days_due(start, 1) == datetime(2026, 3, 29, 1, tzinfo=UTC)

    def test_the_second_half_past_two_is_an_hour_after_the_first(self) -> None:
        calendar = WorkingCalendar(a_calendar("Europe/Berlin", every_day("00:00-24:00")))
        berlin = ZoneInfo("Europe/Berlin")
        first, second = (datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=berlin) for fold in (0, 1))
        assert calendar.between(first, second) == HOUR

    def test_a_date_that_a_country_skipped_is_no_working_day(self) -> None:
        calendar = WorkingCalendar(a_calendar("Pacific/Apia", every_day("09:00-18:00"), years=(2011, 2012)))
        thursday = datetime(2011, 12, 29, 12, tzinfo=ZoneInfo("Pacific/Apia"))
        assert calendar.days_due(thursday, 1) == datetime(2011, 12, 31, 12, tzinfo=ZoneInfo("Pacific/Apia"))


class TestExplanations:
    def test_the_may_holidays_are_named_and_the_sum_is_exact(self) -> None:
        start, due = moscow("2026-04-30T16:30:00.000001"), moscow("2026-05-05T10:00")
        found = RU.explain(start, due)
        assert found == [
            Counted(start.astimezone(UTC), moscow("2026-04-30T18:00").astimezone(UTC), "ordinary"),
            Skipped(date(2026, 5, 1), date(2026, 5, 1), "holiday"),
            Skipped(date(2026, 5, 2), date(2026, 5, 3), "weekend"),
            Counted(moscow("2026-05-04T09:00").astimezone(UTC), moscow("2026-05-04T18:00").astimezone(UTC), "ordinary"),
            Counted(moscow("2026-05-05T09:00").astimezone(UTC), due.astimezone(UTC), "ordinary"),
        ]
        counted = sum((part.amount for part in found if isinstance(part, Counted)), timedelta(0))
        assert counted == RU.between(start, due) == 11.5 * HOUR - timedelta(microseconds=1)

    def test_there_is_nothing_to_explain_backwards(self) -> None:
        assert RU.explain(moscow("2026-11-24T10:00"), moscow("2026-11-23T10:00")) == []


class TestProblems:
    @pytest.mark.parametrize(
        ("calendar", "sentence"),
        [
            (a_calendar(week=five_days("09:00-13:00", "12:00-18:00")), "mon: the hours 09:00–13:00 and 12:00–18:00"),
            (a_calendar(week=Week(tue=hours("18:00-09:00"))), "tue: the hours 18:00–09:00 end before they begin."),
            (a_calendar(week=Week(tue=hours("9-18"))), "tue: the hours are not times of day."),
            (a_calendar(zone="Europe/Nowhere"), "There is no time zone called Europe/Nowhere."),
            (a_calendar(zone="../etc"), "There is no time zone called ../etc."),
            (a_calendar(week=Week()), "No weekday has opening hours."),
            (a_calendar(years=()), "No year is loaded."),
            (a_calendar(years=(2024, 2026)), "The year 2025 has no calendar, though later years have."),
            (a_calendar(years=(2024, 2024)), "The year 2024 is there twice."),
            (a_calendar(overrides={date(2026, 1, 1): hours("12:00-10:00")}), "2026-01-01: the hours 12:00–10:00"),
            (a_calendar(overrides={date(9999, 12, 31): ()}), "The date 9999-12-31 is too far away"),
            (
                msgspec.structs.replace(a_calendar(), years=(YearCalendar(2026, holidays=(date(2025, 1, 1),)),)),
                "The date 2025-01-01 does not belong to the year 2026.",
            ),
            (
                msgspec.structs.replace(
                    a_calendar(),
                    years=(YearCalendar(2026, holidays=(date(2026, 1, 1),), working_weekends=(date(2026, 1, 1),)),),
                ),
                "The date 2026-01-01 is said to be off and working.",
            ),
        ],
    )
    def test_what_has_to_be_mended_is_a_sentence(self, calendar: Calendar, sentence: str) -> None:
        assert any(text.format(**params).startswith(sentence) for text, params in calendar.problems())

    def test_hours_that_overlap_are_never_counted_on(self) -> None:
        with pytest.raises(BadCalendar, match="overlap"):
            WorkingCalendar(a_calendar(week=five_days("09:00-13:00", "12:00-18:00")))

    def test_a_document_with_words_for_times_is_refused(self) -> None:
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(b'[["9:00", "18:00"]]', type=Hours)


class TestDifferences:
    def test_equal_calendars_do_not_differ(self) -> None:
        assert diff_calendars(RUSSIAN, RUSSIAN) == []

    def test_an_override_shows_the_day_before_and_after(self) -> None:
        new = msgspec.structs.replace(RUSSIAN, overrides={date(2026, 12, 30): ()})
        assert diff_calendars(RUSSIAN, new) == [
            (date(2026, 12, 30), Day(hours("09:00-18:00"), "ordinary"), Day((), "override"))
        ]

    def test_a_new_year_is_all_new_days(self) -> None:
        year = YearCalendar(2028, special=(SpecialDay(date(2028, 3, 1)),))
        found = diff_calendars(RUSSIAN, msgspec.structs.replace(RUSSIAN, years=(*RUSSIAN.years, year)))
        assert len(found) == 366
        assert all(before is None and after is not None for _, before, after in found)
