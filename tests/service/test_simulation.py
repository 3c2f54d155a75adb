"""A draft is tried on the desk's own tickets: it tells what publishing would bring, and touches nothing."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest

from service import compliance, republishing, simulation
from service.actors import Actor
from service.database import execute, fetch, fetchval
from service.regulations import NotPublishable, newest, publish
from service.simulation import ChoiceForecast, MonthForecast, MovedTicket, Order, Sort, simulate
from service.simulation_command import told
from service.ticket import Ticket
from tests.desk import HOUR, a_request, a_ticket, changed_target, does
from workflow.carrying_over import CHOICES, Choice
from workflow.definition import Role
from workflow.regulation import Regulation
from workflow.working_calendar import Target

MONDAY = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)  # 10:00 in Moscow, a working day
NOON = MONDAY + 2 * HOUR
DAY = timedelta(days=1)
OWNER = Actor(kind="staff", id="1", name="Vera Owner", role=Role.PROCESS_OWNER)

pytestmark = pytest.mark.usefixtures("regulation")


async def draft(amount: int = 60, **changes: Any) -> Regulation:
    """P2 in `amount` working minutes instead of eight hours, and whatever else is changed."""
    _version, current = await newest()
    plain = tuple(
        msgspec.structs.replace(one, steps=()) for one in changed_target(current, "P2", amount=amount).priorities
    )
    return msgspec.structs.replace(current, priorities=plain, examples=(), **changes)


async def solved(ticket: Ticket, at: datetime) -> Ticket:
    await does(ticket, "start", at)
    return await does(
        ticket, "complete", at, text="Done.", delivery_method="email", minutes=30, outcome="solved"
    )  # fmt: skip


def under(forecasts: list[ChoiceForecast], choice: Choice) -> ChoiceForecast:
    return next(one for one in forecasts if one.choice == choice)


def month(forecasts: list[MonthForecast], name: str, clock: str = "resolution", priority: str = "P2") -> MonthForecast:
    [found] = [one for one in forecasts if (one.month, one.priority, one.clock) == (name, priority, clock)]
    return found


async def everything() -> list[tuple[str, str]]:
    """A fingerprint of every table."""
    names = [row["tablename"] for row in await fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    return [
        (name, str(await fetchval(f"SELECT md5(string_agg(x::text, '|' ORDER BY x::text)) FROM {name} x")))
        for name in sorted(names)
    ]


# --- open tickets -----------------------------------------------------------------------------------------------------


async def test_each_choice_says_whose_deadlines_move_and_who_breaches() -> None:
    first, second = await a_ticket("P2", MONDAY), await a_ticket("P2", NOON - 10 * timedelta(minutes=1))
    await a_ticket("P3", MONDAY)
    await a_request(MONDAY)
    tried = await simulate(await draft(60), at=NOON)
    assert tried.open_tickets == 4
    keep, from_start, from_now = (under(tried.choices, choice) for choice in CHOICES)
    assert (keep.moved, keep.late_after) == (0, 0)
    assert (from_start.moved, from_start.earlier, from_start.newly_late) == (2, 2, 1)
    assert [(one.number, one.new_due, one.late_after) for one in from_start.tickets] == [
        (first.number, MONDAY + HOUR, True),
        (second.number, NOON + 50 * timedelta(minutes=1), False),
    ]
    assert {one.old_due for one in from_start.tickets} == {first.due_at, second.due_at}
    assert (from_now.moved, from_now.newly_late) == (2, 0)
    assert {one.new_due for one in from_now.tickets} == {NOON + HOUR}


@pytest.mark.parametrize("choice", CHOICES)
async def test_publishing_brings_what_was_forecast(choice: Choice) -> None:
    for priority in ("P1", "P2", "P3", "P4"):
        await a_ticket(priority, MONDAY)
    waiting = await a_ticket("P2", MONDAY)
    await does(waiting, "request_info", MONDAY + HOUR, text="Which one?", minutes=5)
    await solved(await a_ticket("P2", MONDAY), MONDAY + HOUR)
    changed = await draft(90)
    forecast = under((await simulate(changed, at=NOON, limit=1000)).choices, choice)
    before = {row["id"]: row["due_at"] for row in await fetch("SELECT id, due_at FROM ticket")}
    await publish(changed, based_on=1, by=OWNER, at=NOON, open_tickets=choice)
    while await republishing.carry_on(at=NOON):
        pass
    after = {row["id"]: row["due_at"] for row in await fetch("SELECT id, due_at FROM ticket")}
    assert {one.ticket: one.new_due for one in forecast.tickets} == {
        id: due for id, due in after.items() if due != before[id]
    }


async def test_a_priority_the_draft_retires_keeps_its_tickets() -> None:
    await a_ticket("P2", MONDAY)
    changed = await draft(60)
    retired = tuple(msgspec.structs.replace(one, retired=one.code == "P2") for one in changed.priorities)
    levels = tuple(msgspec.structs.replace(one, targets={}) for one in changed.service_levels)
    quiet = msgspec.structs.replace(changed.quiet_hours, except_priorities=())
    tried = await simulate(
        msgspec.structs.replace(changed, priorities=retired, service_levels=levels, quiet_hours=quiet), at=NOON
    )
    assert (under(tried.choices, "from_start").kept, under(tried.choices, "from_start").moved) == (1, 0)


async def test_the_list_is_cut_where_asked_and_sorted_by_the_shift() -> None:
    await a_ticket("P3", MONDAY)
    far = await a_ticket("P4", MONDAY)
    await a_ticket("P2", MONDAY)
    changed = await draft(60)
    short = msgspec.structs.replace(changed.priorities[0].target, kind="working_minutes", amount=30)
    all_short = tuple(msgspec.structs.replace(one, target=short) for one in changed.priorities)
    plain = msgspec.structs.replace(changed, priorities=all_short, service_levels=changed.service_levels[:1])
    found = under((await simulate(plain, at=NOON, sort="shift", limit=1)).choices, "from_start")
    assert (found.moved, [one.ticket for one in found.tickets]) == (3, [far.id])


@pytest.mark.parametrize(
    ("sort", "order"),
    [("number", "ABC"), ("priority", "BCA"), ("old_due", "BCA"), ("new_due", "ABC"), ("shift", "ACB")],
)
async def test_the_list_is_sorted_by_any_column_and_either_way(sort: Sort, order: str) -> None:
    """Registered in the order of their letters; under the draft P4 gets the shortest time and P3 the longest."""
    tickets = {
        "A": await a_ticket("P4", MONDAY),
        "B": await a_ticket("P2", MONDAY),
        "C": await a_ticket("P3", MONDAY),
    }
    changed = await draft(60)
    minutes = {"P4": 60, "P2": 600, "P3": 900}
    targets = tuple(
        msgspec.structs.replace(one, target=Target("working_minutes", minutes.get(one.code, 60)), steps=())
        for one in changed.priorities
    )
    plain = msgspec.structs.replace(changed, priorities=targets, service_levels=changed.service_levels[:1])
    names = {ticket.id: name for name, ticket in tickets.items()}
    for descending in (False, True):
        tried = await simulate(plain, at=NOON, sort=sort, descending=descending)
        found = "".join(names[one.ticket] for one in under(tried.choices, "from_start").tickets)
        assert found == (order[::-1] if descending else order), (sort, descending)


def test_what_has_nothing_to_sort_by_stands_last_whichever_way() -> None:
    def moved(n: int, due: datetime | None) -> MovedTicket:
        return MovedTicket(UUID(int=n), None, None, due, due, False, False)

    tickets = [moved(1, None), moved(2, NOON), moved(3, MONDAY)]
    assert [one.ticket.int for one in Order("new_due").first(tickets, 9)] == [3, 2, 1]
    assert [one.ticket.int for one in Order("new_due", True).first(tickets, 9)] == [2, 3, 1]
    assert [one.ticket.int for one in Order("number", True).first(tickets, 2)] == [3, 2]


async def test_a_draft_that_breaks_a_check_is_not_tried() -> None:
    with pytest.raises(NotPublishable):
        await simulate(await draft(0), at=NOON)


async def test_nothing_is_touched() -> None:
    await solved(await a_ticket("P2", MONDAY), MONDAY + HOUR)
    await a_ticket("P2", MONDAY)
    before = await everything()
    await simulate(await draft(60), at=NOON, months=3)
    assert await everything() == before


async def test_others_are_served_while_a_draft_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judging is heavy; it must not sit on the loop that serves everybody."""
    import threading

    seen = []
    judge = simulation._Present.take
    monkeypatch.setattr(
        simulation._Present, "take", lambda self, rows: (seen.append(threading.current_thread()), judge(self, rows))
    )
    await a_ticket("P2", MONDAY)
    await simulate(await draft(60), at=NOON)
    assert [thread is threading.main_thread() for thread in seen] == [False]


