"""The regulation document: the values it ships with, its checks in sentences, its way out and in again."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from workflow.examples import failed_examples
from workflow.regulation import (
    LANGUAGES,
    LETTERS,
    Example,
    Letter,
    QuietHours,
    Reason,
    Regulation,
    Reminders,
    Rulebook,
    ServiceLevel,
    Step,
    Text,
    default_regulation,
    dump,
    load,
    problems,
)
from workflow.working_calendar import Interval, Target

DEFAULT = default_regulation()
EMPTY = Text("", "")


def changed(path: str, value: Any, document: Any = DEFAULT) -> Any:
    """A copy of the document with the value at a dotted path replaced; numbers are places in a list."""
    name, _dot, rest = path.partition(".")
    if isinstance(document, dict):
        return document | {name: changed(rest, value, document[name]) if rest else value}
    if isinstance(document, tuple):
        at = int(name)
        return (*document[:at], changed(rest, value, document[at]) if rest else value, *document[at + 1 :])
    new = changed(rest, value, getattr(document, name)) if rest else value
    return msgspec.structs.replace(document, **{name: new})


# --- the values of the clauses, written out ---------------------------------------------------------------------------


def test_clause_1_a_working_day_is_nine_to_six_in_moscow() -> None:
    week = DEFAULT.calendar.week.days()
    assert DEFAULT.calendar.zone == "Europe/Moscow"
    assert week[:5] == ((Interval("09:00", "18:00"),),) * 5
    assert week[5:] == ((), ())
    assert [year.year for year in DEFAULT.calendar.years] == list(range(2016, 2028))
    assert (DEFAULT.calendar.variant, DEFAULT.calendar.shortened) == ("statutory", "full")


def test_clause_4_2_what_a_request_must_tell() -> None:
    assert DEFAULT.required_fields == ("organisation", "full_name", "position", "phone", "email", "text")


def test_clause_4_4_a_number_is_unique_and_fits_into_a_subject() -> None:
    rules = Rulebook(1, DEFAULT)
    assert (rules.number(7, year=2026), rules.number(123456, year=2026)) == ("2026-00007", "2026-123456")


def test_clause_4_8_a_dispute_goes_on_with_the_clock() -> None:
    assert DEFAULT.resolution.on_dispute == "resumes"


def test_clause_4_9_silence_of_24_hours_closes() -> None:
    assert DEFAULT.auto_close == Target("calendar_minutes", 24 * 60)


def test_clause_5_2_an_answer_books_thirty_minutes_at_least() -> None:
    assert DEFAULT.minimum_minutes == 30


def test_clause_6_1_time_already_spent_stays_spent() -> None:
    assert DEFAULT.resolution.on_priority_change == "from_start"


def test_clause_6_3_three_working_hours_to_register() -> None:
    assert DEFAULT.registration.target == Target("working_minutes", 180)


def test_clause_6_3_four_priorities_with_their_targets() -> None:
    assert {one.code: (one.rank, one.target) for one in DEFAULT.priorities} == {
        "P1": (1, Target("working_minutes", 240)),
        "P2": (2, Target("working_minutes", 480)),
        "P3": (3, Target("working_days", 5)),
        "P4": (4, Target("working_days", 10)),
    }
    assert all(one.name.ru and one.name.en and one.definition.ru and one.definition.en for one in DEFAULT.priorities)


def test_clause_6_3_every_priority_warns_and_the_first_one_draws_people_in() -> None:
    assert all(one.steps for one in DEFAULT.priorities)
    assert {name for step in DEFAULT.priorities[0].steps for name in step.notify} == {"assignee", "supervisors"}


def test_clause_7_6_pictures_are_taken_and_bitmaps_in_archives_only() -> None:
    assert DEFAULT.attachments.allowed == ("image/jpeg", "image/gif", "image/png")
    assert DEFAULT.attachments.in_archives == ("image/bmp",)
    assert DEFAULT.attachments.archives == ("application/zip", "application/vnd.rar")


def test_clause_7_7_the_senders_address_gives_the_level() -> None:
    assert DEFAULT.level_by_address is True
    assert "standard" in {level.code for level in DEFAULT.service_levels}


def test_clause_7_8_standard_answers_hold_links() -> None:
    assert DEFAULT.canned_answers
    assert all("https://docs.example.org/" in one.text.ru for one in DEFAULT.canned_answers)


def test_clause_7_9_has_seven_reasons() -> None:
    assert len({reason.code for reason in DEFAULT.postponement_reasons}) == 7


def test_clause_7_10_resolution_counts_from_the_registration() -> None:
    assert DEFAULT.resolution.counts_from == "registered"


def test_the_first_priority_is_told_at_night_too() -> None:
    assert QuietHours(enabled=True, except_priorities=("P1",)) == DEFAULT.quiet_hours


def test_every_letter_is_there_in_both_languages() -> None:
    assert set(DEFAULT.letters) == LETTERS
    assert all(DEFAULT.letters[name][language].body for name in LETTERS for language in LANGUAGES)


def test_the_default_regulation_can_be_published() -> None:
    assert problems(DEFAULT) == ()
    assert DEFAULT.examples
    assert failed_examples(DEFAULT) == ()


# --- the rulebook -----------------------------------------------------------------------------------------------------


def test_a_rulebook_offers_what_is_in_use_by_rank() -> None:
    p1, p2, p3, p4 = DEFAULT.priorities
    retired = msgspec.structs.replace(p2, retired=True)
    rules = Rulebook(1, changed("priorities", (p4, retired, p1, p3)))
    assert rules.open_priorities == ("P1", "P3", "P4")
    assert rules.target("P2", "standard") == p2.target, "old tickets keep the retired one"
    assert rules.outcomes == ("solved", *rules.reasons)


def test_a_level_counts_where_it_names_the_priority() -> None:
    rules = Rulebook(1, DEFAULT)
    assert rules.target("P1", "extended") == Target("working_minutes", 120)
    assert rules.target("P4", "extended") == rules.target("P4", "nothing known") == Target("working_days", 10)


def test_a_step_is_called_by_when_it_comes_and_knows_a_warning() -> None:
    assert [Step((), percent=80).id, Step((), minutes=-30).id, Step((), minutes=60).id] == ["80%", "-30m", "+60m"]
    assert Step(("assignee",), percent=99).warns_only
    assert Step(("assignee",), minutes=-1).warns_only
    assert not Step(("assignee",), percent=100).warns_only
    assert not Step(("assignee",), minutes=0).warns_only
    assert not Step(("assignee",), percent=50, raise_to="P1").warns_only


# --- checks -----------------------------------------------------------------------------------------------------------

P1, P2 = DEFAULT.priorities[:2]
TELL = ("assignee",)
BROKEN = [
    ("number_format", "{year}", "number_format", "must contain {n}"),
    ("number_format", "{number}", "number_format", "may use only {n} and {year}"),
    ("number_format", "{n.real.x}", "number_format", "may use only {n} and {year}"),
    ("number_format", "{n", "number_format", "may use only {n} and {year}"),
    ("number_format", "{n:999999999}", "number_format", "may use only {n} and {year}"),
    ("number_format", "{n:{year}}", "number_format", "may use only {n} and {year}"),
    ("number_format", "{n.__class__}", "number_format", "may use only {n} and {year}"),
    ("number_format", "{n:099}", "number_format", "no longer than 40 characters"),
    ("number_format", "A" * 60 + "{n}", "number_format", "no longer than 40 characters"),
    ("number_format", "-{n}", "number_format", "begin with no hyphen"),
    ("number_format", "№{n}", "number_format", "only A–Z, 0–9 and the hyphen"),
    ("number_format", "{n:,}", "number_format", "only A–Z, 0–9 and the hyphen"),
    ("number_format", "a-{n}", "number_format", "only A–Z, 0–9 and the hyphen"),
    ("required_fields", ("organisation", "shoe_size"), "required_fields", "no field called shoe_size"),
    ("calendar.zone", "Europe/Nowhere", "calendar", "no time zone called Europe/Nowhere"),
    ("calendar.years", (), "calendar", "No year is loaded"),
    ("priorities", (), "priorities", "At least one priority"),
    ("priorities", (P1, msgspec.structs.replace(P1, rank=5)), "priorities", "stands twice: P1"),
    ("priorities", (P1, msgspec.structs.replace(P2, rank=1)), "priorities", "share one rank"),
    ("priorities.3.code", " ", "priorities", "A code is empty"),
    ("priorities.0.target", Target("working_minutes", 0), "priorities.0.target", "longer than nothing"),
    ("registration.target", Target("working_minutes", 0), "registration.target", "longer than nothing"),
    ("auto_close", Target("calendar_minutes", -5), "auto_close", "longer than nothing"),
    ("reminders", Reminders((Target("working_days", 0),)), "reminders.after.0", "longer than nothing"),
    ("auto_close", Target("calendar_minutes", 10**18), "auto_close", "no longer than 10000000 minutes or days"),
    ("priorities.0.rank", 10**18, "priorities", "A rank lies between 0 and 10000"),
    ("priorities.0.code", "P" * 61, "priorities", "no longer than 60 characters"),
    ("priorities.0.steps", (Step(TELL, minutes=10**18),), "priorities.0.steps.0", "no further than 10000000 minutes"),
    (
        "priorities.0.steps",
        (Step(TELL, minutes=-240),),
        "priorities.0.steps.0",
        "P1: 240 minutes before the deadline lies before the start of 240 minutes",
    ),
    ("registration.steps", (Step(TELL, minutes=-200),), "registration.steps.0", "before the start of 180 minutes"),
    ("priorities.0.steps", (Step(TELL),), "priorities.0.steps.0", "either a percentage or minutes"),
    (
        "priorities.0.steps",
        (Step(TELL, percent=5, minutes=5),),
        "priorities.0.steps.0",
        "either a percentage or minutes",
    ),
    ("priorities.0.steps", (Step(TELL, percent=0),), "priorities.0.steps.0", "between 1 and 1000"),
    ("priorities.0.steps", (Step((), percent=5),), "priorities.0.steps.0", "does nothing"),
    ("priorities.0.steps", (Step((), percent=5, raise_to="P9"),), "priorities.0.steps.0", "not in use: P9"),
    ("priorities.0.steps", (Step(("boss",), percent=5),), "priorities.0.steps.0", "“boss” is neither"),
    ("priorities.0.steps", (Step(TELL, percent=5),) * 2, "priorities.0.steps", "P1: two steps stand at 5%"),
    ("service_levels", (), "service_levels", "At least one service level"),
    (
        "service_levels.1.targets",
        {"P9": Target("working_days", 1)},
        "service_levels.1.targets.P9",
        "priority that does not exist: P9",
    ),
    (
        "service_levels.1.targets",
        {"P1": Target("working_minutes", 0)},
        "service_levels.1.targets.P1",
        "longer than nothing",
    ),
    ("service_levels", (ServiceLevel("a", EMPTY),) * 2, "service_levels", "stands twice: a"),
    ("minimum_minutes", -1, "minimum_minutes", "between 0 and 1440"),
    ("postponement_reasons", (Reason("solved", EMPTY),), "postponement_reasons", "solved stands for success"),
    ("postponement_reasons", (Reason("x", EMPTY),) * 2, "postponement_reasons", "stands twice: x"),
    ("quiet_hours.except_priorities", ("P1", "P7"), "quiet_hours.except_priorities", "not in use: P7"),
    ("letters", {}, "letters.accepted.ru", "missing in one language"),
    ("priorities.1.name", Text("Высо\x00кий", "High"), "priorities.1.name.ru", "zero byte"),
    ("letters.x\x00y", {}, "letters.xy", "zero byte"),
]


@pytest.mark.parametrize(("path", "value", "place", "sentence"), BROKEN)
def test_each_check_says_what_is_wrong_and_where(path: str, value: Any, place: str, sentence: str) -> None:
    told = {found.place: found.sentence.format(**found.params) for found in problems(changed(path, value))}
    assert place in told
    assert sentence in " ".join(told.values())
    assert sentence in told[place]


def test_a_level_shorter_than_its_warning_is_found() -> None:
    early = changed("priorities.0.steps", (Step(TELL, minutes=-150),))
    assert [found.place for found in problems(early)] == ["service_levels.1.targets.P1"]


def test_raising_to_a_retired_priority_is_found() -> None:
    raised = changed("priorities.1.steps", (Step((), percent=90, raise_to="P1"),))
    assert problems(raised) == ()
    found = problems(changed("priorities.0.retired", True, changed("quiet_hours.except_priorities", (), raised)))
    assert [one.place for one in found] == ["priorities.1.steps.0"]


def test_a_letter_without_words_is_missing() -> None:
    letters = DEFAULT.letters | {"answer": DEFAULT.letters["answer"] | {"en": Letter(" ", "body")}}
    assert [found.place for found in problems(changed("letters", letters))] == ["letters.answer.en"]


def test_all_problems_are_told_at_once() -> None:
    broken = changed("minimum_minutes", -1, changed("number_format", "x", changed("auto_close.amount", 0)))
    assert {found.place for found in problems(broken)} == {"number_format", "auto_close", "minimum_minutes"}


# --- out and in again -------------------------------------------------------------------------------------------------


def test_what_is_exported_comes_in_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "regulation.json"
    file.write_bytes(dump(DEFAULT))
    assert load(file.read_bytes()) == DEFAULT
    assert dump(load(dump(DEFAULT))) == dump(DEFAULT)
    assert "Приоритет 1" in file.read_text("utf-8"), "people can read it"


@pytest.mark.parametrize(
    ("place", "where"),
    [
        ((), ""),
        (("resolution",), "$.resolution"),
        (("priorities", 0), "$.priorities[0]"),
        (("priorities", 0, "steps", 0), "$.priorities[0].steps[0]"),
        (("priorities", 0, "target"), "$.priorities[0].target"),
        (("calendar",), "$.calendar"),
    ],
)
def test_an_unknown_key_is_refused_with_its_place(place: tuple[Any, ...], where: str) -> None:
    document: Any = msgspec.json.decode(dump(DEFAULT))
    part = document
    for step in place:
        part = part[step]
    part["counts_form"] = "received"
    with pytest.raises(msgspec.ValidationError, match="unknown field `counts_form`") as refused:
        load(msgspec.json.encode(document))
    assert where in str(refused.value)


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("resolution", "on_dispute"), "explodes", "$.resolution.on_dispute"),
        (("minimum_minutes",), "30", "$.minimum_minutes"),
        (("priorities", 1, "target", "kind"), "weeks", "$.priorities[1].target.kind"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_place(path: tuple[Any, ...], value: Any, where: str) -> None:
    document: Any = msgspec.json.decode(dump(DEFAULT))
    part = document
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    with pytest.raises(msgspec.ValidationError) as refused:
        load(msgspec.json.encode(document))
    assert where in str(refused.value)


def test_a_part_that_is_missing_is_refused_by_name() -> None:
    document = msgspec.json.decode(dump(DEFAULT))
    del document["auto_close"]
    with pytest.raises(msgspec.ValidationError, match="auto_close"):
        load(msgspec.json.encode(document))


def test_a_document_cannot_be_changed_in_place() -> None:
    with pytest.raises(AttributeError):
        DEFAULT.minimum_minutes = 0  # type: ignore[misc]


# --- worked cases -----------------------------------------------------------------------------------------------------

FRIDAY = Example("A Friday", "P3", "2026-02-06T16:30+03:00", "2026-02-13T16:30+03:00")


def failed(*examples: Example, regulation: Regulation = DEFAULT) -> list[str]:
    found = failed_examples(msgspec.structs.replace(regulation, examples=examples))
    return [one.sentence.format(**one.params) for one in found]


def test_an_example_that_holds_is_silent() -> None:
    assert failed(FRIDAY) == []
    assert failed(Example("UTC", "P3", "2026-02-06T13:30Z", "2026-02-13T13:30Z")) == []
    assert failed(Example("Extended", "P1", "2026-02-06T10:00+03:00", "2026-02-06T12:00+03:00", "extended")) == []


def test_an_example_that_fails_says_both_deadlines() -> None:
    stricter = changed("priorities.2.target", Target("working_days", 3))
    assert failed(FRIDAY, regulation=stricter) == [
        "“A Friday” should be due 2026-02-13T16:30+03:00, but these rules give 2026-02-11T16:30+03:00."
    ]


def test_an_example_without_sense_is_told() -> None:
    assert failed(Example("X", "P9", FRIDAY.start, FRIDAY.due)) == ["“X” names a priority that does not exist: P9."]
    assert failed(Example("X", "P3", "2026-02-06T16:30", FRIDAY.due)) == [
        "“X” cannot be computed: The time 2026-02-06T16:30 names no zone."
    ]
    assert failed(Example("X", "P3", "2031-02-06T16:30+03:00", FRIDAY.due)) == [
        "“X” cannot be computed: The working calendar of 2031 is not loaded."
    ]
    assert failed(Example("X", "P3", FRIDAY.start, FRIDAY.due, "golden")) == [
        "“X” names a service level that does not exist: golden."
    ]


def test_a_document_older_than_a_letter_is_given_the_one_that_ships() -> None:
    older = msgspec.json.decode(dump(DEFAULT))
    del older["letters"]["digest"]
    del older["letters"]["answer"]["en"]
    older["letters"]["breach"]["ru"]["subject"] = "Our own words"
    known = load(msgspec.json.encode(older))
    assert problems(known) == ()
    assert known.letters["digest"] == DEFAULT.letters["digest"]
    assert known.letters["answer"]["en"] == DEFAULT.letters["answer"]["en"]
    assert known.letters["breach"]["ru"].subject == "Our own words"
