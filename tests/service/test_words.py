"""Both languages say the same, and say it right."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog

from service import words
from service.locale_command import brought_up_to_date, catalogue_faults, shown_texts
from service.words import Language, read_catalogue

MOSCOW = ZoneInfo("Europe/Moscow")
NOON = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # 12:00 in Moscow
NBSP = "\N{NO-BREAK SPACE}"


def test_every_text_people_see_has_its_russian() -> None:
    assert catalogue_faults(read_catalogue(), shown_texts()) == []


def test_texts_are_found_in_code_and_in_templates() -> None:
    texts = shown_texts()
    assert "Awaiting the customer" in texts  # workflow/process.py
    assert "in {duration}" in texts  # service/words.py
    assert "Skip to the content" in texts  # admin/templates/layout.html


def test_the_check_names_what_is_wrong() -> None:
    catalogue = Catalog(locale="ru")
    catalogue.add("Empty", "")
    catalogue.add("Nobody shows me", "Меня никто не показывает")
    catalogue.add("Due {when}", "Срок {while}")
    catalogue.add(("{n} ticket", "{n} tickets"), ("{n} заявка", "{n} заявки", "заявок"))
    texts = {"Empty", "Due {when}", "New", ("{n} ticket", "{n} tickets")}
    assert catalogue_faults(catalogue, texts) == [
        "another set of {names}: 'Due {when}'",
        "another set of {names}: ('{n} ticket', '{n} tickets')",
        "not in the catalogue: 'New'",
        "not translated: 'Empty'",
        "shown nowhere: 'Nobody shows me'",
    ]


def test_bringing_the_catalogue_up_to_date_keeps_what_was_translated() -> None:
    catalogue = Catalog(locale="ru")
    catalogue.add("Ticket", "Заявка")
    catalogue.add("Gone", "Исчезло")
    fresh = brought_up_to_date(catalogue, {"Ticket", "New"})
    assert {message.id: message.string for message in fresh if message.id} == {"Ticket": "Заявка", "New": ""}


@pytest.mark.parametrize(
    ("n", "said"),
    [(1, "1 заявка"), (2, "2 заявки"), (5, "5 заявок"), (11, "11 заявок"), (21, "21 заявка"), (112, "112 заявок")],
)
def test_russian_counts_in_three_forms(monkeypatch: pytest.MonkeyPatch, n: int, said: str) -> None:
    monkeypatch.setattr(words, "_russian", lambda: {"{n} ticket": ("{n} заявка", "{n} заявки", "{n} заявок")})
    assert words.ngettext("ru", "{n} ticket", "{n} tickets", n) == said


@pytest.mark.parametrize(("n", "said"), [(0, "0 tickets"), (1, "1 ticket"), (2, "2 tickets"), (21, "21 tickets")])
def test_english_counts_in_two_forms(n: int, said: str) -> None:
    assert words.ngettext("en", "{n} ticket", "{n} tickets", n) == said


def test_an_unknown_text_stays_as_it_was_written() -> None:
    assert words.translate("ru", "Nobody translated {what}", what="me") == "Nobody translated me"
    assert words.translate("ru", "Бухгалтерия {2026}") == "Бухгалтерия {2026}"


@pytest.mark.parametrize(
    ("cookie", "header", "language"),
    [
        (None, None, "ru"),
        (None, "en-GB,en;q=0.9,ru;q=0.8", "en"),
        (None, "ru-RU,ru;q=0.9,en-US;q=0.8", "ru"),
        (None, "de,en;q=0.3,ru;q=0.7", "ru"),
        (None, "en;q=0,ru;q=0.1", "ru"),
        (None, "de-DE,fr", "ru"),
        (None, "%%%;;q=q,,", "ru"),
        ("en", "ru", "en"),
        ("klingon", "en", "en"),
    ],
)
def test_the_language_is_the_readers_choice_then_the_browsers(
    cookie: str | None, header: str | None, language: Language
) -> None:
    assert words.negotiate(cookie=cookie, accept_language=header) == language


@pytest.mark.parametrize(
    ("ahead", "russian", "english"),
    [
        (timedelta(hours=2, minutes=10), "через 2 ч 10 мин", "in 2 hrs 10 mins"),
        (timedelta(seconds=20), "меньше чем через минуту", "in less than a minute"),
        (timedelta(), "только что", "just now"),
        (timedelta(minutes=-20), "20 мин назад", "20 mins ago"),
        (timedelta(hours=-3), "сегодня в 09:00", "today at 09:00"),
        (timedelta(hours=-21, minutes=-55), "вчера в 14:05", "yesterday at 14:05"),
        (timedelta(hours=22), "завтра в 10:00", "tomorrow at 10:00"),
        (timedelta(days=-40), "14 окт. в 12:00", "14 Oct at 12:00"),
        (timedelta(days=-365), "23 нояб. 2025 в 12:00", "23 Nov 2025 at 12:00"),
    ],
)
def test_a_moment_is_said_as_people_say_it(ahead: timedelta, russian: str, english: str) -> None:
    said = [words.relative(language, NOON + ahead, at=NOON, zone=MOSCOW) for language in words.LANGUAGES]
    assert [one.replace(NBSP, " ") for one in said] == [russian, english]


def test_midnight_belongs_to_the_readers_zone_and_not_to_utc() -> None:
    at = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)  # 01:30 of the 24th in Moscow
    assert words.relative("ru", at - timedelta(hours=2), at=at, zone=MOSCOW) == "вчера в 23:30"
    assert words.relative("ru", at - timedelta(hours=2), at=at, zone=ZoneInfo("UTC")) == "сегодня в 20:30"


def test_the_exact_instant_names_its_zone() -> None:
    assert words.exact("ru", NOON, zone=MOSCOW) == "понедельник, 23 ноября 2026, 12:00:00 (Москва, +03:00)"
    assert words.exact("en", NOON, zone=ZoneInfo("UTC")) == "Monday, 23 November 2026, 09:00:00 (UTC, +00:00)"


@pytest.mark.parametrize(
    ("length", "elapsed", "working"),
    [
        (timedelta(seconds=59), "меньше минуты", "меньше минуты"),
        (timedelta(minutes=45), "45 мин", "45 мин"),
        (timedelta(hours=45), "45 ч", "45 ч"),
        (timedelta(days=3, hours=4, minutes=5), "3 дн. 4 ч", "76 ч 5 мин"),
        (timedelta(hours=-2), "2 ч", "2 ч"),
    ],
)
def test_a_length_has_two_units_and_working_time_no_days(length: timedelta, elapsed: str, working: str) -> None:
    assert words.duration("ru", length).replace(NBSP, " ") == elapsed
    assert words.working_duration("ru", length).replace(NBSP, " ") == working


def test_numbers_dates_and_sizes_follow_the_language() -> None:
    assert words.number("ru", 12345.5) == f"12{NBSP}345,5"
    assert words.number("en", 12345.5) == "12,345.5"
    assert words.percent("ru", 0.953) == f"95,3{NBSP}%"
    assert words.percent("en", 1) == "100%"
    assert (words.counted("en", 999, most=999), words.counted("en", 5000, most=999)) == ("999", "999+")
    assert words.day("ru", date(2026, 5, 4)) == "4 мая 2026"
    assert words.file_size("ru", 345_678) == f"346{NBSP}кБ"
    assert words.file_size("en", 1_234_567) == f"1.2{NBSP}MB"
