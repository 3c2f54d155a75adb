"""Accounts of customers below their pages: who is joined where, what ends what, what the journal lets be blanked."""

from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from service import customers, directory_edits
from service.actors import Actor
from service.customer_sessions import customer_session, open_customer_session
from service.customers import LASTS, AccountLinkExpired, AccountLinkUsed, InvitationTakenBack, Registration
from service.database import execute, fetch, fetchrow, fetchval
from service.directory import add_contact, add_organisation
from service.house import HOUSE
from service.sessions import session
from tests.service.conftest import START
from workflow.definition import Role
from workflow.errors import NotFound, WrongFields

ADMIN = Actor(kind="staff", id="1", name="Anna", role=Role.ADMINISTRATOR)


async def a_contact(email: str = "ivan@port.example.com") -> int:
    return await add_contact(
        "Ivan", addresses=[email], organisation="", position="", phone="", language="ru", by=ADMIN, at=START
    )


async def the_token() -> str:
    """The newest link's."""
    return HOUSE.sign(
        "cabinet/account",
        await fetchval("SELECT id FROM account_link ORDER BY ended_at DESC NULLS FIRST, id DESC LIMIT 1"),
    )


async def test_a_link_works_once_and_no_longer_than_it_says(regulation: None) -> None:
    contact = await a_contact()
    await customers.invite(contact, sees="own", by=ADMIN, at=START)
    token = await the_token()
    with pytest.raises(AccountLinkExpired):
        await customers.redeem(token, at=START + LASTS["invitation"])
    redeemed = await customers.redeem(token, at=START + LASTS["invitation"] - timedelta(seconds=1))
    assert await customers.account_for("IVAN@port.example.com ", redeemed.password) == contact
    with pytest.raises(AccountLinkUsed):
        await customers.redeem(token, at=START)
    with pytest.raises(NotFound):
        await customers.look(HOUSE.sign("confirm", uuid4()), at=START)


async def test_an_invitation_that_was_taken_back_gives_nothing_and_is_not_sent_anew(regulation: None) -> None:
    contact = await a_contact()
    for hours in (0, 1):  # the second replaces the first
        await customers.invite(contact, sees="own", by=ADMIN, at=START + timedelta(hours=hours))
    token = await the_token()
    waits = await customers.pending_invitation(contact)
    assert waits
    assert (waits.address, waits.sent_at) == ("ivan@port.example.com", START + timedelta(hours=1))
    await customers.take_back(contact, by=ADMIN, at=START + timedelta(hours=2))
    assert await customers.pending_invitation(contact) is None
    with pytest.raises(InvitationTakenBack):
        await customers.redeem(token, at=START + timedelta(hours=3))
    with pytest.raises(NotFound):
        await customers.take_back(contact, by=ADMIN, at=START + timedelta(hours=3))
    letters = await fetchval("SELECT count(*) FROM letter")
    await customers.ask_for_reset("ivan@port.example.com", at=START + timedelta(hours=3))
    assert await fetchval("SELECT count(*) FROM letter") == letters
    await customers.invite(contact, sees="own", by=ADMIN, at=START + timedelta(hours=4))
    assert (await customers.redeem(await the_token(), at=START + timedelta(hours=5))).contact == contact
    assert await customers.pending_invitation(contact) is None


async def test_a_domain_that_two_organisations_claim_joins_nobody(regulation: None) -> None:
    for name in ("Port", "Dock"):
        await add_organisation(name, domains=["port.example.com"], by=ADMIN, at=START)
    assert await customers.organisation_of("ivan@port.example.com") is None
    await execute("UPDATE organisation SET domains = '[]' WHERE name = 'Dock'")
    assert await customers.organisation_of("ivan@PORT.example.com") is not None
    assert await customers.organisation_of("ivan@sub.port.example.com") is None


async def test_a_new_password_signs_every_browser_out(regulation: None) -> None:
    contact = await a_contact()
    await customers.invite(contact, sees="own", by=ADMIN, at=START)
    await customers.redeem(await the_token(), at=START)
    id = await open_customer_session(contact, at=START)
    assert await customer_session(id, at=START)
    assert await session(id, at=START) is None  # never one of the desk
    await customers.new_password(contact, by=ADMIN, at=START)
    assert await customer_session(id, at=START) is None


