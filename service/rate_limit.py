"""How many requests a program may make in a minute, at all web processes together.

Counted in the process, so that no request waits for a count; the processes tell each other what they counted, half a
second later (`service.neighbours`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

WINDOW = 60  # seconds
MOST_KEYS = 10_000
POLICY = "default"


class Allowance(msgspec.Struct, frozen=True):
    """What is left to one program in this minute; `resets_in` in seconds."""

    limit: int
    remaining: int
    resets_in: int
    exceeded: bool = False

    def headers(self) -> dict[str, str]:
        """RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers), and the older names beside them."""
        return {
            "RateLimit-Policy": f'"{POLICY}";q={self.limit};w={WINDOW}',
            "RateLimit": f'"{POLICY}";r={self.remaining};t={self.resets_in}',
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.resets_in),
        }


class RateLimit:
    """Counts the requests of each program in the running minute."""

    def __init__(self, *, per_minute: int) -> None:
        self.per_minute = per_minute
        self._window = 0
        self._counts: dict[str, int] = {}
        self._news: dict[str, int] = {}

    def forget(self) -> None:
        """Begin a fresh minute for everybody."""
        self._counts.clear()
        self._news.clear()

    def spend(self, key: str, *, at: datetime) -> Allowance:
        """Count one request, and tell what is left."""
        window, passed = divmod(int(at.timestamp()), WINDOW)
        # A neighbour's clock may be a little ahead, and has begun the next minute for us too.
        over = not self._window - 1 <= window <= self._window
        if over or len(self._counts) > MOST_KEYS:
            self._window, self._counts, self._news = window, {}, {}
        spent = self._counts[key] = self._counts.get(key, 0) + 1
        self._news[key] = self._news.get(key, 0) + 1
        return Allowance(
            limit=self.per_minute,
            remaining=max(0, self.per_minute - spent),
            resets_in=WINDOW - passed,
            exceeded=spent > self.per_minute,
        )

    def take_news(self) -> tuple[int, dict[str, int]]:
        """The running minute, and what was counted here since the last call."""
        news, self._news = self._news, {}
        return self._window, news

    def hear(self, window: int, counted: Mapping[str, int]) -> None:
        """What another process counted in its running minute."""
        if window > self._window:
            self._window, self._counts, self._news = window, {}, {}
        if window == self._window:
            for key, n in counted.items():
                self._counts[key] = self._counts.get(key, 0) + n
