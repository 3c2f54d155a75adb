"""Every change of a regulation is told as one sentence, at its place."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from workflow.diff import MOST_DAYS, differences, unit_of
from workflow.regulation import (
    CannedAnswer,
    Example,
    Letter,
    Regulation,
    Reminders,
    ServiceLevel,
    Step,
    Text,
    default_regulation,
)
from workflow.working_calendar import Interval, Target

DEFAULT = default_regulation()


def changed(path: str, value: Any, document: Any = DEFAULT) -> Any:
    """A copy of the document with the value at a dotted path replaced; numbers are places in a list."""
    name, _dot, rest = path.partition(".")
    if isinstance(document, tuple):
        at = int(name)
        return (*document[:at], changed(rest, value, document[at]) if rest else value, *document[at + 1 :])
    new = changed(rest, value, getattr(document, name)) if rest else value
    return msgspec.structs.replace(document, **{name: new})


def told(new: Regulation, old: Regulation = DEFAULT) -> list[tuple[str, str]]:
    """Each difference as its place and its English sentence, parameters as they are."""
    return [
        (one.place, one.sentence.format(**{name: _plain(value) for name, value in one.params.items()}))
        for one in differences(old, new)
    ]


def _plain(value: Any) -> str:
    if isinstance(value, Target):
        unit, n = unit_of(value)
        return f"{n} {unit}"
    return getattr(value, "msgid", None) or getattr(value, "en", None) or str(value)


def test_equal_regulations_do_not_differ() -> None:
    assert differences(DEFAULT, default_regulation()) == ()


P2 = DEFAULT.priorities[1]
CASES = [
    ("title", Text("Другой", "Another"), "Title: Technical support regulation → Another"),
    ("number_format", "T-{n}", "Number format: {year}-{n:05} → T-{n}"),
    ("calendar.version", "RU 2028", "Name of the calendar: RU 2016–2027 → RU 2028"),
    ("registration.target", Target("working_minutes", 240), "Time to register: 3 → 4 working_hours"),
    ("priorities.1.target", Target("working_minutes", 360), "P2: resolution target 8 → 6 working_hours"),
    ("priorities.1.target", Target("working_days", 2), "P2: resolution target 8 working_hours → 2 working_days"),
    (
        "priorities.1.target",
        Target("working_minutes", 90),
        "P2: resolution target 8 working_hours → 90 working_minutes",
    ),
    (
        "priorities.2.target",
        Target("working_days", 5, "end_of_day"),
        "P3: resolution target 5 working_days → 5 working_days",
    ),
    ("priorities.1.rank", 7, "P2: rank 2 → 7"),
    ("priorities.1.colour", "green", "P2: colour orange → green"),
    ("priorities.1.name", Text("П", "Half"), "P2: name Priority 2: partial failure → Half"),
    ("priorities.1.definition", Text("П", "Half"), "P2: the definition changed"),
    ("priorities.1.retired", True, "P2 is retired: open tickets keep it, no other gets it"),
    ("priorities", DEFAULT.priorities[:3], "Priorities: P4 is gone"),
    ("priorities", (*DEFAULT.priorities, msgspec.structs.replace(P2, code="P5")), "Priorities: P5 is new"),
    ("priorities.1.steps", P2.steps[:1], "P2: step at 80% is gone"),
    (
        "priorities.1.steps",
        (*P2.steps, Step(("supervisors",), minutes=60, raise_to="P1")),
        "P2: new step at +60m: supervisors, ↑ P1",
    ),
    (
        "priorities.1.steps.0",
        Step(("supervisors",), percent=50, reassign_to="boss@example.org"),
        "P2: step at 50%: assignee → supervisors, → boss@example.org",
    ),
    ("service_levels", DEFAULT.service_levels[:1], "Service levels: extended is gone"),
    (
        "service_levels.0",
        ServiceLevel("standard", DEFAULT.service_levels[0].name, {"P3": Target("working_days", 3)}),
        "standard, P3: resolution target as for the priority → 3 working_days",
    ),
    (
        "service_levels.1",
        msgspec.structs.replace(DEFAULT.service_levels[1], targets={"P1": Target("working_minutes", 120)}),
        "extended, P2: resolution target 6 working_hours → as for the priority",
    ),
    ("resolution.counts_from", "received", "The resolution clock counts from: the registration → the receipt"),
    (
        "resolution.on_priority_change",
        "from_now",
        "After a change of priority the target counts: from the start → from now",
    ),
    ("resolution.on_dispute", "restarts", "On a dispute: the clock goes on → the clock starts anew"),
    ("auto_close", Target("working_minutes", 1440), "Closing after silence: 24 hours → 24 working_hours"),
    ("minimum_minutes", 15, "Minimum booked time: 30 → 15 min"),
    ("required_fields", ("organisation", "email", "text"), "Required fields, removed: full_name, position, phone"),
    ("postponement_reasons", DEFAULT.postponement_reasons[1:], "Postponement reasons: not_reproducible is gone"),
    ("postponement_reasons.0.name", Text("а", "a"), "not_reproducible: the wording changed"),
    ("attachments.allowed", (*DEFAULT.attachments.allowed, "application/pdf"), "Files taken, added: application/pdf"),
    ("attachments.in_archives", (), "Files taken in archives, removed: image/bmp"),
    ("attachments.archives", ("application/zip",), "Archives taken, removed: application/vnd.rar"),
    ("attachments.largest_bytes", 10, "Largest file: 26214400 → 10 bytes"),
    (
        "canned_answers",
        (*DEFAULT.canned_answers, CannedAnswer("x", Text("", ""), Text("", ""))),
        "Canned answers: x is new",
    ),
    ("quiet_hours.enabled", False, "Quiet hours: yes → no"),
    ("quiet_hours.except_priorities", ("P1", "P2"), "Priorities without quiet hours, added: P2"),
    ("reminders", Reminders(DEFAULT.reminders.after[:1]), "Reminder 2 to the customer after: 5 working_days → never"),
    ("reminders.after.0", Target("working_days", 3), "Reminder 1 to the customer after: 2 → 3 working_days"),
    ("brakes.per_sender_day", 9, "Acceptance letters, to one sender in a day: 20 → 9"),
    ("level_by_address", False, "The sender's address gives the service level: yes → no"),
    ("examples", (), f"Example “{DEFAULT.examples[0].title}” is gone"),
    ("examples.0.priority", "P4", f"Example “{DEFAULT.examples[0].title}” changed"),
    ("examples", (*DEFAULT.examples, Example("Another", "P1", "", "")), "Example “Another” is new"),
    ("calendar.zone", "Asia/Omsk", "Time zone: Europe/Moscow → Asia/Omsk"),
    ("calendar.week.fri", (Interval("09:00", "16:45"),), "Friday: 09:00–18:00 → 09:00–16:45"),
    ("calendar.week.sat", (Interval("10:00", "14:00"),), "Saturday: day off → 10:00–14:00"),
    ("calendar.shortened", "minus_1h", "Shortened days: like any other → one hour shorter"),
    (
        "calendar.variant",
        "with_special",
        "Special non-working days: special days are working days → special days are days off",
    ),
    ("calendar.years", DEFAULT.calendar.years[:-1], "Calendar years, removed: 2027"),
]


@pytest.mark.parametrize(("path", "value", "sentence"), CASES)
def test_each_change_is_told_in_one_sentence(path: str, value: Any, sentence: str) -> None:
    assert [told for _place, told in told(changed(path, value))] == [sentence]


def test_the_way_back_is_told_too() -> None:
    new = changed("priorities.1.target", Target("working_minutes", 360))
    assert told(DEFAULT, new) == [("priorities.P2.target", "P2: resolution target 6 → 8 working_hours")]
    retired = changed("priorities.1.retired", True)
    assert told(DEFAULT, retired) == [("priorities.P2.retired", "P2 is back")]


def test_single_days_are_told_by_their_hours() -> None:

    overrides = {date(2026, 5, 4): (), date(2026, 5, 9): (Interval("10:00", "12:00"),)}
    assert told(changed("calendar.overrides", overrides)) == [
        ("calendar.2026-05-04", "2026-05-04: 09:00–18:00 → day off"),
        ("calendar.2026-05-09", "2026-05-09: day off → 10:00–12:00"),
    ]


def test_many_days_are_counted() -> None:

    overrides = {date(2026, 2, 2) + timedelta(days=n): () for n in range(MOST_DAYS * 2)}
    (only,) = told(changed("calendar.overrides", overrides))
    assert only[1].endswith("days have other hours")


def test_a_letter_is_named_with_its_language() -> None:
    letters = DEFAULT.letters | {"answer": DEFAULT.letters["answer"] | {"ru": Letter("s", "b")}}
    assert told(changed("letters", letters)) == [("letters.answer.ru", "Letter “answer” (ru) changed")]


@pytest.mark.parametrize("name", Regulation.__struct_fields__)
def test_no_part_of_the_document_changes_silently(name: str) -> None:
    covered = {path.partition(".")[0] for path, _value, _sentence in CASES} | {"letters"}
    assert name in covered
