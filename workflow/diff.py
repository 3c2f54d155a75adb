"""What changed between two regulations, in the owner's words: sentences to translate, with what stands in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Protocol, TypeVar

import msgspec

from workflow.calendar import Calendar, Day, Hours, diff_calendars
from workflow.regulation import LANGUAGES, Priority, Regulation, ServiceLevel, Step, Text
from workflow.words import _
from workflow.working_calendar import Target

MOST_DAYS = 40  # more changed days than this are counted, not listed


class Words(msgspec.Struct, frozen=True):
    """A word inside a sentence that is to be translated too."""

    msgid: str


# What may stand in a sentence; whoever shows it says targets, dates, words and texts in the reader's language.
Param = str | Text | Target | Words | date


class Difference(msgspec.Struct, frozen=True):
    """One change: the place in the document, an English msgid, and what stands in its `{places}`."""

    place: str
    sentence: str
    params: dict[str, Param] = {}


class _Coded(Protocol):
    @property
    def code(self) -> str: ...


Thing = TypeVar("Thing", bound=_Coded)


def differences(old: Regulation, new: Regulation) -> tuple[Difference, ...]:
    """Every change from `old` to `new`, in the order of the document; none when they are equal."""
    return tuple(_differences(old, new))


def _differences(old: Regulation, new: Regulation) -> Iterator[Difference]:
    yield from _value("title", _("Title: {old} → {new}"), old.title, new.title)
    yield from _value("number_format", _("Number format: {old} → {new}"), old.number_format, new.number_format)
    yield from _names("required_fields", _("Required fields"), old.required_fields, new.required_fields)
    yield from _calendar(old.calendar, new.calendar)
    yield from _target(
        "registration.target",
        _("Time to register: {old} → {new}"),
        old.registration.target,
        new.registration.target,
    )
    yield from _steps("registration", Words(_("Registration")), old.registration.steps, new.registration.steps)
    yield from _priorities(old.priorities, new.priorities)
    yield from _levels(old.service_levels, new.service_levels)
    yield from _settings(old, new)
    yield from _target("auto_close", _("Closing after silence: {old} → {new}"), old.auto_close, new.auto_close)
    yield from _value(
        "minimum_minutes",
        _("Minimum booked time: {old} → {new} min"),
        str(old.minimum_minutes),
        str(new.minimum_minutes),
    )
    yield from _lists(old, new)
    yield from _mail_rules(old, new)
    yield from _letters(old, new)
    yield from _examples(old, new)


# --- the small pieces -------------------------------------------------------------------------------------------------


def _value(place: str, sentence: str, old: Param, new: Param, **more: Param) -> Iterator[Difference]:
    if old != new:
        yield Difference(place, sentence, {**more, "old": old, "new": new})


def _target(place: str, sentence: str, old: Target, new: Target, **more: Param) -> Iterator[Difference]:
    """The unit is said once where it stays the same: 8 → 6 working hours."""
    if old == new:
        return
    bare = str(unit_of(old)[1]) if _same_unit(old, new) else old
    yield Difference(place, sentence, {**more, "old": bare, "new": new})


def unit_of(target: Target) -> tuple[str, int]:
    """A target in the largest unit that holds it without a rest: the unit's name and how many of it."""
    if target.kind == "working_days":
        return "working_days", target.amount
    working = "working_" if target.kind == "working_minutes" else ""
    if target.amount % 60 == 0:
        return f"{working}hours", target.amount // 60
    return f"{working}minutes", target.amount


def _same_unit(old: Target, new: Target) -> bool:
    return unit_of(old)[0] == unit_of(new)[0] and (old.kind != "working_days" or old.day_mode == new.day_mode)


def _names(place: str, what: str, old: Sequence[str], new: Sequence[str]) -> Iterator[Difference]:
    if added := [name for name in new if name not in old]:
        yield Difference(place, _("{what}, added: {names}"), {"what": Words(what), "names": ", ".join(added)})
    if gone := [name for name in old if name not in new]:
        yield Difference(place, _("{what}, removed: {names}"), {"what": Words(what), "names": ", ".join(gone)})


