"""What happens by itself: a timer that came due acts on its ticket, once, in one transaction.

A timer needs no lease. Its ticket is locked, the row goes from armed to fired, and what follows (journal entry,
letters, events, the next timers) is written in the same transaction, with the cause `timer:<id>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

import msgspec
import structlog

from service import correspondence, failpoints, recipients
from service.actors import CLOCK
from service.change import Change
from service.database import DB, execute, fetchrow, fetchval, retried
from service.house import HOUSE
from service.notices import AUDIENCE, DEADLINE, MAIL, Reader, read_audience
from service.people import colleague
from service.regulations import RULEBOOKS
from service.ticket import FROM, SELECT, read_ticket
from service.tickets import asked_last, know_rules, ring_for
from service.words import Language, translate
from workflow.errors import NotFound, WrongState
from workflow.regulation import Step
from workflow.sla import Period, deadline_or_none, mark_of, steps
from workflow.words import _

log = structlog.get_logger(__name__)


class Outcome(StrEnum):
    """What became of one timer."""

    FIRED = "fired"
    SUPERSEDED = "superseded"  # a warning whose deadline had passed: the breach was told instead
    CANCELLED = "cancelled"  # the machine refused; the timer is consumed all the same
    BUSY = "busy"  # somebody works on the ticket; it stays armed
    GONE = "gone"  # it was consumed or cancelled meanwhile


class Due(msgspec.Struct, frozen=True):
    """A timer that came due."""

    id: int
    kind: str
    due_at: datetime

    @property
    def clock(self) -> str:
        return self.kind.partition(":")[0]

    @property
    def mark(self) -> str:
        """The mark of a step; '' for anything else."""
        _clock, _colon, rest = self.kind.partition(":step:")
        return rest


# The ticket under its lock, if nobody else has it, with the timer beside it (lock order: ticket, then timer).
LOCK = (
    SELECT
    + ", m.kind AS timer_kind, m.due_at AS timer_due_at, "
    + AUDIENCE
    + FROM
    + " JOIN timer m ON m.subject = t.id WHERE m.id = $1 AND m.status = 'armed' FOR NO KEY UPDATE OF t SKIP LOCKED"
)


@retried
async def fire(timer: int, *, at: datetime) -> Outcome:
    """Fire one timer that came due: everything that follows from it, or nothing; once, however often this is called."""
    async with DB.transaction(allow_nested=False):
        row = await fetchrow(LOCK, timer)
        if row is None:
            armed = await fetchval("SELECT true FROM timer WHERE id = $1 AND status = 'armed'", timer)
            return Outcome.BUSY if armed else Outcome.GONE
        ticket = read_ticket(row)
        await know_rules(ticket)
        change = Change(ticket, now=at, cause=f"timer:{timer}", audience=read_audience(row["audience"]))
        due = Due(timer, row["timer_kind"], row["timer_due_at"].astimezone(UTC))
        if not await consume(change, due):
            return Outcome.GONE
        outcome = await _carry_out(change, due)
        if outcome is not Outcome.FIRED:
            await execute("UPDATE timer SET status = $2 WHERE id = $1", timer, str(outcome))
        await change.write()
        failpoints.reach("timer.fired")
    await ring_for(change)
    return outcome


async def consume(change: Change, due: Due) -> bool:
    """Armed becomes fired, for one caller only; the timers of the change know that this one is over."""
    change.fired.add(due.kind)
    return bool(
        await execute(
            "UPDATE timer SET status = 'fired', ended_at = $2 WHERE id = $1 AND status = 'armed'", due.id, change.now
        )
    )


async def _carry_out(change: Change, due: Due) -> Outcome:
    """What this kind of timer does. A refusal of the machine consumes the timer, and the journal says so."""
    try:
        if due.mark:
            return await _step(change, due)
        await _ACTS[due.kind](change, due)
    except WrongState as refusal:
        change.refused.add(due.kind)
        log.warning("timer refused", timer=due.id, kind=due.kind, ticket=str(change.ticket.id), why=str(refusal))
        if change.ticket.open:
            _act(change, "wake", {"details": {"timer": due.kind, "refused": refusal.sentence}})
        return Outcome.CANCELLED
    return Outcome.FIRED


def _act(
    change: Change,
    trigger: str,
    given: Mapping[str, Any],
    *,
    facts: Mapping[str, Any] | None = None,
    told: Sequence[Reader] | None = None,
    **context: Any,
) -> None:
    """One act of the clock. `facts` go into the entry as they are, `told` are those whom the regulation tells of it;
    `context` is for the letter. Raises WrongState."""
    decision = change.decide(trigger, by=CLOCK, given=given)
    data = dict(decision.given) | dict(facts or {})
    data |= cast(dict[str, Any], data.pop("details", {}))
    change.act(
        trigger,
        by=CLOCK,
        to_state=decision.to_state,
        data=data,
        letters=decision.move.letters,
        types=decision.move.events,
        context=context,
        told=told,
    )


# --- deadlines --------------------------------------------------------------------------------------------------------


async def _breach(change: Change, due: Due) -> None:
    """A deadline passed: journaled as of its own instant, told to the supervisors, and its warnings are moot (6.3)."""
    period = _period(change, due.clock)
    extended = period.extended_at is not None and period.extended_at <= due.due_at
    details = {
        "clock": due.clock,
        "mark": "due",
        "due_at": due.due_at.isoformat(),
        "fired_at": change.now.isoformat(),
        "result": "extended" if extended else "breached",
        "superseded": _unfired_warnings(period),
    }
    await _tell_of_breach(change, period, details)


async def _miss_promise(change: Change, due: Due) -> None:
    """The date promised in a letter of 6.3 passed too."""
    period = _period(change, "resolution")
    details = {
        "clock": "resolution",
        "mark": "promise",
        "promised_at": due.due_at.isoformat(),
        "fired_at": change.now.isoformat(),
        "result": "breached",
    }
    await _tell_of_breach(change, period, details)


async def _tell_of_breach(change: Change, period: Period, details: Mapping[str, Any]) -> None:
    told = await recipients.told(("supervisors",), assignee="", at=change.now)
    _act(change, "breach", {"details": {**details, "notified": [one.email for one in told]}}, told=told)
    _notify(change, "breach", told, period=period)


def _unfired_warnings(period: Period) -> list[str]:
    """Marks of warnings that will not come any more."""
    marks = (mark_of(period, step) for step in steps(period, RULEBOOKS[period.version]) if step.warns_only)
    return [mark for mark in marks if mark not in period.fired]


async def _step(change: Change, due: Due) -> Outcome:
    """A warning or an escalation; when the deadline itself has passed unnoticed, its breach comes first."""
    period = _period(change, due.clock)
    step = next((one for one in steps(period, RULEBOOKS[period.version]) if mark_of(period, one) == due.mark), None)
    await _breach_first(change, due.clock)
    if step is None or (step.warns_only and "due" in _period(change, due.clock).fired):
        return Outcome.SUPERSEDED
    await (_warn if step.warns_only else _escalate)(change, due, step)
    return Outcome.FIRED


async def _breach_first(change: Change, clock: str) -> None:
    kind = f"{clock}:due"
    _generation, due_at = change.ticket.generations.get(kind, (0, None))
    if due_at is None or due_at > change.now:
        return
    row = await fetchrow(
        "SELECT id, due_at FROM timer WHERE subject = $1 AND kind = $2 AND status = 'armed'", change.ticket.id, kind
    )
    if row is not None:
        due = Due(row["id"], kind, row["due_at"].astimezone(UTC))
        if await consume(change, due):
            await _breach(change, due)


async def _warn(change: Change, due: Due, step: Step) -> None:
    told = await recipients.told(step.notify, assignee=change.position.assignee, at=change.now)
    period = _period(change, due.clock)
    _act(change, "warn", {"details": _step_details(due, step, told)}, told=told)
    _notify(change, "warning", told, period=period, step=step.id)


async def _escalate(change: Change, due: Due, step: Step) -> None:
    """Tell, and where the rule says so hand over and raise the priority."""
    handed = await _handed_over(change, step)
    told = await recipients.told(step.notify, assignee=handed.get("assignee", change.position.assignee), at=change.now)
    period = _period(change, due.clock)
    passed = (deadline_or_none(period, RULEBOOKS) or change.now) <= change.now
    _act(change, "escalate", {"details": _step_details(due, step, told)}, facts=handed, told=told)
    if step.raise_to and _more_urgent(change, step.raise_to):
        reason = translate(
            cast(Language, HOUSE.language), _("Escalation of the regulation, threshold {step}"), step=step.id
        )
        _act(change, "change_priority", {"priority": step.raise_to, "reason": reason})
    _notify(change, "breach" if passed else "warning", told, period=period, step=step.id)


def _step_details(due: Due, step: Step, told: Sequence[Reader]) -> dict[str, Any]:
    return {"clock": due.clock, "mark": due.mark, "step": step.id, "notified": [one.email for one in told]}


async def _handed_over(change: Change, step: Step) -> dict[str, str]:
    """To whom the step gives the ticket; an account that is gone is named, and nothing changes hands."""
    if not step.reassign_to:
        return {}
    try:
        to = await colleague(step.reassign_to)
    except NotFound:
        return {"not_reassigned_to": step.reassign_to}
    change.hand_to(email=to.email, name=to.name)
    change.hears(to)
    return {"assignee": str(to.id)}


def _more_urgent(change: Change, code: str) -> bool:
    """Whether the priority may be given and comes before the ticket's own: an escalation never lowers it."""
    known = change.rules.priorities
    now = known.get(change.position.priority or "")
    return now is not None and code in change.rules.open_priorities and known[code].rank < now.rank


