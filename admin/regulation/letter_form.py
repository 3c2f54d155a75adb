"""One letter in a form: subject and text in both languages, refused where they cannot be rendered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from admin.regulation.fields import Errors, Filled, changed
from service.letter_language import faults_of
from service.words import LANGUAGES
from workflow.regulation import Letter, Regulation
from workflow.words import _

PARTS: Final = ("subject", "body")


def letter_values(kind: str, regulation: Regulation) -> dict[str, str]:
    """What stands in the fields of this letter."""
    letters = regulation.letters.get(kind, {})
    return {
        f"{part}-{language}": getattr(letters[language], part) if language in letters else ""
        for language in LANGUAGES
        for part in PARTS
    }


def letter_filled(kind: str, regulation: Regulation, given: Mapping[str, str]) -> Filled:
    """The document with this letter as typed; of several faults of a field the first is told."""
    values = letter_values(kind, regulation) | dict(given)
    typed: dict[str, Letter] = {language: letter_of(values, language) for language in LANGUAGES}
    errors = _errors(typed)
    letters = regulation.letters | {kind: typed}
    return Filled(None if errors else changed(regulation, letters=letters), errors)


def letter_of(values: Mapping[str, str], language: str) -> Letter:
    """The letter in one language, as it stands in the fields."""
    return Letter(values[f"subject-{language}"].strip(), values[f"body-{language}"])


def _errors(typed: Mapping[str, Letter]) -> Errors:
    errors: Errors = {}
    for language, letter in typed.items():
        for part, found in faults_of(letter).items():
            if not getattr(letter, part).strip():
                errors[f"{part}-{language}"] = (_("This must not be empty."), {})
            elif found:
                errors[f"{part}-{language}"] = found[0]
    return errors
