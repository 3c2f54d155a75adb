"""A breaker spares an endpoint that mostly fails: it holds everything, then lets one probe through; pure state."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)
SLICE = timedelta(seconds=10)  # the window is kept as slices, so that it stays small at any rate
ENOUGH_REQUESTS = 10
FAILED_SHARE = 0.7
IN_A_ROW = 10
HOLD = timedelta(seconds=30)
PROBE_LOST_AFTER = timedelta(seconds=60)  # a worker's lease: whoever probed has died


@dataclass(frozen=True, slots=True)
class Slice:
    since: datetime
    requests: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """The recent past of one endpoint. Every verb returns the next state; none changes this one."""

    slices: tuple[Slice, ...] = field(default=())  # oldest first, none older than the window
    failed_in_a_row: int = 0
    held_until: datetime | None = None  # set from the trip until a probe succeeds
    probe_since: datetime | None = None

    @property
    def takes_everything(self) -> bool:
        """Enough came to judge by, and none of it failed."""
        requests = sum(slice_.requests for slice_ in self.slices)
        return requests >= ENOUGH_REQUESTS and not any(slice_.failed for slice_ in self.slices)

    def admits(self, at: datetime) -> bool:
        """Whether a request may be sent at `at`. Holding consumes no attempts."""
        if self.held_until is None:
            return True
        if self.probe_since is not None:
            return at - self.probe_since >= PROBE_LOST_AFTER
        return at >= self.held_until

    def started(self, at: datetime) -> "Breaker":
        """A request that was admitted at `at` is on its way; while holding, it is the probe."""
        return self if self.held_until is None else replace(self, probe_since=at)

    def ended(self, at: datetime, *, succeeded: bool) -> "Breaker":
        """A request ended at `at`."""
        if self.held_until is not None:
            return self._ended_while_holding(at, succeeded=succeeded)
        seen = replace(
            self,
            slices=_with(self.slices, at, failed=not succeeded),
            failed_in_a_row=0 if succeeded else self.failed_in_a_row + 1,
        )
        return replace(seen, held_until=at + HOLD) if not succeeded and seen._trips() else seen

    def _ended_while_holding(self, at: datetime, *, succeeded: bool) -> "Breaker":
        if self.probe_since is None:
            return self  # sent before the trip; only the probe decides
        if succeeded:
            return Breaker()
        return replace(self, held_until=at + HOLD, probe_since=None)

    def _trips(self) -> bool:
        requests = sum(slice_.requests for slice_ in self.slices)
        failed = sum(slice_.failed for slice_ in self.slices)
        mostly_failed = requests >= ENOUGH_REQUESTS and failed >= FAILED_SHARE * requests
        return mostly_failed or self.failed_in_a_row >= IN_A_ROW


def _with(slices: tuple[Slice, ...], at: datetime, *, failed: bool) -> tuple[Slice, ...]:
    kept = tuple(slice_ for slice_ in slices if slice_.since > at - WINDOW)
    if kept and at - kept[-1].since < SLICE:
        last = kept[-1]
        return (*kept[:-1], Slice(last.since, last.requests + 1, last.failed + failed))
    return (*kept, Slice(at, 1, int(failed)))
