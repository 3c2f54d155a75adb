"""Retries follow their table, endpoints are spared when they ask for it, and given up in the end."""

from datetime import UTC, datetime, timedelta

import pytest

from notifications.retry import ATTEMPTS, DELAYS, Disabled, Outcome, Verdict, judge, next_wait, parse_retry_after

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def middle() -> float:
    return 0.5


def judged(
    status: int | None,
    *,
    complete: bool = True,
    retry_after: timedelta | None = None,
    attempt: int = 1,
    failing_since: datetime | None = None,
) -> Verdict:
    return judge(
        status=status,
        complete=complete,
        retry_after=retry_after,
        attempt=attempt,
        failing_since=failing_since,
        at=NOW,
        random=middle,
    )


def test_ten_attempts_take_seventy_five_hours_and_a_half() -> None:
    assert ATTEMPTS == 10
    assert sum(DELAYS, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)


def test_the_waits_follow_the_table_and_the_last_failure_is_final() -> None:
    waits = [next_wait(attempt, random=middle) for attempt in range(1, 11)]
    assert waits == [*DELAYS[1:], None]


@pytest.mark.parametrize(("random", "share"), [(0.0, 0.8), (0.5, 1.0), (0.999999, 1.2)])
def test_waits_are_spread_by_twenty_percent(random: float, share: float) -> None:
    wait = next_wait(3, random=lambda: random)
    assert wait is not None
    assert wait / timedelta(minutes=30) == pytest.approx(share, abs=1e-5)


def test_attempts_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="from 1"):
        next_wait(0, random=middle)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_delivers(status: int) -> None:
    assert judged(status) == Verdict(outcome=Outcome.DELIVERED)


@pytest.mark.parametrize("status", [None, 101, 199, 301, 302, 307, 308, 400, 401, 404, 500, 503])
def test_anything_else_is_tried_again(status: int | None) -> None:
    verdict = judged(status)
    assert verdict.outcome is Outcome.RETRY
    assert verdict.wait == timedelta(seconds=5)
    assert verdict.spare_endpoint is None
    assert verdict.disable is None


def test_a_2xx_that_never_ended_is_a_failure() -> None:
    assert judged(200, complete=False).outcome is Outcome.RETRY


@pytest.mark.parametrize("status", [429, 502, 504])
def test_an_overloaded_endpoint_is_spared_for_a_minute(status: int) -> None:
    assert judged(status).spare_endpoint == timedelta(seconds=60)
    assert judged(status, retry_after=timedelta(seconds=10)).spare_endpoint == timedelta(seconds=60)
    assert judged(status, retry_after=timedelta(hours=1)).spare_endpoint == timedelta(hours=1)


def test_retry_after_lengthens_the_wait_and_never_shortens_it() -> None:
    assert judged(503, retry_after=timedelta(hours=3)).wait == timedelta(hours=3)
    assert judged(503, retry_after=timedelta(seconds=1)).wait == timedelta(seconds=5)
    assert judged(503, retry_after=timedelta(hours=3)).spare_endpoint == timedelta(hours=3)


def test_retry_after_counts_up_to_a_day() -> None:
    assert judged(503, retry_after=timedelta(days=30)).wait == timedelta(hours=24)
    assert judged(429, retry_after=timedelta(days=30)).spare_endpoint == timedelta(hours=24)


def test_the_tenth_failure_is_the_last() -> None:
    verdict = judged(500, attempt=10, retry_after=timedelta(seconds=5))
    assert verdict.outcome is Outcome.DEAD
    assert verdict.wait is None


def test_gone_disables_the_endpoint_at_once_and_tells_the_owner() -> None:
    verdict = judged(410)
    assert verdict.disable is Disabled.GONE
    assert verdict.tell_owner


def test_five_days_of_failures_disable_the_endpoint() -> None:
    assert judged(500, failing_since=NOW - timedelta(hours=119, minutes=59)).disable is None
    assert judged(500, failing_since=NOW - timedelta(hours=120)).disable is Disabled.FAILING
    assert judged(200, failing_since=NOW - timedelta(hours=120)).disable is None


def test_the_owner_is_told_at_the_fourth_failure_only() -> None:
    assert [judged(500, attempt=attempt).tell_owner for attempt in range(1, 7)] == [
        False,
        False,
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("Thu, 01 Jan 2026 12:02:00 GMT", timedelta(minutes=2)),
        ("Thursday, 01-Jan-26 12:02:00 GMT", timedelta(minutes=2)),
        ("Thu Jan  1 12:02:00 2026", timedelta(minutes=2)),
        ("Thu, 01 Jan 2026 15:02:00 +0300", timedelta(minutes=2)),
        ("Thu, 01 Jan 2026 11:00:00 GMT", timedelta(0)),
        ("999999", timedelta(hours=24)),
        ("9" * 400, timedelta(hours=24)),
        ("Fri, 01 Jan 2027 00:00:00 GMT", timedelta(hours=24)),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("١٢", None),
        ("Thu, 99 Foo 2026 12:02:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(value: str | None, wait: timedelta | None) -> None:
    assert parse_retry_after(value, at=NOW) == wait