# --- the last months --------------------------------------------------------------------------------------------------


async def test_compliance_then_and_under_the_draft() -> None:
    await solved(await a_ticket("P2", MONDAY), MONDAY + HOUR / 2)
    await solved(await a_ticket("P2", MONDAY), MONDAY + 3 * HOUR)
    await solved(await a_ticket("P2", MONDAY - 31 * DAY), MONDAY - 31 * DAY + 2 * HOUR)  # 3 April
    tried = await simulate(await draft(60), at=MONDAY + 5 * HOUR, months=2)
    may, april = month(tried.months, "2026-05"), month(tried.months, "2026-04")
    assert (may.then.met, may.draft.met, may.draft.breached, may.worse, may.better) == (2, 1, 1, 1, 0)
    assert (april.then.met, april.draft.breached) == (1, 1)
    assert month(tried.months, "2026-05", "registration").then.met == 2
    assert tried.past_tickets == 3
    assert (await simulate(await draft(60), at=MONDAY + 5 * HOUR, months=1)).past_tickets == 2
    assert (await simulate(await draft(60), at=MONDAY + 5 * HOUR)).months == []


async def test_a_longer_target_would_have_saved_what_was_late() -> None:
    await solved(await a_ticket("P2", MONDAY), MONDAY + DAY + 4 * HOUR)
    await execute("DELETE FROM timer")
    found = month((await simulate(await draft(20 * 60), at=MONDAY + 2 * DAY, months=1)).months, "2026-05")
    assert (found.then.breached, found.draft.met, found.better) == (1, 1, 1)


