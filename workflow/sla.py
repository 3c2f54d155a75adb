"""Clocks are a pure function of the journal: each entry advances them, and a deadline can always be told anew.

A clock period knows where it began, what it aims at and when it rested. Nothing here is a counter that somebody
mutates: `advance` makes the next `Clocks` from the last one and one journal entry, so replaying a journal gives the
same clocks as living through it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal, Protocol, cast

import msgspec

from workflow.calendar import CalendarOutOfRange
from workflow.definition import Clock
from workflow.process import PROCESS
from workflow.regulation import Rulebook, Step
from workflow.working_calendar import Target

Result = Literal["met", "extended", "breached"]
ZERO = timedelta(0)


class Pause(msgspec.Struct, frozen=True, omit_defaults=True):
    """A time the clock rested: from when, until when (None: still), why (an English msgid), and who made it rest."""

    start: datetime
    reason: str
    by: str = ""
    end: datetime | None = None


class Period(msgspec.Struct, frozen=True, omit_defaults=True):
    """One clock, once: `version` names the regulation whose target and calendar it obeys."""

    clock: Clock
    origin: datetime
    target: Target
    version: int
    priority: str = ""
    pauses: tuple[Pause, ...] = ()
    stopped: datetime | None = None
    result: Result | None = None
    extended_at: datetime | None = None
    promised_at: datetime | None = None
    promise_missed: bool = False
    fired: tuple[str, ...] = ()

    @property
    def paused(self) -> Pause | None:
        """The rest that lasts until now, if the clock rests."""
        return self.pauses[-1] if self.pauses and self.pauses[-1].end is None else None

    @property
    def running(self) -> bool:
        return self.stopped is None and self.paused is None


class Clocks(msgspec.Struct, frozen=True, omit_defaults=True):
    """Every clock of one ticket. `finished` keeps resolution periods that a dispute ended (`restarts`)."""

    registration: Period | None = None
    resolution: Period | None = None
    auto_close: Period | None = None
    finished: tuple[Period, ...] = ()
    held: bool = False
    waiting_since: datetime | None = None
    reminded: int = 0
    snoozed_until: datetime | None = None
    received_at: datetime | None = None
    priority: str = ""
    service_level: str = ""
    version: int = 0


class Entry(Protocol):
    """What the clocks read of a journal entry."""

    @property
    def at(self) -> datetime: ...
    @property
    def trigger(self) -> str: ...
    @property
    def from_state(self) -> str | None: ...
    @property
    def to_state(self) -> str: ...
    @property
    def by(self) -> str: ...
    @property
    def data(self) -> Mapping[str, object]: ...


class Rulebooks(Protocol):
    """Published versions by number; they never change, so holding them is safe."""

    def __getitem__(self, version: int, /) -> Rulebook: ...


# --- the deadline of one period -------------------------------------------------------------------------------------


def rests(period: Period) -> tuple[Pause, ...]:
    """The pauses, those that touch joined: a rest whose reason changes on the way is one rest, told by its first."""
    return _joined(period.pauses)


@lru_cache(maxsize=4096)
def _joined(pauses: tuple[Pause, ...]) -> tuple[Pause, ...]:
    joined: list[Pause] = []
    for pause in pauses:
        if joined and joined[-1].end == pause.start:
            joined[-1] = msgspec.structs.replace(joined[-1], end=pause.end)
        else:
            joined.append(pause)
    return tuple(joined)


def resting_since(period: Period) -> datetime | None:
    """From when the clock rests until now; None while it does not rest."""
    return rests(period)[-1].start if period.paused else None


def moved_origin(period: Period, rules: Rulebook) -> datetime:
    """Where the target is counted from once the rests are taken out.

    Each rest moves the origin by the working time it covered, never by wall-clock time; elapsed targets move by elapsed
    time. A rest that began after the deadline had passed excuses nothing, and one that lasts moves nothing yet. Raises
    CalendarOutOfRange.
    """
    return _moved_origin(period.origin, period.target, rests(period), rules)


@lru_cache(maxsize=4096)
def _moved_origin(start: datetime, target: Target, rests: tuple[Pause, ...], rules: Rulebook) -> datetime:
    origin, rested = start, ZERO
    for rest in rests:
        if rest.end is None or rest.start >= rules.calendar.deadline(origin, target):
            break
        rested += _span(rest.start, rest.end, target, rules)
        origin = _later(start, rested, target, rules)
    return origin


def deadline(period: Period, rules: Rulebook) -> datetime:
    """When the target is reached; while the clock rests it stands where it stood. Raises CalendarOutOfRange."""
    return _deadline(period.origin, period.target, period.pauses, rules)


@lru_cache(maxsize=4096)  # one move asks for the same deadline and its steps a dozen times
def _deadline(start: datetime, target: Target, pauses: tuple[Pause, ...], rules: Rulebook) -> datetime:
    return rules.calendar.deadline(_moved_origin(start, target, _joined(pauses), rules), target)


def deadline_or_none(period: Period | None, rulebooks: Rulebooks) -> datetime | None:
    """As `deadline`, but None where no clock counts or the calendar does not reach: moves never fail for want of it."""
    if period is None:
        return None
    try:
        return deadline(period, rulebooks[period.version])
    except CalendarOutOfRange:
        return None


def remaining(period: Period, rules: Rulebook, *, at: datetime) -> timedelta:
    """Time left on the clock at `at`, in the target's own time; negative once the deadline has passed."""
    due = deadline(period, rules)
    now = resting_since(period) or period.stopped or at
    return _span(now, due, period.target, rules) if now <= due else -_span(due, now, period.target, rules)


