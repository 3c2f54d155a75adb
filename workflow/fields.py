"""What a move carries is checked here: every wrong field at once, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from workflow.definition import Field, Kind
from workflow.errors import NOT_AMONG, FieldError, WrongFields
from workflow.words import _

LONGEST_TEXT = 100_000
LONGEST_WORD = 500
MOST_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be chosen now: codes of the regulation in force for this ticket, and the least booked time (5.2)."""

    priorities: Collection[str]
    reasons: Collection[str]
    outcomes: Collection[str]
    minimum_minutes: int
    now: datetime


class _Wrong(Exception):
    """A value does not do; carries the sentence and its parameters."""

    def __init__(self, sentence: str, **params: str) -> None:
        self.sentence = sentence
        self.params = params
        super().__init__(sentence)


def checked(fields: tuple[Field, ...], given: Mapping[str, object], choices: Choices) -> dict[str, object]:
    """`given` with texts stripped, minutes raised to the minimum and instants parsed; absent optional fields left out.

    Raises WrongFields naming every field that is missing, malformed, not among its choices, or unknown to the move.
    """
    errors: list[FieldError] = []
    values: dict[str, object] = {}
    for field in fields:
        raw = given.get(field.name)
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            if field.required:
                errors.append(FieldError(field.name, _("Please fill this in."), {}))
            continue
        try:
            values[field.name] = _CHECKS[field.kind](raw, field, choices)
        except _Wrong as wrong:
            errors.append(FieldError(field.name, wrong.sentence, wrong.params))
    known = {field.name for field in fields}
    takes = ", ".join(field.name for field in fields) or "–"
    errors += [
        FieldError(name, _("This move has no such field. It takes: {fields}."), {"fields": takes})
        for name in given
        if name not in known
    ]
    if errors:
        raise WrongFields(errors)
    return values


def _text(raw: object, field: Field, _choices: Choices, *, longest: int = LONGEST_TEXT) -> str:
    if not isinstance(raw, str):
        raise _Wrong(_("This must be a text."))
    text = raw.replace("\x00", "\N{REPLACEMENT CHARACTER}").replace("\r\n", "\n").strip()
    if len(text) > longest:
        raise _Wrong(_("This is too long: at most {most} characters."), most=str(longest))
    return text


def _word(raw: object, field: Field, choices: Choices) -> str:
    word = " ".join(_text(raw, field, choices, longest=LONGEST_WORD).split())
    return _among(word, [code for code, _label in field.choices]) if field.choices else word


def _among(code: str, codes: Collection[str]) -> str:
    if code not in codes:
        raise _Wrong(NOT_AMONG, value=code, choices=", ".join(codes))
    return code


def _minutes(raw: object, _field: Field, choices: Choices) -> int:
    """Whole minutes; below the minimum they are raised to it (clause 5.2: a floor, not a step)."""
    if isinstance(raw, str) and raw.strip().isascii() and raw.strip().isdigit():
        raw = int(raw.strip()[:9])
    if isinstance(raw, bool) or not isinstance(raw, int) or not 0 <= raw <= MOST_MINUTES:
        raise _Wrong(_("Give whole minutes, from 0 to {most}."), most=str(MOST_MINUTES))
    return max(raw, choices.minimum_minutes)


def _instant(raw: object, _field: Field, choices: Choices) -> datetime:
    try:
        instant = raw if isinstance(raw, datetime) else datetime.fromisoformat(str(raw).strip())
    except ValueError:
        raise _Wrong(_("Give a date and time such as 2026-05-04T11:10+03:00.")) from None
    if instant.tzinfo is None:
        raise _Wrong(_("The time needs its zone, such as 2026-05-04T11:10+03:00."))
    if instant <= choices.now:
        raise _Wrong(_("This must lie in the future."))
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise _Wrong(_("Give a date and time such as 2026-05-04T11:10+03:00.")) from None


def _priority(raw: object, field: Field, choices: Choices) -> str:
    return _among(_text(raw, field, choices, longest=LONGEST_WORD), choices.priorities)


def _reason(raw: object, field: Field, choices: Choices) -> str:
    return _among(_text(raw, field, choices, longest=LONGEST_WORD), choices.reasons)


def _outcome(raw: object, field: Field, choices: Choices) -> str:
    return _among(_text(raw, field, choices, longest=LONGEST_WORD), choices.outcomes)


def _files(raw: object, _field: Field, _choices: Choices) -> object:
    """The facts of each file; what they are, whoever kept the files says."""
    if not isinstance(raw, list):
        raise _Wrong(_("Give the ids of files on this ticket as a list."))
    return raw


def _as_given(raw: object, _field: Field, _choices: Choices) -> object:
    return raw


_CHECKS: Mapping[Kind, Callable[[object, Field, Choices], object]] = {
    Kind.TEXT: _text,
    Kind.WORD: _word,
    Kind.MINUTES: _minutes,
    Kind.PRIORITY: _priority,
    Kind.REASON: _reason,
    Kind.OUTCOME: _outcome,
    Kind.DELIVERY: _word,
    Kind.RELATION: _word,
    Kind.INSTANT: _instant,
    Kind.USER: _word,
    Kind.TICKET: _word,
    Kind.MESSAGE: _word,
    Kind.ORGANISATION: _word,
    Kind.CONTACT: _word,
    Kind.FILES: _files,
    Kind.DATA: _as_given,
}
