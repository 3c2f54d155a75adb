"""Random lives of tickets under random regulations, each deadline compared with a slow and obvious model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from workflow.definition import Role
from workflow.machine import MACHINE, TicketFacts
from workflow.passport import passport
from workflow.position import Position, follow
from workflow.process import PROCESS
from workflow.regulation import Regulation, Rulebook, ServiceLevel, default_regulation
from workflow.sla import Pause, Period, deadline, remaining, wanted_timers
from workflow.working_calendar import Calendar, Counted, Interval, Target

MOSCOW = ZoneInfo("Europe/Moscow")
NOTHING = timedelta()
WHOLE = default_regulation()
YEARS = tuple(year for year in WHOLE.calendar.years if year.year in (2026, 2027))
DEFAULT = msgspec.structs.replace(WHOLE, calendar=msgspec.structs.replace(WHOLE.calendar, years=YEARS), letters={})
RULES = Rulebook(1, DEFAULT)
BEGIN = datetime(2026, 1, 12, tzinfo=UTC)
PRIORITIES = ("P1", "P2", "P3", "P4")
MODES = ("same_time", "end_of_day", "end_of_day_effective", "hours9")
quick = settings(deadline=None, max_examples=80)


# --- the slow and obvious model ---------------------------------------------------------------------------------------

Span = tuple[datetime, datetime]


def opening_hours(calendar: Calendar) -> list[Span]:
    """Every span of working time of 2026 and 2027, read off the document date by date."""
    off = {on for year in calendar.years for on in (*year.holidays, *year.transferred_off)}
    moved = {on for year in calendar.years for on in year.working_weekends}
    week = (calendar.week.mon, *calendar.week.days()[1:])
    found = []
    on = date(2026, 1, 1)
    while on.year < 2028:
        hours = calendar.overrides.get(on)
        if hours is None:
            hours = () if on in off else (week[0] if on in moved and not week[on.weekday()] else week[on.weekday()])
        for one in hours:
            opens, closes = (midnight_of(on) + minutes_of(text) for text in (one.opens, one.closes))
            found.append((opens, closes))
        on += timedelta(days=1)
    return found


def midnight_of(on: date) -> datetime:
    """Moscow keeps one offset all these years."""
    return datetime.combine(on, time(), MOSCOW).astimezone(UTC)


def minutes_of(text: str) -> timedelta:
    hours, minutes = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def without(spans: list[Span], rests: list[Span]) -> list[Span]:
    """The spans with the rests cut out of them."""
    for rest_start, rest_end in rests:
        cut = []
        for start, end in spans:
            cut += [(start, min(end, rest_start)), (max(start, rest_end), end)]
        spans = [(start, end) for start, end in cut if start < end]
    return spans


def walk(spans: list[Span], start: datetime, amount: timedelta) -> datetime:
    """The earliest instant by which `amount` of the spans has gone by since `start`."""
    if not amount:
        return start
    for opens, closes in spans:
        opens = max(opens, start)
        if opens < closes:
            if closes - opens >= amount:
                return opens + amount
            amount -= closes - opens
    raise AssertionError("the model's calendar is too short")


def length(spans: list[Span], start: datetime, end: datetime) -> timedelta:
    return sum((max(NOTHING, min(end, closes) - max(start, opens)) for opens, closes in spans), NOTHING)


def days_on(spans: list[Span], start: datetime, n: int, mode: str) -> datetime:
    """`n` working days after `start`, counted on the fingers."""
    if mode == "hours9":
        return walk(spans, start, timedelta(hours=9) * n)
    if mode != "end_of_day":
        start = next(max(opens, start) for opens, closes in spans if closes > start)
    local = start.astimezone(MOSCOW)
    days = sorted({opens.astimezone(MOSCOW).date() for opens, _closes in spans})
    last = [on for on in days if on > local.date()][n - 1]
    if mode != "same_time":
        return max(closes for opens, closes in spans if opens.astimezone(MOSCOW).date() == last)
    wanted = datetime.combine(last, local.time(), MOSCOW).astimezone(UTC)
    for opens, closes in reversed(spans):
        if opens < wanted:
            return min(wanted, closes)
    raise AssertionError("the model's calendar is too short")


@dataclass
class Model:
    """One resolution clock: its rests are a list of spans, and nothing is remembered but what happened."""

    origin: datetime
    target: Target
    hours: list[Span]
    rests: list[Span] = field(default_factory=list)
    resting: datetime | None = None

    def rest(self, at: datetime) -> None:
        self.resting = self.resting or at

    def go_on(self, at: datetime) -> None:
        if self.resting is not None:
            if self.rests and self.rests[-1][1] == self.resting:
                self.resting = self.rests.pop()[0]
            self.rests.append((self.resting, at))
        self.resting = None

    def begin_anew(self, at: datetime) -> None:
        self.origin, self.rests = at, []
        self.resting = at if self.resting else None

    @property
    def due(self) -> datetime:
        if self.target.kind == "working_days" and self.target.day_mode != "hours9":
            return self._due_in_days()
        spans = self.hours
        if self.target.kind == "calendar_minutes":
            spans = [(self.origin, self.origin + timedelta(days=500))]
        amount = timedelta(minutes=self.target.amount)
        if self.target.kind == "working_days":
            amount = timedelta(hours=9) * self.target.amount
        closed = [rest for rest in self.rests if self.resting is None or rest[1] != self.resting]
        return walk(without(spans, closed), self.origin, amount)

    def _due_in_days(self) -> datetime:
        start, rested = self.origin, NOTHING
        for rest_start, rest_end in self.rests:
            touches_now = rest_end == self.resting
            if touches_now or rest_start >= days_on(self.hours, start, self.target.amount, self.target.day_mode):
                break
            rested += length(self.hours, rest_start, rest_end)
            start = walk(self.hours, self.origin, rested)
        return days_on(self.hours, start, self.target.amount, self.target.day_mode)

    @property
    def last_ran(self) -> datetime | None:
        if self.resting is None:
            return None
        return self.rests[-1][0] if self.rests and self.rests[-1][1] == self.resting else self.resting


# --- what a life is made of -------------------------------------------------------------------------------------------

targets = st.one_of(
    st.builds(Target, st.just("working_minutes"), st.integers(1, 3000)),
    st.builds(Target, st.just("calendar_minutes"), st.integers(1, 6000)),
    st.builds(Target, st.just("working_days"), st.integers(1, 12), st.sampled_from(MODES)),
)
dates = st.dates(date(2026, 1, 12), date(2026, 4, 30))
some_overrides = st.dictionaries(
    dates,
    st.sampled_from([(), (Interval("09:00", "13:00"), Interval("14:00", "18:00")), (Interval("10:00", "24:00"),)]),
    max_size=6,
)
later = st.one_of(
    st.timedeltas(NOTHING, timedelta(hours=4)),
    st.timedeltas(NOTHING, timedelta(days=4)),
    st.sampled_from([NOTHING, timedelta(minutes=30), timedelta(hours=9), timedelta(hours=15), timedelta(days=1)]),
)


drafts = st.fixed_dictionaries(
    {
        "targets": st.tuples(targets, targets, targets, targets),
        "extended": st.tuples(targets, targets),
        "counts_from": st.sampled_from(["registered", "received"]),
        "on_priority_change": st.sampled_from(["from_start", "from_now"]),
        "on_dispute": st.sampled_from(["resumes", "restarts"]),
        "overrides": some_overrides,
    }
)


def published(draft: dict[str, Any]) -> Regulation:
    """The default regulation with drawn targets, levels, settings and days off."""
    resolution = {name: draft[name] for name in ("counts_from", "on_priority_change", "on_dispute")}
    levelled = dict(zip(PRIORITIES[:2], draft["extended"], strict=True))
    return msgspec.structs.replace(
        DEFAULT,
        priorities=tuple(
            msgspec.structs.replace(one, target=target)
            for one, target in zip(DEFAULT.priorities, draft["targets"], strict=True)
        ),
        service_levels=(DEFAULT.service_levels[0], ServiceLevel("extended", DEFAULT.title, levelled)),
        resolution=msgspec.structs.replace(DEFAULT.resolution, **resolution),
        calendar=msgspec.structs.replace(DEFAULT.calendar, overrides=draft["overrides"]),
    )


@dataclass(frozen=True)
class Entry:
    at: datetime
    trigger: str
    from_state: str | None
    to_state: str
    by: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


class Lives(RuleBasedStateMachine):
    """A ticket makes whatever moves the machine offers it, while owners publish and priorities change."""

    @initialize(draft=drafts, minute=st.integers(0, 60 * 24 * 20))
    def receive(self, draft: dict[str, Any], minute: int) -> None:
        regulation = published(draft)
        self.at = BEGIN + timedelta(minutes=minute)
        self.received = self.at
        self.rulebooks = {1: Rulebook(1, regulation)}
        self.newest = self.pinned = 1
        self.hours = {1: opening_hours(regulation.calendar)}
        self.position = Position()
        self.journal: list[Entry] = []
        self.model: Model | None = None
        self.level = "standard"
        self.result: str | None = None
        self.promised: datetime | None = None
        self.told: datetime | None = None
        self.missed = False
        self.finished: list[str | None] = []
        self.enter("receive", PROCESS.initial, received_at=self.at.isoformat(), regulation_version=1)

    def enter(self, trigger: str, to_state: str, **data: Any) -> None:
        entry = Entry(self.at, trigger, self.position.state or None, to_state, data=data)
        self.journal.append(entry)
        self.position = follow(self.position, entry, self.rulebooks)

    @property
    def settings_now(self) -> Regulation:
        return self.rulebooks[self.pinned].regulation

    def possible(self) -> set[str]:
        facts = TicketFacts(self.position.state, self.position.priority, self.position.answer_unread)
        return {trigger for role in Role for trigger in MACHINE.possible(facts, by=role)}

    def can(self, trigger: str) -> bool:
        return trigger in self.possible()

    def target(self, priority: str) -> Target:
        return self.rulebooks[self.pinned].target(priority, self.level)

    def judged(self) -> str:
        """What the clock earned until now, by the letter of clause 6.3."""
        assert self.model is not None
        due = self.model.due
        if (self.model.last_ran or self.at) <= due:
            return "met"
        kept = self.promised is not None and self.at <= self.promised and not self.missed
        return "extended" if kept and self.told is not None and self.told <= due else "breached"

    @rule(step=later)
    def time_passes(self, step: timedelta) -> None:
        self.at += step

    @precondition(lambda self: self.can("register"))
    @rule(priority=st.sampled_from(PRIORITIES))
    def register(self, priority: str) -> None:
        self.pinned = self.newest
        origin = self.received if self.settings_now.resolution.counts_from == "received" else self.at
        self.model = Model(origin, self.target(priority), self.hours[self.pinned])
        self.enter(
            "register", "registered", priority=priority, service_level=self.level, regulation_version=self.pinned
        )

    @precondition(lambda self: self.can("request_info"))
    @rule()
    def ask(self) -> None:
        assert self.model is not None
        self.model.rest(self.at)
        self.enter("request_info", "awaiting_customer", minutes=30)

    @precondition(lambda self: self.can("start"))
    @rule()
    def start(self) -> None:
        self.enter("start", "in_progress")

    @precondition(lambda self: self.can("resume"))
    @rule()
    def resume(self) -> None:
        assert self.model is not None
        self.model.go_on(self.at)
        self.enter("resume", "in_progress")

    @precondition(lambda self: self.can("complete"))
    @rule()
    def complete(self) -> None:
        assert self.model is not None
        self.result = self.judged()
        if self.model.resting is not None:
            since = self.model.resting
            if self.model.rests and self.model.rests[-1][1] == since:
                since = self.model.rests.pop()[0]
            self.model.rests.append((since, self.at))
        self.model.resting = self.at
        self.enter("complete", "completed", outcome="solved", minutes=30)

    @precondition(lambda self: self.can("dispute"))
    @rule()
    def dispute(self) -> None:
        assert self.model is not None
        version = self.position.clocks.resolution.version  # type: ignore[union-attr]
        if self.rulebooks[version].regulation.resolution.on_dispute == "restarts":
            self.finished.append(self.result)
            self.model = Model(self.at, self.model.target, self.model.hours)
            self.promised = self.told = None
            self.missed = False
        else:
            self.model.go_on(self.at)
        self.result = None
        self.enter("dispute", "in_progress")

    @precondition(lambda self: self.can("change_priority") and self.model is not None)
    @rule(priority=st.sampled_from(PRIORITIES))
    def change_priority(self, priority: str) -> None:
        self.retarget(priority, self.settings_now.resolution.on_priority_change)
        self.enter("change_priority", self.position.state, priority=priority)

    @precondition(lambda self: self.can("identify"))
    @rule(level=st.sampled_from(["standard", "extended"]))
    def identify(self, level: str) -> None:
        self.level = level
        if self.model is not None:
            self.retarget(self.position.priority or "", self.settings_now.resolution.on_priority_change)
        self.enter("identify", self.position.state, service_level=level)

    def retarget(self, priority: str, how: str) -> None:
        assert self.model is not None
        target = self.target(priority)
        if how == "from_now" and target != self.model.target:
            self.model.begin_anew(self.at)
        self.model.target, self.model.hours = target, self.hours[self.pinned]

    @precondition(lambda self: self.can("repin"))
    @rule(draft=drafts, count=st.sampled_from(["keep", "from_now", "from_start"]))
    def publish(self, draft: dict[str, Any], count: str) -> None:
        """ "keep" leaves open tickets with their version; the others move them."""
        regulation = published(draft)
        self.newest += 1
        self.rulebooks[self.newest] = Rulebook(self.newest, regulation)
        self.hours[self.newest] = opening_hours(regulation.calendar)
        if count == "keep" or self.model is None:
            return
        self.pinned = self.newest
        self.retarget(self.position.priority or "", count)
        self.enter("repin", self.position.state, regulation_version=self.newest, count=count)

    @precondition(lambda self: self.can("extend") and self.result is None)
    @rule(ahead=st.timedeltas(timedelta(minutes=1), timedelta(days=20)))
    def extend(self, ahead: timedelta) -> None:
        self.missed = self.missed or (self.promised is not None and self.at > self.promised)
        self.told = self.told or self.at
        self.promised = self.at + ahead
        self.enter("extend", self.position.state, promised_at=self.promised.isoformat())

    @rule(trigger=st.sampled_from(["comment", "assign", "remind", "answer", "reply", "attach", "link", "escalate"]))
    def something_else(self, trigger: str) -> None:
        if self.can(trigger):
            self.enter(trigger, self.position.state)

    @rule(trigger=st.sampled_from(["confirm", "expire", "withdraw"]), dice=st.integers(0, 5))
    def close(self, trigger: str, dice: int) -> None:
        """Now and then, or no life would be long."""
        if dice or not self.can(trigger) or self.model is None:
            return
        self.result = self.result or self.judged()
        self.enter(trigger, "closed")

    @invariant()
    def the_deadline_is_the_models(self) -> None:
        if getattr(self, "model", None) is None:
            return
        assert self.model is not None
        period = self.position.clocks.resolution
        assert period is not None
        due = self.position.due_at(self.rulebooks)
        assert due == self.model.due
        assert (period.paused is not None) == (self.model.resting is not None)
        assert self.position.resolution_result == self.result
        assert [one.result for one in self.position.clocks.finished] == self.finished
        self.timers_follow(period, due)
        self.passport_adds_up(period)

    def timers_follow(self, period: Period, due: datetime | None) -> None:
        wanted = wanted_timers(self.position.clocks, self.rulebooks)
        if self.position.state == "closed":
            assert wanted == {}
        elif period.running:
            assert wanted["resolution:due"] == due
        else:
            assert ("resolution:due" in wanted) == (due < self.model.last_ran)  # type: ignore[union-attr, operator]

    def passport_adds_up(self, period: Period) -> None:
        made = passport(period, self.rulebooks[period.version])
        assert made.due == self.position.due_at(self.rulebooks)
        assert made.total == sum((span.amount for span in made.counted), NOTHING)
        if period.target.kind != "working_days":
            assert made.total == timedelta(minutes=period.target.amount)
        for one, following in zip(made.counted, made.counted[1:], strict=False):
            assert one.end <= following.start

    @invariant()
    def replaying_gives_what_was_lived(self) -> None:
        if not getattr(self, "journal", None) or len(self.journal) % 4:
            return
        again = Position()
        for entry in self.journal:
            again = follow(again, entry, self.rulebooks)
        assert again == self.position
        assert msgspec.json.decode(msgspec.json.encode(again), type=Position) == again


TestRandomLives = Lives.TestCase
TestRandomLives.settings = settings(deadline=None, max_examples=150, stateful_step_count=35)


# --- what always holds of one clock -----------------------------------------------------------------------------------


@st.composite
def periods(draw: st.DrawFn) -> Period:
    """A clock that rested now and then; instants are minutes of the first months of 2026."""
    origin = BEGIN + timedelta(minutes=draw(st.integers(0, 60 * 24 * 60)))
    edges = sorted(draw(st.lists(st.integers(0, 60 * 24 * 20), max_size=6)))
    rests = zip(edges[::2], edges[1::2], strict=False)
    pauses = tuple(Pause(origin + timedelta(minutes=a), "", "", origin + timedelta(minutes=b)) for a, b in rests)
    return Period("resolution", origin, draw(targets), 1, "P2", pauses)


def with_pauses(period: Period, *pauses: Pause) -> Period:
    return msgspec.structs.replace(period, pauses=pauses)


@given(periods())
@quick
def test_pausing_never_shortens(period: Period) -> None:
    dues = [deadline(with_pauses(period, *period.pauses[:n]), RULES) for n in range(len(period.pauses) + 1)]
    assert dues == sorted(dues)


@given(periods(), st.data())
@quick
def test_a_longer_pause_never_shortens(period: Period, data: st.DataObject) -> None:
    if not period.pauses:
        return
    last = period.pauses[-1]
    assert last.end is not None
    longer = msgspec.structs.replace(last, end=last.end + data.draw(st.timedeltas(NOTHING, timedelta(days=9))))
    assert deadline(with_pauses(period, *period.pauses[:-1], longer), RULES) >= deadline(period, RULES)


@given(periods(), st.data())
@quick
def test_splitting_a_pause_changes_nothing(period: Period, data: st.DataObject) -> None:
    split: list[Pause] = []
    for pause in period.pauses:
        assert pause.end is not None
        cut = data.draw(st.datetimes(_naive(pause.start), _naive(pause.end), timezones=st.just(UTC)))
        split += [msgspec.structs.replace(pause, end=cut), msgspec.structs.replace(pause, start=cut, reason="other")]
    other = with_pauses(period, *split)
    assert deadline(other, RULES) == deadline(period, RULES)
    made, same = passport(other, RULES), passport(period, RULES)
    assert (made.counted, made.skipped, made.total) == (same.counted, same.skipped, same.total)


def _naive(instant: datetime) -> datetime:
    """Hypothesis wants the bounds of its datetimes bare."""
    return instant.replace(tzinfo=None)


@given(periods(), st.timedeltas(NOTHING, timedelta(days=20)))
@quick
def test_a_pause_without_working_time_changes_nothing(period: Period, when: timedelta) -> None:
    if period.target.kind == "calendar_minutes":
        return
    at = period.origin + when
    night = datetime.combine(at.astimezone(MOSCOW).date(), time(19), MOSCOW).astimezone(UTC)
    if any(pause.end is not None and pause.end > night for pause in period.pauses):
        return
    rested = with_pauses(period, *period.pauses, Pause(night, "", "", night + timedelta(hours=13)))
    assert deadline(rested, RULES) == deadline(period, RULES)


@given(periods(), st.timedeltas(NOTHING, timedelta(days=30)))
@quick
def test_what_is_left_and_the_deadline_agree(period: Period, when: timedelta) -> None:
    """With nothing left the deadline is here; before it something is left, or it is not working time."""
    at = max([period.origin, *(pause.end for pause in period.pauses if pause.end)]) + when
    due, left = deadline(period, RULES), remaining(period, RULES, at=at)
    if left > NOTHING:
        assert at < due
    if left < NOTHING:
        assert at > due
    if period.target.kind != "working_days" and left > NOTHING:
        step = at + left if period.target.kind == "calendar_minutes" else RULES.calendar.add(at, left)
        assert step == due


@given(periods())
@quick
def test_the_passports_parts_never_overlap_a_rest(period: Period) -> None:
    made = passport(period, RULES)
    for span in made.counted:
        assert isinstance(span, Counted)
        for pause in made.paused:
            assert pause.end is not None
            assert span.end <= pause.start or pause.end <= span.start


UNRELATED = ("comment", "assign", "remind", "attach", "link", "escalate", "answer", "snooze", "accept", "bounce")


@given(st.lists(st.tuples(st.sampled_from(UNRELATED), st.integers(0, 4)), max_size=12))
@quick
def test_unrelated_entries_change_nothing(extra: list[tuple[str, int]]) -> None:
    moves = [
        ("receive", "new", {"received_at": BEGIN.isoformat(), "regulation_version": 1}),
        ("register", "registered", {"priority": "P2", "service_level": "standard"}),
        ("request_info", "awaiting_customer", {}),
        ("resume", "in_progress", {}),
        ("complete", "completed", {}),
    ]

    def lived(extra: list[tuple[str, int]]) -> Position:
        position = Position()
        for n, (trigger, to_state, data) in enumerate(moves):
            at = BEGIN + timedelta(days=n, hours=9)
            position = follow(position, Entry(at, trigger, position.state or None, to_state, data=data), {1: RULES})
            for other, place in extra:
                if place == n:
                    at += timedelta(minutes=1)
                    more = {"until": "2026-05-01T00:00:00+00:00"} if other == "snooze" else {}
                    entry = Entry(at, other, position.state, position.state, data=more)
                    position = follow(position, entry, {1: RULES})
        return position

    plain, mixed = lived([]), lived(extra)
    assert mixed.clocks.resolution == plain.clocks.resolution
    assert mixed.clocks.registration == plain.clocks.registration
    assert mixed.state == plain.state
