"""How many requests a program may make in a minute; each web process counts for itself.

Counted in the process: a count in Redis would cost every request a millisecond to protect against what a balancer
spreads anyway. With three web processes a program may do up to three times as much.
"""

from __future__ import annotations

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

    def forget(self) -> None:
        """Begin a fresh minute for everybody."""
        self._counts.clear()

    def spend(self, key: str, *, at: datetime) -> Allowance:
        """Count one request, and tell what is left."""
        window, passed = divmod(int(at.timestamp()), WINDOW)
        if window != self._window or len(self._counts) > MOST_KEYS:
            self._window, self._counts = window, {}
        spent = self._counts[key] = self._counts.get(key, 0) + 1
        return Allowance(
            limit=self.per_minute,
            remaining=max(0, self.per_minute - spent),
            resets_in=WINDOW - passed,
            exceeded=spent > self.per_minute,
        )