async def test_a_blocked_account_gets_no_letter_and_no_new_life(regulation: None) -> None:
    contact = await a_contact()
    await customers.invite(contact, sees="own", by=ADMIN, at=START)
    await customers.redeem(await the_token(), at=START)
    await customers.change_rights(contact, sees="own", active=False, by=ADMIN, at=START)
    letters = await fetchval("SELECT count(*) FROM outbox")
    await customers.ask_for_reset("ivan@port.example.com", at=START)
    told = Registration(email="ivan@port.example.com", full_name="Ivan", organisation="Port")
    await customers.register(told, at=START)
    assert await fetchval("SELECT count(*) FROM outbox") == letters
    await customers.invite(contact, sees="own", by=ADMIN, at=START)
    with pytest.raises(NotFound):
        await customers.redeem(await the_token(), at=START)


async def kinds() -> list[str]:
    return [row["type"] for row in await fetch("SELECT type FROM outbox ORDER BY id")]


async def test_whoever_lets_an_invitation_expire_asks_for_it_again(regulation: None) -> None:
    contact = await a_contact()
    await customers.invite(contact, sees="organisation", by=ADMIN, at=START)
    late = START + LASTS["invitation"] + timedelta(days=1)
    await customers.ask_for_reset("ivan@port.example.com", at=late)
    assert await kinds() == ["invitation", "invitation"]
    redeemed = await customers.redeem(await the_token(), at=late)
    assert (await customers.account_of(redeemed.contact)).sees == "organisation"
    await customers.ask_for_reset("ivan@port.example.com", at=late)
    assert (await kinds())[2:] == ["reset"]


async def test_nobody_registers_an_invitation_away(regulation: None) -> None:
    """Not the invited person by mistake, and not a stranger who types the address."""
    contact = await a_contact()
    await customers.invite(contact, sees="organisation", by=ADMIN, at=START)
    await customers.register(
        Registration(email="ivan@port.example.com", full_name="Eve", organisation="Eve Ltd"), at=START
    )
    await customers.redeem(await the_token(), at=START)
    assert (await customers.account_of(contact)).sees == "organisation"
    assert await fetchval("SELECT full_name FROM contact") == "Ivan"


async def test_whoever_lets_the_link_of_a_registration_expire_asks_for_it_again(regulation: None) -> None:
    told = Registration(email="nina@port.example.com", full_name="Nina", organisation="Port", phone="+7 000 1")
    await customers.register(told, at=START)
    late = START + LASTS["registration"]
    await customers.ask_for_reset("Nina@port.example.com", at=late)
    await customers.redeem(await the_token(), at=late)
    assert tuple(await fetchrow("SELECT full_name, phone FROM contact")) == ("Nina", "+7 000 1")


async def test_a_registration_works_though_the_address_left_its_person_meanwhile(regulation: None) -> None:
    contact = await a_contact()
    told = Registration(email="ivan@port.example.com", full_name="Ivan Orlov", organisation="Port")
    await customers.register(told, at=START)
    given = {"addresses": ["else@port.example.com"]}
    await directory_edits.change_contact(str(contact), given, by=ADMIN, at=START)
    redeemed = await customers.redeem(await the_token(), at=START)
    assert redeemed.contact != contact
    assert await fetchval("SELECT full_name FROM contact WHERE id = $1", redeemed.contact) == "Ivan Orlov"


async def test_everything_that_is_wrong_with_a_registration_is_said_at_once(regulation: None) -> None:
    with pytest.raises(WrongFields) as refused:
        await customers.register(Registration(email="nonsense", full_name=" ", phone="1" * 101), at=START)
    assert {error.field for error in refused.value.errors} == {"email", "full_name", "organisation", "phone"}


@pytest.mark.parametrize(
    "change", ["actor_name = 'Eve'", "actor_name = '', trigger = 'x'", "actor_name = '', body = ''", "seq = 7"]
)
async def test_the_journal_lets_nothing_go_but_the_name_of_a_customer(regulation: None, change: str) -> None:
    await execute("INSERT INTO ticket (id, state, subject, text, channel, received_at, regulation_version, clocks, "
                  "state_since, last_at, head) VALUES (gen_random_uuid(), 'x', '', '', 'email', $1, 1, '{}', $1, $1, "
                  "'')", START)  # fmt: skip
    await execute(
        "INSERT INTO journal (ticket, seq, kind, trigger, to_state, actor_kind, actor_name, cause, at, body, hash) "
        "SELECT id, 1, 'move', 'receive', 'x', 'customer', 'Ivan', 'c', $1, 'b', 'h' FROM ticket",
        START,
    )
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await execute(f"UPDATE journal SET {change}")
    await execute("UPDATE journal SET actor_name = ''")
    assert await fetchval("SELECT actor_name FROM journal") == ""
    with pytest.raises(asyncpg.RaiseError, match="append-only"):
        await execute("DELETE FROM journal")
