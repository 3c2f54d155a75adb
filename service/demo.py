"""The demo: a centre with a past, lived through the same verbs as any other, only faster."""

from __future__ import annotations

import asyncio
import heapq
import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import click

from service import clock, customers
from service.accounts import add_user
from service.actors import CLOCK, Actor, customer
from service.database import execute, fetch, fetchrow, fetchval
from service.deadlines import fire
from service.demo_story import ACCOUNTS, ORGANISATIONS, STAFF, STORIES, TEAMS, Act, Story
from service.house import HOUSE
from service.intake import Request, receive
from service.people import customer_by_address
from service.regulations import in_force
from service.settings import Settings
from service.startup import DEMO_CLOCK, connected, read_settings
from service.teams import add_team
from service.tickets import carry_out
from service.up import SIGN_INS
from workflow.definition import Role
from workflow.errors import WrongState
from workflow.working_calendar import WorkingCalendar

LETTERS_STAY = timedelta(days=2)  # older letters of the demo's past count as delivered


@click.command("demo")
def demo() -> None:
    """Fill an empty database with a believable support centre; a database with people in it stays as it is."""

    async def work(settings: Settings) -> None:
        async with connected(settings, rings=False):
            if await fetchval("SELECT EXISTS (SELECT FROM app_user) OR EXISTS (SELECT FROM ticket)"):
                return
            click.echo("Filling the empty database with a demo…")
            await fill(settings, at=clock.now())

    asyncio.run(work(read_settings()))


async def fill(settings: Settings, *, at: datetime) -> None:
    """Make people, customers and some forty tickets with a past that ends at `at`."""
    sign_ins = await _hire(at - timedelta(days=60))
    await _win_customers(at)
    sign_ins += await _invite(at - timedelta(days=50))
    await _live(at)
    await _deliver_old_letters(at)
    await execute("UPDATE notice SET read_at = at WHERE at < $1", at - timedelta(days=1))
    (settings.home / DEMO_CLOCK).write_text("0\n", "ascii")
    kept = settings.home / SIGN_INS
    kept.touch(mode=0o600)
    kept.write_text(json.dumps(sign_ins, ensure_ascii=False, indent=1), "utf-8")
    os.chmod(kept, 0o600)


async def _hire(at: datetime) -> list[dict[str, str]]:
    hired = [
        {"email": email, "role": role, "password": await add_user(email, name=name, role=Role(role), at=at)}
        for email, name, role in STAFF
    ]
    ids = {row["email"].partition("@")[0]: row["id"] for row in await fetch("SELECT id, email FROM app_user")}
    for code, name, members in TEAMS:
        await add_team(code, name=name, members=[ids[one] for one in members], by=CLOCK, at=at)
    return hired


async def _win_customers(at: datetime) -> None:
    for name, domain, contract, products, level, since, until, people in ORGANISATIONS:
        organisation = await fetchval(
            "INSERT INTO organisation (name, domains, created_at) VALUES ($1, $2, $3) RETURNING id",
            name, json.dumps([domain]), at - timedelta(days=since),
        )  # fmt: skip
        await execute(
            "INSERT INTO contract (organisation, number, products, service_level, starts_on, ends_on) "
            "VALUES ($1, $2, $3, $4, $5, $6)",
            organisation, contract, json.dumps(products, ensure_ascii=False), level,
            (at - timedelta(days=since)).date(), (at + timedelta(days=until)).date() if until is not None else None,
        )  # fmt: skip
        for full_name, position, phone, mailbox, language in people:
            contact = await fetchval(
                "INSERT INTO contact (organisation, full_name, position, phone, language, created_at) "
                "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
                organisation, full_name, position, phone, language, at - timedelta(days=since),
            )  # fmt: skip
            await execute(
                "INSERT INTO contact_address (address, contact) VALUES ($1, $2)", f"{mailbox}@{domain}", contact
            )


async def _invite(at: datetime) -> list[dict[str, str]]:
    """Some customers come to the cabinet, by an invitation as anybody else."""
    sign_ins = []
    for email, sees in ACCOUNTS:
        known = await customer_by_address(email, at=at)
        if known is None or known.contact is None:
            continue
        await customers.invite(known.contact, sees=sees, by=CLOCK, at=at)
        link = await fetchval("SELECT id FROM account_link WHERE address = $1 AND ended_at IS NULL", email)
        redeemed = await customers.redeem(HOUSE.sign("cabinet/account", link), at=at)
        sign_ins.append({"email": email, "role": Role.CUSTOMER.value, "password": redeemed.password})
    return sign_ins