def _span(start: datetime, end: datetime, target: Target, rules: Rulebook) -> timedelta:
    return end - start if target.kind == "calendar_minutes" else rules.calendar.between(start, end)


def _later(start: datetime, amount: timedelta, target: Target, rules: Rulebook) -> datetime:
    if not amount:
        return start
    return start + amount if target.kind == "calendar_minutes" else rules.calendar.add(start, amount)


def late_from(clocks: Clocks, rulebooks: Rulebooks) -> datetime | None:
    """The instant from which a ticket counts as late, as long as nothing more happens; None when it never will.

    The deadline of the clock that counts; the date promised instead, where the customer was told in time (6.3). A
    clock that rests is late only by what had passed before it came to rest, and a frozen result says how it was.
    """
    if (registration := clocks.registration) and registration.stopped is None:
        return deadline_or_none(registration, rulebooks)
    period = clocks.resolution
    if period is None or period.stopped is not None:
        return None
    due = deadline_or_none(period, rulebooks)
    if due is None or period.result in ("met", "extended"):
        return None
    promised = period.promised_at
    if promised and promised > due and _told_in_time(period, due) and not period.promise_missed:
        due = promised
    rested = resting_since(period)
    return due if rested is None or due < rested or period.result == "breached" else None


def step_due(period: Period, step: Step, rules: Rulebook) -> datetime | None:
    """When a warning or an escalation comes due; None when it would lie before the clock began."""
    origin, due = moved_origin(period, rules), deadline(period, rules)
    whole = _span(origin, due, period.target, rules)
    if step.percent is not None:
        return _later(origin, whole * step.percent / 100, period.target, rules)
    offset = timedelta(minutes=step.minutes or 0)
    if offset >= ZERO:
        return _later(due, offset, period.target, rules)
    return _later(origin, whole + offset, period.target, rules) if whole + offset > ZERO else None


# --- advancing by one journal entry ---------------------------------------------------------------------------------


def advance(clocks: Clocks, entry: Entry, rulebooks: Rulebooks) -> Clocks:
    """The clocks after `entry`. Reads only the entry, so replaying a journal gives what was lived."""
    clocks = _take_facts(clocks, entry)
    if entry.from_state != entry.to_state:
        clocks = _change_state(clocks, entry, rulebooks)
    if act := _ACTS.get(entry.trigger):
        clocks = act(clocks, entry, rulebooks)
    return clocks


