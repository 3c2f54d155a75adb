"""What the clocks, the priorities and the service levels do to somebody who comes now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from admin.regulation.telling import Telling
from service.regulation_words import said_step
from service.words import clock_time, ngettext
from workflow.regulation import Priority, ServiceLevel, Step
from workflow.sla import Period, step_due
from workflow.words import _
from workflow.working_calendar import Target

EVENING: Final = 23  # o'clock: when quiet hours are shown at work


def clock_effects(telling: Telling) -> Iterator[tuple[str, Iterable[str]]]:
    """By setting, in the order of the clauses."""
    regulation = telling.regulation
    yield "on_dispute", _on_dispute(telling)
    yield "on_priority_change", _on_priority_change(telling)
    for priority in regulation.priorities:
        yield f"priority-{priority.code}", _priority(telling, priority)
        yield f"target-{priority.code}", [_target(telling, priority)]
        yield f"steps-{priority.code}", _steps(telling, priority.steps, priority.target)
    yield "registration", [_registration(telling)]
    yield "steps-registration", _steps(telling, regulation.registration.steps, regulation.registration.target)
    yield "quiet_hours", [_quiet(telling)]
    for level in regulation.service_levels:
        yield f"level-{level.code}", _level(telling, level)
    yield "counts_from", _counts_from(telling)


def _on_dispute(telling: Telling) -> Iterator[str]:
    for one in telling.used[:1]:
        start = telling.at if telling.regulation.resolution.on_dispute == "resumes" else telling.later()
        yield telling.t(
            _("A {priority} ticket registered now, completed and disputed an hour of work later is due on {due}."),
            priority=one.code, due=telling.due(one.target, start=start),
        )  # fmt: skip


def _on_priority_change(telling: Telling) -> Iterator[str]:
    if len(telling.used) > 1:
        high, low = telling.used[0], telling.used[1]
        start = telling.at if telling.regulation.resolution.on_priority_change == "from_start" else telling.later()
        yield telling.t(
            _("A {low} ticket registered now and raised to {high} an hour of work later is due on {due}."),
            low=low.code, high=high.code, due=telling.due(high.target, start=start),
        )  # fmt: skip


def _counts_from(telling: Telling) -> Iterator[str]:
    for one in telling.used[:1]:
        start = telling.at if telling.regulation.resolution.counts_from == "received" else telling.later()
        yield telling.t(
            _("A {priority} request received now and registered an hour of work later is due on {due}."),
            priority=one.code, due=telling.due(one.target, start=start),
        )  # fmt: skip


def _priority(telling: Telling, one: Priority) -> Iterator[str]:
    yield f"{one.name.to(telling.language)}. {one.definition.to(telling.language)}"
    held = telling.opened.get(one.code, 0)
    if one.retired:
        yield ngettext(
            telling.language,
            "Retired: {n} open ticket keeps it, no new one gets it.",
            "Retired: {n} open tickets keep it, no new one gets it.",
            held,
        )
    else:
        yield ngettext(
            telling.language,
            "Place {place} in the queue; {n} open ticket has it.",
            "Place {place} in the queue; {n} open tickets have it.",
            held,
            place=telling.rules.open_priorities.index(one.code) + 1,
        )


def _target(telling: Telling, one: Priority) -> str:
    return telling.t(
        _("{priority}: to be solved within {target}. A ticket registered now is due on {due}."),
        priority=one.code, target=telling.said(one.target), due=telling.due(one.target),
    )  # fmt: skip


def _registration(telling: Telling) -> str:
    target = telling.regulation.registration.target
    return telling.t(
        _("Registration: {target}. A request received now is registered by {due}."),
        target=telling.said(target), due=telling.due(target),
    )  # fmt: skip


def _steps(telling: Telling, steps: Iterable[Step], target: Target) -> Iterator[str]:
    period = Period("resolution", telling.at, target, telling.rules.version)

    def rings(step: Step) -> datetime:
        return step_due(period, step, telling.rules) or telling.at

    for step in steps:
        yield telling.t(
            _("{step} ({moment} for a clock that begins now)"),
            step=said_step(step, telling.regulation, telling.language),
            moment=telling.moment(lambda step=step: rings(step)),  # type: ignore[misc]
        )


def _quiet(telling: Telling) -> str:
    quiet = telling.regulation.quiet_hours
    if not quiet.enabled:
        return telling.t(_("Every notice goes to colleagues at once, day and night."))
    zone = telling.calendar.zone
    tonight = telling.at.astimezone(zone).replace(hour=EVENING, minute=0, second=0, microsecond=0)
    waits = telling.t(
        _("A notice of tonight, {time}, waits until {opening}."),
        time=clock_time(telling.language, tonight, zone=zone),
        opening=telling.moment(lambda: telling.calendar.next_opening(tonight)),
    )
    loud = ", ".join(quiet.except_priorities)
    return f"{waits} {telling.t(_('One of {priorities} goes at once.'), priorities=loud)}" if loud else waits


def _level(telling: Telling, level: ServiceLevel) -> Iterator[str]:
    for one in telling.used:
        target = level.targets.get(one.code, one.target)
        yield telling.t(
            _("{priority}: {target}; a ticket registered now is due on {due}."),
            priority=one.code, target=telling.said(target), due=telling.due(target),
        )  # fmt: skip
