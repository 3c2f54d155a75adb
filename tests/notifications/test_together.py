"""What gathers while a batch is under way goes with the next one, and a bad one spoils no other."""

import asyncio
from collections.abc import Sequence

import pytest

from notifications.together import Together


class Work:
    """Remembers its batches; refuses those that hold a negative number; waits at the gate."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, numbers: Sequence[int]) -> Sequence[str]:
        await self.gate.wait()
        if min(numbers) < 0:
            raise ValueError(str(min(numbers)))
        self.batches.append(list(numbers))
        return [str(number) for number in numbers]


async def test_one_alone_goes_at_once_and_who_comes_meanwhile_goes_together() -> None:
    work = Work()
    together = Together(work)
    assert await together.add(1) == "1"
    work.gate.clear()
    adding = [asyncio.create_task(together.add(number)) for number in range(2, 7)]
    await asyncio.sleep(0)
    work.gate.set()
    assert await asyncio.gather(*adding) == ["2", "3", "4", "5", "6"]
    assert work.batches == [[1], [2, 3, 4, 5, 6]]


async def test_no_batch_is_larger_than_asked_for() -> None:
    work = Work()
    together = Together(work, most=2)
    await asyncio.gather(*(together.add(number) for number in range(5)))
    assert work.batches == [[0, 1], [2, 3], [4]]


async def test_while_there_is_much_to_do_the_next_batch_gathers_for_a_while() -> None:
    work = Work()
    together = Together(work, linger=0.05)
    work.gate.clear()
    first = asyncio.create_task(together.add(1))
    await asyncio.sleep(0.01)  # under way
    second = asyncio.create_task(together.add(2))
    await asyncio.sleep(0)
    work.gate.set()
    await first
    assert await together.add(3) == "3"
    assert await second == "2"
    assert work.batches == [[1], [2, 3]]


async def test_a_bad_one_is_told_and_the_others_are_done() -> None:
    work = Work()
    together = Together(work)
    told = await asyncio.gather(*(together.add(number) for number in (1, -2, 3)), return_exceptions=True)
    assert [str(one) for one in told] == ["1", "-2", "3"]
    assert isinstance(told[1], ValueError)
    assert sorted(number for batch in work.batches for number in batch) == [1, 3]
    await together.add(4)  # and it works on
    assert work.batches[-1] == [4]


async def test_who_is_cancelled_does_not_stop_the_work_of_the_others() -> None:
    work = Work()
    together = Together(work)
    work.gate.clear()
    impatient, patient = asyncio.create_task(together.add(1)), asyncio.create_task(together.add(2))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    work.gate.set()
    await patient
    assert work.batches == [[1, 2]]
