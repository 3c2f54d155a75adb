"""The WHERE of a list: conditions as they are asked for, their values numbered as they come."""

from __future__ import annotations

from typing import Any


class Where:
    """Conditions that all hold; a value stands in a condition as `{}` or `{0}`."""

    def __init__(self) -> None:
        self.conditions: list[str] = []
        self.values: list[Any] = []

    def add(self, condition: str, *values: Any) -> None:
        first = len(self.values) + 1
        self.conditions.append(condition.format(*(f"${first + n}" for n in range(len(values)))))
        self.values += values

    @property
    def sql(self) -> str:
        return f"WHERE {' AND '.join(self.conditions)}" if self.conditions else ""


def like(words: str) -> str:
    """The pattern of LIKE for texts that hold `words` as they stand."""
    plain = words.replace("\x00", " ").strip().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{plain}%"
