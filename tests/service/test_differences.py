"""Differences of regulations as people read them."""

from datetime import date

import msgspec
import pytest

from service.differences import tell, tell_target
from workflow.diff import differences
from workflow.regulation import Regulation, default_regulation
from workflow.working_calendar import Target

DEFAULT = default_regulation()


def with_p2(target: Target) -> Regulation:
    p1, p2, *others = DEFAULT.priorities
    return msgspec.structs.replace(DEFAULT, priorities=(p1, msgspec.structs.replace(p2, target=target), *others))


@pytest.mark.parametrize(
    ("target", "russian", "english"),
    [
        (
            Target("working_minutes", 360),
            "P2: срок решения 8 → 6 рабочих часов",
            "P2: resolution target 8 → 6 working hours",
        ),
        (
            Target("working_minutes", 60),
            "P2: срок решения 8 → 1 рабочий час",
            "P2: resolution target 8 → 1 working hour",
        ),
        (
            Target("working_days", 2),
            "P2: срок решения 8 рабочих часов → 2 рабочих дня",
            "P2: resolution target 8 working hours → 2 working days",
        ),
    ],
)
def test_a_changed_target_is_told_in_the_owners_words(target: Target, russian: str, english: str) -> None:
    (only,) = differences(DEFAULT, with_p2(target))
    assert (tell("ru", only), tell("en", only)) == (russian, english)


def test_a_day_mode_is_told_with_its_target() -> None:
    assert tell_target("ru", Target("working_days", 5, "end_of_day")) == "5 рабочих дней, до конца дня"
    assert tell_target("en", Target("calendar_minutes", 1440)) == "24 hours"
    assert tell_target("ru", Target("calendar_minutes", 90)) == "90 минут"
    assert tell_target("en", Target("working_minutes", 1)) == "1 working minute"


def test_dates_words_and_texts_are_told_in_the_readers_language() -> None:
    calendar = msgspec.structs.replace(DEFAULT.calendar, overrides={date(2026, 5, 4): ()})
    (day,) = differences(DEFAULT, msgspec.structs.replace(DEFAULT, calendar=calendar))
    assert tell("ru", day) == "4 мая 2026: 09:00–18:00 → выходной"
    title = msgspec.structs.replace(DEFAULT.title, ru="Новый", en="New")
    (named,) = differences(DEFAULT, msgspec.structs.replace(DEFAULT, title=title))
    assert tell("ru", named) == "Название: «Регламент технической поддержки» → «Новый»"
    assert tell("en", named) == "Title: “Technical support regulation” → “New”"
