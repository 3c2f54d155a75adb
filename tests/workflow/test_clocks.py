"""What the clocks do with a ticket's journal: every setting by its effect, every rest by its reason."""

from typing import Any

import msgspec
import pytest

from workflow.passport import passport
from workflow.process import PROCESS
from workflow.regulation import Reminders, Step, load_default_calendar
from workflow.sla import remaining, step_due
from workflow.working_calendar import Target

# --- each setting has an effect ---------------------------------------------------------------------------------------


def test_resolution_counts_from_registration_by_default(life: Any, at: Any) -> None:
    assert life().register("02-02 11:00").due == at("02-03 10:00")


def test_resolution_may_count_from_the_receipt(life: Any, regulation: Any, at: Any) -> None:
    assert life(regulation(counts_from="received")).register("02-02 11:00").due == at("02-02 17:00")


def test_a_new_priority_counts_from_the_start_by_default(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00", "P2").do("change_priority", "02-02 11:00", priority="P1")
    assert ticket.due == at("02-02 13:00")


def test_a_new_priority_may_count_from_now(life: Any, regulation: Any, at: Any) -> None:
    ticket = life(regulation(on_priority_change="from_now")).register("02-02 09:00", "P2")
    assert ticket.do("change_priority", "02-02 11:00", priority="P1").due == at("02-02 15:00")


@pytest.mark.parametrize(
    ("count", "due"), [("from_start", "02-02 13:00"), ("from_now", "02-02 15:00"), ("keep", "02-02 17:00")]
)
def test_publishing_says_how_open_tickets_count(life: Any, regulation: Any, at: Any, count: str, due: str) -> None:
    shorter = regulation(targets={"P2": Target("working_minutes", 240)})
    ticket = life(regulation(), shorter).register("02-02 09:00", "P2").repin("02-02 11:00", 2, count)
    assert (ticket.due, ticket.resolution.version) == (at(due), 2)


def test_what_publishing_says_outweighs_the_setting(life: Any, regulation: Any, at: Any) -> None:
    shorter = regulation(targets={"P2": Target("working_minutes", 240)}, on_priority_change="from_now")
    ticket = life(regulation(), shorter).register("02-02 09:00", "P2").repin("02-02 11:00", 2, "from_start")
    assert ticket.due == at("02-02 13:00")


def test_a_dispute_resumes_the_clock_by_default(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("start", "02-02 09:00").complete("02-02 12:00")
    ticket.do("dispute", "02-03 09:00")
    assert ticket.due == at("02-03 14:00")
    assert ticket.result is None
    assert ticket.position.clocks.finished == ()


def test_a_dispute_may_restart_the_clock_with_a_result_of_its_own(life: Any, regulation: Any, at: Any) -> None:
    ticket = life(regulation(on_dispute="restarts")).register("02-02 09:00").do("start", "02-02 09:00")
    ticket.complete("02-03 12:00").do("dispute", "02-04 09:00")
    assert ticket.due == at("02-04 17:00")
    assert [period.result for period in ticket.position.clocks.finished] == ["breached"]
    ticket.complete("02-04 12:00")
    assert ticket.result == "met"


def test_auto_close_counts_elapsed_time_by_default(life: Any, at: Any) -> None:
    ticket = life().register("02-06 09:00").do("start", "02-06 09:00").complete("02-06 12:00")
    assert ticket.wanted["auto_close:due"] == at("02-07 12:00")


def test_auto_close_may_count_working_time(life: Any, regulation: Any, at: Any) -> None:
    ticket = life(regulation(auto_close=Target("working_minutes", 24 * 60))).register("02-06 09:00")
    ticket.do("start", "02-06 09:00").complete("02-06 12:00")
    assert ticket.wanted["auto_close:due"] == at("02-10 18:00")


def test_a_service_level_has_targets_of_its_own(life: Any, at: Any) -> None:
    assert life().register("02-02 09:00", "P1", level="extended").due == at("02-02 11:00")
    assert life().register("02-02 11:00", "P3", level="extended").due == at("02-09 11:00")


def test_identifying_the_customer_brings_the_targets_of_the_level(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00", "P1").do("identify", "02-02 09:30", service_level="extended")
    assert ticket.due == at("02-02 11:00")


def test_registration_obeys_the_version_at_receipt_and_resolution_the_one_at_registration(
    life: Any, regulation: Any, at: Any
) -> None:
    slower = msgspec.structs.replace(regulation().registration, target=Target("working_minutes", 600))
    ticket = life(regulation(), regulation(registration=slower, targets={"P2": Target("working_minutes", 60)}))
    assert ticket.position.registration_due_at(ticket.rulebooks) == at("02-02 12:00")
    ticket.register("02-02 11:00", version=2)
    assert ticket.position.registration_due_at(ticket.rulebooks) == at("02-02 12:00")
    assert (ticket.due, ticket.position.regulation_version) == (at("02-02 12:00"), 2)


def test_the_registration_target_is_a_setting(life: Any, regulation: Any, at: Any) -> None:
    quick = msgspec.structs.replace(regulation().registration, target=Target("working_minutes", 30))
    assert life(regulation(registration=quick)).wanted["registration:due"] == at("02-02 09:30")


def test_reminders_come_after_their_own_silences(life: Any, regulation: Any, at: Any) -> None:
    two = Reminders(after=(Target("working_minutes", 60), Target("working_days", 2)))
    ticket = life(regulation(reminders=two)).register("02-02 09:00").do("request_info", "02-02 10:00", minutes=30)
    assert ticket.wanted == {"reminder": at("02-02 11:00")}
    assert ticket.do("remind", "02-02 11:00").wanted == {"reminder": at("02-04 10:00")}
    assert ticket.do("remind", "02-04 10:00").wanted == {}
    assert "reminder" not in ticket.do("resume", "02-04 11:00").wanted


@pytest.mark.parametrize(
    ("mode", "due"),
    [
        ("same_time", "02-04 11:00"),
        ("end_of_day", "02-04 18:00"),
        ("end_of_day_effective", "02-04 18:00"),
        ("hours9", "02-04 11:00"),
    ],
)
def test_the_day_mode_is_a_setting(life: Any, regulation: Any, at: Any, mode: Any, due: str) -> None:
    days = regulation(targets={"P3": Target("working_days", 2, mode)})
    assert life(days).register("02-02 11:00", "P3").due == at(due)


# --- rests ------------------------------------------------------------------------------------------------------------


def test_waiting_for_the_customer_stops_the_clock(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("request_info", "02-02 10:00", minutes=30)
    assert ticket.due == at("02-02 17:00"), "the deadline stands frozen"
    assert not any(kind.startswith("resolution") for kind in ticket.wanted)
    assert ticket.do("resume", "02-02 12:00").due == at("02-03 10:00")


def test_a_rest_counts_by_its_working_time_and_not_by_the_wall_clock(life: Any, at: Any) -> None:
    ticket = life().register("02-06 09:00").do("request_info", "02-06 16:00", minutes=30).do("resume", "02-09 10:00")
    assert ticket.due == at("02-09 11:00")


def test_a_night_of_waiting_moves_nothing(life: Any, at: Any) -> None:
    ticket = life().register("02-02 15:00").do("request_info", "02-02 19:00", minutes=30).do("resume", "02-03 08:00")
    assert ticket.due == at("02-03 14:00")


def test_a_rest_after_the_breach_excuses_nothing(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").breach("02-02 17:00")
    ticket.do("request_info", "02-02 17:30", minutes=30).do("resume", "02-04 12:00")
    assert ticket.due == at("02-02 17:00")
    assert ticket.complete("02-04 13:00").result == "breached"


def test_a_breach_that_nobody_noted_before_the_rest_is_noted_still(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("request_info", "02-02 17:30", minutes=30)
    assert ticket.wanted["resolution:due"] == at("02-02 17:00")
    assert "resolution:due" not in ticket.breach("02-02 17:31").wanted


def test_a_day_target_moves_by_the_working_time_of_the_rest(life: Any, at: Any) -> None:
    ticket = life().register("02-02 11:00", "P3").do("request_info", "02-03 10:00", minutes=30)
    assert ticket.due == at("02-09 11:00")
    assert ticket.do("resume", "02-03 12:00").due == at("02-09 13:00")


@pytest.mark.parametrize(("mode", "due"), [("end_of_day", "02-04 18:00"), ("end_of_day_effective", "02-04 18:00")])
def test_a_day_target_that_ends_with_the_day_moves_when_its_start_changes_days(
    life: Any, regulation: Any, at: Any, mode: Any, due: str
) -> None:
    ticket = life(regulation(targets={"P3": Target("working_days", 1, mode)})).register("02-02 11:00", "P3")
    ticket.do("request_info", "02-02 12:00", minutes=30).do("resume", "02-02 18:00")
    assert ticket.due == at("02-03 18:00"), "six hours later it is still Monday"
    ticket.do("request_info", "02-03 10:00", minutes=30).do("resume", "02-03 13:00")
    assert ticket.due == at(due), "nine hours later it is Tuesday"


def test_completing_from_waiting_keeps_each_rests_own_reason(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("request_info", "02-02 10:00", minutes=30).complete("02-02 11:00")
    first, second = ticket.resolution.pauses
    assert (first.reason, first.end) == (PROCESS.state("awaiting_customer").pause_reason, at("02-02 11:00"))
    assert (second.reason, second.end) == (PROCESS.state("completed").pause_reason, None)
    assert first.reason != second.reason
    assert ticket.due == at("02-02 17:00"), "one rest that lasts: the deadline stands where it stood"
    assert remaining(ticket.resolution, ticket.rulebooks[1], at=at("02-02 16:00")).total_seconds() == 7 * 3600
    assert ticket.do("dispute", "02-02 12:00").due == at("02-03 10:00")


def test_a_rest_whose_reason_changes_after_the_deadline_is_still_one_rest(life: Any, regulation: Any, at: Any) -> None:
    """In modes that end with a day the deadline may stand still while the clock rests past it."""
    days = regulation(targets={"P3": Target("working_days", 1, "end_of_day")})
    once = life(days).register("02-02 10:00", "P3").do("start", "02-02 10:00")
    once.do("request_info", "02-03 17:00", minutes=30).do("resume", "02-05 18:00")
    twice = life(days).register("02-02 10:00", "P3").do("start", "02-02 10:00")
    twice.do("request_info", "02-03 17:00", minutes=30).complete("02-04 09:30").do("dispute", "02-05 18:00")
    assert twice.due == once.due == at("02-05 18:00")


def test_time_left_stands_while_resting_and_turns_negative_after_the_deadline(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00")

    def left(when: str) -> float:
        return float(remaining(ticket.resolution, ticket.rulebooks[1], at=at(when)).total_seconds() / 3600)

    assert (left("02-02 12:00"), left("02-02 18:00")) == (5, -1)
    ticket.do("request_info", "02-02 12:00", minutes=30)
    assert left("02-04 12:00") == 5


# --- priority, level and version change under way ---------------------------------------------------------------------


def test_a_rest_survives_a_change_of_priority(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00", "P2").do("request_info", "02-02 10:00", minutes=30)
    ticket.do("change_priority", "02-02 11:00", priority="P1").do("resume", "02-02 12:00")
    assert ticket.due == at("02-02 15:00")


def test_counting_from_now_keeps_the_rest_under_way_from_now(life: Any, regulation: Any, at: Any) -> None:
    ticket = life(regulation(on_priority_change="from_now")).register("02-02 09:00", "P2")
    ticket.do("request_info", "02-02 10:00", minutes=30).do("change_priority", "02-02 11:00", priority="P1")
    assert ticket.do("resume", "02-02 12:00").due == at("02-02 16:00")


def test_a_target_that_stays_the_same_is_not_counted_anew(life: Any, regulation: Any, at: Any) -> None:
    ticket = life(regulation(on_priority_change="from_now"), regulation()).register("02-02 09:00", "P2")
    ticket.do("identify", "02-02 11:00", service_level="standard")
    ticket.do("change_priority", "02-02 12:00", priority="P2").repin("02-02 13:00", 2, "from_now")
    assert ticket.due == at("02-02 17:00")


def test_a_breached_deadline_is_not_breached_twice_but_a_new_one_ahead_can_be(life: Any, at: Any) -> None:
    ticket = life().register("02-02 11:00", "P2").breach("02-03 10:00")
    assert "resolution:due" not in ticket.do("identify", "02-03 10:00", service_level="extended").wanted
    later = ticket.do("change_priority", "02-03 11:00", priority="P3")
    assert later.wanted["resolution:due"] == at("02-09 11:00")


def test_a_priority_that_the_new_version_dropped_keeps_its_clock(life: Any, regulation: Any, at: Any) -> None:
    full = regulation()
    without = msgspec.structs.replace(full, priorities=tuple(one for one in full.priorities if one.code != "P2"))
    ticket = life(full, without).register("02-02 09:00", "P2").repin("02-02 11:00", 2, "from_now")
    assert (ticket.due, ticket.resolution.version) == (at("02-02 17:00"), 1)


# --- results ----------------------------------------------------------------------------------------------------------


def test_finished_at_the_deadline_is_on_time(life: Any) -> None:
    assert life().register("02-02 09:00").do("start", "02-02 09:00").complete("02-02 17:00").result == "met"


def test_a_microsecond_later_is_late(life: Any) -> None:
    ticket = life().register("02-02 09:00").do("start", "02-02 09:00")
    assert ticket.complete("02-02 17:00:00.000001").result == "breached"


def test_completing_from_waiting_is_judged_where_the_clock_last_ran(life: Any) -> None:
    ticket = life().register("02-02 09:00").do("request_info", "02-02 16:00", minutes=30)
    assert ticket.complete("02-05 12:00").result == "met"


def test_results_are_frozen_at_completion(life: Any) -> None:
    ticket = life().register("02-02 09:00", "P2").do("start", "02-02 09:00").complete("02-02 16:00")
    ticket.do("change_priority", "02-02 16:30", priority="P1")
    assert ticket.result == "met"
    assert ticket.do("confirm", "02-04 12:00").result == "met"


def test_registration_is_judged_when_it_is_made(life: Any) -> None:
    assert life().register("02-02 12:00").position.registration_result == "met"
    assert life().register("02-02 12:01").position.registration_result == "breached"
    rejected = life().do("reject", "02-02 12:01", reason="out_of_scope")
    assert rejected.position.registration_result == "breached"


def test_withdrawing_judges_what_ran_until_then(life: Any) -> None:
    assert life().register("02-02 09:00").do("withdraw", "02-02 10:00").result == "met"
    assert life().register("02-02 09:00").do("withdraw", "02-03 10:00").result == "breached"


def test_a_promise_kept_is_an_extension(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("start", "02-02 09:00").extend("02-02 12:00", promised="02-05 12:00")
    assert ticket.due == at("02-02 17:00"), "the regulation's deadline stays on record"
    assert ticket.wanted["promise:due"] == at("02-05 12:00")
    assert ticket.position.promised_at == at("02-05 12:00")
    ticket.breach("02-02 17:00").complete("02-05 12:00")
    assert ticket.result == "extended"
    assert "promise:due" not in ticket.wanted


def test_a_promise_missed_is_a_breach(life: Any) -> None:
    ticket = life().register("02-02 09:00").do("start", "02-02 09:00").extend("02-02 12:00", promised="02-05 12:00")
    ticket.breach("02-02 17:00").breach("02-05 12:00", "promise")
    assert "promise:due" not in ticket.wanted
    assert ticket.complete("02-05 12:01").result == "breached"


def test_another_promise_does_not_mend_one_that_was_missed(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("start", "02-02 09:00").extend("02-02 12:00", promised="02-03 12:00")
    ticket.breach("02-03 12:00", "promise").extend("02-03 13:00", promised="02-06 12:00")
    assert ticket.wanted["promise:due"] == at("02-06 12:00"), "the new promise is watched all the same"
    assert ticket.complete("02-05 12:00").result == "breached"


def test_a_promise_moved_in_time_is_kept_by_its_last_date(life: Any) -> None:
    ticket = life().register("02-02 09:00").do("start", "02-02 09:00").extend("02-02 12:00", promised="02-03 12:00")
    ticket.extend("02-03 11:00", promised="02-06 12:00")
    assert ticket.complete("02-05 12:00").result == "extended"


def test_an_extension_after_the_deadline_comes_too_late(life: Any) -> None:
    ticket = life().register("02-02 09:00").do("start", "02-02 09:00").extend("02-02 17:30", promised="02-05 12:00")
    assert ticket.complete("02-03 12:00").result == "breached"


def test_a_promise_is_a_date_that_no_rest_moves(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("start", "02-02 09:00").extend("02-02 12:00", promised="02-03 12:00")
    ticket.breach("02-02 17:00").do("request_info", "02-03 09:00", minutes=30)
    assert ticket.wanted["promise:due"] == at("02-03 12:00")
    assert ticket.complete("02-04 12:00").result == "breached"


def test_a_promise_fired_is_not_fired_again_by_counting_from_now(life: Any, regulation: Any) -> None:
    ticket = life(regulation(on_priority_change="from_now")).register("02-02 09:00")
    ticket.extend("02-02 12:00", promised="02-02 13:00").breach("02-02 13:00", "promise")
    assert "promise:due" not in ticket.do("change_priority", "02-02 14:00", priority="P1").wanted


# --- auto-close -------------------------------------------------------------------------------------------------------


# --- from when a ticket is late -------------------------------------------------------------------------------------


def late(ticket: Any) -> Any:
    return ticket.position.late_from(ticket.rulebooks)


def test_a_request_is_late_from_its_registration_deadline_and_then_from_its_own(life: Any, at: Any) -> None:
    ticket = life()
    assert late(ticket) == at("02-02 12:00")
    ticket.register("02-02 10:00")
    assert late(ticket) == ticket.due == at("02-02 18:00")


def test_at_rest_only_a_deadline_that_had_passed_is_late(life: Any, at: Any) -> None:
    in_time = life().register("02-02 09:00").do("start", "02-02 09:30").do("request_info", "02-02 10:00", minutes=30)
    assert late(in_time) is None
    too_late = life().register("02-02 09:00").do("start", "02-02 09:30").do("request_info", "02-03 10:00", minutes=30)
    assert late(too_late) == at("02-02 17:00")
    assert late(in_time.do("resume", "02-02 12:00")) == in_time.due == at("02-03 10:00")


def test_a_date_promised_in_time_counts_instead_of_the_deadline(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("start", "02-02 09:30").extend("02-02 16:00", promised="02-06 12:00")
    assert late(ticket) == at("02-06 12:00")
    assert ticket.due == at("02-02 17:00")
    asked = ticket.do("request_info", "02-04 10:00", minutes=30)
    assert late(asked) is None  # within the promise


def test_a_promise_that_came_too_late_or_was_missed_counts_for_nothing(life: Any, at: Any) -> None:
    too_late = life().register("02-02 09:00").do("start", "02-02 09:30").extend("02-03 10:00", promised="02-06 12:00")
    assert late(too_late) == at("02-02 17:00")
    missed = life().register("02-02 09:00").do("start", "02-02 09:30").extend("02-02 16:00", promised="02-03 12:00")
    missed.breach("02-03 12:00", "promise").extend("02-03 13:00", promised="02-09 12:00")
    assert late(missed) == at("02-02 17:00")


def test_a_frozen_result_says_how_it_was_and_a_closed_ticket_is_late_no_more(life: Any, at: Any) -> None:
    kept = life().register("02-02 09:00").do("start", "02-02 09:30").complete("02-02 16:00")
    assert late(kept) is None
    broken = life().register("02-02 09:00").do("start", "02-02 09:30").complete("02-03 10:00")
    assert late(broken) == at("02-02 17:00")
    assert late(broken.do("confirm", "02-03 11:00")) is None


def test_an_unread_reply_holds_the_auto_close_and_dismissing_it_gives_the_full_time_again(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("start", "02-02 09:00").complete("02-02 12:00")
    ticket.do("reply", "02-03 11:00", unread=True)
    assert "auto_close:due" not in ticket.wanted
    assert ticket.position.answer_unread
    ticket.do("dismiss_reply", "02-04 10:00")
    assert ticket.wanted["auto_close:due"] == at("02-05 10:00")
    assert not ticket.position.answer_unread


def test_a_reply_that_was_read_by_who_wrote_it_down_holds_nothing(life: Any, at: Any) -> None:
    ticket = (
        life().register("02-02 09:00").do("start", "02-02 09:00").complete("02-02 12:00").do("reply", "02-02 13:00")
    )
    assert ticket.wanted["auto_close:due"] == at("02-03 12:00")


def test_a_completion_letter_that_came_back_holds_the_auto_close(life: Any) -> None:
    ticket = life().register("02-02 09:00").do("start", "02-02 09:00").complete("02-02 12:00")
    assert "auto_close:due" in ticket.do("bounce", "02-02 12:05").wanted, "another letter's bounce does not"
    assert "auto_close:due" not in ticket.do("bounce", "02-02 12:06", completion=True).wanted
    assert ticket.position.completion_bounced


def test_an_answer_gives_the_customer_the_full_time_again(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("start", "02-02 09:00").complete("02-02 12:00")
    ticket.do("reply", "02-02 13:00", unread=True).do("answer", "02-02 14:00", minutes=30)
    assert ticket.wanted["auto_close:due"] == at("02-03 14:00")


def test_a_dispute_ends_the_auto_close_and_completing_again_begins_another(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("start", "02-02 09:00").complete("02-02 10:00")
    ticket.do("dispute", "02-02 11:00").do("answer", "02-02 11:30", minutes=30)
    assert "auto_close:due" not in ticket.wanted
    assert ticket.position.clocks.auto_close is not None
    assert ticket.position.clocks.auto_close.origin == at("02-02 10:00")
    assert ticket.complete("02-02 12:00").wanted["auto_close:due"] == at("02-03 12:00")


# --- warnings and escalation ------------------------------------------------------------------------------------------

STEPS = (
    Step(("assignee",), percent=50),
    Step(("assignee",), minutes=-30),
    Step(("supervisors",), percent=150),
    Step(("supervisors",), minutes=60),
)


def test_steps_stand_at_percents_and_minutes_of_working_time(life: Any, regulation: Any, at: Any) -> None:
    ticket = life(regulation(steps={"P2": STEPS})).register("02-02 11:00")
    assert ticket.wanted == {
        "resolution:step:P2:50%": at("02-02 15:00"),
        "resolution:step:P2:-30m": at("02-03 09:30"),
        "resolution:due": at("02-03 10:00"),
        "resolution:step:P2:+60m": at("02-03 11:00"),
        "resolution:step:P2:150%": at("02-03 14:00"),
    }


def test_steps_move_with_the_rests(life: Any, regulation: Any, at: Any) -> None:
    ticket = life(regulation(steps={"P2": STEPS})).register("02-02 11:00")
    ticket.do("request_info", "02-02 12:00", minutes=30)
    assert ticket.wanted.keys() == {"reminder"}
    ticket.do("resume", "02-02 13:00")
    assert ticket.wanted["resolution:step:P2:50%"] == at("02-02 16:00")
    assert ticket.wanted["resolution:step:P2:+60m"] == at("02-03 12:00")


def test_a_warning_that_would_come_before_the_beginning_does_not_come(life: Any, regulation: Any) -> None:
    ticket = life(regulation(steps={"P1": (Step(("assignee",), minutes=-240),)})).register("02-02 09:00", "P1")
    assert ticket.wanted.keys() == {"resolution:due"}
    period = ticket.resolution
    assert step_due(period, Step(("assignee",), minutes=-300), ticket.rulebooks[1]) is None


def test_steps_stand_on_day_targets_and_on_elapsed_ones(life: Any, regulation: Any, at: Any) -> None:
    days = regulation(targets={"P3": Target("working_days", 2)}, steps={"P3": STEPS[:2]})
    wanted = life(days).register("02-05 12:00", "P3").wanted
    assert wanted["resolution:step:P3:50%"] == at("02-06 12:00")
    assert wanted["resolution:step:P3:-30m"] == at("02-09 11:30")
    elapsed = regulation(targets={"P3": Target("calendar_minutes", 2880)}, steps={"P3": STEPS[:2]})
    wanted = life(elapsed).register("02-06 12:00", "P3").wanted
    assert wanted["resolution:step:P3:50%"] == at("02-07 12:00")
    assert wanted["resolution:step:P3:-30m"] == at("02-08 11:30")


def test_a_step_fires_once_in_a_clock_period(life: Any, regulation: Any) -> None:
    ticket = life(regulation(steps={"P2": STEPS})).register("02-02 09:00")
    ticket.do("warn", "02-02 13:00", clock="resolution", mark="P2:50%")
    assert "resolution:step:P2:50%" not in ticket.wanted
    ticket.do("request_info", "02-02 14:00", minutes=30).do("resume", "02-02 15:00")
    assert "resolution:step:P2:50%" not in ticket.wanted
    assert "resolution:step:P2:-30m" in ticket.wanted
    ticket.do("change_priority", "02-02 15:00", priority="P1").do("change_priority", "02-02 15:01", priority="P2")
    assert "resolution:step:P2:50%" not in ticket.wanted


def test_a_restarted_clock_fires_its_steps_anew(life: Any, regulation: Any, at: Any) -> None:
    ticket = life(regulation(steps={"P2": STEPS}, on_dispute="restarts")).register("02-02 09:00")
    ticket.do("start", "02-02 09:00").do("warn", "02-02 13:00", clock="resolution", mark="P2:50%")
    ticket.complete("02-02 14:00").do("dispute", "02-03 09:00")
    assert ticket.wanted["resolution:step:P2:50%"] == at("02-03 13:00")


def test_a_breach_supersedes_its_warnings_but_not_its_escalations(life: Any, regulation: Any) -> None:
    ticket = life(regulation(steps={"P2": STEPS})).register("02-02 09:00").breach("02-02 17:00")
    assert ticket.wanted.keys() == {"resolution:step:P2:150%", "resolution:step:P2:+60m"}


def test_registration_has_steps_of_its_own(life: Any, at: Any) -> None:
    ticket = life()
    assert ticket.wanted == {"registration:step:80%": at("02-02 11:24"), "registration:due": at("02-02 12:00")}
    ticket.do("warn", "02-02 11:24", clock="registration", mark="80%").breach("02-02 12:00", clock="registration")
    assert ticket.wanted == {}


# --- calendars that end, tickets that end -----------------------------------------------------------------------------


def test_without_the_years_calendar_there_is_no_deadline_and_no_failure(life: Any) -> None:
    ticket = life(received="2027-12-30 16:00").register("2027-12-30 17:00", "P4")
    assert ticket.due is None
    assert ticket.wanted == {}
    ticket.do("start", "2027-12-30 17:10").do("request_info", "2027-12-31 10:00", minutes=30)
    assert ticket.wanted == {}
    ticket.do("resume", "2028-01-20 10:00").complete("2028-01-21 10:00")
    assert ticket.result is None
    assert ticket.wanted.keys() == {"auto_close:due"}, "elapsed time needs no calendar"


def test_a_step_beyond_the_calendar_is_left_out_alone(life: Any, regulation: Any) -> None:
    late = regulation(steps={"P1": (Step(("supervisors",), minutes=600),)})
    ticket = life(late, received="2027-12-30 09:00").register("2027-12-30 09:00", "P1")
    assert ticket.wanted.keys() == {"resolution:due"}


def test_publishing_the_year_fills_what_stood_empty(life: Any, regulation: Any, at: Any) -> None:
    calendar = load_default_calendar()
    short = msgspec.structs.replace(calendar, years=tuple(year for year in calendar.years if year.year < 2027))
    ticket = life(regulation(calendar=short), regulation(), received="2027-02-01 10:00")
    assert (ticket.wanted, ticket.position.registration_due_at(ticket.rulebooks)) == ({}, None)
    ticket.repin("2027-02-01 10:30", 2, "keep")
    assert ticket.wanted["registration:due"] == at("2027-02-01 13:00")
    ticket = life(regulation(calendar=short), regulation(), received="2027-02-01 10:00").register("2027-02-01 10:00")
    assert ticket.due is None
    assert ticket.repin("2027-02-01 10:30", 2, "keep").due == at("2027-02-01 18:00")


@pytest.mark.parametrize("way", ["reject", "withdraw", "confirm", "expire"])
def test_closed_tickets_want_no_timers(life: Any, way: str) -> None:
    ticket = life()
    if way != "reject":
        ticket.register("02-02 09:10").do("start", "02-02 09:20").do("snooze", "02-02 09:30", until="2026-03-01T00:00Z")
        ticket.extend("02-02 09:40", promised="02-10 12:00")
    if way in ("confirm", "expire"):
        ticket.complete("02-02 10:00")
    ticket.do(way, "02-05 12:00")
    assert ticket.position.state == "closed"
    assert ticket.wanted == {}


def test_a_snooze_reminds_and_never_rests_the_clock(life: Any, at: Any) -> None:
    ticket = life().register("02-02 09:00").do("snooze", "02-02 10:00", until=at("02-03 09:00").isoformat())
    assert ticket.wanted["snooze"] == at("02-03 09:00")
    assert ticket.due == at("02-02 17:00")
    assert ticket.resolution.running
    assert "snooze" not in ticket.do("wake", "02-03 09:00").wanted


def test_minutes_booked_add_up(life: Any) -> None:
    ticket = life().register("02-02 09:00").do("request_info", "02-02 10:00", minutes=30)
    ticket.do("resume", "02-02 11:00").do("answer", "02-02 12:00", minutes=45).complete("02-02 13:00")
    assert ticket.position.minutes_total == 105


def test_the_journal_read_again_gives_the_life_that_was_lived(life: Any, regulation: Any) -> None:
    ticket = life(regulation(on_dispute="restarts")).register("02-02 10:00").do("start", "02-02 10:30")
    ticket.do("request_info", "02-02 11:00", minutes=30).do("resume", "02-02 12:00").complete("02-02 13:00")
    ticket.do("dispute", "02-03 10:00").extend("02-03 11:00", promised="02-09 12:00")
    again = life(regulation(on_dispute="restarts"))
    for entry in ticket.entries[1:]:
        again.do(entry.trigger, entry.at, **entry.data)
    assert again.position == ticket.position
    assert passport(again.resolution, again.rulebooks[1]) == passport(ticket.resolution, ticket.rulebooks[1])
