"""The line under a deadline, in the words of its reader."""

from datetime import UTC, datetime, timedelta

import pytest

from service.passports import rule_line
from service.words import Language
from workflow.passport import Passport
from workflow.working_calendar import Target

AT = datetime(2026, 2, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("clock", "priority", "language", "rule"),
    [
        ("registration", "", "ru", "правило регистрация"),
        ("registration", "", "en", "rule registration"),
        ("auto_close", "", "ru", "правило автоматическое закрытие"),
        ("resolution", "P2", "ru", "правило P2"),
    ],
)
def test_the_rule_is_named_in_the_readers_language(clock: str, priority: str, language: Language, rule: str) -> None:
    made = Passport(
        clock=clock, priority=priority, target=Target("working_minutes", 60), version=3, calendar="RU", origin=AT,
        due=AT, counted=(), skipped=(), paused=(), total=timedelta(hours=1),
    )  # fmt: skip
    assert rule_line(made, language).startswith(f"{rule}, ")