async def _live(at: datetime) -> None:
    """Everything in the order of time; between two acts the clock fires what came due."""
    calendar = (await in_force(at=at)).calendar
    operators = await _operators()
    told = sorted(_told(calendar, at), key=lambda moment: moment[:2])
    heapq.heapify(told)
    tickets: dict[int, UUID] = {}
    while told:
        when, order, number, act = heapq.heappop(told)
        await _let_the_clock_run(until=when)
        story, by = STORIES[number], operators[number % len(operators)]
        if act is None:
            tickets[number] = await _received(story, at=when)
        else:
            await _acted(tickets[number], story, act, by=by, at=when, cause=f"demo:{number}:{order}", calendar=calendar)
    await _let_the_clock_run(until=at)


def _told(calendar: WorkingCalendar, at: datetime) -> Iterator[tuple[datetime, int, int, Act | None]]:
    """Each story's acts at their instants; what would lie in the future has not happened yet."""
    for number, story in enumerate(STORIES):
        when = _hours_before(calendar, at, story.hours_ago)
        yield when, 0, number, None
        for order, act in enumerate(story.acts, start=1):
            when = calendar.add(when, timedelta(hours=act.after)) if act.ago is None else at - timedelta(hours=act.ago)
            if when < at:
                yield when, order, number, act


def _hours_before(calendar: WorkingCalendar, at: datetime, hours: float) -> datetime:
    """The instant so many working hours before `at`: found by halving, to the second."""
    early, late = at - timedelta(hours=hours * 6, days=14), at
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if calendar.between(middle, at) > timedelta(hours=hours):
            early = middle
        else:
            late = middle
    return late


async def _let_the_clock_run(*, until: datetime) -> None:
    """Fire what comes due before `until`, each timer at its own instant."""
    while row := await fetchrow(
        "SELECT id, due_at FROM timer WHERE status = 'armed' AND due_at <= $1 ORDER BY due_at, id LIMIT 1", until
    ):
        await fire(row["id"], at=row["due_at"])


async def _operators() -> list[Actor]:
    rows = await fetch("SELECT id, name, email FROM app_user WHERE role = 'operator' ORDER BY id")
    return [
        Actor("staff", str(row["id"]), row["name"], Role.OPERATOR, user=str(row["id"]), email=row["email"])
        for row in rows
    ]


async def _received(story: Story, *, at: datetime) -> UUID:
    address = _address(story)
    known = await customer_by_address(address, at=at)
    by = customer(id=str(known.contact) if known and known.contact else "", name=known.full_name if known else address)
    request = Request(channel=story.channel, email=address, subject=story.subject, text=story.text)
    return (await receive(request, by=by, at=at, cause=f"demo:{story.subject}:{at.isoformat()}")).id


def _address(story: Story) -> str:
    if "@" in story.sender:
        return story.sender
    return next(
        f"{story.sender}@{domain}"
        for _name, domain, *_rest, people in ORGANISATIONS
        for person in people
        if person[3] == story.sender
    )


async def _acted(
    ticket: UUID, story: Story, act: Act, *, by: Actor, at: datetime, cause: str, calendar: WorkingCalendar
) -> None:
    given: dict[str, Any] = dict(act.given)
    if given.get("promised_at"):
        given["promised_at"] = calendar.add(at, timedelta(hours=float(given["promised_at"])))
    if act.customer:
        known = await customer_by_address(_address(story), at=at)
        by = customer(id=str(known.contact) if known else "", name=known.full_name if known else story.sender)
    try:
        done = await carry_out(ticket, act.trigger, by=by, at=at, cause=cause, given=given)
    except WrongState:  # the clock was faster: a customer's silence had closed the ticket already
        return
    if done.email and act.trigger == "register":
        await carry_out(
            ticket, "accept", by=CLOCK, at=at + timedelta(seconds=40), cause=f"{cause}:accepted", given={"details": {}}
        )


async def _deliver_old_letters(at: datetime) -> None:
    """The past's letters were delivered in the past; only the newest go out into the local mailbox now."""
    await execute(
        "UPDATE outbox SET status = 'delivered', attempt = 1, delivered_at = created_at + interval '2 seconds' "
        "WHERE status = 'pending' AND created_at < $1",
        at - LETTERS_STAY,
    )
