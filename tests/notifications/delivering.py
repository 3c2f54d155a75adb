"""Deliveries carried out to their end, as workers do it over time."""

import asyncio

from notifications.outbox import Courier


async def drained(courier: Courier) -> int:
    """Deliver until nothing may go any more; how many attempts that took."""
    attempts = 0
    while True:
        attempts += await courier.dispatch()
        if not courier._under_way:
            return attempts
        await asyncio.wait(courier._under_way, return_when=asyncio.FIRST_COMPLETED)
