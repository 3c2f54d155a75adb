"""The passport: why a deadline is what it is, and a sum that is exact."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from workflow.passport import Passport, passport
from workflow.process import PROCESS
from workflow.working_calendar import CalendarOutOfRange, Interval, Skipped, Target

HOUR = timedelta(hours=1)


def of(ticket: Any) -> Passport:
    return passport(ticket.resolution, ticket.rulebooks[ticket.resolution.version])


def counted(made: Passport) -> list[tuple[Any, Any]]:
    return [(span.start, span.end) for span in made.counted]


def test_the_example_of_the_papers(life: Any, regulation: Any, at: Any) -> None:
    """29 April 16:10 on, a rest on the 30th while waiting for logs, the May holidays: due 4 May 11:10."""
    calendar = regulation().calendar
    short = msgspec.structs.replace(calendar, shortened="minus_1h")
    ticket = life(regulation(calendar=short), received="04-29 16:00").register("04-29 16:10", "P2")
    ticket.do("request_info", "04-30 10:00", minutes=30).do("resume", "04-30 14:00")
    made = of(ticket)
    assert made.due == at("05-04 11:10")
    assert counted(made) == [
        (at("04-29 16:10"), at("04-29 18:00")),
        (at("04-30 09:00"), at("04-30 10:00")),
        (at("04-30 14:00"), at("04-30 17:00")),
        (at("05-04 09:00"), at("05-04 11:10")),
    ]
    assert [span.why for span in made.counted] == ["ordinary", "shortened", "shortened", "ordinary"]
    assert made.skipped == (
        Skipped(date(2026, 5, 1), date(2026, 5, 1), "holiday"),
        Skipped(date(2026, 5, 2), date(2026, 5, 3), "weekend"),
    )
    assert made.total == 8 * HOUR
    assert (made.clock, made.priority, made.version, made.calendar) == ("resolution", "P2", 1, calendar.version)
    assert (made.origin, made.target) == (at("04-29 16:10"), Target("working_minutes", 480))


def test_a_rest_is_named_with_its_reason_and_by_whom(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("request_info", "02-02 10:00", minutes=30).do("resume", "02-02 12:00")
    (rest,) = of(ticket).paused
    assert (rest.start, rest.end) == (at("02-02 10:00"), at("02-02 12:00"))
    assert (rest.reason, rest.by) == (PROCESS.state("awaiting_customer").pause_reason, "Ivanova")


def test_while_the_clock_rests_the_passport_shows_how_it_stands(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("request_info", "02-02 10:00", minutes=30)
    made = of(ticket)
    assert made.due == at("02-02 17:00")
    assert made.total == 8 * HOUR
    assert [rest.end for rest in made.paused] == [None]


def test_after_completing_from_waiting_both_rests_are_named_and_the_deadline_stands(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("request_info", "02-02 10:00", minutes=30).complete("02-03 12:00")
    made = of(ticket)
    assert (made.due, made.total) == (at("02-02 17:00"), 8 * HOUR)
    assert [rest.reason for rest in made.paused] == [
        PROCESS.state("awaiting_customer").pause_reason,
        PROCESS.state("completed").pause_reason,
    ]


def test_a_rest_after_the_breach_is_not_part_of_the_deadline(life: Any) -> None:
    ticket = life().register("02-02 09:00").do("request_info", "02-02 17:30", minutes=30).do("resume", "02-03 12:00")
    assert of(ticket).paused == ()


def test_counting_from_now_begins_a_passport_anew(life: Any, regulation: Any, at: Any) -> None:
    ticket = life(regulation(on_priority_change="from_now")).register("02-02 09:00", "P2")
    ticket.do("request_info", "02-02 10:00", minutes=30).do("change_priority", "02-02 11:00", priority="P1")
    ticket.do("resume", "02-02 12:00")
    made = of(ticket)
    assert (made.origin, made.priority, made.due) == (at("02-02 11:00"), "P1", at("02-02 16:00"))
    assert [(rest.start, rest.end) for rest in made.paused] == [(at("02-02 11:00"), at("02-02 12:00"))]
    assert made.total == 4 * HOUR


@pytest.mark.parametrize(
    ("mode", "due", "total"),
    [
        ("same_time", "02-04 17:00", 18 * HOUR),
        ("hours9", "02-04 17:00", 18 * HOUR),
        ("end_of_day", "02-04 18:00", 19 * HOUR),
        ("end_of_day_effective", "02-04 18:00", 19 * HOUR),
    ],
)
def test_in_day_modes_the_sum_is_what_was_really_counted(
    life: Any, regulation: Any, at: Any, mode: Any, due: str, total: timedelta
) -> None:
    ticket = life(regulation(targets={"P3": Target("working_days", 2, mode)})).register("02-02 11:00", "P3")
    ticket.do("request_info", "02-02 14:00", minutes=30).do("resume", "02-03 11:00")
    made = of(ticket)
    whole = ticket.rulebooks[1].calendar.between(at("02-02 11:00"), made.due) - 6 * HOUR
    assert (made.due, made.total) == (at(due), total)
    assert made.total == whole == sum((span.amount for span in made.counted), timedelta())


def test_elapsed_time_is_counted_in_one_piece_between_rests(life: Any, regulation: Any, at: Any) -> None:
    elapsed = regulation(targets={"P2": Target("calendar_minutes", 24 * 60)})
    ticket = life(elapsed).register("02-06 12:00").do("request_info", "02-06 14:00", minutes=30)
    ticket.do("resume", "02-06 16:00")
    made = of(ticket)
    assert counted(made) == [(at("02-06 12:00"), at("02-06 14:00")), (at("02-06 16:00"), at("02-07 14:00"))]
    assert (made.skipped, made.total) == ((), 24 * HOUR)


def test_a_lunch_break_parts_a_day(life: Any, regulation: Any, at: Any) -> None:
    calendar = regulation().calendar
    hours = (Interval("09:00", "13:00"), Interval("14:00", "18:00"))
    lunch = msgspec.structs.replace(calendar, overrides={date(2026, 2, 2): hours})
    made = of(life(regulation(calendar=lunch)).register("02-02 12:00", "P1"))
    assert counted(made) == [(at("02-02 12:00"), at("02-02 13:00")), (at("02-02 14:00"), at("02-02 17:00"))]
    assert {span.why for span in made.counted} == {"override"}


def test_days_off_cut_by_a_rest_are_told_once(life: Any) -> None:
    ticket = life(received="02-06 12:00").register("02-06 12:00")
    ticket.do("request_info", "02-07 12:00", minutes=30).do("resume", "02-07 13:00")
    assert of(ticket).skipped == (Skipped(date(2026, 2, 7), date(2026, 2, 8), "weekend"),)


def test_microseconds_are_counted_too(life: Any, at: Any) -> None:
    ticket = life().register("02-02 17:59:59.999999", "P1")
    made = of(ticket)
    assert counted(made)[0] == (at("02-02 17:59:59.999999"), at("02-02 18:00"))
    assert (made.total, made.due) == (4 * HOUR, at("02-03 12:59:59.999999"))


def test_registration_and_auto_close_have_passports_too(life: Any, at: Any) -> None:
    ticket = life()
    made = passport(ticket.position.clocks.registration, ticket.rulebooks[1])
    assert (made.clock, made.priority, made.total) == ("registration", "", 3 * HOUR)
    ticket.register("02-02 10:00").do("start", "02-02 10:00").complete("02-02 11:00")
    made = passport(ticket.position.clocks.auto_close, ticket.rulebooks[1])
    assert (made.due, made.total) == (at("02-03 11:00"), 24 * HOUR)


def test_without_the_years_calendar_there_is_no_passport(life: Any) -> None:
    with pytest.raises(CalendarOutOfRange):
        of(life(received="2027-12-30 09:00").register("2027-12-30 10:00", "P4"))