def _coded(
    place: str,
    what: str,
    old: Sequence[Thing],
    new: Sequence[Thing],
    changed: Callable[[str, Thing, Thing], Iterator[Difference]],
) -> Iterator[Difference]:
    """Things with codes: those that came, those that went, and how the others changed."""
    before, after = {one.code: one for one in old}, {one.code: one for one in new}
    for code in dict.fromkeys([*before, *after]):
        here = f"{place}.{code}"
        if code not in after:
            yield Difference(here, _("{what}: {code} is gone"), {"what": Words(what), "code": code})
        elif code not in before:
            yield Difference(here, _("{what}: {code} is new"), {"what": Words(what), "code": code})
        else:
            yield from changed(here, before[code], after[code])


def _wording(place: str, old: Thing, new: Thing) -> Iterator[Difference]:
    if old != new:
        yield Difference(place, _("{code}: the wording changed"), {"code": old.code})


def _yes(value: bool) -> Words:
    return Words(_("yes") if value else _("no"))


# --- priorities, levels, steps ----------------------------------------------------------------------------------------


def _priorities(old: Sequence[Priority], new: Sequence[Priority]) -> Iterator[Difference]:
    yield from _coded("priorities", _("Priorities"), old, new, _priority)


def _priority(place: str, old: Priority, new: Priority) -> Iterator[Difference]:
    code = old.code
    yield from _target(
        f"{place}.target", _("{code}: resolution target {old} → {new}"), old.target, new.target, code=code
    )
    yield from _value(f"{place}.rank", _("{code}: rank {old} → {new}"), str(old.rank), str(new.rank), code=code)
    yield from _value(f"{place}.name", _("{code}: name {old} → {new}"), old.name, new.name, code=code)
    yield from _value(f"{place}.colour", _("{code}: colour {old} → {new}"), old.colour, new.colour, code=code)
    if old.definition != new.definition:
        yield Difference(f"{place}.definition", _("{code}: the definition changed"), {"code": code})
    if old.retired != new.retired:
        sentence = (
            _("{code} is retired: open tickets keep it, no other gets it") if new.retired else _("{code} is back")
        )
        yield Difference(f"{place}.retired", sentence, {"code": code})
    yield from _steps(place, code, old.steps, new.steps)


def _steps(place: str, whose: Param, old: Sequence[Step], new: Sequence[Step]) -> Iterator[Difference]:
    before, after = {step.id: step for step in old}, {step.id: step for step in new}
    for id in dict.fromkeys([*before, *after]):
        named: dict[str, Param] = {"whose": whose, "step": id}
        if id not in after:
            yield Difference(f"{place}.steps", _("{whose}: step at {step} is gone"), named)
        elif id not in before:
            does = named | {"does": _does(after[id])}
            yield Difference(f"{place}.steps", _("{whose}: new step at {step}: {does}"), does)
        elif before[id] != after[id]:
            does = named | {"old": _does(before[id]), "new": _does(after[id])}
            yield Difference(f"{place}.steps", _("{whose}: step at {step}: {old} → {new}"), does)


def _does(step: Step) -> str:
    """Whom a step tells and what it changes, by codes and addresses."""
    acts = [*step.notify]
    acts += [f"↑ {step.raise_to}"] if step.raise_to else []
    acts += [f"→ {step.reassign_to}"] if step.reassign_to else []
    return ", ".join(acts)


def _levels(old: Sequence[ServiceLevel], new: Sequence[ServiceLevel]) -> Iterator[Difference]:
    yield from _coded("service_levels", _("Service levels"), old, new, _level)


