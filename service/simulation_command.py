"""`reglament regulation simulate`: what a document would do, as tables to read in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from service.simulation import ChoiceForecast, MonthForecast, MovedTicket, Simulation, Tally

CHOICE_LINE = "{:<12}{:>8}{:>9}{:>8}{:>8}{:>8}{:>12}{:>12}{:>12}"
MONTH_LINE = "{:<9}{:<10}{:<14}{:>8}{:>10}{:>10}{:>8}{:>8}"
TICKET_LINE = "{:<38}{:<10}{:<18}{:<18}{}"


def told(simulation: Simulation, *, zone: ZoneInfo) -> Iterator[str]:
    """The lines; instants are in `zone`."""
    yield f"Open tickets: {simulation.open_tickets}"
    yield CHOICE_LINE.format(
        "choice", "moved", "earlier", "later", "filled", "kept", "late before", "late after", "newly late"
    )
    for choice in simulation.choices:
        yield _choice(choice)
    for choice in simulation.choices:
        yield from _tickets(choice, zone)
    if simulation.since is not None:
        yield ""
        yield f"Received since {_moment(simulation.since, zone)}: {simulation.past_tickets}"
        yield MONTH_LINE.format("month", "priority", "clock", "clocks", "in time", "drafted", "worse", "better")
        yield from (_month(month) for month in simulation.months)


def _choice(one: ChoiceForecast) -> str:
    return CHOICE_LINE.format(
        one.choice, one.moved, one.earlier, one.later, one.filled, one.kept, one.late_before, one.late_after,
        one.newly_late,
    )  # fmt: skip


def _tickets(choice: ChoiceForecast, zone: ZoneInfo) -> Iterator[str]:
    if not choice.tickets:
        return
    yield ""
    yield f"{choice.choice}: the first {len(choice.tickets)} of {choice.moved} deadlines that move"
    yield TICKET_LINE.format("ticket", "priority", "due now", "due then", "").rstrip()
    for one in choice.tickets:
        yield TICKET_LINE.format(
            one.number or str(one.ticket), one.priority or "–", _moment(one.old_due, zone), _moment(one.new_due, zone),
            _note(one),
        ).rstrip()  # fmt: skip


def _note(one: MovedTicket) -> str:
    if one.late_after:
        return "late" if one.late_before else "late at once"
    return "in time again" if one.late_before else ""


def _month(one: MonthForecast) -> str:
    clocks = sum((one.then.met, one.then.extended, one.then.breached, one.then.running, one.then.unknown))
    return MONTH_LINE.format(
        one.month, one.priority or "–", one.clock, clocks, share(one.then), share(one.draft), one.worse, one.better
    )


def share(tally: Tally) -> str:
    """The share of the decided clocks that were met, or extended in time."""
    decided = tally.met + tally.extended + tally.breached
    return f"{100 * (tally.met + tally.extended) / decided:.1f} %" if decided else "–"


def _moment(at: datetime | None, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M") if at else "–"
