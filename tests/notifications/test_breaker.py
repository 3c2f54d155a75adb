"""The breaker holds a failing endpoint for thirty seconds and lets one probe decide."""

from datetime import UTC, datetime, timedelta

from notifications.breaker import Breaker

START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def told(results: str, *, every: float = 1, breaker: Breaker | None = None) -> Breaker:
    """A breaker that saw these results, `+` or `-`, one each `every` seconds."""
    breaker = breaker or Breaker()
    for number, result in enumerate(results):
        at = after(number * every)
        breaker = breaker.started(at).ended(at, succeeded=result == "+")
    return breaker


def test_nine_failures_do_not_trip_and_ten_do() -> None:
    assert told("-" * 9).admits(after(9))
    assert not told("-" * 10).admits(after(10))


def test_seven_of_ten_failed_trips() -> None:
    assert told("+-+--+----").held_until == after(9 + 30)
    assert told("+-+--++---").held_until is None


def test_failures_older_than_five_minutes_are_forgotten() -> None:
    assert told("-+-+-+-+-" + "-----", every=60).held_until is None


def test_ten_in_a_row_trip_however_far_apart() -> None:
    assert told("-" * 10, every=3600).held_until == after(9 * 3600 + 30)


def test_after_the_hold_one_probe_is_admitted_and_no_second() -> None:
    held = told("-" * 10)
    assert not held.admits(after(9 + 29.9))
    assert held.admits(after(9 + 30))
    probing = held.started(after(40))
    assert not probing.admits(after(41))


def test_a_successful_probe_closes_the_breaker() -> None:
    closed = told("-" * 10).started(after(40)).ended(after(41), succeeded=True)
    assert closed == Breaker()


def test_a_failed_probe_holds_for_another_thirty_seconds() -> None:
    held = told("-" * 10).started(after(40)).ended(after(41), succeeded=False)
    assert not held.admits(after(70))
    assert held.admits(after(71))


def test_results_of_requests_sent_before_the_trip_change_nothing() -> None:
    held = told("-" * 10)
    assert held.ended(after(12), succeeded=True) is held
    assert held.ended(after(12), succeeded=False) is held


def test_a_lost_probe_makes_room_for_another() -> None:
    probing = told("-" * 10).started(after(40))
    assert not probing.admits(after(99))
    assert probing.admits(after(100))


def test_the_memory_stays_small_at_any_rate() -> None:
    assert len(told("+" * 5000, every=0.1).slices) <= 31


def test_takes_everything_who_took_ten_and_refused_none_for_five_minutes() -> None:
    assert not told("+" * 9).takes_everything
    assert told("+" * 10).takes_everything
    assert not told("-" + "+" * 30).takes_everything
    assert told("-" + "+" * 30, every=30).takes_everything
