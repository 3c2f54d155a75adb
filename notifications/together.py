"""Many small transactions become one: what comes while a batch is under way goes with the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Together(Generic[T, R]):
    """Does its work on whatever has gathered meanwhile: one by one when little comes, in batches when much does.

    `work` gives a result for each item, in the order of the items.
    """

    def __init__(
        self, work: Callable[[Sequence[T]], Awaitable[Sequence[R]]], *, most: int = 100, linger: float = 0.0
    ) -> None:
        """While there is more to do than one batch, the next one gathers for `linger` seconds."""
        self._work = work
        self._linger = linger
        self._most = most
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._under_way: asyncio.Task[None] | None = None

    async def add(self, item: T) -> R:
        """The result for `item`, when its batch is done; raises what the work on it raised, for this item alone.

        Who is cancelled meanwhile does not stop the work: it ends as it ends.
        """
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._under_way is None:  # in a context of its own: the work is nobody's in particular
            self._under_way = asyncio.create_task(self._work_off(), name="together", context=Context())
        return await done

    async def _work_off(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._do(batch)
                if 0 < len(self._waiting) < self._most:
                    await asyncio.sleep(self._linger)
        finally:
            self._under_way = None

    async def _do(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        """All of them; when that fails each by itself, so that a bad one does not spoil the others."""
        try:
            results = await self._work([item for item, _done in batch])
        except Exception as error:
            if len(batch) > 1:
                for one in batch:
                    await self._do([one])
            elif not batch[0][1].done():  # else whoever waited was cancelled
                batch[0][1].set_exception(error)
        else:
            for (_item, done), result in zip(batch, results, strict=True):
                if not done.done():
                    done.set_result(result)