async def test_time_waited_for_the_customer_stays_excused_under_the_draft() -> None:
    ticket = await a_ticket("P2", MONDAY)
    await does(ticket, "request_info", MONDAY + HOUR / 2, text="Which one?", minutes=5)
    await does(ticket, "resume", MONDAY + 3 * HOUR, text="That one.")
    await solved_from_work(ticket, MONDAY + 3 * HOUR + HOUR / 4)
    found = month((await simulate(await draft(60), at=MONDAY + 5 * HOUR, months=1)).months, "2026-05")
    assert found.draft.met == 1


async def solved_from_work(ticket: Ticket, at: datetime) -> Ticket:
    return await does(ticket, "complete", at, text="Done.", delivery_method="email", minutes=30, outcome="solved")


@pytest.mark.parametrize(("counts_from", "met"), [("registered", 1), ("received", 0)])
async def test_the_drafts_start_of_the_clock_counts(counts_from: str, met: int) -> None:
    request = await a_request(MONDAY)
    ticket = await does(request, "register", MONDAY + HOUR, priority="P2")
    await solved(ticket, MONDAY + 2 * HOUR)
    _version, current = await newest()
    settings = msgspec.structs.replace(current.resolution, counts_from=counts_from)
    found = month((await simulate(await draft(90, resolution=settings), at=NOON + HOUR, months=1)).months, "2026-05")
    assert found.draft.met == met


@pytest.mark.parametrize(("on_change", "met"), [("from_start", 0), ("from_now", 1)])
async def test_a_changed_priority_is_lived_again_under_the_drafts_setting(on_change: str, met: int) -> None:
    ticket = await a_ticket("P3", MONDAY)
    await does(ticket, "change_priority", MONDAY + 2 * HOUR, priority="P2", reason="It is worse.")
    await solved(ticket, MONDAY + 3 * HOUR)
    _version, current = await newest()
    settings = msgspec.structs.replace(current.resolution, on_priority_change=on_change)
    found = month(
        (await simulate(await draft(90, resolution=settings), at=NOON + 2 * HOUR, months=1)).months, "2026-05"
    )
    assert (found.then.met, found.draft.met) == (1, met)


