"""Back-tests on clocks alone: what carrying over does, and that both ways of looking back agree."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.carrying_over import CHOICES, Choice, KeepsItsVersion, carried_over, how, lacks_a_deadline
from workflow.regulation import Rulebook
from workflow.simulation import OUTCOMES, STORIED, WithDraft, plainly, prospects, replayed, then
from workflow.simulation import Life as Lived
from workflow.working_calendar import Target

DRAFT = 0


def minutes(amount: int) -> Target:
    return Target("working_minutes", amount)


def lived(one: Any) -> Lived:
    position = one.position
    return Lived(position.clocks, position.registered_at, position.completed_at)


@pytest.fixture(scope="session")
def drafted(regulation: Any) -> Any:
    """`drafted({"P2": 60})` is a rulebook with that target, under the number of a draft."""

    def made(targets: dict[str, int] | None = None, **changes: Any) -> Rulebook:
        wanted = {code: minutes(amount) for code, amount in (targets or {}).items()}
        return Rulebook(DRAFT, regulation(targets=wanted, steps=dict.fromkeys(wanted, ()), **changes))

    return made


# --- carrying over ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "due"), [("from_start", "02-02 14:00"), ("from_now", "02-02 17:00"), ("keep", "02-02 18:00")]
)
def test_a_choice_says_from_when_the_new_target_counts(
    life: Any, drafted: Any, at: Any, choice: Choice, due: str
) -> None:
    ticket = life().register("02-02 10:00")
    draft = drafted({"P2": 240})
    found = {one.choice: one for one in prospects(
        ticket.position.clocks, draft, at=at("02-02 13:00"), rulebooks=WithDraft(ticket.rulebooks, draft)
    )}  # fmt: skip
    assert found[choice].new_due == at(due)
    assert found[choice].old_due == at("02-02 18:00")
    assert found[choice].moved == (choice != "keep")


def test_who_is_late_at_once_is_told_apart_from_who_was_late_before(life: Any, drafted: Any, at: Any) -> None:
    ticket, draft = life().register("02-02 10:00"), drafted({"P2": 60})
    _keep, from_start, from_now = prospects(
        ticket.position.clocks, draft, at=at("02-02 13:00"), rulebooks=WithDraft(ticket.rulebooks, draft)
    )
    assert (from_start.late_before, from_start.late_after) == (False, True)
    assert (from_now.late_before, from_now.late_after) == (False, False)


def test_a_completed_ticket_keeps_its_frozen_result(life: Any, drafted: Any, at: Any) -> None:
    ticket, draft = (
        life().register("02-02 10:00").do("start", "02-02 10:30").complete("02-02 12:00"),
        drafted({"P2": 60}),
    )
    found = prospects(ticket.position.clocks, draft, at=at("02-03 13:00"), rulebooks=WithDraft(ticket.rulebooks, draft))
    assert [one.late_after for one in found] == [False] * len(CHOICES)


def test_a_priority_that_is_not_in_use_keeps_its_version(life: Any, regulation: Any) -> None:
    ticket, current = life().register("02-02 10:00"), regulation()
    retired = tuple(msgspec.structs.replace(one, retired=one.code == "P2") for one in current.priorities)
    draft = Rulebook(DRAFT, msgspec.structs.replace(current, priorities=retired))
    with pytest.raises(KeepsItsVersion, match="P2"):
        how(ticket.position.clocks, "from_start", draft, WithDraft(ticket.rulebooks, draft))


def test_a_request_obeys_the_version_at_its_receipt(life: Any, drafted: Any) -> None:
    draft = drafted({"P2": 60})
    request = life()
    with pytest.raises(KeepsItsVersion) as kept:
        how(request.position.clocks, "from_now", draft, WithDraft(request.rulebooks, draft))
    assert kept.value.sentence == ""


def test_an_empty_deadline_is_filled_and_nothing_else_changes(
    life: Any, regulation: Any, drafted: Any, at: Any
) -> None:
    current = regulation()
    short = msgspec.structs.replace(current.calendar, years=current.calendar.years[:1])
    ticket = life(msgspec.structs.replace(current, calendar=short)).register("02-02 10:00")
    draft = drafted()
    rulebooks = WithDraft(ticket.rulebooks, draft)
    assert lacks_a_deadline(ticket.position.clocks, rulebooks)
    count = how(ticket.position.clocks, "keep", draft, rulebooks)
    after = carried_over(ticket.position.clocks, count, draft, at=at("02-02 13:00"), rulebooks=rulebooks)
    assert not lacks_a_deadline(after, rulebooks)
    assert after.resolution is not None
    assert after.resolution.origin == at("02-02 10:00")


# --- looking back -----------------------------------------------------------------------------------------------------

ACTS = st.lists(st.sampled_from(["ask", "answer", "complete", "confirm", "extend"]), max_size=6)


def played(life: Any, acts: list[str], at: Any) -> Any:
    """A life of two hours between acts; what its state does not allow is left out."""
    ticket = life().register("02-02 10:00").do("start", "02-02 10:30")
    hour = 11
    for act in acts:
        moment = f"02-{2 + hour // 9 // 2:02d} {9 + hour % 9:02d}:15"
        if at(moment) < ticket.position.last_at:
            break
        state = ticket.position.state
        if act == "ask" and state == "in_progress":
            ticket.do("request_info", moment, minutes=5)
        elif act == "answer" and state == "awaiting_customer":
            ticket.do("resume", moment)
        elif act == "complete" and state in ("in_progress", "awaiting_customer"):
            ticket.complete(moment)
        elif act == "confirm" and state == "completed":
            ticket.do("confirm", moment)
        elif act == "extend" and state in ("in_progress", "awaiting_customer"):
            ticket.extend(moment, promised="02-05 12:00")
        hour += 2
    return ticket


@given(acts=ACTS, target=st.integers(min_value=30, max_value=1500))
def test_clocks_alone_tell_what_the_whole_journal_tells(
    life: Any, drafted: Any, at: Any, acts: list[str], target: int
) -> None:
    """The short way and the long way through a life that never changed its target."""
    ticket = played(life, acts, at)
    assert not {entry.trigger for entry in ticket.entries} & STORIED
    draft, now = drafted({"P2": target}), at("02-10 12:00")
    assert plainly(lived(ticket), draft, at=now) == replayed(ticket.entries, lived(ticket), draft, at=now)


@given(acts=ACTS)
def test_the_same_regulation_gives_the_same_past(life: Any, at: Any, acts: list[str]) -> None:
    ticket = played(life, acts, at)
    same, now = Rulebook(DRAFT, ticket.rulebooks[1].regulation), at("02-10 12:00")
    assert plainly(lived(ticket), same, at=now) == then(lived(ticket), at=now, rulebooks=ticket.rulebooks)


def test_a_running_clock_is_late_or_runs(life: Any, drafted: Any, at: Any) -> None:
    ticket = lived(life().register("02-02 10:00"))
    assert plainly(ticket, drafted({"P2": 60}), at=at("02-02 10:59")).resolution == "running"
    assert plainly(ticket, drafted({"P2": 60}), at=at("02-02 11:01")).resolution == "breached"


def test_a_priority_the_draft_does_not_know_cannot_be_judged(life: Any, regulation: Any, at: Any) -> None:
    ticket, current = life().register("02-02 10:00"), regulation()
    fewer = tuple(one for one in current.priorities if one.code != "P2")
    draft = Rulebook(DRAFT, msgspec.structs.replace(current, priorities=fewer))
    told = plainly(lived(ticket), draft, at=at("02-02 11:00"))
    assert (told.registration, told.resolution) == ("met", "unknown")
    assert replayed(ticket.entries, lived(ticket), draft, at=at("02-02 11:00")) == told
    assert told.resolution in OUTCOMES


def test_a_letter_of_postponement_counts_under_the_draft_when_it_was_in_time_for_it(
    life: Any, drafted: Any, at: Any
) -> None:
    ticket = life().register("02-02 10:00").do("start", "02-02 10:30").extend("02-02 12:00", promised="02-04 12:00")
    ticket.complete("02-03 16:00")
    assert plainly(lived(ticket), drafted({"P2": 180}), at=at("02-05 10:00")).resolution == "extended"
    assert plainly(lived(ticket), drafted({"P2": 60}), at=at("02-05 10:00")).resolution == "breached"
