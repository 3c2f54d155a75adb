"""The command that says when a promise is due, and why."""

import json
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from service.deadline_command import deadline
from workflow.regulation import default_regulation, dump

CASES = (Path(__file__).parents[1] / "workflow" / "deadline_cases.jsonl").read_bytes()
MONDAY = "2026-11-23T10:00:00+03:00"


def run(*arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(deadline, arguments, input=stdin, catch_exceptions=False)


def answers(*lines: bytes) -> list[dict[str, object]]:
    result = run("--batch", stdin=b"\n".join(lines))
    assert result.exit_code == 0
    return [json.loads(line) for line in result.stdout.splitlines()]


def a_case(**changes: object) -> bytes:
    case = {"id": "A", "start": MONDAY, "kind": "working_minutes", "amount": 60, **changes}
    return json.dumps(case).encode()


def test_all_worked_cases_pass_through_the_batch() -> None:
    expected = [
        {"id": case["id"]} | ({"error": case["error"]} if "error" in case else {"deadline": case["expected"]})
        for case in map(json.loads, CASES.splitlines())
    ]
    assert answers(CASES) == expected


@pytest.mark.parametrize(
    ("case", "error"),
    [
        (a_case(start="2026-11-23T10:00:00"), "naive_timestamp"),
        (a_case(start="2025-02-29T10:00:00Z"), "bad_timestamp"),
        (a_case(start=None), "bad_timestamp"),
        (a_case(start=1700000000), "bad_timestamp"),
        (a_case(amount=-1), "bad_amount"),
        (a_case(amount=True), "bad_amount"),
        (a_case(amount=60.0), "bad_amount"),
        (a_case(amount="60"), "bad_amount"),
        (a_case(amount=None), "bad_amount"),
        (a_case(kind="working_days", amount=0), "bad_amount"),
        (a_case(kind="calendar_minutes", amount=10**40), "bad_amount"),
        (a_case(amount=10**40), "calendar_out_of_range"),
        (a_case(start="2031-01-01T00:00:00Z"), "calendar_out_of_range"),
        (a_case(kind="moon_phases"), "bad_case"),
        (a_case(kind=["working_days"]), "bad_case"),
        (a_case(kind="working_days", day_mode="soon"), "bad_case"),
        (a_case(variant="none"), "bad_calendar"),
        (a_case(hours=[["9", "18"]]), "bad_calendar"),
        (a_case(hours=[["09:00", "13:00"], ["12:00", "18:00"]]), "bad_calendar"),
        (a_case(overrides={"yesterday": []}), "bad_calendar"),
        (a_case(overrides={"9999-12-31": []}), "bad_calendar"),
        (a_case(overrides=[1]), "bad_calendar"),
    ],
)
def test_a_case_that_cannot_be_answered_names_its_error(case: bytes, error: str) -> None:
    assert answers(case) == [{"id": "A", "error": error}]


def test_a_line_that_is_no_case_gets_an_error_and_the_next_one_its_answer() -> None:
    nested = b"[" * 100_000
    broken = [b"{", b"5", b"null", b"\xff\xfe", b'{"id": NaN}', nested, b'{"amount": ' + b"1" * 5000 + b"}"]
    found = answers(*broken, b"", a_case())
    assert found[:-1] == [{"id": None, "error": "bad_case"}] * len(broken)
    assert found[-1] == {"id": "A", "deadline": "2026-11-23T08:00:00Z"}


def test_policies_of_one_case_do_not_leak_into_the_next() -> None:
    found = answers(
        a_case(overrides={"2026-11-23": []}),
        a_case(),
        a_case(hours=[["12:00", "18:00"]]),
        a_case(),
    )
    assert [answer["deadline"] for answer in found] == [
        "2026-11-24T07:00:00Z",
        "2026-11-23T08:00:00Z",
        "2026-11-23T10:00:00Z",
        "2026-11-23T08:00:00Z",
    ]


def test_an_id_is_given_back_as_it_came() -> None:
    assert [answer["id"] for answer in answers(a_case(id=7), a_case(id="Ж\ud800"), a_case(id=None))] == [
        7,
        "Ж\ud800",
        None,
    ]


def says(result: Result, lines: Iterable[str]) -> None:
    assert result.exit_code == 0, result.output
    for line in lines:
        assert line in result.stdout.splitlines()


def test_the_passport_counts_skips_and_sums() -> None:
    says(
        run("2026-04-30T16:30+03:00", "P3"),
        [
            "Deadline   Fri 2026-05-08 16:30:00+03:00 Europe/Moscow  =  2026-05-08T13:30:00Z",
            "Rule       P3: 5 working days, same_time",
            "Calendar   RU 2016–2027, Europe/Moscow",
            "Counted    Thu 2026-04-30 16:30–18:00: 1:30, ordinary",
            "Skipped    Fri 2026-05-01: holiday",
            "Skipped    Sat 2026-05-02 – Sun 2026-05-03: weekend",
            "Counted    Fri 2026-05-08 09:00–16:30: 7:30, ordinary",
            "Sum        45:00 of working time",
        ],
    )


@pytest.mark.parametrize(
    ("target", "due"),
    [
        ("90wm", "2026-11-23T08:30:00Z"),
        ("4wh", "2026-11-23T11:00:00Z"),
        ("5wd", "2026-11-30T07:00:00Z"),
        ("90m", "2026-11-23T08:30:00Z"),
        ("24h", "2026-11-24T07:00:00Z"),
        ("2d", "2026-11-25T07:00:00Z"),
        ("P1", "2026-11-23T11:00:00Z"),
        ("P2", "2026-11-23T15:00:00Z"),
        ("P4", "2026-12-07T07:00:00Z"),
        ("REGISTRATION", "2026-11-23T10:00:00Z"),
        ("autoclose", "2026-11-24T07:00:00Z"),
    ],
)
def test_a_target_is_an_amount_or_a_code_of_the_regulation(target: str, due: str) -> None:
    assert run(MONDAY, target).stdout.splitlines()[0].endswith(f"=  {due}")
    assert run(MONDAY, "--rule", target).stdout.splitlines()[0].endswith(f"=  {due}")


def test_the_rule_is_a_label_beside_a_target() -> None:
    says(run(MONDAY, "4wh", "--rule", "P1"), ["Rule       P1: 4:00 of working time", "Sum        4:00 of working time"])


def test_hours_overrides_and_day_modes_can_be_given() -> None:
    says(
        run(MONDAY, "4wh", "--hours", "09:00-13:00,14:00-18:00", "--override", "2026-11-23=off"),
        ["Skipped    Mon 2026-11-23: override", "Counted    Tue 2026-11-24 09:00–13:00: 4:00, ordinary"],
    )
    says(
        run("2026-11-02T17:30:00.000001+03:00", "1wd", "--day-mode", "end_of_day", "--shortened", "minus_1h"),
        [
            "Counted    Mon 2026-11-02 17:30:00.000001–18:00: 0:29:59.999999, ordinary",
            "Counted    Tue 2026-11-03 09:00–17:00: 8:00, shortened",
        ],
    )


def test_an_exported_regulation_can_take_the_place_of_the_default_one(tmp_path: Path) -> None:
    regulation = default_regulation()
    calendar = msgspec.structs.replace(regulation.calendar, version="ours", zone="Asia/Omsk")
    exported = tmp_path / "regulation.json"
    exported.write_bytes(dump(msgspec.structs.replace(regulation, calendar=calendar)))
    says(run(MONDAY, "P1", "--regulation", str(exported)), ["Calendar   ours, Asia/Omsk"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("2027-12-31T17:30+03:00", "1wh"), "The working calendar of 2028 is not loaded. (calendar_out_of_range)"),
        (("2026-11-23T10:00", "1wh"), "names no zone"),
        (("today", "1wh"), "today is not a time. (bad_timestamp)"),
        ((MONDAY, "0wd"), "(bad_amount)"),
        ((MONDAY, "soon"), "neither an amount"),
        ((MONDAY,), "START and TARGET are needed"),
        ((MONDAY, "1wh", "--batch"), "takes no arguments"),
        ((MONDAY, "1wh", "--override", "2026-11-23=9-18"), "(bad_calendar)"),
    ],
)
def test_what_cannot_be_answered_is_said_in_a_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    result = run(*arguments)
    assert result.exit_code != 0
    assert sentence in result.stderr


def test_a_file_that_is_no_regulation_is_said_in_a_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "regulation.json"
    broken.write_text("{}")
    result = run(MONDAY, "P1", "--regulation", str(broken))
    assert result.exit_code == 1
    assert "is not a regulation" in result.stderr