def _take_facts(clocks: Clocks, entry: Entry) -> Clocks:
    """Priority, level, version and the time of receipt ride in the entries that set them."""
    data = entry.data
    changed: dict[str, object] = {}
    for name in ("priority", "service_level"):
        if isinstance(value := data.get(name), str):
            changed[name] = value
    if isinstance(version := data.get("regulation_version"), int):
        changed["version"] = version
    if isinstance(received := data.get("received_at"), str):
        changed["received_at"] = datetime.fromisoformat(received)
    return msgspec.structs.replace(clocks, **changed) if changed else clocks


def _change_state(clocks: Clocks, entry: Entry, rulebooks: Rulebooks) -> Clocks:
    here = PROCESS.state(entry.to_state)
    before = PROCESS.state(entry.from_state) if entry.from_state else None
    clocks = _leave(clocks, entry, rulebooks)
    if here.runs == "registration":
        clocks = _begin_registration(clocks, entry, rulebooks)
    elif here.runs == "resolution":
        disputed = before is not None and before.runs == "auto_close"
        clocks = _run_resolution(clocks, entry, rulebooks, disputed=disputed)
    elif here.runs == "auto_close":
        clocks = _begin_auto_close(clocks, entry, rulebooks)
    elif here.pauses == "resolution":
        clocks = _rest(clocks, entry, here.pause_reason)
        clocks = msgspec.structs.replace(clocks, waiting_since=entry.at, reminded=0)
    elif here.final:
        clocks = _stop_all(clocks, entry, rulebooks)
    return clocks


def _leave(clocks: Clocks, entry: Entry, rulebooks: Rulebooks) -> Clocks:
    """Clocks of the state that is left: registration and auto-close end, waiting is over."""
    registration, auto_close = clocks.registration, clocks.auto_close
    if registration and registration.stopped is None:
        registration = _stop(registration, entry.at, rulebooks)
    if auto_close and auto_close.stopped is None:
        auto_close = msgspec.structs.replace(auto_close, stopped=entry.at)
    return msgspec.structs.replace(
        clocks, registration=registration, auto_close=auto_close, held=False, waiting_since=None, reminded=0
    )


def _begin_registration(clocks: Clocks, entry: Entry, rulebooks: Rulebooks) -> Clocks:
    rules = rulebooks[clocks.version]
    period = Period(
        clock="registration",
        origin=clocks.received_at or entry.at,
        target=rules.regulation.registration.target,
        version=clocks.version,
    )
    return msgspec.structs.replace(clocks, registration=period)


def _run_resolution(clocks: Clocks, entry: Entry, rulebooks: Rulebooks, *, disputed: bool) -> Clocks:
    period = clocks.resolution
    if period is None:
        return msgspec.structs.replace(clocks, resolution=_new_resolution(clocks, entry, rulebooks))
    if disputed and rulebooks[period.version].regulation.resolution.on_dispute == "restarts":
        ended = msgspec.structs.replace(period, stopped=period.stopped or entry.at)
        again = Period("resolution", entry.at, period.target, period.version, period.priority)
        return msgspec.structs.replace(clocks, finished=(*clocks.finished, ended), resolution=again)
    thawed = msgspec.structs.replace(_wake(period, entry.at), result=None, stopped=None)
    return msgspec.structs.replace(clocks, resolution=thawed)


def _new_resolution(clocks: Clocks, entry: Entry, rulebooks: Rulebooks) -> Period:
    rules = rulebooks[clocks.version]
    from_receipt = rules.regulation.resolution.counts_from == "received"
    return Period(
        clock="resolution",
        origin=(clocks.received_at or entry.at) if from_receipt else entry.at,
        target=rules.target(clocks.priority, clocks.service_level),
        version=clocks.version,
        priority=clocks.priority,
    )


