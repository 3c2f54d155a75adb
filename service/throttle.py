"""Guessing passwords is slowed down: after too many failures an asker waits. Each web process counts for itself."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)
MOST_KEYS = 10_000  # who is forgotten first has been quiet for longest


class Throttle:
    """Counts failures of each key within the last `WINDOW`."""

    def __init__(self, *, most: int) -> None:
        self.most = most
        self._failures: OrderedDict[Hashable, deque[datetime]] = OrderedDict()

    def wait(self, key: Hashable, *, at: datetime) -> timedelta:
        """How long the key must wait; nothing as a rule."""
        failures = self._failures.get(key)
        if failures is None:
            return timedelta()
        while failures and failures[0] <= at - WINDOW:
            failures.popleft()
        return failures[0] + WINDOW - at if len(failures) >= self.most else timedelta()

    def failed(self, key: Hashable, *, at: datetime) -> None:
        """Remember one failure."""
        self._failures.setdefault(key, deque(maxlen=self.most)).append(at)
        self._failures.move_to_end(key)
        while len(self._failures) > MOST_KEYS:
            self._failures.popitem(last=False)

    def succeeded(self, key: Hashable) -> None:
        """A success wipes the slate."""
        self._failures.pop(key, None)