def _level(place: str, old: ServiceLevel, new: ServiceLevel) -> Iterator[Difference]:
    yield from _value(f"{place}.name", _("{code}: name {old} → {new}"), old.name, new.name, code=old.code)
    usual: Param = Words(_("as for the priority"))
    for priority in dict.fromkeys([*old.targets, *new.targets]):
        sentence = _("{level}, {code}: resolution target {old} → {new}")
        here, named = f"{place}.targets.{priority}", {"level": old.code, "code": priority}
        before, after = old.targets.get(priority), new.targets.get(priority)
        if before and after:
            yield from _target(here, sentence, before, after, **named)
        else:
            yield from _value(here, sentence, before or usual, after or usual, **named)


# --- settings ---------------------------------------------------------------------------------------------------------

_CHOICES: Mapping[str, str] = {
    "registered": _("the registration"),
    "received": _("the receipt"),
    "from_start": _("from the start"),
    "from_now": _("from now"),
    "resumes": _("the clock goes on"),
    "restarts": _("the clock starts anew"),
    "statutory": _("special days are working days"),
    "with_special": _("special days are days off"),
    "full": _("like any other"),
    "minus_1h": _("one hour shorter"),
}


def _choice(place: str, sentence: str, old: str, new: str) -> Iterator[Difference]:
    yield from _value(place, sentence, Words(_CHOICES[old]), Words(_CHOICES[new]))


def _settings(old: Regulation, new: Regulation) -> Iterator[Difference]:
    before, after = old.resolution, new.resolution
    yield from _choice(
        "resolution.counts_from",
        _("The resolution clock counts from: {old} → {new}"),
        before.counts_from,
        after.counts_from,
    )
    yield from _choice(
        "resolution.on_priority_change",
        _("After a change of priority the target counts: {old} → {new}"),
        before.on_priority_change,
        after.on_priority_change,
    )
    yield from _choice("resolution.on_dispute", _("On a dispute: {old} → {new}"), before.on_dispute, after.on_dispute)
    yield from _value(
        "level_by_address",
        _("The sender's address gives the service level: {old} → {new}"),
        _yes(old.level_by_address),
        _yes(new.level_by_address),
    )


def _lists(old: Regulation, new: Regulation) -> Iterator[Difference]:
    reasons = _("Postponement reasons")
    yield from _coded("postponement_reasons", reasons, old.postponement_reasons, new.postponement_reasons, _wording)
    before, after = old.attachments, new.attachments
    yield from _names("attachments.allowed", _("Files taken"), before.allowed, after.allowed)
    yield from _names("attachments.in_archives", _("Files taken in archives"), before.in_archives, after.in_archives)
    yield from _names("attachments.archives", _("Archives taken"), before.archives, after.archives)
    yield from _value(
        "attachments.largest_bytes",
        _("Largest file: {old} → {new} bytes"),
        str(before.largest_bytes),
        str(after.largest_bytes),
    )
    yield from _coded("canned_answers", _("Canned answers"), old.canned_answers, new.canned_answers, _wording)


def _mail_rules(old: Regulation, new: Regulation) -> Iterator[Difference]:
    quiet, quieter = old.quiet_hours, new.quiet_hours
    yield from _value(
        "quiet_hours.enabled", _("Quiet hours: {old} → {new}"), _yes(quiet.enabled), _yes(quieter.enabled)
    )
    loud = _("Priorities without quiet hours")
    yield from _names("quiet_hours.except_priorities", loud, quiet.except_priorities, quieter.except_priorities)
    yield from _reminders(old.reminders.after, new.reminders.after)
    for name in old.brakes.__struct_fields__:
        yield from _value(
            f"brakes.{name}",
            _("Acceptance letters, {limit}: {old} → {new}"),
            str(getattr(old.brakes, name)),
            str(getattr(new.brakes, name)),
            limit=Words(_LIMITS[name]),
        )


_LIMITS: Mapping[str, str] = {
    "per_sender_10_minutes": _("to one sender in 10 minutes"),
    "per_sender_day": _("to one sender in a day"),
    "same_subject_3_hours": _("with one subject in 3 hours"),
    "overall_10_minutes": _("to all in 10 minutes"),
}


