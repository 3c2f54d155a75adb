"""What carries each clause: the parts of the draft that hold its settings, and the checks that hold the clause."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from workflow.words import _

DRAFT: Final = "/regulation/draft"

# Which parts of the draft carry a clause; a clause without any is carried by the machine itself.
CALENDAR: Final = (_("Calendar"), f"{DRAFT}/calendar")
REQUESTS: Final = f"{DRAFT}/requests"
TALK: Final = f"{DRAFT}/talk"
DEADLINES: Final = (_("Priorities and deadlines"), DRAFT)
LEVELS: Final = (_("Service levels"), f"{DRAFT}/levels")
LETTERS: Final = (_("Letters"), f"{DRAFT}/letters")
EXAMPLES: Final = (_("Examples"), f"{DRAFT}/examples")
PROCESS: Final = (_("Process"), "/process")
SETTINGS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "1": (CALENDAR,), "2": ((_("Title of the regulation"), f"{REQUESTS}#s-title"),), "4.1": (PROCESS,),
    "4.2": ((_("What a request has to tell"), f"{REQUESTS}#s-required"), LETTERS), "4.3": (PROCESS,),
    "4.4": ((_("Number"), f"{REQUESTS}#s-number"), LETTERS), "4.5": (DEADLINES, PROCESS),
    "4.6": ((_("Reminders while the customer owes an answer"), f"{REQUESTS}#s-reminders"), LETTERS),
    "4.7": (PROCESS, LETTERS), "4.8": ((_("After a dispute"), f"{REQUESTS}#s-dispute"), PROCESS, LETTERS),
    "4.9": ((_("Closing after silence"), f"{REQUESTS}#s-close"),), "5.1": (CALENDAR,),
    "5.2": ((_("Least time of an answer"), f"{REQUESTS}#s-minimum"),),
    "6.1": ((_("When the priority changes"), f"{DRAFT}#s-change"),), "6.2": (DEADLINES,),
    "6.3": ((_("Registration"), f"{DRAFT}#s-registration"), (_("Time to solve, by priority"), f"{DRAFT}#s-targets"),
            (_("Notices to colleagues outside opening hours"), f"{DRAFT}#s-quiet"), LEVELS, EXAMPLES),
    "7.2": (PROCESS, LETTERS),
    "7.3": (LETTERS, (_("Most acceptance letters that go by themselves"), f"{TALK}#s-brakes")),
    "7.4": (LETTERS,), "7.6": ((_("Files"), f"{TALK}#s-files"),),
    "7.7": ((_("Level of service by the sender's address"), f"{TALK}#s-level"), LEVELS),
    "7.8": ((_("Standard answers"), f"{TALK}#s-canned"),),
    "7.9": ((_("Reasons why a solution is put off or impossible"), f"{TALK}#s-reasons"), LETTERS),
    "7.10": ((_("Start of the clock"), f"{TALK}#s-clocks"),),
}  # fmt: skip


# What holds a clause without a person: a test of the release, or an audit that asks every minute.
REPLAY: Final = _("Audit, every minute: state, order and deadlines are told anew from the journal")
CHECKS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "1": (
        (
            _("The cases of the Russian calendar are counted to the minute"),
            "test_the_may_holidays_are_named_and_the_sum_is_exact",
        ),
    ),
    "2": (
        (
            _("Colleagues' addresses stay out of the public text"),
            "test_colleagues_addresses_in_escalations_stay_out_of_the_public_text",
        ),
    ),
    "3.1": (
        (
            _("A stranger gets a ticket and a letter"),
            "test_a_stranger_becomes_an_unidentified_ticket_and_is_asked_for_what_is_missing",
        ),
    ),
    "3.2": (
        (
            _("A stranger gets a ticket and a letter"),
            "test_a_stranger_becomes_an_unidentified_ticket_and_is_asked_for_what_is_missing",
        ),
    ),
    "4.1": ((_("A call is taken and registered in one step"), "test_a_call_is_taken_and_registered_in_one_step"),),
    "4.2": (
        (
            _("The first letter names and asks for what is missing"),
            "test_the_acceptance_letter_names_and_asks_for_what_is_missing",
        ),
    ),
    "4.3": (
        (
            _("A split makes a linked ticket with its own clock"),
            "test_a_split_makes_a_linked_ticket_of_the_message_with_its_own_clock",
        ),
    ),
    "4.4": (
        (_("A number is unique and fits into a subject"), "test_clause_4_4_a_number_is_unique_and_fits_into_a_subject"),
    ),
    "4.5": (
        (
            _("The queue stands by priority, then by deadline"),
            "test_the_queue_stands_by_registration_then_priority_then_deadline",
        ),
        (REPLAY, ""),
    ),
    "4.6": ((_("Reminders come after their own silences"), "test_reminders_come_after_their_own_silences"),),
    "4.7": ((_("The way of each answer is recorded"), "test_a_move_is_made_and_said_and_stands_in_the_journal"),),
    "4.8": ((_("A dispute needs its argument and reopens"), "test_a_dispute_needs_its_argument_and_reopens"),),
    "4.9": (
        (_("A day of silence closes a completed ticket"), "test_a_day_of_silence_closes_a_completed_ticket"),
        (_("An unread answer holds the closing"), "test_an_unread_answer_holds_the_auto_close_until_somebody_reads_it"),
    ),
    "5.1": ((_("A rest costs no time of the clock"), "test_glpi_10594_a_pause_over_the_night_costs_no_night"),),
    "5.2": ((_("Minutes below the minimum are raised to it"), "test_minutes_below_the_minimum_are_raised_to_it"),),
    "6.1": (
        (_("Time spent stays spent under a new priority"), "test_a_new_priority_counts_from_the_start_by_default"),
    ),
    "6.2": ((_("A service level has targets of its own"), "test_a_service_level_has_targets_of_its_own"),),
    "6.3": (
        (_("Registration is judged when it is made"), "test_registration_is_judged_when_it_is_made"),
        (
            _("Warnings and escalations stand where the regulation says"),
            "test_steps_stand_at_percents_and_minutes_of_working_time",
        ),
        (REPLAY, ""),
    ),
    "7.1": ((_("A call is taken and registered in one step"), "test_a_call_is_taken_and_registered_in_one_step"),),
    "7.2": (
        (
            _("A reply answers the question and the clock runs on"),
            "test_a_reply_with_the_number_answers_the_question_and_the_clock_runs_on",
        ),
    ),
    "7.3": (
        (
            _("Two machines never write to each other without end"),
            "test_beyond_five_in_ten_minutes_tickets_are_made_and_letters_wait",
        ),
    ),
    "7.4": (
        (
            _("The number is found however a mail program writes it"),
            "test_the_number_is_found_however_a_client_writes_it",
        ),
    ),
    "7.5": (
        (
            _("Nothing but portal, mail and phone makes a ticket"),
            "test_nothing_but_the_official_channels_makes_a_ticket",
        ),
    ),
    "7.8": (
        (
            _("A standard answer is put into an answer"),
            "test_a_standard_answer_is_put_below_what_was_typed_without_script",
        ),
    ),
    "7.6": ((_("A bitmap is taken in ZIP and RAR only"), "test_a_bitmap_is_accepted_in_zip_and_rar"),),
    "7.7": ((_("The sender's address gives the level"), "test_clause_7_7_the_senders_address_gives_the_level"),),
    "7.9": ((_("There are seven reasons"), "test_clause_7_9_has_seven_reasons"),),
    "7.10": (
        (
            _("The letter that the server took makes the request accepted"),
            "test_the_registration_letter_that_the_server_took_makes_the_request_accepted",
        ),
        (_("Spam gets no letter"), "test_spam_gets_no_letter"),
    ),
}
