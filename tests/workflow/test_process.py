"""The process table is the one of the papers, and the machine obeys it for every trigger, state and role."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from workflow.definition import Field, Kind, Process, Role, State
from workflow.errors import NotYours, Refusal, UnknownTrigger, WrongFields, WrongState
from workflow.fields import Choices, checked
from workflow.machine import CONDITIONS, MACHINE, TicketFacts
from workflow.process import PROCESS
from workflow.regulation import LETTERS

NOW = datetime(2026, 2, 2, 9, 0, tzinfo=UTC)
CHOICES = Choices(
    priorities=("P1", "P2"),
    reasons=("needs_development",),
    outcomes=("solved", "unlicensed"),
    minimum_minutes=30,
    now=NOW,
)
STATES = ("new", "registered", "in_progress", "awaiting_customer", "completed", "closed")
OPEN = STATES[:-1]

# What each move needs, written out by hand: a call that lacks nothing.
GIVEN: dict[str, dict[str, Any]] = {
    "register": {"priority": "P2"},
    "reject": {"reason": "spam"},
    "start": {},
    "request_info": {"text": "Which version?", "minutes": 30},
    "resume": {"text": "Version 7."},
    "complete": {"text": "Install the update.", "delivery_method": "email", "minutes": 30, "outcome": "solved"},
    "confirm": {},
    "dispute": {"text": "It hangs still."},
    "expire": {},
    "withdraw": {"text": "No longer needed."},
    "assign": {"assignee": "petrova@example.org"},
    "change_priority": {"priority": "P1", "reason": "Everything stands."},
    "extend": {"reason": "needs_development", "text": "A fault in the core.", "promised_at": "2026-03-02T12:00+03:00"},
    "comment": {"text": "Seen before."},
    "answer": {"text": "Here is the document.", "delivery_method": "phone", "minutes": 45},
    "reply": {"text": "Thank you."},
    "dismiss_reply": {},
    "remind": {},
    "snooze": {"until": "2026-03-02T12:00+03:00"},
    "wake": {},
    "escalate": {},
    "warn": {},
    "breach": {},
    "attach": {"attachments": ["a.png"]},
    "link": {"ticket": "2026-00001", "relation": "related"},
    "split": {"message": "7", "subject": "Another question"},
    "identify": {"organisation": "Vector"},
    "rate": {"score": "good"},
    "accept": {},
    "bounce": {},
    "repin": {},
}

OP, S, A, C, T = Role.OPERATOR, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.CUSTOMER, Role.CLOCK
OPERATORS, STAFF = {OP, A}, {OP, S, A}

# trigger: (from, to or None, by), as the papers say.
EXPECTED: dict[str, tuple[tuple[str, ...], str | None, set[Role]]] = {
    "register": (("new",), "registered", OPERATORS),
    "reject": (("new",), "closed", OPERATORS),
    "start": (("registered",), "in_progress", OPERATORS),
    "request_info": (("registered", "in_progress"), "awaiting_customer", OPERATORS),
    "resume": (("awaiting_customer",), "in_progress", {OP, A, C}),
    "complete": (("in_progress", "awaiting_customer"), "completed", OPERATORS),
    "confirm": (("completed",), "closed", {OP, A, C}),
    "dispute": (("completed",), "in_progress", {OP, A, C}),
    "expire": (("completed",), "closed", {T}),
    "withdraw": (OPEN, "closed", {OP, A, C}),
    "assign": (OPEN, None, STAFF),
    "change_priority": (OPEN, None, {OP, S, A, T}),
    "extend": (OPEN, None, STAFF),
    "comment": (OPEN, None, STAFF),
    "answer": (OPEN, None, STAFF),
    "reply": (("new", "registered", "in_progress", "completed"), None, {OP, A, C}),
    "dismiss_reply": (("completed",), None, STAFF),
    "remind": (OPEN, None, {OP, S, A, T}),
    "snooze": (OPEN, None, STAFF),
    "wake": (OPEN, None, {T}),
    "escalate": (OPEN, None, {OP, S, A, T}),
    "warn": (("new", "registered", "in_progress"), None, {T}),
    "breach": (OPEN, None, {T}),
    "attach": (OPEN, None, {OP, S, A, C}),
    "link": (OPEN, None, STAFF),
    "split": (OPEN, None, STAFF),
    "identify": (OPEN, None, STAFF),
    "rate": (("closed",), None, {C}),
    "accept": (OPEN, None, {T}),
    "bounce": (OPEN, None, {T}),
    "repin": (OPEN, None, {T}),
}

# The fields of the wire; "?" marks what may be left out.
FIELDS = {
    "register": "priority assignee?",
    "reject": "reason text? duplicate_of?",
    "start": "assignee?",
    "assign": "assignee",
    "request_info": "text minutes attachments?",
    "resume": "text attachments?",
    "answer": "text delivery_method minutes attachments?",
    "comment": "text attachments?",
    "complete": "text delivery_method minutes outcome attachments?",
    "confirm": "",
    "dispute": "text attachments?",
    "withdraw": "text",
    "change_priority": "priority reason",
    "extend": "reason text promised_at attachments?",
    "snooze": "until text?",
    "split": "message subject",
    "link": "ticket relation",
    "identify": "organisation contact?",
    "rate": "score",
    "reply": "text attachments?",
    "expire": "",
    "dismiss_reply": "",
    "attach": "attachments",
    "remind": "text?",
    "escalate": "text? details?",
    "wake": "details?",
    "warn": "details?",
    "breach": "details?",
    "accept": "details?",
    "bounce": "details?",
    "repin": "details?",
}


def a_ticket(state: str, **facts: Any) -> TicketFacts:
    """A ticket as it usually is in `state`: with a priority once registered; an unread reply where one can wait."""
    usual: dict[str, Any] = {"priority": None if state == "new" else "P2"}
    return TicketFacts(state, **(usual | facts))


def decide(trigger: str, ticket: TicketFacts, role: Role, given: dict[str, Any] | None = None) -> Any:
    return MACHINE.decide(ticket, trigger, by=role, given=GIVEN[trigger] if given is None else given, choices=CHOICES)


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_states_and_their_clocks_are_those_of_the_papers() -> None:
    assert {state.name: (state.runs, state.pauses, state.final) for state in PROCESS.states} == {
        "new": ("registration", None, False),
        "registered": ("resolution", None, False),
        "in_progress": ("resolution", None, False),
        "awaiting_customer": (None, "resolution", False),
        "completed": ("auto_close", "resolution", False),
        "closed": (None, None, True),
    }
    assert PROCESS.initial == "new"
    assert all(bool(state.pauses) == bool(state.pause_reason) for state in PROCESS.states)


def test_the_moves_are_those_of_the_papers() -> None:
    assert {move.trigger: (move.sources, move.to, set(move.who)) for move in PROCESS.moves} == EXPECTED


def test_the_fields_are_those_of_the_wire() -> None:
    told = {
        move.trigger: " ".join(one.name + ("" if one.required else "?") for one in move.fields)
        for move in PROCESS.moves
    }
    assert told == FIELDS


def test_every_letter_and_condition_of_the_table_exists() -> None:
    assert set(PROCESS.letters()) <= LETTERS
    assert {name for move in PROCESS.moves for name in move.conditions} == set(CONDITIONS)


def test_the_table_answers_for_its_states() -> None:
    assert PROCESS.open_states() == OPEN
    assert PROCESS.final_states() == ("closed",)
    assert PROCESS.states_paused() == ("awaiting_customer", "completed")
    assert PROCESS.states_where(runs="resolution") == ("registered", "in_progress")
    assert [move.trigger for move in PROCESS.moves_from("closed")] == ["rate"]


def test_a_table_with_an_unknown_state_or_a_repeated_one_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown states: nowhere"):
        Process(
            "new", (State("new", "", ""),), (PROCESS.moves[0].__class__("go", ("new",), "nowhere", frozenset(), ""),)
        )
    with pytest.raises(ValueError, match="twice"):
        Process("new", (State("new", "", ""), State("new", "", "")), ())


# --- every trigger, in every state, for every role --------------------------------------------------------------------


def facts_that_let(trigger: str, state: str) -> TicketFacts:
    """A reply waits where somebody is to dismiss it; a priority is there where one is to be changed."""
    return a_ticket(state, priority="P2", answer_unread=trigger == "dismiss_reply")


@pytest.mark.parametrize("trigger", EXPECTED)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("role", list(Role))
def test_every_trigger_in_every_state_for_every_role(trigger: str, state: str, role: Role) -> None:
    sources, to_state, who = EXPECTED[trigger]
    ticket = facts_that_let(trigger, state)
    if role not in who:
        with pytest.raises(NotYours) as refusal:
            decide(trigger, ticket, role)
        assert refusal.value.params["move"] == PROCESS.by_trigger[trigger].label
    elif state not in sources:
        with pytest.raises(WrongState) as refused:
            decide(trigger, ticket, role)
        assert (refused.value.trigger, refused.value.state) == (trigger, state)
        assert refused.value.possible == MACHINE.possible(ticket, by=role)
        assert trigger not in refused.value.possible
    else:
        decision = decide(trigger, ticket, role)
        assert (decision.from_state, decision.to_state) == (state, to_state or state)
        assert decision.changes_state == (to_state is not None)
        assert trigger in MACHINE.possible(ticket, by=role)


@pytest.mark.parametrize("role", list(Role))
def test_a_closed_ticket_takes_one_word_of_its_customer_and_nothing_else(role: Role) -> None:
    assert MACHINE.possible(a_ticket("closed"), by=role) == (("rate",) if role is C else ())


@pytest.mark.parametrize(
    ("state", "role", "possible"),
    [
        ("new", C, "withdraw reply attach"),
        ("awaiting_customer", C, "resume withdraw attach"),
        ("completed", C, "confirm dispute withdraw reply attach"),
        ("completed", T, "expire change_priority remind wake escalate breach accept bounce repin"),
        (
            "registered",
            S,
            "assign change_priority extend comment answer remind snooze escalate attach link split identify",
        ),
        ("in_progress", Role.PROCESS_OWNER, ""),
    ],
)
def test_what_each_may_do_comes_in_the_order_of_the_table(state: str, role: Role, possible: str) -> None:
    assert " ".join(MACHINE.possible(a_ticket(state), by=role)) == possible


# --- conditions and reasons -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trigger", "role", "ticket", "sentence"),
    [
        ("expire", T, a_ticket("completed", answer_unread=True), "An answer of the customer has not been read yet."),
        (
            "expire",
            T,
            a_ticket("completed", completion_bounced=True),
            "The completion letter came back: the customer has not heard of it.",
        ),
        ("dismiss_reply", OP, a_ticket("completed"), "No reply of the customer is waiting."),
        ("change_priority", OP, a_ticket("new"), "The ticket has no priority yet: register it first."),
        ("extend", OP, a_ticket("new"), "The ticket has no priority yet: register it first."),
    ],
)
def test_a_condition_refuses_with_its_reason_and_the_ways_that_are_open(
    trigger: str, role: Role, ticket: TicketFacts, sentence: str
) -> None:
    with pytest.raises(WrongState) as refused:
        decide(trigger, ticket, role)
    assert str(refused.value) == sentence
    assert trigger not in refused.value.possible
    assert refused.value.possible == MACHINE.possible(ticket, by=role)


def test_a_wrong_state_is_told_in_words() -> None:
    with pytest.raises(WrongState) as refused:
        decide("complete", a_ticket("registered"), OP)
    assert str(refused.value) == "“Complete” is not possible while the ticket is “Registered”."
    assert "start" in refused.value.possible


def test_an_unknown_trigger_is_refused_by_name() -> None:
    with pytest.raises(UnknownTrigger, match="explode"):
        MACHINE.decide(a_ticket("new"), "explode", by=OP, given={}, choices=CHOICES)


def test_role_is_asked_before_state_and_state_before_fields() -> None:
    with pytest.raises(NotYours):
        decide("register", a_ticket("closed"), C, {"nonsense": 1})
    with pytest.raises(WrongState):
        decide("register", a_ticket("closed"), OP, {"nonsense": 1})
    with pytest.raises(WrongFields):
        decide("register", a_ticket("new"), OP, {"nonsense": 1})


def test_refusals_have_codes_and_sentences() -> None:
    for kind in (NotYours, UnknownTrigger, WrongFields, WrongState):
        assert issubclass(kind, Refusal)
        assert kind.code != Refusal.code


def test_deciding_never_touches_the_ticket() -> None:
    ticket = a_ticket("new")
    decide("register", ticket, OP)
    assert ticket == a_ticket("new")


# --- fields -----------------------------------------------------------------------------------------------------------


def wrong(trigger: str, state: str, role: Role, **given: Any) -> dict[str, str]:
    with pytest.raises(WrongFields) as refused:
        decide(trigger, a_ticket(state), role, given)
    return {error.field: error.sentence.format(**error.params) for error in refused.value.errors}


def test_all_wrong_fields_are_told_at_once() -> None:
    told = wrong("complete", "in_progress", OP, text=" \n", delivery_method="pigeon", minutes="many", nonsense="x")
    assert set(told) == {"text", "delivery_method", "minutes", "outcome", "nonsense"}
    assert told["text"] == told["outcome"] == "Please fill this in."
    assert told["delivery_method"] == "“pigeon” is not among the choices: email, phone, remote_access, onsite, other."
    assert (
        told["nonsense"]
        == "This move has no such field. It takes: text, delivery_method, minutes, outcome, attachments."
    )


def test_a_move_without_fields_says_so_to_whoever_sends_some() -> None:
    assert wrong("confirm", "completed", C, text="Thanks") == {"text": "This move has no such field. It takes: –."}


@pytest.mark.parametrize(
    ("given", "booked"), [(0, 30), (1, 30), (30, 30), (31, 31), ("45", 45), (" 5 ", 30), (1440, 1440)]
)
def test_minutes_below_the_minimum_are_raised_to_it(given: object, booked: int) -> None:
    decision = decide("request_info", a_ticket("registered"), OP, {"text": "Which?", "minutes": given})
    assert decision.given["minutes"] == booked


@pytest.mark.parametrize("given", [-1, 1441, 30.5, True, "half an hour", "-5", "٣٠", [30], "9" * 40])
def test_minutes_are_whole_and_fit_into_a_day(given: object) -> None:
    assert wrong("request_info", "registered", OP, text="Which?", minutes=given) == {
        "minutes": "Give whole minutes, from 0 to 1440."
    }


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("2026-03-02T12:00", "The time needs its zone, such as 2026-05-04T11:10+03:00."),
        ("2026-03-02", "The time needs its zone, such as 2026-05-04T11:10+03:00."),
        ("2026-02-02T12:00+03:00", "This must lie in the future."),
        ("2020-01-01T00:00Z", "This must lie in the future."),
        ("soon", "Give a date and time such as 2026-05-04T11:10+03:00."),
        (7, "Give a date and time such as 2026-05-04T11:10+03:00."),
        ("9999-12-31T23:00-12:00", "Give a date and time such as 2026-05-04T11:10+03:00."),
    ],
)
def test_instants_need_a_zone_and_lie_ahead(given: object, sentence: str) -> None:
    assert wrong("snooze", "registered", OP, until=given) == {"until": sentence}


def test_instants_become_utc() -> None:
    decision = decide("snooze", a_ticket("registered"), OP, {"until": "2026-02-02T12:00:01+03:00"})
    assert decision.given == {"until": NOW + timedelta(seconds=1)}
    assert decision.given["until"].tzinfo is UTC
    whole = NOW.astimezone(timezone(timedelta(hours=3))) + timedelta(days=1)
    assert decide("snooze", a_ticket("registered"), OP, {"until": whole}).given == {"until": NOW + timedelta(days=1)}


def test_codes_are_those_of_the_regulation_in_force() -> None:
    assert wrong("register", "new", OP, priority="P9") == {"priority": "“P9” is not among the choices: P1, P2."}
    extension = {"text": "Later.", "promised_at": "2026-03-02T12:00+03:00"}
    assert set(wrong("extend", "registered", OP, reason="laziness", **extension)) == {"reason"}
    answer = {"text": "No.", "delivery_method": "email", "minutes": 30}
    assert set(wrong("complete", "in_progress", OP, outcome="whatever", **answer)) == {"outcome"}


def test_texts_are_stripped_and_made_storable() -> None:
    decision = decide("comment", a_ticket("new"), OP, {"text": "  one\r\ntwo\x00 "})
    assert decision.given["text"] == "one\ntwo\N{REPLACEMENT CHARACTER}"


def test_texts_have_an_end() -> None:
    assert wrong("comment", "new", OP, text="a" * 100_001) == {"text": "This is too long: at most 100000 characters."}
    assert wrong("comment", "new", OP, text=["no", "text"]) == {"text": "This must be a text."}
    split = {"message": "1", "subject": "a" * 501}
    assert wrong("split", "new", OP, **split) == {"subject": "This is too long: at most 500 characters."}


def test_optional_fields_that_are_empty_are_left_out() -> None:
    assert decide("register", a_ticket("new"), OP, {"priority": "P1", "assignee": ""}).given == {"priority": "P1"}
    assert decide("register", a_ticket("new"), OP, {"priority": "P1", "assignee": None}).given == {"priority": "P1"}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_field_is_checked(kind: Kind) -> None:
    """No kind falls through to an error of ours, whatever is sent."""
    for raw in ("text", 7, ["list"], {"a": 1}, True):
        with contextlib.suppress(WrongFields):
            assert checked((Field("it", kind, "It"),), {"it": raw}, CHOICES).keys() == {"it"}
