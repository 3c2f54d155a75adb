"""The bar of a clock says what the clock says."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from admin.time_bars import TimeBar, time_bar
from service.words import Language
from workflow.regulation import Rulebook, default_regulation
from workflow.sla import Pause, Period
from workflow.working_calendar import Target

RULES = Rulebook(1, default_regulation())
MOSCOW = ZoneInfo("Europe/Moscow")
TEN = datetime(2026, 3, 3, 7, 0, tzinfo=UTC)  # Tuesday, 10:00 in Moscow
NEVER = datetime(2090, 3, 3, 7, 0, tzinfo=UTC)


def a_period(origin: datetime = TEN, **changes: Any) -> Period:
    """P1: four working hours from ten; its warnings come at 25 and 75 per cent."""
    return Period("resolution", origin, Target("working_minutes", 240), 1, "P1", **changes)


def bar(period: Period, *, hours: float, language: Language = "ru") -> TimeBar:
    made = time_bar(period, RULES, at=TEN + timedelta(hours=hours), zone=MOSCOW, language=language)
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("hours", "tone", "share", "said"),
    [
        (0, "fine", 0, "осталось 4 ч"),
        (1, "fine", 0.25, "осталось 3 ч"),
        (2.5, "fine", 0.625, "осталось 1 ч 30 мин"),
        (3, "warning", 0.75, "осталось 1 ч"),
        (4.5, "late", 1, "просрочено на 30 мин"),
    ],
)
def test_a_running_clock_changes_tone_at_the_last_warning_and_at_the_deadline(
    hours: float, tone: str, share: float, said: str
) -> None:
    shown = bar(a_period(), hours=hours)
    assert (shown.tone, shown.share, shown.said.replace("\N{NO-BREAK SPACE}", " ")) == (tone, share, said)
    assert shown.exact == "вторник, 3 марта 2026, 14:00:00 (Москва, +03:00)"


def test_a_resting_clock_stands_where_it_stood() -> None:
    resting = a_period(pauses=(Pause(TEN + timedelta(hours=1), "waiting for the customer"),))
    assert bar(resting, hours=2) == bar(resting, hours=5)
    assert (bar(resting, hours=5).tone, bar(resting, hours=5).share) == ("paused", 0.25)


@pytest.mark.parametrize(
    ("result", "tone", "said"),
    [("met", "ended", "in time"), ("extended", "ended", "extended in time"), ("breached", "late", "breached")],
)
def test_a_frozen_result_is_told_as_it_was_frozen(result: str, tone: str, said: str) -> None:
    ended = a_period(stopped=TEN + timedelta(hours=2), result=result)
    shown = bar(ended, hours=30, language="en")
    assert (shown.tone, shown.said) == (tone, said)


def test_where_the_calendar_does_not_reach_there_is_no_bar() -> None:
    assert time_bar(a_period(NEVER), RULES, at=NEVER, zone=MOSCOW, language="ru") is None