@pytest.mark.parametrize(("on_dispute", "met"), [("resumes", 0), ("restarts", 1)])
async def test_a_dispute_is_lived_again_under_the_drafts_setting(on_dispute: str, met: int) -> None:
    ticket = await solved(await a_ticket("P2", MONDAY), MONDAY + HOUR)
    await does(ticket, "dispute", MONDAY + 2 * HOUR, text="No.")
    await solved_from_work(ticket, MONDAY + 3 * HOUR)
    _version, current = await newest()
    settings = msgspec.structs.replace(current.resolution, on_dispute=on_dispute)
    found = month(
        (await simulate(await draft(90, resolution=settings), at=NOON + 2 * HOUR, months=1)).months, "2026-05"
    )
    assert (found.then.met, found.draft.met) == (1, met)


async def test_the_regulation_in_force_changes_nothing_in_hindsight() -> None:
    await solved(await a_ticket("P2", MONDAY), MONDAY + HOUR)
    await does(await a_ticket("P3", MONDAY), "change_priority", MONDAY + HOUR, priority="P1", reason="Worse.")
    await does(await a_ticket("P2", MONDAY), "withdraw", MONDAY + DAY, text="Never mind.")
    await a_request(MONDAY)
    _version, current = await newest()
    tried = await simulate(current, at=MONDAY + 2 * DAY, months=1)
    assert [one.then for one in tried.months] == [one.draft for one in tried.months]
    assert {one.moved for one in tried.choices} == {0}


async def test_the_command_prints_tables() -> None:
    ticket = await a_ticket("P2", MONDAY)
    await solved(await a_ticket("P2", MONDAY), MONDAY + HOUR)
    lines = list(told(await simulate(await draft(60), at=NOON, months=1), zone=ZoneInfo("Europe/Moscow")))
    text = "\n".join(lines)
    assert "Open tickets: 2" in text
    assert f"{ticket.number:<38}P2        2026-05-04 18:00  2026-05-04 11:00  late at once" in text
    assert "100.0 %" in text


# --- the report -------------------------------------------------------------------------------------------------------

MET_IN_MAY = compliance.Figure(
    clock="resolution",
    result="met",
    since=compliance.first_of_month("2026-05", zone="Europe/Moscow"),
    month="2026-05",
    priority="P2",
)


async def test_the_report_counts_met_extended_breached_and_running_clocks_apart() -> None:
    await solved(await a_ticket("P2", MONDAY), MONDAY + HOUR)
    late = await a_ticket("P2", MONDAY)
    told_of = await a_ticket("P2", MONDAY)
    _version, current = await newest()
    code = current.postponement_reasons[0].code
    promised = (MONDAY + 3 * DAY).isoformat()
    await does(told_of, "extend", MONDAY + HOUR, reason=code, text="A patch.", promised_at=promised)
    waiting = await a_ticket("P2", MONDAY)
    await does(waiting, "request_info", MONDAY + HOUR, text="Which one?", minutes=5)
    await a_request(MONDAY)
    report = await compliance.by_month(months=1, at=MONDAY + 2 * DAY)
    [resolution] = [one for one in report if one.clock == "resolution"]
    assert (resolution.met, resolution.extended, resolution.breached, resolution.running) == (1, 1, 1, 1)
    registration = {one.priority: (one.met, one.breached) for one in report if one.clock == "registration"}
    assert registration == {"P2": (4, 0), None: (0, 1)}
    figure = msgspec.structs.replace(MET_IN_MAY, result="breached")
    page, more = await compliance.tickets_behind(figure, at=MONDAY + 2 * DAY, cursor=None, limit=10)
    assert ([one.id for one in page], more) == ([late.id], None)


async def test_the_tickets_behind_a_figure_come_in_pages() -> None:
    tickets = [await solved(await a_ticket("P2", MONDAY + n * HOUR / 60), MONDAY + HOUR) for n in range(5)]
    seen, cursor = [], None
    while True:
        page, cursor = await compliance.tickets_behind(MET_IN_MAY, at=NOON, cursor=cursor, limit=2)
        seen += [one.id for one in page]
        if cursor is None:
            break
    assert seen == [ticket.id for ticket in reversed(tickets)]


async def test_two_may_try_at_once() -> None:
    await a_ticket("P2", MONDAY)
    document = await draft(60)
    both = await asyncio.gather(simulate(document, at=NOON), simulate(document, at=NOON))
    assert both[0] == both[1]
