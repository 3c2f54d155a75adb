"""Whose a request is, and which contract holds on the day it comes: a day of the centre, not of Greenwich."""

from datetime import UTC, date, datetime

import pytest

from service.people import Customer, customer_by_address, customer_by_name, customer_of_contact
from tests.service.test_contacts import a_contact, an_organisation
from tests.service.test_organisations import a_contract


async def found_every_way(organisation: int, contact: int, *, at: datetime) -> set[Customer]:
    by_address = await customer_by_address("anna@port.example.net", at=at)
    assert by_address is not None
    return {by_address, await customer_of_contact(contact, at=at), await customer_by_name(str(organisation), at=at)}


@pytest.mark.parametrize(
    ("at", "number", "expired"),
    [
        (datetime(2026, 5, 18, 20, 59, tzinfo=UTC), "OLD", False),  # 23:59 in Moscow, on its last day
        (datetime(2026, 5, 18, 21, 1, tzinfo=UTC), "NEW", False),  # 0:01 in Moscow, on the first day of the next
        (datetime(2026, 6, 1, 20, 59, tzinfo=UTC), "NEW", False),
        (datetime(2026, 6, 1, 21, 1, tzinfo=UTC), "NEW", True),
    ],
)
async def test_a_contract_begins_and_ends_at_midnight_of_the_centre(
    regulation: None, at: datetime, number: str, expired: bool
) -> None:
    port = await an_organisation("Port")
    anna = await a_contact(port, "anna@port.example.net", name="Anna")
    await a_contract(port, "OLD", "standard", ends_on=date(2026, 5, 18))
    await a_contract(port, "NEW", "extended", starts_on=date(2026, 5, 19), ends_on=date(2026, 6, 1))
    for known in await found_every_way(port, anna, at=at):
        assert (known.contract_number, known.contract_expired) == (number, expired)