def _period(change: Change, clock: str) -> Period:
    clocks = change.position.clocks
    period = clocks.registration if clock == "registration" else clocks.resolution
    if period is None:
        raise LookupError(f"ticket {change.ticket.id} has a timer of the {clock} clock and no such clock")
    return period


# --- silence, questions, reminders ------------------------------------------------------------------------------------


async def _close_after_silence(change: Change, _due: Due) -> None:
    """The customer's time to answer is over (4.9); held while an answer is unread or the letter came back."""
    _act(change, "expire", {})


async def _remind(change: Change, _due: Due) -> None:
    """The customer is asked again what was asked last."""
    _act(change, "remind", {}, question=await asked_last(change.ticket.id))


async def _wake(change: Change, due: Due) -> None:
    """The date somebody wanted to be reminded on: told to whoever has the ticket now."""
    told = await recipients.told(("assignee",), assignee=change.position.assignee, at=change.now)
    details = {"timer": due.kind, "notified": [one.email for one in told]}
    _act(change, "wake", {"details": details}, told=told)
    clocks = change.position.clocks
    period = clocks.resolution or clocks.registration
    if period is not None:
        _notify(change, "warning", told, period=period, step=_("Reminder came due"))


_ACTS = {
    "registration:due": _breach,
    "resolution:due": _breach,
    "promise:due": _miss_promise,
    "auto_close:due": _close_after_silence,
    "reminder": _remind,
    "snooze": _wake,
}


# --- notices to colleagues --------------------------------------------------------------------------------------------


def _notify(change: Change, kind: str, told: Sequence[Reader], *, period: Period, step: str = "") -> None:
    """The letter of a warning or a breach, to those who want it by mail."""
    wait_until = change.opening()
    for one in told:
        if not one.wants(DEADLINE, MAIL):
            continue
        draft = correspondence.to_staff(
            kind, change.after, change.rules, recipient=one.email, language=one.language, period=period,
            step=translate(cast(Language, one.language), step) if step else "",
        )  # fmt: skip
        change.send(draft, not_before=wait_until)
