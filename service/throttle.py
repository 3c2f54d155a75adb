"""Guessing passwords is slowed down: after too many failures an asker waits, at whichever web process."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)
MOST_KEYS = 10_000  # who is forgotten first has been quiet for longest


class Throttle:
    """Counts failures of each key within the last `WINDOW`."""

    def __init__(self, *, most: int) -> None:
        self.most = most
        self._failures: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._fell: deque[tuple[str, datetime]] = deque(maxlen=MOST_KEYS)
        self._rose: deque[str] = deque(maxlen=MOST_KEYS)

    def wait(self, key: str, *, at: datetime) -> timedelta:
        """How long the key must wait; nothing as a rule."""
        failures = self._failures.get(key)
        if failures is None:
            return timedelta()
        while failures and failures[0] <= at - WINDOW:
            failures.popleft()
        return failures[0] + WINDOW - at if len(failures) >= self.most else timedelta()

    def failed(self, key: str, *, at: datetime) -> None:
        """Remember one failure."""
        self.hear_failed(key, at=at)
        self._fell.append((key, at))

    def succeeded(self, key: str) -> None:
        """A success wipes the slate."""
        self.hear_succeeded(key)
        self._rose.append(key)

    def take_news(self) -> tuple[list[tuple[str, datetime]], list[str]]:
        """The failures and the successes here since the last call."""
        news = list(self._fell), list(self._rose)
        self._fell.clear()
        self._rose.clear()
        return news

    def hear_failed(self, key: str, *, at: datetime) -> None:
        """A failure, here or at another process."""
        self._failures.setdefault(key, deque(maxlen=self.most)).append(at)
        self._failures.move_to_end(key)
        while len(self._failures) > MOST_KEYS:
            self._failures.popitem(last=False)

    def hear_succeeded(self, key: str) -> None:
        """A success, here or at another process."""
        self._failures.pop(key, None)
