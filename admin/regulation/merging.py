"""Puts the fields one person touched into a draft that others change at the same time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from admin.regulation.fields import Errors, Filled
from workflow.regulation import Regulation

WAS: Final = "was."  # before the name of a touched field: what stood in it when it was shown
SHOWN: Final = "shown-"  # before the name of a tick: it was shown, so that its absence means cleared
# The rows of lists: what is wrong with one field keeps its whole row back, and no other.
ROW: Final = re.compile(
    r"(?P<list>(?:canned|reason|level|reminder)-\d+)-|(?P<step>step-.+-\d+)-"
    r"|(?:title|priority|service_level|start|due)-(?P<case>\d+)$"
)


class Form(Protocol):
    """What stands in the fields of a document, and the document that typed values make."""

    @property
    def values(self) -> Callable[[Regulation], dict[str, str]]: ...
    @property
    def filled(self) -> Callable[[Regulation, Mapping[str, str]], Filled]: ...


@dataclass(frozen=True, slots=True)
class Merged:
    """The document with every field that could be taken; `left` is what was typed into the others.

    `errors` say what is nonsense; `overrun` holds the fields that another person changed since, with what is there now.
    """

    document: Regulation
    errors: Errors
    overrun: Mapping[str, str]
    left: Mapping[str, str]


def merged(form: Form, document: Regulation, given: Mapping[str, str]) -> Merged:
    """`given` holds each touched field with what was typed, and under `was.<name>` what stood there before."""
    now = form.values(document)
    touched = {name.removeprefix(WAS): given.get(name.removeprefix(WAS), "") for name in given if name.startswith(WAS)}
    overrun = {
        name: there for name, value in touched.items() if (there := now.get(name, "")) not in (given[WAS + name], value)
    }
    wanted = {name: value for name, value in touched.items() if name not in overrun}
    filled = form.filled(document, _as_sent(wanted, given))
    left = {name: touched[name] for name in overrun}
    if filled.document is not None:
        return Merged(filled.document, {}, overrun, left)
    kept_back = _kept_back(wanted, filled.errors)
    rest = {name: value for name, value in wanted.items() if name not in kept_back}
    without = form.filled(document, _as_sent(rest, given)).document
    left |= kept_back if without is not None else wanted
    return Merged(without or document, filled.errors, overrun, left)


def _as_sent(fields: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The fields as a browser sends them: a tick that is not set is only said to have been shown."""
    ticks = {name for name in fields if f"{SHOWN}{name}" in given}
    sent = {name: value for name, value in fields.items() if name not in ticks or value}
    return sent | {f"{SHOWN}{name}": "1" for name in ticks}


def _kept_back(fields: Mapping[str, str], wrong: Iterable[str]) -> dict[str, str]:
    """The wrong fields, and those that stand in one row with a wrong one."""
    rows = {row_of(name) for name in wrong} - {""}
    return {name: value for name, value in fields.items() if name in wrong or row_of(name) in rows}


def row_of(name: str) -> str:
    """The row of a list that a field belongs to; '' for one that stands alone."""
    found = ROW.match(name)
    return next((one for one in found.groups() if one), "") if found else ""
