"""Where a body does not fit the type that was wanted: every place at once, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from service.words import Language, number, translate
from workflow.errors import FieldError, WrongFields
from workflow.words import _

WHOLE = "body"
MOST_TOLD = 100
MOST_OF_A_FILE = 3  # places named in one sentence

# What msgspec calls the types, and what people who send JSON call them.
KINDS: Mapping[str, str] = {
    "str": _("text"),
    "int": _("a whole number"),
    "float": _("a number"),
    "bool": _("true or false"),
    "array": _("a list"),
    "object": _("an object"),
    "uuid": _("an id (UUID)"),
    "date": _("a date"),
    "datetime": _("an instant"),
    "null": "null",
}

MISSING = _("Please fill this in.")
NO_SUCH_FIELD = _("There is no such field. Known are: {fields}.")
EXPECTED = _("Expected here: {wanted}.")
IMPOSSIBLE = _("This value is not possible here.")
ONE_OF = _("One of these is wanted here: {known}.")

# msgspec tells a misfit in one English sentence; these are its sentences, and what we say for each.
KIND = re.compile(r"Expected `([^`]+)`, got `")
SENTENCES: Mapping[re.Pattern[str], str] = {
    re.compile(pattern): sentence
    for pattern, sentence in {
        r"Expected `str` of length >= (?P<n>\d+)": _("Too short: the least number of characters is {n}."),
        r"Expected `str` of length <= (?P<n>\d+)": _("Too long: the greatest number of characters is {n}."),
        r"Expected `(array|object)` of length >= (?P<n>\d+)": _("Too few: the least number here is {n}."),
        r"Expected `(array|object)` of length <= (?P<n>\d+)": _("Too many: the greatest number here is {n}."),
        r"Expected `int` >= (?P<n>-?\d+)": _("Too small: the least value is {n}."),
        r"Expected `int` <= (?P<n>-?\d+)": _("Too great: the greatest value is {n}."),
        r"Expected `str` matching": _("There are characters here that are not taken."),
        r"Expected `datetime` with a timezone": _("An instant needs its zone: 2026-05-04T10:00:00+03:00."),
        r"Invalid (RFC3339 encoded datetime|epoch)": _("Expected here: an instant as 2026-05-04T10:00:00+03:00."),
        r"Invalid RFC3339 encoded date": _("Expected here: a date as 2026-05-04."),
        r"Invalid UUID": _("Expected here: an id (UUID)."),
        r"(Integer value|Number) out of range|Timestamp is out of range": _("This number is too great."),
    }.items()
}


NO_JSON = _("This is not JSON in UTF-8.")
BROKEN_JSON: Mapping[re.Pattern[str], str] = {
    re.compile(r".*\(byte (?P<n>\d+)\)"): _("This stops being JSON after {n} bytes."),
    re.compile(r"Input data was truncated"): _("This ends before the JSON does."),
}


class Wrong(msgspec.Struct, frozen=True):
    """What is wrong with one field; `field` is its path with dots: `tickets.3.subject`."""

    field: str
    message: str


def wrong_places(wanted: Any, raw: object, language: Language) -> list[Wrong]:
    """The first hundred places of `raw` (JSON, decoded) that are missing, unknown or of another type than `wanted`."""
    return list(islice(_walked(wanted, raw, language, ""), MOST_TOLD))


class Misfit(msgspec.Struct, frozen=True):
    """A value that does not fit the type `wanted`, as msgspec tells it."""

    field: str
    wanted: Any
    told: str


class Misread(WrongFields):
    """Parameters of an address that mean nothing, and those that are of another type than is wanted."""

    def __init__(self, errors: Sequence[FieldError], misfits: Sequence[Misfit]) -> None:
        self._misfits = misfits
        super().__init__(errors)

    def misfits(self, language: Language) -> list[Wrong]:
        return [Wrong(one.field, said(one.told, language, wanted=one.wanted)) for one in self._misfits]


class Misshapen(WrongFields):
    """What was given as `field` does not fit the type that was wanted."""

    def __init__(self, field: str, wanted: Any, raw: object) -> None:
        self._given = field, wanted, raw
        super().__init__(())

    def places(self, language: Language) -> list[Wrong]:
        field, wanted, raw = self._given
        return [Wrong(_inside(field, one.field), one.message) for one in wrong_places(wanted, raw, language)]


def _inside(field: str, place: str) -> str:
    return field if place == WHOLE else _joined(field, place)


def wrong_in_file(
    wanted: Any, data: bytes, language: Language, *, opened: Callable[[Any], Any] = lambda raw: raw
) -> str:
    """The first places of a JSON file that do not fit, in a sentence; `opened` finds what is wanted in it."""
    try:
        raw = opened(msgspec.json.decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        return _no_json(str(broken), language)
    told = wrong_places(wanted, raw, language)[:MOST_OF_A_FILE]
    return " ".join(one.message if one.field == WHOLE else f"{one.field}: {one.message}" for one in told)


def _no_json(broken: str, language: Language) -> str:
    for pattern, sentence in BROKEN_JSON.items():
        if match := pattern.match(broken):
            return translate(language, sentence, **match.groupdict())
    return translate(language, NO_JSON)


def said(misfit: str, language: Language, *, wanted: Any = None) -> str:
    """What msgspec says of a misfit, for people; `wanted` is the type, whose values are then named."""
    if kinds := KIND.match(misfit):
        named = (translate(language, KINDS.get(one, one)) for one in kinds[1].split(" | "))
        return translate(language, EXPECTED, wanted=" / ".join(named))
    if misfit.startswith("Invalid enum value") and (known := _values(wanted)):
        return translate(language, ONE_OF, known=", ".join(known))
    for pattern, sentence in SENTENCES.items():
        if match := pattern.match(misfit):
            numbers = {name: number(language, int(value)) for name, value in match.groupdict().items()}
            return translate(language, sentence, **numbers)
    return translate(language, IMPOSSIBLE)


# --- the parts --------------------------------------------------------------------------------------------------------


def _walked(wanted: Any, raw: object, language: Language, at: str) -> Iterator[Wrong]:
    """What is wrong inside `raw`, or else with `raw` as a whole."""
    fitting: Any = next((one for one in _alternatives(wanted) if _may_hold(one, raw)), None)
    inside: Iterator[Wrong] = iter(())
    if _is_struct(fitting) and isinstance(raw, Mapping):
        inside = _in_struct(fitting, raw, language, at)
    elif get_origin(fitting) in (list, tuple) and isinstance(raw, list):
        item = get_args(fitting)[0]
        inside = (wrong for i, one in enumerate(raw) for wrong in _walked(item, one, language, _joined(at, str(i))))
    elif get_origin(fitting) is dict and isinstance(raw, Mapping):
        item = get_args(fitting)[1]
        inside = (wrong for name, one in raw.items() for wrong in _walked(item, one, language, _joined(at, name)))
    found = False
    for wrong in inside:
        found = True
        yield wrong
    if found:
        return
    try:
        msgspec.convert(raw, wanted, str_keys=True)
    except (msgspec.ValidationError, ValueError, OverflowError) as misfit:
        yield Wrong(at or WHOLE, said(str(misfit), language, wanted=wanted))


def _in_struct(struct: type[msgspec.Struct], raw: Mapping[str, Any], language: Language, at: str) -> Iterator[Wrong]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name, field in fields.items():
        if name in raw:
            yield from _walked(field.type, raw[name], language, _joined(at, name))
        elif field.required:
            yield Wrong(_joined(at, name), translate(language, MISSING))
    if struct.__struct_config__.forbid_unknown_fields:
        known = ", ".join(fields)
        for name in (name for name in raw if name not in fields):
            yield Wrong(_joined(at, name), translate(language, NO_SUCH_FIELD, fields=known))


def _joined(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _alternatives(wanted: Any) -> Iterator[Any]:
    """The types that `wanted` may be, without their annotations."""
    origin = get_origin(wanted)
    if origin is Annotated:
        yield from _alternatives(get_args(wanted)[0])
    elif origin in (Union, UnionType):
        for one in get_args(wanted):
            yield from _alternatives(one)
    else:
        yield wanted


def without_none(wanted: Any) -> Any:
    """The type of a value that is there, of one that need not be."""
    if get_origin(wanted) not in (Union, UnionType):
        return wanted
    return Union[tuple(one for one in get_args(wanted) if one is not type(None))]  # noqa: UP007  made here


def _may_hold(wanted: Any, raw: object) -> bool:
    if isinstance(raw, list):
        return get_origin(wanted) is list or get_args(wanted)[1:] == (Ellipsis,)
    return isinstance(raw, Mapping) and (_is_struct(wanted) or get_origin(wanted) is dict)


def _values(wanted: Any) -> list[str]:
    """The values of the literals that `wanted` may be."""
    return [str(value) for one in _alternatives(wanted) if get_origin(one) is Literal for value in get_args(one)]


def _is_struct(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, msgspec.Struct)
