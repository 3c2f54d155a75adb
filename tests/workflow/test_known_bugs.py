"""Faults that users of other desks report again and again, each as a ticket that lives through it here."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from workflow.definition import Role
from workflow.errors import WrongFields, WrongState
from workflow.fields import Choices
from workflow.machine import MACHINE, TicketFacts
from workflow.passport import passport
from workflow.process import PROCESS
from workflow.regulation import Step
from workflow.working_calendar import (
    CalendarOutOfRange,
    Interval,
    Skipped,
    Target,
    WorkingCalendar,
    load_default_calendar,
)


def test_glpi_6902_a_pause_survives_a_change_of_priority(life: Any, at: Any) -> None:
    """There the waiting time was forgotten when another SLA was set."""
    ticket = life().register("02-02 09:00", "P1").do("request_info", "02-02 10:00", minutes=30)
    ticket.do("resume", "02-02 13:00").do("change_priority", "02-02 14:00", priority="P2")
    assert ticket.due == at("02-03 11:00")
    assert sum(1 for pause in ticket.resolution.pauses) == 1


def test_glpi_10594_a_pause_over_the_night_costs_no_night(life: Any, at: Any) -> None:
    """There the deadline moved by the whole time of waiting, nights and weekends included."""
    ticket = life().register("02-06 15:00", "P1").do("request_info", "02-06 16:00", minutes=30)
    assert ticket.do("resume", "02-09 10:00").due == at("02-09 13:00")


def test_glpi_13635_the_reason_of_waiting_stays_with_the_pause(life: Any) -> None:
    """There the next follow-up dropped it from the ticket."""
    ticket = life().register("02-02 09:00").do("request_info", "02-02 10:00", minutes=30)
    ticket.do("comment", "02-02 10:10").do("reply", "02-02 10:20").do("resume", "02-02 11:00")
    assert [pause.reason for pause in ticket.resolution.pauses] == [PROCESS.state("awaiting_customer").pause_reason]


def test_glpi_15605_a_lowered_priority_gives_the_time_back(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00", "P1").do("change_priority", "02-02 09:05", priority="P2")
    assert ticket.due == at("02-02 17:00")
    assert ticket.do("change_priority", "02-02 09:10", priority="P1").due == at("02-02 13:00")


def test_zammad_4516_a_deadline_can_be_asked_why(life: Any, at: Any) -> None:
    """There maintainers computed six days by hand."""
    ticket = life(received="04-30 16:00").register("04-30 16:30", "P3")
    made = passport(ticket.resolution, ticket.rulebooks[1])
    assert made.due == at("05-08 16:30")
    assert made.skipped == (
        Skipped(date(2026, 5, 1), date(2026, 5, 1), "holiday"),
        Skipped(date(2026, 5, 2), date(2026, 5, 3), "weekend"),
    )
    assert made.total == sum((span.amount for span in made.counted), timedelta()) == timedelta(hours=45)


def test_zammad_390_days_that_nobody_loaded_are_not_guessed() -> None:
    calendar = WorkingCalendar(load_default_calendar())
    with pytest.raises(CalendarOutOfRange, match="2029"):
        calendar.add(datetime(2029, 1, 5, tzinfo=UTC), timedelta(hours=1))


def test_zammad_534_closed_tickets_are_not_rewritten_by_a_new_calendar(life: Any, regulation: Any, at: Any) -> None:
    off = msgspec.structs.replace(regulation().calendar, overrides={date(2026, 2, 2): ()})
    ticket = life(regulation(), regulation(calendar=off)).register("02-02 09:00").do("start", "02-02 09:00")
    ticket.complete("02-02 16:00").do("confirm", "02-02 17:00")
    before = ticket.position
    ticket.repin("02-03 09:00", 2, "from_start")
    assert (ticket.due, ticket.result) == (at("02-02 17:00"), "met")
    assert ticket.resolution == before.clocks.resolution
    with pytest.raises(WrongState):
        MACHINE.decide(TicketFacts("closed", "P2"), "repin", by=Role.CLOCK, given={}, choices=_choices())


def test_zammad_3288_a_way_that_the_table_does_not_know_is_closed_to_everyone() -> None:
    """There the page forbade the move and the API made it."""
    for role in Role:
        assert "complete" not in MACHINE.possible(TicketFacts("new"), by=role)
        assert "register" not in MACHINE.possible(TicketFacts("completed", "P2"), by=role)


def test_zammad_5177_clocks_do_not_disturb_each_other(life: Any, at: Any) -> None:
    """There answering late for one target moved another."""
    ticket = life().register("02-02 12:30", "P2").do("answer", "02-02 13:00", minutes=30)
    assert ticket.position.registration_result == "breached"
    assert (ticket.due, ticket.result) == (at("02-03 11:30"), None)
    assert ticket.position.registration_due_at(ticket.rulebooks) == at("02-02 12:00")


def test_frappe_1542_waiting_for_the_customer_stops_the_clock(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("request_info", "02-02 16:59", minutes=30)
    assert ticket.complete("02-20 12:00").result == "met"


def test_frappe_2449_a_changed_calendar_moves_open_deadlines_and_keeps_their_history(
    life: Any, regulation: Any, at: Any
) -> None:
    off = msgspec.structs.replace(regulation().calendar, overrides={date(2026, 2, 3): ()})
    ticket = life(regulation(), regulation(calendar=off)).register("02-02 15:00").do("request_info", "02-02 16:00")
    ticket.do("resume", "02-02 17:00")
    assert ticket.due == at("02-03 15:00")
    assert ticket.repin("02-02 17:30", 2, "from_start").due == at("02-04 15:00")
    assert len(ticket.resolution.pauses) == 1


def test_frappe_2228_a_thank_you_does_not_reopen(life: Any) -> None:
    ticket = life().register("02-02 09:00").do("start", "02-02 09:00").complete("02-02 12:00")
    ticket.do("reply", "02-02 13:00", unread=True)
    assert (ticket.position.state, ticket.result) == ("completed", "met")
    assert ticket.resolution.paused is not None


def test_frappe_2212_a_lunch_break_is_no_working_time(life: Any, regulation: Any, at: Any) -> None:
    week = regulation().calendar.week
    split = msgspec.structs.replace(week, mon=(Interval("09:00", "13:00"), Interval("14:00", "18:00")))
    lunch = msgspec.structs.replace(regulation().calendar, week=split)
    assert life(regulation(calendar=lunch)).register("02-02 11:00", "P1").due == at("02-02 16:00")


def test_frappe_3465_a_closed_ticket_stays_closed() -> None:
    for role in Role:
        possible = MACHINE.moves(TicketFacts("closed", "P2"), by=role)
        assert [move.trigger for move in possible if not move.keeps_state] == []
        assert {move.trigger for move in possible} <= {"rate"}  # what the customer thought of it


def test_frappe_948_warnings_come_before_the_breach_and_go_to_the_supervisor(life: Any, regulation: Any) -> None:
    steps = (Step(("assignee",), percent=50), Step(("supervisors",), minutes=-15))
    wanted = life(regulation(steps={"P2": steps})).register("02-02 09:00").wanted
    assert wanted["resolution:step:P2:50%"] < wanted["resolution:step:P2:-15m"] < wanted["resolution:due"]


def test_erpnext_47029_holding_many_times_adds_up(life: Any, at: Any) -> None:
    """There each hold overwrote the time of the one before."""
    ticket = life().register("02-02 09:00", "P2")
    for hour in (10, 12, 14):
        ticket.do("request_info", f"02-02 {hour}:00", minutes=30).do("resume", f"02-02 {hour + 1}:00")
    assert ticket.due == at("02-03 11:00")


def test_erpnext_52489_reading_the_journal_again_gives_the_same_deadline(life: Any) -> None:
    """There a counter that handlers mutate drifted; here nothing is stored that the journal does not say."""
    lived = life().register("02-02 09:00", "P2").do("request_info", "02-02 10:00").do("resume", "02-02 12:00")
    again = life().register("02-02 09:00", "P2").do("request_info", "02-02 10:00").do("resume", "02-02 12:00")
    assert lived.position == again.position


def test_freeitsm_the_choice_at_publishing_has_an_effect(life: Any, regulation: Any) -> None:
    """There the radio button was saved and never read."""
    shorter = regulation(targets={"P2": Target("working_minutes", 300)})
    dues = {
        count: life(regulation(), shorter).register("02-02 09:00").repin("02-02 11:00", 2, count).due
        for count in ("keep", "from_now", "from_start")
    }
    assert len(set(dues.values())) == 3


def test_glpi_5020_nothing_reopens_without_an_argument() -> None:
    with pytest.raises(WrongFields):
        MACHINE.decide(TicketFacts("completed", "P2"), "dispute", by=Role.CUSTOMER, given={}, choices=_choices())


def test_jira_finished_clocks_survive_a_dispute(life: Any, regulation: Any) -> None:
    """There reconstructing an SLA destroyed the cycles that were over."""
    ticket = life(regulation(on_dispute="restarts")).register("02-02 09:00").do("start", "02-02 09:00")
    ticket.complete("02-02 12:00").do("dispute", "02-02 13:00").complete("02-04 12:00")
    ticket.do("dispute", "02-04 13:00")
    assert [one.result for one in ticket.position.clocks.finished] == ["met", "breached"]


def _choices() -> Choices:
    return Choices(("P1",), (), (), 30, datetime(2026, 2, 2, tzinfo=UTC))
