"""When a failed delivery is tried again, when an endpoint is spared, and when it is given up; pure decisions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

DELAYS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
ATTEMPTS = len(DELAYS)
JITTER = 0.2
LONGEST_RETRY_AFTER = timedelta(hours=24)
SLOW_DOWN = timedelta(seconds=60)
SLOWING = frozenset({429, 502, 504})
GONE = 410
GIVE_UP_AFTER = timedelta(hours=120)
TELL_OWNER_AT = 4  # failed attempts of one event


class Outcome(StrEnum):
    DELIVERED = "delivered"
    RETRY = "retry"
    DEAD = "dead"


class Disabled(StrEnum):
    GONE = "gone"
    FAILING = "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows from one attempt: for the event, for its endpoint, for the endpoint's owner."""

    outcome: Outcome
    wait: timedelta | None = None  # until this event's next attempt; only with RETRY
    spare_endpoint: timedelta | None = None  # nothing goes to the endpoint for so long
    disable: Disabled | None = None
    tell_owner: bool = False


def judge(
    *,
    status: int | None,
    complete: bool,
    retry_after: timedelta | None,
    attempt: int,
    failing_since: datetime | None,
    at: datetime,
    random: Callable[[], float],
) -> Verdict:
    """What follows from attempt number `attempt` (from 1), which ended at `at`.

    `status` is the answer's, `complete` tells that it arrived whole and in time. `failing_since` is the first failure
    of the endpoint after its last success, None when there was none. `random` gives numbers in [0, 1).
    """
    if complete and status is not None and 200 <= status < 300:
        return Verdict(outcome=Outcome.DELIVERED)
    disable = _reason_to_disable(status, failing_since, at)
    wait = next_wait(attempt, random=random)
    if wait is not None and retry_after is not None:
        wait = max(wait, min(retry_after, LONGEST_RETRY_AFTER))
    return Verdict(
        outcome=Outcome.DEAD if wait is None else Outcome.RETRY,
        wait=wait,
        spare_endpoint=_spared_for(status, retry_after),
        disable=disable,
        tell_owner=attempt == TELL_OWNER_AT or disable is not None,
    )


def next_wait(attempt: int, *, random: Callable[[], float]) -> timedelta | None:
    """How long after failed attempt number `attempt` (from 1) the next one comes; None when that was the last."""
    if attempt < 1:
        raise ValueError("Attempts are counted from 1.")
    if attempt >= ATTEMPTS:
        return None
    return DELAYS[attempt] * (1 - JITTER + 2 * JITTER * random())


def parse_retry_after(value: str | None, *, at: datetime) -> timedelta | None:
    """The wait a `Retry-After` header asks for (RFC 9110, 10.2.3: seconds or an HTTP date), never over 24 hours.

    None for a missing or malformed header; a date in the past asks for no wait.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        # Ten digits already say over three centuries; more would only overflow.
        return min(timedelta(seconds=int(value[:10])), LONGEST_RETRY_AFTER)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:  # "-0000" and a missing zone: HTTP dates are always GMT
        date = date.replace(tzinfo=UTC)
    return min(max(date - at, timedelta(0)), LONGEST_RETRY_AFTER)


def _spared_for(status: int | None, retry_after: timedelta | None) -> timedelta | None:
    asked = min(retry_after, LONGEST_RETRY_AFTER) if retry_after else None
    if status in SLOWING:
        return max(SLOW_DOWN, asked or SLOW_DOWN)
    return asked


def _reason_to_disable(status: int | None, failing_since: datetime | None, at: datetime) -> Disabled | None:
    if status == GONE:
        return Disabled.GONE
    if failing_since is not None and at - failing_since >= GIVE_UP_AFTER:
        return Disabled.FAILING
    return None
