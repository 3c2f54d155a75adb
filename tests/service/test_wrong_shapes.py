"""What does not fit is named place by place, in the reader's language."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest

from service.wrong_shapes import MOST_TOLD, said, wrong_in_file, wrong_places


class Line(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=5)]
    amount: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1


class Order(msgspec.Struct, forbid_unknown_fields=True):
    customer: Line | None = None
    lines: Annotated[list[Line], msgspec.Meta(max_length=200)] = []
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET


def places(wanted: Any, raw: object) -> dict[str, str]:
    return {wrong.field: wrong.message for wrong in wrong_places(wanted, raw, "en")}


def test_every_place_of_a_nested_body_is_named_at_once() -> None:
    lines = [{"name": "a"}, {"name": "longer", "amount": 0}, {"amount": "two", "colour": "red"}, 5]
    assert places(Order, {"customer": {"name": ""}, "lines": lines, "tags": ["a", 1], "size": 3}) == {
        "customer.name": "Too short: the least number of characters is 1.",
        "lines.1.name": "Too long: the greatest number of characters is 5.",
        "lines.1.amount": "Too small: the least value is 1.",
        "lines.2.name": "Please fill this in.",
        "lines.2.amount": "Expected here: a whole number.",
        "lines.2.colour": "There is no such field. Known are: name, amount.",
        "lines.3": "Expected here: an object.",
        "tags.1": "Expected here: text.",
        "size": "There is no such field. Known are: customer, lines, tags.",
    }


def test_a_list_too_long_is_told_of_the_list_and_one_wrong_all_over_is_told_a_hundred_times() -> None:
    assert places(Order, {"lines": [{"name": "a"}] * 201}) == {"lines": "Too many: the greatest number here is 200."}
    assert len(wrong_places(Order, {"lines": [{}] * 500}, "en")) == MOST_TOLD


def test_what_fits_has_no_wrong_places() -> None:
    assert places(Order, {"customer": None, "lines": [{"name": "a", "amount": 1000}]}) == {}


MISFITS = [
    (int, "x"), (float, "x"), (bool, 1), (str, 1), (list[int], {}), (dict[str, int], []), (str | None, 1),
    (UUID, "x"), (date, "x"), (datetime, "x"), (Annotated[datetime, msgspec.Meta(tz=True)], "2026-05-04T10:00:00"),
    (Annotated[str, msgspec.Meta(min_length=3)], ""), (Annotated[str, msgspec.Meta(max_length=1)], "abc"),
    (Annotated[str, msgspec.Meta(pattern="^a$")], "b"), (Annotated[int, msgspec.Meta(ge=3)], 1),
    (Annotated[int, msgspec.Meta(le=3)], 4), (Annotated[list[int], msgspec.Meta(min_length=1)], []),
    (Annotated[list[int], msgspec.Meta(max_length=1)], [1, 2]), (Literal["ru", "en"], "de"), (datetime, 10**30),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "raw"), MISFITS, ids=lambda one: str(one)[:40])
def test_a_russian_reader_is_told_in_russian(wanted: Any, raw: object) -> None:
    (wrong,) = wrong_places(wanted, raw, "ru")
    assert re.search("[а-я]{3}", wrong.message)
    assert "`" not in wrong.message
    assert wrong.field == "body"


def test_the_values_to_choose_among_are_named() -> None:
    assert places(Literal["ru", "en"] | None, "de") == {"body": "One of these is wanted here: ru, en."}


def test_a_sentence_nobody_foresaw_is_no_riddle() -> None:
    assert said("Expected the moon", "en") == "This value is not possible here."


class House(msgspec.Struct):
    rooms: tuple[Line, ...]
    doors: dict[str, dict[str, Line]] = {}


def test_places_inside_tuples_and_maps_are_named_too() -> None:
    raw = {"rooms": [{"name": "a"}, {"name": 1}], "doors": {"front": {"left": {"name": "a", "amount": 0}}}}
    assert places(House, raw) == {
        "rooms.1.name": "Expected here: text.",
        "doors.front.left.amount": "Too small: the least value is 1.",
    }


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'{"rooms": 5}', "rooms: Здесь ожидается: список."),
        (b"[]", "Здесь ожидается: объект."),
        (b'{"rooms": }', "Это перестаёт быть JSON после байта 10."),
        (b'{"rooms": [', "Данные обрываются раньше, чем кончается JSON."),
        (b'{"a": "\xff"}', "Это не JSON в кодировке UTF-8."),
        (b"[" * 100_000, "Это не JSON в кодировке UTF-8."),
    ],
)
def test_a_file_that_does_not_fit_is_told_in_the_language_of_its_reader(data: bytes, told: str) -> None:
    assert wrong_in_file(House, data, "ru") == told
