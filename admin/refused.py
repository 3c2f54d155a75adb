"""A refusal in words: in one line for a flash or a report, or sentence by sentence beside the fields of its form."""

from collections.abc import Iterable

from service.problems import told
from service.words import Language
from workflow.errors import FieldError, Refusal, WrongFields


def said(refusal: Refusal, language: Language) -> str:
    """Every wrong field where fields are wrong, else the sentence of the refusal."""
    parts = refusal.errors if isinstance(refusal, WrongFields) else ()
    return " ".join(told(one, language) for one in parts) or told(refusal, language)


def beside(refusal: Refusal, language: Language, *, otherwise: str = "") -> dict[str, str]:
    """What is said beside each field, one sentence a line; a refusal that names no field stands at `otherwise`."""
    errors = refusal.errors if isinstance(refusal, WrongFields) else ()
    return by_field(errors, language) or {otherwise: told(refusal, language)}


def by_field(errors: Iterable[FieldError], language: Language) -> dict[str, str]:
    """What is wrong with each field, one sentence a line."""
    sentences: dict[str, list[str]] = {}
    for one in errors:
        sentences.setdefault(one.field, []).append(told(one, language))
    return {field: "\n".join(found) for field, found in sentences.items()}