def _begin_auto_close(clocks: Clocks, entry: Entry, rulebooks: Rulebooks) -> Clocks:
    """Completion freezes the result of the resolution clock and starts the customer's time to answer (4.9)."""
    period = clocks.resolution
    if period is not None:
        result = result_at(period, entry.at, rulebooks)
        period = _rested(period, entry, PROCESS.state(entry.to_state).pause_reason)
        period = msgspec.structs.replace(period, result=result)
    closing = Period("auto_close", entry.at, rulebooks[clocks.version].regulation.auto_close, clocks.version)
    return msgspec.structs.replace(clocks, resolution=period, auto_close=closing)


def _rest(clocks: Clocks, entry: Entry, reason: str) -> Clocks:
    if clocks.resolution is None:
        return clocks
    return msgspec.structs.replace(clocks, resolution=_rested(clocks.resolution, entry, reason))


def _rested(period: Period, entry: Entry, reason: str) -> Period:
    """A rest under way ends where the next one begins, so that each keeps its own reason."""
    pauses = (*_wake(period, entry.at).pauses, Pause(entry.at, reason, entry.by))
    return msgspec.structs.replace(period, pauses=pauses)


def _wake(period: Period, at: datetime) -> Period:
    if period.paused is None:
        return period
    ended = msgspec.structs.replace(period.paused, end=at)
    return msgspec.structs.replace(period, pauses=(*period.pauses[:-1], ended))


def _stop(period: Period, at: datetime, rulebooks: Rulebooks) -> Period:
    return msgspec.structs.replace(period, stopped=at, result=period.result or result_at(period, at, rulebooks))


def _stop_all(clocks: Clocks, entry: Entry, rulebooks: Rulebooks) -> Clocks:
    period = clocks.resolution
    if period is not None and period.stopped is None:
        period = _stop(period, entry.at, rulebooks)
    return msgspec.structs.replace(clocks, resolution=period, snoozed_until=None)


def result_at(period: Period, at: datetime, rulebooks: Rulebooks) -> Result | None:
    """Met, extended or breached: judged where the clock last ran. Finished at the deadline is on time.

    A promise is a date that a customer was told, so it is judged by the date alone, whatever the clock did.
    """
    due = deadline_or_none(period, rulebooks)
    if due is None:
        return None
    if (resting_since(period) or at) <= due:
        return "met"
    return "extended" if _told_in_time(period, due) and _promise_kept(period, at) else "breached"


def _told_in_time(period: Period, due: datetime) -> bool:
    return period.extended_at is not None and period.extended_at <= due


def _promise_kept(period: Period, at: datetime) -> bool:
    return period.promised_at is not None and at <= period.promised_at and not period.promise_missed


# --- acts that keep the state ---------------------------------------------------------------------------------------


def _retarget(clocks: Clocks, entry: Entry, rulebooks: Rulebooks) -> Clocks:
    """A new priority, level or version sets a new target: from the start (time run stays spent) or from now.

    A target that stays the same is no new one: its clock goes on. So does the clock of a priority that the new version
    no longer knows. A repin may `keep` the target and take the new version for its calendar only.
    """
    period, rules = clocks.resolution, rulebooks[clocks.version]
    if period is None or period.stopped is not None or clocks.priority not in rules.priorities:
        return clocks
    how = entry.data.get("count") or rules.regulation.resolution.on_priority_change
    target = period.target if how == "keep" else rules.target(clocks.priority, clocks.service_level)
    if how == "from_now" and target != period.target:
        period = _counted_anew(period, entry.at)
    period = msgspec.structs.replace(period, target=target, version=clocks.version, priority=clocks.priority)
    return msgspec.structs.replace(clocks, resolution=_unbreached(period, entry.at, rulebooks))


