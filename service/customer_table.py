"""A table of customers as people write it: from a spreadsheet, in either language, each line told what is wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Set
from datetime import date, datetime
from typing import Final

import msgspec

from service.directory import LONGEST, LONGEST_NAME, domain, like_an_address
from service.words import LANGUAGES
from workflow.errors import FieldError, WrongFields
from workflow.words import _

COLUMNS: Final = (
    "organisation", "domains", "contract", "products", "service_level", "starts_on", "ends_on", "full_name",
    "position", "phone", "email", "language",
)  # fmt: skip
# What the heads of Russian tables say.
ALSO_CALLED: Final[Mapping[str, str]] = {
    "организация": "organisation", "наименование": "organisation", "домены": "domains", "договор": "contract",
    "номер договора": "contract", "контракт": "contract", "продукты": "products", "продукция": "products",
    "уровень": "service_level", "уровень обслуживания": "service_level", "начало": "starts_on",
    "действует с": "starts_on", "окончание": "ends_on", "действует по": "ends_on", "фио": "full_name",
    "ф. и. о.": "full_name", "ф.и.о.": "full_name", "должность": "position", "телефон": "phone", "почта": "email",
    "e-mail": "email", "эл. почта": "email", "адрес": "email", "язык": "language",
}  # fmt: skip
MOST_ROWS: Final = 5_000
MOST_FAULTS: Final = 20  # told at once
LONGEST_TABLE: Final = 2_000_000  # characters


class Line(msgspec.Struct, frozen=True):
    """One row of the table; `n` is its line in the file. A cell that is empty or missing says nothing."""

    n: int
    cells: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


def read_table(text: str, *, levels: Set[str]) -> list[Line]:
    """The rows of a table with a head; `levels` are those of the regulation. Raises WrongFields naming bad lines."""
    text = text.lstrip("\ufeff").replace("\x00", "")
    if len(text) > LONGEST_TABLE:
        raise _wrong(_("This is too long: at most {most} characters."), most=str(LONGEST_TABLE))
    head = text.partition("\n")[0]
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=max(",;\t", key=head.count)))
    except csv.Error:
        raise _wrong(_("This is no table: a quotation mark is not closed, or a line ends within a cell.")) from None
    names = [ALSO_CALLED.get(name := cell.strip().lower(), name) for cell in rows[0]] if rows else []
    if "organisation" not in names or (unknown := set(names) - set(COLUMNS)):
        told = ", ".join(sorted(unknown)) if "organisation" in names else "—"
        sentence = _("The first line names the columns: {columns}. Not known: {unknown}.")
        raise _wrong(sentence, columns=", ".join(COLUMNS), unknown=told)
    lines = [
        Line(n, {name: " ".join(cell.split()) for name, cell in zip(names, row, strict=False)})
        for n, row in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in row)
    ]
    if len(lines) > MOST_ROWS:
        raise _wrong(_("At most {most} rows at once."), most=str(MOST_ROWS))
    if errors := [error for line in lines for error in _faults(line, levels)] or list(_contradictions(lines)):
        raise WrongFields(errors[:MOST_FAULTS])
    return lines


def _wrong(sentence: str, **params: str) -> WrongFields:
    return WrongFields([FieldError("table", sentence, params)])


def _faults(line: Line, levels: Set[str]) -> Iterator[FieldError]:
    n = {"n": str(line.n)}
    if not line["organisation"]:
        yield FieldError("table", _("Line {n}: the organisation is missing."), n)
    if any(len(cell) > LONGEST.get(name, LONGEST_NAME) for name, cell in line.cells.items() if name != "domains"):
        yield FieldError("table", _("Line {n}: a value is too long."), n)
    if line["email"] and not like_an_address(line["email"]):
        yield FieldError("table", _("Line {n}: “{value}” is not a mail address."), n | {"value": line["email"][:100]})
    if line["email"] and not line["full_name"]:
        yield FieldError("table", _("Line {n}: the person has no name."), n)
    if line["language"].lower() not in ("", *LANGUAGES):
        yield FieldError("table", _("Line {n}: the language is ru or en."), n)
    yield from _contract_faults(line, levels)
    for one in domains_of(line):
        try:
            domain(one)
        except WrongFields as wrong:
            yield from wrong.errors


def _contract_faults(line: Line, levels: Set[str]) -> Iterator[FieldError]:
    n = {"n": str(line.n)}
    for name in ("starts_on", "ends_on"):
        if line[name] and day_of(line[name]) is None:
            sentence = _("Line {n}: “{value}” is not a date like 2026-05-18.")
            yield FieldError("table", sentence, n | {"value": line[name][:100]})
    starts_on, ends_on = day_of(line["starts_on"]), day_of(line["ends_on"])
    if line["contract"] and not line["starts_on"]:
        yield FieldError("table", _("Line {n}: the contract has no first day."), n)
    if starts_on and ends_on and ends_on < starts_on:
        yield FieldError("table", _("Line {n}: the contract ends before it begins."), n)
    if line["service_level"] and line["service_level"] not in levels:
        sentence = _("Line {n}: there is no service level “{value}”; there are {levels}.")
        told = {"value": line["service_level"], "levels": ", ".join(sorted(levels))}
        yield FieldError("table", sentence, n | told)


# What the lines of one contract, and of one person, say of it.
SAID_ONCE: Final[Mapping[str, tuple[str, ...]]] = {
    "contract": ("organisation", "products", "service_level", "starts_on", "ends_on"),
    "email": ("organisation", "full_name", "position", "phone", "language"),
}


def _contradictions(lines: list[Line]) -> Iterator[FieldError]:
    """Lines that tell one thing in two ways: what is shown of them before could not be what is done."""
    for key, names in SAID_ONCE.items():
        told: dict[tuple[str, str], tuple[object, int]] = {}
        for line in (one for one in lines if one[key]):
            value = _meaning(key, line)
            for name in (one for one in names if line[one]):
                meaning, first = told.setdefault((str(value), name), (_meaning(name, line), line.n))
                if meaning != _meaning(name, line):
                    named = {"n": str(line.n), "value": str(value), "first": str(first)}
                    yield FieldError("table", _("Line {n}: {value} is told otherwise in line {first}."), named)
                    break


def _meaning(name: str, line: Line) -> object:
    """What a cell says, however it is written."""
    if name in ("starts_on", "ends_on"):
        return day_of(line[name])
    if name == "products":
        return products_of(line)
    return line[name].lower() if name in ("organisation", "email", "language") else line[name]


def products_of(line: Line) -> list[str]:
    return [one.strip() for one in line["products"].split(",") if one.strip()]


def day_of(value: str) -> date | None:
    """A day as machines write it, or as people in Russia do."""
    for form in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            return datetime.strptime(value, form).date()  # noqa: DTZ007  a day has no zone
        except ValueError:
            continue
    return None


def domains_of(line: Line) -> list[str]:
    return [one.lower().removeprefix("@") for one in line["domains"].replace(",", " ").replace(";", " ").split()]
