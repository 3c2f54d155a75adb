"""What counts as a whole number, and what is far too large to ask the database about."""

import pytest

from service.whole_numbers import BIGINT, INTEGER, whole_number


@pytest.mark.parametrize(
    ("typed", "most", "number"),
    [
        ("0", BIGINT, 0),
        ("007", BIGINT, 7),
        ("2147483647", INTEGER, INTEGER),
        ("2147483648", INTEGER, None),
        ("9223372036854775807", BIGINT, BIGINT),
        ("9223372036854775808", BIGINT, None),
        ("9" * 5_000, BIGINT, None),  # Python itself refuses to read so many
        ("", BIGINT, None),
        (" 7", BIGINT, None),
        ("-7", BIGINT, None),
        ("+7", BIGINT, None),
        ("1_0", BIGINT, None),
        ("²", BIGINT, None),  # a digit to str.isdigit, none to int
        ("٣", BIGINT, None),
    ],
)
def test_only_ascii_digits_up_to_the_largest_are_a_number(typed: str, most: int, number: int | None) -> None:
    assert whole_number(typed, most=most) == number