def _counted_anew(period: Period, at: datetime) -> Period:
    """What was fired may fire again, but for the promise: it stands beside the count."""
    return msgspec.structs.replace(
        period,
        origin=at,
        pauses=(msgspec.structs.replace(period.paused, start=at),) if period.paused else (),
        fired=tuple(mark for mark in period.fired if mark == "promise"),
    )


def _unbreached(period: Period, at: datetime, rulebooks: Rulebooks) -> Period:
    """A deadline that lies ahead again can be breached again; one that stays behind is not breached twice."""
    due = deadline_or_none(period, rulebooks)
    if due is not None and due < (resting_since(period) or at):
        return period
    return msgspec.structs.replace(period, fired=tuple(mark for mark in period.fired if mark != "due"))


def _repin(clocks: Clocks, entry: Entry, rulebooks: Rulebooks) -> Clocks:
    """Another version of the regulation. Registration and auto-close keep theirs, unless its calendar ends too soon."""
    for name in ("registration", "auto_close"):
        period: Period | None = getattr(clocks, name)
        if period and period.stopped is None and deadline_or_none(period, rulebooks) is None:
            filled = msgspec.structs.replace(period, version=clocks.version)
            clocks = msgspec.structs.replace(clocks, **{name: filled})
    return _retarget(clocks, entry, rulebooks)


def _extend(clocks: Clocks, entry: Entry, _rulebooks: Rulebooks) -> Clocks:
    """The regulation's deadline stays; the promise stands beside it with a timer of its own (6.3)."""
    period = clocks.resolution
    if period is None:
        return clocks
    promised = datetime.fromisoformat(str(entry.data["promised_at"]))
    extended = msgspec.structs.replace(
        period,
        extended_at=period.extended_at or entry.at,
        promised_at=promised,
        promise_missed=not _kept_so_far(period, entry.at),
        fired=tuple(mark for mark in period.fired if mark != "promise"),
    )
    return msgspec.structs.replace(clocks, resolution=extended)


def _kept_so_far(period: Period, at: datetime) -> bool:
    """A promise that was missed stays missed; another one does not mend it."""
    return not period.promise_missed and (period.promised_at is None or at <= period.promised_at)


def _fire(clocks: Clocks, entry: Entry, _rulebooks: Rulebooks) -> Clocks:
    """A warning, an escalation or a breach fires once in a clock period; the entry names the mark it leaves."""
    name, mark = entry.data.get("clock"), entry.data.get("mark")
    period = {"registration": clocks.registration, "resolution": clocks.resolution}.get(str(name))
    if period is None or not isinstance(mark, str):
        return clocks
    marked = msgspec.structs.replace(period, fired=(*period.fired, mark))
    return msgspec.structs.replace(clocks, **{str(name): marked})


def _hold(clocks: Clocks, entry: Entry, _rulebooks: Rulebooks) -> Clocks:
    """An unread answer or a letter that came back holds the auto-close."""
    if PROCESS.state(entry.to_state).runs != "auto_close":
        return clocks
    if not (entry.data.get("unread") or entry.data.get("completion")):
        return clocks
    return msgspec.structs.replace(clocks, held=True)


def _rearm(clocks: Clocks, entry: Entry, _rulebooks: Rulebooks) -> Clocks:
    """ "Not a dispute" gives the customer the full time again."""
    closing = clocks.auto_close
    if closing is None or not closing.running:
        return clocks
    return msgspec.structs.replace(clocks, held=False, auto_close=msgspec.structs.replace(closing, origin=entry.at))


def _remind(clocks: Clocks, entry: Entry, _rulebooks: Rulebooks) -> Clocks:
    return msgspec.structs.replace(clocks, reminded=clocks.reminded + 1) if clocks.waiting_since else clocks


def _snooze(clocks: Clocks, entry: Entry, _rulebooks: Rulebooks) -> Clocks:
    return msgspec.structs.replace(clocks, snoozed_until=datetime.fromisoformat(str(entry.data["until"])))