def _reminders(old: Sequence[Target], new: Sequence[Target]) -> Iterator[Difference]:
    never: Param = Words(_("never"))
    for n in range(max(len(old), len(new))):
        before, after = (one[n] if n < len(one) else None for one in (old, new))
        sentence, place = _("Reminder {number} to the customer after: {old} → {new}"), f"reminders.after.{n}"
        if before and after:
            yield from _target(place, sentence, before, after, number=str(n + 1))
        else:
            yield from _value(place, sentence, before or never, after or never, number=str(n + 1))


def _letters(old: Regulation, new: Regulation) -> Iterator[Difference]:
    for name in dict.fromkeys([*old.letters, *new.letters]):
        for language in LANGUAGES:
            before, after = (one.letters.get(name, {}).get(language) for one in (old, new))
            if before != after:
                named: dict[str, Param] = {"name": name, "language": language}
                yield Difference(f"letters.{name}.{language}", _("Letter “{name}” ({language}) changed"), named)


def _examples(old: Regulation, new: Regulation) -> Iterator[Difference]:
    before, after = ({one.title: one for one in regulation.examples} for regulation in (old, new))
    for title in dict.fromkeys([*before, *after]):
        if before.get(title) == after.get(title):
            continue
        if title not in after:
            sentence = _("Example “{title}” is gone")
        else:
            sentence = _("Example “{title}” changed") if title in before else _("Example “{title}” is new")
        yield Difference("examples", sentence, {"title": title})


# --- the calendar -----------------------------------------------------------------------------------------------------

_WEEKDAYS: Mapping[str, str] = {
    "mon": _("Monday"),
    "tue": _("Tuesday"),
    "wed": _("Wednesday"),
    "thu": _("Thursday"),
    "fri": _("Friday"),
    "sat": _("Saturday"),
    "sun": _("Sunday"),
}


def _calendar(old: Calendar, new: Calendar) -> Iterator[Difference]:
    if old == new:  # the usual case, and comparing the days of ten years takes its time
        return
    yield from _value("calendar.version", _("Name of the calendar: {old} → {new}"), old.version, new.version)
    yield from _value("calendar.zone", _("Time zone: {old} → {new}"), old.zone, new.zone)
    for (name, day), before, after in zip(_WEEKDAYS.items(), old.week.days(), new.week.days(), strict=True):
        sentence, place = _("{day}: {old} → {new}"), f"calendar.week.{name}"
        yield from _value(place, sentence, _hours(before), _hours(after), day=Words(day))
    yield from _choice("calendar.variant", _("Special non-working days: {old} → {new}"), old.variant, new.variant)
    yield from _choice("calendar.shortened", _("Shortened days: {old} → {new}"), old.shortened, new.shortened)
    loaded, now_loaded = ([str(year.year) for year in one.years] for one in (old, new))
    yield from _names("calendar.years", _("Calendar years"), loaded, now_loaded)
    yield from _days(old, new, both=set(loaded) & set(now_loaded))


def _days(old: Calendar, new: Calendar, *, both: set[str]) -> Iterator[Difference]:
    """Single days, as they differ by more than the week and the settings told above; only in years both know."""
    likewise = msgspec.structs.replace(old, week=new.week, variant=new.variant, shortened=new.shortened, zone=new.zone)
    found = [
        (on, before, after)
        for on, before, after in diff_calendars(likewise, new)
        if before and after and str(on.year) in both and before.intervals != after.intervals
    ]
    if len(found) > MOST_DAYS:
        yield Difference("calendar.years", _("{count} days have other hours"), {"count": str(len(found))})
        return
    for on, before, after in found:
        yield from _value(f"calendar.{on}", _("{day}: {old} → {new}"), _hours_of(before), _hours_of(after), day=on)


def _hours_of(day: Day) -> Param:
    return _hours(day.intervals)


def _hours(hours: Hours) -> Param:
    return ", ".join(f"{one.opens}–{one.closes}" for one in hours) or Words(_("day off"))