def _wake_up(clocks: Clocks, entry: Entry, _rulebooks: Rulebooks) -> Clocks:
    """A reminder came due; a note that another timer was refused leaves it alone."""
    if entry.data.get("timer", "snooze") != "snooze":
        return clocks
    return msgspec.structs.replace(clocks, snoozed_until=None)


_ACTS = {
    "change_priority": _retarget,
    "identify": _retarget,
    "repin": _repin,
    "extend": _extend,
    "warn": _fire,
    "escalate": _fire,
    "breach": _fire,
    "reply": _hold,
    "bounce": _hold,
    "dismiss_reply": _rearm,
    "answer": _rearm,
    "remind": _remind,
    "snooze": _snooze,
    "wake": _wake_up,
}
RETARGETING = tuple(trigger for trigger, act in _ACTS.items() if act in (_retarget, _repin))  # acts that set a target


# --- what must come due ---------------------------------------------------------------------------------------------


def closes_at(clocks: Clocks, rulebooks: Rulebooks) -> datetime | None:
    """When silence closes the ticket; None while it does not: the work goes on, or something of the customer waits."""
    closing = clocks.auto_close
    return deadline_or_none(closing, rulebooks) if closing and closing.running and not clocks.held else None


def wanted_timers(clocks: Clocks, rulebooks: Rulebooks) -> dict[str, datetime]:
    """The timers the clocks ask for now: kind → instant. A pure function, so that an audit can tell what is missing."""
    return dict(_wanted(clocks, rulebooks))


def _wanted(clocks: Clocks, rulebooks: Rulebooks) -> Iterator[tuple[str, datetime]]:
    for period in (clocks.registration, clocks.resolution):
        if period is not None and period.stopped is None:
            yield from _clock_timers(period, rulebooks)
    if (period := clocks.resolution) and _promise_stands(period):
        yield "promise:due", cast(datetime, period.promised_at)
    if due := closes_at(clocks, rulebooks):
        yield "auto_close:due", due
    if clocks.waiting_since is not None:
        yield from _reminder_timer(clocks, clocks.waiting_since, rulebooks)
    if clocks.snoozed_until is not None:
        yield "snooze", clocks.snoozed_until


def _promise_stands(period: Period) -> bool:
    undecided = period.result is None and period.stopped is None
    return undecided and period.promised_at is not None and "promise" not in period.fired


def _clock_timers(period: Period, rulebooks: Rulebooks) -> Iterator[tuple[str, datetime]]:
    due, rested = deadline_or_none(period, rulebooks), resting_since(period)
    if due is None:
        return
    # A clock that rests asks for nothing, but that a breach before the rest, not noted yet, is noted still.
    if "due" not in period.fired and (rested is None or due < rested):
        yield f"{period.clock}:due", due
    if rested is not None:
        return
    rules = rulebooks[period.version]
    for step in steps(period, rules):
        mark = mark_of(period, step)
        superseded = step.warns_only and "due" in period.fired
        if mark in period.fired or superseded:
            continue
        try:
            at = step_due(period, step, rules)
        except CalendarOutOfRange:
            continue
        if at is not None:
            yield f"{period.clock}:step:{mark}", at


def steps(period: Period, rules: Rulebook) -> tuple[Step, ...]:
    """The warnings and escalations that belong to this clock."""
    if period.clock == "registration":
        return rules.regulation.registration.steps
    priority = rules.priorities.get(period.priority)
    return priority.steps if priority else ()


def mark_of(period: Period, step: Step) -> str:
    """The name under which a step is remembered as fired."""
    return f"{period.priority}:{step.id}" if period.priority else step.id


def _reminder_timer(clocks: Clocks, since: datetime, rulebooks: Rulebooks) -> Iterator[tuple[str, datetime]]:
    rules = rulebooks[clocks.version]
    after = rules.regulation.reminders.after
    if clocks.reminded < len(after):
        try:
            yield "reminder", rules.calendar.deadline(since, after[clocks.reminded])
        except CalendarOutOfRange:
            return
